/* SPDX-License-Identifier: Apache-2.0 */
/* A node goes back to the model before: by itself where the active one is of no use, or
 * because somebody asks for it; never to less than was verified and allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <muster/recovery.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "tests/unit/edge/fixture_node.h"

static struct server server;
static struct repository repository;
static struct node node;

static void until_model(int model)
{
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(model));
}

static bool runs(int model)
{
    return node_has_model(&node, (void *)(uintptr_t)fixture_model(model));
}

static void run(int64_t seq, int model)
{
    repository_add(&repository, &server, seq, fixture_model(model));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, seq, fixture_model(model));
    if (!node.client) {
        node_open(&node);
    }
    until_model(model);
}

/* A node that ran 1.1.0 (model 0) and runs 1.2.0 (model 1). */
static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    node_init(&node, &server, &repository);
    run(1, 0);
    run(2, 1);
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

static void no_server(void)
{
    server_fault(&server, &(struct server_fault){
                              .times = FOR_EVER, .path = "/", .manner = ANSWER_NONE});
}

/* Closes, opens again without a server; what was said before is forgotten. */
static void restart_alone(void)
{
    node_close(&node);
    node.messages[0] = '\0';
    no_server();
    node_open(&node);
}

static void model_path(int model, char path[static FOLDER_BYTES + 128])
{
    uint8_t digest[SHA256_BYTES];
    char text[SHA256_HEX_BYTES];
    const struct buf *bytes = fixture_model(model);
    assert_int_equal(sha256_of(bytes->data, bytes->len, digest, NULL), OK);
    hex_encode(digest, sizeof digest, text);
    snprintf(path, FOLDER_BYTES + 128, "%s/models/%s", node.folder, text);
}

static void damage(int model)
{
    char path[FOLDER_BYTES + 128];
    model_path(model, path);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 1000, SEEK_SET);
    fputc('x', file);
    fputc('y', file);
    fclose(file);
}

static void until_polled(int times)
{
    int polls = server_count(&server, &server.polls);
    while (server_count(&server, &server.polls) < polls + times) {
        int64_t wait_ms = muster_client_step(node.client);
        muster_client_wait(node.client, wait_ms < 10 ? wait_ms : 10);
    }
}

static void go_back(void)
{
    struct muster_client_error error;
    if (muster_client_rollback(node.client, &error) != MUSTER_CLIENT_OK) {
        fail_msg("%s: %s", error.code, error.text);
    }
}

static void refuse_to_go_back(const char *code)
{
    struct muster_client_error error;
    assert_int_equal(muster_client_rollback(node.client, &error), MUSTER_CLIENT_FAILED);
    assert_string_equal(error.code, code);
}

/* ---- by itself ---- */

static void a_vanished_model_is_replaced_by_the_one_before(void **state)
{
    (void)state;
    char path[FOLDER_BYTES + 128];
    model_path(1, path);
    assert_int_equal(unlink(path), 0);
    restart_alone();
    assert_true(runs(0));
    assert_true(node_complained(&node, "model.kept"));
    node_predict(&node, 10);
}

/* Its bytes are what was signed; it is no model that runs here. */
static void a_model_that_fails_its_self_test_is_replaced_by_the_one_before(void **state)
{
    (void)state;
    static const char junk[] = "signed, with the right digest, and still no model file";
    char path[FOLDER_BYTES + 128], pointer[512], text[SHA256_HEX_BYTES];
    uint8_t digest[SHA256_BYTES];
    node_close(&node);
    assert_int_equal(sha256_of(junk, sizeof junk - 1, digest, NULL), OK);
    hex_encode(digest, sizeof digest, text);
    snprintf(path, sizeof path, "%s/models/%s", node.folder, text);
    assert_int_equal(file_write_atomic(path, junk, sizeof junk - 1, 0600, NULL), OK);
    snprintf(path, sizeof path, "%s/models/active", node.folder);
    int len = snprintf(pointer, sizeof pointer,
                       "{\"model\":\"fashion\",\"version\":\"1.3.0\",\"seq\":3,"
                       "\"length\":%zu,\"artifact\":\"%s\"}",
                       sizeof junk - 1, text);
    assert_int_equal(file_write_atomic(path, pointer, (size_t)len, 0600, NULL), OK);
    node.messages[0] = '\0';
    no_server();
    node_open(&node);
    assert_true(runs(0));
    assert_true(node_complained(&node, "mnet.invalid"));
    assert_true(node_complained(&node, "model.kept"));
}

