/* SPDX-License-Identifier: Apache-2.0 */
/* world: a site with two versions of a model, nodes of every kind and what they reported,
 * for tests that hold what the server says of a fleet against SQL. All of it fails the
 * running test on trouble. */
#ifndef MUSTER_TESTS_API_WORLD_H
#define MUSTER_TESTS_API_WORLD_H

#include <jansson.h>

#include "tests/api/site.h"

enum { WORLD_NODES = 3 };

struct world {
    struct site site;
    struct site_node nodes[WORLD_NODES]; /* "Lyon-1", "lyon-2", "paris", all reporting */
    char viewer[TOKEN_TEXT_MAX];
    int64_t seqs;     /* of reports that were sent */
    int64_t begin_ms; /* start of the minute in which what they predicted begins */
};

/* Makes it: besides the three, nodes that are silent, late, never seen, pending and
 * revoked, enrolled by SQL. */
void world_start(struct world *world);
void world_stop(struct world *world);

/* Starts the stopped server again. */
void world_restart(struct world *world);

/* A restart with a statement carried out in between. */
void world_seed(struct world *world, const char *statement);

/* One report of node `number` of the artifact of version 1 or 2: `rows` predictions, one
 * each second from `at_ms` on; classes take turns. Returns the status. */
struct world_report {
    int node, version;
    int rows;
    int64_t at_ms;
};
int world_report(struct world *world, const struct world_report *report);

/* The same report again, and another one under its seq. */
int world_repeat(struct world *world, const struct world_report *report);

/* 1,800 predictions of a minute as a summary, with one sample of them. */
int world_summary(struct world *world, int node, int64_t at_ms);

/* GETs a JSON document as the viewer; the caller releases it with json_decref. */
json_t *world_get(const struct world *world, const char *target);

/* A member by its path ("nodes.by_state.active", "items.0.name"); NULL: there is none. */
const json_t *world_member(const json_t *document, const char *path);
int64_t world_number(const json_t *document, const char *path);
const char *world_text(const json_t *document, const char *path);

/* The integer that a statement gives. */
int64_t world_count(const struct world *world, const char *statement, ...)
    __attribute__((format(printf, 2, 3)));

#endif
