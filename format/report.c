/* SPDX-License-Identifier: Apache-2.0 */
#include "format/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "format/siphash.h"
#include "format/summary.h"

uint32_t report_body_hash(const char *body, size_t len)
{
    static const uint8_t zero_key[SIPHASH_KEY_BYTES] = {0};
    return (uint32_t)siphash_2_4(zero_key, body, len);
}

int64_t report_predictions(const struct report *report)
{
    return report->summary ? (int64_t)report->summary->n : (int64_t)report->rows;
}

uint16_t report_confidence(double confidence)
{
    /* volatile: a fused multiply-add rounds once instead of twice, and node and server
     * must agree whatever they were compiled for. */
    volatile double scaled = confidence * (double)CONFIDENCE_ONE;
    return (uint16_t)(scaled + 0.5); /* not negative: cutting is the floor */
}

static void add_member(struct buf *body, const char *name, int64_t value)
{
    buf_addc(body, '"');
    buf_addstr(body, name);
    buf_addstr(body, "\":");
    buf_addi(body, value);
    buf_addc(body, ',');
}

/* 17 significant digits survive every round trip, 15 most of them; whatever stands for
 * the decimal point in the process's locale becomes '.'. */
static void add_double(struct buf *body, double value)
{
    char text[64];
    if (!isfinite(value)) {
        buf_addstr(body, "null");
        return;
    }
    (void)snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value) {
        (void)snprintf(text, sizeof text, "%.17g", value);
    }
    for (const char *p = text; *p;) {
        size_t plain = strspn(p, "0123456789+-e");
        buf_add(body, p, plain);
        p += plain;
        size_t point = strcspn(p, "0123456789+-e");
        if (point > 0) {
            buf_addc(body, '.');
        }
        p += point;
    }
}

/* 9812 as 0.9812, 5000 as 0.5, 10000 as 1. */
static void add_confidence(struct buf *body, unsigned confidence)
{
    if (confidence == 0 || confidence >= CONFIDENCE_ONE) {
        buf_addc(body, confidence == 0 ? '0' : '1');
        return;
    }
    char text[] = "0.0000";
    size_t len = sizeof text - 1;
    for (size_t i = len; i > 2; i--) {
        text[i - 1] = (char)('0' + confidence % 10);
        confidence /= 10;
    }
    while (text[len - 1] == '0') {
        len--;
    }
    buf_add(body, text, len);
}

static void add_columns(const struct report *report, struct buf *body)
{
    size_t rows = report->rows;
    buf_addstr(body, "\"at_ms\":[");
    for (size_t i = 0; i < rows; i++) {
        buf_addstr(body, i > 0 ? "," : "");
        buf_addi(body, report->at_ms[i]);
    }
    buf_addstr(body, "],\"class\":[");
    for (size_t i = 0; i < rows; i++) {
        buf_addstr(body, i > 0 ? "," : "");
        buf_addi(body, report->class_index[i]);
    }
    buf_addstr(body, "],\"confidence\":[");
    for (size_t i = 0; i < rows; i++) {
        buf_addstr(body, i > 0 ? "," : "");
        add_confidence(body, report->confidence[i]);
    }
    buf_addstr(body, "],\"latency_us\":[");
    for (size_t i = 0; i < rows; i++) {
        buf_addstr(body, i > 0 ? "," : "");
        buf_addi(body, report->latency_us[i]);
    }
    buf_addc(body, ']');
}

static void add_optional_columns(const struct report *report, struct buf *body)
{
    if (report->value) {
        buf_addstr(body, ",\"value\":[");
        for (size_t i = 0; i < report->rows; i++) {
            buf_addstr(body, i > 0 ? "," : "");
            add_double(body, report->value[i]);
        }
        buf_addc(body, ']');
    }
    if (report->sample && report->has_sample) {
        buf_addstr(body, ",\"sample\":[");
        for (size_t i = 0; i < report->rows; i++) {
            buf_addstr(body, i > 0 ? "," : "");
            if (report->has_sample[i]) {
                buf_addi(body, report->sample[i]);
            } else {
                buf_addstr(body, "null");
            }
        }
        buf_addc(body, ']');
    }
}

static void add_health_number(struct buf *body, const char *name, double value)
{
    if (isfinite(value)) {
        buf_addc(body, '"');
        buf_addstr(body, name);
        buf_addstr(body, "\":");
        add_double(body, value);
        buf_addc(body, ',');
    }
}

static void add_health(const struct health *health, struct buf *body)
{
    unsigned present = health->present;
    buf_addstr(body, ",\"health\":{");
    size_t from = body->len;
    if (present & HEALTH_CPU_PCT) {
        add_health_number(body, "cpu_pct", health->cpu_pct);
    }
    if (present & HEALTH_RSS_BYTES) {
        add_member(body, "rss_bytes", health->rss_bytes);
    }
    if (present & HEALTH_TEMP_C) {
        add_health_number(body, "temp_c", health->temp_c);
    }
    if (present & HEALTH_POWER_MW) {
        add_health_number(body, "power_mw", health->power_mw);
    }
    if (present & HEALTH_QUEUED) {
        add_member(body, "queued", health->queued);
    }
    if (present & HEALTH_REJECTED) {
        add_member(body, "rejected", health->rejected);
    }
    if (present & HEALTH_INFERRED) {
        add_member(body, "inferred", health->inferred);
    }
    if (present & HEALTH_STATE) {
        buf_addstr(body, "\"state\":");
        buf_add_json(body, health->state);
        buf_addc(body, ',');
    }
    if (present & HEALTH_CLOCK_DOUBT_MS) {
        add_member(body, "clock_doubt_ms", health->clock_doubt_ms);
    }
    if (!body->failed && body->len > from) {
        body->len--; /* the last comma */
    }
    buf_addc(body, '}');
}

void report_encode(const struct report *report, struct buf *ret_body)
{
    char artifact[2 * sizeof report->artifact + 1];
    hex_encode(report->artifact, sizeof report->artifact, artifact);
    buf_addc(ret_body, '{');
    add_member(ret_body, "stream", report->stream);
    add_member(ret_body, "seq", report->seq);
    add_member(ret_body, "sent_ms", report->sent_ms);
    if (report->dropped != 0) {
        add_member(ret_body, "dropped", report->dropped);
    }
    buf_addstr(ret_body, "\"model\":");
    buf_add_json(ret_body, report->model);
    buf_addstr(ret_body, ",\"artifact\":\"");
    buf_addstr(ret_body, artifact);
    buf_addstr(ret_body, report->below_floor ? "\",\"below_floor\":true" : "\"");
    if (report->has_derived) {
        hex_encode(report->derived, sizeof report->derived, artifact);
        buf_addf(ret_body, ",\"derived\":\"%s\"", artifact);
    }
    if (report->summary) {
        buf_addstr(ret_body, ",\"summary\":");
        summary_encode(report->summary, ret_body);
    }
    if (report->rows > 0 || !report->summary) {
        buf_addstr(ret_body, ",\"predictions\":{");
        add_columns(report, ret_body);
        add_optional_columns(report, ret_body);
        buf_addc(ret_body, '}');
    }
    if (report->health.present) {
        add_health(&report->health, ret_body);
    }
    buf_addc(ret_body, '}');
}
