# I set SO_RCVBUF to 2 MB. What do I have, and what does it hold? (For Linux: two of the options are its own.)
import socket, sys
RCVBUF, RXQ_OVFL, MEMINFO = [(socket.SOL_SOCKET, option) for option in (socket.SO_RCVBUF, 40, 55)]
server, client = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
server.bind(("127.0.0.1", 0))
server.setblocking(False)  # what was sent over loopback is there at once
client.connect(server.getsockname())

def received():
    lengths = []
    try:
        while True:
            lengths.append(len(server.recv(9000)))
    except BlockingIOError:
        return lengths

server.setsockopt(*RCVBUF, 2097152)
granted, limit = server.getsockopt(*RCVBUF), int(open("/proc/sys/net/core/rmem_max").read())
print("factor:", granted // min(2097152, limit))
client.send(b"x")
fitting = granted // int.from_bytes(server.getsockopt(*MEMINFO, 4), sys.byteorder)  # memory of what is queued
sent = 1 + sum(client.send(b"x") for _ in range(fitting + 1000))
lost = sent - (held := len(received()))
print("as-predicted:", "yes" if held in (fitting, fitting + 1) else "no")
server.setsockopt(*RXQ_OVFL, 1)
client.send(b"next")
print("untold:", lost - int.from_bytes(server.recvmsg(9, 64)[1][0][2], sys.byteorder))
for _ in range(100): client.send(bytes(100))
server.setsockopt(*RCVBUF, 1)
print("after-shrink:", len(received()))
