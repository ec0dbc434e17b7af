/* SPDX-License-Identifier: Apache-2.0 */
/* facts: what the machine is, for enrolment, sessions and for choosing models that fit.
 *
 * The server judges what it offers by the JSON text that is sent to it; the node judges
 * again by the same text with its free flash as it is then. */
#ifndef MUSTER_EDGE_FACTS_H
#define MUSTER_EDGE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "tuf/fit.h"

struct facts {
    char arch[FIT_ARCH_BYTES]; /* "x86_64", "aarch64" */
    char agent[65];            /* the program that uses the library */
    int64_t cores;
    int64_t ram_bytes;   /* in all */
    int64_t flash_bytes; /* free for models, 0: not known */
    size_t format_count; /* that this node runs */
    char formats[FIT_FORMATS_MAX][FIT_TEXT_BYTES];
};

/* Asks the system; `agent` and formats stay as they are. */
void facts_read(struct facts *facts);

/* Free bytes of the file system that holds `folder`; 0: not known. */
int64_t facts_flash_bytes(const char *folder);

/* Appends the JSON object. Free flash is rounded down to an eighth of a power of two, so
 * that a fleet of equal nodes has few different facts. */
void facts_encode(const struct facts *facts, struct buf *ret_json);

/* Whether this node runs a format; "": mnet/1. */
bool facts_run(const struct facts *facts, const char *format);

/* What the server reads in it, but with free flash to the byte. ERR_NO_MEMORY. */
enum status facts_fit(const struct facts *facts, struct fit_node *ret_node,
                      struct err *err) MUST_USE;

#endif
