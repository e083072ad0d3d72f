# Two programs bind one UDP port. Who receives?
import errno, select, socket

def udp(*options):
    new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in options:
        new.setsockopt(socket.SOL_SOCKET, option, 1)
    return new

def group(option, count):
    (plain := udp()).bind(("127.0.0.1", 0))  # without the option: a port that nobody has
    address = (plain.getsockname(), plain.close())[0]
    return [(server := udp(option), server.bind(address))[0] for _ in range(count)]

def senders(server):
    while select.select([server], [], [], 0.05)[0]:
        yield server.recvfrom(64)[1]

clients, (first, last) = [udp() for _ in range(48)], group(socket.SO_REUSEADDR, 2)
for client in clients: client.sendto(b"hello", first.getsockname())
print("address-last:", len(list(senders(last))))
members = group(socket.SO_REUSEPORT, 3)
for client in clients: [client.sendto(b"hello", members[0].getsockname()) for _ in range(2)]
heard = [set(senders(member)) for member in members]
print("port-members:", "yes" if sum(map(bool, heard)) > 1 else "no")
print("port-sticks:", sum(map(len, heard)) - len(set().union(*heard)))
for row, option in [("address-second-only", socket.SO_REUSEADDR), ("port-second-only", socket.SO_REUSEPORT)]:
    (first := udp()).bind(("127.0.0.1", 0))
    try: print(f"{row}:", udp(option).bind(first.getsockname()) or "success")
    except OSError as error: print(f"{row}: {errno.errorcode[error.errno]} {error.errno}")
