/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const char *const options[] = {
    "--poll-s",    "86400", "--cohort-labels", "site", "--metrics-listen",
    "127.0.0.1:0", NULL};

#define NODE(name, key, state, seen)                                                     \
    "INSERT INTO node(name, public_key, state, facts, enrolled_ms, last_seen_ms)"        \
    " VALUES ('" name "', CAST(x'" key "' || zeroblob(31) AS BLOB), '" state             \
    "', '{\"arch\":\"aarch64\"}', 1, " seen ");"

/* A poll a day: whoever called in this test is current, however slow it is. */
static const char seed[] =
    "INSERT INTO model VALUES ('fashion', 'classify', 0);"
    "INSERT INTO model_version VALUES ('fashion', 1, '1.0.0', 7), ('fashion', 2, '2.0.0',"
    " 8);"
    "INSERT INTO artifact VALUES"
    " ('fashion', 1, 'fp32', CAST(x'01' || zeroblob(31) AS BLOB), 900,"
    " 'fashion/1/fp32.mnet', 77, NULL, '[\"a\",\"=b\"]', 1),"
    " ('fashion', 2, 'int8', CAST(x'02' || zeroblob(31) AS BLOB), 300,"
    " 'fashion/2/int8.mnet', 0, NULL, '[\"a\",\"=b\"]', 1);" /**/
    NODE("silent", "a1", "active", "2") NODE(
        "late", "a2", "active", "CAST(unixepoch('now') * 1000 AS INTEGER) - 86400000 * 5")
        NODE("never", "a3", "active", "NULL") NODE("pending", "a4", "pending", "NULL")
            NODE("revoked", "a5", "revoked", "5");

void world_start(struct world *world)
{
    static const char *const names[WORLD_NODES] = {"Lyon-1", "lyon-2", "paris"};
    *world = (struct world){0};
    site_start(&world->site, options);
    site_seed(&world->site, options, seed);
    for (int i = 0; i < WORLD_NODES; i++) {
        char target[64];
        site_node(&world->site, names[i], &world->nodes[i]);
        (void)snprintf(target, sizeof target, "/v1/nodes/%" PRId64, world->nodes[i].id);
        assert_int_equal(
            site_call(&world->site, "PATCH", target, world->site.admin,
                      i < 2 ? "{\"labels\":{\"site\":\"lyon\"}}"
                            : "{\"labels\":{\"site\":\"paris\",\"note\":\"@\\\"x\\\"\"}}",
                      NULL),
            200);
    }
    site_api_token(&world->site, "viewer", world->viewer);
    world->begin_ms = (clock_wall_ms() / 3600000 - 2) * 3600000;
}

void world_stop(struct world *world)
{
    site_stop(&world->site);
}

void world_restart(struct world *world)
{
    site_restart(&world->site, options);
}

void world_seed(struct world *world, const char *statement)
{
    site_seed(&world->site, options, statement);
}

static int post(const struct world *world, int node, const struct buf *body)
{
    assert_false(body->failed);
    return site_call(&world->site, "POST", "/v1/reports", world->nodes[node].session,
                     body->data, NULL);
}

static void add_head(const struct world *world, int version, struct buf *body)
{
    buf_addf(body,
             "{\"stream\":1,\"seq\":%" PRId64 ",\"sent_ms\":%" PRId64
             ",\"model\":\"fashion\",\"artifact\":\"%02d%062d\",\"health\":{\"queued\":"
             "%" PRId64 "},",
             world->seqs, world->begin_ms, version, 0, world->seqs * 3 % 7);
}

static int send_rows(struct world *world, const struct world_report *report)
{
    BUF_AUTO body = BUF_INIT(262144);
    static const char *const columns[] = {"at_ms", "class", "confidence", "latency_us"};
    add_head(world, report->version, &body);
    buf_addstr(&body, "\"predictions\":{");
    for (int column = 0; column < 4; column++) {
        buf_addf(&body, "%s\"%s\":[", column ? "," : "", columns[column]);
        for (int row = 0; row < report->rows; row++) {
            int64_t values[] = {report->at_ms + row * 1000, row % 2, 0,
                                1000 + row % 97 * 10};
            buf_addstr(&body, row ? "," : "");
            if (column == 2) {
                buf_addf(&body, "0.%d", 30 + row * 7 % 60);
            } else {
                buf_addi(&body, values[column]);
            }
        }
        buf_addc(&body, ']');
    }
    buf_addstr(&body, "}}");
    return post(world, report->node, &body);
}

int world_report(struct world *world, const struct world_report *report)
{
    world->seqs++;
    return send_rows(world, report);
}

int world_repeat(struct world *world, const struct world_report *report)
{
    return send_rows(world, report);
}

int world_summary(struct world *world, int node, int64_t at_ms)
{
    BUF_AUTO body = BUF_INIT(4096);
    world->seqs++;
    add_head(world, 1, &body);
    buf_addf(&body,
             "\"summary\":{\"from_ms\":%" PRId64 ",\"to_ms\":%" PRId64
             ",\"mode\":\"sampled\",\"every\":1800,\"n\":1800,\"changes\":9,"
             "\"class\":{\"index\":[0,1],\"n\":[1700,100],\"sum\":[16150000,950000]},"
             "\"confidence\":{\"bin\":[19],\"n\":[1800],\"over\":[0]},"
             "\"latency\":{\"bucket\":[331],\"n\":[1800],\"sum_us\":2169000}},"
             "\"predictions\":{\"at_ms\":[%" PRId64 "],\"class\":[1],"
             "\"confidence\":[0.95],\"latency_us\":[1205]}}",
             at_ms, at_ms + 60000, at_ms);
    return post(world, node, &body);
}

json_t *world_get(const struct world *world, const char *target)
{
    REPLY_AUTO reply = {0};
    json_error_t error;
    int status = site_call(&world->site, "GET", target, world->viewer, NULL, &reply);
    if (status != 200) {
        fail_msg("GET %s: %d %.*s", target, status, (int)reply.answer.body_len,
                 reply.answer.body ? reply.answer.body : "");
    }
    json_t *document = json_loadb(reply.answer.body, reply.answer.body_len, 0, &error);
    if (!document) {
        fail_msg("GET %s: %s", target, error.text);
    }
    return document;
}

const json_t *world_member(const json_t *document, const char *path)
{
    char name[64];
    while (document && *path) {
        size_t len = strcspn(path, ".");
        (void)snprintf(name, sizeof name, "%.*s", (int)len, path);
        document = json_is_array(document)
                       ? json_array_get(document, (size_t)strtol(name, NULL, 10))
                       : json_object_get(document, name);
        path += len + (path[len] == '.');
    }
    return document;
}

int64_t world_number(const json_t *document, const char *path)
{
    const json_t *member = world_member(document, path);
    if (!json_is_integer(member)) {
        fail_msg("there is no integer '%s'", path);
    }
    return json_integer_value(member);
}

const char *world_text(const json_t *document, const char *path)
{
    const json_t *member = world_member(document, path);
    if (!json_is_string(member)) {
        fail_msg("there is no text '%s'", path);
    }
    return json_string_value(member);
}

int64_t world_count(const struct world *world, const char *statement, ...)
{
    BUF_AUTO text = BUF_INIT(65536);
    va_list arguments;
    char line[2048];
    va_start(arguments, statement);
    (void)vsnprintf(line, sizeof line, statement, arguments);
    va_end(arguments);
    site_sql(&world->site, line, &text);
    if (text.len == 0) {
        fail_msg("'%s' gives nothing", line);
    }
    return strtoll(text.data, NULL, 10);
}
