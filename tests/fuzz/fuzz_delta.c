/* SPDX-License-Identifier: Apache-2.0 */
/* A delta of unknown origin, and deltas of unknown artifacts. Bytes of an input:
 *
 *   0  odd: what follows is a base and a result, whose delta must lead back to the result
 *      even: 2, the length of the base in 64 bytes, the length of the result in 2, and
 * then the stream of a delta, whose header is made here */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "format/delta_decode.h"
#include "format/delta_encode.h"
#include "format/delta_model.h"
#include "format/transport.h"

enum { LENGTHS = 4, BASE_STEP = 64, DELTA_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill_base(uint8_t *base, size_t len)
{
    uint32_t state = 1;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        base[i] = i % 4 == 3 ? 0x3d : (uint8_t)(state >> 24);
    }
}

static void decode(const uint8_t *data, size_t size)
{
    size_t base_len = ((size_t)data[1] + 1) * BASE_STEP;
    size_t result_len = ((size_t)data[2] | (size_t)data[3] << 8) + 1;
    struct transport_header header = {.method = DELTA_METHOD, .length = result_len};
    size_t delta_len = size - LENGTHS + DELTA_HEADER_BYTES;
    uint8_t *base = malloc(base_len);
    uint8_t *result = malloc(result_len);
    uint8_t *delta = malloc(delta_len);
    if (base && result && delta) {
        fill_base(base, base_len);
        (void)!sha256_of(base, base_len, header.base, NULL);
        transport_header_write(&header, delta);
        memset(delta + TRANSPORT_HEADER_BYTES, 0, 8);
        delta[TRANSPORT_HEADER_BYTES] = (uint8_t)base_len;
        delta[TRANSPORT_HEADER_BYTES + 1] = (uint8_t)(base_len >> 8);
        memcpy(delta + DELTA_HEADER_BYTES, data + LENGTHS, size - LENGTHS);
        struct delta_places places = {base,      base_len, delta,
                                      delta_len, result,   result_len};
        (void)!delta_decode(&places, header.base, NULL);
    }
    free(delta);
    free(result);
    free(base);
}

static void there_and_back(const uint8_t *data, size_t size)
{
    struct delta_side base = {data, size / 2};
    struct delta_side result = {data + size / 2, size - size / 2};
    BUF_AUTO delta = BUF_INIT(DELTA_MAX);
    uint8_t sha256[SHA256_BYTES];
    uint8_t *out = malloc(result.len);
    if (!out || delta_encode(&base, &result, DELTA_MAX - 1, &delta, NULL) != OK ||
        sha256_of(base.data, base.len, sha256, NULL) != OK) {
        free(out);
        return;
    }
    struct delta_places places = {base.data, base.len, (const uint8_t *)delta.data,
                                  delta.len, out,      result.len};
    if (delta_decode(&places, sha256, NULL) != OK ||
        memcmp(out, result.data, result.len) != 0) {
        abort();
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < LENGTHS) {
        return 0;
    }
    if (data[0] & 1) {
        there_and_back(data + 1, size - 1);
    } else {
        decode(data, size);
    }
    return 0;
}
