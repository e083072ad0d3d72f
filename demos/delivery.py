# Many datagrams are sent and nobody reads: how many are received?
import socket, sys, time

COUNT = 1000

def numbered(number):
    return (f"{number} " * 100)[:100].encode()

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
server.bind(("127.0.0.1", 0))
server.settimeout(0.2)  # nobody sends any more when it is asked
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(server.getsockname())
print("failed-sends:", sum(client.send(numbered(n)) != 100 for n in range(COUNT)))
time.sleep(0.2)  # the last ones may be under way
received = []
try:
    while True:
        received.append(server.recvfrom(100)[0])
except TimeoutError:
    pass
print("prefix:", "yes" if received == [numbered(n) for n in range(len(received))] else "no")
print("sender-told:", client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or "nothing")
if sys.platform == "linux":  # the last column of /proc/net/udp counts what this socket dropped
    port = f":{server.getsockname()[1]:04X} "
    dropped = next(int(line.split()[-1]) for line in open("/proc/net/udp") if port in line[:24])
    print("kept-and-dropped:", len(received) + dropped)
