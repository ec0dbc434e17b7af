/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder against jansson, on random reports and on mutations of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/format/report_differs.h"
#include "tests/unit/format/summary_maker.h"

/* One thread has nothing to race with, and ThreadSanitizer makes it ten times slower. */
#ifdef __SANITIZE_THREAD__
enum { ROUNDS = 1000, NUMBERS = 5000 };
#else
enum { ROUNDS = 4000, NUMBERS = 50000 };
#endif
enum { ARENA_BYTES = 1024 * 1024, MUTATIONS = 12 };

static unsigned summaries; /* accepted by both */
static uint64_t random_state = 0x9e3779b97f4a7c15;

static unsigned random_below(unsigned bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % bound;
}

static const char *pick(const char *const *list, size_t count)
{
    return list[random_below((unsigned)count)];
}
#define PICK(...)                                                                        \
    pick((const char *const[]){__VA_ARGS__},                                             \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void add_space(struct buf *body)
{
    if (random_below(8) == 0) {
        buf_addstr(body, PICK(" ", "\n", "\t", "\r\n  "));
    }
}

/* A key, sometimes with an escape in it. */
static void add_key(struct buf *body, const char *name, bool first)
{
    buf_addstr(body, first ? "" : ",");
    add_space(body);
    if (random_below(10) == 0) {
        buf_addf(body, "\"\\u%04x%s\"", (unsigned)name[0], name + 1);
    } else {
        buf_addf(body, "\"%s\"", name);
    }
    add_space(body);
    buf_addc(body, ':');
    add_space(body);
}

static void add_item(struct buf *body, unsigned column)
{
    switch (column) {
    case 0:
        buf_addf(body, "%lld", 1795420000000LL + random_below(100000));
        return;
    case 1:
        buf_addf(body, "%u", random_below(random_below(20) ? 10 : 65536));
        return;
    case 2:
        if (random_below(3) == 0) {
            buf_addf(body, "%.17g", random_below(1000000) / 1e6);
        } else {
            buf_addf(body, "%s",
                     PICK("0", "1", "0.5", "0.98765", "1e-5", "0.00005", "-0",
                          "9.99949999999999999999e-1", "1.0", "5E-1"));
        }
        return;
    case 3:
        buf_addf(body, "%u", random_below(4000000000u));
        return;
    case 4:
        buf_addstr(body, PICK("null", "0.5", "-1e300", "3", "1e-320", "123456789.125",
                              "0.1000000000000000055511151231257827"));
        return;
    default:
        buf_addstr(body, PICK("null", "10", "-9223372036854775808", "0", "77"));
    }
}

static void add_unknown(struct buf *body)
{
    buf_addstr(body, PICK("1", "-0.5e10", "\"\\ud83d\\ude00 \xc3\xa9\"", "[]", "{}",
                          "null", "{\"a\":[1,{\"b\":true}],\"c\":false}", "[[[[[1]]]]]",
                          "123456789012345678901234567890"));
}

static void add_predictions(struct buf *body)
{
    static const char *const names[] = {"at_ms",      "class", "confidence",
                                        "latency_us", "value", "sample"};
    unsigned rows = random_below(random_below(10) ? 5 : 300);
    bool by_rows = random_below(2);
    unsigned columns = 4 + random_below(3);
    unsigned turn = random_below(6);
    buf_addc(body, by_rows ? '[' : '{');
    for (unsigned i = 0; i < (by_rows ? rows : 6); i++) {
        unsigned column = (i + turn) % 6;
        bool first = body->data[body->len - 1] == '{' || i == 0;
        if (by_rows) {
            buf_addstr(body, i > 0 ? ",{" : "{");
        } else if (column < columns) {
            add_key(body, names[column], first);
            buf_addc(body, '[');
        }
        for (unsigned j = 0; j < (by_rows ? 6 : rows); j++) {
            unsigned c = by_rows ? (j + turn) % 6 : column;
            if (by_rows && (c < 4 || random_below(2))) {
                add_key(body, names[c], body->data[body->len - 1] == '{');
                add_item(body, c);
            } else if (!by_rows && c < columns) {
                buf_addstr(body, j > 0 ? "," : "");
                add_item(body, c);
                add_space(body);
            }
        }
        buf_addstr(body, by_rows ? "}" : column < columns ? "]" : "");
    }
    buf_addc(body, by_rows ? ']' : '}');
}

enum { CELL_INDEX, CELL_STEP, CELL_N, CELL_SUM, CELL_OVER };

static void add_cells(struct buf *body, const struct summary_cells *cells, int what)
{
    buf_addc(body, '[');
    for (size_t i = 0; i < cells->count; i++) {
        const struct summary_cell *cell = &cells->cells[i];
        int64_t value = what == CELL_N     ? (int64_t)cell->n
                        : what == CELL_SUM ? cell->sum
                                           : (int64_t)cell->index;
        value -= what == CELL_STEP && i > 0 ? (int64_t)cell[-1].index : 0;
        value =
            what == CELL_OVER ? cell->sum - (int64_t)cell->n * 500 * cell->index : value;
        buf_addf(body, i > 0 ? ",%lld" : "%lld", (long long)value);
        add_space(body);
    }
    buf_addc(body, ']');
}

/* The members of a histogram, from any of them on. */
static void add_part(struct buf *body, const char *const names[3], const int whats[3],
                     int columns, const struct summary_cells *cells)
{
    unsigned turn = random_below(3);
    buf_addc(body, '{');
    for (unsigned i = 0; i < 3; i++) {
        unsigned column = (i + turn) % 3;
        if ((int)column < columns) {
            add_key(body, names[column], body->data[body->len - 1] == '{');
            add_cells(body, cells, whats[column]);
        }
    }
    if (random_below(8) == 0) {
        add_key(body, PICK("sum_", "x"), false);
        add_unknown(body);
    }
}

static void add_parts(struct buf *body, const struct summary *summary)
{
    static const int index_n_sum[] = {CELL_INDEX, CELL_N, CELL_SUM};
    static const int bin_n_over[] = {CELL_INDEX, CELL_N, CELL_OVER};
    static const int bucket_n[] = {CELL_STEP, CELL_N, 0};
    static const char *const class_names[] = {"index", "n", "sum"};
    static const char *const bin_names[] = {"bin", "n", "over"};
    static const char *const bucket_names[] = {"bucket", "n", ""};
    add_key(body, "class", false);
    add_part(body, class_names, index_n_sum, 3, &summary->classes);
    buf_addc(body, '}');
    add_key(body, "confidence", false);
    add_part(body, bin_names, bin_n_over, 3, &summary->confidence);
    buf_addc(body, '}');
    add_key(body, "latency", false);
    add_part(body, bucket_names, bucket_n, 2, &summary->latency);
    add_key(body, "sum_us", false);
    buf_addf(body, "%lld}", (long long)summary->latency_sum_us);
    for (int i = 0; i < 2; i++) {
        if (random_below(2)) {
            add_key(body, i == 0 ? "entropy" : "margin", false);
            add_part(body, bin_names, bin_n_over, 2,
                     i == 0 ? &summary->entropy : &summary->margin);
            buf_addc(body, '}');
        }
    }
}

/* A summary of random predictions that contradicts nothing but, now and then, the rows.
 */
static void add_summary(struct buf *body)
{
    static struct summary_maker maker;
    struct summary *summary = &maker.summary;
    int64_t to_ms = 1795420000000LL + random_below(100000);
    maker_init(&maker, to_ms - 1 - random_below(3600000), to_ms);
    for (unsigned n = 1 + random_below(random_below(4) ? 30 : 400); n > 0; n--) {
        bool wide = random_below(8) == 0;
        maker_add(&maker, random_below(wide ? 65536 : 10),
                  wide ? random_below(10001) : 10000 - random_below(300),
                  wide ? random_below(4294967295u) : 1100 + random_below(150));
        for (int i = 0; i < 2 && random_below(2); i++) {
            maker_count(i ? &summary->entropy : &summary->margin, random_below(20), 0);
        }
    }
    const char *mode = PICK("sampled", "sampled", "changes", "summary");
    buf_addc(body, '{');
    add_key(body, "from_ms", true);
    buf_addi(body, summary->from_ms);
    add_key(body, "to_ms", false);
    buf_addi(body, summary->to_ms);
    add_key(body, "mode", false);
    buf_addf(body, "\"%s\"", mode);
    if (random_below(2)) {
        add_key(body, "every", false);
        buf_addstr(body, mode[1] == 'a' ? PICK("1", "10", "1000000") : "1");
    }
    add_parts(body, summary);
    add_key(body, "n", false);
    buf_addi(body, summary->n);
    add_key(body, "changes", false);
    buf_addi(body, summary->changes);
    buf_addc(body, '}');
}

static void add_health(struct buf *body)
{
    buf_addf(body, "{\"cpu_pct\":%s,\"new\":1,\"queued\":%u,\"state\":\"%s\"",
             PICK("1", "12.5", "-0.0", "1e-7"), random_below(100),
             PICK("ok", "", "\\u00e9t\xc3\xa9"));
    if (random_below(2)) {
        buf_addf(body,
                 ",\"temp_c\":-%u.5,\"power_mw\":%u,\"rss_bytes\":%u000000,"
                 "\"rejected\":%u,\"inferred\":%u,\"clock_doubt_ms\":%u",
                 random_below(40), random_below(9000), random_below(5000),
                 random_below(9), random_below(1000000), random_below(90000000));
    }
    buf_addc(body, '}');
}

static void make_body(struct buf *body)
{
    buf_addc(body, '{');
    add_key(body, "stream", true);
    buf_addf(body, "%u", 1 + random_below(1000));
    add_key(body, "seq", false);
    buf_addf(body, "%u", 1 + random_below(1000));
    if (random_below(3) == 0) {
        add_key(body, PICK("future", "x", "\\u00e9", "summary_"), false);
        add_unknown(body);
    }
    bool summarised = random_below(3) == 0;
    if (!summarised || random_below(2)) {
        add_key(body, "predictions", false);
        add_predictions(body);
    }
    if (summarised) {
        add_key(body, "summary", false);
        add_summary(body);
    }
    add_key(body, "sent_ms", false);
    buf_addstr(body, PICK("0", "-1", "1795420000123", "9223372036854775807"));
    add_key(body, "model", false);
    buf_addstr(body, PICK("\"fashion\"", "\"m\"", "\"a.b-c_D\"", "\"\\u0061\""));
    add_key(body, "artifact", false);
    buf_addstr(body, "\"00112233445566778899aabbccddeeff"
                     "00112233445566778899aabbccddeeff\"");
    if (random_below(2)) {
        add_key(body, "health", false);
        add_health(body);
    }
    if (random_below(3) == 0) {
        add_key(body, "dropped", false);
        buf_addf(body, "%u", random_below(1000));
    }
    if (random_below(4) == 0) {
        add_key(body, "below_floor", false);
        buf_addstr(body, PICK("true", "false"));
    }
    if (random_below(4) == 0) {
        add_key(body, "derived", false);
        buf_addstr(body, PICK("\"a0112233445566778899aabbccddeeff"
                              "00112233445566778899aabbccddeeff\"",
                              "\"b0112233445566778899aabbccddeefg"
                              "00112233445566778899aabbccddeeff\"",
                              "\"00\"", "null"));
    }
    add_space(body);
    buf_addc(body, '}');
}

/* Another digit for the next one: the body mostly stays good, with another value. */
static void change_digit(struct buf *body, size_t at)
{
    while (at < body->len && (body->data[at] < '0' || body->data[at] > '9')) {
        at++;
    }
    if (at < body->len) {
        body->data[at] = (char)('0' + random_below(10));
    }
}

static void mutate(struct buf *body)
{
    unsigned at = random_below((unsigned)body->len);
    unsigned kind = random_below(8);
    if (kind > 4) {
        change_digit(body, at);
        return;
    }
    if (kind == 0) {
        body->data[at] = (char)random_below(256);
    } else if (kind == 1) {
        memmove(body->data + at, body->data + at + 1, body->len - at - 1);
        body->len--;
    } else if (kind == 2) {
        body->len = at + 1;
    } else {
        const char *token =
            PICK("1e400", "-0", "01", "1.0", "\"\\ud800\"", "\"\\u0000\"", "null", "{}",
                 "[]", "9223372036854775808", ",", "\"", "true", "-1", "65536", "\\",
                 "\"at_ms\":[1],", "\"stream\":1,", "\"summary\":{},", "\xc0\x80", "\xef",
                 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
                 "\"x\":1,\"x\":2,", "NaN", "1e", "\"\\x\"", "/*c*/", "\x01", "e5", ".5");
        BUF_AUTO rest = BUF_INIT(REPORT_BYTES_MAX);
        buf_add(&rest, body->data + at, body->len - at);
        body->len = at;
        buf_addstr(body, token);
        buf_add(body, rest.data, rest.len);
    }
}

static enum verdict compare(const struct buf *body)
{
    static struct oracle_rows rows;
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct report report = {0};
    struct err err = {0};
    enum status status = report_decode(body->data, body->len, &arena, &report, &err);
    enum verdict wanted = oracle_judge(body->data, body->len, &rows);
    enum verdict found = status == OK                 ? VERDICT_ACCEPT
                         : status_http(status) == 400 ? VERDICT_SYNTAX
                                                      : VERDICT_MEANING;
    bool equal = wanted == VERDICT_UNSURE ? found != VERDICT_SYNTAX : found == wanted;
    if (!equal) {
        print_error("%.*s\ndecoder: %s (%s), oracle: %d\n", (int)body->len, body->data,
                    status_name(status), err.detail, (int)wanted);
    }
    assert_true(equal);
    if (wanted == VERDICT_ACCEPT) {
        const char *differs = report_differs(body->data, body->len, &report, &rows);
        if (differs) {
            print_error("%.*s\n", (int)body->len, body->data);
            fail_msg("the %s differs", differs);
        }
        summaries += report.summary != NULL;
    }
    return wanted;
}

static void random_reports_and_their_mutations_are_judged_as_by_jansson(void **state)
{
    (void)state;
    unsigned seen[4] = {0};
    unsigned good_mutations = 0;
    for (int round = 0; round < ROUNDS; round++) {
        BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
        make_body(&body);
        assert_true(body.len < REPORT_BYTES_MAX - 4096);
        seen[compare(&body)]++;
        BUF_AUTO mutated = BUF_INIT(2 * REPORT_BYTES_MAX);
        for (int i = 0; i < MUTATIONS; i++) {
            if (mutated.len < 2 || i % 4 == 0) { /* up to four at a time */
                buf_reset(&mutated);
                buf_add(&mutated, body.data, body.len);
            }
            mutate(&mutated);
            enum verdict verdict = compare(&mutated);
            seen[verdict]++;
            good_mutations += verdict == VERDICT_ACCEPT;
        }
    }
    /* The generator must reach every verdict, or it proves little. */
    assert_true(seen[VERDICT_ACCEPT] > ROUNDS / 2);
    assert_true(good_mutations > ROUNDS);
    assert_true(seen[VERDICT_SYNTAX] > ROUNDS);
    assert_true(seen[VERDICT_MEANING] > ROUNDS / 20);
    assert_true(seen[VERDICT_UNSURE] > 0);
    assert_true(summaries > ROUNDS / 10);
}

/* Every number that is asked of jansson's strtod comes out with the same bits. */
static void numbers_are_rounded_as_by_strtod(void **state)
{
    (void)state;
    for (int round = 0; round < NUMBERS; round++) {
        static struct oracle_rows rows;
        BUF_AUTO body = BUF_INIT(4096);
        ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
        struct report report = {0};
        buf_addstr(&body,
                   "{\"stream\":1,\"seq\":1,\"sent_ms\":1,\"model\":\"m\",\"artifact\":"
                   "\"00112233445566778899aabbccddeeff00112233445566778899aabbccdd"
                   "eeff\",\"predictions\":{\"at_ms\":[1],\"class\":[1],"
                   "\"confidence\":[1],\"latency_us\":[1],\"value\":[");
        buf_addstr(&body, random_below(2) ? "-" : "");
        buf_addf(&body, "%u", random_below(random_below(2) ? 10 : 1000000000));
        unsigned digits = random_below(25);
        buf_addstr(&body, digits > 0 ? "." : "");
        for (unsigned i = 0; i < digits; i++) {
            buf_addf(&body, "%u", random_below(10));
        }
        if (random_below(2)) {
            buf_addf(&body, "e%d", (int)random_below(640) - 330);
        }
        buf_addstr(&body, "]}}");
        enum status status = report_decode(body.data, body.len, &arena, &report, NULL);
        enum verdict wanted = oracle_judge(body.data, body.len, &rows);
        assert_int_equal(status, wanted == VERDICT_ACCEPT ? OK : ERR_JSON_NUMBER);
        assert_true(status != OK || report.value[0] == rows.value[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_reports_and_their_mutations_are_judged_as_by_jansson),
        cmocka_unit_test(numbers_are_rounded_as_by_strtod),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
