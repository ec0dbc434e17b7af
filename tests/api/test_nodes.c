/* SPDX-License-Identifier: Apache-2.0 */
/* The list of nodes and a node's page, held against SQL. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/api/world.h"

static struct world world;

static int start(void **state)
{
    (void)state;
    world_start(&world);
    struct world_report rows = {
        .node = 0, .version = 1, .rows = 50, .at_ms = world.begin_ms};
    assert_int_equal(world_report(&world, &rows), 200);
    rows.node = 1;
    rows.version = 2;
    assert_int_equal(world_report(&world, &rows), 200);
    rows.rows = 20;
    assert_int_equal(world_report(&world, &rows), 200);
    assert_int_equal(world_summary(&world, 2, world.begin_ms), 200);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

/* The ids of a whole list, page by page of `limit`, as "1,5,3,". */
static void ids_of(const char *query, int limit, struct buf *ret_ids)
{
    char target[1024];
    char next[512] = "";
    do {
        (void)snprintf(target, sizeof target, "/v1/nodes?%s&limit=%d%s%s", query, limit,
                       next[0] ? "&cursor=" : "", next);
        json_t *page = world_get(&world, target);
        const json_t *items = world_member(page, "items");
        for (size_t i = 0; i < json_array_size(items); i++) {
            buf_addf(ret_ids, "%" PRId64 ",",
                     world_number(json_array_get(items, i), "id"));
        }
        const json_t *cursor = world_member(page, "next");
        (void)snprintf(next, sizeof next, "%s",
                       json_is_string(cursor) ? json_string_value(cursor) : "");
        json_decref(page);
    } while (next[0]);
}

struct list {
    const char *query, *sql; /* what comes after FROM node AS n … */
};

/* n: the node, h: its newest report, a: its artifact, l: site */
static const char from[] =
    " FROM node AS n LEFT JOIN v_node_health AS h ON h.node_id = n.id LEFT JOIN artifact"
    " AS a ON lower(hex(a.sha256)) = h.artifact LEFT JOIN v_node_label AS l ON l.node_id"
    " = n.id AND l.key = 'site' ";

static const struct list lists[] = {
    {"sort=name", "ORDER BY n.name, n.id"},
    {"sort=name&order=desc", "ORDER BY n.name DESC, n.id DESC"},
    {"sort=last_report", "ORDER BY h.report_ms NULLS LAST, n.id"},
    {"sort=last_report&order=desc", "ORDER BY h.report_ms DESC NULLS LAST, n.id DESC"},
    {"sort=queue", "ORDER BY h.queued NULLS LAST, n.id"},
    {"sort=version&order=asc", "ORDER BY h.model NULLS LAST, a.seq, n.id"},
    {"sort=version&order=desc",
     "ORDER BY h.model DESC NULLS LAST, a.seq DESC, n.id DESC"},
    {"sort=name&q=LYON", "WHERE n.name LIKE '%lyon%' ORDER BY n.name, n.id"},
    {"sort=name&state=active", "WHERE n.state = 'active' ORDER BY n.name, n.id"},
    {"q=l", "WHERE n.name LIKE '%l%' ORDER BY n.id"},
    {"model=fashion", "WHERE h.model = 'fashion' ORDER BY n.id"},
    {"sort=name&version=2.0.0", "WHERE h.version = '2.0.0' ORDER BY n.name, n.id"},
    {"version=2.0.0&model=other", "WHERE 0"},
    {"sort=lag&selector=site%3Dlyon",
     "WHERE l.value = 'lyon' ORDER BY h.report_ms - "
     "(SELECT max((id >> 12) - lag_ms) FROM prediction WHERE node_id = n.id), n.id"},
    {"contact=never", "WHERE n.state = 'active' AND n.last_seen_ms IS NULL AND"
                      " h.report_ms IS NULL ORDER BY n.id"},
    {"sort=name&contact=silent", "WHERE n.name = 'silent'"},
    {"contact=late", "WHERE n.name = 'late'"},
    {"contact=current&state=active&q=", "WHERE h.report_ms IS NOT NULL ORDER BY n.id"},
    {"contact=never&state=revoked", "WHERE 0"},
};

