/* SPDX-License-Identifier: Apache-2.0 */
/* A cache that two nodes share: it saves downloads and is trusted with nothing. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "edge/cache.h"
#include "tests/unit/edge/fixture_node.h"

static struct server server;
static struct repository repository;
static struct node first, second;
static char folder[FOLDER_BYTES];

/* Two nodes without models; 1.0.0 is published and assigned. */
static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_init(&first, &server, &repository);
    node_init(&second, &server, &repository);
    first.options.cache_folder = second.options.cache_folder = folder;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    node_release(&second);
    node_release(&first);
    repository_release(&repository);
    server_stop(&server);
    folder_remove(folder);
    return 0;
}

static void run(struct node *node)
{
    node_open(node);
    node_until(node, node_has_model, (void *)(uintptr_t)fixture_model(0));
}

static void path_in_cache(char path[static FOLDER_BYTES * 2])
{
    char name[65];
    uint8_t digest[32];
    const struct buf *model = fixture_model(0);
    assert_int_equal(sha256_of(model->data, model->len, digest, NULL), OK);
    hex_encode(digest, sizeof digest, name);
    snprintf(path, FOLDER_BYTES * 2, "%s/%s", folder, name);
}

static void assert_fetches(int count)
{
    assert_int_equal(server_count(&server, &server.fetch_count), count);
}

static void assert_came_as(struct node *node, const char *came_as)
{
    const struct muster_client_model *model = muster_client_model(node->client);
    assert_string_equal(model->came_as, came_as);
    assert_int_equal(model->received > 0, strcmp(came_as, "zst") == 0);
    muster_client_model_release(model);
}

static void the_second_node_makes_no_request(void **state)
{
    (void)state;
    char path[FOLDER_BYTES * 2];
    run(&first);
    path_in_cache(path);
    assert_true(file_exists(path));
    assert_int_equal(folder_count(folder), 1);
    run(&second);
    assert_fetches(1);
    assert_came_as(&first, "zst");
    assert_came_as(&second, "cache");
    assert_string_equal(second.messages, "");
}

/* Nobody runs anything from the cache. */
static void an_emptied_cache_touches_no_node(void **state)
{
    (void)state;
    run(&first);
    run(&second);
    folder_remove(folder);
    const struct muster_client_model *model = muster_client_model(second.client);
    assert_null(strstr(model->path, folder));
    muster_client_model_release(model);
    node_close(&second);
    run(&second);
    assert_fetches(1);
    assert_came_as(&second, "disk");
}

static void a_damaged_file_in_the_cache_is_refused_and_replaced(void **state)
{
    (void)state;
    char path[FOLDER_BYTES * 2];
    uint8_t before[32], after[32];
    uint64_t size;
    run(&first);
    path_in_cache(path);
    assert_int_equal(file_sha256(path, before, &size, NULL), OK);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fputs("damaged", file);
    fclose(file);
    run(&second);
    assert_fetches(2);
    assert_string_equal(second.messages, "tuf.hash\n");
    assert_int_equal(file_sha256(path, after, &size, NULL), OK);
    assert_memory_equal(before, after, sizeof before);
}

static void a_link_in_the_cache_is_not_followed(void **state)
{
    (void)state;
    char path[FOLDER_BYTES * 2], real[FOLDER_BYTES * 2 + 8];
    struct stat info;
    run(&first);
    path_in_cache(path);
    snprintf(real, sizeof real, "%s-moved", path);
    assert_int_equal(rename(path, real), 0);
    assert_int_equal(symlink(real, path), 0);
    run(&second);
    assert_fetches(2);
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
}

static void a_cache_that_cannot_be_written_is_told_and_done_without(void **state)
{
    (void)state;
    node_open(&first);
    folder_remove(folder);
    node_until(&first, node_has_model, (void *)(uintptr_t)fixture_model(0));
    assert_string_equal(first.messages, "io\n");
    folder_make(folder);
}

