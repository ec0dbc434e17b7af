/* SPDX-License-Identifier: Apache-2.0 */
/* id_map: 64-bit keys to pointers; grows, never forgets. 16 to 32 bytes a key. Not
 * thread-safe; what the pointers lead to is the caller's. */
#ifndef MUSTER_SERVER_SERVICE_ID_MAP_H
#define MUSTER_SERVER_SERVICE_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct id_map_slot {
    int64_t key;
    void *value; /* NULL: free */
};

struct id_map {
    struct id_map_slot *slots; /* open addressing */
    size_t count;
    size_t capacity; /* a power of two, or 0 */
};

/* The value of a key, or NULL. */
void *id_map_get(const struct id_map *map, int64_t key);

/* Sets the value (not NULL) of a key. ERR_NO_MEMORY changes nothing. */
enum status id_map_put(struct id_map *map, int64_t key, void *value,
                       struct err *err) MUST_USE;

/* Calls `drop` (NULL: nothing) with each value and frees the map's own memory. */
void id_map_release(struct id_map *map, void (*drop)(void *value));

#endif
