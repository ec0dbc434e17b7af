/* SPDX-License-Identifier: Apache-2.0 */
/* engine: what the program of --on-install builds of a verified artifact and a runner
 * infers with, as docs/RUNNERS.md says.
 *
 *   <artifact>.engine/              beside the artifact, one folder each
 *   <artifact>.engine/record.json   which file of it is the engine, its SHA-256, and the
 *                                   command that made it; written last
 *
 * A folder without a whole record counts as none and is made anew. One build runs at a
 * time, in its own process group; nothing here waits for it. Not thread-safe. */
#ifndef MUSTER_AGENT_ENGINE_H
#define MUSTER_AGENT_ENGINE_H

#include <muster/edge.h>

#include "agent/process.h"
#include "format/runner_line.h"

enum { ENGINE_PATH_BYTES = 1024 };

struct engine_rules {
    const char *command; /* NULL: none, and nothing here is used */
    int64_t build_ms;    /* a build may take */
    int64_t bytes;       /* and its folder may have */
};

struct engine {
    char path[ENGINE_PATH_BYTES]; /* "": none */
    uint8_t sha256[32];
    bool fresh; /* built by this process */
};

/* Zero-initialise. */
struct engine_builder {
    struct process process;
    bool building, answered;        /* a build runs; it has said which file it is */
    uint8_t artifact[32];           /* of the build, or of the last one */
    char file[RUNNER_ENGINE_BYTES]; /* what it said */
    int64_t deadline_ms;            /* monotonic, as all of these */
    int64_t asked_ms, sized_ms;     /* somebody waits for it; its folder was measured */
    bool built;                     /* the last one succeeded */
    struct err why;                 /* else why it failed */
    int64_t pause_ms, resume_ms;    /* after a failure nothing is built again before */
};

/* The engine of a model: the one on disk, if its digest is right and this command made
 * it, else a new one is built. ERR_UNAVAILABLE: not yet, ask again; ERR_ENGINE_FAILED;
 * ERR_ENGINE_REFUSED. Blocks while it reads an engine. */
enum status engine_obtain(struct engine_builder *builder,
                          const struct engine_rules *rules,
                          const struct muster_client_model *model,
                          struct engine *ret_engine, struct err *err) MUST_USE;

/* Throws the engine of a model away: the next engine_obtain builds it anew. */
void engine_discard(const struct muster_client_model *model);

/* Ends a build of this model, at once; of any: NULL. */
void engine_stop(struct engine_builder *builder, const struct muster_client_model *model);

/* Removes the engines beside a model whose artifacts are gone. */
void engine_sweep(const struct muster_client_model *model);

#endif
