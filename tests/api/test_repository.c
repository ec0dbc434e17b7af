/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing and serving: what a client would refuse is refused here with its code and
 * changes nothing; what is served is what was signed. */
#include "tests/api/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "tuf/json.h"
#include "tuf/signing.h"

enum { DAY_MS = 86400000, TEXT_MAX = 64 * 1024 };

static const char MODEL_1[] = "the first model's bytes, long enough for ranges";
static const char MODEL_2[] = "the second model's bytes, some more of them this time";

/* The publisher: two keys, and the metadata as they were signed last. */
static struct site site;
static struct signing_key root_key, targets_key, foreign_key;
static struct buf root, targets, snapshot;

static void sign(const json_t *body, const struct signing_key *key, struct buf *ret_text)
{
    const struct signing_key *keys[] = {key};
    buf_reset(ret_text);
    assert_int_equal(signing_envelope(body, keys, 1, ret_text, NULL), OK);
}

static void make_root(int64_t version, const uint8_t *timestamp_key)
{
    JSON_AUTO *body = NULL;
    assert_int_equal(
        signing_body_new(TUF_ROLE_ROOT, version, clock_wall_ms() + DAY_MS, &body, NULL),
        OK);
    assert_int_equal(signing_root_add_key(body, TUF_ROLE_ROOT, root_key.public_key, NULL),
                     OK);
    assert_int_equal(
        signing_root_add_key(body, TUF_ROLE_TARGETS, targets_key.public_key, NULL), OK);
    assert_int_equal(
        signing_root_add_key(body, TUF_ROLE_SNAPSHOT, targets_key.public_key, NULL), OK);
    assert_int_equal(signing_root_add_key(body, TUF_ROLE_TIMESTAMP, timestamp_key, NULL),
                     OK);
    sign(body, &root_key, &root);
}

static void add_model(json_t *body, int64_t seq, const char *bytes, int64_t floor)
{
    uint8_t digest[32];
    char path[64];
    char custom[512];
    (void)snprintf(path, sizeof path, "fashion/%" PRId64 "/fp32.mnet", seq);
    (void)snprintf(
        custom, sizeof custom,
        "{\"muster\":{\"schema\":1,\"model\":\"fashion\",\"version\":\"1.%" PRId64
        ".0\",\"seq\":%" PRId64 ",\"floor\":%" PRId64
        ",\"variant\":\"fp32\",\"format\":\"mnet/1\",\"task\":\"classify\","
        "\"input\":{\"shape\":[1,1,28,28],\"dtype\":\"u8\"},"
        "\"classes\":[\"a\",\"b\"],\"ram_bytes\":1000,"
        "\"on_revoke\":\"keep\"}}",
        seq - 1, seq, floor);
    JSON_AUTO *tree = json_loads(custom, 0, NULL);
    assert_non_null(tree);
    assert_int_equal(sha256_of(bytes, strlen(bytes), digest, NULL), OK);
    assert_int_equal(
        signing_add_target(body, path, (int64_t)strlen(bytes), digest, tree, NULL), OK);
}

/* How metadata are made for a case; what is 0 or NULL is as it should be. */
struct recipe {
    int64_t version;
    int64_t snapshot_version; /* 0: the same */
    int64_t floor;
    bool second; /* lists model 2 as well */
    bool expired;
    const struct signing_key *targets_signer, *snapshot_signer;
};

static void make_metadata(const struct recipe *recipe)
{
    JSON_AUTO *list = NULL;
    JSON_AUTO *snap = NULL;
    int64_t expires_ms = clock_wall_ms() + (recipe->expired ? -DAY_MS : DAY_MS);
    assert_int_equal(
        signing_body_new(TUF_ROLE_TARGETS, recipe->version, expires_ms, &list, NULL), OK);
    add_model(list, 1, MODEL_1, recipe->floor);
    if (recipe->second) {
        add_model(list, 2, MODEL_2, recipe->floor);
    }
    sign(list, recipe->targets_signer ? recipe->targets_signer : &targets_key, &targets);
    int64_t version =
        recipe->snapshot_version ? recipe->snapshot_version : recipe->version;
    assert_int_equal(
        signing_body_new(TUF_ROLE_SNAPSHOT, version, expires_ms, &snap, NULL), OK);
    struct signing_file file = {
        .data = targets.data, .len = targets.len, .version = recipe->version};
    assert_int_equal(signing_set_meta(snap, "targets.json", &file, NULL), OK);
    sign(snap, recipe->snapshot_signer ? recipe->snapshot_signer : &targets_key,
         &snapshot);
}

