/* SPDX-License-Identifier: Apache-2.0 */
/* Floors outlive damage: what is lost is made anew, never lower than what runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "edge/trust.h"
#include "tests/unit/edge/fixture_node.h"

static char folder[FOLDER_BYTES];
static char path[FOLDER_BYTES + 64];

static int make_folder(void **state)
{
    (void)state;
    folder_make(folder);
    snprintf(path, sizeof path, "%s/trust/floors.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static struct trust opened(void)
{
    struct trust trust;
    struct err err = {0};
    if (trust_open(&trust, folder, &err) != OK) {
        fail_msg("%s", err.detail);
    }
    return trust;
}

/* A file with a floor of 3 for "fashion". */
static void write_floors(struct buf *ret_text)
{
    struct trust trust = opened();
    trust.time_ms = 1795420000000;
    assert_int_equal(trust_renew(&trust, NULL, "fashion", 3, NULL), OK);
    trust_release(&trust);
    assert_int_equal(file_read(path, ret_text, NULL), OK);
}

static void a_first_start_has_no_file_and_no_floors(void **state)
{
    (void)state;
    struct trust trust = opened();
    assert_true(trust_is_lost(&trust) && trust.missing);
    assert_int_equal(trust_floor(&trust, "fashion"), 0);
    assert_int_equal(trust_renew(&trust, NULL, "", 0, NULL), OK);
    trust_release(&trust);
    trust = opened();
    assert_false(trust_is_lost(&trust));
    trust_release(&trust);
}

static void floors_are_there_at_the_next_start(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(4096);
    write_floors(&text);
    struct trust trust = opened();
    assert_false(trust_is_lost(&trust));
    assert_int_equal(trust_floor(&trust, "fashion"), 3);
    assert_int_equal(trust.time_ms, 1795420000000);
    BUF_AUTO said = BUF_INIT(256);
    trust_describe(&trust, &said);
    assert_string_equal(said.data, "fashion 3");
    trust_release(&trust);
}

static int64_t year_2001_ms(void *user)
{
    (void)user;
    return 1000000000000;
}

/* With a clock that says 2001 every signature would be fresh for ever. */
static void time_is_not_before_the_floor_whatever_the_clock_says(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(4096);
    write_floors(&text);
    struct edge_env env = {.clock = {.mono_ms = year_2001_ms, .wall_ms = year_2001_ms}};
    struct timebase base = {.known = true};
    struct trust trust = opened();
    assert_int_equal(trust_now_ms(&trust, &base, &env), 1795420000000);
    trust.time_ms = 7;
    assert_true(trust_now_ms(&trust, &base, &env) >= 1000000000000);
    trust_release(&trust);
}

static void files_of_before_have_no_check(void **state)
{
    (void)state;
    static const char before[] = "{\"floors\":{\"fashion\":3},\"time_ms\":7}";
    BUF_AUTO text = BUF_INIT(4096);
    write_floors(&text);
    assert_int_equal(file_write_atomic(path, before, sizeof before - 1, 0600, NULL), OK);
    struct trust trust = opened();
    assert_false(trust_is_lost(&trust));
    assert_int_equal(trust_floor(&trust, "fashion"), 3);
    trust_release(&trust);
}

/* Whatever one bit makes of it: the same floors, or it is known that they are lost. */
static void no_flipped_bit_makes_other_floors(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(4096);
    write_floors(&text);
    for (size_t bit = 0; bit < text.len * 8; bit++) {
        char *byte = &text.data[bit / 8];
        *byte = (char)(*byte ^ 1 << bit % 8);
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
        assert_int_equal(fclose(file), 0);
        struct trust trust = opened();
        assert_true(trust_is_lost(&trust) || (trust_floor(&trust, "fashion") == 3 &&
                                              trust.time_ms == 1795420000000));
        trust_release(&trust);
        *byte = (char)(*byte ^ 1 << bit % 8);
    }
}

static void a_damaged_file_is_set_aside(void **state)
{
    (void)state;
    char aside[FOLDER_BYTES + 64];
    BUF_AUTO text = BUF_INIT(4096);
    write_floors(&text);
    assert_int_equal(file_write_atomic(path, text.data, text.len / 2, 0600, NULL), OK);
    struct trust trust = opened();
    assert_true(trust.damaged);
    trust_release(&trust);
    snprintf(aside, sizeof aside, "%s/trust/floors.damaged", folder);
    assert_true(file_exists(aside));
}

static void who_resets_has_neither_floors_nor_time(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(4096);
    write_floors(&text);
    struct trust trust = opened();
    assert_int_equal(trust_reset(&trust, NULL), OK);
    trust_release(&trust);
    trust = opened();
    assert_false(trust_is_lost(&trust));
    assert_int_equal(trust_floor(&trust, "fashion"), 0);
    assert_int_equal(trust.time_ms, 0);
    trust_release(&trust);
}

/* ---- on a node ---- */

static struct server server;
static struct repository repository;
static struct node node;

static void run(int64_t seq, int model)
{
    repository_add(&repository, &server, seq, fixture_model(model));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, seq, fixture_model(model));
    if (!node.client) {
        node_open(&node);
    }
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(model));
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    node_init(&node, &server, &repository);
    snprintf(path, sizeof path, "%s/trust/floors.json", node.folder);
    run(1, 0);
    repository.floor = 2;
    run(2, 1);
    node_close(&node);
    node.messages[0] = '\0';
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

static void expect_the_floor_to_hold(void)
{
    node_open(&node);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.floor");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

static void a_damaged_file_leaves_the_floor_and_the_model(void **state)
{
    (void)state;
    assert_int_equal(file_write_atomic(path, "{", 1, 0600, NULL), OK);
    expect_the_floor_to_hold();
    assert_true(node_complained(&node, "trust.lost"));
}

static void a_file_that_is_gone_leaves_the_floor_and_the_model(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    expect_the_floor_to_hold();
    assert_true(node_complained(&node, "trust.lost"));
}

/* Without a cache nothing tells of the floor; what runs does. */
static void with_the_cache_gone_too_nothing_below_what_runs_is_activated(void **state)
{
    (void)state;
    char cache[FOLDER_BYTES + 8];
    snprintf(cache, sizeof cache, "%s/tuf", node.folder);
    folder_remove(cache);
    assert_int_equal(unlink(path), 0);
    repository.floor = 0;
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    expect_the_floor_to_hold();
}

static void the_loss_of_the_cache_alone_is_not_a_loss_of_floors(void **state)
{
    (void)state;
    char cache[FOLDER_BYTES + 8];
    snprintf(cache, sizeof cache, "%s/tuf", node.folder);
    folder_remove(cache);
    expect_the_floor_to_hold();
    assert_false(node_complained(&node, "trust.lost"));
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
#define NODE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_first_start_has_no_file_and_no_floors),
        FILE_TEST(floors_are_there_at_the_next_start),
        FILE_TEST(time_is_not_before_the_floor_whatever_the_clock_says),
        FILE_TEST(files_of_before_have_no_check),
        FILE_TEST(no_flipped_bit_makes_other_floors),
        FILE_TEST(a_damaged_file_is_set_aside),
        FILE_TEST(who_resets_has_neither_floors_nor_time),
        NODE_TEST(a_damaged_file_leaves_the_floor_and_the_model),
        NODE_TEST(a_file_that_is_gone_leaves_the_floor_and_the_model),
        NODE_TEST(with_the_cache_gone_too_nothing_below_what_runs_is_activated),
        NODE_TEST(the_loss_of_the_cache_alone_is_not_a_loss_of_floors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
