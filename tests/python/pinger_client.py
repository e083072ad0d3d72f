"""The pinger of the assignment: ten pings, one second each for the answer; the port is the argument."""

import sys
import time
from socket import *

serverAddress = ("127.0.0.1", int(sys.argv[1]))

clientSocket = socket(AF_INET, SOCK_DGRAM)
# No answer within a second: the ping or its answer is lost.
clientSocket.settimeout(1)

for sequence in range(1, 11):
    start = time.time()
    message = "Ping " + str(sequence) + " " + time.ctime(start)
    clientSocket.sendto(message.encode(), serverAddress)
    try:
        answer, address = clientSocket.recvfrom(1024)
        rtt = time.time() - start
        print(answer.decode(), "RTT:", rtt)
    except timeout:
        print("Request timed out")

clientSocket.close()
