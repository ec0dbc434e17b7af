/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas on their way to a node: taken when their base is on its disk and everything is
 * as signed, and else passed over for the compressed transport and the artifact itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "format/delta_encode.h"
#include "tests/unit/edge/fixture_node.h"

enum { DELTA_BYTES_MAX = 2 << 20 };

static struct server server;
static struct repository repository;
static struct node node;
static char came_as[16]; /* of the model that changed last */
static int64_t received;

static void on_model(void *user, const struct muster_client_model *model)
{
    struct node *changed = user;
    assert_non_null(model);
    changed->models++;
    snprintf(came_as, sizeof came_as, "%s", model->came_as);
    received = model->received;
}

/* A node that runs 1.0.0. */
static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_init(&node, &server, &repository);
    node.options.on_model_changed = on_model;
    node_open(&node);
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(0));
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

/* The delta from the first model to the second. */
static void make_delta(struct buf *ret_delta)
{
    const struct buf *base = fixture_model(0);
    const struct buf *result = fixture_model(1);
    struct delta_side from = {base->data, base->len};
    struct delta_side to = {result->data, result->len};
    assert_int_equal(delta_encode(&from, &to, result->len, ret_delta, NULL), OK);
    assert_true(ret_delta->len > 0);
}

/* 1.1.0 with these bytes as the delta from `base`. */
static void publish_delta(const struct buf *delta, const struct buf *base)
{
    struct delta_target target = {2, 1, fixture_model(1), base, delta};
    repository.weak_zst = true;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_add_delta(&repository, &server, &target);
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
}

static void until_second(void)
{
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
}

/* How many requests for targets asked for such a file. */
static int fetches_of(const char *suffix)
{
    int found = 0;
    for (int i = 0; i < server_count(&server, &server.fetch_count); i++) {
        struct server_fetch fetch = server_fetch_at(&server, i);
        found += strstr(fetch.path, suffix) != NULL;
    }
    return found;
}

static void a_node_that_has_the_base_takes_the_delta(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    make_delta(&delta);
    publish_delta(&delta, fixture_model(0));
    until_second();
    assert_string_equal(node.messages, "");
    assert_string_equal(came_as, "delta");
    assert_int_equal(received, delta.len);
    assert_int_equal(fetches_of("/fashion/2/"), 1);
}

static void a_delta_from_another_base_is_not_fetched(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    BUF_AUTO other = BUF_INIT(100);
    buf_addstr(&other, "never on this node");
    make_delta(&delta);
    publish_delta(&delta, &other);
    until_second();
    assert_string_equal(node.messages, "");
    assert_string_equal(came_as, "zst");
    assert_int_equal(fetches_of(".delta"), 0);
}

/* What a delta must not be, signed or not: the node tells and takes the next way. */
static void passes_over(const struct buf *delta, const char *code)
{
    publish_delta(delta, fixture_model(0));
    until_second();
    assert_int_equal(strncmp(node.messages, code, strlen(code)), 0);
    assert_true(node_complained(&node, "ok"));
    assert_string_equal(came_as, "zst");
    assert_true(fetches_of(".delta") >= 1);
}

static void a_delta_with_another_byte_is_passed_over(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    make_delta(&delta);
    server_fault(&server, &(struct server_fault){
                              .times = FOR_EVER, .path = ".delta", .flip = true});
    passes_over(&delta, "tuf.hash");
}

static void a_signed_delta_that_leads_elsewhere_is_passed_over(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    make_delta(&delta);
    delta.data[delta.len / 2] ^= 1;
    publish_delta(&delta, fixture_model(0));
    until_second();
    assert_true(strncmp(node.messages, "tuf.hash", 8) == 0 ||
                strncmp(node.messages, "content.corrupt", 15) == 0);
    assert_string_equal(came_as, "zst");
}

static void a_signed_delta_that_is_cut_is_passed_over(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    make_delta(&delta);
    delta.len /= 2;
    passes_over(&delta, "content.corrupt");
}

static void a_delta_whose_header_names_another_base_is_passed_over(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    make_delta(&delta);
    delta.data[16] ^= 1;
    passes_over(&delta, "content.corrupt");
}

enum { LENGTH_AT = 8, LENGTH_BYTES = 8, MOST_MORE_KB = 64 << 10 };

static long most_memory_kb(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* A tebibyte, or all that 64 bits can say: nothing is kept free for it. */
static void a_delta_that_claims_a_giant_result_is_passed_over(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    make_delta(&delta);
    memset(delta.data + LENGTH_AT, 0, LENGTH_BYTES);
    delta.data[LENGTH_AT + 5] = 1;
    long before = most_memory_kb();
    passes_over(&delta, "content.corrupt");
    assert_true(most_memory_kb() - before < MOST_MORE_KB);
}

static void a_giant_result_and_a_bad_transport_leave_the_artifact(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    make_delta(&delta);
    memset(delta.data + LENGTH_AT, 0xff, LENGTH_BYTES);
    server_fault(&server,
                 &(struct server_fault){.times = FOR_EVER, .path = ".zst", .flip = true});
    publish_delta(&delta, fixture_model(0));
    until_second();
    assert_int_equal(strncmp(node.messages, "content.corrupt", 15), 0);
    assert_string_equal(came_as, "full");
    assert_int_equal(fetches_of(".delta"), 1);
}

/* The model runs from its mapped file; a byte of the file changes under it. */
static void a_base_that_was_damaged_on_disk_is_noticed(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    BUF_AUTO damaged = BUF_INIT(DELTA_BYTES_MAX);
    char path[FOLDER_BYTES + 128], name[65];
    uint8_t digest[32];
    make_delta(&delta);
    assert_int_equal(
        sha256_of(fixture_model(0)->data, fixture_model(0)->len, digest, NULL), OK);
    hex_encode(digest, sizeof digest, name);
    snprintf(path, sizeof path, "%s/models/%s", node.folder, name);
    assert_int_equal(file_read(path, &damaged, NULL), OK);
    damaged.data[damaged.len / 2] ^= 4;
    assert_int_equal(file_write_atomic(path, damaged.data, damaged.len, 0600, NULL), OK);
    publish_delta(&delta, fixture_model(0));
    until_second();
    assert_true(strncmp(node.messages, "tuf.hash", 8) == 0 ||
                strncmp(node.messages, "content.corrupt", 15) == 0);
    assert_string_equal(came_as, "zst");
}

static void without_any_good_transport_the_artifact_comes(void **state)
{
    (void)state;
    BUF_AUTO delta = BUF_INIT(DELTA_BYTES_MAX);
    make_delta(&delta);
    delta.len = 60;
    server_fault(&server,
                 &(struct server_fault){.times = FOR_EVER, .path = ".zst", .flip = true});
    publish_delta(&delta, fixture_model(0));
    until_second();
    assert_string_equal(came_as, "full");
    assert_int_equal(fetches_of(".delta"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_node_that_has_the_base_takes_the_delta),
        TEST(a_delta_from_another_base_is_not_fetched),
        TEST(a_delta_with_another_byte_is_passed_over),
        TEST(a_signed_delta_that_leads_elsewhere_is_passed_over),
        TEST(a_signed_delta_that_is_cut_is_passed_over),
        TEST(a_delta_whose_header_names_another_base_is_passed_over),
        TEST(a_delta_that_claims_a_giant_result_is_passed_over),
        TEST(a_giant_result_and_a_bad_transport_leave_the_artifact),
        TEST(a_base_that_was_damaged_on_disk_is_noticed),
        TEST(without_any_good_transport_the_artifact_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
