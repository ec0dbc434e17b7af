/* SPDX-License-Identifier: Apache-2.0 */
/* An operator at a stopped node: another root, with the old one of no more use, and the
 * way back. */
#include "edge/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/edge/fixture_node.h"

static struct server server;
static struct repository repository, other;
static struct node node;
static char new_root[FOLDER_BYTES + 16];

static void publish(struct repository *from, int64_t seq, int model)
{
    repository_add(from, &server, seq, fixture_model(model));
    repository_publish(from, &server);
    repository_assign(from, &server, seq, fixture_model(model));
}

static void until_model(int model)
{
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(model));
}

/* A closed node that ran 1 (model 0) and runs 2 (model 1) with a floor of 2; its
 * publisher lost the root key and began anew. */
static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository_init(&other);
    node_init(&node, &server, &repository);
    publish(&repository, 1, 0);
    node_open(&node);
    until_model(0);
    repository.floor = 2;
    publish(&repository, 2, 1);
    until_model(1);
    node_close(&node);
    node.messages[0] = '\0';
    snprintf(new_root, sizeof new_root, "%s/new.json", node.folder);
    const struct buf *root = &other.root_file;
    assert_int_equal(file_write_atomic(new_root, root->data, root->len, 0644, NULL), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    node_release(&node);
    repository_release(&repository);
    repository_release(&other);
    server_stop(&server);
    return 0;
}

static struct recovery_order order(void)
{
    return (struct recovery_order){
        .state_folder = node.folder, .root_path = node.root_path, .new_path = new_root};
}

static enum status trust(const struct recovery_order *wanted, struct err *err)
{
    struct recovery recovery;
    enum status status = recovery_open(&recovery, wanted, err);
    if (status == OK) {
        status = recovery_trust(&recovery, err);
    }
    recovery_close(&recovery);
    return status;
}

static void must_trust(const struct recovery_order *wanted)
{
    struct err err = {0};
    if (trust(wanted, &err) != OK) {
        fail_msg("%s", err.detail);
    }
}

static void expect_root_file(const struct buf *expected)
{
    BUF_AUTO found = BUF_INIT(1 << 20);
    assert_int_equal(file_read(node.root_path, &found, NULL), OK);
    assert_int_equal(found.len, expected->len);
    assert_memory_equal(found.data, expected->data, found.len);
}

static void the_new_root_is_followed_and_the_model_goes_on_meanwhile(void **state)
{
    (void)state;
    struct recovery_order wanted = order();
    must_trust(&wanted);
    publish(&other, 3, 0);
    node_open(&node);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
    until_model(0);
}

