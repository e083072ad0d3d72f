# A datagram is longer than the buffer: where is the rest?
import errno, json, socket

def seen(call, *arguments):
    try:
        return json.dumps(call(*arguments)[0].decode())
    except OSError as error:  # Windows: WSAEMSGSIZE 10040
        return f"{errno.errorcode[error.errno]} {error.errno}"

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.settimeout(5)
server.bind(("127.0.0.1", 0))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for message in [b"hello", b"world", b"hello"]:
    client.sendto(message, server.getsockname())
print("receive-1:", seen(server.recvfrom, 1))
print("receive-2:", seen(server.recvfrom, 1))
if hasattr(server, "recvmsg"):  # not on Windows
    flags = server.recvmsg(1)[2]
    print("flag:", "truncated" if flags & socket.MSG_TRUNC else "complete")

listener = socket.create_server(("127.0.0.1", 0))
writer = socket.create_connection(listener.getsockname())
reader, _ = listener.accept()
writer.sendall(b"hello")
while len(reader.recv(5, socket.MSG_PEEK)) < 5:
    pass
reader.recv(1)
print("tcp-second-read:", json.dumps(reader.recv(100).decode()))
