/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "format/report.h"

enum { ARENA_BYTES = 1024 * 1024 };

#define ARTIFACT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD                                                                             \
    "{\"stream\":3,\"seq\":41,\"sent_ms\":5,\"model\":\"fashion\",\"artifact\":"         \
    "\"" ARTIFACT "\","
#define COLUMNS(confidence)                                                              \
    HEAD "\"predictions\":{\"at_ms\":[1],\"class\":[2],\"confidence\":[" confidence      \
         "],\"latency_us\":[3]}}"

static enum status decode(const char *body, size_t len, struct arena *arena,
                          struct report *ret_report, struct err *err)
{
    /* A copy without a NUL behind it: the sanitizer sees a read beyond the end. */
    char *copy = test_malloc(len > 0 ? len : 1);
    memcpy(copy, body, len);
    enum status status = report_decode(copy, len, arena, ret_report, err);
    test_free(copy);
    return status;
}

static void assert_refused(const char *body, enum status wanted, const char *pointer)
{
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct report report = {.rows = 4711};
    struct err err = {0};
    enum status status = decode(body, strlen(body), &arena, &report, &err);
    if (status != wanted || strcmp(err.pointer, pointer) != 0) {
        print_error("%s\n -> %s at '%s': %s\n", body, status_name(status), err.pointer,
                    err.detail);
    }
    assert_int_equal(status, wanted);
    assert_int_equal(err.status, wanted);
    assert_string_equal(err.pointer, pointer);
    assert_int_equal(report.rows, 4711);
}

static uint16_t confidence_of(const char *number)
{
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    BUF_AUTO body = BUF_INIT(4096);
    struct report report = {0};
    buf_addf(&body, COLUMNS("%s"), number);
    assert_int_equal(decode(body.data, body.len, &arena, &report, NULL), OK);
    return report.confidence[0];
}

static void confidence_is_rounded_half_up(void **state)
{
    (void)state;
    assert_int_equal(confidence_of("0"), 0);
    assert_int_equal(confidence_of("-0"), 0);
    assert_int_equal(confidence_of("-0.0"), 0);
    assert_int_equal(confidence_of("1"), 10000);
    assert_int_equal(confidence_of("1.0"), 10000);
    assert_int_equal(confidence_of("10e-1"), 10000);
    assert_int_equal(confidence_of("0.00005"), 1);
    assert_int_equal(confidence_of("0.000049999"), 0);
    assert_int_equal(confidence_of("0.99995"), 10000);
    assert_int_equal(confidence_of("0.99994"), 9999);
    assert_int_equal(confidence_of("0.12345678901234567890123456789"), 1235);
    assert_int_equal(confidence_of("1e-400"), 0);
}

static void every_confidence_survives_the_round_trip(void **state)
{
    (void)state;
    enum { STEP = 1000 };
    for (unsigned from = 0; from <= CONFIDENCE_ONE; from += STEP) {
        ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
        BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
        uint16_t confidence[STEP];
        uint16_t class_index[STEP] = {0};
        uint32_t latency[STEP] = {0};
        int64_t at_ms[STEP] = {0};
        struct report report = {.stream = 1,
                                .seq = 1,
                                .model = "m",
                                .at_ms = at_ms,
                                .class_index = class_index,
                                .confidence = confidence,
                                .latency_us = latency};
        for (; report.rows < STEP && from + report.rows <= CONFIDENCE_ONE;
             report.rows++) {
            confidence[report.rows] = (uint16_t)(from + report.rows);
        }
        struct report back = {0};
        report_encode(&report, &body);
        assert_int_equal(decode(body.data, body.len, &arena, &back, NULL), OK);
        assert_int_equal(back.rows, report.rows);
        assert_memory_equal(back.confidence, confidence, report.rows * sizeof(uint16_t));
    }
}

static void the_same_reports_in_both_forms_are_equal(void **state)
{
    (void)state;
    static const char columns[] =
        HEAD "\"predictions\":{\"at_ms\":[1,2],\"class\":[9,0],\"confidence\":[0.98,1],"
             "\"latency_us\":[4294967295,0],\"value\":[null,0.5],\"sample\":[10,null]}}";
    static const char rows[] =
        HEAD "\"predictions\":[{\"at_ms\":1,\"class\":9,\"confidence\":0.98,"
             "\"latency_us\":4294967295,\"sample\":10},{\"value\":0.5,\"latency_us\":0,"
             "\"confidence\":1,\"class\":0,\"at_ms\":2}]}";
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    BUF_AUTO one = BUF_INIT(4096);
    BUF_AUTO two = BUF_INIT(4096);
    struct report report = {0};
    assert_int_equal(decode(columns, sizeof columns - 1, &arena, &report, NULL), OK);
    report_encode(&report, &one);
    assert_int_equal(decode(rows, sizeof rows - 1, &arena, &report, NULL), OK);
    report_encode(&report, &two);
    assert_string_equal(one.data, two.data);
    assert_true(isnan(report.value[0]) && !report.has_sample[1]);
}

