# How large may a datagram be?
import ctypes, errno, os, socket, sys

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

ipv4 = pair(socket.AF_INET, "127.0.0.1")
print("longest:", passed(ipv4, 65507))
print("too-long:", passed(ipv4, 65508))
print("longest-ipv6:", passed(pair(socket.AF_INET6, "::1"), 65527))
user = os.getuid()  # On Linux a network of its own, CLONE_NEWUSER | CLONE_NEWNET, with the MTU of Ethernet
if sys.platform != "linux" or ctypes.CDLL(None).unshare(0x50000000): sys.exit()
open("/proc/self/uid_map", "w").write(f"0 {user} 1")
os.system("ip link set lo mtu 1500 up")
ipv4 = pair(socket.AF_INET, "127.0.0.1")
passed(ipv4, 1473)
names, counts = (line.split() for line in open("/proc/self/net/snmp") if line.startswith("Ip:"))
print("two-fragments:", counts[names.index("FragCreates")])
ipv4[1].setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO; the module has no names for them
print("df-too-long:", passed(ipv4, 1473))
