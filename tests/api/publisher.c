/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/publisher.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "tuf/json.h"

enum { DAY_MS = 86400000, TEXT_MAX = 256 * 1024 };

static void sign(const json_t *body, const struct signing_key *key, struct buf *ret_text)
{
    const struct signing_key *keys[] = {key};
    buf_reset(ret_text);
    assert_int_equal(signing_envelope(body, keys, 1, ret_text, NULL), OK);
}

void publisher_root(struct publisher *publisher, int64_t version)
{
    JSON_AUTO *body = NULL;
    uint8_t timestamp_key[32];
    const uint8_t *keys[TUF_ROLE_COUNT] = {
        [TUF_ROLE_ROOT] = publisher->root_key.public_key,
        [TUF_ROLE_TIMESTAMP] = timestamp_key,
        [TUF_ROLE_SNAPSHOT] = publisher->root_key.public_key,
        [TUF_ROLE_TARGETS] = publisher->roles[0].key.public_key,
    };
    assert_int_equal(hex_decode(publisher->site->timestamp_key, timestamp_key, 32, NULL),
                     OK);
    assert_int_equal(
        signing_body_new(TUF_ROLE_ROOT, version, clock_wall_ms() + DAY_MS, &body, NULL),
        OK);
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        assert_int_equal(
            signing_root_add_key(body, (enum tuf_role)role, keys[role], NULL), OK);
    }
    sign(body, &publisher->root_key, &publisher->root);
}

void publisher_init(struct publisher *publisher, const struct site *site)
{
    memset(publisher, 0, sizeof *publisher);
    publisher->site = site;
    publisher->root = BUF_INIT(TEXT_MAX);
    publisher->snapshot = BUF_INIT(TEXT_MAX);
    assert_int_equal(signing_key_generate(&publisher->root_key, NULL), OK);
    (void)publisher_role(publisher, "targets");
    publisher_root(publisher, 1);
    assert_int_equal(signing_body_new(TUF_ROLE_SNAPSHOT, 1, clock_wall_ms() + DAY_MS,
                                      &publisher->snapshot_body, NULL),
                     OK);
}

void publisher_release(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->count; i++) {
        json_decref(publisher->roles[i].body);
        buf_release(&publisher->roles[i].text);
    }
    json_decref(publisher->snapshot_body);
    buf_release(&publisher->root);
    buf_release(&publisher->snapshot);
}

struct publisher_role *publisher_role(struct publisher *publisher, const char *name)
{
    for (size_t i = 0; i < publisher->count; i++) {
        if (strcmp(publisher->roles[i].name, name) == 0) {
            return &publisher->roles[i];
        }
    }
    assert_true(publisher->count < PUBLISHER_ROLES_MAX);
    struct publisher_role *role = &publisher->roles[publisher->count++];
    (void)snprintf(role->name, sizeof role->name, "%s", name);
    role->text = BUF_INIT(TEXT_MAX);
    assert_int_equal(signing_key_generate(&role->key, NULL), OK);
    assert_int_equal(signing_body_new(TUF_ROLE_TARGETS, 1, clock_wall_ms() + DAY_MS,
                                      &role->body, NULL),
                     OK);
    return role;
}

void publisher_delegate(struct publisher *publisher, const char *from, const char *to,
                        const char *pattern)
{
    const struct publisher_role *role = publisher_role(publisher, to);
    json_t *body = publisher_role(publisher, from)->body;
    json_t *delegations = json_object_get(body, "delegations");
    if (!delegations) {
        delegations = json_pack("{s:{}, s:[]}", "keys", "roles");
        (void)json_object_set_new(body, "delegations", delegations);
    }
    (void)json_object_set_new(json_object_get(delegations, "keys"), role->key.keyid,
                              key_object_new(role->key.public_key));
    (void)json_array_append_new(json_object_get(delegations, "roles"),
                                json_pack("{s:s, s:[s], s:i, s:b, s:[s]}", "name", to,
                                          "keyids", role->key.keyid, "threshold", 1,
                                          "terminating", 1, "paths", pattern));
}

