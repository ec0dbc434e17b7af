/* SPDX-License-Identifier: Apache-2.0 */
/* An ONNX file: it is imported, or refused within the limits given. That the runtime
 * disagrees with the interpretation on a graph that both accept would be a fault too, but
 * not one that random weights without bounds can show: products of large numbers differ
 * by rounding. */
#include <stdint.h>

#include "converter/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct import_options options = {.memory_bytes = 1 << 24, .steps = 1 << 20};
    struct import_summary summary;
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(1 << 24);
    (void)!import_onnx(data, size, &options, &file, &summary, &err);
    return 0;
}
