/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "edge/draw.h"
#include "edge/interval.h"
#include "format/report.h"

enum { ARENA_BYTES = 1024 * 1024 };

static const struct detail sampled = {DETAIL_SAMPLED, 10, 60};

static void add(struct interval *interval, const struct interval_event *event)
{
    assert_true(interval_takes(interval, event->class_index));
    assert_int_equal(interval_add(interval, event, NULL), OK);
}

static uint64_t cell_sum(const struct summary_cells *cells)
{
    uint64_t n = 0;
    for (size_t i = 0; i < cells->count; i++) {
        n += cells->cells[i].n;
    }
    return n;
}

/* The same predictions counted again, plainly. */
static void every_histogram_counts_what_was_added(void **state)
{
    (void)state;
    enum { N = 5000, CLASSES = 40 };
    static struct interval_event events[N];
    struct draw draw = {{1, 2, 3, 4}};
    struct interval *interval = interval_new(&sampled);
    struct certainty certainty = {.entropy = 10000, .margin = 499};
    uint32_t changes = 0, certain = 0;
    int64_t latency_us = 0;
    for (int i = 0; i < N; i++) {
        events[i] = (struct interval_event){
            .at_ms = 1000 + (int64_t)(draw_bits(&draw) % 50000),
            .class_index = (uint16_t)(draw_bits(&draw) % CLASSES * 1600),
            .confidence = (uint16_t)(draw_bits(&draw) % (CONFIDENCE_ONE + 1)),
            .latency_us = (uint32_t)(draw_bits(&draw) >> (32 + draw_bits(&draw) % 32)),
            .changed = draw_bits(&draw) % 2,
            .certainty = draw_bits(&draw) % 4 == 0 ? &certainty : NULL};
        add(interval, &events[i]);
        changes += events[i].changed;
        certain += events[i].certainty != NULL;
        latency_us += events[i].latency_us;
    }
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct summary summary;
    assert_int_equal(interval_summary(interval, &arena, &summary, NULL), OK);
    assert_int_equal(summary_check(&summary, NULL), OK);
    assert_int_equal(summary.n, N);
    assert_int_equal(summary.changes, changes);
    assert_int_equal(summary.latency_sum_us, latency_us);
    assert_int_equal(summary.every, 10);
    for (size_t i = 0; i < summary.classes.count; i++) {
        uint32_t n = 0;
        int64_t sum = 0;
        for (int e = 0; e < N; e++) {
            bool same = events[e].class_index == summary.classes.cells[i].index;
            n += same;
            sum += same ? events[e].confidence : 0;
        }
        assert_int_equal(summary.classes.cells[i].n, n);
        assert_int_equal(summary.classes.cells[i].sum, sum);
    }
    assert_int_equal(cell_sum(&summary.confidence), N);
    assert_int_equal(cell_sum(&summary.latency), N);
    assert_int_equal(summary.entropy.count, 1);
    assert_int_equal(summary.entropy.cells[0].index, 19);
    assert_int_equal(summary.entropy.cells[0].n, certain);
    assert_int_equal(summary.margin.cells[0].index, 0);
    interval_free(interval);
}

static void the_interval_reaches_from_the_first_to_behind_the_last(void **state)
{
    (void)state;
    struct interval *interval = interval_new(&sampled);
    static const int64_t at_ms[] = {500, 300, 800, 400};
    for (size_t i = 0; i < sizeof at_ms / sizeof at_ms[0]; i++) {
        add(interval, &(struct interval_event){.at_ms = at_ms[i]});
    }
    assert_int_equal(interval->from_ms, 300);
    assert_int_equal(interval->to_ms, 801);
    interval_free(interval);
}

static void a_thousand_classes_are_the_most(void **state)
{
    (void)state;
    struct interval *interval = interval_new(&sampled);
    for (int i = SUMMARY_CLASSES_MAX; i > 0; i--) {
        add(interval, &(struct interval_event){.class_index = (uint16_t)(i * 3)});
    }
    assert_true(interval_takes(interval, 3));
    assert_true(interval_takes(interval, 3000));
    assert_false(interval_takes(interval, 4));
    assert_false(interval_takes(interval, 65535));
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct summary summary;
    assert_int_equal(interval_summary(interval, &arena, &summary, NULL), OK);
    assert_int_equal(summary_check(&summary, NULL), OK);
    interval_free(interval);
}

static void a_summary_without_memory_is_refused(void **state)
{
    (void)state;
    struct interval *interval = interval_new(&sampled);
    add(interval, &(struct interval_event){.class_index = 1});
    ARENA_AUTO arena = ARENA_INIT(16);
    struct summary summary;
    assert_int_equal(interval_summary(interval, &arena, &summary, NULL), ERR_NO_MEMORY);
    interval_free(interval);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_histogram_counts_what_was_added),
        cmocka_unit_test(the_interval_reaches_from_the_first_to_behind_the_last),
        cmocka_unit_test(a_thousand_classes_are_the_most),
        cmocka_unit_test(a_summary_without_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
