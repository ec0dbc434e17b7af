/* SPDX-License-Identifier: Apache-2.0 */
#include "format/summary.h"

#include <stdbool.h>

#include "format/histogram.h"
#include "format/report.h"

enum { BIN_WIDTH = CONFIDENCE_ONE / CONFIDENCE_BINS };

static const int64_t COUNT_MAX = INT64_C(1) << 53;

/* One of the histograms, and what may stand in it. */
struct part {
    const char *name, *key; /* members of the JSON */
    size_t count_max;
    uint32_t index_max;
    bool whole; /* its counts add up to n, not only to at most n */
};

static const struct part class_part = {"class", "index", SUMMARY_CLASSES_MAX,
                                       REPORT_CLASS_MAX, true};
static const struct part confidence_part = {"confidence", "bin", CONFIDENCE_BINS,
                                            CONFIDENCE_BINS - 1, true};
static const struct part latency_part = {"latency", "bucket", LATENCY_BUCKETS,
                                         LATENCY_BUCKETS - 1, true};
static const struct part entropy_part = {"entropy", "bin", CONFIDENCE_BINS,
                                         CONFIDENCE_BINS - 1, false};
static const struct part margin_part = {"margin", "bin", CONFIDENCE_BINS,
                                        CONFIDENCE_BINS - 1, false};

static enum status blame(struct err *err, enum status status, const char *name,
                         const char *what)
{
    (void)err_set(err, status, "%s %s", name, what);
    err_set_pointer(err, "/summary/%s", name);
    return status;
}

static enum status check_head(const struct summary *summary, struct err *err)
{
    int64_t length_ms = 0;
    if (__builtin_sub_overflow(summary->to_ms, summary->from_ms, &length_ms) ||
        length_ms < 1 || length_ms > SUMMARY_INTERVAL_MAX_MS) {
        return blame(err, ERR_JSON_RANGE, "to_ms", "must be 1 ms to 1 h after from_ms");
    }
    if (summary->mode != DETAIL_SAMPLED && summary->mode != DETAIL_CHANGES &&
        summary->mode != DETAIL_SUMMARY) {
        return blame(err, ERR_JSON_RANGE, "mode", "must be sampled, changes or summary");
    }
    if (summary->every < 1 || summary->every > DETAIL_EVERY_MAX) {
        return blame(err, ERR_JSON_RANGE, "every", "must be between 1 and 1000000");
    }
    if (summary->mode != DETAIL_SAMPLED && summary->every != 1) {
        return blame(err, ERR_REPORT_SUMMARY, "every", "must be 1 unless sampled");
    }
    if (summary->n < 1) {
        return blame(err, ERR_JSON_RANGE, "n", "must be at least 1");
    }
    if (summary->changes > summary->n) {
        return blame(err, ERR_REPORT_SUMMARY, "changes", "must be at most n");
    }
    return OK;
}

static enum status check_part(const struct summary *summary, const struct part *part,
                              const struct summary_cells *cells, struct err *err)
{
    if (cells->count > part->count_max) {
        (void)err_set(err, ERR_JSON_LENGTH, "%zu items, at most %zu", cells->count,
                      part->count_max);
        err_set_pointer(err, "/summary/%s/%s", part->name, part->key);
        return ERR_JSON_LENGTH;
    }
    uint64_t n = 0;
    for (size_t i = 0; i < cells->count; i++) {
        const struct summary_cell *cell = &cells->cells[i];
        if (cell->index > part->index_max || cell->n < 1 ||
            (i > 0 && cell->index <= cell[-1].index)) {
            (void)err_set(err, ERR_JSON_RANGE, "an empty, wrong or unordered cell");
            err_set_pointer(err, "/summary/%s/%s/%zu", part->name, part->key, i);
            return ERR_JSON_RANGE;
        }
        n += cell->n;
    }
    if (part->whole ? n != summary->n : n > summary->n) {
        (void)err_set(err, ERR_REPORT_SUMMARY, "the counts of %s add up to %llu, n is %u",
                      part->name, (unsigned long long)n, (unsigned)summary->n);
        err_set_pointer(err, "/summary/%s/n", part->name);
        return ERR_REPORT_SUMMARY;
    }
    return OK;
}

