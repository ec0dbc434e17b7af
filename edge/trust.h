/* SPDX-License-Identifier: Apache-2.0 */
/* trust: what must never go down, kept outside the metadata cache.
 *
 *   <state>/trust/floors.json  {"time_ms":…,"floors":{"fashion":3}}
 *
 * A model's floor is the largest in any verified targets ever seen. The time floor is the
 * time of the newest successful update: then a signed timestamp had not expired, so the
 * floor is never beyond what was signed, and a clock that is set back later cannot revive
 * expired metadata. */
#ifndef MUSTER_EDGE_TRUST_H
#define MUSTER_EDGE_TRUST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "edge/env.h"
#include "edge/timebase.h"
#include "tuf/trusted_set.h"

struct trust {
    char path[EDGE_PATH_BYTES];
    json_t *floors; /* owned: model -> integer */
    int64_t time_ms;
    bool unsaved; /* something was raised that is not on disk */
};

/* Reads the file; a missing one is empty. ERR_IO when it is there and damaged: a node
 * must not forget its floors silently. */
enum status trust_open(struct trust *trust, const char *state_folder,
                       struct err *err) MUST_USE;
void trust_release(struct trust *trust);

/* The time that metadata is judged by: the latest of device clock, server's time and time
 * floor. A server that lies about the time can so only make metadata expire early. */
int64_t trust_now_ms(const struct trust *trust, const struct timebase *base,
                     const struct edge_env *env);

/* The floor of a model, 0: none. */
int64_t trust_floor(const struct trust *trust, const char *model);

/* Raises floors by verified targets, and the time floor; stores them if they changed, or
 * could not be stored when they did. */
enum status trust_raise(struct trust *trust, const struct tuf_targets *targets,
                        int64_t now_ms, struct err *err) MUST_USE;

/* The same for one model by the targets of a delegated role: only entries that a search
 * for their path finds there count, so that a team raises the floors of no other's
 * models. */
enum status trust_raise_model(struct trust *trust, struct trusted_set *set,
                              const struct tuf_targets *lister, const char *model,
                              struct err *err) MUST_USE;

#endif
