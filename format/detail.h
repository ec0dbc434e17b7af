/* SPDX-License-Identifier: Apache-2.0 */
/* detail: how much of what a node predicts comes to the server as rows.
 *
 * docs/PROTOCOL.md sections 2 and 3 ("Detail", "Detail of a model") have the rules. */
#ifndef MUSTER_FORMAT_DETAIL_H
#define MUSTER_FORMAT_DETAIL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    DETAIL_EVERY_MAX = 1000000,
    DETAIL_INTERVAL_MIN_S = 10,
    DETAIL_INTERVAL_MAX_S = 60, /* and the usual */
};

/* From the most rows to the fewest. */
enum detail_mode {
    DETAIL_FULL,    /* a row a prediction, no summary */
    DETAIL_SAMPLED, /* a summary, and each prediction as a row with probability 1/every */
    DETAIL_CHANGES, /* a summary, and a row where the class differs from the one before */
    DETAIL_SUMMARY, /* a summary only */
    DETAIL_AUTO,    /* a model's setting only: the server chooses one of those above */
};

/* What an assignment asks of a node. */
struct detail {
    enum detail_mode mode; /* not DETAIL_AUTO */
    uint32_t every;        /* 1 … DETAIL_EVERY_MAX; 1 unless DETAIL_SAMPLED */
    int64_t interval_s;    /* of a summary; without meaning for DETAIL_FULL */
};

/* "full", "sampled", "changes", "summary", "auto". Static storage. */
const char *detail_mode_name(enum detail_mode mode);

/* False, with nothing set, when there is no mode of that name. */
bool detail_mode_parse(const char *name, enum detail_mode *ret_mode);

#endif
