/* SPDX-License-Identifier: Apache-2.0 */
/* load_hold: connections that are a burden: idle ones, and ones that send too slowly. */
#ifndef MUSTER_TESTS_BENCH_LOAD_HOLD_H
#define MUSTER_TESTS_BENCH_LOAD_HOLD_H

#include "tests/bench/load.h"

/* Opens --connections, gets one answer on each (GET --path: 200 for the nodes of --fleet,
 * or 401), prints
 * {"mode":"idle","open":N}, holds them until stdin ends, prints how many are open still.
 */
bool hold_idle(const struct load_options *options);

/* Holds --connections that each send a request a byte per 100 ms: half of them its head,
 * half a head and then the body. One that the server ends is opened again. Prints
 * {"mode":"slow","open":N} once all are open; runs until stdin ends. */
bool hold_slow(const struct load_options *options);

#endif
