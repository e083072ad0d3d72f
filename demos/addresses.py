# A server listens on 0.0.0.0. Which address does its answer come from?
import json, socket, struct
socket.setdefaulttimeout(5)
IP_PKTINFO = 8  # on Linux; Python 3.14 has socket.IP_PKTINFO
def bound(ip):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return made.bind((ip, 0)) or made  # bind returns None

def answer_from(ip, payload, client):  # in_pktinfo: interface, source address, and one that is ignored
    info = struct.pack("=i4s4s", 0, socket.inet_aton(ip), bytes(4))
    server.sendmsg([payload], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, client)

server, client, connected, first = bound("0.0.0.0"), bound("127.0.0.1"), bound("127.0.0.1"), bound("127.0.0.1")
client.sendto(b"hello", ("127.0.0.2", server.getsockname()[1]))
server.sendto(b"Thanks", server.recvfrom(100)[1])
print("answers-from:", client.recvfrom(100)[1][0])
connected.connect(("127.0.0.2", server.getsockname()[1]))
connected.send(b"hello")
server.sendto(b"Thanks", server.recvfrom(100)[1])
answer_from("127.0.0.2", b"end", connected.getsockname())
print("connected-hears:", "nothing" if (received := connected.recv(100)) == b"end" else json.dumps(received.decode()))
server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
connected.send(b"hello")
_, [(_, _, info)], _, sender = server.recvmsg(100, 100)
print("told:", told := socket.inet_ntoa(info[8:12]))
answer_from(told, b"Thanks", sender)
print("fixed:", json.dumps(connected.recv(100).decode()))
client.sendto(b"two", ("127.0.0.2", first.getsockname()[1]))
client.sendto(b"one", first.getsockname())
print("on-first:", json.dumps(first.recv(100).decode()))
