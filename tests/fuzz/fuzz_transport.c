/* SPDX-License-Identifier: Apache-2.0 */
/* A transport of unknown origin: the first two bytes are the signed length of the result,
 * the third the size of the slices. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "format/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed_all(struct transport_decoder *decoder, const uint8_t *data, size_t size,
                     size_t slice)
{
    for (size_t at = 0; at < size; at += slice) {
        size_t left = size - at;
        if (transport_decoder_feed(decoder, data + at, left < slice ? left : slice,
                                   NULL) != OK) {
            return;
        }
    }
    (void)!transport_decoder_finish(decoder, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    size_t length = (size_t)data[0] | (size_t)data[1] << 8;
    uint8_t *result = malloc(length + 1);
    TRANSPORT_DECODER_AUTO decoder = {0};
    if (result && transport_decoder_init(&decoder, result, length, NULL) == OK) {
        feed_all(&decoder, data + 3, size - 3, (size_t)data[2] + 1);
    }
    free(result);
    return 0;
}
