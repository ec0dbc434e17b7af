/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "format/histogram.h"
#include "format/json_plain.h"
#include "format/report_decoder.h"
#include "format/summary.h"

enum { CELLS_AT_FIRST = 64, CELLS_GROWTH = 4, MODE_BYTES = 16 };
enum { BIN_WIDTH = CONFIDENCE_ONE / CONFIDENCE_BINS };

static const int64_t COUNT_MAX = (int64_t)1 << 53;

enum member {
    MEMBER_FROM_MS,
    MEMBER_TO_MS,
    MEMBER_MODE,
    MEMBER_N,
    MEMBER_CHANGES,
    MEMBER_CLASS,
    MEMBER_CONFIDENCE,
    MEMBER_LATENCY,
    MEMBER_EVERY,
    MEMBER_ENTROPY,
    MEMBER_MARGIN,
    MEMBER_COUNT,
};

enum { REQUIRED_MEMBERS = MEMBER_LATENCY + 1 };

static const struct json_name member_names[MEMBER_COUNT] = {
    [MEMBER_FROM_MS] = JSON_NAME("from_ms"),
    [MEMBER_TO_MS] = JSON_NAME("to_ms"),
    [MEMBER_MODE] = JSON_NAME("mode"),
    [MEMBER_N] = JSON_NAME("n"),
    [MEMBER_CHANGES] = JSON_NAME("changes"),
    [MEMBER_CLASS] = JSON_NAME("class"),
    [MEMBER_CONFIDENCE] = JSON_NAME("confidence"),
    [MEMBER_LATENCY] = JSON_NAME("latency"),
    [MEMBER_EVERY] = JSON_NAME("every"),
    [MEMBER_ENTROPY] = JSON_NAME("entropy"),
    [MEMBER_MARGIN] = JSON_NAME("margin"),
};

/* The columns of a histogram. */
enum cell_column { CELL_INDEX, CELL_N, CELL_SUM, CELL_COLUMNS };

/* How a histogram is written. */
struct part {
    const char *name;
    struct json_name names[CELL_COLUMNS]; /* the third may be missing */
    int columns;
    size_t cells_max;
    uint32_t index_max;
    bool steps; /* each index is written as its distance from the one before */
    bool total; /* the third member is not a column but one sum */
};

static const struct part class_part = {
    "class", {JSON_NAME("index"), JSON_NAME("n"), JSON_NAME("sum")},
    3,       SUMMARY_CLASSES_MAX,
    65535,   false,
    false};
static const struct part confidence_part = {
    "confidence",
    {JSON_NAME("bin"), JSON_NAME("n"), JSON_NAME("over")},
    3,
    CONFIDENCE_BINS,
    CONFIDENCE_BINS - 1,
    false,
    false};
static const struct part latency_part = {
    "latency",
    {JSON_NAME("bucket"), JSON_NAME("n"), JSON_NAME("sum_us")},
    3,
    LATENCY_BUCKETS,
    LATENCY_BUCKETS - 1,
    true,
    true};
static const struct part entropy_part = {"entropy",
                                         {JSON_NAME("bin"), JSON_NAME("n")},
                                         2,
                                         CONFIDENCE_BINS,
                                         CONFIDENCE_BINS - 1,
                                         false,
                                         false};
static const struct part margin_part = {"margin",
                                        {JSON_NAME("bin"), JSON_NAME("n")},
                                        2,
                                        CONFIDENCE_BINS,
                                        CONFIDENCE_BINS - 1,
                                        false,
                                        false};

/* A histogram being read. */
struct reader {
    const struct part *part;
    struct summary_cell *cells;
    size_t room;
    size_t counts[CELL_COLUMNS];
};

/* As decoder_integer, with a short way for plain numbers. */
static enum status read_integer(struct decoder *d, const struct integer_rule *rule,
                                int64_t *ret_value)
{
    uint64_t digits = 0;
    unsigned fraction = 0;
    (void)json_scan_peek(&d->scan);
    const char *from = d->scan.at;
    if (json_scan_plain(&d->scan, &digits, &fraction) && fraction == 0 &&
        (int64_t)digits >= rule->min && (int64_t)digits <= rule->max) {
        *ret_value = (int64_t)digits;
        return OK;
    }
    d->scan.at = from;
    return decoder_integer(d, rule, ret_value);
}