static int push(bool with_root, struct reply *reply)
{
    BUF_AUTO body = BUF_INIT((size_t)4 * TEXT_MAX);
    buf_addstr(&body, "{\"roots\":[");
    if (with_root) {
        buf_add_json(&body, root.data);
    }
    buf_addstr(&body, "],\"targets\":");
    buf_add_json(&body, targets.data);
    buf_addstr(&body, ",\"snapshot\":");
    buf_add_json(&body, snapshot.data);
    buf_addc(&body, '}');
    return site_call(&site, "POST", "/v1/repository", site.admin, body.data, reply);
}

static void digest_text(const char *bytes, char ret_text[static 65])
{
    uint8_t digest[32];
    assert_int_equal(sha256_of(bytes, strlen(bytes), digest, NULL), OK);
    hex_encode(digest, sizeof digest, ret_text);
}

static int put(const char *digest, const char *bytes, struct reply *reply)
{
    char target[128];
    (void)snprintf(target, sizeof target, "/v1/repository/targets/%s", digest);
    struct call call = {.method = "PUT",
                        .target = target,
                        .token = site.admin,
                        .headers = "Content-Type: application/octet-stream\r\n",
                        .body = bytes};
    reply_release(reply);
    memset(reply, 0, sizeof *reply);
    return http_send(site.server.port, &call, reply);
}

static void put_good(const char *bytes)
{
    REPLY_AUTO reply = {0};
    char digest[65];
    digest_text(bytes, digest);
    assert_int_equal(put(digest, bytes, &reply), 204);
    assert_int_equal(put(digest, bytes, &reply), 204);
}

static int setup(void **state)
{
    (void)state;
    uint8_t timestamp_key[32];
    site_start(&site, NULL);
    root = BUF_INIT(TEXT_MAX);
    targets = BUF_INIT(TEXT_MAX);
    snapshot = BUF_INIT(TEXT_MAX);
    assert_int_equal(signing_key_generate(&root_key, NULL), OK);
    assert_int_equal(signing_key_generate(&targets_key, NULL), OK);
    assert_int_equal(signing_key_generate(&foreign_key, NULL), OK);
    assert_int_equal(hex_decode(site.timestamp_key, timestamp_key, 32, NULL), OK);
    make_root(1, timestamp_key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_release(&root);
    buf_release(&targets);
    buf_release(&snapshot);
    site_stop(&site);
    return 0;
}

/* What nodes see now, to compare before and after. */
static void observe(struct buf *ret_text)
{
    REPLY_AUTO reply = {0};
    (void)site_call(&site, "GET", "/v1/repository", site.admin, NULL, &reply);
    buf_add(ret_text, reply.answer.body, reply.answer.body_len);
    (void)site_call(&site, "GET", "/v1/models", site.admin, NULL, &reply);
    buf_add(ret_text, reply.answer.body, reply.answer.body_len);
}

static void assert_refused(bool with_root, const char *code)
{
    REPLY_AUTO reply = {0};
    BUF_AUTO before = BUF_INIT(TEXT_MAX);
    BUF_AUTO after = BUF_INIT(TEXT_MAX);
    observe(&before);
    assert_int_equal(push(with_root, &reply), 422);
    if (!reply_has_code(&reply, code)) {
        fail_msg("expected %s: %.*s", code, (int)reply.answer.body_len,
                 reply.answer.body);
    }
    observe(&after);
    assert_string_equal(before.data, after.data);
}

static void an_upload_must_have_the_digest_it_names(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char digest[65];
    digest_text(MODEL_1, digest);
    assert_int_equal(put(digest, MODEL_2, &reply), 422);
    assert_true(reply_has_code(&reply, "tuf.hash"));
    assert_int_equal(put("abc", MODEL_2, &reply), 404);
    assert_int_equal(
        site_call(&site, "GET", "/tuf/metadata/timestamp.json", NULL, NULL, &reply), 404);
}

static void a_first_push_is_judged_whole(void **state)
{
    (void)state;
    uint8_t timestamp_key[32];
    make_metadata(&(struct recipe){.version = 1});
    assert_refused(false, "tuf.no_trust");
    assert_refused(true, "tuf.missing"); /* the file was not uploaded */
    put_good(MODEL_1);
    make_root(1, foreign_key.public_key);
    assert_refused(true, "tuf.role"); /* another server's timestamp key */
    assert_int_equal(hex_decode(site.timestamp_key, timestamp_key, 32, NULL), OK);
    make_root(1, timestamp_key);
    make_metadata(&(struct recipe){.version = 1, .floor = 5});
    assert_refused(true, "tuf.floor");
    make_metadata(&(struct recipe){.version = 1, .expired = true});
    assert_refused(true, "tuf.expired");
    make_metadata(&(struct recipe){.version = 1, .targets_signer = &foreign_key});
    assert_refused(true, "tuf.signature");
    make_metadata(&(struct recipe){.version = 1, .snapshot_signer = &foreign_key});
    assert_refused(true, "tuf.signature");
    make_metadata(&(struct recipe){.version = 1});
    targets.data[targets.len / 2] ^= 1;
    assert_refused(true, "tuf.hash");
}

static void a_good_push_is_listed_and_served(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char target[256];
    char digest[65];
    make_metadata(&(struct recipe){.version = 1});
    assert_int_equal(push(true, &reply), 200);
    assert_int_equal(push(true, &reply), 200); /* the same state again */
    assert_int_equal(push(false, &reply), 200);
    assert_int_equal(
        site_call(&site, "GET", "/tuf/metadata/1.root.json", NULL, NULL, &reply), 200);
    assert_int_equal(reply.answer.body_len, root.len);
    assert_memory_equal(reply.answer.body, root.data, root.len);
    assert_int_equal(
        site_call(&site, "GET", "/tuf/metadata/1.targets.json", NULL, NULL, &reply), 200);
    assert_memory_equal(reply.answer.body, targets.data, targets.len);
    assert_int_equal(
        site_call(&site, "GET", "/tuf/metadata/timestamp.json", NULL, NULL, &reply), 200);
    assert_int_equal(
        site_call(&site, "GET", "/tuf/metadata/2.root.json", NULL, NULL, &reply), 404);
    assert_int_equal(
        site_call(&site, "GET", "/tuf/metadata/published.json", NULL, NULL, &reply), 404);
    digest_text(MODEL_1, digest);
    (void)snprintf(target, sizeof target, "/tuf/targets/fashion/1/%s.fp32.mnet", digest);
    assert_int_equal(site_call(&site, "GET", target, NULL, NULL, &reply), 401);
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 200);
    assert_memory_equal(reply.answer.body, MODEL_1, sizeof MODEL_1 - 1);
    assert_int_equal(
        site_call(&site, "GET", "/v1/models/fashion", site.admin, NULL, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"classes\":[\"a\",\"b\"]"));
}

