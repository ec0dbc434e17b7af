/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes in an order, held against sorting all of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "server/service/artifacts.h"
#include "server/service/nodes_filter.h"
#include "server/service/nodes_memory.h"
#include "server/service/nodes_search.h"
#include "server/service/selector.h"
#include "tests/unit/service/nodes_fixture.h"

enum { NODES = 2500, LIMIT = 97, ARENA_BYTES = 16 * 1024 * 1024 };

static struct artifacts *artifacts;

static uint32_t next_random(void)
{
    static uint32_t seed_of = 20261124;
    seed_of = seed_of * 1664525 + 1013904223;
    return seed_of >> 8;
}

/* Version 2 of model m was published before version 1, and m 3 never. */
static int begin(void **state)
{
    (void)set_up(state);
    struct fixture *fixture = *state;
    query_execute(
        fixture->store,
        "INSERT INTO model VALUES ('m', 'classify', 0);"
        "INSERT INTO model_version VALUES ('m', 1, '1.0', 9), ('m', 2, '2.0', 8);"
        "INSERT INTO artifact VALUES"
        " ('m', 1, 'fp32', CAST(x'01' || zeroblob(31) AS BLOB), 9, 'm/1/fp32.mnet', 0,"
        " NULL, '[]', 1),"
        " ('m', 2, 'int8', CAST(x'02' || zeroblob(31) AS BLOB), 9, 'm/2/int8.mnet', 0,"
        " NULL, '[]', 1);");
    assert_int_equal(artifacts_open(fixture->changes, &artifacts, NULL), OK);
    seed(fixture, NODES);
    return 0;
}

static int end(void **state)
{
    artifacts_free(artifacts);
    return tear_down(state);
}

/* Most nodes report, with few values, so that many are equal. */
static void let_report(struct nodes *nodes)
{
    static const char *const models[] = {"m", "m", "m", "a"};
    for (int64_t id = 1; id <= NODES; id++) {
        int64_t at_ms = 1000 + next_random() % 5;
        struct report report = {.rows = next_random() % 3 > 0, .at_ms = &at_ms};
        uint32_t which = next_random() % 4;
        (void)snprintf(report.model, sizeof report.model, "%s", models[which]);
        report.artifact[0] = (uint8_t)(which + 1);
        report.health.present = next_random() % 4 > 0 ? HEALTH_QUEUED : 0;
        report.health.queued = next_random() % 7;
        if (next_random() % 5 > 0) {
            nodes_reported(nodes, id, &report, 2000 + next_random() % 50);
        }
        if (id % 11 == 0 && node_find(nodes, id)) {
            assert_int_equal(nodes_revoke(nodes, id, "x", NULL), OK);
        }
    }
}

/* ---- the same, the long way ---- */

static const struct nodes_wish *wanted; /* of the comparison */

static int64_t number_of(const struct node *node, bool *ret_none)
{
    const struct node_running *running = node->running;
    int64_t seq = running && running->key.model[0] == 'm' && running->key.artifact[0] < 3
                      ? running->key.artifact[0]
                      : 0;
    int64_t numbers[] = {0, node->last_report_ms, node->queued, node->lag_ms, seq};
    int64_t number = numbers[wanted->sort];
    *ret_none = wanted->sort == NODE_SORT_VERSION       ? !running
                : wanted->sort == NODE_SORT_LAST_REPORT ? number == 0
                                                        : number == NODE_UNTOLD;
    return *ret_none ? 0 : number;
}

static const char *text_of(const struct node *node)
{
    return wanted->sort == NODE_SORT_NAME ? node->name
           : wanted->sort == NODE_SORT_VERSION && node->running
               ? ((struct node_running *)node->running)->key.model
               : "";
}

