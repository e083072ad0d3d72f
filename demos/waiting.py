# Nothing comes. How long does recvfrom wait, and how can it be ended?
import errno, os, socket, struct, threading, time

def receive(server, meanwhile=None):
    """What recvfrom returns while another thread does something, once this one waits."""
    me = threading.get_native_id()
    def other():
        while open(f"/proc/self/task/{me}/syscall").read().split()[0] == "running":
            time.sleep(0)
        meanwhile()
    if meanwhile:
        threading.Thread(target=other).start()
    try:
        data, sender = server.recvfrom(16)
        return f'"{data.decode()}"' if sender else f"{len(data)}, no sender"
    except OSError as error:
        return f"{errno.errorcode[error.errno]} {error.errno}"

def bound():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    return server
