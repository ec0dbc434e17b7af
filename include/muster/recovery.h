/* SPDX-License-Identifier: Apache-2.0 */
/* muster/recovery.h: the way back to the model before, asked for by a program.
 *
 * A client keeps the artifact that was active before the present one, verified when it
 * was installed. At a start it takes it by itself where the active one fails its
 * self-test, is damaged or gone; here a program asks for it. Only an artifact of the same
 * model at the signed floor or above counts, its digest is computed again first, and no
 * network or fresh metadata is needed. The server learns from reports what runs. */
#ifndef MUSTER_RECOVERY_H
#define MUSTER_RECOVERY_H

#include <muster/edge.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Asks for the way back; muster_client_step takes it and calls on_model_changed. The
 * model that was active is not activated again before the server has assigned another
 * one. A second call after it goes forward again. `error` has "not_found" when nothing is
 * kept and "tuf.floor" when that is below the floor. Same thread as step. */
MUSTER_API enum muster_client_result
muster_client_rollback(struct muster_client *client, struct muster_client_error *error);

#ifdef __cplusplus
}
#endif

#endif
