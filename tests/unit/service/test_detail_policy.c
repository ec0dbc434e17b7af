/* SPDX-License-Identifier: Apache-2.0 */
/* What `auto` asks for, as a table: rates, what is asked now, what is asked next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/service/detail_policy.h"

enum { UNKNOWN = -1 };

/* Budget 1,000 rows a day. Rates are per day. */
static const struct row {
    const char *why;
    int64_t predictions, changes;
    enum detail_mode from;
    uint32_t from_every;
    enum detail_mode to;
    uint32_t to_every;
} rows[] = {
    {"nothing is known", UNKNOWN, UNKNOWN, DETAIL_FULL, 1, DETAIL_FULL, 1},
    {"nothing is known: it stays", UNKNOWN, UNKNOWN, DETAIL_SAMPLED, 20, DETAIL_SAMPLED,
     20},
    {"nothing happens", 0, UNKNOWN, DETAIL_FULL, 1, DETAIL_FULL, 1},
    {"just within", 1000, UNKNOWN, DETAIL_FULL, 1, DETAIL_FULL, 1},
    {"just beyond", 1001, UNKNOWN, DETAIL_FULL, 1, DETAIL_SAMPLED, 2},
    {"1/2 is just enough", 2000, UNKNOWN, DETAIL_FULL, 1, DETAIL_SAMPLED, 2},
    {"1/2 is not enough", 2001, UNKNOWN, DETAIL_FULL, 1, DETAIL_SAMPLED, 5},
    {"1/10", 5001, UNKNOWN, DETAIL_FULL, 1, DETAIL_SAMPLED, 10},
    {"1/20", 10001, UNKNOWN, DETAIL_FULL, 1, DETAIL_SAMPLED, 20},
    {"1/50", 20001, UNKNOWN, DETAIL_FULL, 1, DETAIL_SAMPLED, 50},
    {"1/100", 50001, UNKNOWN, DETAIL_FULL, 1, DETAIL_SAMPLED, 100},
    {"1/100 is just enough", 100000, UNKNOWN, DETAIL_FULL, 1, DETAIL_SAMPLED, 100},
    {"changes are not known", 100001, UNKNOWN, DETAIL_FULL, 1, DETAIL_SUMMARY, 1},
    {"changes fit", 100001, 1000, DETAIL_FULL, 1, DETAIL_CHANGES, 1},
    {"changes do not fit", 100001, 1001, DETAIL_FULL, 1, DETAIL_SUMMARY, 1},
    {"few changes do not matter while a sample fits", 1500, 1, DETAIL_FULL, 1,
     DETAIL_SAMPLED, 2},
    {"from summary to changes only below 80 %", 200000, 800, DETAIL_SUMMARY, 1,
     DETAIL_CHANGES, 1},
    {"not at 81 %", 200000, 810, DETAIL_SUMMARY, 1, DETAIL_SUMMARY, 1},
    {"changes stay up to the budget", 200000, 1000, DETAIL_CHANGES, 1, DETAIL_CHANGES, 1},
    {"changes become too many", 200000, 1001, DETAIL_CHANGES, 1, DETAIL_SUMMARY, 1},
    {"back to 1/100 only below 80 %", 80000, 500, DETAIL_CHANGES, 1, DETAIL_SAMPLED, 100},
    {"81 % is not enough", 81000, 500, DETAIL_CHANGES, 1, DETAIL_CHANGES, 1},
    {"back to full at 80 %", 800, UNKNOWN, DETAIL_SAMPLED, 2, DETAIL_FULL, 1},
    {"not at 81 %", 810, UNKNOWN, DETAIL_SAMPLED, 2, DETAIL_SAMPLED, 2},
    {"some steps back at once", 790, UNKNOWN, DETAIL_SAMPLED, 50, DETAIL_FULL, 1},
    {"as far back as 80 % allows", 900, UNKNOWN, DETAIL_SAMPLED, 50, DETAIL_SAMPLED, 2},
    {"too many changes, but a sample fits", 90000, 1500, DETAIL_CHANGES, 1,
     DETAIL_SAMPLED, 100},
    {"a fleet that stops", 0, UNKNOWN, DETAIL_SUMMARY, 1, DETAIL_FULL, 1},
    {"an odd sample that a person set", 3000, UNKNOWN, DETAIL_SAMPLED, 7, DETAIL_SAMPLED,
     5},
    {"a sample thinner than any level", 50000, 2000, DETAIL_SAMPLED, 500, DETAIL_SAMPLED,
     50},
};

