/* SPDX-License-Identifier: Apache-2.0 */
/* model_access: models whose artifacts everybody may download, without a token.
 *
 * Names in memory, the truth in the database. Thread-safe; what blocks says so. */
#ifndef MUSTER_SERVER_SERVICE_MODEL_ACCESS_H
#define MUSTER_SERVER_SERVICE_MODEL_ACCESS_H

#include <stdbool.h>

#include "base/err.h"

struct artifacts;
struct changes;
struct model_access;

/* Loads them. Blocks. */
enum status model_access_open(struct changes *changes, struct artifacts *artifacts,
                              struct model_access **ret_access, struct err *err) MUST_USE;
void model_access_free(struct model_access *access);

bool model_access_public(struct model_access *access, const char *model);

/* Makes a model public or not; ERR_MODEL_UNKNOWN. Audited. Blocks. */
enum status model_access_set(struct model_access *access, const char *model,
                             bool is_public, const char *actor, struct err *err) MUST_USE;

#endif
