/* SPDX-License-Identifier: Apache-2.0 */
#include "format/histogram.h"

/* 64 buckets to each power of two: SUB_BITS bits below the leading one are kept. */
enum { BIN_WIDTH = 500, SUB_BITS = 6, SUB_BUCKETS = 1 << SUB_BITS };

unsigned histogram_confidence_bin(unsigned confidence)
{
    unsigned bin = confidence / BIN_WIDTH;
    return bin < CONFIDENCE_BINS ? bin : CONFIDENCE_BINS - 1;
}

unsigned histogram_latency_bucket(uint32_t latency_us)
{
    if (latency_us < SUB_BUCKETS) {
        return latency_us;
    }
    unsigned exponent = 31u - (unsigned)__builtin_clz(latency_us);
    return SUB_BUCKETS * (exponent - (SUB_BITS - 1)) +
           (latency_us >> (exponent - SUB_BITS)) - SUB_BUCKETS;
}

uint32_t histogram_latency_lower(unsigned bucket)
{
    if (bucket < SUB_BUCKETS) {
        return bucket;
    }
    return (SUB_BUCKETS + bucket % SUB_BUCKETS) << (bucket / SUB_BUCKETS - 1);
}

uint32_t histogram_latency_width(unsigned bucket)
{
    return bucket < SUB_BUCKETS ? 1 : 1u << (bucket / SUB_BUCKETS - 1);
}

uint32_t histogram_latency_middle(unsigned bucket)
{
    return histogram_latency_lower(bucket) + (histogram_latency_width(bucket) - 1) / 2;
}

int64_t histogram_time_bucket(int64_t at_ms, int64_t width_ms)
{
    int64_t rest = at_ms % width_ms;
    if (rest < 0) {
        rest += width_ms;
    }
    return at_ms < INT64_MIN + rest ? INT64_MIN : at_ms - rest;
}
