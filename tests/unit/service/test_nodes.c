/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes in memory: found by id, key and name however many there are, and what is shared
 * between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "server/service/nodes_filter.h"
#include "server/service/nodes_memory.h"
#include "server/service/selector.h"
#include "tests/unit/service/nodes_fixture.h"

enum { PAGE = 10, ARENA_BYTES = 1024 * 1024 };

static void key_of(int64_t id, uint8_t ret_key[static 33])
{
    (void)snprintf((char *)ret_key, 33, "%08d%024d", (int)id, 0);
}

static void every_node_is_found_by_id_key_and_name_and_no_other(void **state)
{
    struct fixture *fixture = *state;
    seed(fixture, 5000);
    for (int64_t id = 0; id <= 5010; id++) {
        bool there = id >= 1 && id <= 5000 && id % 7 != 0;
        uint8_t key[33];
        char name[32];
        key_of(id, key);
        (void)snprintf(name, sizeof name, "node-%d", (int)id);
        struct node *node = node_find(fixture->nodes, id);
        assert_true((node != NULL) == there);
        assert_true(!node || node->id == id);
        assert_ptr_equal(node_find_key(fixture->nodes, key), node);
        assert_ptr_equal(node_find_name(fixture->nodes, name), node);
    }
    assert_null(node_find(fixture->nodes, -1));
    assert_null(node_find(fixture->nodes, INT64_MAX));
}

/* Renames in an order that leaves holes in chains of the table. */
static void renamed_nodes_are_found_by_the_new_name_only(void **state)
{
    struct fixture *fixture = *state;
    seed(fixture, 3000);
    for (int64_t round = 0; round < 3; round++) {
        for (int64_t id = 1; id <= 3000; id += 1 + id % 3) {
            char name[32];
            struct node *node = node_find(fixture->nodes, id);
            (void)snprintf(name, sizeof name, "r%d-%d", (int)round, (int)id);
            if (node) {
                node_rename(fixture->nodes, node, strdup(name));
            }
        }
    }
    for (int64_t id = 1; id <= 3000; id++) {
        char old[32];
        struct node *node = node_find(fixture->nodes, id);
        (void)snprintf(old, sizeof old, "node-%d", (int)id);
        assert_ptr_equal(node ? node_find_name(fixture->nodes, node->name) : NULL, node);
        bool kept = node && strcmp(node->name, old) == 0;
        assert_ptr_equal(node_find_name(fixture->nodes, old), kept ? node : NULL);
    }
}

/* Whether the pointer is not in the list yet; it is afterwards. */
static bool is_new(const void *seen[static 100], const void *pointer)
{
    size_t i = 0;
    while (seen[i] && seen[i] != pointer) {
        i++;
        assert_true(i < 99);
    }
    bool fresh = !seen[i];
    seen[i] = pointer;
    return fresh;
}

static void what_nodes_have_in_common_is_there_once(void **state)
{
    struct fixture *fixture = *state;
    seed(fixture, 5000);
    struct nodes *nodes = fixture->nodes;
    const void *seen[100] = {NULL};
    size_t facts = 0;
    size_t labels = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        facts += is_new(seen, node_at(nodes, i)->facts);
    }
    for (size_t i = 0; i < nodes->count; i++) {
        labels += is_new(seen, node_at(nodes, i)->labels);
    }
    assert_int_equal(facts, 6);
    assert_int_equal(labels, 10);
    assert_ptr_equal(node_find(nodes, 1)->facts, node_find(nodes, 61)->facts);
    assert_ptr_equal(node_find(nodes, 1)->labels, node_find(nodes, 61)->labels);
    assert_string_equal(node_find(nodes, 2)->facts->arch, "x86_64");
    assert_int_equal(node_find(nodes, 2)->facts->fit.ram_bytes, 2000);
    assert_string_equal(node_labels_value(node_find(nodes, 3)->labels, "site"), "s3");
    assert_null(node_labels_value(node_find(nodes, 2)->labels, "a"));
}

static void a_page_ends_after_so_many_nodes_and_tells_where_to_go_on(void **state)
{
    struct fixture *fixture = *state;
    seed(fixture, 120000);
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct selector selector;
    assert_int_equal(selector_parse("name=node-119999", &selector, NULL), OK);
    struct nodes_filter filter = {.selector = &selector};
    struct nodes_query query = {.filter = &filter, .limit = PAGE};
    struct nodes_page page = {0};
    int pages = 0;
    size_t found = 0;
    do {
        assert_int_equal(nodes_list(fixture->nodes, &query, &arena, &page, NULL), OK);
        found += page.count;
        assert_true(page.next_id == 0 || page.next_id > query.after_id);
        query.after_id = page.next_id;
        pages++;
    } while (page.next_id != 0);
    assert_int_equal(found, 1);
    assert_int_equal(pages, 2); /* 100,000 nodes a page */
}

