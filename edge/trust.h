/* SPDX-License-Identifier: Apache-2.0 */
/* trust: what must never go down, kept outside the metadata cache.
 *
 *   <state>/trust/floors.json  {"check":"<16 hex>","floors":{"fashion":3},"time_ms":…}
 *
 * A model's floor is the largest in any verified targets ever seen. The time floor is the
 * time of the newest successful update: then a signed timestamp had not expired, so the
 * floor is never beyond what was signed, and a clock that is set back later cannot revive
 * expired metadata. `check` begins the SHA-256 of the file without it.
 *
 * A file that is damaged, or gone, is not taken for "no floors": the owner makes it anew
 * by trust_renew from the newest verified targets in the cache and from what is active,
 * below which nothing is activated then. So a damage may forbid going back and never
 * allows it. The time floor begins anew; edge/boots keeps the server's time besides. */
#ifndef MUSTER_EDGE_TRUST_H
#define MUSTER_EDGE_TRUST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "edge/env.h"
#include "edge/timebase.h"
#include "tuf/trusted_set.h"

struct trust {
    char path[EDGE_PATH_BYTES];
    json_t *floors; /* owned: model -> integer */
    int64_t time_ms;
    bool unsaved; /* something was raised that is not on disk */
    bool missing; /* there was no file */
    bool damaged; /* it was damaged, and is set aside as floors.damaged */
};

/* Reads the file; trust_is_lost when there is none or it is damaged. ERR_IO when it
 * cannot be read at all. */
enum status trust_open(struct trust *trust, const char *state_folder,
                       struct err *err) MUST_USE;
void trust_release(struct trust *trust);

/* Whether the floors are not known: there was no file, as at the first start, or a
 * damaged one. trust_renew makes it anew from verified targets (NULL: none) and from the
 * model that is active ("": none). */
bool trust_is_lost(const struct trust *trust);
enum status trust_renew(struct trust *trust, const struct tuf_targets *targets,
                        const char *model, int64_t seq, struct err *err) MUST_USE;

/* Forgets all floors and the time floor, on disk too. Only an operator may ask for it. */
enum status trust_reset(struct trust *trust, struct err *err) MUST_USE;

/* Appends the floors as "fashion 3, shoes 2", or "none". */
void trust_describe(const struct trust *trust, struct buf *ret_text);

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
