# Nobody listens. Who receives an error, at which call, and what does it cost?
import errno, socket

def said(call, *arguments):
    try:
        return call(*arguments)
    except BlockingIOError:
        return "nothing"
    except OSError as error:
        return f"{errno.errorcode[error.errno]} {error.errno}"

def nobody():
    # Connected to itself, it keeps the port and takes what nobody else can send.
    guard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    guard.bind(("127.0.0.1", 0))
    guard.connect(guard.getsockname())
    return guard

client, port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), nobody()
client.sendto(b"hello", port.getsockname())
print("unconnected-error:", said(client.recv, 1024, socket.MSG_DONTWAIT))
client.connect(port.getsockname())
client.send(b"hello")
print("next-receive:", said(client.recv, 1024))
client.send(b"one")
port.connect(client.getsockname())  # Now somebody listens.
print("reporting-send:", said(client.send, b"two"))
client.send(b"three")
print("server-receives:", f'"{port.recv(1024).decode()}"')