/* Puts `len` bytes under a digest of this first byte. */
static void add(const struct cache *cache, uint8_t digest, int64_t len, int64_t at_s)
{
    char path[FOLDER_BYTES * 2], from[FOLDER_BYTES * 2], name[65];
    uint8_t artifact[32] = {digest};
    struct copy copy;
    bool done = false;
    snprintf(from, sizeof from, "%s/new", first.folder);
    assert_int_equal(
        file_write_atomic(from, fixture_model(0)->data, (size_t)len, 0600, NULL), OK);
    assert_int_equal(cache_add(cache, from, len, &copy, NULL), OK);
    while (!done) {
        assert_int_equal(copy_step(&copy, &done, NULL), OK);
    }
    assert_int_equal(cache_keep(cache, artifact, &copy, NULL), OK);
    copy_release(&copy);
    hex_encode(artifact, sizeof artifact, name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct timespec times[2] = {{.tv_sec = at_s}, {.tv_sec = at_s}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool has(const struct cache *cache, uint8_t digest, int64_t len)
{
    uint8_t artifact[32] = {digest};
    return cache_has(cache, artifact, len);
}

static void the_oldest_go_when_there_is_too_much(void **state)
{
    (void)state;
    struct cache cache;
    assert_int_equal(cache_open(&cache, folder, 2500, NULL), OK);
    add(&cache, 1, 1000, 2000);
    add(&cache, 2, 1000, 1000);
    assert_true(has(&cache, 1, 1000) && has(&cache, 2, 1000));
    add(&cache, 3, 1000, 3000);
    assert_true(has(&cache, 1, 1000));
    assert_false(has(&cache, 2, 1000));
    assert_true(has(&cache, 3, 1000));
    assert_false(has(&cache, 3, 999));
    add(&cache, 4, 5000, 4000);
    assert_true(has(&cache, 4, 5000));
    assert_int_equal(folder_count(folder), 1);
}

/* One that is being copied stays whole for whoever copies it. */
static void a_file_that_is_removed_while_it_is_copied_is_copied(void **state)
{
    (void)state;
    struct cache cache;
    struct copy copy;
    char path[FOLDER_BYTES * 2];
    uint8_t artifact[32] = {7};
    bool done = false;
    assert_int_equal(cache_open(&cache, folder, 100000, NULL), OK);
    add(&cache, 7, 5000, 1000);
    snprintf(path, sizeof path, "%s/copy", first.folder);
    assert_int_equal(cache_take(&cache, artifact, 5000, path, &copy, NULL), OK);
    cache_drop(&cache, artifact);
    assert_int_equal(folder_count(folder), 0);
    assert_int_equal(copy_step(&copy, &done, NULL), OK);
    assert_true(done);
    BUF_AUTO copied = BUF_INIT(10000);
    assert_int_equal(file_read(path, &copied, NULL), OK);
    assert_int_equal(copied.len, 5000);
    assert_memory_equal(copied.data, fixture_model(0)->data, 5000);
    copy_release(&copy);
}

/* Another node may be writing: only what is old was left by one that was killed. */
static void temporary_files_go_after_an_hour(void **state)
{
    (void)state;
    struct cache cache;
    char old[FOLDER_BYTES + 16], young[FOLDER_BYTES + 16];
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(cache_open(&cache, folder, 100000, NULL), OK);
    snprintf(old, sizeof old, "%s/.tmp-old", folder);
    snprintf(young, sizeof young, "%s/.tmp-young", folder);
    assert_int_equal(file_create(old, "x", 1, 0600, NULL), OK);
    assert_int_equal(file_create(young, "x", 1, 0600, NULL), OK);
    assert_int_equal(utimensat(AT_FDCWD, old, times, 0), 0);
    add(&cache, 1, 1000, 1000);
    assert_false(file_exists(old));
    assert_true(file_exists(young));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_second_node_makes_no_request),
        TEST(an_emptied_cache_touches_no_node),
        TEST(a_damaged_file_in_the_cache_is_refused_and_replaced),
        TEST(a_link_in_the_cache_is_not_followed),
        TEST(a_cache_that_cannot_be_written_is_told_and_done_without),
        TEST(the_oldest_go_when_there_is_too_much),
        TEST(a_file_that_is_removed_while_it_is_copied_is_copied),
        TEST(temporary_files_go_after_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
