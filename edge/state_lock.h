/* SPDX-License-Identifier: Apache-2.0 */
/* state_lock: one process at a time holds a state folder: two would number reports twice.
 * The lock ends with the process, however that ends. */
#ifndef MUSTER_EDGE_STATE_LOCK_H
#define MUSTER_EDGE_STATE_LOCK_H

#include "base/err.h"

/* Makes the folder where it is missing and takes its lock, a descriptor for the caller to
 * close. ERR_BUSY when another process has it. */
enum status state_lock(const char *folder, int *ret_fd, struct err *err) MUST_USE;

#endif