static void a_damaged_model_with_a_damaged_way_back_runs_nothing(void **state)
{
    (void)state;
    damage(0);
    damage(1);
    restart_alone();
    assert_null(muster_client_model(node.client));
    assert_true(node_complained(&node, "tuf.hash"));
}

static void what_was_damaged_is_fetched_and_runs_again(void **state)
{
    (void)state;
    damage(1);
    restart_alone();
    assert_true(runs(0));
    server_heal(&server);
    until_model(1);
    node_until(&node, node_complained, (void *)(uintptr_t) "ok");
}

/* The pointer to the way back says `to` (no longer) instead of `from`; the node is
 * closed.
 */
static void edit_previous(const char *from, const char *to)
{
    char path[FOLDER_BYTES + 128], pointer[1024];
    node_close(&node);
    snprintf(path, sizeof path, "%s/models/previous", node.folder);
    BUF_AUTO text = BUF_INIT(sizeof pointer);
    assert_int_equal(file_read(path, &text, NULL), OK);
    buf_addc(&text, '\0');
    char *at = strstr(text.data, from);
    assert_non_null(at);
    memset(at, ' ', strlen(from));
    memcpy(at, to, strlen(to));
    assert_int_equal(file_write_atomic(path, text.data, text.len - 1, 0600, NULL), OK);
}

static void another_model_is_no_way_back(void **state)
{
    (void)state;
    edit_previous("\"fashion\"", "\"fashiom\"");
    damage(1);
    no_server();
    node_open(&node);
    assert_null(muster_client_model(node.client));
}

/* ---- asked for ---- */

static void who_asks_gets_the_one_before_without_a_server(void **state)
{
    (void)state;
    restart_alone();
    go_back();
    until_model(0);
    assert_true(node_complained(&node, "model.kept"));
    restart_alone();
    assert_true(runs(0));
    assert_true(node_complained(&node, "model.kept"));
}

static void the_server_cannot_bring_back_what_was_left_but_assign_another(void **state)
{
    (void)state;
    go_back();
    until_model(0);
    until_polled(3);
    assert_true(runs(0));
    repository_assign(&repository, &server, 1, fixture_model(0));
    until_polled(3);
    repository_assign(&repository, &server, 2, fixture_model(1));
    until_model(1);
}

static void asking_again_goes_forward(void **state)
{
    (void)state;
    go_back();
    until_model(0);
    go_back();
    until_model(1);
}

static void below_the_floor_is_refused(void **state)
{
    (void)state;
    repository.floor = 2;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
    until_polled(4);
    refuse_to_go_back("tuf.floor");
    assert_true(runs(1));
}

static void with_nothing_kept_it_is_refused(void **state)
{
    (void)state;
    char path[FOLDER_BYTES + 128];
    node_close(&node);
    snprintf(path, sizeof path, "%s/models/previous", node.folder);
    assert_int_equal(unlink(path), 0);
    node_open(&node);
    refuse_to_go_back("not_found");
}

static void
what_was_withdrawn_is_gone_back_to_only_when_there_is_nothing_else(void **state)
{
    (void)state;
    edit_previous("\"withdrawn\":false", "\"withdrawn\":true");
    no_server();
    node_open(&node);
    refuse_to_go_back("tuf.withdrawn");
    assert_true(runs(1));
    damage(1);
    restart_alone();
    assert_true(runs(0));
}

static void a_damaged_way_back_is_not_taken(void **state)
{
    (void)state;
    damage(0);
    go_back();
    node_until(&node, node_complained, (void *)(uintptr_t) "not_found");
    assert_true(runs(1));
    restart_alone();
    assert_true(runs(1));
    assert_string_equal(node.messages, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_vanished_model_is_replaced_by_the_one_before),
        TEST(a_model_that_fails_its_self_test_is_replaced_by_the_one_before),
        TEST(a_damaged_model_with_a_damaged_way_back_runs_nothing),
        TEST(what_was_damaged_is_fetched_and_runs_again),
        TEST(another_model_is_no_way_back),
        TEST(who_asks_gets_the_one_before_without_a_server),
        TEST(the_server_cannot_bring_back_what_was_left_but_assign_another),
        TEST(asking_again_goes_forward),
        TEST(below_the_floor_is_refused),
        TEST(with_nothing_kept_it_is_refused),
        TEST(a_damaged_way_back_is_not_taken),
        TEST(what_was_withdrawn_is_gone_back_to_only_when_there_is_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
