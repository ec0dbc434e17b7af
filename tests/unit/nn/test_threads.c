/* SPDX-License-Identifier: Apache-2.0 */
/* Threads share one model, each with a context of its own, without a lock. */
#include <pthread.h>

#include "tests/unit/nn/model_bytes.h"

enum { THREADS = 4, ROUNDS = 25, INPUTS = 16, OUTPUTS = 3 };

struct worker {
    pthread_t thread;
    struct muster_nn_model *model;
    float input[INPUTS], expected[OUTPUTS];
    int wrong;
};

/* Keeps the model alive by itself, and makes and ends contexts over it. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct muster_nn_context *context = NULL;
        struct muster_nn_layer layer;
        size_t count = 0;
        struct muster_nn_model *model = muster_nn_retain(worker->model);
        bool ran = muster_nn_context_new(model, &context, NULL) == 0 &&
                   muster_nn_describe_layer(model, 0, &layer) == 0 &&
                   muster_nn_verify(context, NULL, NULL) == 0 &&
                   muster_nn_set_input(context, 0, worker->input, INPUTS, NULL) == 0 &&
                   muster_nn_run(context, NULL) == 0;
        worker->wrong += !ran || memcmp(muster_nn_output(context, 0, &count),
                                        worker->expected, sizeof worker->expected) != 0;
        muster_nn_context_free(context);
        muster_nn_close(model);
    }
    muster_nn_close(worker->model);
    return NULL;
}

static void threads_with_contexts_of_their_own_agree(void **state)
{
    (void)state;
    static struct worker workers[THREADS];
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = NULL;
    struct muster_nn_context *context = NULL;
    size_t count = 0;
    assert_int_equal(muster_nn_open_memory(bytes.data, bytes.len, NULL, &model, NULL), 0);
    assert_int_equal(muster_nn_context_new(model, &context, NULL), 0);
    for (size_t t = 0; t < THREADS; t++) {
        for (size_t i = 0; i < INPUTS; i++) {
            workers[t].input[i] = (float)(t * i % 7) - 2;
        }
        assert_int_equal(muster_nn_set_input(context, 0, workers[t].input, INPUTS, NULL),
                         0);
        assert_int_equal(muster_nn_run(context, NULL), 0);
        memcpy(workers[t].expected, muster_nn_output(context, 0, &count),
               sizeof workers[t].expected);
        workers[t].model = muster_nn_retain(model);
    }
    muster_nn_context_free(context);
    muster_nn_close(model);
    for (size_t t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_create(&workers[t].thread, NULL, work, &workers[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_join(workers[t].thread, NULL), 0);
        assert_int_equal(workers[t].wrong, 0);
    }
    free(bytes.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_with_contexts_of_their_own_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
