/* SPDX-License-Identifier: Apache-2.0 */
/* registry_tokens: the statements of enrolment tokens and API tokens.
 *
 * Only hashes are stored. Writing functions run on the writer inside its transaction.
 * Loading ones hand out rows by id; texts live only during the call, and an error of
 * `each` ends it. */
#ifndef MUSTER_SERVER_STORE_REGISTRY_TOKENS_H
#define MUSTER_SERVER_STORE_REGISTRY_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;

struct enrollment_token_row {
    int64_t id;
    const char *name;
    uint8_t hash[32];
    int64_t max_uses, uses;
    bool pending;
    const char *labels; /* JSON object */
    int64_t created_ms, expires_ms;
    const char *created_by;
    int64_t revoked_ms; /* 0: not revoked */
};

struct api_token_row {
    int64_t id;
    const char *name;
    uint8_t hash[32];
    const char *role; /* "viewer", "operator", "publisher", "admin" */
    int64_t created_ms, expires_ms;
    const char *created_by;
};

/* Insert a token (its id is ignored) and tell its id. */
enum status enrollment_token_row_insert(struct db *db,
                                        const struct enrollment_token_row *row,
                                        int64_t *ret_id, struct err *err) MUST_USE;
enum status api_token_row_insert(struct db *db, const struct api_token_row *row,
                                 int64_t *ret_id, struct err *err) MUST_USE;

/* Counts one more use. */
enum status enrollment_token_row_use(struct db *db, int64_t id, struct err *err) MUST_USE;

/* Mark a token as revoked. */
enum status enrollment_token_row_revoke(struct db *db, int64_t id, int64_t revoked_ms,
                                        struct err *err) MUST_USE;
enum status api_token_row_revoke(struct db *db, int64_t id, int64_t revoked_ms,
                                 struct err *err) MUST_USE;

/* All enrolment tokens; all API tokens that are not revoked. */
enum status enrollment_token_rows_load(
    struct db *db,
    enum status (*each)(void *context, const struct enrollment_token_row *row,
                        struct err *err),
    void *context, struct err *err) MUST_USE;
enum status api_token_rows_load(struct db *db,
                                enum status (*each)(void *context,
                                                    const struct api_token_row *row,
                                                    struct err *err),
                                void *context, struct err *err) MUST_USE;

#endif
