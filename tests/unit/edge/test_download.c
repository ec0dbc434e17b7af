/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads that break off, and go on where they were; servers that cut, stall and lie.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "edge/client_state.h"
#include "tests/unit/edge/fixture_node.h"

enum { PART = 50000 };

static struct server server;
static struct repository repository;
static struct node node;

/* A node that has no model yet; 1.0.0 is published and assigned. */
static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_init(&node, &server, &repository);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    node_release(&node);
    repository_release(&repository);
    server_stop(&server);
    return 0;
}

static void until_model(int index)
{
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(index));
}

/* What a fault does to the next answer with a target's bytes. */
static void fault_once(struct server_fault fault)
{
    fault.times = 1;
    snprintf(fault.path, sizeof fault.path, "/tuf/targets/");
    server_fault(&server, &fault);
}

static struct server_fetch fetch_at(int index)
{
    assert_true(index < server_count(&server, &server.fetch_count));
    return server_fetch_at(&server, index);
}

static void assert_range(int index, const char *range, int status)
{
    struct server_fetch fetch = fetch_at(index);
    assert_string_equal(fetch.range, range);
    assert_int_equal(fetch.status, status);
}

/* The path of the partial file, of which there is at most one; false without. */
static bool partial_path(char path[static FOLDER_BYTES * 2])
{
    char folder[FOLDER_BYTES + 16];
    int found = 0;
    snprintf(folder, sizeof folder, "%s/partial", node.folder);
    DIR *dir = opendir(folder);
    const struct dirent *item;
    while (dir && (item = readdir(dir)) != NULL) {
        if (item->d_name[0] != '.') {
            snprintf(path, FOLDER_BYTES * 2, "%s/%.64s", folder, item->d_name);
            found++;
        }
    }
    if (dir) {
        closedir(dir);
    }
    assert_true(found <= 1);
    return found == 1;
}

static int64_t partial_size(void)
{
    char path[FOLDER_BYTES * 2];
    struct stat info;
    return partial_path(path) && stat(path, &info) == 0 ? info.st_size : 0;
}

static bool has_part(struct node *same, void *user)
{
    (void)same;
    (void)user;
    return partial_size() >= PART;
}

static void write_partial(int64_t at, const void *data, size_t len)
{
    char path[FOLDER_BYTES * 2];
    assert_true(partial_path(path));
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
}

/* Begins, receives a part, and is killed. */
static void die_with_a_part(void)
{
    fault_once((struct server_fault){.manner = ANSWER_STALL, .part = PART});
    node_open(&node);
    node_until(&node, has_part, NULL);
    node_kill(&node);
}

static void a_cut_download_goes_on_where_it_was(void **state)
{
    (void)state;
    fault_once((struct server_fault){.manner = ANSWER_CUT, .part = PART});
    node_open(&node);
    until_model(0);
    struct server_fetch whole = fetch_at(0), rest = fetch_at(1);
    char etag[80];
    snprintf(etag, sizeof etag, "\"%.64s\"", strrchr(whole.path, '/') + 1);
    assert_int_equal(server_count(&server, &server.fetch_count), 2);
    assert_range(0, "", 200);
    assert_range(1, "bytes=50000-", 206);
    assert_string_equal(rest.if_range, etag);
    assert_int_equal(rest.bytes, whole.bytes - PART);
    assert_int_equal(partial_size(), 0);
}

static void a_kill_keeps_what_was_received(void **state)
{
    (void)state;
    die_with_a_part();
    node_open(&node);
    until_model(0);
    assert_int_equal(server_count(&server, &server.fetch_count), 2);
    assert_range(1, "bytes=50000-", 206);
    assert_string_equal(node.messages, "");
}

/* Both are refused by the digest, once, and the second time nothing old is used. */
static void a_partial_file_that_was_damaged_is_fetched_anew(void **state)
{
    (void)state;
    die_with_a_part();
    write_partial(1000, "damaged", 7);
    node_open(&node);
    until_model(0);
    assert_int_equal(server_count(&server, &server.fetch_count), 3);
    assert_range(1, "bytes=50000-", 206);
    assert_range(2, "", 200);
    assert_string_equal(node.messages, "");
}

static void a_partial_file_longer_than_the_target_is_none(void **state)
{
    (void)state;
    die_with_a_part();
    write_partial((int64_t)fetch_at(0).bytes, "more", 4);
    node_open(&node);
    until_model(0);
    assert_range(1, "", 200);
}

