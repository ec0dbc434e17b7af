/* SPDX-License-Identifier: Apache-2.0 */
/* class_counts: predictions by class and step, and what the classes are called.
 *
 * Everything lives in the arena that it was begun with. A class has a name while all
 * artifacts that were asked agree on it. */
#ifndef MUSTER_SERVER_SERVICE_CLASS_COUNTS_H
#define MUSTER_SERVER_SERVICE_CLASS_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct class_count {
    int64_t class_index;
    const char *name; /* NULL: unknown, or the artifacts disagree */
    int64_t total;
    int64_t *n; /* one a step */
};

/* Zero-initialise but for `arena` and `steps`. */
struct class_counts {
    struct arena *arena;
    size_t steps;
    struct class_count **classes; /* by index */
    size_t count, room;
};

/* Adds `n` predictions of a class; a sum stays at INT64_MAX. ERR_LIMIT when the arena is
 * too small. */
enum status class_counts_add(struct class_counts *counts, int64_t class_index,
                             size_t step, int64_t n, struct err *err) MUST_USE;

/* Puts the names of one artifact on the classes; after the last one class_counts_settle
 * takes those away on which two of them disagree. */
void class_counts_name(struct class_counts *counts, const char *const *names,
                       size_t name_count);
void class_counts_settle(struct class_counts *counts);

/* Adds to a sum, which stays at INT64_MAX. */
static inline void class_counts_sum(int64_t *sum, int64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum)) {
        *sum = INT64_MAX;
    }
}

#endif
