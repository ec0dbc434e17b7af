/* SPDX-License-Identifier: Apache-2.0 */
/* load_fleet: the nodes that bench_load speaks for: really enrolled, each with an Ed25519
 * key and a session that it signed for.
 *
 * The file of a fleet has the server's id in its first line and "<node id> <seed>" in
 * each further one. Keys of benches protect nothing: the file is plain. */
#ifndef MUSTER_TESTS_BENCH_LOAD_FLEET_H
#define MUSTER_TESTS_BENCH_LOAD_FLEET_H

#include "tests/bench/load.h"

enum { FLEET_TOKEN_BYTES = 128 };

struct fleet_node {
    int64_t id; /* 0: not enrolled */
    uint8_t seed[32];
    char token[FLEET_TOKEN_BYTES]; /* of its session; "" before fleet_login */
    int64_t seq;                   /* of its next report */
};

struct fleet {
    char server_id[33];
    struct fleet_node *nodes;
    unsigned count;
    unsigned next; /* whose turn it is */
};

/* Enrols options->nodes new nodes and writes their file. */
void fleet_enroll(struct fleet *fleet, const struct load_options *options);

/* Reads the file, and gets every node a session. */
void fleet_login(struct fleet *fleet, const struct load_options *options);

void fleet_release(struct fleet *fleet);

#endif