static int in_order(const void *a, const void *b)
{
    const struct node *x = *(struct node *const *)a;
    const struct node *y = *(struct node *const *)b;
    bool none[2];
    int64_t numbers[] = {number_of(x, &none[0]), number_of(y, &none[1])};
    if (none[0] != none[1]) {
        return none[0] ? 1 : -1;
    }
    int texts = strcmp(text_of(x), text_of(y));
    int order = texts != 0                 ? texts
                : numbers[0] != numbers[1] ? (numbers[0] < numbers[1] ? -1 : 1)
                                           : (x->id < y->id ? -1 : 1);
    return wanted->descending ? -order : order;
}

typedef bool passes(const struct node *node);

static size_t all_sorted(struct nodes *nodes, const struct nodes_wish *wish, passes *pass,
                         const struct node *ret_nodes[static NODES])
{
    size_t count = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        if (!pass || pass(node_at(nodes, i))) {
            ret_nodes[count++] = node_at(nodes, i);
        }
    }
    wanted = wish;
    qsort(ret_nodes, count, sizeof ret_nodes[0], in_order);
    return count;
}

/* Walks over all pages, each cursor by way of its text. */
static void assert_pages(struct nodes *nodes, struct nodes_wish *wish, passes *pass)
{
    const struct node *all[NODES];
    size_t count = all_sorted(nodes, wish, pass, all);
    struct node_key after;
    size_t at = 0;
    bool more = true;
    wish->after = NULL;
    while (more) {
        ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
        BUF_AUTO cursor = BUF_INIT(1024);
        struct nodes_found found;
        assert_int_equal(nodes_filter_open(wish->filter, nodes, artifacts, &arena, NULL),
                         OK);
        assert_int_equal(nodes_search(nodes, wish, &arena, &found, NULL), OK);
        assert_int_equal(found.matching, count);
        for (size_t i = 0; i < found.count; i++) {
            assert_int_equal(found.views[i].id, all[at + i]->id);
        }
        at += found.count;
        more = found.more;
        assert_true(more == (at < count));
        node_key_write(&found.last, wish, &cursor);
        assert_true(!more || node_key_read(cursor.data, wish, &after));
        wish->after = &after;
    }
    assert_int_equal(at, count);
}

static void every_order_has_every_node_once_and_where_it_belongs(void **state)
{
    struct fixture *fixture = *state;
    let_report(fixture->nodes);
    for (int i = 0; i < 2 * NODE_SORT_COUNT; i++) {
        struct nodes_filter filter = {.selector = NULL};
        struct nodes_wish wish = {.filter = &filter,
                                  .sort = (enum node_sort)(i / 2),
                                  .descending = i % 2,
                                  .limit = LIMIT};
        assert_pages(fixture->nodes, &wish, NULL);
    }
}

static bool is_late_and_of_version_2(const struct node *node)
{
    const struct node_running *running = node->running;
    return node->state == NODE_ACTIVE && running && running->key.artifact[0] == 2 &&
           2050 - node->last_seen_ms > 20 && 2050 - node->last_seen_ms <= 40;
}

static bool has_99_at_site_1(const struct node *node)
{
    return strcasestr(node->name, "e-9") && node->id % 5 == 1 && node->id % 2;
}

static bool runs_a_and_is_revoked(const struct node *node)
{
    const struct node_running *running = node->running;
    return node->state == NODE_REVOKED && running && running->key.model[0] == 'a';
}

static void filters_let_through_what_they_say_and_count_it(void **state)
{
    struct fixture *fixture = *state;
    let_report(fixture->nodes);
    struct selector selector;
    assert_int_equal(selector_parse("site=s1,a=x", &selector, NULL), OK);
    struct nodes_filter filters[] = {
        {.version = "2.0",
         .has_contact = true,
         .contact = CONTACT_LATE,
         .limits = {.current_ms = 20, .late_ms = 40},
         .now_ms = 2050},
        {.text = "E-9", .selector = &selector},
        {.model = "a", .has_state = true, .state = NODE_REVOKED},
    };
    passes *const pass[] = {is_late_and_of_version_2, has_99_at_site_1,
                            runs_a_and_is_revoked};
    for (size_t i = 0; i < 3; i++) {
        struct nodes_wish wish = {
            .filter = &filters[i], .sort = NODE_SORT_NAME, .limit = 13};
        assert_pages(fixture->nodes, &wish, pass[i]);
    }
}

