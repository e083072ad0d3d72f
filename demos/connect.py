# What does connect() do to a UDP socket?
import errno, json, socket

socket.setdefaulttimeout(5)

def udp(*address):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return (made.bind(address) if address else None, made)[1]

def before(received, end):
    return "nothing" if received == end else json.dumps(received.decode())

any_port = ("127.0.0.1", 0)
server, other, late, client = udp(*any_port), udp(*any_port), udp(*any_port), udp()
client.connect(server.getsockname())
print("local:", client.getsockname()[0])
client.send(b"end")
print("sends:", before(server.recv(100), b"end"))
other.sendto(b"me too", client.getsockname())
server.sendto(b"hello", client.getsockname())
print("other:", before(client.recv(100), b"hello"))
try:
    print("sendto-other:", client.sendto(b"aside", other.getsockname()))
except OSError as error:
    print("sendto-other:", f"{errno.errorcode[error.errno]} {error.errno}")
other.sendto(b"early", late.getsockname())
late.recv(100, socket.MSG_PEEK)  # now it is queued
late.connect(server.getsockname())
server.sendto(b"end", late.getsockname())
print("early:", before(late.recv(100), b"end"))
