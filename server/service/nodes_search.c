/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes_search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "server/service/nodes_filter.h"
#include "server/service/nodes_memory.h"

enum { SLICE = 1000 }; /* nodes that are looked at under one lock */

static const char *const SORT_NAMES[] = {
    [NODE_SORT_NAME] = "name",       [NODE_SORT_LAST_REPORT] = "last_report",
    [NODE_SORT_QUEUE] = "queue",     [NODE_SORT_LAG] = "lag",
    [NODE_SORT_VERSION] = "version",
};

const char *node_sort_name(enum node_sort sort)
{
    return SORT_NAMES[sort];
}

bool node_sort_parse(const char *text, enum node_sort *ret_sort)
{
    for (int i = 0; i < NODE_SORT_COUNT; i++) {
        if (strcmp(text, SORT_NAMES[i]) == 0) {
            *ret_sort = (enum node_sort)i;
            return true;
        }
    }
    return false;
}

/* ---- keys ---------------------------------------------------------------------------
 */

/* A key that borrows its text: what a node has is copied only once it is kept. */
struct probe {
    bool none;
    const char *text;
    int64_t number, id;
};

static struct probe probe_number(const struct node *node, int64_t number, int64_t none)
{
    return (struct probe){.none = number == none,
                          .text = "",
                          .number = number == none ? 0 : number,
                          .id = node->id};
}

static struct probe probe_version(struct nodes_filter *filter, const struct node *node)
{
    const struct node_running *running = atomic_load(&node->running);
    if (!running) {
        return (struct probe){.none = true, .text = "", .id = node->id};
    }
    return (struct probe){.text = running->key.model,
                          .number = nodes_filter_run_of(filter, running).seq,
                          .id = node->id};
}

