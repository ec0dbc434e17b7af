/* SPDX-License-Identifier: Apache-2.0 */
/* report_oracle: docs/PROTOCOL.md's rules for a report, once more, over jansson's tree.
 *
 * Slow and plain on purpose; test_report_oracle.c and fuzz_report.c hold the decoder
 * against it: same verdict, same values. Arrays have room for REPORT_ROWS_MAX rows. */
#ifndef MUSTER_TESTS_UNIT_FORMAT_REPORT_ORACLE_H
#define MUSTER_TESTS_UNIT_FORMAT_REPORT_ORACLE_H

#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "format/report.h"
#include "tests/unit/format/summary_oracle.h"

enum verdict {
    VERDICT_ACCEPT,
    VERDICT_SYNTAX,  /* 400 */
    VERDICT_MEANING, /* 413 or 422 */
    VERDICT_UNSURE,  /* an integer that jansson cannot hold: anything but 400 */
};

struct oracle_rows {
    size_t rows;
    int64_t at_ms[REPORT_ROWS_MAX], sample[REPORT_ROWS_MAX], confidence[REPORT_ROWS_MAX];
    int64_t class_index[REPORT_ROWS_MAX], latency_us[REPORT_ROWS_MAX];
    double value[REPORT_ROWS_MAX];
    bool has_sample[REPORT_ROWS_MAX], value_column, sample_column;
    struct oracle_summary summary;
};

