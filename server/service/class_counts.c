/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/class_counts.h"

#include <stdbool.h>
#include <string.h>

/* The place of a class in the sorted list: where it is or where it belongs. */
static size_t place_of(const struct class_counts *counts, int64_t class_index)
{
    size_t low = 0;
    size_t high = counts->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (counts->classes[middle]->class_index < class_index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static enum status insert(struct class_counts *counts, size_t at, int64_t class_index,
                          struct err *err)
{
    struct class_count **classes =
        (struct class_count **)arena_grow(counts->arena, (void *)counts->classes,
                                          counts->count, sizeof *classes, &counts->room);
    struct class_count *added = arena_alloc(counts->arena, sizeof *added);
    int64_t *n = arena_array(counts->arena, counts->steps, sizeof *n);
    if (!classes || !added || !n) {
        return err_set(err, ERR_LIMIT, "the answer would be too large: ask for less");
    }
    added->class_index = class_index;
    added->n = n;
    memmove((void *)(classes + at + 1), (const void *)(classes + at),
            (counts->count - at) * sizeof(struct class_count *));
    classes[at] = added;
    counts->classes = classes;
    counts->count++;
    return OK;
}

enum status class_counts_add(struct class_counts *counts, int64_t class_index,
                             size_t step, int64_t n, struct err *err)
{
    size_t at = place_of(counts, class_index);
    bool is_there = at < counts->count && counts->classes[at]->class_index == class_index;
    enum status status = is_there ? OK : insert(counts, at, class_index, err);
    if (status == OK) {
        class_counts_sum(&counts->classes[at]->total, n);
        class_counts_sum(&counts->classes[at]->n[step], n);
    }
    return status;
}

/* Where two artifacts differ the name goes away for good, which an empty text marks until
 * the end. */
void class_counts_name(struct class_counts *counts, const char *const *names,
                       size_t name_count)
{
    for (size_t i = 0; i < counts->count; i++) {
        struct class_count *item = counts->classes[i];
        if (item->class_index >= (int64_t)name_count) {
            continue;
        }
        const char *name = names[item->class_index];
        bool differs = item->name && strcmp(item->name, name) != 0;
        item->name = differs ? "" : name;
    }
}

void class_counts_settle(struct class_counts *counts)
{
    for (size_t i = 0; i < counts->count; i++) {
        struct class_count *item = counts->classes[i];
        item->name = item->name && item->name[0] != '\0' ? item->name : NULL;
    }
}
