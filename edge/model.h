/* SPDX-License-Identifier: Apache-2.0 */
/* model: an artifact on disk, mapped, opened and self-tested, shared by holders.
 *
 * The public struct muster_client_model is its first member. The count of holders is
 * atomic; the last one to let go unmaps the file. */
#ifndef MUSTER_EDGE_MODEL_H
#define MUSTER_EDGE_MODEL_H

#include <muster/edge.h>

#include "edge/env.h"

enum { MODEL_TEXT_BYTES = 65, MODEL_PATH_BYTES = 512 };

/* What is known of an artifact besides its bytes: what was signed. */
struct model_record {
    char model[MODEL_TEXT_BYTES];
    char version[MODEL_TEXT_BYTES];
    int64_t seq;
    int64_t length;
    uint8_t artifact[32];
    char path[MODEL_PATH_BYTES];   /* of the target; "": not known */
    bool stop_on_revoke;           /* on_revoke: stop */
    bool withdrawn;                /* fresh verified targets did not list it any more */
    char format[MODEL_TEXT_BYTES]; /* "": mnet/1 */
};

struct edge_model;

/* Maps a file of exactly record->length bytes; its digest was checked by the caller. Then
 * opens it with nn and runs its self-test, unless its format is foreign. Blocks for the
 * test. ERR_MNET_* . */
enum status model_load(const char *path, const struct model_record *record,
                       struct edge_model **ret_model, struct err *err) MUST_USE;

/* Notes how its bytes came: "disk", "cache", "delta", "zst" or "full", static; and how
 * many were received. */
void model_came(struct edge_model *model, const char *came_as, int64_t received);

/* What holders see. */
const struct muster_client_model *model_public(const struct edge_model *model);

/* The way back from what holders see. */
struct edge_model *model_of(const struct muster_client_model *view);

/* One more holder; one less. */
void model_retain(struct edge_model *model);
void model_release(struct edge_model *model);

#endif