static void health_survives_the_round_trip(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    BUF_AUTO body = BUF_INIT(4096);
    struct report report = {.stream = 1,
                            .seq = 2,
                            .model = "m",
                            .below_floor = true,
                            .has_derived = true,
                            .derived = {1, [31] = 0xfe},
                            .dropped = 7,
                            .health = {.present = 511,
                                       .cpu_pct = 12.5,
                                       .temp_c = -51.1,
                                       .power_mw = 1e300,
                                       .rss_bytes = INT64_MAX,
                                       .queued = 3,
                                       .rejected = 0,
                                       .inferred = 40210,
                                       .clock_doubt_ms = 7200000,
                                       .state = "\"\xc3\xa9\\\n"}};
    struct report back = {0};
    report_encode(&report, &body);
    assert_int_equal(decode(body.data, body.len, &arena, &back, NULL), OK);
    assert_int_equal(back.health.present, 511);
    assert_int_equal(back.health.clock_doubt_ms, 7200000);
    assert_true(back.health.cpu_pct == 12.5 && back.health.temp_c == -51.1 &&
                back.health.power_mw == 1e300 && back.health.rss_bytes == INT64_MAX &&
                back.health.inferred == 40210);
    assert_string_equal(back.health.state, report.health.state);
    assert_true(back.below_floor && back.dropped == 7 && back.rows == 0);
    assert_true(back.has_derived);
    assert_memory_equal(back.derived, report.derived, sizeof back.derived);
    assert_int_equal(back.body_hash, report_body_hash(body.data, body.len));
}

static void numbers_that_json_lacks_are_left_out(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    BUF_AUTO body = BUF_INIT(4096);
    struct report report = {.stream = 1,
                            .seq = 2,
                            .model = "m",
                            .health = {.present = HEALTH_CPU_PCT | HEALTH_TEMP_C,
                                       .cpu_pct = NAN,
                                       .temp_c = INFINITY}};
    struct report back = {0};
    report_encode(&report, &body);
    assert_int_equal(decode(body.data, body.len, &arena, &back, NULL), OK);
    assert_int_equal(back.health.present, 0);
}

/* FAULTS.md section 7, item 28. */
static void a_bad_confidence_is_named_by_its_pointer(void **state)
{
    (void)state;
    static const char pointer[] = "/predictions/confidence/0";
    assert_refused(COLUMNS("-0.1"), ERR_JSON_RANGE, pointer);
    assert_refused(COLUMNS("1.0000001"), ERR_JSON_RANGE, pointer);
    assert_refused(COLUMNS("null"), ERR_JSON_TYPE, pointer);
    assert_refused(COLUMNS("\"1\""), ERR_JSON_TYPE, pointer);
    assert_refused(COLUMNS("[1]"), ERR_JSON_TYPE, pointer);
    assert_refused(COLUMNS("99999999999999999999999"), ERR_JSON_RANGE, pointer);
    assert_refused(COLUMNS("1e400"), ERR_JSON_NUMBER, pointer);
    assert_refused(COLUMNS("NaN"), ERR_JSON_SYNTAX, "");
    assert_refused(COLUMNS("Infinity"), ERR_JSON_SYNTAX, "");
}

static void the_detail_says_what_was_found(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct report report = {0};
    struct err err = {0};
    static const char body[] = COLUMNS("1.0000001");
    assert_int_equal(decode(body, sizeof body - 1, &arena, &report, &err),
                     ERR_JSON_RANGE);
    assert_string_equal(err.detail,
                        "confidence must be between 0 and 1, found 1.0000001");
}

/* Meaning is judged only for bodies that are JSON to their end. */
static void broken_json_is_400_wherever_it_breaks(void **state)
{
    (void)state;
    assert_refused("{\"stream\":\"1\",", ERR_JSON_SYNTAX, "");
    assert_refused("{\"stream\":\"1\",\"a\":1,\"a\":2}", ERR_JSON_DUPLICATE_KEY, "");
    assert_refused("[1,", ERR_JSON_SYNTAX, "");
    assert_refused("[1]", ERR_JSON_TYPE, "");
    assert_refused("7", ERR_JSON_TYPE, "");
    assert_refused("", ERR_JSON_SYNTAX, "");
}

static void add_many_columns(struct buf *body, size_t rows)
{
    static const char *const names[] = {"at_ms", "class", "confidence", "latency_us"};
    for (size_t i = 0; i < 4; i++) {
        buf_addf(body, "%s\"%s\":[1", i > 0 ? "]," : "{", names[i]);
        for (size_t j = 1; j < rows; j++) {
            buf_addstr(body, ",1");
        }
    }
    buf_addstr(body, "]}}");
}

