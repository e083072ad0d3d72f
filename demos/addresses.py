# Where does a client's port come from, and when is it free again?
import errno, socket

def bound(kind, address):
    try:
        socket.socket(socket.AF_INET, kind).bind(address)
        return "success"
    except OSError as error:
        return f"{errno.errorcode[error.errno]} {error.errno}"

def server():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    return server

udp, client = server(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for message in [b"one", b"two", b"three"]:
    client.sendto(message, udp.getsockname())
print("stays:", len({udp.recvfrom(1024)[1] for _ in range(3)}))
print("same-address:", bound(socket.SOCK_DGRAM, udp.getsockname()))
# Another program may have the TCP port of this number: then another one is tried.
tried = (bound(socket.SOCK_STREAM, server().getsockname()) for _ in range(8))
print("tcp-same-number:", next((result for result in tried if result == "success"), "no"))
address = (udp.getsockname(), udp.close())[0]
print("udp-again:", bound(socket.SOCK_DGRAM, address))
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
listener.accept()[0].close()  # the server closes first
address = (listener.getsockname(), client.close(), listener.close())[0]
print("tcp-again:", bound(socket.SOCK_STREAM, address))
