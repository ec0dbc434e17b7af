/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 10, 11, 13, 14 and 15 of the table in test_vulnerabilities.c: what comes from
 * outside as names, shapes, cached files and bytes. */
#include "tests/conformance/sim.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

#define ALL "targets snapshot timestamp"

/* root 1; targets delegates to team, which lists a.bin. */
static struct sim *begin(void **state)
{
    struct sim *sim = *state;
    sim_delegate(sim, "targets", "team", false);
    sim_target(sim, "team", "a.bin", "content");
    ACCEPTS(init(sim));
    return sim;
}

static void publish_all(struct sim *sim)
{
    sim_publish(sim, "team " ALL);
}

/* The same key again under another id. */
/* ---- 10 ---- */

/* Beside the two folders there is only what the simulator puts there. */
static void nothing_escaped(const struct sim *sim)
{
    DIR *dir = opendir(sim->folder);
    assert_non_null(dir);
    for (const struct dirent *item = readdir(dir); item; item = readdir(dir)) {
        const char *name = item->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
            strcmp(name, "metadata") != 0 && strcmp(name, "targets") != 0 &&
            strcmp(name, "stderr") != 0 && strcmp(name, "trusted-root") != 0) {
            fail_msg("'%s' escaped", name);
        }
    }
    closedir(dir);
}

static void row_10_role_names(void **state)
{
    static const char *const names[] = {
        "../escaped",       "../../escaped",  "/tmp/escaped",
        "%2e%2e%2fescaped", "..\\escaped",    "...",
        "roots/9.root",     "timestamp.json", "../stderr/json",
    };
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        sim_delegate(sim, "targets", names[i], false);
        sim_target(sim, names[i], "a.bin", "content");
        sim_sign(sim, names[i]);
        sim_publish(sim, ALL);
        ACCEPTS(download(sim, "a.bin"));
        nothing_escaped(sim);
        json_object_del(sim_body(sim, "targets"), "delegations");
    }
}

static void row_10_target_paths(void **state)
{
    static const char *const paths[] = {
        "../escaped", "../../escaped", "/tmp/escaped", "a/../../../escaped", "..", ".",
        "a/..",       "./escaped",     "a//b",
    };
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        sim_target(sim, "targets", paths[i], "content");
    }
    sim_target(sim, "targets", "%2e%2e%2fescaped", "content");
    sim_publish(sim, ALL);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        REFUSES(download(sim, paths[i]), "tuf.format");
        STORED(0);
    }
    (void)download(sim, "%2e%2e%2fescaped");
    nothing_escaped(sim);
}

static void row_10_links(void **state)
{
    struct sim *sim = begin(state);
    char outside[SIM_PATH_BYTES], path[2 * SIM_PATH_BYTES];
    publish_all(sim);
    (void)snprintf(outside, sizeof outside, "%.600s/stderr", sim->folder);
    sim_cached(sim, "team.json", path);
    assert_int_equal(symlink(outside, path), 0);
    (void)snprintf(path, sizeof path, "%s/a.bin", sim->targets);
    assert_int_equal(symlink(outside, path), 0);
    ACCEPTS(download(sim, "a.bin"));
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2 team 1");
    STORED(1);
    nothing_escaped(sim);
}

/* ---- 11 ---- */

static const char *const shapes[] = {"null", "[]", "{}", "\"\"", "-1", "true"};

enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Each member of the file and of "signed" in turn; whether a key signs it or not. */
static void shape_members(struct sim *sim, const char *role, bool inside)
{
    json_t *envelope = sim_envelope(sim, role);
    json_t *object = inside ? json_object_get(envelope, "signed") : envelope;
    json_t *before = json_copy(object);
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(before, name, value)
    {
        for (int i = 0; i < SHAPES; i++) {
            json_t *shape = json_loads(shapes[i], JSON_DECODE_ANY, NULL);
            json_object_set_new(object, name, shape);
            sim_serve(sim, role, envelope);
            assert_int_equal(download(sim, "a.bin"), 1);
            assert_int_equal(strncmp(sim->said, "muster-tuf-conformance: tuf.", 28), 0);
            STORED(0);
        }
        json_object_set(object, name, value);
    }
    json_decref(before);
    json_decref(envelope);
}

static void row_11_shapes_root(void **state)
{
    struct sim *sim = begin(state);
    sim_publish(sim, "root");
    shape_members(sim, "root", false);
    shape_members(sim, "root", true);
}

static void row_11_shapes_delegation(void **state)
{
    struct sim *sim = begin(state);
    publish_all(sim);
    shape_members(sim, "team", false);
    shape_members(sim, "team", true);
}

static void row_11_short_keys(void **state)
{
    static const char *const publics[] = {"",  "00", "zz",
                                          "0", "\n", "-----BEGIN PUBLIC KEY-----"};
    static const char *const kinds[][2] = {{"ed25519", "ed25519"},
                                           {"ecdsa", "ecdsa-sha2-nistp256"},
                                           {"rsa", "rsassa-pss-sha256"}};
    struct sim *sim = begin(state);
    for (int i = 0; i < 18; i++) {
        const struct sim_key *key = sim_role(sim, "team")->signers[0];
        json_object_set_new(sim_keys(sim, "targets"), key->keyid,
                            json_pack("{s:s, s:s, s:{s:s}}", "keytype", kinds[i / 6][0],
                                      "scheme", kinds[i / 6][1], "keyval", "public",
                                      publics[i % 6]));
        publish_all(sim);
        REFUSES(download(sim, "a.bin"), "tuf.signature");
    }
}