static enum status read_index(struct decoder *d, const struct reader *reader, size_t at,
                              int64_t *ret_index)
{
    const struct part *part = reader->part;
    int64_t before = at > 0 ? (int64_t)reader->cells[at - 1].index : -1;
    const struct integer_rule rule = {part->names[CELL_INDEX].text,
                                      part->steps && at > 0 ? 1 : 0, part->index_max};
    enum status status = read_integer(d, &rule, ret_index);
    if (status == OK && part->steps && at > 0) {
        *ret_index += before;
    }
    if (status == OK && (*ret_index <= before || *ret_index > part->index_max)) {
        return err_set(d->scan.err, ERR_JSON_RANGE,
                       "%s must ascend strictly, up to %u: %lld follows %lld", rule.name,
                       (unsigned)part->index_max, (long long)*ret_index,
                       (long long)before);
    }
    return status;
}

static enum status read_cell(struct decoder *d, const struct reader *reader,
                             enum cell_column column, size_t at)
{
    struct summary_cell *cell = &reader->cells[at];
    const struct integer_rule n = {"n", 1, UINT32_MAX};
    const struct integer_rule sum = {reader->part->names[CELL_SUM].text, 0, COUNT_MAX};
    int64_t value = 0;
    enum status status = OK;
    switch (column) {
    case CELL_INDEX:
        status = read_index(d, reader, at, &value);
        cell->index = (uint32_t)value;
        return status;
    case CELL_N:
        status = read_integer(d, &n, &value);
        cell->n = (uint32_t)value;
        return status;
    case CELL_SUM:
        return read_integer(d, &sum, &cell->sum);
    case CELL_COLUMNS:
        break;
    }
    return err_set(d->scan.err, ERR_INTERNAL, "no such column");
}

static enum status grow(struct decoder *d, struct reader *reader, size_t used)
{
    size_t max = reader->part->cells_max;
    if (used < reader->room) {
        return OK;
    }
    if (used == max) {
        return err_set(d->scan.err, ERR_JSON_LENGTH, "%s has more than %zu items",
                       reader->part->name, max);
    }
    size_t room = reader->room > 0 ? reader->room * CELLS_GROWTH : CELLS_AT_FIRST;
    room = room > max ? max : room;
    struct summary_cell *cells = arena_array(d->arena, room, sizeof *cells);
    if (!cells) {
        return err_set(d->scan.err, ERR_NO_MEMORY, "no memory for a summary");
    }
    if (reader->room > 0) {
        memcpy(cells, reader->cells, reader->room * sizeof *cells);
    }
    reader->cells = cells;
    reader->room = room;
    return OK;
}

/* Keeps a plain number as item `at`, which has one before it; false if it is out of
 * range.
 */
static bool put_plain(const struct reader *reader, enum cell_column column, size_t at,
                      uint64_t value)
{
    struct summary_cell *cell = &reader->cells[at];
    uint64_t before = reader->cells[at - 1].index;
    uint64_t index = value + (reader->part->steps ? before : 0);
    if (column == CELL_INDEX && index > before && index <= reader->part->index_max) {
        cell->index = (uint32_t)index;
        return true;
    }
    if (column == CELL_N && value >= 1 && value <= UINT32_MAX) {
        cell->n = (uint32_t)value;
        return true;
    }
    if (column == CELL_SUM) {
        cell->sum = (int64_t)value;
        return true;
    }
    return false;
}

/* Reads on behind item `at - 1` while there are commas, each directly followed by a plain
 * number in range and by what ends it: nearly all of a histogram. What is left, and any
 * mistake, is for the way through single items. Returns how many there are now. */
static size_t read_plain_run(struct decoder *d, const struct reader *reader,
                             enum cell_column column, size_t at)
{
    enum { DIGITS = 15 }; /* less than COUNT_MAX */
    struct json_scan *scan = &d->scan;
    for (; at < reader->room && scan->at < scan->end && *scan->at == ','; at++) {
        const char *from = scan->at + 1;
        const char *end = scan->end - from > DIGITS ? from + DIGITS : scan->end;
        uint64_t value = 0;
        const char *behind = json_plain_digits(from, end, &value);
        if (behind == from || behind == end || (*from == '0' && behind - from > 1) ||
            (*behind != ',' && *behind != ']') || !put_plain(reader, column, at, value)) {
            break;
        }
        scan->at = behind;
    }
    return at;
}

