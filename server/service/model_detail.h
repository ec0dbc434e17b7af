/* SPDX-License-Identifier: Apache-2.0 */
/* model_detail: how much detail is asked of the nodes of each model.
 *
 * Owns the settings of table model_detail and, for `auto`, what each model predicted in
 * each minute of the last hour, in memory: nothing is written for it. After a start the
 * rates of the newest rollups and summaries serve until some minutes are seen. What is
 * asked changes at a setting and on the ticker only. Thread-safe; only open and set
 * block. */
#ifndef MUSTER_SERVER_SERVICE_MODEL_DETAIL_H
#define MUSTER_SERVER_SERVICE_MODEL_DETAIL_H

#include <stdint.h>

#include "base/err.h"
#include "server/service/detail_policy.h"

struct artifacts;
struct changes;
struct model_details;
struct report;

/* A setting and what it means now. */
struct model_detail_info {
    struct detail_setting setting;
    struct detail now;
    struct detail_rates rates;
};

/* Loads the settings and the newest rates. `changes` and `artifacts` must outlive it.
 * Blocks. */
enum status model_details_open(struct changes *changes, struct artifacts *artifacts,
                               struct model_details **ret_details,
                               struct err *err) MUST_USE;
void model_details_free(struct model_details *details);

/* What to ask of the nodes of a model that artifacts know. */
struct detail model_detail_now(struct model_details *details, const char *model);

/* The setting of a model; ERR_MODEL_UNKNOWN. */
enum status model_detail_get(struct model_details *details, const char *model,
                             struct model_detail_info *ret_info,
                             struct err *err) MUST_USE;

/* Changes it, and what is asked at once. ERR_MODEL_UNKNOWN; ERR_UNSUPPORTED for anything
 * but full and auto of a model that does not classify. Blocks. */
enum status model_detail_set(struct model_details *details, const char *model,
                             const struct detail_setting *setting, const char *actor,
                             struct err *err) MUST_USE;

/* Counts a report that is stored. On one thread. */
void model_details_count(struct model_details *details, const struct report *report,
                         int64_t received_ms);

/* Decides anew for every model. */
void model_details_tick(struct model_details *details, int64_t now_ms);

#endif
