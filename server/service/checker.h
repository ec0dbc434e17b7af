/* SPDX-License-Identifier: Apache-2.0 */
/* checker: reads the whole database for damage, at the start and then every so often.
 *
 * A thread of its own hands slices of a pass (store/check.h) to the readers: 20 ms of
 * work, then a rest of ten times that, so that a pass costs a tenth of one reader and
 * nothing waits for it. What it finds makes readiness false until the next start. */
#ifndef MUSTER_SERVER_SERVICE_CHECKER_H
#define MUSTER_SERVER_SERVICE_CHECKER_H

#include <stdint.h>

#include "base/err.h"

struct checker;
struct store;

/* Starts; `hours` between two passes, 0: none at all. The store must outlive it. */
enum status checker_start(struct store *store, int64_t hours,
                          struct checker **ret_checker, struct err *err) MUST_USE;

/* Ends the thread, in the middle of a pass too. NULL allowed. */
void checker_stop(struct checker *checker);

#endif
