/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "edge/boots.h"
#include "tests/unit/edge/fixture_folder.h"

static const int64_t HOUR = 3600000, NOON = INT64_C(1795608000000);

static char folder[FOLDER_BYTES];

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

/* A boot that lasted until `last_ms` and ended without warning. */
static void past_boot(const char *id, bool known, int64_t anchor_ms, int64_t last_ms)
{
    static struct boots boots;
    assert_int_equal(boots_open(&boots, folder, id, NULL), OK);
    boots_note(&boots, known, anchor_ms, last_ms);
    assert_int_equal(boots_save(&boots, last_ms, NULL), OK);
}

static void open_now(struct boots *boots, const char *id, int64_t anchor_ms)
{
    assert_int_equal(boots_open(boots, folder, id, NULL), OK);
    boots_note(boots, true, anchor_ms, 60000);
}

static void expect_time(const struct boots *boots, const char *id, int64_t anchor_ms,
                        int64_t doubt_ms)
{
    struct boot_time time;
    assert_true(boots_find(boots, id, &time));
    assert_int_equal(time.anchor_ms, anchor_ms);
    assert_int_equal(time.doubt_ms, doubt_ms);
}

static struct boots now;

static void a_time_once_learnt_is_exact_for_ever(void **state)
{
    (void)state;
    past_boot("one", true, NOON, 2 * HOUR);
    open_now(&now, "two", NOON + 30 * HOUR);
    expect_time(&now, "one", NOON, 0);
    expect_time(&now, "two", NOON + 30 * HOUR, 0);
}

/* Known until 14:00; off for 10 minutes; 6 hours without clock or network; off for 20
 * minutes. The wall clock said 1970 or stood where it was at the shutdown: the boot
 * begins at 14:00 at the earliest, and that is the estimate. Half an hour is the doubt.
 */
static void a_boot_without_a_clock_lies_between_its_neighbours(void **state)
{
    (void)state;
    static const int64_t walls[] = {0, NOON + 2 * HOUR - 5000};
    const int64_t second = NOON + 2 * HOUR + HOUR / 6;
    for (int i = 0; i < 2; i++) {
        past_boot("one", true, NOON, 2 * HOUR);
        past_boot("two", false, walls[i], 6 * HOUR);
        open_now(&now, "three", second + 6 * HOUR + HOUR / 3);
        expect_time(&now, "two", NOON + 2 * HOUR, HOUR / 2);
        folder_remove(folder);
        folder_make(folder);
    }
}

/* A clock that kept time is within the bounds and believed to the millisecond. */
static void a_clock_that_kept_time_is_believed(void **state)
{
    (void)state;
    past_boot("one", true, NOON, 2 * HOUR);
    past_boot("two", false, NOON + 7 * HOUR, 6 * HOUR);
    open_now(&now, "three", NOON + 20 * HOUR);
    expect_time(&now, "two", NOON + 7 * HOUR, 12 * HOUR);
}

/* A clock that is ahead cannot be: the boot ended before the next began. */
static void a_clock_that_ran_ahead_is_held_back(void **state)
{
    (void)state;
    past_boot("one", true, NOON, 2 * HOUR);
    past_boot("two", false, NOON + 1000 * HOUR, 6 * HOUR);
    open_now(&now, "three", NOON + 9 * HOUR);
    expect_time(&now, "two", NOON + 3 * HOUR, HOUR);
}

static void bounds_reach_over_several_boots(void **state)
{
    (void)state;
    past_boot("one", true, NOON, HOUR);
    past_boot("two", false, 0, HOUR);
    past_boot("three", false, 0, 2 * HOUR);
    open_now(&now, "four", NOON + 5 * HOUR);
    expect_time(&now, "two", NOON + HOUR, HOUR);
    expect_time(&now, "three", NOON + 2 * HOUR, HOUR);
}

static void without_any_earlier_time_there_is_no_bound_below(void **state)
{
    (void)state;
    past_boot("one", false, NOON, HOUR);
    open_now(&now, "two", NOON + 5 * HOUR);
    expect_time(&now, "one", NOON, INT64_MAX);
}

/* The server's own clock was set back between two boots. */
static void times_that_contradict_each_other_leave_the_newer_one(void **state)
{
    (void)state;
    past_boot("one", true, NOON, 2 * HOUR);
    past_boot("two", false, 0, HOUR);
    open_now(&now, "three", NOON);
    expect_time(&now, "two", NOON - HOUR, 3 * HOUR);
}

static void this_boot_cannot_begin_before_the_last_one_ended(void **state)
{
    (void)state;
    past_boot("one", true, NOON, 2 * HOUR);
    assert_int_equal(boots_open(&now, folder, "two", NULL), OK);
    assert_int_equal(boots_low_ms(&now), NOON + 2 * HOUR);
}

