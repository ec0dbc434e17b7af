/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures and labels from files. */
#include "format/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_set images = {0};
    struct label_set labels = {0};
    if (image_set_parse(data, size, &images, NULL) == OK) {
        const uint8_t *last = image_at(&images, images.count - 1);
        (void)*(const volatile uint8_t *)last;
    }
    (void)!label_set_parse(data, size, &labels, NULL);
    image_set_release(&images);
    label_set_release(&labels);
    return 0;
}
