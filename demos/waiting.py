# Nothing comes. How long does recvfrom wait, and how can it be ended?
import errno, socket, struct, threading

def pair(milliseconds=None):
    server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    (server.bind(("127.0.0.1", 0)), client.connect(server.getsockname()), server.connect(client.getsockname()))
    if milliseconds is not None:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 1000 * milliseconds))
    return server, client

def received(server, *meanwhile):
    """What recvfrom returns while another thread does something, once this one sleeps in the call (Linux tells)."""
    call, descriptor = f"/proc/self/task/{threading.get_native_id()}/syscall", hex(server.fileno())
    def other():
        while meanwhile and open(call).read().split()[1:2] != [descriptor]: pass
        for step in meanwhile: step()
    threading.Thread(target=other).start()
    try:
        data, sender = server.recvfrom(16)
        return f'"{data.decode()}"' if sender else f"{len(data)}, no sender"
    except OSError as error:
        return f"{errno.errorcode[error.errno]} {error.errno}"

# In Python settimeout(0) is non-blocking, and settimeout(None) waits for ever; so the system's own option is set here.
for row, milliseconds, message in [("ended-by", None, b"hello"), ("timed-out", 50, None), ("zero", 0, b"late")]:
    server, client = pair(milliseconds)
    print(f"{row}:", received(server, lambda: client.send(message)) if message else received(server))
(server, _), (closed, client) = pair(), pair()
print("shutdown-returns:", received(server, lambda: server.shutdown(socket.SHUT_RD)))
print("close-ends:", "no" if received(closed, closed.close, lambda: client.send(b"late")) == '"late"' else "yes")
