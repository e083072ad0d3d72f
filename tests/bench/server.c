/* server PORT COUNT: the program that `udp-lab server` is measured against. It answers COUNT datagrams to 127.0.0.1:PORT,
   and writes a line for each of them at once. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: server PORT COUNT\n", stderr);
        return 2;
    }
    alarm(60);
    long count = atol(argv[2]);
    struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    if (server < 0) fail("socket");
    if (bind(server, (struct sockaddr *)&here, sizeof here) < 0) fail("bind");
    for (long number = 1; number <= count; number++) {
        char payload[1024], address[INET_ADDRSTRLEN];
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        ssize_t bytes = recvfrom(server, payload, sizeof payload, 0, (struct sockaddr *)&peer, &length);
        if (bytes < 0) fail("recvfrom");
        if (sendto(server, "Thanks", 6, 0, (struct sockaddr *)&peer, length) < 0) fail("sendto");
        inet_ntop(AF_INET, &peer.sin_addr, address, sizeof address);
        printf("%ld  %s:%u  %zd bytes  \"%.*s\"\n", number, address, ntohs(peer.sin_port), bytes, (int)bytes, payload);
        fflush(stdout);
    }
    return 0;
}
