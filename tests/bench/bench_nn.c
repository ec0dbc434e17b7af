/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a model file for some seconds and prints one line of JSON: how long opening it
 * takes, the shortest and the median run, the peak of memory and what the model needs.
 *
 *   bench_nn FILE SECONDS [layers]
 *
 * `layers` prints a line a layer instead: its shortest time and its GFLOP/s. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <muster/nn.h>

enum { OPENS = 5, RUNS_MAX = 100000, LAYERS_MAX = 4096, MS_NS = 1000000 };

static uint64_t runs[RUNS_MAX];
static uint64_t layers[LAYERS_MAX];

static uint64_t now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void note_layer(void *user, size_t layer, uint64_t ns)
{
    (void)user;
    if (layer < LAYERS_MAX && (layers[layer] == 0 || ns < layers[layer])) {
        layers[layer] = ns;
    }
}

static int complain(const struct muster_nn_error *error)
{
    (void)fprintf(stderr, "bench_nn: %s\n", error->detail);
    return 1;
}

/* Opens the file several times; the last stays open. */
static struct muster_nn_model *open_often(const char *path, uint64_t *ret_ns)
{
    struct muster_nn_model *model = NULL;
    struct muster_nn_error error = {0};
    *ret_ns = UINT64_MAX;
    for (int i = 0; i < OPENS; i++) {
        muster_nn_close(model);
        model = NULL;
        uint64_t begin = now_ns();
        if (muster_nn_open(path, NULL, &model, &error)) {
            (void)complain(&error);
            return NULL;
        }
        uint64_t taken = now_ns() - begin;
        *ret_ns = taken < *ret_ns ? taken : *ret_ns;
    }
    return model;
}

static int set_inputs(struct muster_nn_context *context,
                      const struct muster_nn_model *model)
{
    for (size_t i = 0; i < muster_nn_input_count(model); i++) {
        struct muster_nn_tensor tensor;
        struct muster_nn_error error = {0};
        (void)muster_nn_describe_input(model, i, &tensor, NULL);
        float *values = calloc(tensor.elements, sizeof *values);
        for (uint32_t k = 0; values && k < tensor.elements; k++) {
            values[k] = (float)(k * UINT32_C(2654435761) >> 24) / 255.0f;
        }
        int status =
            !values || muster_nn_set_input(context, i, values, tensor.elements, &error);
        free(values);
        if (status) {
            return complain(&error);
        }
    }
    return 0;
}

static void print_layers(const struct muster_nn_model *model)
{
    for (size_t i = 0; i < muster_nn_layer_count(model) && i < LAYERS_MAX; i++) {
        struct muster_nn_layer layer;
        (void)muster_nn_describe_layer(model, i, &layer);
        double us = (double)layers[i] / 1000;
        printf("%4zu %-18s %9.1f us %7.1f GFLOP/s %12" PRIu64 " MAC %ux%ux%ux%u %s\n", i,
               layer.operator_name, us, 2 * (double)layer.macs / us / 1000, layer.macs,
               layer.output.dims[0], layer.output.dims[1], layer.output.dims[2],
               layer.output.dims[3], layer.name);
    }
}

static void print_summary(const struct muster_nn_model *model, size_t count,
                          uint64_t opening)
{
    struct rusage usage = {0};
    qsort(runs, count, sizeof *runs, compare_times);
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("{\"load_ms\":%.3f,\"min_ms\":%.4f,\"median_ms\":%.4f,\"runs\":%zu,"
           "\"peak_kb\":%ld,\"weight_bytes\":%" PRIu64
           ",\"arena_bytes\":%zu,\"macs\":%" PRIu64 "}\n",
           (double)opening / MS_NS, (double)runs[0] / MS_NS,
           (double)runs[count / 2] / MS_NS, count, usage.ru_maxrss,
           muster_nn_weight_bytes(model), muster_nn_arena_bytes(model),
           muster_nn_macs(model));
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "usage: bench_nn FILE SECONDS [layers]\n");
        return 2;
    }
    uint64_t opening = 0, seconds = (uint64_t)(strtod(argv[2], NULL) * 1e9);
    struct muster_nn_context *context = NULL;
    struct muster_nn_error error = {0};
    struct muster_nn_model *model = open_often(argv[1], &opening);
    if (!model) {
        return 1;
    }
    if (muster_nn_context_new(model, &context, &error)) {
        return complain(&error);
    }
    muster_nn_set_hook(context, argc > 3 ? note_layer : NULL, NULL);
    size_t count = 0;
    int status = 0;
    for (uint64_t begin = now_ns(); count < RUNS_MAX && !status;) {
        status = set_inputs(context, model);
        uint64_t before = now_ns();
        status = status || muster_nn_run(context, &error);
        runs[count++] = now_ns() - before;
        if (now_ns() - begin >= seconds) {
            break;
        }
    }
    if (!status && argc > 3) {
        print_layers(model);
    } else if (!status) {
        print_summary(model, count, opening);
    }
    muster_nn_context_free(context);
    muster_nn_close(model);
    return status;
}
