/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads: what is asked for, what is checked, what is stored. */
#include "tests/conformance/sim.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"

enum { FILE_MAX = 1 << 20 };

/* a.bin and dir/sub/b.bin, listed by targets; the client is initialised. */
static struct sim *begin(void **state)
{
    struct sim *sim = *state;
    sim_target(sim, "targets", "a.bin", "content of a");
    sim_target(sim, "targets", "dir/sub/b.bin", "content of b");
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(init(sim));
    return sim;
}

static void url_of(struct sim *sim, const char *path, char ret_url[static SIM_NAME_BYTES])
{
    const char *hex = json_string_value(json_object_get(
        json_object_get(sim_target_entry(sim, "targets", path), "hashes"), "sha256"));
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;
    (void)snprintf(ret_url, SIM_NAME_BYTES, "targets/%.*s%s.%s", folder, path, hex,
                   path + folder);
}

static void stored_path(const struct sim *sim, const char *file,
                        char ret_path[static 2 * SIM_PATH_BYTES])
{
    (void)snprintf(ret_path, 2 * SIM_PATH_BYTES, "%s/%s", sim->targets, file);
}

static void stored_is(const struct sim *sim, const char *file, const char *content)
{
    char path[2 * SIM_PATH_BYTES];
    BUF_AUTO data = BUF_INIT(FILE_MAX);
    stored_path(sim, file, path);
    assert_int_equal(file_read(path, &data, NULL), OK);
    assert_int_equal(data.len, strlen(content));
    assert_memory_equal(data.data ? data.data : "", content, data.len);
}

static void a_target_is_fetched_by_its_digest_and_stored(void **state)
{
    struct sim *sim = begin(state);
    char a[SIM_NAME_BYTES], b[SIM_NAME_BYTES], asked[4 * SIM_NAME_BYTES];
    url_of(sim, "a.bin", a);
    url_of(sim, "dir/sub/b.bin", b);
    ACCEPTS(download(sim, "a.bin dir/sub/b.bin"));
    (void)snprintf(
        asked, sizeof asked,
        "metadata/2.root.json metadata/timestamp.json metadata/2.snapshot.json "
        "metadata/2.targets.json %s %s",
        a, b);
    ASKED(asked);
    STORED(2);
    stored_is(sim, "a.bin", "content of a");
    stored_is(sim, "dir%2Fsub%2Fb.bin", "content of b");
}

static void a_stored_target_makes_no_request(void **state)
{
    struct sim *sim = begin(state);
    char log[SIM_LOG_BYTES];
    ACCEPTS(download(sim, "a.bin"));
    sim_server_take_log(&sim->server, log);
    ACCEPTS(download(sim, "a.bin"));
    ASKED("metadata/2.root.json metadata/timestamp.json");
    STORED(1);
}

static void a_damaged_stored_target_is_fetched_again(void **state)
{
    static const char *const texts[] = {"", "content of b", "content of a and more"};
    struct sim *sim = begin(state);
    char path[2 * SIM_PATH_BYTES];
    stored_path(sim, "a.bin", path);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(file_write_atomic(path, texts[i], strlen(texts[i]), 0600, NULL),
                         OK);
        ACCEPTS(download(sim, "a.bin"));
        stored_is(sim, "a.bin", "content of a");
    }
    STORED(1);
}

static void a_changed_target_replaces_the_old(void **state)
{
    struct sim *sim = begin(state);
    ACCEPTS(download(sim, "a.bin"));
    sim_target(sim, "targets", "a.bin", "the next content");
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(download(sim, "a.bin"));
    STORED(1);
    stored_is(sim, "a.bin", "the next content");
}

static void a_target_that_nobody_lists_is_refused(void **state)
{
    struct sim *sim = begin(state);
    REFUSES(download(sim, "c.bin"), "tuf.missing");
    REFUSES(download(sim, "sub/b.bin"), "tuf.missing");
    REFUSES(download(sim, "/a.bin"), "tuf.missing");
    STORED(0);
}

static void the_first_failure_ends_the_run(void **state)
{
    struct sim *sim = begin(state);
    REFUSES(download(sim, "a.bin c.bin dir/sub/b.bin"), "tuf.missing");
    STORED(1);
    stored_is(sim, "a.bin", "content of a");
}

static void wrong_bytes_are_refused_and_nothing_is_stored(void **state)
{
    static const struct {
        const char *bytes, *code;
    } cases[] = {
        {"content of b", "tuf.hash"},
        {"content of", "tuf.length"},
        {"", "tuf.length"},
        {"content of a and more", "limit"},
    };
    struct sim *sim = begin(state);
    char url[SIM_NAME_BYTES];
    url_of(sim, "a.bin", url);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sim_server_put(&sim->server, url, cases[i].bytes, strlen(cases[i].bytes));
        REFUSES(download(sim, "a.bin"), cases[i].code);
        STORED(0);
    }
    sim_server_put(&sim->server, url, "content of a", 12);
    ACCEPTS(download(sim, "a.bin"));
}

/* The file that was good stays until a better one is whole. */
static void a_failed_download_leaves_the_old_file(void **state)
{
    struct sim *sim = begin(state);
    char url[SIM_NAME_BYTES];
    ACCEPTS(download(sim, "a.bin"));
    sim_target(sim, "targets", "a.bin", "the next content");
    sim_publish(sim, "targets snapshot timestamp");
    url_of(sim, "a.bin", url);
    sim_server_put(&sim->server, url, "THE NEXT CONTENT", 16);
    REFUSES(download(sim, "a.bin"), "tuf.hash");
    STORED(1);
    stored_is(sim, "a.bin", "content of a");
}

