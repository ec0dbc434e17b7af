/* SPDX-License-Identifier: Apache-2.0 */
/* canonical: the one byte form of a JSON value that signatures and key ids are made over.
 *
 * This is "OLPC canonical JSON" as TUF uses it, not RFC 8785: no white space; members
 * sorted by the bytes of their UTF-8 names; in texts only `"` and `\` are escaped and
 * every other character stands raw, line feeds too; integers in decimal; no reals. */
#ifndef MUSTER_TUF_CANONICAL_H
#define MUSTER_TUF_CANONICAL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the canonical form of `value`. ERR_TUF_FORMAT for a real number or nesting
 * beyond 16, ERR_LIMIT past the buffer's ceiling. */
enum status canonical_json(const json_t *value, struct buf *ret_bytes,
                           struct err *err) MUST_USE;

#endif
