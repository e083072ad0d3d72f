# What does connect() do to a UDP socket?
import ctypes, errno, json, os, socket
socket.setdefaulttimeout(5)

def bound():
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return made.bind(("127.0.0.1", 0)) or made  # bind returns None

def before(end, received):
    return "nothing" if received == end else json.dumps(received.decode())

server, other, late, client = bound(), bound(), bound(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(server.getsockname())
client.send(b"end")
print("sends:", before(b"end", server.recv(100)))
other.sendto(b"me too", client.getsockname())
server.sendto(b"end", client.getsockname())
print("other:", before(b"end", client.recv(100)))
try:
    print("sendto-other:", client.sendto(b"aside", other.getsockname()))
except OSError as error:
    print("sendto-other:", f"{errno.errorcode[error.errno]} {error.errno}")
other.sendto(b"early", late.getsockname())
late.recv(100, socket.MSG_PEEK)  # now it is queued
late.connect(server.getsockname())
server.sendto(b"end", late.getsockname())
print("early:", before(b"end", late.recv(100)))
print("local:", client.getsockname()[0], end=", ")
ctypes.CDLL("ws2_32" if os.name == "nt" else None).connect(client.fileno(), bytes(16), 16)  # AF_UNSPEC, which is 0
print(client.getsockname()[0])
