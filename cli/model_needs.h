/* SPDX-License-Identifier: Apache-2.0 */
/* model_needs: what the publisher says of a file on the command line: what a node must
 * have to run it, and of a file in a foreign format what an .mnet file would say itself.
 * All of it is signed into the target's custom part (docs/PROTOCOL.md section 4). */
#ifndef MUSTER_CLI_MODEL_NEEDS_H
#define MUSTER_CLI_MODEL_NEEDS_H

#include <jansson.h>

#include "base/err.h"
#include "cli/options.h"

struct model_needs {
    struct option_list hardware, cpu_features;
    int64_t ram_bytes, flash_bytes; /* 0: not said */
    const char *runtime_min;
    const char *format, *task, *classes_path, *input_shape, *input_dtype; /* foreign */
};

/* Rows of an option table. */
#define MODEL_NEEDS_OPTIONS(needs)                                                       \
    {"hardware",        0,      OPTION_LIST,                                             \
     &(needs).hardware, "ARCH", "only for these, such as aarch64 (several times)"},      \
        {"cpu-feature",         0,      OPTION_LIST,                                     \
         &(needs).cpu_features, "NAME", "needs it, such as avx2 (several times)"},       \
        {"ram-bytes",        0,   OPTION_INTEGER,                                        \
         &(needs).ram_bytes, "N", "memory needed while it infers"},                      \
        {"flash-bytes",        0,   OPTION_INTEGER,                                      \
         &(needs).flash_bytes, "N", "room needed on disk; default: the file's"},         \
        {"runtime-min",        0,         OPTION_TEXT,                                   \
         &(needs).runtime_min, "VERSION", "oldest muster that runs it"},                 \
        {"task", 0, OPTION_TEXT, &(needs).task, "TASK", "classify, regress, anomaly"},   \
        {"format",        0,      OPTION_TEXT,                                           \
         &(needs).format, "NAME", "of a foreign file; default: its extension"},          \
        {"classes",   0,                                                                 \
         OPTION_TEXT, &(needs).classes_path,                                             \
         "FILE",      "class names of a foreign file, one a line"},                      \
        {"input-shape",        0,       OPTION_TEXT,                                     \
         &(needs).input_shape, "N,N,…", "of a foreign file, such as 1,1,28,28"},         \
    {                                                                                    \
        "input-dtype", 0, OPTION_TEXT, &(needs).input_dtype, "TYPE",                     \
            "with --input-shape: u8 (default) or f32"                                    \
    }

/* Adds what was said to a custom part. ERR_USAGE; errors of reading the classes. */
enum status model_needs_add(const struct model_needs *needs, json_t *custom,
                            struct err *err) MUST_USE;

/* The same for a foreign file with this extension: its format, and a task is needed. */
enum status model_needs_add_foreign(const struct model_needs *needs, const char *ext,
                                    json_t *custom, struct err *err) MUST_USE;

/* ERR_USAGE when something is said that an .mnet file says itself. */
enum status model_needs_check_native(const struct model_needs *needs,
                                     struct err *err) MUST_USE;

#endif
