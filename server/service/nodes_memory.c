/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes_memory.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_AT_FIRST = 64, BLOCKS_AT_FIRST = 16 };

struct node *node_at(const struct nodes *nodes, size_t number)
{
    return &nodes->blocks[number / NODE_BLOCK][number % NODE_BLOCK];
}

/* Ids are given in a row, so the first guess is nearly always right. */
size_t node_number(const struct nodes *nodes, int64_t id)
{
    if (nodes->count == 0 || id <= node_at(nodes, 0)->id) {
        return 0;
    }
    uint64_t ahead = (uint64_t)id - (uint64_t)node_at(nodes, 0)->id;
    size_t high = ahead < nodes->count ? (size_t)ahead : nodes->count;
    if (high < nodes->count && node_at(nodes, high)->id == id) {
        return high;
    }
    size_t low = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (node_at(nodes, middle)->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct node *node_find(const struct nodes *nodes, int64_t id)
{
    size_t number = node_number(nodes, id);
    struct node *node = number < nodes->count ? node_at(nodes, number) : NULL;
    return node && node->id == id ? node : NULL;
}

/* ---- the tables of names and keys ----------------------------------------------------
 */

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static uint64_t hash_key(const struct nodes *nodes, const uint8_t key[static 32])
{
    uint64_t word = 0;
    memcpy(&word, key, sizeof word);
    return mix(word ^ nodes->seed);
}

static uint64_t hash_name(const struct nodes *nodes, const char *name)
{
    uint64_t hash = nodes->seed;
    for (const char *p = name; *p; p++) {
        hash = (hash ^ (unsigned char)*p) * 0x9E3779B97F4A7C15U;
        hash ^= hash >> 29;
    }
    return mix(hash);
}

/* The hash under which a node stands in one of the two tables. */
static uint64_t hash_of(const struct nodes *nodes, const struct node_index *index,
                        size_t number)
{
    const struct node *node = node_at(nodes, number);
    return index == &nodes->by_key ? hash_key(nodes, node->public_key)
                                   : hash_name(nodes, node->name);
}

static void index_put(struct node_index *index, uint64_t hash, size_t number)
{
    size_t at = (size_t)hash & (index->capacity - 1);
    while (index->slots[at] != 0) {
        at = (at + 1) & (index->capacity - 1);
    }
    index->slots[at] = (uint32_t)number + 1;
}

/* Room for `count` nodes, at most three quarters full. */
static enum status index_reserve(struct nodes *nodes, struct node_index *index,
                                 size_t count, struct err *err)
{
    if (count * 4 <= index->capacity * 3) {
        return OK;
    }
    size_t capacity = index->capacity ? index->capacity : SLOTS_AT_FIRST;
    while (count * 4 > capacity * 3) {
        capacity *= 2;
    }
    uint32_t *slots = calloc(capacity, sizeof *slots);
    if (!slots) {
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu nodes", capacity);
    }
    free(index->slots);
    *index = (struct node_index){.slots = slots, .capacity = capacity};
    for (size_t number = 0; number < nodes->count; number++) {
        index_put(index, hash_of(nodes, index, number), number);
    }
    return OK;
}

/* Takes the number out and moves up what stands behind it in its chain. */
static void index_remove(struct nodes *nodes, struct node_index *index, size_t number)
{
    size_t mask = index->capacity - 1;
    size_t hole = (size_t)hash_of(nodes, index, number) & mask;
    while (index->slots[hole] != (uint32_t)number + 1) {
        hole = (hole + 1) & mask;
    }
    index->slots[hole] = 0;
    for (size_t at = (hole + 1) & mask; index->slots[at] != 0; at = (at + 1) & mask) {
        size_t home = (size_t)hash_of(nodes, index, index->slots[at] - 1) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index->slots[hole] = index->slots[at];
            index->slots[at] = 0;
            hole = at;
        }
    }
}

struct node *node_find_key(const struct nodes *nodes, const uint8_t public_key[static 32])
{
    const struct node_index *index = &nodes->by_key;
    size_t mask = index->capacity - 1;
    for (size_t at = (size_t)hash_key(nodes, public_key) & mask;
         index->capacity > 0 && index->slots[at] != 0; at = (at + 1) & mask) {
        struct node *node = node_at(nodes, index->slots[at] - 1);
        if (memcmp(node->public_key, public_key, sizeof node->public_key) == 0) {
            return node;
        }
    }
    return NULL;
}

struct node *node_find_name(const struct nodes *nodes, const char *name)
{
    const struct node_index *index = &nodes->by_name;
    size_t mask = index->capacity - 1;
    for (size_t at = (size_t)hash_name(nodes, name) & mask;
         index->capacity > 0 && index->slots[at] != 0; at = (at + 1) & mask) {
        struct node *node = node_at(nodes, index->slots[at] - 1);
        if (strcmp(node->name, name) == 0) {
            return node;
        }
    }
    return NULL;
}

/* ---- nodes --------------------------------------------------------------------------
 */

static enum status block_reserve(struct nodes *nodes, struct err *err)
{
    size_t block = nodes->count / NODE_BLOCK;
    if (block == nodes->block_cap) {
        size_t cap = nodes->block_cap ? nodes->block_cap * 2 : BLOCKS_AT_FIRST;
        struct node **blocks = realloc(nodes->blocks, cap * sizeof(struct node *));
        if (!blocks) {
            return err_set(err, ERR_NO_MEMORY, "no memory for nodes");
        }
        memset(blocks + nodes->block_cap, 0,
               (cap - nodes->block_cap) * sizeof(struct node *));
        nodes->blocks = blocks;
        nodes->block_cap = cap;
    }
    if (!nodes->blocks[block]) {
        nodes->blocks[block] = calloc(NODE_BLOCK, sizeof(struct node));
    }
    return nodes->blocks[block]
               ? OK
               : err_set(err, ERR_NO_MEMORY, "no memory for %d nodes", NODE_BLOCK);
}

enum status nodes_reserve(struct nodes *nodes, size_t count, struct err *err)
{
    enum status status = index_reserve(nodes, &nodes->by_name, count, err);
    return status == OK ? index_reserve(nodes, &nodes->by_key, count, err) : status;
}

enum status node_add(struct nodes *nodes, const struct node *node, struct err *err)
{
    enum status status = block_reserve(nodes, err);
    if (status == OK) {
        status = nodes_reserve(nodes, nodes->count + 1, err);
    }
    if (status != OK) {
        return status;
    }
    size_t number = nodes->count++;
    struct node *added = node_at(nodes, number);
    memcpy(added, node, sizeof *node);
    added->queued = NODE_UNTOLD;
    added->lag_ms = NODE_UNTOLD;
    index_put(&nodes->by_name, hash_name(nodes, node->name), number);
    index_put(&nodes->by_key, hash_key(nodes, node->public_key), number);
    return OK;
}

void node_rename(struct nodes *nodes, struct node *node, char *name)
{
    size_t number = node_number(nodes, node->id);
    index_remove(nodes, &nodes->by_name, number);
    free(node->name);
    node->name = name;
    index_put(&nodes->by_name, hash_name(nodes, name), number);
}

struct node_running *node_running_find(const struct nodes *nodes,
                                       const uint8_t artifact[static 32],
                                       const char *model)
{
    struct node_running wanted;
    struct node_running *running = NULL;
    memset(&wanted.key, 0, sizeof wanted.key);
    memcpy(wanted.key.artifact, artifact, sizeof wanted.key.artifact);
    memcpy(wanted.key.model, model, strnlen(model, sizeof wanted.key.model - 1));
    HASH_FIND(hh, nodes->running, &wanted.key, sizeof wanted.key, running);
    return running;
}

struct node_running *node_running_put(struct nodes *nodes,
                                      const uint8_t artifact[static 32],
                                      const char *model)
{
    struct node_running *running = node_running_find(nodes, artifact, model);
    if (running) {
        return running;
    }
    running = calloc(1, sizeof *running);
    if (running) {
        memcpy(running->key.artifact, artifact, sizeof running->key.artifact);
        memcpy(running->key.model, model, strnlen(model, sizeof running->key.model - 1));
        running->number = HASH_COUNT(nodes->running);
        HASH_ADD(hh, nodes->running, key, sizeof running->key, running);
    }
    return running;
}

void node_release(struct nodes *nodes, struct node *node)
{
    free(node->name);
    node_facts_drop(&nodes->texts, node->facts);
    node_labels_drop(&nodes->texts, node->labels);
    node->name = NULL;
    node->facts = NULL;
    node->labels = NULL;
}