static enum status read_column(struct decoder *d, struct reader *reader,
                               enum cell_column column)
{
    const char *name = reader->part->names[column].text;
    if (json_scan_peek(&d->scan) != '[') {
        return json_scan_wrong_type(&d->scan, name, "a list");
    }
    enum status status = json_scan_enter_list(&d->scan);
    bool more = true;
    size_t count = 0;
    while (status == OK) {
        status = json_scan_item(&d->scan, count == 0, &more);
        if (status != OK || !more) {
            break;
        }
        status = grow(d, reader, count);
        if (status != OK) {
            return status;
        }
        status = read_cell(d, reader, column, count);
        if (status != OK) {
            err_set_pointer(d->scan.err, "/summary/%s/%s/%zu", reader->part->name, name,
                            count);
        }
        count++;
        if (status == OK) {
            count = read_plain_run(d, reader, column, count);
        }
    }
    reader->counts[column] = count;
    return status;
}

/* All members are there and all columns have the same length. */
static enum status check_columns(struct decoder *d, const struct reader *reader,
                                 uint32_t seen)
{
    const struct part *part = reader->part;
    enum status status = OK;
    for (int i = 0; status == OK && i < part->columns; i++) {
        const char *name = part->names[i].text;
        bool column = i != CELL_SUM || !part->total;
        if (!(seen & 1u << i)) {
            status = err_set(d->scan.err, ERR_JSON_MISSING, "%s of %s is missing", name,
                             part->name);
        } else if (column && reader->counts[i] != reader->counts[CELL_INDEX]) {
            status = err_set(d->scan.err, ERR_JSON_LENGTH, "%s has %zu items, %s has %zu",
                             part->names[CELL_INDEX].text, reader->counts[CELL_INDEX],
                             name, reader->counts[i]);
        }
        if (status != OK) {
            err_set_pointer(d->scan.err, "/summary/%s/%s", part->name, name);
        }
    }
    return status;
}

static enum status read_part_member(struct decoder *d, struct summary *summary,
                                    struct reader *reader, enum cell_column column)
{
    enum status status = OK;
    if (column == CELL_SUM && reader->part->total) {
        const struct integer_rule rule = {"sum_us", 0, COUNT_MAX};
        status = read_integer(d, &rule, &summary->latency_sum_us);
    } else {
        status = read_column(d, reader, column);
    }
    if (status != OK) {
        err_set_pointer(d->scan.err, "/summary/%s/%s", reader->part->name,
                        reader->part->names[column].text);
    }
    return status;
}

static enum status read_part(struct decoder *d, struct summary *summary,
                             const struct part *part, struct summary_cells *ret_cells)
{
    struct reader reader = {.part = part};
    struct json_members members;
    if (json_scan_peek(&d->scan) != '{') {
        return json_scan_wrong_type(&d->scan, part->name, "an object of columns");
    }
    enum status status =
        json_scan_enter_object(&d->scan, part->names, part->columns, &members);
    while (status == OK) {
        int index = 0;
        status = json_scan_member(&d->scan, &members, &index);
        if (status == OK && index == JSON_END) {
            *ret_cells = (struct summary_cells){reader.cells, reader.counts[CELL_INDEX]};
            return check_columns(d, &reader, members.seen);
        }
        if (status == OK) {
            status = index == JSON_UNKNOWN
                         ? json_scan_skip(&d->scan)
                         : read_part_member(d, summary, &reader, (enum cell_column)index);
        }
    }
    return status;
}

static enum status read_mode(struct decoder *d, enum detail_mode *ret_mode)
{
    char text[MODE_BYTES];
    enum status status = decoder_text(d, "mode", 1, text, sizeof text);
    if (status == OK && !detail_mode_parse(text, ret_mode)) {
        return err_set(d->scan.err, ERR_JSON_RANGE,
                       "mode must be sampled, changes or summary, found '%s'", text);
    }
    return status;
}

static enum status read_count(struct decoder *d, const struct integer_rule *rule,
                              uint32_t *ret_count)
{
    int64_t value = 0;
    enum status status = read_integer(d, rule, &value);
    *ret_count = (uint32_t)value;
    return status;
}

