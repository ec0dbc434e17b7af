/* SPDX-License-Identifier: Apache-2.0 */
/* load: what the files of bench_load share: its command line and how it gives up.
 *
 * bench_load is a load generator for HTTP/1.1 over loopback: one thread, epoll, bodies
 * that are rendered beforehand and only stamped per request, so that it costs the server
 * little of the processors that both share. Every answer's status and content is checked.
 */
#ifndef MUSTER_TESTS_BENCH_LOAD_H
#define MUSTER_TESTS_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SERVER_PIDS_MAX = 8, BODY_FILES_MAX = 64 };

/* The command line; texts are borrowed from argv. */
struct load_options {
    const char *mode;
    struct sockaddr_in to;
    const char *host;       /* of --to, for the Host field */
    const char *fleet;      /* file of nodes: written by enroll, read by the others */
    const char *enrollment; /* token for enroll */
    const char *model, *artifact;
    const char *form; /* of a body: columns, rows; of lines: field, tag */
    const char *bodies[BODY_FILES_MAX]; /* files with reports to send instead */
    unsigned body_count;
    const char *path; /* request target, where the mode does not know it */
    const char *etag; /* for If-None-Match */
    unsigned connections, nodes, rows;
    unsigned sources; /* addresses 127.0.0.2 … to come from; 0: the usual one */
    double warm_s, seconds, rate;
    bool zstd;
    bool tolerate;                      /* failed answers do not make the exit status 1 */
    pid_t server_pids[SERVER_PIDS_MAX]; /* whose processor time and writes are told */
    unsigned server_pid_count;
};

/* Prints "bench_load: …" to stderr and ends the program with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* calloc that does not return NULL. */
void *must_calloc(size_t count, size_t size);

#endif
