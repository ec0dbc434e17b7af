/* SPDX-License-Identifier: Apache-2.0 */
/* certainty: how sure a model was of one prediction, from its probabilities. */
#ifndef MUSTER_EDGE_CERTAINTY_H
#define MUSTER_EDGE_CERTAINTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In 1/10,000, rounded half up (docs/PROTOCOL.md, "Histogram edges"). */
struct certainty {
    uint16_t entropy; /* Shannon's, divided by ln(count); 0 of a single class */
    uint16_t margin;  /* the largest probability less the second largest */
};

/* False, with nothing set, when there are no probabilities or one of them is not in
 * 0 … 1 (a rounding error of 1e-3 beyond 1 is forgiven). */
bool certainty_of(const float *probabilities, size_t count,
                  struct certainty *ret_certainty);

#endif
