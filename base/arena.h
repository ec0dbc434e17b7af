/* SPDX-License-Identifier: Apache-2.0 */
/* arena: memory that is freed all at once.
 *
 * One arena per request or per task: handlers allocate and never free. The ceiling bounds
 * the sum of all allocations; past it arena_alloc returns NULL. Not thread-safe, but it
 * may be handed from thread to thread. */
#ifndef MUSTER_BASE_ARENA_H
#define MUSTER_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out, all blocks together */
    size_t max;                 /* ceiling for `used` */
};

#define ARENA_INIT(max_bytes) ((struct arena){.max = (max_bytes)})
#define ARENA_AUTO __attribute__((cleanup(arena_release))) struct arena

/* Zeroed memory aligned to 16 bytes, or NULL past the ceiling or without memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_alloc for `count` items of `size` bytes, NULL when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A list of items with room for one more behind `count`: `list` itself, or a copy with
 * twice the room, of which `*room` tells. NULL as above; NULL is also the first list. */
void *arena_grow(struct arena *arena, void *list, size_t count, size_t size,
                 size_t *room);

/* A NUL-terminated copy of `len` bytes, or NULL. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_strdup(struct arena *arena, const char *text);

/* Formatted text, or NULL. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees everything; the arena is usable again. */
void arena_release(struct arena *arena);

/* The same, but one block of the usual size is kept for what is allocated next. */
void arena_reset(struct arena *arena);

#endif
