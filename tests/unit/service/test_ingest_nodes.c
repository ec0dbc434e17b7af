/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/ingest_nodes.h"

#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

enum { MOST = 4 }; /* so a generation is full with two nodes */

struct fixture {
    char folder[PATH_MAX];
    struct store *store;
    struct ingest_nodes nodes;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_make(fixture->folder);
    struct store_options options = store_options_default(fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    assert_int_equal(store_open(&options, &fixture->store, NULL), OK);
    query_execute(fixture->store,
                  "INSERT INTO stream SELECT value, 7, value * 10, zeroblob(256)"
                  " FROM json_each('[1,2,3,4,5,6]'); INSERT INTO stream VALUES"
                  " (6, 8, 3, zeroblob(256))");
    ingest_nodes_init(&fixture->nodes, MOST);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ingest_nodes_release(&fixture->nodes);
    store_close(fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

struct wish {
    struct ingest_nodes *nodes;
    int64_t node_id;
    struct ingest_node *node;
};

static enum status get_run(void *context, struct db *db, struct err *err)
{
    struct wish *wish = context;
    return ingest_nodes_get(wish->nodes, db, wish->node_id, &wish->node, err);
}

static struct ingest_node *get(struct fixture *fixture, int64_t node_id)
{
    struct wish wish = {.nodes = &fixture->nodes, .node_id = node_id};
    struct err err = {0};
    if (store_call(fixture->store, JOB_WRITER, get_run, &wish, &err) != OK) {
        fail_msg("%s", err.detail);
    }
    assert_int_equal(wish.node->node_id, node_id);
    return wish.node;
}

static void a_node_is_read_with_all_its_streams_and_only_once(void **state)
{
    struct fixture *fixture = *state;
    struct ingest_node *node = get(fixture, 6);
    assert_int_equal(node->count, 2);
    assert_int_equal(node->streams[0].highest, 60);
    assert_int_equal(node->streams[1].highest, 3);
    query_execute(fixture->store, "UPDATE stream SET highest = 99");
    assert_ptr_equal(get(fixture, 6), node);
    assert_int_equal(node->streams[0].highest, 60);
}

static void a_node_without_streams_is_there_and_empty(void **state)
{
    assert_int_equal(get(*state, 17)->count, 0);
}

static void what_is_not_asked_for_is_forgotten_and_read_again(void **state)
{
    struct fixture *fixture = *state;
    (void)get(fixture, 1);
    struct ingest_node *busy = get(fixture, 2);
    for (int64_t id = 3; id <= 5; id++) {
        ingest_nodes_age(&fixture->nodes);
        assert_ptr_equal(get(fixture, 2), busy);
        (void)get(fixture, id);
    }
    assert_true(fixture->nodes.young.count + fixture->nodes.old.count <= MOST);
    query_execute(fixture->store, "UPDATE stream SET highest = 99 WHERE stream = 7");
    assert_int_equal(get(fixture, 2)->streams[0].highest, 20);
    assert_int_equal(get(fixture, 1)->streams[0].highest, 99);
}

static void nothing_is_forgotten_before_a_generation_is_full(void **state)
{
    struct fixture *fixture = *state;
    struct ingest_node *one = get(fixture, 1);
    ingest_nodes_age(&fixture->nodes);
    ingest_nodes_age(&fixture->nodes);
    assert_ptr_equal(get(fixture, 1), one);
}

static void five_streams_of_a_node_are_damage(void **state)
{
    struct fixture *fixture = *state;
    query_execute(fixture->store, "INSERT INTO stream SELECT 9, value, 1, zeroblob(256)"
                                  " FROM json_each('[1,2,3,4,5]')");
    struct wish wish = {.nodes = &fixture->nodes, .node_id = 9};
    assert_int_equal(store_call(fixture->store, JOB_WRITER, get_run, &wish, NULL),
                     ERR_DB_CORRUPT);
    assert_int_equal(fixture->nodes.young.count, 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_node_is_read_with_all_its_streams_and_only_once),
        WITH_STORE(a_node_without_streams_is_there_and_empty),
        WITH_STORE(what_is_not_asked_for_is_forgotten_and_read_again),
        WITH_STORE(nothing_is_forgotten_before_a_generation_is_full),
        WITH_STORE(five_streams_of_a_node_are_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
