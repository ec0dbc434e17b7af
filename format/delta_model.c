/* SPDX-License-Identifier: Apache-2.0 */
#include "format/delta_model.h"

void delta_model_init(struct delta_model *model)
{
    range_bits_init((struct range_bit *)model, sizeof *model / sizeof(struct range_bit));
}
