/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet in a few numbers, held against SQL. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
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
    assert_int_equal(world_repeat(&world, &rows), 200);
    rows.rows = 3;
    assert_int_equal(world_repeat(&world, &rows), 409);
    assert_int_equal(world_summary(&world, 2, world.begin_ms), 200);
    /* a device a little ahead, and one that knows nothing of the time */
    rows = (struct world_report){
        .node = 2, .version = 1, .rows = 2, .at_ms = clock_wall_ms() + 60000};
    assert_int_equal(world_report(&world, &rows), 200);
    rows.at_ms = 1;
    assert_int_equal(world_report(&world, &rows), 200);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

static void assert_totals(const json_t *fleet)
{
    int64_t midnight_ms = world_number(fleet, "server_ms") / 86400000 * 86400000;
    assert_int_equal(world_number(fleet, "predictions.stored"),
                     world_count(&world, "SELECT sum(predictions) FROM node_health"));
    assert_int_equal(world_number(fleet, "predictions.stored"),
                     world_count(&world, "SELECT sum(n) FROM class_quarter"));
    assert_int_equal(world_number(fleet, "reports.acknowledged"),
                     world_count(&world, "SELECT count(*) FROM report"));
    assert_int_equal(world_number(fleet, "predictions.today"),
                     world_count(&world,
                                 "SELECT coalesce(sum(n), 0) FROM class_quarter WHERE"
                                 " quarter_ms >= %" PRId64 " AND quarter_ms < %" PRId64,
                                 midnight_ms, midnight_ms + 86400000));
}

static void its_totals_are_those_of_sql(void **state)
{
    (void)state;
    json_t *fleet = world_get(&world, "/v1/fleet");
    assert_totals(fleet);
    assert_int_equal(world_number(fleet, "reports.duplicates"), 1);
    assert_int_equal(world_number(fleet, "reports.refused"), 1);
    assert_true(json_is_real(world_member(fleet, "predictions.per_s")));
    assert_true(world_number(fleet, "database.bytes") > 0);
    json_decref(fleet);
}

static void its_totals_outlive_a_restart(void **state)
{
    (void)state;
    assert_int_equal(program_stop(&world.site.server), 0);
    world_restart(&world);
    json_t *fleet = world_get(&world, "/v1/fleet");
    assert_totals(fleet);
    json_decref(fleet);
    struct world_report rows = {
        .node = 0, .version = 1, .rows = 7, .at_ms = clock_wall_ms() - 5000};
    assert_int_equal(world_report(&world, &rows), 200);
    fleet = world_get(&world, "/v1/fleet");
    assert_totals(fleet);
    json_decref(fleet);
}

static void its_nodes_are_counted_by_state_and_contact(void **state)
{
    (void)state;
    static const char *const states[] = {"active", "pending", "revoked"};
    json_t *fleet = world_get(&world, "/v1/fleet");
    assert_int_equal(world_number(fleet, "nodes.total"),
                     world_count(&world, "SELECT count(*) FROM node"));
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "nodes.by_state.%s", states[i]);
        assert_int_equal(world_number(fleet, path),
                         world_count(&world,
                                     "SELECT count(*) FROM node WHERE state = '%s'",
                                     states[i]));
    }
    assert_int_equal(world_number(fleet, "nodes.by_contact.current"), WORLD_NODES);
    assert_int_equal(world_number(fleet, "nodes.by_contact.late"), 1);
    assert_int_equal(world_number(fleet, "nodes.by_contact.silent"), 1);
    assert_int_equal(world_number(fleet, "nodes.by_contact.never"), 1);
    json_decref(fleet);
}

static void its_versions_are_those_of_the_newest_reports(void **state)
{
    (void)state;
    json_t *fleet = world_get(&world, "/v1/fleet");
    assert_int_equal(json_array_size(world_member(fleet, "versions")), 2);
    assert_string_equal(world_text(fleet, "versions.0.version"), "1.0.0");
    assert_string_equal(world_text(fleet, "versions.0.variant"), "fp32");
    for (int i = 0; i < 2; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "versions.%d.nodes", i);
        int64_t nodes = world_number(fleet, path);
        (void)snprintf(path, sizeof path, "versions.%d.artifact", i);
        assert_int_equal(nodes,
                         world_count(&world,
                                     "SELECT count(*) FROM v_node_health AS h JOIN node"
                                     " AS n ON n.id = h.node_id WHERE h.artifact = '%s'"
                                     " AND n.state != 'revoked'",
                                     world_text(fleet, path)));
    }
    json_decref(fleet);
}

/* The value of a sample of /metrics, by all of its text before the value. */
static int64_t sample(const char *metrics, const char *name)
{
    char start[160];
    int64_t value = -1;
    (void)snprintf(start, sizeof start, "\n%s ", name);
    const char *found = strstr(metrics, start);
    if (!found) {
        fail_msg("no sample '%s'", name);
    } else {
        value = strtoll(found + strlen(start), NULL, 10);
    }
    return value;
}

