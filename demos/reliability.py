# The network loses, doubles and reorders. What must a program add?
import select, socket

client, relay, server = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
[each.bind(("127.0.0.1", 0)) for each in (client, relay, server)]
script = lambda *lost: (number not in lost for number in range(1, 100))  # Does the relay send datagram 1, 2, ... on?
def passes(sender, receiver, data, script):
    sender.sendto(data, relay.getsockname())
    return (data := relay.recv(64)) and next(script) and relay.sendto(data, receiver.getsockname())
def answer(limit):
    return int(client.recv(64).split()[-1]) if select.select([client], [], [], limit / 1000)[0] else 0

def transfer(messages, window, there, back):
    acknowledged, received, time_outs, oldest = set(), set(), [], []  # The oldest message of each round.
    while left := sorted({*range(1, messages + 1)} - acknowledged):
        for number in (due := [number for number in left if number < left[0] + window]):
            if passes(client, server, b"data %d" % number, there):
                received.add(server.recv(64))
                passes(server, client, b"ack %d" % number, back)
        limit, oldest = 4 * 2 ** oldest.count(left[0]), oldest + [left[0]]
        while not acknowledged.issuperset(due) and (ack := answer(limit)): acknowledged.add(ack)
        time_outs += [str(limit)] * (not acknowledged.issuperset(due))
    return ", ".join(time_outs), len(received), len(oldest)
print("time-outs: {}\ndelivered: {}".format(*transfer(1, 1, script(1), script(1))))
print("rounds: {}\nwindow-rounds: {}".format(*(transfer(5, window, script(4), script(5))[2] for window in (1, 3))))
missed, beat, there, back = 0, 0, script(3, 4, 5), script(1)
while missed < 3:
    if passes(client, server, b"beat %d" % (beat := beat + 1), there): passes(server, client, server.recv(64), back)
    missed = 0 if answer(4) else missed + 1
print("gone:", beat)