static void the_same_boot_goes_on_where_it_was(void **state)
{
    (void)state;
    past_boot("one", true, NOON, HOUR);
    assert_int_equal(boots_open(&now, folder, "one", NULL), OK);
    assert_int_equal(now.count, 1);
    boots_note(&now, false, 12345, HOUR + 1);
    expect_time(&now, "one", NOON, 0);
}

static void it_is_saved_when_something_is_learnt_and_every_five_minutes(void **state)
{
    (void)state;
    assert_int_equal(boots_open(&now, folder, "one", NULL), OK);
    boots_note(&now, false, 0, 1000);
    assert_int_equal(boots_wait_ms(&now, 1000), 0);
    assert_int_equal(boots_save(&now, 1000, NULL), OK);
    assert_int_equal(boots_wait_ms(&now, 1000), BOOTS_SAVE_MS);
    boots_note(&now, true, 5, 2000);
    assert_int_equal(boots_wait_ms(&now, 2000), 0);
    assert_int_equal(boots_save(&now, 2000, NULL), OK);
    boots_note(&now, true, 900, 3000); /* the network's jitter */
    assert_int_equal(boots_wait_ms(&now, 3000), BOOTS_SAVE_MS - 1000);
    boots_note(&now, true, 1100, 3000);
    assert_int_equal(boots_wait_ms(&now, 3000), 0);
}

static void a_disk_that_fails_is_left_alone_for_a_while(void **state)
{
    (void)state;
    assert_int_equal(boots_open(&now, folder, "one", NULL), OK);
    boots_note(&now, false, 0, 1000);
    folder_remove(folder);
    assert_int_not_equal(boots_save(&now, 1000, NULL), OK);
    assert_true(boots_wait_ms(&now, 1000) > 0);
    folder_make(folder);
}

static void more_boots_than_are_kept_leave_their_bound(void **state)
{
    (void)state;
    past_boot("first", true, NOON, HOUR);
    for (int i = 0; i < BOOTS_MAX + 5; i++) {
        char id[40];
        snprintf(id, sizeof id, "boot %d", i);
        past_boot(id, false, 0, 60000);
    }
    struct boot_time time;
    open_now(&now, "now", NOON + 24 * HOUR);
    assert_int_equal(now.count, BOOTS_MAX);
    assert_false(boots_find(&now, "first", &time));
    assert_int_equal(boots_low_ms(&now), NOON + HOUR + (BOOTS_MAX + 5) * INT64_C(60000));
}

static void a_damaged_file_counts_as_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"boots\":3}",
        "{\"boots\":[{}]}",
        "{\"boots\":[{\"id\":\"a\",\"anchor_ms\":1e3,\"last_ms\":1}]}",
        "{\"boots\":[{\"id\":\"a\",\"anchor_ms\":9223372036854775807,\"last_ms\":1}]}",
        "{\"boots\":[{\"id\":\"an id that is much longer than a boot id can be\","
        "\"anchor_ms\":1,\"last_ms\":1}]}"};
    char path[FOLDER_BYTES + 16];
    snprintf(path, sizeof path, "%s/boots", folder);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(file_write_atomic(path, texts[i], strlen(texts[i]), 0600, NULL),
                         OK);
        assert_int_equal(boots_open(&now, folder, "now", NULL), OK);
        assert_int_equal(now.count, 1);
        assert_int_equal(boots_low_ms(&now), INT64_MIN);
    }
}

static void without_a_boot_id_nothing_is_kept(void **state)
{
    (void)state;
    struct boot_time time;
    past_boot("one", true, NOON, HOUR);
    open_now(&now, "", NOON);
    assert_int_equal(boots_save(&now, 1000, NULL), OK);
    assert_false(boots_find(&now, "one", &time));
    assert_false(boots_find(&now, "", &time));
    assert_true(boots_wait_ms(&now, 1000) > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_time_once_learnt_is_exact_for_ever),
        TEST(a_boot_without_a_clock_lies_between_its_neighbours),
        TEST(a_clock_that_kept_time_is_believed),
        TEST(a_clock_that_ran_ahead_is_held_back),
        TEST(bounds_reach_over_several_boots),
        TEST(without_any_earlier_time_there_is_no_bound_below),
        TEST(times_that_contradict_each_other_leave_the_newer_one),
        TEST(this_boot_cannot_begin_before_the_last_one_ended),
        TEST(the_same_boot_goes_on_where_it_was),
        TEST(it_is_saved_when_something_is_learnt_and_every_five_minutes),
        TEST(a_disk_that_fails_is_left_alone_for_a_while),
        TEST(more_boots_than_are_kept_leave_their_bound),
        TEST(a_damaged_file_counts_as_none),
        TEST(without_a_boot_id_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
