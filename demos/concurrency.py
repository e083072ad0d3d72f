# Eight clients ask at once, and the server works 10 ms on each request: when does the last one have its reply?
import socket, threading, time

CLIENTS, WORK = 8, 0.01

def serve(threads):
    """All clients ask, then the loops run: loops at work at once, seconds until the last reply, replies."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(CLIENTS)]
    for client in clients:
        client.sendto(b"hello", server.getsockname())
        client.settimeout(5)
    meeting, at_once, started = threading.Barrier(threads), [], time.monotonic()
    def loop(share):
        for number in range(share):
            _, peer = server.recvfrom(1024)
            if number == 0:
                at_once.append(meeting.wait(5))  # every loop has a request now
            time.sleep(WORK)
            server.sendto(b"Thanks", peer)
    for n in range(threads):
        threading.Thread(target=loop, args=[CLIENTS // threads + (n < CLIENTS % threads)]).start()
    replies = [client.recvfrom(1024)[0] for client in clients]
    return len(at_once), time.monotonic() - started, replies.count(b"Thanks")

at_once, last, replies = serve(threads=1)
print(f"in-hand-with-work: {at_once}\nanswered-with-work: {replies}")
print("last-waits:", "yes" if last >= CLIENTS * WORK else "no")
print("in-hand-of-threads:", serve(threads=3)[0])