/* A cell's sum must be possible for n confidences from `low` to `high`. */
static enum status check_sum(const struct summary_cell *cell, const char *column,
                             size_t at, const int64_t range[2], struct err *err)
{
    if (cell->sum >= range[0] * cell->n && cell->sum <= range[1] * cell->n) {
        return OK;
    }
    (void)err_set(err, ERR_REPORT_SUMMARY,
                  "the sum of %u confidences of %lld to %lld cannot be %lld",
                  (unsigned)cell->n, (long long)range[0], (long long)range[1],
                  (long long)cell->sum);
    err_set_pointer(err, "/summary/%s/%zu", column, at);
    return ERR_REPORT_SUMMARY;
}

static enum status check_confidences(const struct summary *summary, struct err *err)
{
    int64_t by_class = 0;
    int64_t by_bin = 0;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < summary->classes.count; i++) {
        static const int64_t range[] = {0, CONFIDENCE_ONE};
        const struct summary_cell *cell = &summary->classes.cells[i];
        by_class += cell->sum;
        status = check_sum(cell, "class/sum", i, range, err);
    }
    for (size_t i = 0; status == OK && i < summary->confidence.count; i++) {
        const struct summary_cell *cell = &summary->confidence.cells[i];
        int64_t low = (int64_t)BIN_WIDTH * cell->index;
        bool last = cell->index == CONFIDENCE_BINS - 1;
        const int64_t range[] = {low, low + BIN_WIDTH - (last ? 0 : 1)};
        by_bin += cell->sum;
        status = check_sum(cell, "confidence/over", i, range, err);
    }
    if (status == OK && by_class != by_bin) {
        (void)err_set(err, ERR_REPORT_SUMMARY,
                      "confidences add up to %lld by class and to %lld by bin",
                      (long long)by_class, (long long)by_bin);
        err_set_pointer(err, "/summary/confidence/over");
        return ERR_REPORT_SUMMARY;
    }
    return status;
}

static enum status check_latency(const struct summary *summary, struct err *err)
{
    uint64_t least = 0;
    uint64_t most = 0;
    for (size_t i = 0; i < summary->latency.count; i++) {
        const struct summary_cell *cell = &summary->latency.cells[i];
        uint64_t lower = histogram_latency_lower(cell->index);
        least += lower * cell->n;
        most += (lower + histogram_latency_width(cell->index) - 1) * cell->n;
    }
    int64_t sum = summary->latency_sum_us;
    if (sum < 0 || sum > COUNT_MAX || (uint64_t)sum < least || (uint64_t)sum > most) {
        (void)err_set(err, ERR_REPORT_SUMMARY,
                      "latencies of these buckets cannot add up to %lld us",
                      (long long)sum);
        err_set_pointer(err, "/summary/latency/sum_us");
        return ERR_REPORT_SUMMARY;
    }
    return OK;
}

enum status summary_check(const struct summary *summary, struct err *err)
{
    enum status status = check_head(summary, err);
    if (status == OK) {
        status = check_part(summary, &class_part, &summary->classes, err);
    }
    if (status == OK) {
        status = check_part(summary, &confidence_part, &summary->confidence, err);
    }
    if (status == OK) {
        status = check_part(summary, &latency_part, &summary->latency, err);
    }
    if (status == OK) {
        status = check_part(summary, &entropy_part, &summary->entropy, err);
    }
    if (status == OK) {
        status = check_part(summary, &margin_part, &summary->margin, err);
    }
    if (status == OK) {
        status = check_confidences(summary, err);
    }
    return status == OK ? check_latency(summary, err) : status;
}

