/* SPDX-License-Identifier: Apache-2.0 */
/* report: one batch of predictions from one node, as columns, and its JSON form.
 *
 * docs/PROTOCOL.md section 2 has the JSON. The decoder reads columns and rows in a single
 * pass into arrays of the caller's arena, without a tree and without an allocation per
 * prediction; the encoder writes the columnar form. */
#ifndef MUSTER_FORMAT_REPORT_H
#define MUSTER_FORMAT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct summary;

enum {
    REPORT_ROWS_MAX = 2000,
    REPORT_BYTES_MAX = 256 * 1024,
    REPORT_CLASS_MAX = 65535,
    CONFIDENCE_ONE = 10000, /* confidence is an integer of 1/10,000 */
};

/* What a node says of itself; a member is meant only if its bit is in `present`. */
enum health_bit {
    HEALTH_CPU_PCT = 1,
    HEALTH_RSS_BYTES = 2,
    HEALTH_TEMP_C = 4,
    HEALTH_POWER_MW = 8,
    HEALTH_QUEUED = 16,
    HEALTH_REJECTED = 32,
    HEALTH_INFERRED = 64,
    HEALTH_STATE = 128,
    HEALTH_CLOCK_DOUBT_MS = 256,
};

struct health {
    unsigned present; /* bits of enum health_bit; 0: no health object */
    double cpu_pct, temp_c, power_mw;
    int64_t rss_bytes, queued, rejected, inferred;
    char state[33];
    int64_t clock_doubt_ms; /* how far the report's times may be off, when over an hour */
};

struct report {
    int64_t stream, seq, sent_ms, dropped;
    char model[65];
    uint8_t artifact[32];
    bool below_floor;
    bool has_derived; /* the next made the predictions: built of the artifact */
    uint8_t derived[32];
    size_t rows;
    /* Columns of `rows` items, in the arena. */
    int64_t *at_ms;
    uint16_t *class_index;
    uint16_t *confidence; /* 0 … CONFIDENCE_ONE */
    uint32_t *latency_us;
    double *value;    /* NULL: no column; NaN: null */
    int64_t *sample;  /* NULL: no column */
    bool *has_sample; /* NULL: no column; false: null */
    struct health health;
    const struct summary *summary; /* NULL: none; else the rows are samples of it */
    bool by_rows;       /* sent as a list of rows: pointers of errors name them so */
    uint32_t body_hash; /* SipHash-2-4, zero key, low 32 bits, of the decoded body */
};

/* Whether a row has a sample number. */
static inline bool report_has_sample(const struct report *report, size_t row)
{
    return report->sample && report->has_sample && report->has_sample[row];
}

/* Decodes a body. On failure `err` has the status, a detail and the JSON pointer of the
 * item. Codes: ERR_JSON_*, ERR_REPORT_TOO_MANY, ERR_REPORT_SUMMARY, ERR_NO_MEMORY. */
enum status report_decode(const char *body, size_t len, struct arena *arena,
                          struct report *ret_report, struct err *err) MUST_USE;

/* Appends the columnar JSON of a report; value and sample columns only where present, and
 * no member that says what its absence says. */
void report_encode(const struct report *report, struct buf *ret_body);

/* How many predictions it tells of: those of its summary, else its rows. */
int64_t report_predictions(const struct report *report);

/* The low 32 bits of SipHash-2-4 with a zero key. */
uint32_t report_body_hash(const char *body, size_t len);

/* Confidence 0 … 1 to an integer of 1/10,000, rounded half up. The caller checked the
 * range. */
uint16_t report_confidence(double confidence);

#endif
