/* SPDX-License-Identifier: Apache-2.0 */
/* What the public suite leaves out: servers and disks at their worst. */
#include "tests/conformance/sim.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { CLIENTS = 4, RACES = 6 };

#define ALL "targets snapshot timestamp"

/* ---- transport ---- */

struct manner_case {
    enum sim_manner manner;
    int status;
    const char *code;
};

static const struct manner_case manners[] = {
    {SIM_ENDLESS, 0, "tuf.too_large"}, {SIM_CHUNKED, 0, "tuf.too_large"},
    {SIM_HUGE, 0, "tuf.too_large"},    {SIM_CUT, 0, "net"},
    {SIM_HANG_UP, 0, "net"},           {SIM_STATUS, 403, "net.status"},
    {SIM_STATUS, 500, "net.status"},   {SIM_STATUS, 503, "net.status"},
    {SIM_STATUS, 204, "net.status"},   {SIM_STATUS, 206, "net.status"},
    {SIM_REDIRECT, 302, "net.status"},
};

enum { MANNERS = sizeof manners / sizeof manners[0] };

/* A role in whose stead the server answers so: what is stored before it stays. */
static void answers_in_all_manners(void **state, const char *path, const char *holds)
{
    sim_set_up(state);
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    sim_delegate(sim, "targets", "role", false);
    sim_target(sim, "role", "a.bin", "content");
    sim_publish(sim, "root role " ALL);
    sim_server_put(&sim->server, "metadata/moved", "x", 1);
    for (int i = 0; i < MANNERS; i++) {
        sim_server_heal(&sim->server);
        sim_server_fault(&sim->server, path, manners[i].manner, manners[i].status);
        REFUSES(download(sim, "a.bin"), manners[i].code);
        HOLDS(holds);
        STORED(0);
    }
    sim_server_heal(&sim->server);
    ACCEPTS(download(sim, "a.bin"));
    HOLDS("root 2 timestamp 2 snapshot 2 targets 2 role 1");
    STORED(1);
    sim_tear_down(state);
}

static void no_answer_for_a_root_is_worse_than_none(void **state)
{
    answers_in_all_manners(state, "metadata/2.root.json",
                           "root 1 timestamp 1 snapshot 1 targets 1");
}

static void no_answer_for_a_timestamp_is_worse_than_none(void **state)
{
    answers_in_all_manners(state, "metadata/timestamp.json",
                           "root 2 timestamp 1 snapshot 1 targets 1");
}

static void no_answer_for_a_snapshot_is_worse_than_none(void **state)
{
    answers_in_all_manners(state, "metadata/2.snapshot.json",
                           "root 2 timestamp 2 snapshot 1 targets 1");
}

static void no_answer_for_targets_is_worse_than_none(void **state)
{
    answers_in_all_manners(state, "metadata/2.targets.json",
                           "root 2 timestamp 2 snapshot 2 targets 1");
}

static void no_answer_for_a_delegated_role_is_worse_than_none(void **state)
{
    answers_in_all_manners(state, "metadata/1.role.json",
                           "root 2 timestamp 2 snapshot 2 targets 2");
}

/* A 404 in place of a root ends the chain; any other status may hide a rotation. */
static void only_404_ends_the_chain_of_roots(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_server_fault(&sim->server, "metadata/2.root.json", SIM_STATUS, 403);
    REFUSES(refresh(sim), "net.status");
    ASKED("metadata/2.root.json");
    sim_server_heal(&sim->server);
    ACCEPTS(refresh(sim));
}

/* Nothing is decoded: the bytes that came are the bytes that were signed. */
static void a_content_coding_is_not_undone(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_server_fault(&sim->server, "metadata/timestamp.json", SIM_GZIP, 0);
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 1 snapshot 1 targets 1");
}

static void an_endless_target_ends_at_its_length(void **state)
{
    static const enum sim_manner endless[] = {SIM_ENDLESS, SIM_CHUNKED, SIM_HUGE};
    struct sim *sim = *state;
    sim->consistent = false;
    sim_set(sim, "root", "consistent_snapshot", json_false());
    sim_target(sim, "targets", "a.bin", "content");
    sim_publish(sim, "root " ALL);
    ACCEPTS(init(sim));
    for (int i = 0; i < 3; i++) {
        sim_server_heal(&sim->server);
        sim_server_fault(&sim->server, "targets/a.bin", endless[i], 0);
        REFUSES(download(sim, "a.bin"), "limit");
        STORED(0);
    }
    sim_server_heal(&sim->server);
    ACCEPTS(download(sim, "a.bin"));
}