static struct detail_rates rates_of(int64_t predictions, int64_t changes)
{
    return (struct detail_rates){.known = predictions != UNKNOWN,
                                 .predictions = (double)predictions,
                                 .changes_known = changes != UNKNOWN,
                                 .changes = (double)changes};
}

static void auto_keeps_the_budget_and_goes_back_below_80_per_cent(void **state)
{
    (void)state;
    struct detail_setting setting = detail_setting_default();
    setting.rows_per_day = 1000;
    setting.interval_s = 30;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct detail_rates rates = rates_of(row->predictions, row->changes);
        struct detail now = {.mode = row->from, .every = row->from_every};
        struct detail next = detail_decide(&setting, &rates, &now);
        if (next.mode != row->to || next.every != row->to_every) {
            fail_msg("%s: %s 1/%u", row->why, detail_mode_name(next.mode),
                     (unsigned)next.every);
        }
        assert_int_equal(next.interval_s, 30);
        struct detail again = detail_decide(&setting, &rates, &next);
        assert_int_equal(again.mode, next.mode);
        assert_int_equal(again.every, next.every);
    }
}

/* Whatever the rates do, what is asked for uses at most the budget where that is known.
 */
static void auto_never_asks_for_more_than_the_budget(void **state)
{
    (void)state;
    struct detail_setting setting = detail_setting_default();
    struct detail now = {.mode = DETAIL_FULL, .every = 1};
    setting.rows_per_day = 1000;
    uint64_t random = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        struct detail_rates rates =
            rates_of((int64_t)(random % 200000),
                     random >> 60 ? (int64_t)(random >> 20) % 3000 : UNKNOWN);
        now = detail_decide(&setting, &rates, &now);
        double used = 0.0;
        if (detail_rows_per_day(&now, &rates, &used)) {
            assert_true(used <= 1000.0);
        }
    }
}

static void what_a_person_sets_is_asked_for_as_it_is(void **state)
{
    (void)state;
    static const enum detail_mode modes[] = {DETAIL_FULL, DETAIL_SAMPLED, DETAIL_CHANGES,
                                             DETAIL_SUMMARY};
    struct detail_rates rates = rates_of(1000000000, 1000000000);
    struct detail now = {.mode = DETAIL_SUMMARY, .every = 1};
    for (int i = 0; i < 4; i++) {
        struct detail_setting setting = {
            .mode = modes[i], .every = 7, .interval_s = 10, .rows_per_day = 0};
        struct detail detail = detail_decide(&setting, &rates, &now);
        assert_int_equal(detail.mode, modes[i]);
        assert_int_equal(detail.every, modes[i] == DETAIL_SAMPLED ? 7 : 1);
        assert_int_equal(detail.interval_s, 10);
    }
}

static void the_default_is_auto_with_ten_million_rows(void **state)
{
    (void)state;
    struct detail_setting setting = detail_setting_default();
    assert_int_equal(setting.mode, DETAIL_AUTO);
    assert_int_equal(setting.rows_per_day, 10000000);
    assert_int_equal(setting.interval_s, 60);
}

static void names_and_modes_are_each_others(void **state)
{
    (void)state;
    for (int i = DETAIL_FULL; i <= DETAIL_AUTO; i++) {
        enum detail_mode mode = DETAIL_AUTO;
        assert_true(detail_mode_parse(detail_mode_name((enum detail_mode)i), &mode));
        assert_int_equal(mode, i);
    }
    enum detail_mode mode = DETAIL_CHANGES;
    assert_false(detail_mode_parse("Full", &mode));
    assert_false(detail_mode_parse("", &mode));
    assert_int_equal(mode, DETAIL_CHANGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_keeps_the_budget_and_goes_back_below_80_per_cent),
        cmocka_unit_test(auto_never_asks_for_more_than_the_budget),
        cmocka_unit_test(what_a_person_sets_is_asked_for_as_it_is),
        cmocka_unit_test(the_default_is_auto_with_ten_million_rows),
        cmocka_unit_test(names_and_modes_are_each_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
