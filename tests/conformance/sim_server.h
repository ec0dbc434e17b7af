/* SPDX-License-Identifier: Apache-2.0 */
/* sim_server: the plain HTTP/1.0 server of the public suite (Python's http.server): one
 * request a connection, raw paths, files from memory. It writes down what was asked for,
 * and for single paths it can answer in other manners. Guarded by `lock`; `files` and
 * `faults` are changed by the functions below only. */
#ifndef MUSTER_TESTS_CONFORMANCE_SIM_SERVER_H
#define MUSTER_TESTS_CONFORMANCE_SIM_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* What stands before every path: as the suite names folders after parametrized tests. */
#define SIM_PREFIX "/test_case%5Bwith%20brackets%5D"

enum { SIM_FILES = 640, SIM_FAULTS = 8, SIM_NAME_BYTES = 700, SIM_LOG_BYTES = 65536 };

enum sim_manner {
    SIM_WHOLE,    /* with Content-Length */
    SIM_UNSIZED,  /* without: the end of the connection is the end */
    SIM_CUT,      /* half of what Content-Length promised */
    SIM_ENDLESS,  /* blanks behind the file for ever, without a length */
    SIM_CHUNKED,  /* HTTP/1.1 chunks of blanks for ever */
    SIM_HUGE,     /* a Content-Length of 2^62, then blanks for ever */
    SIM_TRICKLE,  /* a byte now and then */
    SIM_HANG_UP,  /* nothing */
    SIM_STATUS,   /* an answer with `status` and the file as its body */
    SIM_REDIRECT, /* 302 to the same file at a place that would serve it */
    SIM_GZIP,     /* says Content-Encoding: gzip, and sends the file as it is */
};

struct sim_file {
    char path[SIM_NAME_BYTES]; /* behind SIM_PREFIX "/" */
    struct buf data;
};

struct sim_fault {
    char path[SIM_NAME_BYTES]; /* "": unused */
    enum sim_manner manner;
    int status;
};

struct sim_server {
    pthread_mutex_t lock;
    pthread_t thread;
    int listener;
    uint16_t port;
    struct sim_file *files; /* owned: SIM_FILES */
    struct sim_fault faults[SIM_FAULTS];
    char log[SIM_LOG_BYTES]; /* paths asked for, each with a blank behind it */
    int outside;             /* requests that lacked the prefix */
    int requests;
};

void sim_server_start(struct sim_server *server);
void sim_server_stop(struct sim_server *server);

/* Serves these bytes from now on; removes a file. */
void sim_server_put(struct sim_server *server, const char *path, const void *data,
                    size_t len);
void sim_server_remove(struct sim_server *server, const char *path);

/* The bytes served at a path, borrowed until it is put again; NULL: none. */
const struct buf *sim_server_get(struct sim_server *server, const char *path);

/* Answers `path` in another manner until sim_server_heal. */
void sim_server_fault(struct sim_server *server, const char *path, enum sim_manner manner,
                      int status);
void sim_server_heal(struct sim_server *server);

/* Copies what was asked for since the last call. */
void sim_server_take_log(struct sim_server *server, char ret_log[static SIM_LOG_BYTES]);

#endif