static void a_partial_file_that_is_a_link_is_not_followed(void **state)
{
    (void)state;
    char path[FOLDER_BYTES * 2];
    die_with_a_part();
    assert_true(partial_path(path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(node.root_path, path), 0);
    node_open(&node);
    node_until(&node, node_complained, (void *)(uintptr_t) "io");
    assert_int_equal(unlink(path), 0);
    until_model(0);
}

/* The process died between the last byte and what follows. */
static void all_bytes_on_disk_need_no_request(void **state)
{
    (void)state;
    die_with_a_part();
    struct server_fetch fetch = fetch_at(0);
    for (int i = 0; i < SERVER_FILES; i++) {
        const struct server_file *file = &server.files[i];
        if (strcmp(file->path, fetch.path) == 0) {
            write_partial(0, file->data.data, file->data.len);
        }
    }
    node_open(&node);
    until_model(0);
    assert_int_equal(server_count(&server, &server.fetch_count), 1);
}

static void a_server_without_ranges_is_asked_for_everything(void **state)
{
    (void)state;
    fault_once((struct server_fault){.manner = ANSWER_CUT, .part = PART});
    fault_once((struct server_fault){.no_ranges = true});
    node_open(&node);
    until_model(0);
    assert_int_equal(server_count(&server, &server.fetch_count), 2);
    assert_range(1, "bytes=50000-", 200);
}

static void a_range_that_cannot_be_is_asked_for_anew(void **state)
{
    (void)state;
    fault_once((struct server_fault){.manner = ANSWER_CUT, .part = PART});
    fault_once((struct server_fault){.status = 416, .code = "http.range"});
    node_open(&node);
    until_model(0);
    assert_range(1, "bytes=50000-", 416);
    assert_range(2, "", 200);
}

static void another_range_than_asked_for_is_refused(void **state)
{
    (void)state;
    fault_once((struct server_fault){.manner = ANSWER_CUT, .part = PART});
    fault_once((struct server_fault){.other_range = 5});
    node_open(&node);
    until_model(0);
    assert_int_equal(server_count(&server, &server.fetch_count), 3);
    assert_range(1, "bytes=50000-", 206);
    assert_range(2, "", 200);
}

/* Wrong bytes after right ones: the digest of the whole finds it. */
static void a_flipped_byte_in_the_rest_is_fetched_anew(void **state)
{
    (void)state;
    fault_once((struct server_fault){.manner = ANSWER_CUT, .part = PART});
    fault_once((struct server_fault){.flip = true});
    node_open(&node);
    until_model(0);
    assert_range(1, "bytes=50000-", 206);
    assert_range(2, "", 200);
}

/* The clock is moved, nobody waits: a minute passes in which nothing comes. */
static void a_download_below_the_least_rate_is_broken_off(void **state)
{
    (void)state;
    fault_once((struct server_fault){.manner = ANSWER_STALL, .part = PART});
    node_open(&node);
    node_until(&node, has_part, NULL);
    node.mono_shift_ms += 10000;
    muster_client_step(node.client);
    node.mono_shift_ms += 600000;
    node_until(&node, node_complained, (void *)(uintptr_t) "net");
    until_model(0);
    assert_range(1, "bytes=50000-", 206);
}

static void what_is_no_longer_assigned_is_abandoned(void **state)
{
    (void)state;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    fault_once((struct server_fault){.manner = ANSWER_STALL, .part = PART});
    node_open(&node);
    node_until(&node, has_part, NULL);
    repository_assign(&repository, &server, 2, fixture_model(1));
    until_model(1);
    assert_int_equal(server_count(&server, &server.fetch_count), 2);
    assert_range(1, "", 200);
    assert_int_equal(node.models, 1);
    assert_string_equal(node.messages, "");
}

/* The token of a download that began long ago has ended. */
static void a_download_goes_on_with_a_new_session(void **state)
{
    (void)state;
    die_with_a_part();
    server_fault(&server, &(struct server_fault){.path = "/tuf/targets/",
                                                 .times = 1,
                                                 .status = 401,
                                                 .code = "auth.required"});
    node_open(&node);
    until_model(0);
    assert_range(2, "bytes=50000-", 206);
    assert_string_equal(node.messages, "");
}

static bool polled_on(struct node *same, void *user)
{
    (void)same;
    return server_count(&server, &server.polls) >= *(int *)user;
}

static void until_polls(int more)
{
    int polls = server_count(&server, &server.polls) + more;
    node_until(&node, polled_on, &polls);
}

/* Asking again, also for the artifact in place of its transport, waits; polls do not. */
static void a_busy_server_is_left_alone_as_long_as_it_says(void **state)
{
    (void)state;
    fault_once((struct server_fault){
        .status = 503, .code = "unavailable", .retry_after_s = 600});
    node_open(&node);
    node_until(&node, node_complained, (void *)(uintptr_t) "net.status");
    until_polls(5);
    assert_int_equal(server_count(&server, &server.fetch_count), 1);
    node.mono_shift_ms += 601000;
    until_model(0);
    assert_int_equal(server_count(&server, &server.fetch_count), 2);
}

/* A second at a time, so that what is under way ends in its own time. */
static void pass_seconds(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        node.mono_shift_ms += 1000;
        (void)muster_client_step(node.client);
        muster_client_wait(node.client, 1);
    }
}

static void attempts_that_bring_nothing_come_to_a_pause(void **state)
{
    (void)state;
    node.options.backoff_max_ms = 300000;
    server_fault(&server, &(struct server_fault){.path = "/tuf/targets/",
                                                 .times = FOR_EVER,
                                                 .manner = ANSWER_NONE});
    node_open(&node);
    const struct attempts *attempts = &node.client->poll.attempts;
    while (attempts->until_ms < clock_mono_ms() + node.mono_shift_ms + 600000) {
        pass_seconds(1);
    }
    pass_seconds(600);
    until_polls(5);
    assert_int_equal(server_count(&server, &server.fetch_count), 8);
    server_heal(&server);
    node.mono_shift_ms += 3600000;
    until_model(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cut_download_goes_on_where_it_was),
        TEST(a_kill_keeps_what_was_received),
        TEST(a_partial_file_that_was_damaged_is_fetched_anew),
        TEST(a_partial_file_longer_than_the_target_is_none),
        TEST(a_partial_file_that_is_a_link_is_not_followed),
        TEST(all_bytes_on_disk_need_no_request),
        TEST(a_server_without_ranges_is_asked_for_everything),
        TEST(a_range_that_cannot_be_is_asked_for_anew),
        TEST(another_range_than_asked_for_is_refused),
        TEST(a_flipped_byte_in_the_rest_is_fetched_anew),
        TEST(a_download_below_the_least_rate_is_broken_off),
        TEST(what_is_no_longer_assigned_is_abandoned),
        TEST(a_download_goes_on_with_a_new_session),
        TEST(a_busy_server_is_left_alone_as_long_as_it_says),
        TEST(attempts_that_bring_nothing_come_to_a_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
