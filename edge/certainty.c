/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/certainty.h"

#include <math.h>

#include "format/report.h"

static const double SLACK = 1e-3;

static double unit(double value)
{
    return value > 1 ? 1 : value >= 0 ? value : 0;
}

bool certainty_of(const float *probabilities, size_t count,
                  struct certainty *ret_certainty)
{
    double largest = 0, second = 0, entropy = 0;
    if (!probabilities || count == 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        double p = (double)probabilities[i];
        if (!(p >= 0 && p <= 1 + SLACK)) {
            return false;
        }
        entropy -= p > 0 ? p * log(p) : 0;
        second = p > largest ? largest : p > second ? p : second;
        largest = p > largest ? p : largest;
    }
    double most = log((double)count);
    ret_certainty->entropy = report_confidence(count > 1 ? unit(entropy / most) : 0);
    ret_certainty->margin = report_confidence(unit(largest - second));
    return true;
}
