/* SPDX-License-Identifier: Apache-2.0 */
/* facts: what the machine is, for enrolment and for choosing models that fit. */
#ifndef MUSTER_EDGE_FACTS_H
#define MUSTER_EDGE_FACTS_H

#include <stdint.h>

#include "base/buf.h"

struct facts {
    char arch[65]; /* "x86_64", "aarch64" */
    int64_t cores;
    int64_t ram_bytes; /* in all */
};

/* Asks the system. */
void facts_read(struct facts *ret_facts);

/* Appends the JSON object of enrolment; `agent` names the program. */
void facts_encode(const struct facts *facts, const char *agent, struct buf *ret_json);

/* Compares "1.10.2" with "1.9.0": below, equal to or above 0. Missing parts count 0. */
int facts_version_compare(const char *a, const char *b);

#endif