static unsigned oracle_depth(const json_t *json)
{
    unsigned deepest = 0;
    const char *key;
    size_t at;
    json_t *item;
    json_object_foreach((json_t *)json, key, item)
    {
        unsigned depth = oracle_depth(item);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach((json_t *)json, at, item)
    {
        unsigned depth = oracle_depth(item);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (json_is_object(json) || json_is_array(json));
}

static bool oracle_integer(const json_t *json, int64_t min, int64_t max, int64_t *ret)
{
    *ret = json_integer_value(json);
    return json_is_integer(json) && *ret >= min && *ret <= max;
}

static bool oracle_item(const char *name, const json_t *json, size_t row,
                        struct oracle_rows *out)
{
    if (strcmp(name, "at_ms") == 0) {
        return oracle_integer(json, INT64_MIN, INT64_MAX, &out->at_ms[row]);
    }
    if (strcmp(name, "class") == 0) {
        return oracle_integer(json, 0, 65535, &out->class_index[row]);
    }
    if (strcmp(name, "latency_us") == 0) {
        return oracle_integer(json, 0, UINT32_MAX, &out->latency_us[row]);
    }
    if (strcmp(name, "confidence") == 0) {
        double x = json_number_value(json);
        bool ok = json_is_number(json) && x >= 0.0 && x <= 1.0;
        out->confidence[row] = ok ? (int64_t)(x * 10000.0 + 0.5) : 0;
        return ok;
    }
    if (strcmp(name, "value") == 0) {
        out->value_column = true;
        out->value[row] = json_is_null(json) ? NAN : json_number_value(json);
        return json_is_null(json) || json_is_number(json);
    }
    out->sample_column = true;
    out->has_sample[row] = !json_is_null(json);
    return json_is_null(json) ||
           oracle_integer(json, INT64_MIN, INT64_MAX, &out->sample[row]);
}

static const char *const oracle_names[] = {"at_ms",      "class", "confidence",
                                           "latency_us", "value", "sample"};

static bool oracle_columns(const json_t *columns, struct oracle_rows *out)
{
    out->rows = json_array_size(json_object_get(columns, "at_ms"));
    for (size_t c = 0; c < 6; c++) {
        const json_t *column = json_object_get(columns, oracle_names[c]);
        bool ok = column ? json_is_array(column) && json_array_size(column) == out->rows
                         : c >= 4;
        for (size_t i = 0; column && ok && i < out->rows; i++) {
            ok = i < REPORT_ROWS_MAX &&
                 oracle_item(oracle_names[c], json_array_get(column, i), i, out);
        }
        out->value_column |= column && c == 4;
        out->sample_column |= column && c == 5;
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool oracle_rows(const json_t *list, struct oracle_rows *out)
{
    out->rows = json_array_size(list);
    bool ok = out->rows <= REPORT_ROWS_MAX;
    for (size_t i = 0; ok && i < out->rows; i++) {
        const json_t *row = json_array_get(list, i);
        ok = json_is_object(row);
        out->value[i] = NAN;
        out->has_sample[i] = false;
        for (size_t c = 0; ok && c < 6; c++) {
            const json_t *item = json_object_get(row, oracle_names[c]);
            ok = item ? oracle_item(oracle_names[c], item, i, out) : c >= 4;
        }
    }
    return ok;
}

static bool oracle_health(const json_t *health)
{
    static const char *const reals[] = {"cpu_pct", "temp_c", "power_mw"};
    static const char *const integers[] = {"rss_bytes", "queued", "rejected", "inferred",
                                           "clock_doubt_ms"};
    const json_t *state = json_object_get(health, "state");
    bool ok = !health || json_is_object(health);
    int64_t any;
    for (size_t i = 0; i < 3; i++) {
        const json_t *member = json_object_get(health, reals[i]);
        ok = ok && (!member || json_is_number(member));
    }
    for (size_t i = 0; i < 5; i++) {
        const json_t *member = json_object_get(health, integers[i]);
        ok = ok && (!member || oracle_integer(member, 0, INT64_MAX, &any));
    }
    return ok && (!state || (json_is_string(state) && json_string_length(state) <= 32));
}

static bool oracle_text(const json_t *json, size_t min, size_t max, const char *allowed)
{
    const char *text = json_string_value(json);
    return text && strlen(text) >= min && strlen(text) <= max &&
           text[strspn(text, allowed)] == '\0';
}

static bool oracle_meaning(const json_t *body, struct oracle_rows *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.-";
    int64_t any, most = (int64_t)1 << 53;
    const json_t *dropped = json_object_get(body, "dropped"),
                 *derived = json_object_get(body, "derived"),
                 *floor_member = json_object_get(body, "below_floor");
    const json_t *predictions = json_object_get(body, "predictions"),
                 *summary = json_object_get(body, "summary");
    return json_is_object(body) &&
           oracle_integer(json_object_get(body, "stream"), 1, most, &any) &&
           oracle_integer(json_object_get(body, "seq"), 1, most, &any) &&
           oracle_integer(json_object_get(body, "sent_ms"), INT64_MIN, INT64_MAX, &any) &&
           (!dropped || oracle_integer(dropped, 0, most, &any)) &&
           (!floor_member || json_is_boolean(floor_member)) &&
           (!derived || oracle_text(derived, 64, 64, "0123456789abcdef")) &&
           oracle_text(json_object_get(body, "model"), 1, 64, letters) &&
           oracle_text(json_object_get(body, "artifact"), 64, 64, "0123456789abcdef") &&
           oracle_health(json_object_get(body, "health")) &&
           (json_is_object(predictions)  ? oracle_columns(predictions, out)
            : json_is_array(predictions) ? oracle_rows(predictions, out)
                                         : summary && !predictions) &&
           (!summary || summary_oracle(summary, out->rows, &out->summary));
}

static enum verdict oracle_judge(const char *body, size_t len, struct oracle_rows *out)
{
    body = len > 0 ? body : "";
    const size_t strict = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    memset(out, 0, offsetof(struct oracle_rows, summary));
    out->summary.present = false;
    if (memchr(body, 0, len)) {
        return VERDICT_SYNTAX; /* jansson overlooks a NUL behind a number */
    }
    json_t *json = json_loadb(body, len, strict | JSON_DECODE_INT_AS_REAL, NULL);
    bool shallow = json && oracle_depth(json) <= 32;
    json_decref(json);
    if (!shallow) {
        return VERDICT_SYNTAX;
    }
    json = json_loadb(body, len, strict, NULL);
    bool held = json != NULL, accepted = held && oracle_meaning(json, out);
    json_decref(json);
    return !held ? VERDICT_UNSURE : accepted ? VERDICT_ACCEPT : VERDICT_MEANING;
}

#endif