/* A byte now and then is no progress. */
static void a_trickle_ends(void **state)
{
    struct sim *sim = *state;
    sim_target(sim, "targets", "a.bin", "content");
    sim_publish(sim, ALL);
    sim->patience_ms = "300";
    ACCEPTS(init(sim));
    sim_server_fault(&sim->server, "metadata/timestamp.json", SIM_TRICKLE, 0);
    REFUSES(refresh(sim), "net");
    HOLDS("root 1");
    sim_server_heal(&sim->server);
    ACCEPTS(refresh(sim));
}

/* ---- limits ---- */

static void at_most_256_roots_come_in_one_update(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    for (int i = 0; i < 257; i++) {
        sim_publish(sim, "root");
    }
    REFUSES(refresh(sim), "tuf.too_large");
    HOLDS("root 257");
    ACCEPTS(refresh(sim)); /* the next update goes on from there */
    HOLDS("root 258 timestamp 1 snapshot 1 targets 1");
}

static void files_over_their_limit_are_refused(void **state)
{
    static const struct {
        const char *role, *publish;
        size_t bytes;
    } cases[] = {
        {"root", "root", 64 * 1024},
        {"timestamp", "timestamp", 16 * 1024},
        {"snapshot", "snapshot timestamp", 256 * 1024},
        {"targets", ALL, 4 * 1024 * 1024},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sim_set_up(state);
        struct sim *sim = *state;
        char *text = malloc(cases[i].bytes + 1);
        assert_non_null(text);
        memset(text, 'x', cases[i].bytes);
        text[cases[i].bytes] = '\0';
        ACCEPTS(init(sim));
        sim_set(sim, cases[i].role, "x-long", json_string(text));
        sim_publish(sim, cases[i].publish);
        REFUSES(refresh(sim), "tuf.too_large");
        text[cases[i].bytes - 4096] = '\0';
        sim_set(sim, cases[i].role, "x-long", json_string(text));
        sim_server_remove(&sim->server, strcmp(cases[i].role, "root") == 0
                                            ? "metadata/2.root.json"
                                            : "metadata/1.root.json");
        if (strcmp(cases[i].role, "root") == 0) {
            sim_set(sim, "root", "version", json_integer(1));
        }
        sim_publish(sim, cases[i].publish);
        ACCEPTS(refresh(sim));
        free(text);
        sim_tear_down(state);
    }
}

/* ---- JSON ---- */

static const char *const texts[] = {
    "null",
    "true",
    "17",
    "\"signed\"",
    "[]",
    "{}",
    "{",
    "{\"signed\":null,\"signatures\":null}",
    "{\"signed\":[],\"signatures\":{}}",
    "{\"signed\":{},\"signatures\":[null]}",
    "{\"signed\":{},\"signatures\":[[]]}",
    "{\"signed\":{},\"signatures\":[{\"keyid\":null,\"sig\":null}]}",
    "{\"signed\":{\"_type\":null}}",
    "{\"signatures\":[],\"signatures\":[],\"signed\":{}}",
    "{\"signed\":{\"version\":99999999999999999999999}}",
    "{\"signed\":{\"version\":1e400}}",
    "{\"signed\":{\"version\":-0}}",
    "{\"signed\":\"\\u0000\"}",
    "{\"signed\":\"\\ud800\"}",
    "{\"signed\":\"\xff\xfe\"}",
    "{\"signed\":\"\xc0\xaf\"}",
    "{\"signed\":\"\xed\xa0\x80\"}",
    "\xef\xbb\xbf{}",
    "{} {}",
    "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "<html>not here</html>",
};

enum { TEXTS = sizeof texts / sizeof texts[0] };

/* Every fifth text and the two behind it: each is tried in three places. */
static void served_texts_are_refused(void **state, const char *role, int first)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_delegate(sim, "targets", "role", false);
    sim_target(sim, "role", "a.bin", "content");
    sim_publish(sim, "root role " ALL);
    for (int i = 0; i < TEXTS; i++) {
        if ((i + first) % 5 > 2) {
            continue;
        }
        sim_serve_text(sim, role, texts[i]);
        assert_int_equal(download(sim, "a.bin"), 1);
        bool known =
            strncmp(sim->said, "muster-tuf-conformance: tuf.format: ", 36) == 0 ||
            strncmp(sim->said, "muster-tuf-conformance: tuf.too_large: ", 39) == 0;
        if (!known) {
            fail_msg("%s: '%s' said: %s", role, texts[i], sim->said);
        }
        STORED(0);
    }
}

static void no_text_in_place_of_a_root_is_believed(void **state)
{
    served_texts_are_refused(state, "root", 0);
}

