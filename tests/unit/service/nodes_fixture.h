/* SPDX-License-Identifier: Apache-2.0 */
/* nodes_fixture: nodes in memory over a store in a temporary folder. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_NODES_FIXTURE_H
#define MUSTER_TESTS_UNIT_SERVICE_NODES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/service/changes.h"
#include "server/service/nodes.h"
#include "server/store/store.h"
#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

static const char *const no_labels[NODE_COHORT_LABELS];

struct fixture {
    char folder[PATH_MAX];
    struct store *store;
    struct changes *changes;
    struct nodes *nodes;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_make(fixture->folder);
    struct store_options options = store_options_default(fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    assert_int_equal(store_open(&options, &fixture->store, NULL), OK);
    fixture->changes = changes_new(fixture->store);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    nodes_free(fixture->nodes);
    changes_free(fixture->changes);
    store_close(fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static void load(struct fixture *fixture)
{
    struct err err = {0};
    nodes_free(fixture->nodes);
    fixture->nodes = NULL;
    if (nodes_open(fixture->changes, no_labels, &fixture->nodes, &err) != OK) {
        fail_msg("%s", err.detail);
    }
}

/* Nodes 1 to `count` but those of which the id is a multiple of seven, with keys that
 * begin with the id and facts and labels of a few kinds. */
static void seed(struct fixture *fixture, int count)
{
    char sql[1024];
    (void)snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO node SELECT i, 'node-' || i,"
        " CAST(format('%%08d%%024d', i, 0) AS BLOB), 'active', 0,"
        " format('{\"arch\":\"%%s\",\"ram_bytes\":%%d}', iif(i %% 2, 'armhf', 'x86_64'),"
        " i %% 3 * 1000), 1, NULL, NULL FROM n WHERE i %% 7 <> 0",
        count);
    query_execute(fixture->store, sql);
    query_execute(fixture->store,
                  "INSERT INTO node_label SELECT id, 'site', 'node', 'declared' FROM node"
                  " UNION ALL SELECT id, 'site', 'admin', 's' || (id % 5) FROM node"
                  " UNION ALL SELECT id, 'a', 'node', 'x' FROM node WHERE id % 2");
    load(fixture);
}

#endif
