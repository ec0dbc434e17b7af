/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load_body.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "format/report.h"

enum {
    BODY_BYTES_MAX = 1 << 20,
    TIME_DIGITS = 13,
    SEQ_DIGITS = 10,
    NODE_DIGITS = 4,
    MINUTE_MS = 60000
};

/* One prediction of a variant. Most confidences are high, as a trained net's are. */
struct prediction {
    uint16_t class_index, confidence;
    uint32_t latency_us;
};

static struct prediction prediction_of(unsigned variant, unsigned row)
{
    uint32_t mixed = (variant * 7919U + row + 1U) * 2654435761U;
    mixed ^= mixed >> 15;
    uint32_t low = mixed >> 8 & 0xFFF;
    return (struct prediction){
        .class_index = (uint16_t)(mixed % 10),
        .confidence = (uint16_t)(low % 4 == 0 ? 3000 + low : 9000 + low % 1000),
        .latency_us = 1000 + (mixed >> 20) % 800};
}

static void put_digits(char *at, int64_t value, size_t digits)
{
    for (size_t i = digits; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Where the value of a member begins. */
static size_t value_of(const struct buf *text, const char *member)
{
    const char *at = memmem(text->data, text->len, member, strlen(member));
    if (!at) {
        die("a body has no %s", member);
    }
    return (size_t)(at - text->data) + strlen(member);
}

static void add_row(struct body *body, struct prediction row, bool first)
{
    buf_addf(&body->text,
             "%s{\"at_ms\":1000000000000,\"class\":%u,\"confidence\":%.4f,"
             "\"latency_us\":%u}",
             first ? "" : ",", row.class_index, row.confidence / 1e4, row.latency_us);
}

/* Replaces the empty columns of an encoded report by a list of rows. */
static void make_rows(struct body *body, unsigned variant)
{
    static const char EMPTY[] =
        "{\"at_ms\":[],\"class\":[],\"confidence\":[],\"latency_us\":[]}";
    struct buf columns = body->text;
    size_t from = value_of(&columns, "\"predictions\":");
    if (columns.len < from + sizeof EMPTY - 1 ||
        memcmp(columns.data + from, EMPTY, sizeof EMPTY - 1) != 0) {
        die("the encoder writes empty columns in another form");
    }
    body->text = BUF_INIT(BODY_BYTES_MAX);
    buf_add(&body->text, columns.data, from);
    buf_addc(&body->text, '[');
    for (unsigned i = 0; i < body->rows; i++) {
        add_row(body, prediction_of(variant, i), i == 0);
    }
    buf_addc(&body->text, ']');
    buf_addstr(&body->text, columns.data + from + sizeof EMPTY - 1);
    buf_release(&columns);
}

static void find_times(struct body *body, const char *member, bool by_rows)
{
    size_t at = body->rows > 0 ? value_of(&body->text, member) : 0;
    for (unsigned i = 0; i < body->rows; i++) {
        body->time_at[i] = at;
        if (!by_rows) {
            at += TIME_DIGITS + 1;
        } else if (i + 1 < body->rows) {
            const char *next = strstr(body->text.data + at, member);
            at = (size_t)(next - body->text.data) + strlen(member);
        }
    }
}

void body_report(struct body *body, const struct load_options *options, int64_t stream,
                 unsigned variant)
{
    static int64_t at_ms[BODY_ROWS_MAX];
    static uint16_t class_index[BODY_ROWS_MAX];
    static uint16_t confidence[BODY_ROWS_MAX];
    static uint32_t latency_us[BODY_ROWS_MAX];
    bool by_rows = strcmp(options->form, "rows") == 0;
    struct report report = {.stream = stream,
                            .seq = SEQ_FIRST,
                            .sent_ms = clock_wall_ms(),
                            .rows = by_rows ? 0 : options->rows,
                            .at_ms = at_ms,
                            .class_index = class_index,
                            .confidence = confidence,
                            .latency_us = latency_us,
                            .health = {.present = HEALTH_CPU_PCT | HEALTH_RSS_BYTES |
                                                  HEALTH_QUEUED | HEALTH_REJECTED |
                                                  HEALTH_INFERRED | HEALTH_STATE,
                                       .cpu_pct = 12.5,
                                       .rss_bytes = 4100096,
                                       .inferred = 40210,
                                       .state = "ok"}};
    (void)snprintf(report.model, sizeof report.model, "%s", options->model);
    if (hex_decode(options->artifact, report.artifact, sizeof report.artifact, NULL) !=
        OK) {
        die("--artifact is 64 hex digits");
    }
    for (unsigned i = 0; i < options->rows; i++) {
        struct prediction row = prediction_of(variant, i);
        at_ms[i] = report.sent_ms;
        class_index[i] = row.class_index;
        confidence[i] = row.confidence;
        latency_us[i] = row.latency_us;
    }
    *body = (struct body){.text = BUF_INIT(BODY_BYTES_MAX), .rows = options->rows};
    report_encode(&report, &body->text);
    if (by_rows) {
        make_rows(body, variant);
    }
    if (buf_status(&body->text, NULL) != OK) {
        die("a body of %u rows is too large", options->rows);
    }
    body->seq_at = value_of(&body->text, "\"seq\":");
    body->sent_at = value_of(&body->text, "\"sent_ms\":");
    find_times(body, by_rows ? "\"at_ms\":" : "\"at_ms\":[", by_rows);
}

/* Puts `stream` and the artifact in the place of what the file has. */
static void set_member(struct buf *text, const char *member, const char *value)
{
    struct buf old = *text;
    size_t from = value_of(&old, member);
    size_t len = strcspn(old.data + from, ",\"");
    *text = BUF_INIT(BODY_BYTES_MAX);
    buf_add(text, old.data, from);
    buf_addstr(text, value);
    buf_add(text, old.data + from + len, old.len - from - len);
    buf_release(&old);
}

void body_file(struct body *body, const struct load_options *options, int64_t stream,
               unsigned variant)
{
    char number[24];
    const char *path = options->bodies[variant % options->body_count];
    *body = (struct body){.text = BUF_INIT(BODY_BYTES_MAX)};
    if (file_read(path, &body->text, NULL) != OK) {
        die("cannot read %s", path);
    }
    (void)snprintf(number, sizeof number, "%lld", (long long)stream);
    set_member(&body->text, "\"stream\":", number);
    set_member(&body->text, "\"artifact\":\"", options->artifact);
    body->seq_at = value_of(&body->text, "\"seq\":");
    body->sent_at = value_of(&body->text, "\"sent_ms\":");
    body->from_at = value_of(&body->text, "\"from_ms\":");
    body->to_at = value_of(&body->text, "\"to_ms\":");
}

void body_lines(struct body *body, const struct load_options *options, unsigned variant)
{
    bool tag = strcmp(options->form, "tag") == 0;
    *body = (struct body){.text = BUF_INIT(BODY_BYTES_MAX), .rows = options->rows};
    for (unsigned i = 0; i < options->rows; i++) {
        struct prediction row = prediction_of(variant, i);
        buf_addstr(&body->text, "p,node=n");
        body->node_at[i] = body->text.len;
        buf_addf(&body->text, tag ? "0000,class=%u " : "0000 class=%ui,",
                 row.class_index);
        buf_addf(&body->text, "confidence=%.4f,latency_us=%ui ", row.confidence / 1e4,
                 row.latency_us);
        body->time_at[i] = body->text.len;
        buf_addstr(&body->text, "1000000000000\n");
    }
}

void body_print_sql(const struct load_options *options, unsigned variant)
{
    int64_t now_ms = clock_wall_ms();
    (void)printf("INSERT INTO prediction(id, node_id, cohort_id, class, confidence, "
                 "latency_us, lag_ms) VALUES ");
    for (unsigned i = 0; i < options->rows; i++) {
        struct prediction row = prediction_of(variant, i);
        (void)printf("%s(%lld,%u,1,%u,%u,%u,%u)", i > 0 ? "," : "",
                     (long long)(now_ms * 4096 + i), variant + 1, row.class_index,
                     row.confidence, row.latency_us, (options->rows - i) * 33);
    }
    (void)printf(";\n");
}

void body_stamp(struct body *body, int64_t seq, int64_t sent_ms)
{
    put_digits(body->text.data + body->seq_at, seq, SEQ_DIGITS);
    put_digits(body->text.data + body->sent_at, sent_ms, TIME_DIGITS);
    if (body->from_at > 0) {
        int64_t to_ms = sent_ms - sent_ms % MINUTE_MS;
        put_digits(body->text.data + body->from_at, to_ms - MINUTE_MS, TIME_DIGITS);
        put_digits(body->text.data + body->to_at, to_ms, TIME_DIGITS);
    }
}

void body_stamp_rows(struct body *body, int64_t first_ms, int64_t step_ms)
{
    enum { LOW = 10000 };
    int64_t high = -1;
    char digits[TIME_DIGITS];
    for (unsigned i = 0; i < body->rows; i++) {
        int64_t time_ms = first_ms + step_ms * i;
        if (time_ms / LOW != high) {
            high = time_ms / LOW;
            put_digits(digits, time_ms, TIME_DIGITS);
        } else {
            put_digits(digits + TIME_DIGITS - 4, time_ms % LOW, 4);
        }
        memcpy(body->text.data + body->time_at[i], digits, TIME_DIGITS);
    }
}

void body_stamp_node(struct body *body, int64_t node)
{
    char digits[NODE_DIGITS];
    put_digits(digits, node, NODE_DIGITS);
    for (unsigned i = 0; i < body->rows; i++) {
        memcpy(body->text.data + body->node_at[i], digits, NODE_DIGITS);
    }
}