static enum status read_member(struct decoder *d, struct summary *summary,
                               enum member member)
{
    static const struct integer_rule from_ms = {"from_ms", INT64_MIN, INT64_MAX};
    static const struct integer_rule to_ms = {"to_ms", INT64_MIN, INT64_MAX};
    static const struct integer_rule every = {"every", 1, DETAIL_EVERY_MAX};
    static const struct integer_rule n = {"n", 1, UINT32_MAX};
    static const struct integer_rule changes = {"changes", 0, UINT32_MAX};
    switch (member) {
    case MEMBER_FROM_MS:
        return read_integer(d, &from_ms, &summary->from_ms);
    case MEMBER_TO_MS:
        return read_integer(d, &to_ms, &summary->to_ms);
    case MEMBER_MODE:
        return read_mode(d, &summary->mode);
    case MEMBER_EVERY:
        return read_count(d, &every, &summary->every);
    case MEMBER_N:
        return read_count(d, &n, &summary->n);
    case MEMBER_CHANGES:
        return read_count(d, &changes, &summary->changes);
    case MEMBER_CLASS:
        return read_part(d, summary, &class_part, &summary->classes);
    case MEMBER_CONFIDENCE:
        return read_part(d, summary, &confidence_part, &summary->confidence);
    case MEMBER_LATENCY:
        return read_part(d, summary, &latency_part, &summary->latency);
    case MEMBER_ENTROPY:
        return read_part(d, summary, &entropy_part, &summary->entropy);
    case MEMBER_MARGIN:
        return read_part(d, summary, &margin_part, &summary->margin);
    case MEMBER_COUNT:
        break;
    }
    return err_set(d->scan.err, ERR_INTERNAL, "no such member");
}

/* All members are there and agree; the sums that stand differently in JSON are made. */
static enum status finish(struct decoder *d, struct summary *summary, uint32_t seen)
{
    for (int i = 0; i < REQUIRED_MEMBERS; i++) {
        if (!(seen & 1u << i)) {
            enum status status = err_set(d->scan.err, ERR_JSON_MISSING, "%s is missing",
                                         member_names[i].text);
            err_set_pointer(d->scan.err, "/summary/%s", member_names[i].text);
            return status;
        }
    }
    for (size_t i = 0; i < summary->confidence.count; i++) {
        struct summary_cell *cell = &summary->confidence.cells[i];
        cell->sum += (int64_t)cell->n * BIN_WIDTH * cell->index;
    }
    enum status status = summary_check(summary, d->scan.err);
    if (status == OK) {
        summary_spread_latency(summary);
        d->report.summary = summary;
    }
    return status;
}

enum status decoder_summary(struct decoder *d)
{
    if (json_scan_peek(&d->scan) != '{') {
        return json_scan_wrong_type(&d->scan, "summary", "an object");
    }
    struct summary *summary = arena_alloc(d->arena, sizeof *summary);
    if (!summary) {
        return err_set(d->scan.err, ERR_NO_MEMORY, "no memory for a summary");
    }
    summary->every = 1;
    struct json_members members;
    enum status status =
        json_scan_enter_object(&d->scan, member_names, MEMBER_COUNT, &members);
    while (status == OK) {
        int index = 0;
        status = json_scan_member(&d->scan, &members, &index);
        if (status != OK) {
            return status;
        }
        if (index == JSON_END) {
            return finish(d, summary, members.seen);
        }
        status = index == JSON_UNKNOWN ? json_scan_skip(&d->scan)
                                       : read_member(d, summary, (enum member)index);
        if (status != OK && index != JSON_UNKNOWN) {
            err_set_pointer(d->scan.err, "/summary/%s", member_names[index].text);
        }
    }
    return status;
}

enum status decoder_check_samples(struct decoder *d)
{
    const struct summary *summary = d->report.summary;
    if (!summary) {
        return OK;
    }
    size_t most = summary->mode == DETAIL_SUMMARY   ? 0
                  : summary->mode == DETAIL_CHANGES ? summary->changes
                                                    : summary->n;
    if (d->report.rows <= most) {
        return OK;
    }
    (void)err_set(d->scan.err, ERR_REPORT_SUMMARY,
                  "%zu predictions beside a summary that allows %zu (%s)", d->report.rows,
                  most, detail_mode_name(summary->mode));
    err_set_pointer(d->scan.err, "/predictions");
    return ERR_REPORT_SUMMARY;
}