static void upload(const struct publisher *publisher, const char *bytes,
                   const uint8_t digest[static 32])
{
    REPLY_AUTO reply = {0};
    char text[65];
    char target[128];
    hex_encode(digest, 32, text);
    (void)snprintf(target, sizeof target, "/v1/repository/targets/%s", text);
    struct call call = {.method = "PUT",
                        .target = target,
                        .token = publisher->site->admin,
                        .headers = "Content-Type: application/octet-stream\r\n",
                        .body = bytes};
    assert_int_equal(http_send(publisher->site->server.port, &call, &reply), 204);
}

void publisher_list(struct publisher *publisher, const char *role,
                    const struct publisher_model *model)
{
    uint8_t digest[32];
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%" PRId64 "/fp32.mnet", model->model,
                   model->seq);
    char version[32];
    (void)snprintf(version, sizeof version, "1.%" PRId64 ".0", model->seq - 1);
    JSON_AUTO *custom = json_pack(
        "{s:{s:i, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:{s:[i,i,i,i], s:s}, s:[s,s]}}",
        "muster", "schema", 1, "model", model->model, "version", version, "seq",
        (json_int_t)model->seq, "floor", (json_int_t)model->floor, "variant", "fp32",
        "format", "mnet/1", "task", "classify", "input", "shape", 1, 1, 28, 28, "dtype",
        "u8", "classes", "a", "b");
    assert_non_null(custom);
    assert_int_equal(sha256_of(model->bytes, strlen(model->bytes), digest, NULL), OK);
    assert_int_equal(signing_add_target(publisher_role(publisher, role)->body, path,
                                        (int64_t)strlen(model->bytes), digest, custom,
                                        NULL),
                     OK);
    upload(publisher, model->bytes, digest);
}

void publisher_version(struct publisher *publisher, const char *role, int64_t version,
                       int days)
{
    assert_int_equal(signing_body_renew(publisher_role(publisher, role)->body, version,
                                        clock_wall_ms() + (int64_t)days * DAY_MS, NULL),
                     OK);
}

void publisher_sign(struct publisher *publisher, int64_t snapshot_version)
{
    json_t *snapshot = publisher->snapshot_body;
    assert_int_equal(
        signing_body_renew(snapshot, snapshot_version, clock_wall_ms() + DAY_MS, NULL),
        OK);
    for (size_t i = 0; i < publisher->count; i++) {
        struct publisher_role *role = &publisher->roles[i];
        char name[80];
        sign(role->body, &role->key, &role->text);
        struct signing_file file = {
            .data = role->text.data,
            .len = role->text.len,
            .version = json_integer_value(json_object_get(role->body, "version"))};
        (void)snprintf(name, sizeof name, "%s.json", role->name);
        assert_int_equal(signing_set_meta(snapshot, name, &file, NULL), OK);
    }
    sign(snapshot, &publisher->root_key, &publisher->snapshot);
}

int publisher_push(const struct publisher *publisher, bool with_root, struct reply *reply)
{
    BUF_AUTO body = BUF_INIT((size_t)8 * TEXT_MAX);
    buf_addstr(&body, "{\"roots\":[");
    if (with_root) {
        buf_add_json(&body, publisher->root.data);
    }
    buf_addstr(&body, "],\"targets\":");
    buf_add_json(&body, publisher->roles[0].text.data);
    buf_addstr(&body, ",\"snapshot\":");
    buf_add_json(&body, publisher->snapshot.data);
    buf_addstr(&body, ",\"delegated\":{");
    const char *comma = "";
    for (size_t i = 1; i < publisher->count; i++) {
        if (!publisher->roles[i].held_back) {
            buf_addstr(&body, comma);
            buf_add_json(&body, publisher->roles[i].name);
            buf_addc(&body, ':');
            buf_add_json(&body, publisher->roles[i].text.data);
            comma = ",";
        }
    }
    buf_addstr(&body, "}}");
    return site_call(publisher->site, "POST", "/v1/repository", publisher->site->admin,
                     body.data, reply);
}

void publisher_target(const struct publisher_model *model, char *ret_target, size_t size)
{
    uint8_t digest[32];
    char text[65];
    assert_int_equal(sha256_of(model->bytes, strlen(model->bytes), digest, NULL), OK);
    hex_encode(digest, sizeof digest, text);
    (void)snprintf(ret_target, size, "/tuf/targets/%s/%" PRId64 "/%s.fp32.mnet",
                   model->model, model->seq, text);
}
