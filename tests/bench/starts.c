/* starts PROGRAM ARGUMENT...: starts it and /bin/true in turn, and prints for how many microseconds each runs: medians. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum { STARTS = 500 };

extern char **environ;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static double run(char **arguments) {
    posix_spawn_file_actions_t files;
    pid_t child;
    int status;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    double begin = now();
    if (posix_spawn(&child, arguments[0], &files, NULL, arguments, environ) != 0 || waitpid(child, &status, 0) < 0 ||
        status != 0) {
        fprintf(stderr, "%s failed\n", arguments[0]);
        exit(1);
    }
    double time = now() - begin;
    posix_spawn_file_actions_destroy(&files);
    return time;
}

static int compare(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static double median(double *times) {
    qsort(times, STARTS, sizeof *times, compare);
    return times[STARTS / 2];
}

int main(int argc, char **argv) {
    char *nothing[] = {"/bin/true", NULL};
    double times[STARTS], times_of_nothing[STARTS];
    if (argc < 2) {
        fputs("usage: starts PROGRAM ARGUMENT...\n", stderr);
        return 2;
    }
    for (int i = 0; i < STARTS; i++) {
        times[i] = run(argv + 1);
        times_of_nothing[i] = run(nothing);
    }
    printf("%.0f %.0f\n", median(times), median(times_of_nothing));
    return 0;
}