static void row_11_role_missing_in_snapshot(void **state)
{
    struct sim *sim = begin(state);
    sim_publish(sim, "team targets");
    json_object_del(json_object_get(sim_body(sim, "snapshot"), "meta"), "team.json");
    sim_publish(sim, "snapshot timestamp");
    REFUSES(download(sim, "a.bin"), "tuf.missing");
    ASKED("metadata/2.root.json metadata/timestamp.json metadata/2.snapshot.json "
          "metadata/2.targets.json");
}

/* ---- 13 ---- */

static void tamper(const struct sim *sim, const char *name, const char *what,
                   const char *with)
{
    char path[2 * SIM_PATH_BYTES];
    BUF_AUTO data = BUF_INIT(1 << 20);
    sim_cached(sim, name, path);
    assert_int_equal(file_read(path, &data, NULL), OK);
    char *at = strstr(data.data, what);
    assert_non_null(at);
    memcpy(at, with, strlen(with));
    assert_int_equal(file_write_atomic(path, data.data, data.len, 0600, NULL), OK);
}

static void row_13_tampered_files_are_not_used(void **state)
{
    static const char *const names[] = {"timestamp.json", "snapshot.json", "targets.json",
                                        "team.json"};
    struct sim *sim = begin(state);
    publish_all(sim);
    ACCEPTS(download(sim, "a.bin"));
    for (int i = 0; i < 4; i++) {
        tamper(sim, names[i], "\"expires\": \"2", "\"expires\": \"9");
        ACCEPTS(download(sim, "a.bin"));
        HOLDS("root 1 timestamp 2 snapshot 2 targets 2 team 1");
    }
}

static void row_13_tampered_roots_are_not_used(void **state)
{
    struct sim *sim = begin(state);
    sim_publish(sim, "root root");
    ACCEPTS(refresh(sim));
    tamper(sim, "root.json", "\"expires\": \"2", "\"expires\": \"9");
    int before = sim->server.requests;
    REFUSES(refresh(sim), "tuf.no_trust");
    assert_int_equal(sim->server.requests, before);
    ACCEPTS(init(sim));
    tamper(sim, "roots/2.root.json", "\"expires\": \"2", "\"expires\": \"9");
    ACCEPTS(refresh(sim)); /* fetched again */
    HOLDS("root 3 timestamp 1 snapshot 1 targets 1");
}

static void row_13_without_a_server_there_is_no_target(void **state)
{
    struct sim *sim = begin(state);
    publish_all(sim);
    ACCEPTS(download(sim, "a.bin"));
    sim_server_fault(&sim->server, "metadata/2.root.json", SIM_HANG_UP, 0);
    REFUSES(download(sim, "a.bin"), "net");
}

/* ---- 14 ---- */

static void row_14_empty_hashes(void **state)
{
    static const char *const listers[] = {"targets", "team"};
    for (int i = 0; i < 2; i++) {
        sim_set_up(state);
        struct sim *sim = begin(state);
        sim_target(sim, listers[i], "a.bin", "content");
        json_object_set_new(sim_target_entry(sim, listers[i], "a.bin"), "hashes",
                            json_object());
        publish_all(sim);
        REFUSES(download(sim, "a.bin"), "tuf.format");
        json_object_del(sim_target_entry(sim, listers[i], "a.bin"), "hashes");
        publish_all(sim);
        REFUSES(download(sim, "a.bin"), "tuf.format");
        STORED(0);
        sim_tear_down(state);
    }
}

/* ---- 15 ---- */

static void endless(struct sim *sim, const char *path, const char *code)
{
    static const enum sim_manner manners[] = {SIM_ENDLESS, SIM_CHUNKED, SIM_HUGE};
    for (int i = 0; i < 3; i++) {
        sim_server_heal(&sim->server);
        sim_server_fault(&sim->server, path, manners[i], 200);
        REFUSES(download(sim, "a.bin"), code);
        STORED(0);
    }
    sim_server_heal(&sim->server);
    ACCEPTS(download(sim, "a.bin"));
}

static void row_15_root(void **state)
{
    struct sim *sim = begin(state);
    publish_all(sim);
    endless(sim, "metadata/2.root.json", "tuf.too_large");
}

static void row_15_delegation(void **state)
{
    struct sim *sim = begin(state);
    publish_all(sim);
    endless(sim, "metadata/1.team.json", "tuf.too_large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_CASE(row_10_role_names),
        SIM_CASE(row_10_target_paths),
        SIM_CASE(row_10_links),
        SIM_CASE(row_11_shapes_root),
        SIM_CASE(row_11_shapes_delegation),
        SIM_CASE(row_11_short_keys),
        SIM_CASE(row_11_role_missing_in_snapshot),
        SIM_CASE(row_13_tampered_files_are_not_used),
        SIM_CASE(row_13_tampered_roots_are_not_used),
        SIM_CASE(row_13_without_a_server_there_is_no_target),
        cmocka_unit_test(row_14_empty_hashes),
        SIM_CASE(row_15_root),
        SIM_CASE(row_15_delegation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
