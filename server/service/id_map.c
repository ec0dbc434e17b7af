/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/id_map.h"

#include <assert.h>
#include <stdlib.h>

enum { SLOTS_AT_FIRST = 64 };

/* The slot of the key, or the free one where it belongs. */
static struct id_map_slot *slot_of(struct id_map_slot *slots, size_t capacity,
                                   int64_t key)
{
    uint64_t hash = (uint64_t)key * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(hash ^ hash >> 32) & (capacity - 1);
    while (slots[at].value && slots[at].key != key) {
        at = (at + 1) & (capacity - 1);
    }
    return &slots[at];
}

void *id_map_get(const struct id_map *map, int64_t key)
{
    return map->capacity ? slot_of(map->slots, map->capacity, key)->value : NULL;
}

static enum status grow(struct id_map *map, struct err *err)
{
    size_t capacity = map->capacity ? map->capacity * 2 : SLOTS_AT_FIRST;
    struct id_map_slot *slots = calloc(capacity, sizeof *slots);
    if (!slots) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a table");
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value) {
            *slot_of(slots, capacity, map->slots[i].key) = map->slots[i];
        }
    }
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return OK;
}

enum status id_map_put(struct id_map *map, int64_t key, void *value, struct err *err)
{
    assert(value != NULL);
    if (map->count * 4 >= map->capacity * 3) {
        enum status status = grow(map, err);
        if (status != OK) {
            return status;
        }
    }
    struct id_map_slot *slot = slot_of(map->slots, map->capacity, key);
    map->count += slot->value ? 0 : 1;
    *slot = (struct id_map_slot){.key = key, .value = value};
    return OK;
}

void id_map_release(struct id_map *map, void (*drop)(void *value))
{
    for (size_t i = 0; drop && i < map->capacity; i++) {
        if (map->slots[i].value) {
            drop(map->slots[i].value);
        }
    }
    free(map->slots);
    *map = (struct id_map){0};
}