static void every_list_is_the_one_that_sql_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        char statement[1024];
        BUF_AUTO wanted = BUF_INIT(65536);
        BUF_AUTO ids = BUF_INIT(65536);
        BUF_AUTO paged = BUF_INIT(65536);
        (void)snprintf(statement, sizeof statement,
                       "SELECT coalesce(group_concat(id || ',', ''), '') FROM"
                       " (SELECT n.id%s%s)",
                       from, lists[i].sql);
        site_sql(&world.site, statement, &wanted);
        ids_of(lists[i].query, 1000, &ids);
        ids_of(lists[i].query, 2, &paged);
        buf_addstr(&ids, "\n");
        buf_addstr(&paged, "\n");
        assert_string_equal(ids.data, wanted.data);
        assert_string_equal(paged.data, wanted.data);
    }
}

static void every_list_says_how_many_there_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        char target[1024];
        (void)snprintf(target, sizeof target, "/v1/nodes?limit=1&%s", lists[i].query);
        json_t *page = world_get(&world, target);
        const char *order = strstr(lists[i].sql, "ORDER");
        int end = order ? (int)(order - lists[i].sql) : (int)strlen(lists[i].sql);
        assert_int_equal(
            world_number(page, "matching"),
            world_count(&world, "SELECT count(*)%s%.*s", from, end, lists[i].sql));
        json_decref(page);
    }
}

static void a_node_has_the_numbers_of_its_newest_report(void **state)
{
    (void)state;
    json_t *page = world_get(&world, "/v1/nodes?sort=name&q=yon");
    for (int i = 0; i < 2; i++) {
        const json_t *node = json_array_get(world_member(page, "items"), (size_t)i);
        int64_t id = world_number(node, "id");
        assert_string_equal(world_text(node, "contact"), "current");
        assert_int_equal(world_number(node, "last_report_ms"),
                         world_count(&world,
                                     "SELECT report_ms FROM node_health WHERE node_id ="
                                     " %" PRId64,
                                     id));
        assert_int_equal(
            world_number(node, "queued"),
            world_count(&world, "SELECT queued FROM node_health WHERE node_id = %" PRId64,
                        id));
        assert_int_equal(
            world_number(node, "lag_ms"),
            world_count(&world,
                        "SELECT lag_ms FROM prediction WHERE node_id = %" PRId64
                        " ORDER BY id DESC LIMIT 1",
                        id));
        assert_int_equal(world_number(node, "seq"), i + 1);
    }
    json_decref(page);
}

static void a_summary_is_as_late_as_its_end(void **state)
{
    (void)state;
    static const char lag[] = "SELECT lag_ms - length_ms FROM summary";
    json_t *page = world_get(&world, "/v1/nodes?q=paris");
    assert_int_equal(world_number(page, "items.0.lag_ms"),
                     world_count(&world, "%s", lag));
    json_decref(page);
    assert_int_equal(program_stop(&world.site.server), 0);
    world_restart(&world);
    page = world_get(&world, "/v1/nodes?q=paris");
    assert_int_equal(world_number(page, "items.0.lag_ms"),
                     world_count(&world, "%s", lag));
    json_decref(page);
}

/* Of the node of the world. */
static json_t *get_node(int node)
{
    char target[64];
    (void)snprintf(target, sizeof target, "/v1/nodes/%" PRId64, world.nodes[node].id);
    return world_get(&world, target);
}

static int64_t count_of_node(int node, const char *what, const char *rest)
{
    return world_count(&world, "SELECT %s WHERE node_id = %" PRId64 "%s", what,
                       world.nodes[node].id, rest);
}

static void a_node_tells_its_newest_reports(void **state)
{
    (void)state;
    json_t *node = get_node(1);
    assert_int_equal(json_array_size(world_member(node, "reports")), 2);
    assert_int_equal(world_number(node, "reports.0.rows"), 20);
    assert_int_equal(world_number(node, "reports.0.predictions"), 20);
    assert_int_equal(world_number(node, "reports.1.rows"), 50);
    assert_int_equal(world_number(node, "reports.0.received_ms"),
                     count_of_node(1, "max(first_id) >> 12 FROM report", ""));
    assert_int_equal(world_number(node, "reports.0.seq"),
                     count_of_node(1, "max(seq) FROM report", ""));
    assert_string_equal(world_text(node, "reports.0.version"), "2.0.0");
    assert_string_equal(world_text(node, "reports.0.mode"), "full");
    json_decref(node);
    node = get_node(2);
    assert_int_equal(world_number(node, "reports.0.rows"), 1);
    assert_int_equal(world_number(node, "reports.0.predictions"), 1800);
    assert_string_equal(world_text(node, "reports.0.mode"), "sampled");
    json_decref(node);
}