void summary_spread_latency(struct summary *summary)
{
    struct summary_cells *latency = &summary->latency;
    struct summary_cell *fullest = NULL;
    int64_t missing = summary->latency_sum_us;
    for (size_t i = 0; i < latency->count; i++) {
        struct summary_cell *cell = &latency->cells[i];
        cell->sum = (int64_t)cell->n * histogram_latency_middle(cell->index);
        missing -= cell->sum;
        fullest = fullest && fullest->n >= cell->n ? fullest : cell;
    }
    if (fullest) {
        fullest->sum += missing;
    }
}

/* encoding */

static void add_number(struct buf *body, const char *name, int64_t value)
{
    buf_addc(body, '"');
    buf_addstr(body, name);
    buf_addstr(body, "\":");
    buf_addi(body, value);
    buf_addc(body, ',');
}

enum cell_member { CELL_INDEX, CELL_STEP, CELL_N, CELL_SUM, CELL_OVER };

static void add_column(struct buf *body, const char *name, enum cell_member member,
                       const struct summary_cells *cells)
{
    uint32_t before = 0;
    buf_addc(body, '"');
    buf_addstr(body, name);
    buf_addstr(body, "\":[");
    for (size_t i = 0; i < cells->count; i++) {
        const struct summary_cell *cell = &cells->cells[i];
        int64_t value = member == CELL_N     ? (int64_t)cell->n
                        : member == CELL_SUM ? cell->sum
                                             : (int64_t)cell->index;
        if (member == CELL_STEP) {
            value -= before;
            before = cell->index;
        } else if (member == CELL_OVER) {
            value = cell->sum - (int64_t)cell->n * BIN_WIDTH * cell->index;
        }
        buf_addstr(body, i > 0 ? "," : "");
        buf_addi(body, value);
    }
    buf_addc(body, ']');
}

/* Appends ,"<name>":{"bin":[…],"n":[…]} unless nothing is known. */
static void add_bins(struct buf *body, const struct part *part,
                     const struct summary_cells *cells)
{
    if (cells->count == 0) {
        return;
    }
    buf_addstr(body, ",\"");
    buf_addstr(body, part->name);
    buf_addstr(body, "\":{");
    add_column(body, part->key, CELL_INDEX, cells);
    buf_addc(body, ',');
    add_column(body, "n", CELL_N, cells);
    buf_addc(body, '}');
}

void summary_encode(const struct summary *summary, struct buf *ret_body)
{
    buf_addc(ret_body, '{');
    add_number(ret_body, "from_ms", summary->from_ms);
    add_number(ret_body, "to_ms", summary->to_ms);
    buf_addstr(ret_body, "\"mode\":\"");
    buf_addstr(ret_body, detail_mode_name(summary->mode));
    buf_addstr(ret_body, "\",");
    if (summary->every != 1) {
        add_number(ret_body, "every", summary->every);
    }
    add_number(ret_body, "n", summary->n);
    add_number(ret_body, "changes", summary->changes);
    buf_addstr(ret_body, "\"class\":{");
    add_column(ret_body, "index", CELL_INDEX, &summary->classes);
    buf_addc(ret_body, ',');
    add_column(ret_body, "n", CELL_N, &summary->classes);
    buf_addc(ret_body, ',');
    add_column(ret_body, "sum", CELL_SUM, &summary->classes);
    buf_addstr(ret_body, "},\"confidence\":{");
    add_column(ret_body, "bin", CELL_INDEX, &summary->confidence);
    buf_addc(ret_body, ',');
    add_column(ret_body, "n", CELL_N, &summary->confidence);
    buf_addc(ret_body, ',');
    add_column(ret_body, "over", CELL_OVER, &summary->confidence);
    buf_addstr(ret_body, "},\"latency\":{");
    add_column(ret_body, "bucket", CELL_STEP, &summary->latency);
    buf_addc(ret_body, ',');
    add_column(ret_body, "n", CELL_N, &summary->latency);
    buf_addstr(ret_body, ",\"sum_us\":");
    buf_addi(ret_body, summary->latency_sum_us);
    buf_addc(ret_body, '}');
    add_bins(ret_body, &entropy_part, &summary->entropy);
    add_bins(ret_body, &margin_part, &summary->margin);
    buf_addc(ret_body, '}');
}
