/* SPDX-License-Identifier: Apache-2.0 */
/* runner: infers frame after frame with the active model and records the results.
 *
 * Goes over the source again and again; with once_per_version one pass belongs to one
 * version, which it keeps to its end even if another becomes active meanwhile. Runs on
 * the thread that steps the client. */
#ifndef MUSTER_AGENT_RUNNER_H
#define MUSTER_AGENT_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include <muster/edge.h>
#include <muster/nn.h>

#include "agent/foreign.h"
#include "agent/options.h"
#include "agent/source.h"
#include "base/buf.h"

struct runner {
    const struct agent_options *options;
    const struct source *source;
    struct muster_client *client;
    const struct muster_client_model *model; /* held; NULL: none */
    struct muster_nn_context *context;       /* owned, over the model */
    float *probabilities;                    /* owned */
    size_t class_count;
    size_t next; /* frame of the pass */
    int64_t due_us;
    int64_t passes_done, versions_done;
    bool has_done; /* the next is the artifact of the last whole pass */
    uint8_t done[32];
    bool model_changed;     /* set by the client's callback */
    bool stopped;           /* the same: the model in hand must not go on */
    struct foreign foreign; /* runner processes, if there are any */
    struct buf versions;    /* of whole passes, "1.0.0,1.1.0" */
};

/* Begins with nothing inferred. Everything is borrowed but the runner's own. */
void runner_init(struct runner *ret_runner, const struct agent_options *options,
                 const struct source *source, struct muster_client *client);
/* Lets go of the model. */
void runner_release(struct runner *runner);

/* Infers what is due, for at most about `budget_us`. ERR_MNET_* or ERR_IMAGE_FORMAT when
 * the model cannot take the pictures. */
enum status runner_work(struct runner *runner, int64_t budget_us,
                        struct err *err) MUST_USE;

/* Whether all that was asked for is inferred. */
bool runner_finished(const struct runner *runner);

/* When the next frame is due, in ms. */
int64_t runner_wait_ms(const struct runner *runner);

#endif
