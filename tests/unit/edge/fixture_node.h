/* SPDX-License-Identifier: Apache-2.0 */
/* fixture_node: a client in a folder of its own against a fixture server, with short
 * times, driven until something holds. */
#ifndef MUSTER_TESTS_UNIT_EDGE_FIXTURE_NODE_H
#define MUSTER_TESTS_UNIT_EDGE_FIXTURE_NODE_H

#include <muster/edge.h>

#include "tests/unit/edge/fixture_folder.h"
#include "tests/unit/edge/fixture_repository.h"

struct node {
    char folder[FOLDER_BYTES];
    char root_path[FOLDER_BYTES + 16];
    char ack_log[FOLDER_BYTES + 16];
    struct muster_client_options options; /* may be changed before node_open */
    struct muster_client *client;
    int64_t wall_shift_ms; /* of the device's wall clock */
    int64_t mono_shift_ms; /* of its monotonic clock */
    char boot_id[40];
    int boots;
    char messages[16384]; /* "code\n" for every message */
    int models;           /* how often the model changed */
};

typedef bool node_condition(struct node *node, void *user);

/* Makes the folder with root.json and fills in the options; opens nothing. */
void node_init(struct node *node, const struct server *server,
               const struct repository *repository);

/* Opens the client; closes it as a process that ends would, or as one that is killed
 * (nothing in memory is saved: the folder is put back as it was just before). */
void node_open(struct node *node);
void node_close(struct node *node);
void node_kill(struct node *node);

/* The power fails and comes back: what was in memory is gone, the boot id is new, the
 * monotonic clock begins at 0, and the wall clock goes on where it stood. Opens nothing.
 */
void node_power_cut(struct node *node);

/* Closes and removes everything. */
void node_release(struct node *node);

/* Steps until the condition holds; fails the test after two minutes. */
void node_until(struct node *node, node_condition *condition, void *user);

/* Records `count` predictions of the active model. */
void node_predict(struct node *node, int count);

/* Conditions. */
bool node_has_model(struct node *node, void *user);  /* user: const struct buf * */
bool node_drained(struct node *node, void *user);    /* all acknowledged or rejected */
bool node_complained(struct node *node, void *user); /* user: const char *code */

#endif
