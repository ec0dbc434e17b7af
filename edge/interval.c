/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/interval.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES_AT_FIRST = 16 };

struct interval *interval_new(const struct detail *detail)
{
    struct interval *interval = calloc(1, sizeof *interval);
    if (interval) {
        interval->detail = *detail;
    }
    return interval;
}

void interval_free(struct interval *interval)
{
    if (interval) {
        free(interval->classes);
        free(interval);
    }
}

/* Where the class stands or would stand. */
static size_t class_place(const struct interval *interval, uint16_t class_index)
{
    size_t low = 0, high = interval->class_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (interval->classes[middle].index < class_index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(const struct interval *interval, size_t place, uint16_t class_index)
{
    return place < interval->class_count && interval->classes[place].index == class_index;
}

bool interval_takes(const struct interval *interval, uint16_t class_index)
{
    return interval->n < UINT32_MAX &&
           (interval->class_count < SUMMARY_CLASSES_MAX ||
            stands_at(interval, class_place(interval, class_index), class_index));
}

static bool grow(struct interval *interval)
{
    if (interval->class_count < interval->class_capacity) {
        return true;
    }
    size_t capacity =
        interval->class_capacity ? 2 * interval->class_capacity : CLASSES_AT_FIRST;
    struct summary_cell *grown =
        realloc(interval->classes, capacity * sizeof *interval->classes);
    if (grown) {
        interval->classes = grown;
        interval->class_capacity = capacity;
    }
    return grown != NULL;
}

/* The cell of a class, made where there is none; NULL without memory. */
static struct summary_cell *class_cell(struct interval *interval, uint16_t class_index)
{
    size_t place = class_place(interval, class_index);
    if (!stands_at(interval, place, class_index)) {
        if (!grow(interval)) {
            return NULL;
        }
        struct summary_cell *cell = &interval->classes[place];
        memmove(cell + 1, cell, (interval->class_count - place) * sizeof *cell);
        *cell = (struct summary_cell){.index = class_index};
        interval->class_count++;
    }
    return &interval->classes[place];
}

static void span(struct interval *interval, int64_t at_ms)
{
    if (interval->n == 0 || at_ms < interval->from_ms) {
        interval->from_ms = at_ms;
    }
    if (interval->n == 0 || at_ms >= interval->to_ms) {
        interval->to_ms = at_ms + 1;
    }
}

enum status interval_add(struct interval *interval, const struct interval_event *event,
                         struct err *err)
{
    struct summary_cell *of_class = class_cell(interval, event->class_index);
    if (!of_class) {
        return err_set(err, ERR_NO_MEMORY, "no memory to count a class");
    }
    struct summary_cell *bin =
        &interval->confidence[histogram_confidence_bin(event->confidence)];
    span(interval, event->at_ms);
    of_class->n++;
    of_class->sum += event->confidence;
    bin->n++;
    bin->sum += event->confidence;
    interval->latency[histogram_latency_bucket(event->latency_us)]++;
    interval->latency_sum_us += event->latency_us;
    interval->changes += event->changed ? 1 : 0;
    if (event->certainty) {
        interval->entropy[histogram_confidence_bin(event->certainty->entropy)]++;
        interval->margin[histogram_confidence_bin(event->certainty->margin)]++;
    }
    interval->n++;
    return OK;
}

/* The cells of counts that are not zero; false without memory. */
static bool to_cells(const uint32_t *counts, size_t count, struct arena *arena,
                     struct summary_cells *ret_cells)
{
    size_t used = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        used += counts[i] > 0;
    }
    struct summary_cell *cells = arena_array(arena, used + 1, sizeof *cells);
    for (size_t i = 0; cells && i < count; i++) {
        if (counts[i] > 0) {
            cells[at++] = (struct summary_cell){.index = (uint32_t)i, .n = counts[i]};
        }
    }
    *ret_cells = (struct summary_cells){.cells = cells, .count = at};
    return cells != NULL;
}

static bool copy_cells(const struct summary_cell *from, size_t count, struct arena *arena,
                       struct summary_cells *ret_cells)
{
    struct summary_cell *cells = arena_array(arena, count + 1, sizeof *cells);
    if (cells && count > 0) {
        memcpy(cells, from, count * sizeof *cells);
    }
    *ret_cells = (struct summary_cells){.cells = cells, .count = cells ? count : 0};
    return cells != NULL;
}

static bool confidence_cells(const struct interval *interval, struct arena *arena,
                             struct summary_cells *ret_cells)
{
    struct summary_cell used[CONFIDENCE_BINS];
    size_t count = 0;
    for (uint32_t i = 0; i < CONFIDENCE_BINS; i++) {
        if (interval->confidence[i].n > 0) {
            used[count] = interval->confidence[i];
            used[count++].index = i;
        }
    }
    return copy_cells(used, count, arena, ret_cells);
}

enum status interval_summary(const struct interval *interval, struct arena *arena,
                             struct summary *ret_summary, struct err *err)
{
    bool sampled = interval->detail.mode == DETAIL_SAMPLED;
    struct summary summary = {.from_ms = interval->from_ms,
                              .to_ms = interval->to_ms,
                              .mode = interval->detail.mode,
                              .every = sampled ? interval->detail.every : 1,
                              .n = interval->n,
                              .changes = interval->changes,
                              .latency_sum_us = interval->latency_sum_us};
    if (!copy_cells(interval->classes, interval->class_count, arena, &summary.classes) ||
        !confidence_cells(interval, arena, &summary.confidence) ||
        !to_cells(interval->latency, LATENCY_BUCKETS, arena, &summary.latency) ||
        !to_cells(interval->entropy, CONFIDENCE_BINS, arena, &summary.entropy) ||
        !to_cells(interval->margin, CONFIDENCE_BINS, arena, &summary.margin)) {
        return err_set(err, ERR_NO_MEMORY, "no memory to make a summary");
    }
    *ret_summary = summary;
    return OK;
}
