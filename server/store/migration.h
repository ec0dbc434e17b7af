/* SPDX-License-Identifier: Apache-2.0 */
/* migration: brings a database to this program's schema. Internal to server/store.
 *
 * migrations/NNNN_name.sql are embedded in the binary and applied in order of their
 * number, each in its own transaction, forward only. Table `migration` records number,
 * name, SHA-256 and time of each. A database with a higher number than this program knows
 * is refused, and so is one whose recorded checksum differs from the embedded file. */
#ifndef MUSTER_SERVER_STORE_MIGRATION_H
#define MUSTER_SERVER_STORE_MIGRATION_H

#include <stddef.h>

#include "base/err.h"

struct db;

struct migration {
    int number;
    const char *name;
    const unsigned char *sql;
    const size_t *sql_len;
};

/* The embedded ones, in order. */
extern const struct migration migrations[];
extern const size_t migrations_count;

/* Applies what is missing of `list` (ascending numbers). ERR_DB_NEWER with both numbers;
 * ERR_DB when a recorded checksum differs. What was applied before a failing one stays.
 */
enum status migration_apply(struct db *db, const struct migration *list, size_t count,
                            struct err *err) MUST_USE;

#endif