static void its_gauges_are_those_of_sql(void **state)
{
    (void)state;
    static const struct {
        const char *name, *statement;
    } cases[] = {
        {"muster_nodes{state=\"active\"}",
         "SELECT count(*) FROM node WHERE state = 'active'"},
        {"muster_nodes{state=\"pending\"}",
         "SELECT count(*) FROM node WHERE state = 'pending'"},
        {"muster_nodes{state=\"revoked\"}",
         "SELECT count(*) FROM node WHERE state = 'revoked'"},
        {"muster_running_nodes{model=\"fashion\",version=\"1.0.0\",variant=\"fp32\"}",
         "SELECT count(*) FROM v_node_health WHERE artifact LIKE '01%'"},
        {"muster_running_nodes{model=\"fashion\",version=\"2.0.0\",variant=\"int8\"}",
         "SELECT count(*) FROM v_node_health WHERE artifact LIKE '02%'"},
        {"muster_queued_batches", "SELECT sum(queued) FROM node_health JOIN node ON id = "
                                  "node_id WHERE node.state ="
                                  " 'active'"},
        {"muster_queued_nodes", "SELECT count(*) FROM node_health WHERE queued > 0"},
        {"muster_lagging_nodes{over=\"10s\"}",
         "SELECT count(*) FROM (SELECT max(id), lag_ms FROM prediction GROUP BY node_id)"
         " WHERE lag_ms > 10000"},
        {"muster_lagging_nodes{over=\"1h\"}",
         "SELECT count(*) FROM (SELECT max(id), lag_ms FROM prediction GROUP BY node_id)"
         " WHERE lag_ms > 3600000"},
        {"muster_fleet_reports_total", "SELECT count(*) FROM report"},
        {"muster_fleet_predictions_total", "SELECT sum(n) FROM class_quarter"},
    };
    REPLY_AUTO reply = {0};
    assert_int_equal(http_get(world.site.server.metrics_port, "/metrics", NULL, &reply),
                     200);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sample(reply.answer.body, cases[i].name),
                         world_count(&world, "%s", cases[i].statement));
    }
    assert_int_equal(
        sample(reply.answer.body, "muster_active_nodes{contact=\"current\"}"),
        WORLD_NODES);
    assert_int_equal(sample(reply.answer.body, "muster_active_nodes{contact=\"never\"}"),
                     1);
}

/* Reads the stream until `wanted` was seen; false at its end. */
static bool follow(int fd, struct buf *data, const char *wanted)
{
    int64_t until_ms = clock_mono_ms() + 120000;
    while (clock_mono_ms() < until_ms) {
        if (data->len && memmem(data->data, data->len, wanted, strlen(wanted))) {
            return true;
        }
        if (net_read(fd, data, 50)) {
            return data->len && memmem(data->data, data->len, wanted, strlen(wanted));
        }
    }
    fail_msg("'%s' did not come", wanted);
    return false;
}

static void events_follow_the_fleet_and_end_with_their_token(void **state)
{
    (void)state;
    BUF_AUTO data = BUF_INIT(1024 * 1024);
    REPLY_AUTO reply = {0};
    char head[256];
    char id[24];
    char token[TOKEN_TEXT_MAX];
    char wanted[64];
    assert_int_equal(site_call(&world.site, "POST", "/v1/api-tokens", world.site.admin,
                               "{\"name\":\"x\",\"role\":\"viewer\"}", &reply),
                     201);
    reply_member(&reply, "token", token, sizeof token);
    reply_member(&reply, "id", id, sizeof id);
    int fd = net_connect(world.site.server.port, NULL);
    (void)snprintf(
        head, sizeof head,
        "GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token);
    assert_true(net_send(fd, head, strlen(head)));
    assert_true(follow(fd, &data, "retry: 5000\n\nevent: fleet\ndata: {\"server_ms\":"));
    assert_non_null(memmem(data.data, data.len, "Content-Type: text/event-stream", 31));
    struct world_report rows = {
        .node = 0, .version = 1, .rows = 11, .at_ms = world.begin_ms};
    assert_int_equal(world_report(&world, &rows), 200);
    (void)snprintf(wanted, sizeof wanted, "\"stored\":%" PRId64 ",",
                   world_count(&world, "SELECT sum(predictions) FROM node_health"));
    assert_true(follow(fd, &data, wanted));
    (void)snprintf(head, sizeof head, "/v1/api-tokens/%s", id);
    assert_int_equal(site_call(&world.site, "DELETE", head, world.site.admin, NULL, NULL),
                     204);
    assert_true(follow(fd, &data, "\r\n0\r\n\r\n"));
    (void)close(fd);
}

static void nobody_without_a_token_learns_anything(void **state)
{
    (void)state;
    static const char *const targets[] = {"/v1/fleet", "/v1/events"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        REPLY_AUTO reply = {0};
        assert_int_equal(site_call(&world.site, "GET", targets[i], NULL, NULL, &reply),
                         401);
        assert_null(strstr(reply.answer.body, "fashion"));
        reply_release(&reply);
        assert_int_equal(site_call(&world.site, "GET", targets[i], world.nodes[0].session,
                                   NULL, &reply),
                         403);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_totals_are_those_of_sql),
        cmocka_unit_test(its_nodes_are_counted_by_state_and_contact),
        cmocka_unit_test(its_versions_are_those_of_the_newest_reports),
        cmocka_unit_test(its_gauges_are_those_of_sql),
        cmocka_unit_test(its_totals_outlive_a_restart),
        cmocka_unit_test(events_follow_the_fleet_and_end_with_their_token),
        cmocka_unit_test(nobody_without_a_token_learns_anything),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
