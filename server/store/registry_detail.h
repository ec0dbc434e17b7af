/* SPDX-License-Identifier: Apache-2.0 */
/* registry_detail: the statements of model_detail, and those that tell how much each
 * model predicted of late. Texts of handed out rows live only during the call. */
#ifndef MUSTER_SERVER_STORE_REGISTRY_DETAIL_H
#define MUSTER_SERVER_STORE_REGISTRY_DETAIL_H

#include <stdint.h>

#include "base/err.h"

struct db;

/* A row of table model_detail. */
struct detail_row {
    const char *model, *mode;
    int64_t every, interval_s, rows_per_day;
    int64_t changed_ms;
    const char *changed_by;
};

/* What a model predicted in the newest four complete quarter-hours that hold anything,
 * and what its newest summaries say of changes. */
struct detail_rate_row {
    const char *model;
    int64_t n;                   /* in an hour */
    int64_t summarised, changes; /* predictions of those summaries, changes among them */
};

/* Writes or replaces; on the writer. */
enum status detail_row_put(struct db *db, const struct detail_row *row,
                           struct err *err) MUST_USE;

/* Hands out every row; changed_ms and changed_by are not set. */
enum status detail_rows_load(struct db *db,
                             enum status (*each)(void *context,
                                                 const struct detail_row *row,
                                                 struct err *err),
                             void *context, struct err *err) MUST_USE;

/* Hands out the models that predicted anything before `now_ms`. */
enum status detail_rates_load(struct db *db, int64_t now_ms,
                              enum status (*each)(void *context,
                                                  const struct detail_rate_row *row,
                                                  struct err *err),
                              void *context, struct err *err) MUST_USE;

#endif
