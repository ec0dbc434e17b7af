/* SPDX-License-Identifier: Apache-2.0 */
/* What a node keeps of an update, and that nothing of it is trusted without verifying it
 * again from the root that came out of band. */
#include "edge/updater.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/edge/fixture_node.h"

static const char *const FILES[] = {"timestamp.json", "snapshot.json", "targets.json"};

enum { FILE_COUNT = sizeof FILES / sizeof FILES[0], MAX_BYTES = 1 << 20 };

static struct server server;
static struct repository repository;
static struct node node;
static struct updater updater;

static void open_updater(void)
{
    char folder[FOLDER_BYTES + 8];
    struct err err = {0};
    snprintf(folder, sizeof folder, "%s/tuf", node.folder);
    updater = (struct updater){0};
    if (updater_open(&updater, folder, node.root_path, NULL, &err) != OK) {
        fail_msg("%s", err.detail);
    }
}

/* A closed node that followed the root to version 3. */
static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    node_init(&node, &server, &repository);
    repository_rotate_root(&repository, &server);
    repository_rotate_root(&repository, &server);
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_open(&node);
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(0));
    node_close(&node);
    open_updater();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    updater_release(&updater);
    node_release(&node);
    repository_release(&repository);
    server_stop(&server);
    return 0;
}

static void cache_path(const char *name, char ret_path[static FOLDER_BYTES + 64])
{
    snprintf(ret_path, FOLDER_BYTES + 64, "%s/tuf/%s", node.folder, name);
}

static void read_cached(const char *name, struct buf *ret_data)
{
    char path[FOLDER_BYTES + 64];
    cache_path(name, path);
    assert_int_equal(file_read(path, ret_data, NULL), OK);
}

static void write_cached(const char *name, const struct buf *data)
{
    char path[FOLDER_BYTES + 64];
    cache_path(name, path);
    assert_int_equal(file_write_atomic(path, data->data, data->len, 0600, NULL), OK);
}

/* The verdict on the cache; the version of the root it was reached under. */
static enum status verdict(int64_t now_ms, int64_t *ret_root, struct err *err)
{
    TRUSTED_SET_AUTO set = {0};
    enum status status = updater_verify_cache(&updater, now_ms, &set, err);
    if (status == OK) {
        *ret_root = set.root->envelope.version;
        assert_non_null(tuf_targets_find(set.targets, "fashion/1/fp32.mnet"));
    }
    return status;
}

static void flip(const char *name)
{
    BUF_AUTO data = BUF_INIT(MAX_BYTES);
    read_cached(name, &data);
    data.data[data.len / 2] ^= 1;
    write_cached(name, &data);
}

static void files_are_kept_byte_for_byte(void **state)
{
    (void)state;
    const struct buf *served[] = {&repository.timestamp_file, &repository.snapshot_file,
                                  &repository.targets_file, &repository.root_file,
                                  &repository.root_file};
    const char *const names[] = {"timestamp.json", "snapshot.json", "targets.json",
                                 "root.json", "roots/3.root.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        BUF_AUTO data = BUF_INIT(MAX_BYTES);
        read_cached(names[i], &data);
        assert_int_equal(data.len, served[i]->len);
        assert_memory_equal(data.data, served[i]->data, data.len);
    }
}

static void the_cache_alone_is_enough_without_a_network(void **state)
{
    (void)state;
    int64_t root = 0;
    struct err err = {0};
    assert_int_equal(verdict(clock_wall_ms(), &root, &err), OK);
    assert_int_equal(root, 3);
}

static void an_expired_cache_is_known_as_such(void **state)
{
    (void)state;
    int64_t root = 0;
    int64_t later_ms = clock_wall_ms() + INT64_C(30) * 86400000;
    assert_int_equal(verdict(later_ms, &root, NULL), ERR_TUF_EXPIRED);
    assert_int_equal(verdict(0, &root, NULL), OK);
}

static void every_cached_file_is_verified(void **state)
{
    (void)state;
    for (int i = 0; i < FILE_COUNT; i++) {
        int64_t root = 0;
        BUF_AUTO whole = BUF_INIT(MAX_BYTES);
        read_cached(FILES[i], &whole);
        flip(FILES[i]);
        assert_int_not_equal(verdict(0, &root, NULL), OK);
        write_cached(FILES[i], &whole);
        assert_int_equal(verdict(0, &root, NULL), OK);
    }
}

/* The chain ends before a root that does not verify; what follows it is not used. */
static void a_tampered_root_in_the_cache_is_not_trusted(void **state)
{
    (void)state;
    int64_t root = 0;
    flip("roots/2.root.json");
    assert_int_equal(verdict(0, &root, NULL), OK);
    assert_int_equal(root, 1);
}

static void without_a_file_it_is_said_which(void **state)
{
    (void)state;
    for (int i = 0; i < FILE_COUNT; i++) {
        char path[FOLDER_BYTES + 64];
        int64_t root = 0;
        struct err err = {0};
        BUF_AUTO whole = BUF_INIT(MAX_BYTES);
        read_cached(FILES[i], &whole);
        cache_path(FILES[i], path);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(verdict(0, &root, &err), ERR_NOT_FOUND);
        assert_non_null(strstr(err.detail, FILES[i]));
        write_cached(FILES[i], &whole);
    }
}

/* Somebody else's whole repository, with its roots, put in the place of the cache. */
static void another_repository_in_the_cache_replaces_no_trust(void **state)
{
    (void)state;
    struct repository other;
    struct server nowhere;
    int64_t root = 0;
    server_start(&nowhere);
    repository_init(&other);
    repository_rotate_root(&other, &nowhere);
    repository_add(&other, &nowhere, 1, fixture_model(0));
    repository_publish(&other, &nowhere);
    write_cached("root.json", &other.root_file);
    write_cached("roots/2.root.json", &other.root_file);
    write_cached("timestamp.json", &other.timestamp_file);
    write_cached("snapshot.json", &other.snapshot_file);
    write_cached("targets.json", &other.targets_file);
    assert_int_equal(verdict(0, &root, NULL), ERR_TUF_SIGNATURE);
    repository_release(&other);
    server_stop(&nowhere);
}

static void a_node_with_a_tampered_cache_recovers_by_itself(void **state)
{
    (void)state;
    static const char *const names[] = {"roots/2.root.json", "roots/3.root.json",
                                        "root.json",         "timestamp.json",
                                        "snapshot.json",     "targets.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        flip(names[i]);
    }
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
    node_open(&node);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    node_close(&node);
    int64_t root = 0;
    assert_int_equal(verdict(clock_wall_ms(), &root, NULL), OK);
    assert_int_equal(root, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_kept_byte_for_byte),
        TEST(the_cache_alone_is_enough_without_a_network),
        TEST(an_expired_cache_is_known_as_such),
        TEST(every_cached_file_is_verified),
        TEST(a_tampered_root_in_the_cache_is_not_trusted),
        TEST(without_a_file_it_is_said_which),
        TEST(another_repository_in_the_cache_replaces_no_trust),
        TEST(a_node_with_a_tampered_cache_recovers_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
