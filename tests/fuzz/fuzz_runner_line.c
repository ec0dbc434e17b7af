/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a runner: what is accepted is within the limits of docs/RUNNERS.md. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/runner_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct runner_answer answer;

static void check_prediction(void)
{
    bool good = answer.confidence >= 0 && answer.confidence <= 1 && answer.frame >= 0 &&
                (!answer.has_value || isfinite(answer.value)) &&
                answer.probability_count <= RUNNER_PROBABILITIES_MAX;
    for (size_t i = 0; good && i < answer.probability_count; i++) {
        good = answer.probabilities[i] >= 0 && answer.probabilities[i] <= 1;
    }
    if (!good) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    enum status status = runner_answer_parse((const char *)data, size, &answer, &err);
    if (status != OK && status != ERR_RUNNER_PROTOCOL) {
        abort();
    }
    if (status == OK && strlen(answer.error) >= sizeof answer.error) {
        abort();
    }
    if (status == OK && answer.kind == RUNNER_PREDICTION) {
        check_prediction();
    }
    return 0;
}
