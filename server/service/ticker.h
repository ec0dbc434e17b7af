/* SPDX-License-Identifier: Apache-2.0 */
/* ticker: a thread that calls a function every so often until it is stopped. */
#ifndef MUSTER_SERVER_SERVICE_TICKER_H
#define MUSTER_SERVER_SERVICE_TICKER_H

#include <stdint.h>

#include "base/err.h"

struct ticker;

/* Starts the thread; `tick` is called every `every_ms`, for the first time after that. */
enum status ticker_start(int64_t every_ms, void (*tick)(void *context), void *context,
                         struct ticker **ret_ticker, struct err *err) MUST_USE;

/* Waits for a running call and ends the thread. NULL allowed. */
void ticker_stop(struct ticker *ticker);

#endif