static struct probe probe_of(const struct nodes_wish *wish, const struct node *node)
{
    switch (wish->sort) {
    case NODE_SORT_LAST_REPORT:
        return probe_number(node, atomic_load(&node->last_report_ms), 0);
    case NODE_SORT_QUEUE:
        return probe_number(node, atomic_load(&node->queued), NODE_UNTOLD);
    case NODE_SORT_LAG:
        return probe_number(node, atomic_load(&node->lag_ms), NODE_UNTOLD);
    case NODE_SORT_VERSION:
        return probe_version(wish->filter, node);
    case NODE_SORT_NAME:
    case NODE_SORT_COUNT:
        break;
    }
    return (struct probe){.text = node->name, .id = node->id};
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Below 0 where the probe stands before the key. */
static int compare(const struct nodes_wish *wish, const struct probe *probe,
                   const struct node_key *key)
{
    if (probe->none != key->none) {
        return probe->none ? 1 : -1;
    }
    int order = strcmp(probe->text, key->text);
    order = order != 0 ? order : compare_numbers(probe->number, key->number);
    order = order != 0 ? order : compare_numbers(probe->id, key->id);
    return wish->descending ? -order : order;
}

static void keep(const struct probe *probe, struct node_key *ret_key)
{
    ret_key->none = probe->none;
    ret_key->number = probe->number;
    ret_key->id = probe->id;
    (void)snprintf(ret_key->text, sizeof ret_key->text, "%s", probe->text);
}

static int compare_keys(const struct nodes_wish *wish, const struct node_key *a,
                        const struct node_key *b)
{
    struct probe probe = {
        .none = a->none, .text = a->text, .number = a->number, .id = a->id};
    return compare(wish, &probe, b);
}

/* ---- cursors: "name.asc.0.0.17.bm9kZQ": order, none, number, id, text in base64url --
 */

void node_key_write(const struct node_key *key, const struct nodes_wish *wish,
                    struct buf *ret_cursor)
{
    char text[(NODE_NAME_BYTES * 4 + 2) / 3 + 1];
    base64url_encode((const uint8_t *)key->text, strlen(key->text), text);
    buf_addf(ret_cursor, "%s.%s.%d.%" PRId64 ".%" PRId64 ".%s", SORT_NAMES[wish->sort],
             wish->descending ? "desc" : "asc", key->none, key->number, key->id, text);
}

/* Reads a decimal integer up to the next '.', behind which *text is then. */
static bool read_number(const char **text, int64_t *ret_number)
{
    char *end = NULL;
    errno = 0;
    bool digit = (**text >= '0' && **text <= '9') || **text == '-';
    long long number = digit ? strtoll(*text, &end, 10) : 0;
    if (!digit || errno != 0 || end == *text || *end != '.') {
        return false;
    }
    *ret_number = number;
    *text = end + 1;
    return true;
}

static bool read_text(const char *text, char ret_text[static NODE_NAME_BYTES])
{
    size_t len = strlen(text) * 3 / 4;
    return len < NODE_NAME_BYTES &&
           base64url_decode(text, (uint8_t *)ret_text, len, NULL) == OK &&
           strlen(ret_text) == len;
}

bool node_key_read(const char *cursor, const struct nodes_wish *wish,
                   struct node_key *ret_key)
{
    char order[32];
    struct node_key key = {0};
    int64_t none = 0;
    int len = snprintf(order, sizeof order, "%s.%s.", SORT_NAMES[wish->sort],
                       wish->descending ? "desc" : "asc");
    if (strncmp(cursor, order, (size_t)len) != 0) {
        return false;
    }
    cursor += len;
    if (!read_number(&cursor, &none) || !read_number(&cursor, &key.number) ||
        !read_number(&cursor, &key.id) || !read_text(cursor, key.text) ||
        (none != 0 && none != 1)) {
        return false;
    }
    key.none = none == 1;
    *ret_key = key;
    return true;
}

/* ---- the best of all ----------------------------------------------------------------
 */

struct entry {
    struct node_key key;
    const struct node *node;
};

/* The `count` best so far as a heap: the last of them in the order is at its root. */
struct search {
    const struct nodes_wish *wish;
    struct entry **heap;
    size_t count;
    int64_t matching;
    int64_t behind; /* of them, behind the page before */
};

static void swap(struct entry **a, struct entry **b)
{
    struct entry *old = *a;
    *a = *b;
    *b = old;
}

static bool before(const struct search *search, size_t a, size_t b)
{
    return compare_keys(search->wish, &search->heap[a]->key, &search->heap[b]->key) < 0;
}

static void sift_up(struct search *search, size_t i)
{
    while (i > 0 && before(search, (i - 1) / 2, i)) {
        swap(&search->heap[i], &search->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void sift_down(struct search *search, size_t i, size_t count)
{
    for (;;) {
        size_t last = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++) {
            last = before(search, last, child) ? child : last;
        }
        if (last == i) {
            return;
        }
        swap(&search->heap[i], &search->heap[last]);
        i = last;
    }
}

static void offer(struct search *search, const struct node *node)
{
    const struct nodes_wish *wish = search->wish;
    struct probe probe = probe_of(wish, node);
    if (wish->after && compare(wish, &probe, wish->after) <= 0) {
        return;
    }
    search->behind++;
    if (search->count < wish->limit) {
        size_t i = search->count++;
        search->heap[i]->node = node;
        keep(&probe, &search->heap[i]->key);
        sift_up(search, i);
    } else if (search->count > 0 && compare(wish, &probe, &search->heap[0]->key) < 0) {
        search->heap[0]->node = node;
        keep(&probe, &search->heap[0]->key);
        sift_down(search, 0, search->count);
    }
}

/* Looks at the next nodes from number `from` on; returns where to go on. */
static size_t look(struct nodes *nodes, struct search *search, size_t from)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    size_t end = nodes->count - from < SLICE ? nodes->count : from + SLICE;
    for (; from < end; from++) {
        const struct node *node = node_at(nodes, from);
        if (nodes_filter_wants(search->wish->filter, node)) {
            search->matching++;
            offer(search, node);
        }
    }
    from = end == nodes->count ? SIZE_MAX : end;
    (void)pthread_rwlock_unlock(&nodes->lock);
    return from;
}

/* From a heap to the order. */
static void sort(struct search *search)
{
    for (size_t end = search->count; end > 1; end--) {
        swap(&search->heap[0], &search->heap[end - 1]);
        sift_down(search, 0, end - 1);
    }
}

static bool reserve(struct search *search, struct arena *arena)
{
    size_t limit = search->wish->limit;
    struct entry *entries = arena_array(arena, limit + 1, sizeof *entries);
    search->heap = arena_array(arena, limit + 1, sizeof(struct entry *));
    for (size_t i = 0; entries && search->heap && i < limit; i++) {
        search->heap[i] = &entries[i];
    }
    return entries && search->heap;
}

static bool copy_views(struct nodes *nodes, const struct search *search,
                       struct arena *arena, struct nodes_found *found)
{
    found->views = arena_array(arena, search->count + 1, sizeof *found->views);
    bool memory = found->views != NULL;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    for (size_t i = 0; memory && i < search->count; i++) {
        memory = node_copy(search->heap[i]->node, arena, &found->views[i]);
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return memory;
}

enum status nodes_search(struct nodes *nodes, const struct nodes_wish *wish,
                         struct arena *arena, struct nodes_found *ret_found,
                         struct err *err)
{
    struct search search = {.wish = wish};
    struct nodes_found found = {0};
    bool memory = reserve(&search, arena);
    for (size_t from = 0; memory && from != SIZE_MAX;) {
        from = look(nodes, &search, from);
    }
    sort(&search);
    if (!memory || !copy_views(nodes, &search, arena, &found)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a list of nodes");
    }
    found.count = search.count;
    found.matching = search.matching;
    found.more = search.behind > (int64_t)search.count;
    if (search.count > 0) {
        found.last = search.heap[search.count - 1]->key;
    }
    *ret_found = found;
    return nodes_read_health(nodes, found.views, found.count, err);
}