static void what_the_old_root_signed_is_refused(void **state)
{
    (void)state;
    struct recovery_order wanted = order();
    must_trust(&wanted);
    node_open(&node);
    publish(&repository, 3, 0);
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.signature");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

static void floors_stay(void **state)
{
    (void)state;
    struct recovery_order wanted = order();
    must_trust(&wanted);
    publish(&other, 1, 0);
    node_open(&node);
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.floor");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

static void floors_go_when_that_is_said(void **state)
{
    (void)state;
    struct recovery_order wanted = order();
    wanted.reset_floors = true;
    must_trust(&wanted);
    publish(&other, 1, 0);
    node_open(&node);
    until_model(0);
}

static void both_roots_and_what_stays_are_described(void **state)
{
    (void)state;
    struct recovery recovery;
    struct recovery_order wanted = order();
    BUF_AUTO text = BUF_INIT(4096);
    BUF_AUTO before = BUF_INIT(1 << 20);
    assert_int_equal(file_read(node.root_path, &before, NULL), OK);
    repository_rotate_root(&repository, &server);
    publish(&repository, 2, 1);
    node_open(&node);
    char path[FOLDER_BYTES + 64];
    snprintf(path, sizeof path, "%s/tuf/roots/2.root.json", node.folder);
    while (!file_exists(path)) {
        muster_client_step(node.client);
    }
    node_close(&node);
    assert_int_equal(recovery_open(&recovery, &wanted, NULL), OK);
    recovery_describe(&recovery, &text);
    recovery_close(&recovery);
    assert_non_null(strstr(text.data, "trusted   root 2, 1 of 1 keys, expires "));
    assert_non_null(strstr(text.data, "new       root 1, 1 of 1 keys, expires "));
    char line[64];
    snprintf(line, sizeof line, "key goes  %.16s…", repository.root_key.keyid);
    assert_non_null(strstr(text.data, line));
    snprintf(line, sizeof line, "key comes %.16s…", other.root_key.keyid);
    assert_non_null(strstr(text.data, line));
    assert_non_null(strstr(text.data, "floors    fashion 2 — kept\n"));
    expect_root_file(&before);
}

static void a_root_that_is_not_signed_by_itself_changes_nothing(void **state)
{
    (void)state;
    struct recovery_order wanted = order();
    struct err err = {0};
    BUF_AUTO before = BUF_INIT(1 << 20);
    assert_int_equal(file_read(node.root_path, &before, NULL), OK);
    struct server nowhere;
    server_start(&nowhere);
    other.root_key = repository.root_key;
    repository_rotate_root(&other, &nowhere);
    server_stop(&nowhere);
    assert_int_equal(file_write_atomic(new_root, other.root_file.data,
                                       other.root_file.len, 0644, NULL),
                     OK);
    assert_int_equal(trust(&wanted, &err), ERR_TUF_NO_TRUST);
    expect_root_file(&before);
    publish(&repository, 3, 0);
    node_open(&node);
    until_model(0);
}

static void a_running_agent_is_left_alone(void **state)
{
    (void)state;
    struct recovery_order wanted = order();
    BUF_AUTO text = BUF_INIT(1024);
    node_open(&node);
    assert_int_equal(trust(&wanted, NULL), ERR_BUSY);
    assert_int_equal(recovery_go_back(node.folder, &text, NULL), ERR_BUSY);
    node_close(&node);
    must_trust(&wanted);
}

/* It ended before the root was replaced: the node trusts what it trusted. */
static void half_done_it_is_as_if_it_had_not_begun(void **state)
{
    (void)state;
    struct recovery_order wanted = order();
    char nowhere[FOLDER_BYTES + 32];
    snprintf(nowhere, sizeof nowhere, "%s/nowhere/root.json", node.folder);
    wanted.root_path = nowhere;
    assert_int_not_equal(trust(&wanted, NULL), OK);
    publish(&other, 3, 0);
    node_open(&node);
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.signature");
    publish(&repository, 3, 0);
    until_model(0);
    node_close(&node);
    publish(&other, 4, 1);
    wanted = order();
    must_trust(&wanted);
    node_open(&node);
    until_model(1);
}

/* The other half: the root is new and the old cache still there. */
static void the_old_cache_means_nothing_to_the_new_root(void **state)
{
    (void)state;
    const struct buf *root = &other.root_file;
    assert_int_equal(file_write_atomic(node.root_path, root->data, root->len, 0644, NULL),
                     OK);
    publish(&other, 3, 0);
    node_open(&node);
    until_model(0);
}

static void a_present_root_of_no_use_is_replaced_all_the_same(void **state)
{
    (void)state;
    struct recovery_order wanted = order();
    struct recovery recovery;
    BUF_AUTO text = BUF_INIT(4096);
    assert_int_equal(file_write_atomic(node.root_path, "{", 1, 0644, NULL), OK);
    assert_int_equal(recovery_open(&recovery, &wanted, NULL), OK);
    recovery_describe(&recovery, &text);
    recovery_close(&recovery);
    assert_non_null(strstr(text.data, "trusted   none: "));
    must_trust(&wanted);
    expect_root_file(&other.root_file);
}

/* ---- going back ---- */

static void the_way_back_below_the_floor_is_refused(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(1024);
    struct err err = {0};
    assert_int_equal(recovery_go_back(node.folder, &text, &err), ERR_TUF_FLOOR);
    assert_non_null(strstr(err.detail, "seq 2 or above expected, 1 found"));
    node_open(&node);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

static void the_way_back_runs_at_the_next_start(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(1024);
    publish(&repository, 3, 0);
    node_open(&node);
    until_model(0);
    node_close(&node);
    assert_int_equal(recovery_go_back(node.folder, &text, NULL), OK);
    assert_non_null(
        strstr(text.data, "from fashion 1.3.0 (seq 3) back to 1.2.0 (seq 2)"));
    node_open(&node);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
    assert_true(node_complained(&node, "model.kept"));
    int polls = server_count(&server, &server.polls);
    while (server_count(&server, &server.polls) < polls + 3) {
        int64_t wait_ms = muster_client_step(node.client);
        muster_client_wait(node.client, wait_ms < 10 ? wait_ms : 10);
    }
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

static void with_the_floors_lost_nothing_goes_back(void **state)
{
    (void)state;
    char path[FOLDER_BYTES + 64];
    BUF_AUTO text = BUF_INIT(1024);
    snprintf(path, sizeof path, "%s/trust/floors.json", node.folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(recovery_go_back(node.folder, &text, NULL), ERR_TUF_FLOOR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_new_root_is_followed_and_the_model_goes_on_meanwhile),
        TEST(what_the_old_root_signed_is_refused),
        TEST(floors_stay),
        TEST(floors_go_when_that_is_said),
        TEST(both_roots_and_what_stays_are_described),
        TEST(a_root_that_is_not_signed_by_itself_changes_nothing),
        TEST(a_running_agent_is_left_alone),
        TEST(half_done_it_is_as_if_it_had_not_begun),
        TEST(the_old_cache_means_nothing_to_the_new_root),
        TEST(a_present_root_of_no_use_is_replaced_all_the_same),
        TEST(the_way_back_below_the_floor_is_refused),
        TEST(the_way_back_runs_at_the_next_start),
        TEST(with_the_floors_lost_nothing_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
