/* SPDX-License-Identifier: Apache-2.0 */
/* registry_models: the statements of models, versions, artifacts and deployments.
 *
 * Writing functions run on the writer inside its transaction. Loading ones hand out rows
 * in order; texts live only during the call, and an error of `each` ends it. */
#ifndef MUSTER_SERVER_STORE_REGISTRY_MODELS_H
#define MUSTER_SERVER_STORE_REGISTRY_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;

struct model_row {
    const char *name, *task;
    int64_t floor;
};

/* A row of table artifact with its version's. */
struct artifact_row {
    const char *model, *version, *variant, *path;
    int64_t seq, published_ms;
    uint8_t sha256[32];
    int64_t length, ram_bytes;
    const char *hardware; /* JSON list, NULL: any */
    const char *classes;  /* JSON list */
    bool listed;
};

struct deployment_row {
    int64_t id;
    const char *model;
    int64_t seq;
    const char *selector;
    int64_t created_ms;
    const char *created_by;
};

/* Inserts a model, or sets its task and raises its floor (never lowers it). */
enum status model_row_put(struct db *db, const struct model_row *row,
                          struct err *err) MUST_USE;

/* Marks all artifacts as not listed; artifact_row_put then lists what is. */
enum status artifact_rows_unlist(struct db *db, struct err *err) MUST_USE;

/* Inserts or replaces an artifact and its version; a version that is there keeps its
 * published_ms. The model must be there. */
enum status artifact_row_put(struct db *db, const struct artifact_row *row,
                             struct err *err) MUST_USE;

/* Inserts a deployment (its id is ignored) and tells its id; takes one back. */
enum status deployment_row_insert(struct db *db, const struct deployment_row *row,
                                  int64_t *ret_id, struct err *err) MUST_USE;
enum status deployment_row_remove(struct db *db, int64_t id, int64_t removed_ms,
                                  struct err *err) MUST_USE;

/* Every model by name, every artifact by model, seq and variant, every deployment in
 * force by id. */
enum status model_rows_load(struct db *db,
                            enum status (*each)(void *context,
                                                const struct model_row *row,
                                                struct err *err),
                            void *context, struct err *err) MUST_USE;
enum status artifact_rows_load(struct db *db,
                               enum status (*each)(void *context,
                                                   const struct artifact_row *row,
                                                   struct err *err),
                               void *context, struct err *err) MUST_USE;
enum status deployment_rows_load(struct db *db,
                                 enum status (*each)(void *context,
                                                     const struct deployment_row *row,
                                                     struct err *err),
                                 void *context, struct err *err) MUST_USE;

#endif
