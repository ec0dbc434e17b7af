/* SPDX-License-Identifier: Apache-2.0 */
/* model_detail: the JSON of how much detail is asked of a model's nodes. */
#ifndef MUSTER_SERVER_API_MODEL_DETAIL_H
#define MUSTER_SERVER_API_MODEL_DETAIL_H

#include "base/buf.h"
#include "server/service/model_detail.h"

/* Appends what a node is asked, `{"mode":…}`, as the member `name`. */
void answer_detail(struct buf *json, const char *name, const struct detail *detail);

/* Appends the members of a setting and of what it means now. */
void answer_model_detail(struct buf *json, const struct model_detail_info *info);

#endif
