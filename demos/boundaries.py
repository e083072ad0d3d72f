# Three sends over UDP and over TCP: how many receives do they take?
import json, socket

MESSAGES = [b"hello", b"world", b"sudada"]

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.settimeout(5)
server.bind(("127.0.0.1", 0))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for message in MESSAGES + [b"end"]:
    client.sendto(message, server.getsockname())
received = []
while (datagram := server.recvfrom(1024)[0]) != b"end":
    received.append(datagram)
print("receives-needed:", len(received))
print("mixed-receives:", sum(datagram not in MESSAGES for datagram in received))

listener = socket.create_server(("127.0.0.1", 0))
writer = socket.create_connection(listener.getsockname())
reader, _ = listener.accept()
for message in MESSAGES:
    writer.sendall(message)
# TCP is a stream: wait until all of it is there, then read once.
while len(reader.recv(100, socket.MSG_PEEK)) < len(b"".join(MESSAGES)):
    pass
print("tcp-one-read:", json.dumps(reader.recv(100).decode()))
