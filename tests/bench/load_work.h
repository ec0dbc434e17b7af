/* SPDX-License-Identifier: Apache-2.0 */
/* load_work: what bench_load asks for: reports, lines of a peer, polls. Each runs on a
 * client that is prepared, prints its line of JSON and returns whether all answers were
 * good. */
#ifndef MUSTER_TESTS_BENCH_LOAD_WORK_H
#define MUSTER_TESTS_BENCH_LOAD_WORK_H

#include "tests/bench/load.h"

/* Reports of the fleet's nodes in turn, to musterd: --form columns or rows, perhaps
 * --zstd. */
bool work_reports(const struct load_options *options);

/* The same rows in line protocol, POSTed to --path: --form field or tag. */
bool work_lines(const struct load_options *options);

/* GET /v1/assignment of the fleet's nodes in turn, with the ETag that the first answer
 * had: 304 every time. Without --fleet: GET --path with --etag. */
bool work_polls(const struct load_options *options);

#endif
