/* SPDX-License-Identifier: Apache-2.0 */
/* report_decoder: the inside of report_decode, shared by its four files: values
 * (report_values.c), the predictions (report_predictions.c), the summary
 * (report_summary.c) and the members around them (report_decode.c). */
#ifndef MUSTER_FORMAT_REPORT_DECODER_H
#define MUSTER_FORMAT_REPORT_DECODER_H

#include "format/json_scan.h"
#include "format/report.h"

/* The columns, in the order of their names in report_predictions.c; the last of storage
 * has no name in JSON. */
enum column {
    COLUMN_AT_MS,
    COLUMN_CLASS,
    COLUMN_CONFIDENCE,
    COLUMN_LATENCY_US,
    COLUMN_VALUE,
    COLUMN_SAMPLE,
    COLUMN_HAS_SAMPLE,
    STORAGE_COUNT,
    COLUMN_COUNT = COLUMN_HAS_SAMPLE,
};

struct decoder {
    struct json_scan scan;
    struct arena *arena;
    struct report report;         /* all but the columns */
    void *columns[STORAGE_COUNT]; /* in the arena; NULL: not met */
    size_t room;                  /* items that each allocated column holds */
    size_t counts[COLUMN_COUNT];  /* items read, columnar form */
    uint32_t present;             /* columns that were met, a bit each */
};

/* An allowed range of integers, and whose it is. */
struct integer_rule {
    const char *name;
    int64_t min, max;
};

/* Each reads one value, or says what is wrong with it (ERR_JSON_TYPE, ERR_JSON_RANGE,
 * ERR_JSON_LENGTH, ERR_JSON_SYNTAX, ERR_JSON_NUMBER) by `name`, without a pointer. */
enum status decoder_integer(struct decoder *decoder, const struct integer_rule *rule,
                            int64_t *ret_value) MUST_USE;
enum status decoder_double(struct decoder *decoder, const char *name,
                           double *ret_value) MUST_USE;
enum status decoder_boolean(struct decoder *decoder, const char *name,
                            bool *ret_value) MUST_USE;
enum status decoder_confidence(struct decoder *decoder,
                               uint16_t *ret_confidence) MUST_USE;

/* Steps over `null` if it is next. */
enum status decoder_null(struct decoder *decoder, bool *ret_null) MUST_USE;

/* A string of `min` to `room` - 1 bytes, NUL-terminated into `ret_text`. */
enum status decoder_text(struct decoder *decoder, const char *name, size_t min,
                         char *ret_text, size_t room) MUST_USE;

/* The value of "predictions", in either form; sets report.rows and the columns. */
enum status decoder_predictions(struct decoder *decoder) MUST_USE;

/* The value of "summary"; sets report.summary, in the arena. */
enum status decoder_summary(struct decoder *decoder) MUST_USE;

/* When all members are read: no more rows than the summary allows. */
enum status decoder_check_samples(struct decoder *decoder) MUST_USE;

#endif
