/* SPDX-License-Identifier: Apache-2.0 */
/* muster-onnx-test CASE_DIR...: ONNX's backend tests through our importer and runtime.
 *
 * A case is a folder with model.onnx and test_data_set_*, which hold input_*.pb and
 * output_*.pb (TensorProto). For every data set the model is converted, run by
 * libmuster_nn and compared: rtol 1e-3, atol 1e-5, shapes exactly. Prints one line a case
 * (`ok`, `FAIL why`, `unsupported what`), then the counts; exit 0 only when all passed.
 *
 * Inputs that are not f32 (shapes, axes) are fixed at import, as a file has fixed shapes.
 * Where the importer refuses that, the f32 inputs after the first are fixed as well
 * (statistics, bounds): models have them as constants. */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <muster/nn.h>

#include "base/file.h"
#include "converter/import.h"

enum { TENSORS_MAX = 64, FILE_MAX = 1 << 28, LINE_MAX_BYTES = 400 };

static const size_t memory_max = (size_t)1 << 31;
static const double absolute = 1e-5, relative = 1e-3;

enum outcome { PASSED, FAILED, UNSUPPORTED, OUTCOMES };

/* One data set: tensors in file order. */
struct data_set {
    struct onnx_tensor inputs[TENSORS_MAX], outputs[TENSORS_MAX];
    size_t input_count, output_count;
};

struct test_case {
    struct arena arena;
    struct buf onnx;
    struct onnx_model model;
    char why[LINE_MAX_BYTES];
    bool folded; /* nothing was left to run */
};

static enum outcome say(struct test_case *test, enum outcome outcome, const char *why)
{
    (void)snprintf(test->why, sizeof test->why, "%s", why);
    return outcome;
}

/* Reads PREFIX_0.pb, PREFIX_1.pb, ... until one is missing. */
static enum status read_tensors(struct test_case *test, const char *folder,
                                const char *prefix, struct onnx_tensor *ret_tensors,
                                size_t *ret_count, struct err *err)
{
    size_t count = 0;
    for (; count < TENSORS_MAX; count++) {
        char path[600];
        BUF_AUTO bytes = BUF_INIT(FILE_MAX);
        (void)snprintf(path, sizeof path, "%s/%s_%zu.pb", folder, prefix, count);
        if (!file_exists(path)) {
            break;
        }
        enum status status = file_read(path, &bytes, err);
        struct wire wire = {.at = (const uint8_t *)bytes.data,
                            .end = (const uint8_t *)bytes.data + bytes.len};
        if (!status) {
            status = onnx_tensor_read(wire, &test->arena, &ret_tensors[count], err);
        }
        if (status) {
            return status;
        }
    }
    *ret_count = count;
    return OK;
}

/* Whether input `i` of the data set is fixed at import. */
static bool is_fixed(const struct data_set *set, size_t i, bool all)
{
    size_t first = 0;
    while (first < set->input_count && !set->inputs[first].floats) {
        first++;
    }
    return !set->inputs[i].floats || (all && i != first);
}

static enum status convert(struct test_case *test, struct data_set *set, bool all,
                           struct buf *file, struct err *err)
{
    struct onnx_tensor fixed[TENSORS_MAX];
    struct import_options options = {
        .input = IMPORT_PLAIN, .memory_bytes = memory_max, .fixed = fixed};
    for (size_t i = 0; i < set->input_count && i < test->model.input_count; i++) {
        if (is_fixed(set, i, all)) {
            fixed[options.fixed_count] = set->inputs[i];
            fixed[options.fixed_count++].name = test->model.inputs[i].name;
        }
    }
    test->folded = options.fixed_count == set->input_count;
    return import_onnx(test->onnx.data, test->onnx.len, &options, file, NULL, err);
}

static bool same_shape(const struct onnx_tensor *expected,
                       const struct muster_nn_tensor *got)
{
    bool same = expected->rank == got->rank;
    for (uint32_t d = 0; same && d < expected->rank; d++) {
        same = expected->dims[d] == got->dims[d];
    }
    return same;
}

/* Output `index` of the context against the expected tensor. */
static enum outcome compare(struct test_case *test, struct muster_nn_context *context,
                            const struct muster_nn_model *model,
                            const struct onnx_tensor *expected, size_t index)
{
    struct muster_nn_tensor tensor;
    size_t count = 0;
    if (muster_nn_describe_output(model, index, &tensor, NULL)) {
        return say(test, FAILED, "an output is missing");
    }
    const float *got = muster_nn_output(context, index, &count);
    if (!same_shape(expected, &tensor) || count != expected->count) {
        return say(test, FAILED, "an output has another shape");
    }
    for (size_t i = 0; i < count; i++) {
        double wanted =
            expected->floats ? (double)expected->floats[i] : (double)expected->ints[i];
        double tolerance = absolute + relative * fabs(wanted);
        bool neither = isnan(wanted) && isnan(got[i]);
        if (!neither && !(fabs((double)got[i] - wanted) <= tolerance)) {
            (void)snprintf(test->why, sizeof test->why,
                           "value %zu of output %zu is %g instead of %g", i, index,
                           (double)got[i], wanted);
            return FAILED;
        }
    }
    return PASSED;
}

