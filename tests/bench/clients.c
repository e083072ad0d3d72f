/* clients PORT COUNT: sends COUNT datagrams to 127.0.0.1:PORT from 64 sockets, and prints how many were answered in a
   second. A client sends its next request when it has received the answer to the last one. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 64, LONGEST_RUN_SECONDS = 60, LONGEST_WAIT_SECONDS = 5 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void request(int client) {
    if (send(client, "hello", 5, 0) < 0) fail("send");
}

static int answered(int client) {
    char answer[1024];
    return recv(client, answer, sizeof answer, 0) >= 0;
}

/* Until the server has its port, requests are refused. */
static void wait_for_server(int client) {
    const struct timespec moment = {.tv_nsec = 1000000};
    for (double end = now() + LONGEST_WAIT_SECONDS; now() < end; nanosleep(&moment, NULL)) {
        if (send(client, "hello", 5, 0) >= 0 && answered(client)) return;
        if (errno != ECONNREFUSED) fail("first answer");
    }
    fail("no server");
}

int main(int argc, char **argv) {
    if (argc != 3 || atol(argv[2]) <= CLIENTS) {
        fprintf(stderr, "usage: clients PORT COUNT, where COUNT is more than %d\n", CLIENTS);
        return 2;
    }
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {.tv_sec = LONGEST_WAIT_SECONDS};
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_DGRAM, 0);
        if (clients[i] < 0) fail("socket");
        if (setsockopt(clients[i], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0) fail("setsockopt");
        if (connect(clients[i], (struct sockaddr *)&server, sizeof server) < 0) fail("connect");
    }
    alarm(LONGEST_RUN_SECONDS);
    wait_for_server(clients[0]);
    double begin = now();
    long count = atol(argv[2]) - 1, sent = 0;
    for (; sent < CLIENTS; sent++) request(clients[sent]);
    for (long received = 0; received < count; received++) {
        /* A server of one loop answers in the order of the requests: there is no need to ask which client is next. */
        int client = clients[received % CLIENTS];
        if (!answered(client)) fail("answer");
        if (sent < count) {
            request(client);
            sent++;
        }
    }
    printf("%.0f\n", count / (now() - begin));
    return 0;
}
