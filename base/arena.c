/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 4096 - 64, ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *next;
    size_t len;
    size_t cap;
    _Alignas(ALIGNMENT) unsigned char data[];
};

static struct arena_block *block_with_room(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    if (block && block->cap - block->len >= size) {
        return block;
    }
    size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    block = malloc(sizeof *block + cap);
    if (!block) {
        return NULL;
    }
    block->len = 0;
    block->cap = cap;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - 2 * (size_t)ALIGNMENT) {
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->max || arena->used > arena->max - size) {
        return NULL;
    }
    struct arena_block *block = block_with_room(arena, size);
    if (!block) {
        return NULL;
    }
    void *at = block->data + block->len;
    block->len += size;
    arena->used += size;
    memset(at, 0, size);
    return at;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    return __builtin_mul_overflow(count, size, &total) ? NULL : arena_alloc(arena, total);
}

void *arena_grow(struct arena *arena, void *list, size_t count, size_t size, size_t *room)
{
    if (count < *room) {
        return list;
    }
    size_t larger = *room ? *room * 2 : 16;
    void *copy = arena_array(arena, larger, size);
    if (copy && count > 0) {
        memcpy(copy, list, count * size);
    }
    *room = copy ? larger : *room;
    return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : arena_alloc(arena, len + 1);
    if (copy && len > 0) {
        memcpy(copy, text, len);
    }
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (text) {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text;
}

void arena_release(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct arena){.max = arena->max};
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = NULL;
    struct arena_block *block = arena->blocks;
    while (block) {
        struct arena_block *next = block->next;
        if (!kept && block->cap == BLOCK_BYTES) {
            kept = block;
            kept->len = 0;
            kept->next = NULL;
        } else {
            free(block);
        }
        block = next;
    }
    *arena = (struct arena){.blocks = kept, .max = arena->max};
}