static enum outcome run_model(struct test_case *test, struct muster_nn_context *context,
                              const struct muster_nn_model *model,
                              const struct data_set *set, bool all)
{
    struct muster_nn_error error = {0};
    size_t next = 0;
    for (size_t i = 0; i < set->input_count; i++) {
        if (!is_fixed(set, i, all) &&
            muster_nn_set_input(context, next++, set->inputs[i].floats,
                                set->inputs[i].count, &error)) {
            return say(test, FAILED, error.detail);
        }
    }
    if (muster_nn_run(context, &error)) {
        return say(test, FAILED, error.detail);
    }
    if (set->output_count != muster_nn_output_count(model)) {
        return say(test, FAILED, "another number of outputs");
    }
    for (size_t i = 0; i < set->output_count; i++) {
        enum outcome outcome = compare(test, context, model, &set->outputs[i], i);
        if (outcome != PASSED) {
            return outcome;
        }
    }
    return PASSED;
}

static enum outcome run_file(struct test_case *test, const struct buf *file,
                             const struct data_set *set, bool all)
{
    struct muster_nn_model *model = NULL;
    struct muster_nn_context *context = NULL;
    struct muster_nn_error error = {0};
    enum outcome outcome = FAILED;
    size_t room =
        (file->len + MUSTER_NN_ALIGNMENT - 1) / MUSTER_NN_ALIGNMENT * MUSTER_NN_ALIGNMENT;
    void *memory = aligned_alloc(MUSTER_NN_ALIGNMENT, room);
    if (!memory) {
        return say(test, FAILED, "out of memory");
    }
    memcpy(memory, file->data, file->len);
    if (muster_nn_open_memory(memory, file->len, NULL, &model, &error) ||
        muster_nn_context_new(model, &context, &error)) {
        (void)say(test, FAILED, error.detail);
    } else {
        outcome = run_model(test, context, model, set, all);
    }
    muster_nn_context_free(context);
    muster_nn_close(model);
    free(memory);
    return outcome;
}

static enum outcome run_set(struct test_case *test, const char *folder)
{
    static struct data_set set;
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(FILE_MAX);
    enum status status =
        read_tensors(test, folder, "input", set.inputs, &set.input_count, &err);
    if (!status) {
        status =
            read_tensors(test, folder, "output", set.outputs, &set.output_count, &err);
    }
    if (status) {
        return say(test, status == ERR_ONNX_UNSUPPORTED ? UNSUPPORTED : FAILED,
                   err.detail);
    }
    bool all = false;
    status = convert(test, &set, all, &file, &err);
    if (status == ERR_ONNX_UNSUPPORTED) {
        struct err again = {0};
        all = true;
        status = convert(test, &set, all, &file, &again);
    }
    if (status) {
        return say(test, status == ERR_ONNX_UNSUPPORTED ? UNSUPPORTED : FAILED,
                   err.detail);
    }
    return run_file(test, &file, &set, all);
}

static enum outcome run_sets(struct test_case *test, const char *folder)
{
    enum outcome outcome = PASSED;
    unsigned sets = 0;
    for (; outcome == PASSED; sets++) {
        char path[500];
        (void)snprintf(path, sizeof path, "%s/test_data_set_%u", folder, sets);
        DIR *there = opendir(path);
        if (!there) {
            break;
        }
        (void)closedir(there);
        outcome = run_set(test, path);
    }
    return sets ? outcome : say(test, FAILED, "no test_data_set_0");
}

static enum outcome run_case(struct test_case *test, const char *folder)
{
    char path[500];
    struct err err = {0};
    (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
    enum status status = file_read(path, &test->onnx, &err);
    if (!status) {
        status =
            onnx_read(test->onnx.data, test->onnx.len, &test->arena, &test->model, &err);
    }
    if (status) {
        return say(test, status == ERR_ONNX_UNSUPPORTED ? UNSUPPORTED : FAILED,
                   err.detail);
    }
    return run_sets(test, folder);
}

int main(int argc, char **argv)
{
    static const char *const words[OUTCOMES] = {"ok", "FAIL ", "unsupported "};
    unsigned counts[OUTCOMES] = {0};
    if (argc < 2) {
        (void)fprintf(stderr, "usage: muster-onnx-test CASE_DIR...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        struct test_case test = {.arena = ARENA_INIT(memory_max),
                                 .onnx = BUF_INIT(FILE_MAX)};
        enum outcome outcome = run_case(&test, argv[i]);
        const char *why = test.why;
        if (outcome == PASSED && test.folded) {
            why = " (folded)";
        }
        printf("%s: %s%s\n", argv[i], words[outcome], why);
        (void)fflush(stdout);
        counts[outcome]++;
        arena_release(&test.arena);
        buf_release(&test.onnx);
    }
    printf("%u passed, %u failed, %u unsupported\n", counts[PASSED], counts[FAILED],
           counts[UNSUPPORTED]);
    return counts[PASSED] == (unsigned)argc - 1 ? 0 : 1;
}
