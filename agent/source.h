/* SPDX-License-Identifier: Apache-2.0 */
/* source: the frames of an agent: one image file (IDX, PGM, PPM, also gzipped) or a
 * folder of them in order of their names, and which of them are this node's. */
#ifndef MUSTER_AGENT_SOURCE_H
#define MUSTER_AGENT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "format/image.h"

/* Which pictures are meant: indexes from `from` up to but not including `to` whose
 * remainder by `stride` is `phase` by `stride`. */
struct source_part {
    size_t from, to;
    size_t stride, phase;
};

struct source_frame {
    const struct image_set *set;
    size_t picture; /* in its set */
    int64_t sample; /* its index over all sets */
};

struct source {
    struct image_set *sets; /* owned */
    size_t set_count;
    struct source_frame *frames; /* owned: the part's, in order */
    size_t frame_count;
};

#define SOURCE_AUTO __attribute__((cleanup(source_release))) struct source

/* Reads everything into memory. Errors of image_set_read; ERR_INVALID_ARGUMENT when the
 * part is empty. Blocks. */
enum status source_open(const char *path, const struct source_part *part,
                        struct source *ret_source, struct err *err) MUST_USE;
void source_release(struct source *source);

#endif