static void ranges_of_a_target_are_served(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        int status;
        const char *body;
    } CASES[] = {
        {"bytes=0-", 206, "the first model's bytes, long enough for ranges"},
        {"bytes=4-8", 206, "first"},
        {"bytes=-6", 206, "ranges"},
        {"bytes=5-2", 416, NULL},
        {"bytes=0-1,4-5", 416, NULL},
        {"bytes=1000-", 416, NULL},
    };
    char target[256];
    char digest[65];
    char header[128];
    digest_text(MODEL_1, digest);
    (void)snprintf(target, sizeof target, "/tuf/targets/fashion/1/%s.fp32.mnet", digest);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        REPLY_AUTO reply = {0};
        (void)snprintf(header, sizeof header, "Range: %s\r\n", CASES[i].range);
        struct call call = {.target = target, .token = site.admin, .headers = header};
        int status = http_send(site.server.port, &call, &reply);
        if (status != CASES[i].status) {
            fail_msg("%s: %d", CASES[i].range, status);
        }
        if (CASES[i].body) {
            assert_int_equal(reply.answer.body_len, strlen(CASES[i].body));
            assert_memory_equal(reply.answer.body, CASES[i].body, reply.answer.body_len);
        }
    }
    REPLY_AUTO reply = {0};
    (void)snprintf(header, sizeof header, "If-None-Match: \"%s\"\r\n", digest);
    struct call call = {.target = target, .token = site.admin, .headers = header};
    assert_int_equal(http_send(site.server.port, &call, &reply), 304);
}

static void deployments_decide_assignments(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    struct site_node node;
    char id[24];
    char target[64];
    char tag[96];
    char header[128];
    site_node(&site, "deployed", &node);
    assert_int_equal(site_call(&site, "POST", "/v1/deployments", site.admin,
                               "{\"model\":\"fashion\",\"version\":\"1.0.0\"}", &reply),
                     201);
    assert_non_null(strstr(reply.answer.body, "\"matching_nodes\":1"));
    assert_int_equal(
        site_call(&site, "GET", "/v1/assignment", node.session, NULL, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"path\":\"fashion/1/fp32.mnet\""));
    assert_true(answer_header(&reply.answer, "ETag", tag, sizeof tag));
    put_good(MODEL_2);
    make_metadata(&(struct recipe){.version = 2, .second = true});
    assert_int_equal(push(false, &reply), 200);
    assert_int_equal(
        site_call(&site, "POST", "/v1/deployments", site.admin,
                  "{\"model\":\"fashion\",\"version\":\"1.1.0\",\"selector\":"
                  "\"name=deployed,arch in (x86_64)\"}",
                  &reply),
        201);
    reply_member(&reply, "id", id, sizeof id);
    (void)snprintf(header, sizeof header, "If-None-Match: %s\r\n", tag);
    struct call call = {
        .target = "/v1/assignment", .token = node.session, .headers = header};
    REPLY_AUTO changed = {0};
    assert_int_equal(http_send(site.server.port, &call, &changed), 200);
    assert_non_null(strstr(changed.answer.body, "\"version\":\"1.1.0\""));
    (void)snprintf(target, sizeof target, "/v1/deployments/%s", id);
    assert_int_equal(site_call(&site, "DELETE", target, site.admin, NULL, NULL), 204);
    assert_int_equal(
        site_call(&site, "GET", "/v1/assignment", node.session, NULL, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"version\":\"1.0.0\""));
}

