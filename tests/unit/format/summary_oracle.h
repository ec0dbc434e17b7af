/* SPDX-License-Identifier: Apache-2.0 */
/* summary_oracle: docs/PROTOCOL.md's rules for a summary, once more, over jansson's tree;
 * a part of report_oracle.h. Slow and plain on purpose. */
#ifndef MUSTER_TESTS_UNIT_FORMAT_SUMMARY_ORACLE_H
#define MUSTER_TESTS_UNIT_FORMAT_SUMMARY_ORACLE_H

#include <jansson.h>
#include <string.h>

#include "format/histogram.h"
#include "format/summary.h"

struct oracle_part {
    size_t count;
    int64_t index[LATENCY_BUCKETS], n[LATENCY_BUCKETS], sum[LATENCY_BUCKETS];
};

struct oracle_summary {
    bool present;
    int64_t from_ms, to_ms, every, n, changes, sum_us;
    char mode[16];
    struct oracle_part classes, confidence, latency, entropy, margin;
};

static bool summary_integer(const json_t *json, int64_t min, int64_t max, int64_t *ret)
{
    *ret = json_integer_value(json);
    return json_is_integer(json) && *ret >= min && *ret <= max;
}

/* A list of integers of at most `room` items. */
static bool summary_list(const json_t *json, size_t room, int64_t min, int64_t *ret_items,
                         size_t *ret_count)
{
    *ret_count = json_array_size(json);
    bool ok = json_is_array(json) && *ret_count <= room;
    for (size_t i = 0; ok && i < *ret_count; i++) {
        ok = summary_integer(json_array_get(json, i), min, INT64_C(1) << 53,
                             &ret_items[i]);
    }
    return ok;
}

/* The indices and counts of a histogram; their sum goes to *ret_n. */
static bool summary_part(const json_t *json, const char *key, size_t room,
                         int64_t index_max, struct oracle_part *out, int64_t *ret_n)
{
    size_t counts = 0;
    int64_t before = -1;
    bool ok =
        summary_list(json_object_get(json, key), room, 0, out->index, &out->count) &&
        summary_list(json_object_get(json, "n"), room, 1, out->n, &counts) &&
        counts == out->count;
    *ret_n = 0;
    for (size_t i = 0; ok && i < out->count; i++) {
        out->index[i] += key[1] == 'u' && i > 0 ? before : 0; /* "bucket": differences */
        ok = out->index[i] > before && out->index[i] <= index_max &&
             out->n[i] <= UINT32_MAX;
        before = out->index[i];
        *ret_n += out->n[i];
    }
    return ok;
}

static bool summary_classes(const json_t *json, struct oracle_summary *out,
                            int64_t *ret_total)
{
    size_t sums = 0;
    int64_t n = 0;
    bool ok =
        summary_part(json, "index", 1000, 65535, &out->classes, &n) &&
        summary_list(json_object_get(json, "sum"), 1000, 0, out->classes.sum, &sums) &&
        sums == out->classes.count && n == out->n;
    *ret_total = 0;
    for (size_t i = 0; ok && i < sums; i++) {
        ok = out->classes.sum[i] <= 10000 * out->classes.n[i];
        *ret_total += out->classes.sum[i];
    }
    return ok;
}

static bool summary_confidences(const json_t *json, struct oracle_summary *out,
                                int64_t total)
{
    size_t sums = 0;
    int64_t n = 0;
    struct oracle_part *part = &out->confidence;
    bool ok = summary_part(json, "bin", 20, 19, part, &n) &&
              summary_list(json_object_get(json, "over"), 20, 0, part->sum, &sums) &&
              sums == part->count && n == out->n;
    for (size_t i = 0; ok && i < sums; i++) {
        ok = part->sum[i] <= (part->index[i] == 19 ? 500 : 499) * part->n[i];
        part->sum[i] += part->n[i] * 500 * part->index[i];
        total -= part->sum[i];
    }
    return ok && total == 0;
}

