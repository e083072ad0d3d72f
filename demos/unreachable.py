# Nobody listens. Who receives an error, at which call, and what does it cost?
import ctypes, errno, select, socket, struct

def said(call, *arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return "nothing" if error.errno == errno.EAGAIN else f"{errno.errorcode[error.errno]} {error.errno}"

nobody, blackhole, unconnected, client = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
[server.bind(("127.0.0.1", 0)) for server in (nobody, blackhole)]
nobody.connect(nobody.getsockname())  # Connected to itself, it keeps the port, and nobody else can send to it.
unconnected.sendto(b"hello", nobody.getsockname())
client.connect(nobody.getsockname()), client.send(b"hello")
print("next-receive:", said(client.recv, 1024))
print("unconnected-error:", said(unconnected.recv, 1024, socket.MSG_DONTWAIT))
client.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
(error := select.poll()).register(client, 0)
client.send(b"hello"), error.poll()  # poll waits for the error.
print("queue-icmp: type {5}, code {6}".format(*client.recvmsg(1024, 1024, socket.MSG_ERRQUEUE)[1][0][2]))
client.send(b"one"), error.poll()
nobody.connect(client.getsockname())  # Now somebody listens.
print("reporting-send:", said(client.send, b"two"))
client.send(b"three")
print("server-receives:", f'"{nobody.recv(1024).decode()}"')
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # A filter that keeps 0 bytes of a datagram.
blackhole.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HP", 1, ctypes.addressof(code)))  # SO_ATTACH_FILTER
client.connect(blackhole.getsockname()), client.send(b"hello")
print("blackhole:", said(client.recv, 1024, socket.MSG_DONTWAIT))
