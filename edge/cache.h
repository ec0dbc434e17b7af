/* SPDX-License-Identifier: Apache-2.0 */
/* cache: artifacts that the nodes of one machine share, in one folder.
 *
 *   <folder>/<sha256>   an artifact
 *
 * Nobody trusts it and nobody runs anything from it: a node copies an artifact into its
 * own state folder, and checks the digest of its copy. So whatever happens to the folder,
 * removal of everything included, touches no node but for a download. Files appear by
 * rename once they are whole and synced; two writers write the same bytes, and there is
 * no lock. Links are not followed. A node that adds one removes those that were longest
 * not added or taken, beyond a number of bytes; whoever is copying one has it open. */
#ifndef MUSTER_EDGE_CACHE_H
#define MUSTER_EDGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/copy.h"

struct cache {
    char folder[EDGE_PATH_BYTES]; /* "": there is none */
    int64_t max_bytes;
};

/* Creates the folder (0755) where it is missing; NULL or "": no cache. */
enum status cache_open(struct cache *cache, const char *folder, int64_t max_bytes,
                       struct err *err) MUST_USE;

/* Whether it has a file of this digest and length (not what is in it). */
bool cache_has(const struct cache *cache, const uint8_t artifact[static 32],
               int64_t length);

/* Begins to copy an artifact out of it to `path`, or the file `path` into it. */
enum status cache_take(const struct cache *cache, const uint8_t artifact[static 32],
                       int64_t length, const char *path, struct copy *ret_copy,
                       struct err *err) MUST_USE;
enum status cache_add(const struct cache *cache, const char *path, int64_t length,
                      struct copy *ret_copy, struct err *err) MUST_USE;

/* The copy into it is done: syncs it, gives it its name, removes the oldest. One fsync.
 */
enum status cache_keep(const struct cache *cache, const uint8_t artifact[static 32],
                       struct copy *copy, struct err *err) MUST_USE;

/* Removes what is not what it is named. */
void cache_drop(const struct cache *cache, const uint8_t artifact[static 32]);

#endif