static bool summary_latencies(const json_t *json, struct oracle_summary *out)
{
    struct oracle_part *part = &out->latency;
    int64_t n = 0;
    size_t fullest = 0;
    bool ok = summary_part(json, "bucket", 1728, 1727, part, &n) && n == out->n &&
              summary_integer(json_object_get(json, "sum_us"), 0, INT64_C(1) << 53,
                              &out->sum_us);
    int64_t missing = out->sum_us;
    double least = 0.0;
    double most = 0.0;
    for (size_t i = 0; ok && i < part->count; i++) {
        unsigned bucket = (unsigned)part->index[i];
        double lower = histogram_latency_lower(bucket);
        least += (double)part->n[i] * lower;
        most += (double)part->n[i] * (lower + histogram_latency_width(bucket) - 1.0);
        part->sum[i] = (int64_t)((uint64_t)part->n[i] * histogram_latency_middle(bucket));
        missing = (int64_t)((uint64_t)missing - (uint64_t)part->sum[i]);
        fullest = part->n[i] > part->n[fullest] ? i : fullest;
    }
    if (ok) {
        part->sum[fullest] = (int64_t)((uint64_t)part->sum[fullest] + (uint64_t)missing);
    }
    return ok && (double)out->sum_us >= least && (double)out->sum_us <= most;
}

/* Entropy or margin: only of those that told their probabilities. */
static bool summary_bins(const json_t *json, struct oracle_summary *out,
                         struct oracle_part *part)
{
    int64_t n = 0;
    return !json || (json_is_object(json) &&
                     summary_part(json, "bin", 20, 19, part, &n) && n <= out->n);
}

static bool summary_oracle(const json_t *json, size_t rows, struct oracle_summary *out)
{
    const json_t *every = json_object_get(json, "every");
    const char *mode = json_string_value(json_object_get(json, "mode"));
    int64_t total = 0;
    out->present = true;
    out->classes.count = out->confidence.count = out->latency.count = 0;
    out->entropy.count = out->margin.count = 0;
    memset(out->mode, 0, sizeof out->mode);
    out->every = 1;
    if (!mode || strlen(mode) >= sizeof out->mode ||
        strlen(mode) != json_string_length(json_object_get(json, "mode"))) {
        return false;
    }
    memcpy(out->mode, mode, strlen(mode));
    bool ok = summary_integer(json_object_get(json, "from_ms"), INT64_MIN, INT64_MAX,
                              &out->from_ms) &&
              summary_integer(json_object_get(json, "to_ms"), INT64_MIN, INT64_MAX,
                              &out->to_ms) &&
              (!every || summary_integer(every, 1, 1000000, &out->every)) &&
              summary_integer(json_object_get(json, "n"), 1, UINT32_MAX, &out->n) &&
              summary_integer(json_object_get(json, "changes"), 0, out->n, &out->changes);
    double length_ms = (double)out->to_ms - (double)out->from_ms;
    ok = ok && out->to_ms > out->from_ms && length_ms < 1e15 &&
         out->to_ms - out->from_ms <= 3600000;
    bool sampled = strcmp(mode, "sampled") == 0;
    bool changes = strcmp(mode, "changes") == 0;
    ok = ok && (sampled || changes || strcmp(mode, "summary") == 0) &&
         (sampled || out->every == 1) &&
         rows <= (sampled   ? (size_t)out->n
                  : changes ? (size_t)out->changes
                            : 0);
    return ok && summary_classes(json_object_get(json, "class"), out, &total) &&
           summary_confidences(json_object_get(json, "confidence"), out, total) &&
           summary_latencies(json_object_get(json, "latency"), out) &&
           summary_bins(json_object_get(json, "entropy"), out, &out->entropy) &&
           summary_bins(json_object_get(json, "margin"), out, &out->margin);
}

#endif