static void no_text_in_place_of_a_timestamp_is_believed(void **state)
{
    served_texts_are_refused(state, "timestamp", 1);
}

static void no_text_in_place_of_a_snapshot_is_believed(void **state)
{
    served_texts_are_refused(state, "snapshot", 2);
}

static void no_text_in_place_of_targets_is_believed(void **state)
{
    served_texts_are_refused(state, "targets", 3);
}

static void no_text_in_place_of_a_delegated_role_is_believed(void **state)
{
    served_texts_are_refused(state, "role", 4);
}

/* The right keys sign nonsense: still refused, and the client lives. */
static void signed_nonsense_is_refused(void **state)
{
    static const struct {
        const char *role, *member, *value, *code;
    } cases[] = {
        {"timestamp", "version", "0", "tuf.format"},
        {"timestamp", "version", "-1", "tuf.format"},
        {"timestamp", "version", "\"2\"", "tuf.format"},
        {"timestamp", "version", "true", "tuf.format"},
        {"timestamp", "expires", "\"\"", "tuf.format"},
        {"timestamp", "expires", "\"2999-01-01\"", "tuf.format"},
        {"timestamp", "expires", "\"2999-13-01T00:00:00Z\"", "tuf.format"},
        {"timestamp", "expires", "\"2999-02-30T00:00:00Z\"", "tuf.format"},
        {"timestamp", "expires", "\"2999-01-01T00:00:00+00:00\"", "tuf.format"},
        {"timestamp", "expires", "\"2999-01-01T00:00:00.5Z\"", "tuf.format"},
        {"timestamp", "expires", "4000000000", "tuf.format"},
        {"timestamp", "meta", "{}", "tuf.format"},
        {"timestamp", "meta", "{\"snapshot.json\":{}}", "tuf.format"},
        {"timestamp", "meta", "{\"snapshot.json\":{\"version\":0}}", "tuf.format"},
        {"timestamp", "meta", "{\"snapshot.json\":{\"version\":1,\"length\":-1}}",
         "tuf.format"},
        {"timestamp", "meta", "{\"snapshot.json\":{\"version\":1,\"hashes\":{}}}",
         "tuf.format"},
        {"snapshot", "meta", "{}", "tuf.missing"},
        {"snapshot", "meta", "[]", "tuf.format"},
        {"targets", "targets", "[]", "tuf.format"},
        {"targets", "targets", "{\"\":{\"length\":1,\"hashes\":{\"sha256\":\"00\"}}}",
         "tuf.too_large"},
        {"targets", "targets", "{\"a\":{\"length\":-1,\"hashes\":{\"sha256\":\"00\"}}}",
         "tuf.format"},
        {"targets", "targets", "{\"a\":{\"length\":1,\"hashes\":{\"sha256\":\"00\"}}}",
         "tuf.format"},
        {"targets", "targets", "{\"a\":{\"length\":1,\"hashes\":{}}}", "tuf.format"},
        {"targets", "delegations", "{}", "tuf.format"},
        {"targets", "delegations", "{\"keys\":{},\"roles\":[null]}", "tuf.format"},
        {"targets", "delegations", "{\"keys\":[],\"roles\":[]}", "tuf.format"},
    };
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *role = cases[i].role;
        json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        json_t *good = json_deep_copy(sim_body(sim, role));
        sim_publish(sim, ALL);
        sim_set(sim, role, cases[i].member, value);
        sim_sign(sim, role);
        if (strcmp(role, "targets") == 0) {
            sim_publish(sim, "snapshot");
        }
        if (strcmp(role, "timestamp") != 0) {
            sim_publish(sim, "timestamp");
        }
        print_message("  %s %s %s\n", role, cases[i].member, cases[i].value);
        REFUSES(refresh(sim), cases[i].code);
        json_object_set_new(good, "version", json_integer(sim_version(sim, role)));
        json_decref(sim_role(sim, role)->body);
        sim_role(sim, role)->body = good;
    }
}

/* ---- the disk ---- */

static void links_in_the_cache_are_replaced_not_followed(void **state)
{
    static const char *const names[] = {"timestamp.json", "snapshot.json",
                                        "targets.json"};
    struct sim *sim = *state;
    char outside[SIM_PATH_BYTES], path[2 * SIM_PATH_BYTES];
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    (void)snprintf(outside, sizeof outside, "%.600s/outside", sim->folder);
    assert_int_equal(file_write_atomic(outside, "mine", 4, 0600, NULL), OK);
    for (int i = 0; i < 3; i++) {
        sim_cached(sim, names[i], path);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink(outside, path), 0);
    }
    sim_publish(sim, ALL);
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
    BUF_AUTO data = BUF_INIT(100);
    assert_int_equal(file_read(outside, &data, NULL), OK);
    assert_int_equal(data.len, 4);
}

