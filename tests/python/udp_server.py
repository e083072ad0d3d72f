"""The article's server; the port is the argument, and the port it got is printed first."""

import sys
from socket import *

sockfd = socket(AF_INET, SOCK_DGRAM)
sockfd.bind(("127.0.0.1", int(sys.argv[1])))
print(sockfd.getsockname()[1], flush=True)

while True:
    data, addr = sockfd.recvfrom(1024)
    print("收到的消息:", data.decode(), flush=True)
    sockfd.sendto(b"Thanks", addr)