static void what_clients_would_refuse_is_refused(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    make_metadata(&(struct recipe){.version = 1});
    assert_refused(false, "tuf.rollback");
    make_metadata(&(struct recipe){.version = 2, .second = true, .floor = 1});
    assert_refused(false, "tuf.version"); /* version 2 with other content */
    make_metadata(&(struct recipe){
        .version = 2, .snapshot_version = 3, .second = true, .floor = 1});
    assert_refused(false, "tuf.version"); /* the same below a new snapshot */
    make_metadata(
        &(struct recipe){.version = 3, .second = true, .targets_signer = &foreign_key});
    assert_refused(false, "tuf.signature");
    make_metadata(&(struct recipe){.version = 3, .second = true, .expired = true});
    assert_refused(false, "tuf.expired");
    make_metadata(&(struct recipe){.version = 3, .second = true, .floor = 2});
    assert_int_equal(push(false, &reply), 200);
    assert_int_equal(site_call(&site, "POST", "/v1/deployments", site.admin,
                               "{\"model\":\"fashion\",\"version\":\"1.0.0\"}", &reply),
                     409);
    assert_true(reply_has_code(&reply, "model.below_floor"));
}

static void the_published_state_survives_a_restart(void **state)
{
    (void)state;
    BUF_AUTO before = BUF_INIT(TEXT_MAX);
    BUF_AUTO after = BUF_INIT(TEXT_MAX);
    observe(&before);
    assert_int_equal(program_stop(&site.server), 0);
    site_restart(&site, NULL);
    observe(&after);
    assert_string_equal(before.data, after.data);
}

static void a_listing_that_a_crash_prevented_is_made_at_start(void **state)
{
    (void)state;
    BUF_AUTO before = BUF_INIT(TEXT_MAX);
    BUF_AUTO after = BUF_INIT(TEXT_MAX);
    char path[400];
    (void)snprintf(path, sizeof path, "%s/muster.db", site.data);
    const char *const forget[] = {
        "/usr/bin/sqlite3", path,
        "DELETE FROM tuf_publication; DELETE FROM artifact; DELETE FROM model;", NULL};
    observe(&before);
    assert_int_equal(program_stop(&site.server), 0);
    assert_int_equal(program_run(forget, NULL, NULL), 0);
    site_restart(&site, NULL);
    observe(&after);
    assert_string_equal(before.data, after.data);
}

static void a_timestamp_is_signed_again_before_it_expires(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char before[32];
    char after[32];
    static const char *const LONGER[] = {"--timestamp-ms", "2419200000", NULL};
    assert_int_equal(
        site_call(&site, "GET", "/tuf/metadata/timestamp.json", NULL, NULL, &reply), 200);
    reply_member(&reply, "expires", before, sizeof before);
    assert_int_equal(program_stop(&site.server), 0);
    site_restart(&site, LONGER); /* less than half of the new life is left */
    assert_int_equal(
        site_call(&site, "GET", "/tuf/metadata/timestamp.json", NULL, NULL, &reply), 200);
    reply_member(&reply, "expires", after, sizeof after);
    assert_true(strcmp(before, after) < 0);
}

static void a_damaged_file_is_never_served(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char digest[65];
    char target[256];
    char path[512];
    digest_text(MODEL_1, digest);
    (void)snprintf(target, sizeof target, "/tuf/targets/fashion/1/%s.fp32.mnet", digest);
    (void)snprintf(path, sizeof path, "%s/tuf/targets/%.2s/%s", site.data, digest,
                   digest);
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 200);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fputc('T', file), 'T');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 500);
    assert_true(reply_has_code(&reply, "artifact.corrupt"));
    put_good(MODEL_1); /* uploading it again repairs it */
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 200);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 500);
    put_good(MODEL_1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upload_must_have_the_digest_it_names),
        cmocka_unit_test(a_first_push_is_judged_whole),
        cmocka_unit_test(a_good_push_is_listed_and_served),
        cmocka_unit_test(ranges_of_a_target_are_served),
        cmocka_unit_test(deployments_decide_assignments),
        cmocka_unit_test(what_clients_would_refuse_is_refused),
        cmocka_unit_test(the_published_state_survives_a_restart),
        cmocka_unit_test(a_listing_that_a_crash_prevented_is_made_at_start),
        cmocka_unit_test(a_timestamp_is_signed_again_before_it_expires),
        cmocka_unit_test(a_damaged_file_is_never_served),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
