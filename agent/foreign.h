/* SPDX-License-Identifier: Apache-2.0 */
/* foreign: the runner processes of an agent: the one that infers, and beside it the one
 * of a new version until that is active.
 *
 * A process that fails is started again after a pause that doubles; a version becomes
 * active only when its process is ready. Runs on the thread that steps the client. */
#ifndef MUSTER_AGENT_FOREIGN_H
#define MUSTER_AGENT_FOREIGN_H

#include "agent/external.h"
#include "agent/source.h"

struct foreign {
    struct external_rules rules; /* command NULL: no runner, nothing here is used */
    struct external current, spare;
    struct leavers leavers;
    struct engine_builder builder;
    int64_t pause_ms, start_ms; /* before the next start; when it may be, monotonic */
    int failures;               /* in a row at one frame */
    uint64_t left_out;          /* frames that were not inferred */
};

enum foreign_result { FOREIGN_WAIT, FOREIGN_PREDICTION, FOREIGN_LEFT_OUT };

/* Tests a candidate as on_candidate of muster/edge.h wants it. */
enum muster_client_result foreign_test(struct foreign *foreign,
                                       const struct muster_client_model *candidate,
                                       struct muster_client_error *error);

/* Goes on inferring a frame with a model; waits at most a few ms. FOREIGN_PREDICTION:
 * *ret_answer, good until the next call. FOREIGN_LEFT_OUT: go on with the next frame. */
enum foreign_result foreign_infer(struct foreign *foreign,
                                  const struct muster_client_model *model,
                                  const struct source_frame *frame,
                                  const struct runner_answer **ret_answer);

/* Ends gently what infers; nothing does any more. */
void foreign_rest(struct foreign *foreign);

/* What has to happen again and again, whether or not anything infers. */
void foreign_step(struct foreign *foreign);

/* Ends all processes at once. */
void foreign_release(struct foreign *foreign);

#endif
