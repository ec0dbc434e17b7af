/* SPDX-License-Identifier: Apache-2.0 */
/* examine: a database that no server uses (a copy, a backup): what it is, and whether it
 * is whole.
 *
 * The file is opened read-only and may lie on a read-only disk. Everything blocks. */
#ifndef MUSTER_SERVER_STORE_EXAMINE_H
#define MUSTER_SERVER_STORE_EXAMINE_H

#include <stdint.h>

#include "base/err.h"

struct database_facts {
    char server_id[33];
    int64_t schema;    /* newest migration */
    int64_t newest_id; /* of a prediction or report; 0: none */
    int64_t nodes, predictions;
};

/* Reads the facts. ERR_NOT_FOUND when it was never initialised, ERR_DB_CORRUPT. */
enum status examine_facts(const char *path, struct database_facts *ret_facts,
                          struct err *err) MUST_USE;

/* PRAGMA integrity_check, foreign keys, and what has none: every prediction, sample and
 * report has its cohort. Reads all of it. ERR_DB_CORRUPT with the first finding,
 * ERR_DB_NEWER when this program is too old for it. */
enum status examine_check(const char *path, struct err *err) MUST_USE;

/* Hands out the SHA-256 (hex) of every listed artifact. */
enum status examine_artifacts(const char *path,
                              enum status (*each)(void *context, const char *sha256,
                                                  struct err *err),
                              void *context, struct err *err) MUST_USE;

#endif