static void a_node_tells_what_it_ran_and_only_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < WORLD_NODES; i++) {
        json_t *node = get_node(i);
        assert_int_equal(json_array_size(world_member(node, "history")), 1);
        assert_string_equal(world_text(node, "history.0.version"),
                            i == 1 ? "2.0.0" : "1.0.0");
        assert_int_equal(world_number(node, "history.0.predictions"),
                         count_of_node(i, "sum(n) FROM node_hour", ""));
        assert_int_equal(world_number(node, "history.0.reports"),
                         count_of_node(i, "count(*) FROM report", ""));
        assert_int_equal(world_number(node, "history.0.first_received_ms"),
                         count_of_node(i, "min(first_id) >> 12 FROM report", ""));
        assert_int_equal(world_number(node, "history.0.last_received_ms"),
                         count_of_node(i, "max(first_id) >> 12 FROM report", ""));
        json_decref(node);
    }
}

static void a_node_tells_the_deployment_of_each_offer(void **state)
{
    (void)state;
    static const char body[] =
        "{\"model\":\"fashion\",\"version\":\"2.0.0\",\"selector\":\"site=lyon\"}";
    assert_int_equal(
        site_call(&world.site, "POST", "/v1/deployments", world.site.admin, body, NULL),
        201);
    json_t *node = get_node(0);
    assert_string_equal(world_text(node, "offers.0.version"), "2.0.0");
    assert_int_equal(world_number(node, "offers.0.deployment.id"),
                     world_count(&world, "SELECT max(id) FROM deployment"));
    assert_string_equal(world_text(node, "offers.0.deployment.selector"), "site=lyon");
    assert_string_equal(world_text(node, "offers.0.deployment.created_by"), "init");
    json_decref(node);
    node = get_node(2);
    assert_int_equal(json_array_size(world_member(node, "offers")), 0);
    json_decref(node);
}

static void a_node_that_never_reported_has_no_past(void **state)
{
    (void)state;
    char target[64];
    (void)snprintf(target, sizeof target, "/v1/nodes/%" PRId64,
                   world_count(&world, "SELECT id FROM node WHERE name = 'never'"));
    json_t *node = world_get(&world, target);
    assert_int_equal(json_array_size(world_member(node, "history")), 0);
    assert_int_equal(json_array_size(world_member(node, "reports")), 0);
    assert_true(world_number(node, "history_from_ms") > 0);
    json_decref(node);
}

static void variants_count_the_nodes_that_run_them(void **state)
{
    (void)state;
    json_t *model = world_get(&world, "/v1/models/fashion");
    assert_string_equal(world_text(model, "versions.1.variants.0.variant"), "int8");
    assert_int_equal(world_number(model, "versions.1.variants.0.nodes"), 1);
    assert_int_equal(world_number(model, "versions.0.variants.0.nodes"), 2);
    assert_int_equal(world_number(model, "versions.0.variants.0.ram_bytes"), 77);
    assert_true(json_is_null(world_member(model, "versions.1.variants.0.ram_bytes")));
    assert_int_equal(json_array_size(world_member(model, "signatures")), 0);
    json_decref(model);
}

static void a_query_that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *query, *code, *pointer;
    } bad[] = {
        {"state=on", "json.range", "\"?state\""},
        {"contact=", "json.range", "\"?contact\""},
        {"contact=Late", "json.range", "\"?contact\""},
        {"sort=id", "json.range", "\"?sort\""},
        {"sort=", "json.range", "\"?sort\""},
        {"sort=name&order=up", "json.range", "\"?order\""},
        {"order=asc", "json.range", "\"?order\""},
        {"limit=1001", "json.range", "\"?limit\""},
        {"cursor=-1", "json.range", "\"?cursor\""},
        {"cursor=name.asc.0.0.1.bm9kZQ", "json.range", "\"?cursor\""},
        {"sort=name&cursor=7", "json.range", "\"?cursor\""},
        {"sort=name&order=desc&cursor=name.asc.0.0.1.bm9kZQ", "json.range",
         "\"?cursor\""},
        {"sort=lag&cursor=lag.asc.0.9223372036854775808.1.", "json.range", "\"?cursor\""},
        {"selector=site%3D", "selector.syntax", "\"?selector\""},
        {"format=xml", "invalid_argument", "\"?format\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REPLY_AUTO reply = {0};
        char target[256];
        (void)snprintf(target, sizeof target, "/v1/nodes?%s", bad[i].query);
        assert_int_equal(
            site_call(&world.site, "GET", target, world.viewer, NULL, &reply), 422);
        assert_true(reply_has_code(&reply, bad[i].code));
        assert_non_null(strstr(reply.answer.body, bad[i].pointer));
    }
    char target[256] = "/v1/nodes?q=";
    memset(target + strlen(target), 'x', 129);
    REPLY_AUTO reply = {0};
    assert_int_equal(site_call(&world.site, "GET", target, world.viewer, NULL, &reply),
                     422);
    assert_true(reply_has_code(&reply, "json.length"));
}

