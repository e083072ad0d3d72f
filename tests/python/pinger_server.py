"""The server of the assignment: of eleven pings it leaves four unanswered, on average. The port and a seed are the arguments;
the port it got is printed first, then what becomes of each ping."""

import random
import sys
from socket import *

serverSocket = socket(AF_INET, SOCK_DGRAM)
serverSocket.bind(("127.0.0.1", int(sys.argv[1])))
print(serverSocket.getsockname()[1], flush=True)
random.seed(int(sys.argv[2]))

while True:
    rand = random.randint(0, 10)
    message, address = serverSocket.recvfrom(1024)
    message = message.upper()
    if rand < 4:
        print("lost", flush=True)
        continue
    serverSocket.sendto(message, address)
    print("answered", flush=True)
