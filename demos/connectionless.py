# A client sends to a port where nobody listens: does it notice?
import errno, socket

def seen(call, *arguments):
    try:
        return call(*arguments)
    except BlockingIOError:
        return "nothing"
    except OSError as error:
        return f"{errno.errorcode[error.errno]} {error.errno}"

# A socket that is connected to itself holds its port, and nobody listens there.
nobody = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
nobody.bind(("127.0.0.1", 0))
nobody.connect(nobody.getsockname())

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("send-to-nobody:", client.sendto(b"hello", nobody.getsockname()))
client.setblocking(False)
print("unconnected-hears:", seen(client.recvfrom, 1024))

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(5)
client.connect(nobody.getsockname())
client.send(b"hello")
print("connected-hears:", seen(client.recv, 1024))

no_listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
no_listener.bind(("127.0.0.1", 0))
print("tcp-to-nobody:", seen(socket.socket().connect, no_listener.getsockname()))
