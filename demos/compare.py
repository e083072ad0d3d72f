# Five sentences in which tutorials tell TCP from UDP, seen from the UDP side.
import errno, json, socket

def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

server, client = udp(), udp()
server.settimeout(5)
server.bind(("127.0.0.1", 0))
for message in [b"hello", b"end"]:
    client.sendto(message, server.getsockname())
server.recvfrom(1)
rest = server.recvfrom(100)[0]
print("udp-rest:", "nothing" if rest == b"end" else json.dumps(rest.decode()))

for message in [b"one", b"two", b"three", b"end"]:
    client.sendto(message, server.getsockname())
received = list(iter(lambda: server.recvfrom(100)[0], b"end"))
print("udp-three:", len(received))
print("udp-in-part:", sum(datagram not in [b"one", b"two", b"three"] for datagram in received))

try:
    server.listen()
except OSError as error:
    print("udp-listen:", f"EOPNOTSUPP {error.errno}" if error.errno == errno.EOPNOTSUPP else error)

client.connect(server.getsockname())
server.connect(client.getsockname())
client.send(b"hello")
print("udp-send:", json.dumps(server.recv(100).decode()))
