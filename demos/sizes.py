# How large may a datagram be?
import errno, socket

IPV6_MTU = 24  # Linux; the socket module has no name for it

def pair(family, address):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, 0))
    return server, socket.socket(family, socket.SOCK_DGRAM)

def passed(pair, length):
    server, client = pair
    try:
        client.sendto(b"x" * length, server.getsockname())
        return len(server.recvfrom(65536)[0])
    except OSError as error:
        return f"{errno.errorcode[error.errno]} {error.errno}"

ipv4 = server, client = pair(socket.AF_INET, "127.0.0.1")
print("longest:", passed(ipv4, 65507))
print("too-long:", passed(ipv4, 65508))
client.sendto(b"end", server.getsockname())
print("refused-arrives:", "nothing" if server.recvfrom(65536)[0] == b"end" else "something")
ipv6 = server, client = pair(socket.AF_INET6, "::1")
print("longest-ipv6:", passed(ipv6, 65527))
client.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU, 1280)
print("fragmented:", passed(ipv6, 1233))
client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DONTFRAG, 1)
print("above-mtu:", passed(ipv6, 1233))
