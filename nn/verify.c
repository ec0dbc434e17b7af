/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "nn/run.h"

static const float *stored(const struct muster_nn_model *model,
                           const struct nn_test *test)
{
    return (const float *)(const void *)(model->data + test->where);
}

static void set_test_input(struct muster_nn_context *context, const struct nn_test *test)
{
    const struct muster_nn_model *model = context->model;
    const struct nn_tensor *tensor = &model->tensors[model->ports[test->port].tensor];
    float *values = nn_context_values(context, tensor);
    if (!test->generated) {
        memcpy(values, stored(model, test), (size_t)tensor->bytes);
        return;
    }
    for (uint32_t i = 0; i < tensor->elements; i++) {
        values[i] = nn_generated(test->where, i, test->atol);
    }
}

static enum muster_nn_status compare(const struct muster_nn_context *context,
                                     const struct nn_test *test,
                                     struct muster_nn_error *error)
{
    const struct muster_nn_model *model = context->model;
    const struct nn_tensor *tensor = &model->tensors[model->ports[test->port].tensor];
    const float *got = nn_context_values(context, tensor), *wanted = stored(model, test);
    float worst = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < tensor->elements; i++) {
        float excess =
            fabsf(got[i] - wanted[i]) - (test->atol + test->rtol * fabsf(wanted[i]));
        if (!(excess <= worst)) { /* also when it is not a number */
            worst = excess;
            at = i;
        }
        if (worst != worst) {
            break;
        }
    }
    if (!(worst <= 0)) {
        return nn_fail(error, MUSTER_NN_SELFTEST,
                       "test %u: value %u of '%s' is %g instead of %g", test->number, at,
                       tensor->name, (double)got[at], (double)wanted[at]);
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status muster_nn_verify(struct muster_nn_context *context,
                                       size_t *ret_tests, struct muster_nn_error *error)
{
    const struct muster_nn_model *model = context->model;
    uint32_t ports = nn_count(model, NN_S_PORTS);
    uint32_t tests = nn_count(model, NN_S_TESTS) / ports;
    for (uint32_t t = 0; t < tests; t++) {
        const struct nn_test *test = &model->tests[t * ports];
        for (uint32_t p = 0; p < model->input_count; p++) {
            set_test_input(context, &test[p]);
        }
        enum muster_nn_status status = muster_nn_run(context, error);
        for (uint32_t p = model->input_count; !status && p < ports; p++) {
            status = compare(context, &test[p], error);
        }
        if (status) {
            return status;
        }
    }
    if (ret_tests) {
        *ret_tests = tests;
    }
    return MUSTER_NN_OK;
}