static void what_was_told_is_there_again_after_a_start(void **state)
{
    struct fixture *fixture = *state;
    query_execute(
        fixture->store,
        "INSERT INTO cohort VALUES (1, zeroblob(32), 'm', 'none', '', '', '', '');"
        "INSERT INTO node_health(node_id, report_ms, cohort_id, below_floor, reports,"
        " predictions, dropped, queued) VALUES (1, 5000, 1, 0, 1, 2, 0, 12),"
        " (2, 5000, 1, 0, 1, 2, 0, NULL), (3, 6000, 1, 0, 1, 0, 0, NULL);"
        "INSERT INTO report(first_id, node_id, cohort_id, stream, seq, rows, sent_ms,"
        " dropped, body_hash, known, below_floor) VALUES"
        " (5000 << 12, 1, 1, 1, 1, 2, 1, 0, 0, 1, 0),"
        " ((5000 << 12) + 2, 2, 1, 1, 1, 1, 1, 0, 0, 1, 0),"
        " (6000 << 12, 3, 1, 1, 1, 0, 1, 0, 0, 1, 0);"
        "INSERT INTO prediction VALUES (5000 << 12, 1, 1, 0, 1, 1, 900, NULL, NULL),"
        " ((5000 << 12) + 1, 1, 1, 0, 1, 1, -70, NULL, NULL),"
        " ((5000 << 12) + 2, 2, 1, 0, 1, 1, 31, NULL, NULL)");
    load(fixture);
    const struct node *one = node_find(fixture->nodes, 1);
    const struct node *two = node_find(fixture->nodes, 2);
    const struct node *three = node_find(fixture->nodes, 3);
    assert_true(one->last_report_ms == 5000 && one->queued == 12 && one->lag_ms == -70);
    assert_true(two->queued == NODE_UNTOLD && two->lag_ms == 31);
    assert_true(three->last_report_ms == 6000 && three->lag_ms == NODE_UNTOLD);
    assert_true(node_find(fixture->nodes, 4)->last_report_ms == 0);
}

static void a_cursor_that_no_page_gave_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "name",
                                      "name.asc.",
                                      "name.asc.0.0.1",
                                      "name.asc.2.0.1.",
                                      "name.desc.0.0.1.",
                                      "queue.asc.0.0.1.",
                                      "name.asc.0.0.99999999999999999999.",
                                      "name.asc.0.0.1.*",
                                      "name.asc.0.0.1.A",
                                      "name.asc.0. 1.1.",
                                      "name.asc.0.+1.1.",
                                      "name.asc.0.0.1.AAAA",
                                      "name.asc.0.0.1.bm9kZQ.",
                                      "name.asc.-.0.1.bm9kZQ"};
    struct nodes_wish wish = {.sort = NODE_SORT_NAME};
    struct node_key key;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(node_key_read(bad[i], &wish, &key));
    }
    char text[600];
    memset(text, 'A', sizeof text);
    memcpy(text, "name.asc.0.0.1.", 15);
    text[sizeof text - 1] = '\0';
    assert_false(node_key_read(text, &wish, &key));
    assert_true(node_key_read("name.asc.0.0.1.bm9kZQ", &wish, &key));
    assert_string_equal(key.text, "node");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_order_has_every_node_once_and_where_it_belongs, begin, end),
        cmocka_unit_test_setup_teardown(filters_let_through_what_they_say_and_count_it,
                                        begin, end),
        cmocka_unit_test_setup_teardown(what_was_told_is_there_again_after_a_start, begin,
                                        end),
        cmocka_unit_test(a_cursor_that_no_page_gave_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
