/* SPDX-License-Identifier: Apache-2.0 */
/* node_history: the statements of what one node ran and reported.
 *
 * Neither table has an index by node, so both are asked by keys that the caller knows:
 * hours in a row, and ids of reports. On a reader; texts live only during a call. */
#ifndef MUSTER_SERVER_STORE_NODE_HISTORY_H
#define MUSTER_SERVER_STORE_NODE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;

/* Which hours of which node: [from_ms, to_ms), whole hours. */
struct node_hours {
    int64_t node_id, from_ms, to_ms;
};

/* What a node ran in these hours. */
struct node_version_row {
    const char *model;
    uint8_t artifact[32];
    int64_t first_received_ms, last_received_ms;
    int64_t predictions, reports;
};

struct node_report_row {
    int64_t first_id, stream, seq, rows, sent_ms, dropped;
    const char *model, *mode;
    uint8_t artifact[32];
    int64_t predictions; /* that it tells of, as rows or in its summary */
    bool known, below_floor;
};

typedef enum status node_version_each(void *context, const struct node_version_row *row,
                                      struct err *err);
typedef enum status node_report_each(void *context, const struct node_report_row *row,
                                     struct err *err);

/* The artifacts and models, the latest first, at most 100: one look for every hour. */
enum status node_versions_load(struct db *db, const struct node_hours *hours,
                               node_version_each *each, void *context,
                               struct err *err) MUST_USE;

/* The report of that id; nothing when it was deleted or is another node's. */
enum status node_report_load(struct db *db, int64_t node_id, int64_t first_id,
                             node_report_each *each, void *context,
                             struct err *err) MUST_USE;

#endif