static void a_link_in_the_target_folder_is_replaced_not_followed(void **state)
{
    struct sim *sim = *state;
    char outside[SIM_PATH_BYTES], path[2 * SIM_PATH_BYTES];
    struct stat info;
    sim_target(sim, "targets", "a.bin", "content");
    sim_publish(sim, ALL);
    ACCEPTS(init(sim));
    (void)snprintf(outside, sizeof outside, "%.600s/outside", sim->folder);
    (void)snprintf(path, sizeof path, "%s/a.bin", sim->targets);
    const char *const contents[] = {"mine", "content"};
    for (int i = 0; i < 2; i++) {
        (void)unlink(path);
        assert_int_equal(
            file_write_atomic(outside, contents[i], strlen(contents[i]), 0600, NULL), OK);
        assert_int_equal(symlink(outside, path), 0);
        ACCEPTS(download(sim, "a.bin"));
        assert_int_equal(lstat(path, &info), 0);
        assert_true(S_ISREG(info.st_mode));
        BUF_AUTO data = BUF_INIT(100);
        assert_int_equal(file_read(outside, &data, NULL), OK);
        assert_int_equal(data.len, strlen(contents[i]));
    }
}

static void what_a_killed_client_left_is_swept(void **state)
{
    struct sim *sim = *state;
    char path[2 * SIM_PATH_BYTES];
    ACCEPTS(init(sim));
    sim_cached(sim, ".tmp-ABCDEF", path);
    assert_int_equal(file_write_atomic(path, "half", 4, 0600, NULL), OK);
    ACCEPTS(refresh(sim));
    assert_int_equal(access(path, F_OK), -1);
}

static void a_folder_that_cannot_be_written_is_an_error(void **state)
{
    struct sim *sim = *state;
    char path[2 * SIM_PATH_BYTES];
    ACCEPTS(init(sim));
    sim_cached(sim, "timestamp.json", path);
    assert_int_equal(mkdir(path, 0700), 0); /* nothing can be renamed to it */
    REFUSES(refresh(sim), "io");
    HOLDS("root 1");
    assert_int_equal(rmdir(path), 0);
    ACCEPTS(refresh(sim));
}

/* ---- two clients ---- */

/* All of them succeed, whoever is first, and what they leave is whole. */
static void clients_may_share_a_folder(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    for (int race = 0; race < RACES; race++) {
        pid_t pids[CLIENTS];
        sim_publish(sim, "root " ALL);
        for (int i = 0; i < CLIENTS; i++) {
            pids[i] = sim_spawn_refresh(sim);
        }
        for (int i = 0; i < CLIENTS; i++) {
            assert_int_equal(sim_wait(pids[i]), 0);
        }
        ACCEPTS(refresh(sim));
    }
    HOLDS("root 7 timestamp 7 snapshot 7 targets 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_answer_for_a_root_is_worse_than_none),
        cmocka_unit_test(no_answer_for_a_timestamp_is_worse_than_none),
        cmocka_unit_test(no_answer_for_a_snapshot_is_worse_than_none),
        cmocka_unit_test(no_answer_for_targets_is_worse_than_none),
        cmocka_unit_test(no_answer_for_a_delegated_role_is_worse_than_none),
        SIM_CASE(only_404_ends_the_chain_of_roots),
        SIM_CASE(a_content_coding_is_not_undone),
        SIM_CASE(an_endless_target_ends_at_its_length),
        SIM_CASE(a_trickle_ends),
        SIM_CASE(at_most_256_roots_come_in_one_update),
        cmocka_unit_test(files_over_their_limit_are_refused),
        SIM_CASE(no_text_in_place_of_a_root_is_believed),
        SIM_CASE(no_text_in_place_of_a_timestamp_is_believed),
        SIM_CASE(no_text_in_place_of_a_snapshot_is_believed),
        SIM_CASE(no_text_in_place_of_targets_is_believed),
        SIM_CASE(no_text_in_place_of_a_delegated_role_is_believed),
        SIM_CASE(signed_nonsense_is_refused),
        SIM_CASE(links_in_the_cache_are_replaced_not_followed),
        SIM_CASE(a_link_in_the_target_folder_is_replaced_not_followed),
        SIM_CASE(what_a_killed_client_left_is_swept),
        SIM_CASE(a_folder_that_cannot_be_written_is_an_error),
        SIM_CASE(clients_may_share_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
