/* SPDX-License-Identifier: Apache-2.0 */
/* node_past: what one node ran of late and what it reported last.
 *
 * Versions are those of the last NODE_PAST_DAYS days, a look for each of their hours; the
 * newest reports are found by the rings that make them count once (dedupe.h), and told as
 * long as they are kept. So neither grows with the fleet or with time. */
#ifndef MUSTER_SERVER_SERVICE_NODE_PAST_H
#define MUSTER_SERVER_SERVICE_NODE_PAST_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/store/node_history.h"

struct changes;

enum { NODE_PAST_DAYS = 30, NODE_PAST_REPORTS = 16 };

/* Latest first; texts are in the arena. */
struct node_past {
    int64_t from_ms; /* versions are those from then on */
    struct node_version_row *versions;
    size_t version_count;
    struct node_report_row *reports;
    size_t report_count;
};

/* Of a node at a time; nothing of an unknown one. ERR_NO_MEMORY. Blocks. */
enum status node_past_read(struct changes *changes, int64_t node_id, int64_t now_ms,
                           struct arena *arena, struct node_past *ret_past,
                           struct err *err) MUST_USE;

#endif
