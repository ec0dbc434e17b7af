/* SPDX-License-Identifier: Apache-2.0 */
/* node_contact: how lately a node called, in four classes (docs/PROTOCOL.md, Pictures of
 * a fleet): as a multiple of the time between two polls. Pure functions. */
#ifndef MUSTER_SERVER_SERVICE_NODE_CONTACT_H
#define MUSTER_SERVER_SERVICE_NODE_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

enum node_contact {
    CONTACT_CURRENT,
    CONTACT_LATE,
    CONTACT_SILENT,
    CONTACT_NEVER,
};

enum { CONTACT_COUNT = CONTACT_NEVER + 1 };

/* Since when at most a node has called that is current, or late. */
struct contact_limits {
    int64_t current_ms, late_ms;
};

/* The limits at a poll interval, and what a last contact means (0: there was none). */
struct contact_limits contact_limits_of(int64_t poll_s);
enum node_contact node_contact_of(const struct contact_limits *limits,
                                  int64_t last_seen_ms, int64_t now_ms);

/* "current", "late", "silent", "never", and back (false for another text). */
const char *node_contact_name(enum node_contact contact);
bool node_contact_parse(const char *text, enum node_contact *ret_contact);

#endif