static void a_list_has_every_node_once_whatever_the_page(void **state)
{
    struct fixture *fixture = *state;
    seed(fixture, 3000);
    ARENA_AUTO arena = ARENA_INIT(16 * ARENA_BYTES);
    struct nodes_filter filter = {.selector = NULL};
    struct nodes_query query = {.filter = &filter, .limit = 7};
    struct nodes_page page = {.next_id = 0};
    int64_t last = 0;
    size_t found = 0;
    do {
        assert_int_equal(nodes_list(fixture->nodes, &query, &arena, &page, NULL), OK);
        for (size_t i = 0; i < page.count; i++) {
            assert_true(page.views[i].id > last);
            last = page.views[i].id;
        }
        found += page.count;
        query.after_id = page.next_id;
    } while (page.next_id != 0);
    assert_int_equal(found, 3000 - 3000 / 7);
}

static void a_view_has_the_labels_in_effect_and_the_health_of_the_database(void **state)
{
    struct fixture *fixture = *state;
    seed(fixture, 10);
    query_execute(
        fixture->store,
        "INSERT INTO cohort VALUES (1, zeroblob(32), 'm', 'none', '', '', '', "
        "''); INSERT INTO node_health(node_id, report_ms, cohort_id,"
        " below_floor, reports, predictions, dropped, health_ms, temp_c,"
        " clock_doubt_ms, derived) VALUES (3, 5000, 1, 0, 2, 77, 0, 5000, 51.5, 7200000,"
        " x'0000000000000000000000000000000000000000000000000000000000000009')");
    load(fixture);
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct node_view view;
    assert_int_equal(nodes_get(fixture->nodes, 3, &arena, &view, NULL), OK);
    assert_int_equal(view.label_count, 2);
    assert_string_equal(view.labels[0].key, "a");
    assert_string_equal(view.labels[1].value, "s3");
    assert_true(view.reported && view.predictions == 77);
    assert_string_equal(view.model, "m");
    assert_int_equal(view.last_seen_ms, 5000);
    assert_int_equal(view.health.present, HEALTH_TEMP_C | HEALTH_CLOCK_DOUBT_MS);
    assert_int_equal(view.health.clock_doubt_ms, 7200000);
    assert_true(view.has_derived && view.derived[31] == 9);
    assert_int_equal(nodes_get(fixture->nodes, 2, &arena, &view, NULL), OK);
    assert_true(!view.reported && view.predictions == 0 && view.health.present == 0);
    assert_int_equal(nodes_get(fixture->nodes, 7, &arena, &view, NULL), ERR_NOT_FOUND);
}

static void running_nodes_are_counted_as_they_change_and_are_revoked(void **state)
{
    struct fixture *fixture = *state;
    seed(fixture, 10);
    struct nodes *nodes = fixture->nodes;
    struct report one = {.model = "m", .artifact = {1}};
    struct report two = {.model = "m", .artifact = {2}};
    for (int64_t id = 1; id <= 4; id++) {
        nodes_reported(nodes, id, &one, 1000);
        nodes_reported(nodes, id, &one, 1001);
    }
    nodes_reported(nodes, 4, &two, 1002);
    assert_int_equal(nodes_running(nodes, one.artifact), 3);
    assert_int_equal(nodes_running(nodes, two.artifact), 1);
    assert_int_equal(nodes_revoke(nodes, 1, "x", NULL), OK);
    assert_int_equal(nodes_revoke(nodes, 1, "x", NULL), OK);
    assert_int_equal(nodes_running(nodes, one.artifact), 2);
    nodes_reported(nodes, 1, &two, 1003); /* was on its way */
    assert_int_equal(nodes_running(nodes, two.artifact), 1);
}

static int64_t flushed(struct fixture *fixture)
{
    return query_number(fixture->store, "SELECT count(last_seen_ms) FROM node");
}

static void a_flush_writes_a_part_of_a_large_fleet_and_small_steps_never(void **state)
{
    struct fixture *fixture = *state;
    seed(fixture, 14000); /* 12,000 nodes */
    struct nodes *nodes = fixture->nodes;
    for (int64_t id = 1; id <= 14000; id++) {
        nodes_seen(nodes, id, 100000000);
    }
    assert_int_equal(nodes_flush(nodes, NULL), OK);
    assert_int_equal(flushed(fixture), 5000);
    assert_int_equal(nodes_flush(nodes, NULL), OK);
    assert_int_equal(nodes_flush(nodes, NULL), OK);
    assert_int_equal(flushed(fixture), 12000);
    nodes_seen(nodes, 1, 100000000 + 59999);
    nodes_seen(nodes, 2, 100000000 + 60000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nodes_flush(nodes, NULL), OK);
    }
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM node WHERE "
                                                  "last_seen_ms > 100000000"),
                     1);
    assert_int_equal(nodes_flush_all(nodes, NULL), OK);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM node WHERE "
                                                  "last_seen_ms > 100000000"),
                     2);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(every_node_is_found_by_id_key_and_name_and_no_other),
        WITH_STORE(renamed_nodes_are_found_by_the_new_name_only),
        WITH_STORE(what_nodes_have_in_common_is_there_once),
        WITH_STORE(a_page_ends_after_so_many_nodes_and_tells_where_to_go_on),
        WITH_STORE(a_list_has_every_node_once_whatever_the_page),
        WITH_STORE(a_view_has_the_labels_in_effect_and_the_health_of_the_database),
        WITH_STORE(running_nodes_are_counted_as_they_change_and_are_revoked),
        WITH_STORE(a_flush_writes_a_part_of_a_large_fleet_and_small_steps_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
