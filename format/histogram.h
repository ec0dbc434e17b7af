/* SPDX-License-Identifier: Apache-2.0 */
/* histogram: bucket edges, fixed for ever (docs/PROTOCOL.md, "Histogram edges"). */
#ifndef MUSTER_FORMAT_HISTOGRAM_H
#define MUSTER_FORMAT_HISTOGRAM_H

#include <stdint.h>

enum { CONFIDENCE_BINS = 20, LATENCY_BUCKETS = 1728 };

/* Bin 0 … 19 of a confidence of 0 … 10,000. */
unsigned histogram_confidence_bin(unsigned confidence);

/* Bucket 0 … 1727 of a latency in microseconds. */
unsigned histogram_latency_bucket(uint32_t latency_us);

/* Lower edge, width and middle of a bucket, in microseconds. */
uint32_t histogram_latency_lower(unsigned bucket);
uint32_t histogram_latency_width(unsigned bucket);
uint32_t histogram_latency_middle(unsigned bucket);

/* Start in ms of the bucket of `width_ms` that holds `at_ms`; remainders are never
 * negative. */
int64_t histogram_time_bucket(int64_t at_ms, int64_t width_ms);

#endif
