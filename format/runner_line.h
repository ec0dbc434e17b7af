/* SPDX-License-Identifier: Apache-2.0 */
/* runner_line: the lines between an agent and a runner, the process that runs a model in
 * a foreign format: docs/RUNNERS.md. What a runner says is foreign and judged as such. */
#ifndef MUSTER_FORMAT_RUNNER_LINE_H
#define MUSTER_FORMAT_RUNNER_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    RUNNER_LINE_BYTES = 256 * 1024, /* longest line of a runner, with its end */
    RUNNER_PROBABILITIES_MAX = 4096,
    RUNNER_CLASSES_MAX = 65536,
    RUNNER_ERROR_BYTES = 200,
    RUNNER_ENGINE_BYTES = 128, /* name of an engine's file, with its end */
};

enum runner_kind {
    RUNNER_READY,       /* the model runs */
    RUNNER_REFUSAL,     /* it does not: `error` */
    RUNNER_REBUILD,     /* it needs another engine: `error` */
    RUNNER_PREDICTION,  /* of `frame` */
    RUNNER_FRAME_ERROR, /* `frame` cannot be inferred: `error` */
};

struct runner_answer {
    enum runner_kind kind;
    int64_t class_count; /* of RUNNER_READY, 0: not told */
    int64_t frame;
    uint16_t class_index;
    double confidence;
    bool has_latency, has_value;
    uint32_t latency_us;
    double value;
    size_t probability_count;
    float probabilities[RUNNER_PROBABILITIES_MAX];
    char error[RUNNER_ERROR_BYTES];
};

/* What a runner is told of its model. */
struct runner_model {
    const char *path, *name, *version, *artifact, *format; /* artifact: 64 hex digits */
    const char *engine; /* path of what was built of it; NULL: nothing */
    int64_t seq;
    size_t length;
};

struct runner_frame {
    int64_t number;
    const uint8_t *pixels; /* width * height * channels */
    size_t width, height, channels;
};

/* Append a line. */
void runner_model_encode(const struct runner_model *model, struct buf *ret_line);
void runner_frame_encode(const struct runner_frame *frame, struct buf *ret_line);

/* Reads a line without its end. ERR_RUNNER_PROTOCOL says which member is wrong;
 * *ret_answer is undefined then. */
enum status runner_answer_parse(const char *line, size_t len,
                                struct runner_answer *ret_answer,
                                struct err *err) MUST_USE;

/* Reads what a program of --on-install says: the name of the file that it built, without
 * a folder. ERR_ENGINE_REFUSED: an error; ERR_RUNNER_PROTOCOL. */
enum status runner_engine_parse(const char *line, size_t len,
                                char ret_name[static RUNNER_ENGINE_BYTES],
                                struct err *err) MUST_USE;

#endif
