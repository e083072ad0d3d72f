# I set SO_RCVBUF to 2 MB. What do I have, and what does it hold? (For Linux: two of the options are its own.)
import select, socket, struct
RCVBUF, RXQ_OVFL, MEMINFO = [(socket.SOL_SOCKET, option) for option in (socket.SO_RCVBUF, 40, 55)]
server, client = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
server.bind(("127.0.0.1", 0)), client.connect(server.getsockname())

def counts():  # the memory of what is queued, and how many datagrams were dropped
    return struct.unpack("9I", server.getsockopt(*MEMINFO, 36))[::8]
def send(payload):
    before = counts()
    client.send(payload)
    while counts() == before: pass  # it is under way
def received():
    lengths = []
    while select.select([server], [], [], 0)[0]: lengths.append(len(server.recv(9000)))
    return len(lengths)

server.setsockopt(*RCVBUF, 2097152)
granted, limit = server.getsockopt(*RCVBUF), int(open("/proc/sys/net/core/rmem_max").read())
print("factor:", granted // min(2097152, limit))
send(b"x")
fitting = granted // counts()[0]
for _ in range(fitting + 1000): send(b"x")
lost = 1 + fitting + 1000 - (held := received())
print("as-predicted:", "yes" if held in (fitting, fitting + 1) else "no")
server.setsockopt(*RXQ_OVFL, 1), send(b"next")
print("untold:", lost - struct.unpack("I", server.recvmsg(9, 64)[1][0][2])[0])
for _ in range(100): send(bytes(100))
server.setsockopt(*RCVBUF, 1)
print("after-shrink:", received())