static void a_target_that_is_not_served_is_an_error(void **state)
{
    struct sim *sim = begin(state);
    char url[SIM_NAME_BYTES];
    url_of(sim, "a.bin", url);
    sim_server_remove(&sim->server, url);
    REFUSES(download(sim, "a.bin"), "net.status");
    STORED(0);
}

static void set_digest(struct sim *sim, const char *kind, const char *hex)
{
    json_object_set_new(
        json_object_get(sim_target_entry(sim, "targets", "a.bin"), "hashes"), kind,
        json_string(hex));
}

/* All supported digests count, unknown ones do not. */
static void every_listed_digest_is_checked(void **state)
{
    struct sim *sim = begin(state);
    uint8_t digest[SHA512_BYTES];
    char hex[2 * SHA512_BYTES + 1], url[SIM_NAME_BYTES];
    assert_int_equal(sha512_of("content of a", 12, digest, NULL), OK);
    hex_encode(digest, sizeof digest, hex);
    set_digest(sim, "sha512", hex);
    set_digest(sim, "blake2b", "00");
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(download(sim, "a.bin"));
    hex[0] = hex[0] == '0' ? '1' : '0';
    set_digest(sim, "sha512", hex);
    sim_publish(sim, "targets snapshot timestamp");
    REFUSES(download(sim, "a.bin"), "tuf.hash");
    /* sha512 alone */
    hex_encode(digest, sizeof digest, hex);
    set_digest(sim, "sha512", hex);
    json_object_del(json_object_get(sim_target_entry(sim, "targets", "a.bin"), "hashes"),
                    "sha256");
    sim_publish(sim, "targets snapshot timestamp");
    (void)snprintf(url, sizeof url, "targets/%s.a.bin", hex);
    sim_server_put(&sim->server, url, "content of a", 12);
    char path[2 * SIM_PATH_BYTES];
    stored_path(sim, "a.bin", path);
    assert_int_equal(unlink(path), 0);
    ACCEPTS(download(sim, "a.bin"));
    stored_is(sim, "a.bin", "content of a");
}

static void a_target_with_unknown_digests_only_is_refused(void **state)
{
    struct sim *sim = begin(state);
    set_digest(sim, "blake2b", "00");
    json_object_del(json_object_get(sim_target_entry(sim, "targets", "a.bin"), "hashes"),
                    "sha256");
    sim_publish(sim, "targets snapshot timestamp");
    REFUSES(download(sim, "a.bin"), "tuf.hash");
    STORED(0);
    ACCEPTS(download(sim, "dir/sub/b.bin"));
}

static void equal_base_names_do_not_collide(void **state)
{
    struct sim *sim = begin(state);
    sim_target(sim, "targets", "other/sub/b.bin", "another b");
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(download(sim, "dir/sub/b.bin other/sub/b.bin"));
    STORED(2);
    stored_is(sim, "dir%2Fsub%2Fb.bin", "content of b");
    stored_is(sim, "other%2Fsub%2Fb.bin", "another b");
}

static void an_empty_target_is_a_file(void **state)
{
    struct sim *sim = begin(state);
    sim_target(sim, "targets", "empty", "");
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(download(sim, "empty"));
    stored_is(sim, "empty", "");
}

static void a_target_can_be_withdrawn(void **state)
{
    struct sim *sim = begin(state);
    ACCEPTS(download(sim, "a.bin"));
    json_object_del(json_object_get(sim_body(sim, "targets"), "targets"), "a.bin");
    sim_publish(sim, "targets snapshot timestamp");
    REFUSES(download(sim, "a.bin"), "tuf.missing");
}

static void nothing_is_fetched_when_the_metadata_are_bad(void **state)
{
    struct sim *sim = begin(state);
    sim_expire(sim, "targets", -1);
    sim_publish(sim, "targets snapshot timestamp");
    REFUSES(download(sim, "a.bin"), "tuf.expired");
    ASKED("metadata/2.root.json metadata/timestamp.json metadata/3.snapshot.json "
          "metadata/3.targets.json");
    STORED(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_CASE(a_target_is_fetched_by_its_digest_and_stored),
        SIM_CASE(a_stored_target_makes_no_request),
        SIM_CASE(a_damaged_stored_target_is_fetched_again),
        SIM_CASE(a_changed_target_replaces_the_old),
        SIM_CASE(a_target_that_nobody_lists_is_refused),
        SIM_CASE(the_first_failure_ends_the_run),
        SIM_CASE(wrong_bytes_are_refused_and_nothing_is_stored),
        SIM_CASE(a_failed_download_leaves_the_old_file),
        SIM_CASE(a_target_that_is_not_served_is_an_error),
        SIM_CASE(every_listed_digest_is_checked),
        SIM_CASE(a_target_with_unknown_digests_only_is_refused),
        SIM_CASE(equal_base_names_do_not_collide),
        SIM_CASE(an_empty_target_is_a_file),
        SIM_CASE(a_target_can_be_withdrawn),
        SIM_CASE(nothing_is_fetched_when_the_metadata_are_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