static void add_many_rows(struct buf *body, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        buf_addstr(body, i > 0 ? "," : "[");
        buf_addf(body, "{\"at_ms\":%zu,\"class\":1,\"confidence\":1,\"latency_us\":1}",
                 i);
    }
    buf_addstr(body, "]}");
}

static void decode_many(bool by_rows, size_t rows, enum status wanted,
                        const char *pointer)
{
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
    struct report report = {0};
    struct err err = {0};
    buf_addstr(&body, HEAD "\"predictions\":");
    if (by_rows) {
        add_many_rows(&body, rows);
    } else {
        add_many_columns(&body, rows);
    }
    assert_int_equal(decode(body.data, body.len, &arena, &report, &err), wanted);
    assert_string_equal(err.pointer, pointer);
}

/* FAULTS.md section 7, item 32; the report is refused whole. */
static void two_thousand_rows_pass_and_one_more_is_too_many(void **state)
{
    (void)state;
    decode_many(false, REPORT_ROWS_MAX, OK, "");
    decode_many(true, REPORT_ROWS_MAX, OK, "");
    decode_many(false, REPORT_ROWS_MAX + 1, ERR_REPORT_TOO_MANY, "/predictions/at_ms");
    decode_many(true, REPORT_ROWS_MAX + 1, ERR_REPORT_TOO_MANY, "/predictions");
}

static void a_body_over_its_limit_is_too_large(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX + 1);
    struct report report = {0};
    buf_addstr(&body, COLUMNS("1"));
    while (body.len < REPORT_BYTES_MAX) {
        buf_addc(&body, ' ');
    }
    assert_int_equal(report_decode(body.data, body.len, &arena, &report, NULL), OK);
    buf_addc(&body, ' ');
    assert_int_equal(report_decode(body.data, body.len, &arena, &report, NULL),
                     ERR_CONTENT_TOO_LARGE);
}

static void a_small_arena_is_out_of_memory_and_nothing_else(void **state)
{
    (void)state;
    static const char body[] = COLUMNS("1");
    struct report report = {0};
    bool fitted = false;
    for (size_t max = 0; !fitted; max += 64) {
        ARENA_AUTO arena = ARENA_INIT(max);
        enum status status = report_decode(body, sizeof body - 1, &arena, &report, NULL);
        assert_true(status == OK || status == ERR_NO_MEMORY);
        fitted = status == OK;
    }
}

/* FAULTS.md section 7, items 23 and 31: what is kept for each of them is counted. */
static void a_flood_of_brackets_takes_no_memory(void **state)
{
    (void)state;
    static const char *const floods[] = {"[", "[{},", "{\"a\":"};
    for (int i = 0; i < 3; i++) {
        BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
        ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
        struct report report = {0};
        buf_addstr(&body, "{\"predictions\":");
        while (body.len < REPORT_BYTES_MAX - 8) {
            buf_addstr(&body, floods[i]);
        }
        enum status status = report_decode(body.data, body.len, &arena, &report, NULL);
        assert_int_equal(status_http(status), 400);
        assert_true(arena.used <= 128 * 64);
    }
}

/* FAULTS.md section 7, item 35: many keys are all compared, however they hash. */
static void a_member_given_twice_is_found_among_thousands(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
        ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
        struct report report = {0};
        buf_addstr(&body, "{\"unknown\":{");
        for (int i = 0; i < 20000; i++) {
            buf_addf(&body, "\"%d\":0,", i * 7919 % 20011);
        }
        buf_addf(&body, "\"%s\":0}", twice ? "\\u0037919" : "x");
        buf_addc(&body, ',');
        buf_addstr(&body, &COLUMNS("1")[1]);
        assert_int_equal(report_decode(body.data, body.len, &arena, &report, NULL),
                         twice ? ERR_JSON_DUPLICATE_KEY : OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confidence_is_rounded_half_up),
        cmocka_unit_test(every_confidence_survives_the_round_trip),
        cmocka_unit_test(the_same_reports_in_both_forms_are_equal),
        cmocka_unit_test(health_survives_the_round_trip),
        cmocka_unit_test(numbers_that_json_lacks_are_left_out),
        cmocka_unit_test(a_bad_confidence_is_named_by_its_pointer),
        cmocka_unit_test(the_detail_says_what_was_found),
        cmocka_unit_test(broken_json_is_400_wherever_it_breaks),
        cmocka_unit_test(two_thousand_rows_pass_and_one_more_is_too_many),
        cmocka_unit_test(a_body_over_its_limit_is_too_large),
        cmocka_unit_test(a_small_arena_is_out_of_memory_and_nothing_else),
        cmocka_unit_test(a_flood_of_brackets_takes_no_memory),
        cmocka_unit_test(a_member_given_twice_is_found_among_thousands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
