/* SPDX-License-Identifier: Apache-2.0 */
/* Summaries beyond the vectors: sizes, memory, sums of latency. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "format/content.h"
#include "format/report.h"
#include "tests/unit/format/summary_maker.h"

enum { ARENA_BYTES = 1024 * 1024, NODE_MINUTE_BYTES = 450 };

static struct report report_with(const struct summary *summary)
{
    return (struct report){.stream = 1, .seq = 1, .model = "m", .summary = summary};
}

/* 1,800 predictions of the Fashion model on its test set, with the processor time that
 * each took: the whole body, health and all. */
static void a_node_minute_takes_450_bytes_at_most(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    BUF_AUTO file = BUF_INIT(REPORT_BYTES_MAX);
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
    BUF_AUTO packed = BUF_INIT(REPORT_BYTES_MAX);
    struct report report = {0};
    assert_int_equal(
        file_read(VECTORS_DIR "/report/valid/summary-node-minute/body.json", &file, NULL),
        OK);
    assert_int_equal(report_decode(file.data, file.len, &arena, &report, NULL), OK);
    assert_int_equal(report.summary->n, 1800);
    assert_int_equal(report.summary->classes.count, 10);
    assert_true(report.summary->entropy.count > 0 && report.summary->margin.count > 0);
    report_encode(&report, &body);
    assert_int_equal(
        content_encode(CONTENT_ZSTD_DICTIONARY, body.data, body.len, &packed, NULL), OK);
    print_message("%zu bytes, %zu after zstd, %zu buckets of latency\n", body.len,
                  packed.len, report.summary->latency.count);
    assert_true(packed.len <= NODE_MINUTE_BYTES);
}

static void latencies_add_up_and_the_lowest_of_the_fullest_takes_the_rest(void **state)
{
    (void)state;
    static struct summary_maker maker;
    maker_init(&maker, 0, 1);
    static const uint32_t latencies_us[] = {200, 201, 1000, 1001, 70000, 3};
    for (size_t i = 0; i < sizeof latencies_us / sizeof latencies_us[0]; i++) {
        (void)maker_add(&maker, 0, 0, latencies_us[i]);
    }
    assert_int_equal(summary_check(&maker.summary, NULL), OK);
    summary_spread_latency(&maker.summary);
    int64_t sum = 0;
    for (size_t i = 0; i < maker.summary.latency.count; i++) {
        const struct summary_cell *cell = &maker.latency[i];
        int64_t plain = (int64_t)cell->n * histogram_latency_middle(cell->index);
        assert_true(cell->sum == plain || cell == &maker.latency[1]);
        sum += cell->sum;
    }
    assert_int_equal(maker.latency[1].n, 2); /* 200 and 201, before 1,000 and 1,001 */
    assert_int_equal(maker.latency[2].n, 2);
    assert_int_equal(sum, 200 + 201 + 1000 + 1001 + 70000 + 3);
}

/* The most of everything: 1,000 classes, every bucket, counts that need all digits. */
static void the_largest_summary_fits_a_report_and_comes_back(void **state)
{
    (void)state;
    static struct summary_maker maker;
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
    BUF_AUTO again = BUF_INIT(REPORT_BYTES_MAX);
    struct report back = {0};
    maker_init(&maker, 0, SUMMARY_INTERVAL_MAX_MS);
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        (void)maker_add(&maker, 64000 + i % SUMMARY_CLASSES_MAX, i * 5,
                        histogram_latency_lower(i));
    }
    assert_int_equal(summary_check(&maker.summary, NULL), OK);
    struct report report = report_with(&maker.summary);
    report_encode(&report, &body);
    assert_int_equal(report_decode(body.data, body.len, &arena, &back, NULL), OK);
    assert_int_equal(back.summary->classes.count, SUMMARY_CLASSES_MAX);
    assert_int_equal(back.summary->latency.count, LATENCY_BUCKETS);
    report_encode(&back, &again);
    assert_int_equal(again.len, body.len);
    assert_memory_equal(again.data, body.data, body.len);
}

/* A quarter MiB of cells is refused at its limit: what is kept for them is bounded. */
static void a_flood_of_cells_takes_little_memory(void **state)
{
    (void)state;
    static const char *const members[] = {
        "class\":{\"sum\":[",      "class\":{\"n\":[",   "confidence\":{\"over\":[",
        "latency\":{\"n\":[",      "entropy\":{\"n\":[", "margin\":{\"bin\":[0],\"n\":[",
        "class\":{\"x\":{\"n\":[",
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
        ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
        struct report report = {0};
        struct err err = {0};
        buf_addf(&body, "{\"summary\":{\"%s1", members[i]);
        while (body.len < REPORT_BYTES_MAX - 16) {
            buf_addstr(&body, ",1");
        }
        buf_addstr(&body, i == 6 ? "]}}}}" : "]}}}");
        enum status status = report_decode(body.data, body.len, &arena, &report, &err);
        assert_int_equal(status, i == 6 ? ERR_JSON_MISSING : ERR_JSON_LENGTH);
        assert_true(arena.used <= 64 * 1024);
    }
}

static void a_small_arena_is_out_of_memory_and_nothing_else(void **state)
{
    (void)state;
    static struct summary_maker maker;
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
    bool fitted = false;
    maker_init(&maker, 0, 1000);
    for (unsigned i = 0; i < 200; i++) {
        (void)maker_add(&maker, i, 5000, i);
    }
    struct report report = report_with(&maker.summary);
    report_encode(&report, &body);
    for (size_t max = 0; !fitted; max += 512) {
        ARENA_AUTO arena = ARENA_INIT(max);
        struct report back = {0};
        enum status status = report_decode(body.data, body.len, &arena, &back, NULL);
        assert_true(status == OK || status == ERR_NO_MEMORY);
        fitted = status == OK;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_minute_takes_450_bytes_at_most),
        cmocka_unit_test(latencies_add_up_and_the_lowest_of_the_fullest_takes_the_rest),
        cmocka_unit_test(the_largest_summary_fits_a_report_and_comes_back),
        cmocka_unit_test(a_flood_of_cells_takes_little_memory),
        cmocka_unit_test(a_small_arena_is_out_of_memory_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