static void get_csv(const char *target, const char *headers, struct reply *ret_reply)
{
    struct call call = {.target = target, .token = world.viewer, .headers = headers};
    assert_int_equal(http_send(world.site.server.port, &call, ret_reply), 200);
    char value[128];
    assert_true(answer_header(&ret_reply->answer, "Content-Type", value, sizeof value));
    assert_string_equal(value, "text/csv; charset=utf-8; header=present");
    assert_true(
        answer_header(&ret_reply->answer, "Content-Disposition", value, sizeof value));
    assert_string_equal(value, "attachment; filename=\"muster-nodes.csv\"");
}

/* Lines of a table without line feeds in its cells. */
static size_t lines_of(const char *text)
{
    size_t lines = 0;
    while ((text = strstr(text, "\r\n"))) {
        lines++;
        text += 2;
    }
    return lines;
}

static void csv_has_the_rows_of_the_list_and_no_formulas(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char line[512];
    get_csv("/v1/nodes?sort=name", "Accept: text/csv\r\n", &reply);
    assert_int_equal(strncmp(reply.answer.body,
                             "id,name,state,contact,labels,arch,model,version,seq,"
                             "artifact,last_seen_ms,last_report_ms,queued,lag_ms,"
                             "predictions,enrolled_ms\r\n",
                             120),
                     0);
    assert_int_equal(lines_of(reply.answer.body),
                     1 + world_count(&world, "SELECT count(*) FROM node"));
    (void)snprintf(line, sizeof line,
                   "\r\n%" PRId64 ",paris,active,current,"
                   "\"line=3; note=@\"\"x\"\"; site=paris\",",
                   world.nodes[2].id);
    assert_non_null(strstr(reply.answer.body, line));
    assert_non_null(
        strstr(reply.answer.body, ",never,active,never,,aarch64,,,,,,,,,0,1\r\n"));
    reply_release(&reply);
    get_csv("/v1/nodes?sort=name&limit=2&format=csv", NULL, &reply);
    assert_int_equal(lines_of(reply.answer.body), 3);
    char next[256];
    assert_true(answer_header(&reply.answer, "Next-Cursor", next, sizeof next));
    assert_int_equal(strncmp(next, "name.asc.0.0.", 13), 0);
}

static void a_name_that_a_spreadsheet_would_run_is_quoted(void **state)
{
    (void)state;
    static const char *const names[] = {"=1+1", "@x", "+2", "-3", "a,\"b\""};
    static const char *const cells[] = {",'=1+1,", ",'@x,", ",'+2,", ",'-3,",
                                        ",\"a,\"\"b\"\"\","};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct site_node node;
        site_node(&world.site, names[i], &node);
        char target[64];
        REPLY_AUTO reply = {0};
        (void)snprintf(target, sizeof target, "/v1/nodes?selector=id%%3D%" PRId64,
                       node.id);
        get_csv(target, "Accept: text/csv\r\n", &reply);
        assert_non_null(strstr(reply.answer.body, cells[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_list_is_the_one_that_sql_gives),
        cmocka_unit_test(every_list_says_how_many_there_are),
        cmocka_unit_test(a_node_has_the_numbers_of_its_newest_report),
        cmocka_unit_test(a_query_that_is_none_is_refused),
        cmocka_unit_test(csv_has_the_rows_of_the_list_and_no_formulas),
        cmocka_unit_test(a_node_tells_its_newest_reports),
        cmocka_unit_test(a_node_tells_what_it_ran_and_only_its_own),
        cmocka_unit_test(a_node_that_never_reported_has_no_past),
        cmocka_unit_test(variants_count_the_nodes_that_run_them),
        cmocka_unit_test(a_node_tells_the_deployment_of_each_offer),
        cmocka_unit_test(a_summary_is_as_late_as_its_end),
        cmocka_unit_test(a_name_that_a_spreadsheet_would_run_is_quoted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
