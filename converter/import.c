/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <muster/nn.h>

#include "base/digest.h"
#include "base/hex.h"
#include "converter/input.h"
#include "converter/pack.h"
#include "converter/passes.h"

enum { CHECKS_MAX = 4 };

/* Which numbers the generated inputs are, tried until all outputs are finite: a square
 * root or a logarithm is not for all. */
enum input_form { ANY_SIGN, POSITIVE, OVER_ONE, INPUT_FORMS };
enum { ATTEMPTS = INPUT_FORMS + INPUT_FORMS * INPUT_FORMS * INPUT_FORMS };

/* 4 GiB, or half of what a smaller machine can address. */
static const size_t default_memory =
    SIZE_MAX / 2 < UINT64_C(4) << 30 ? SIZE_MAX / 2 : (size_t)(UINT64_C(4) << 30);
static const uint64_t default_steps = UINT64_C(40000000000);
static const uint64_t few_macs = UINT64_C(50000000);
/* Of an output's range: what the runtime may differ by, and what weights in f16 may cost.
 */
static const double tolerance = 1e-4, half_tolerance = 5e-3;
/* What an output's range counts as at least: what is left of numbers near one that cancel
 * each other out is noise. */
static const double least_range = 1e-6;
static const uint64_t first_seed = UINT64_C(0x6d7573746572); /* "muster" */
/* Sizes of generated inputs, to be tried until a softmax at the end is not saturated. */
static const float spans[CHECKS_MAX] = {1.0f, 0.3f, 0.1f, 0.03f};
static const float saturated = 0.9f; /* a probability above it */

/* Everything that one import passes along. */
struct import {
    const struct import_options *options;
    struct arena arena;
    struct interpret_budget budget;
    struct onnx_model model;
    struct graph graph;
    struct ir ir;
    struct muster_nn_preprocess preprocess;
    struct write_meta metas[IMPORT_METAS_MAX + 4];
    char source_hex[SHA256_HEX_BYTES], opset_text[24];
    unsigned attempt;
    double tolerance; /* of an output's range */
    float rtol;       /* of the self-test */
    struct write_test test;
    struct write_description description;
    struct err *err;
};

static void import_release(struct import *import)
{
    arena_release(&import->arena);
}

static enum status no_memory(const struct import *import)
{
    return err_set(import->err, ERR_LIMIT, "the model needs too much memory");
}

static enum muster_nn_meaning meaning_of(const struct import *import)
{
    const struct ir_node *maker = ir_maker(&import->ir, import->ir.outputs[0]);
    switch (import->options->output) {
    case IMPORT_OUTPUT_AUTO:
        if (maker && maker->code == NN_SOFTMAX) {
            return MUSTER_NN_PROBABILITIES;
        }
        return import->options->class_count ? MUSTER_NN_LOGITS : MUSTER_NN_VALUES;
    case IMPORT_VALUES:
        return MUSTER_NN_VALUES;
    case IMPORT_PROBABILITIES:
        return MUSTER_NN_PROBABILITIES;
    case IMPORT_LOGITS:
        return MUSTER_NN_LOGITS;
    }
    return MUSTER_NN_VALUES;
}

static int compare_metas(const void *a, const void *b)
{
    const struct write_meta *x = a, *y = b;
    return strcmp(x->key, y->key);
}

/* The caller's metadata and ours, ascending by key. */
static enum status describe_metas(struct import *import, const void *onnx, size_t len)
{
    const struct import_options *options = import->options;
    struct write_description *description = &import->description;
    uint8_t digest[SHA256_BYTES];
    enum status status = sha256_of(onnx, len, digest, import->err);
    if (status) {
        return status;
    }
    hex_encode(digest, sizeof digest, import->source_hex);
    (void)snprintf(import->opset_text, sizeof import->opset_text, "%lld",
                   (long long)import->model.opset);
    memcpy(import->metas, options->metas, options->meta_count * sizeof *import->metas);
    size_t count = options->meta_count;
    import->metas[count++] = (struct write_meta){"importer", "muster " MUSTER_VERSION};
    import->metas[count++] = (struct write_meta){"producer", import->model.producer};
    import->metas[count++] = (struct write_meta){"source.opset", import->opset_text};
    import->metas[count++] = (struct write_meta){"source.sha256", import->source_hex};
    qsort(import->metas, count, sizeof *import->metas, compare_metas);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(import->metas[i - 1].key, import->metas[i].key) == 0) {
            return err_set(import->err, ERR_INVALID_ARGUMENT,
                           "the key '%s' is given twice", import->metas[i].key);
        }
    }
    description->metas = import->metas;
    description->meta_count = count;
    return OK;
}

static enum status describe(struct import *import, const void *onnx, size_t len)
{
    const struct nn_shape *output = &import->ir.tensors[import->ir.outputs[0]].shape;
    const struct import_options *options = import->options;
    enum status status =
        input_describe(options, &import->ir.tensors[import->ir.inputs[0]].shape,
                       &import->preprocess, import->err);
    if (!status) {
        status = describe_metas(import, onnx, len);
    }
    if (status) {
        return status;
    }
    if (options->class_count &&
        (output->rank == 0 || output->dims[output->rank - 1] != options->class_count)) {
        return err_set(import->err, ERR_INVALID_ARGUMENT,
                       "%zu class names for an output whose last dimension is %u",
                       options->class_count,
                       output->rank ? output->dims[output->rank - 1] : 0);
    }
    import->description.preprocess = &import->preprocess;
    import->description.meaning = meaning_of(import);
    if (import->description.meaning != MUSTER_NN_VALUES && output->rank == 0) {
        return err_set(import->err, ERR_INVALID_ARGUMENT, "the output is a scalar");
    }
    import->description.classes = options->classes;
    import->description.class_count = options->class_count;
    return OK;
}

static uint64_t seed_of(unsigned turn)
{
    return first_seed + UINT64_C(1000) * turn;
}

/* What input `input` is in an attempt: first all have the same form, then every mixture
 * for the first three (those after them begin again). */
static enum input_form form_of(unsigned attempt, size_t input)
{
    unsigned mixture = attempt < INPUT_FORMS ? attempt : attempt - INPUT_FORMS;
    for (size_t i = 0; attempt >= INPUT_FORMS && i < input % 3; i++) {
        mixture /= INPUT_FORMS;
    }
    return (enum input_form)(mixture % INPUT_FORMS);
}

static float formed(enum input_form form, float value)
{
    switch (form) {
    case ANY_SIGN:
    case INPUT_FORMS:
        return value;
    case POSITIVE:
        return 0.05f + fabsf(value);
    case OVER_ONE:
        return 1.1f + fabsf(value);
    }
    return value;
}

/* Generated inputs, in `arena`: every `turn` has other values and another span. */
static enum status generate_inputs(const struct import *import, unsigned turn,
                                   struct arena *arena, const float ***ret_inputs)
{
    size_t count = import->graph.input_count;
    const float **inputs = arena_array(arena, count + 1, sizeof *inputs);
    for (size_t i = 0; inputs && i < count; i++) {
        uint32_t elements = nn_shape_elements(&import->graph.inputs[i].shape);
        float *values = arena_array(arena, elements, sizeof *values);
        if (!values) {
            return no_memory(import);
        }
        for (uint32_t k = 0; k < elements; k++) {
            float value = nn_generated(seed_of(turn) + i, k, spans[turn % CHECKS_MAX]);
            values[k] = formed(form_of(import->attempt, i), value);
        }
        inputs[i] = values;
    }
    if (!inputs) {
        return no_memory(import);
    }
    *ret_inputs = inputs;
    return OK;
}

/* Outputs that are integers leave the runtime as f32. */
static enum status make_floats(const struct import *import, struct arena *arena,
                               struct onnx_tensor *tensor)
{
    tensor->floats = arena_array(arena, tensor->count + 1, sizeof *tensor->floats);
    for (size_t i = 0; tensor->floats && i < tensor->count; i++) {
        tensor->floats[i] = (float)tensor->ints[i];
    }
    return tensor->floats ? OK : no_memory(import);
}

/* The interpretation's outputs for given inputs. */
static enum status interpret_outputs(struct import *import, const float *const *inputs,
                                     struct arena *arena, struct onnx_tensor *ret_outputs)
{
    const struct graph *graph = &import->graph;
    struct onnx_tensor *values = arena_array(arena, graph->value_count, sizeof *values);
    if (!values) {
        return no_memory(import);
    }
    enum status status =
        interpret_graph(graph, inputs, &import->budget, arena, values, import->err);
    for (size_t i = 0; i < graph->output_count && !status; i++) {
        ret_outputs[i] = values[graph->outputs[i]];
        if (!status && !ret_outputs[i].floats) {
            status = make_floats(import, arena, &ret_outputs[i]);
        }
    }
    return status;
}

/* The largest magnitude of an output: what differences are measured against. */
static enum status output_range(const struct import *import,
                                const struct onnx_tensor *output, double *ret_range)
{
    double range = 0;
    for (size_t i = 0; i < output->count; i++) {
        double magnitude = fabs((double)output->floats[i]);
        if (!isfinite(magnitude)) {
            return err_set(import->err, ERR_ONNX_UNSUPPORTED,
                           "the model computes values that are not finite");
        }
        range = fmax(range, magnitude);
    }
    *ret_range = range;
    return OK;
}

/* Whether the first output is probabilities of which one is nearly all. */
static bool is_saturated(const struct import *import, const struct onnx_tensor *output)
{
    if (import->description.meaning != MUSTER_NN_PROBABILITIES) {
        return false;
    }
    for (size_t i = 0; i < output->count; i++) {
        if (output->floats[i] > saturated) {
            return true;
        }
    }
    return false;
}

/* Outputs for the first turn that does not saturate, or for the last. */
static enum status choose_turn(struct import *import, struct onnx_tensor *outputs,
                               unsigned *ret_turn)
{
    for (unsigned turn = 0; turn < CHECKS_MAX; turn++) {
        const float **inputs = NULL;
        enum status status = generate_inputs(import, turn, &import->arena, &inputs);
        if (!status) {
            status = interpret_outputs(import, inputs, &import->arena, outputs);
        }
        *ret_turn = turn;
        if (status || !is_saturated(import, &outputs[0])) {
            return status;
        }
    }
    return OK;
}

static bool is_finite(const struct onnx_tensor *tensor)
{
    bool finite = true;
    for (size_t i = 0; i < tensor->count && finite; i++) {
        finite = isfinite(tensor->floats[i]);
    }
    return finite;
}

/* The same for the first forms of the inputs that give finite outputs, or for any sign.
 */
static enum status choose_form(struct import *import, struct onnx_tensor *outputs,
                               unsigned *ret_turn)
{
    unsigned attempts = import->graph.input_count > 1 ? ATTEMPTS : INPUT_FORMS;
    for (import->attempt = 0; import->attempt < attempts; import->attempt++) {
        bool finite = true;
        enum status status = choose_turn(import, outputs, ret_turn);
        for (size_t i = 0; i < import->graph.output_count && !status && finite; i++) {
            finite = is_finite(&outputs[i]);
        }
        if (status || finite) {
            return status;
        }
    }
    import->attempt = 0;
    return OK;
}

/* The self-test: generated inputs with the interpretation's outputs. */
static enum status make_test(struct import *import)
{
    size_t count = import->graph.output_count;
    struct arena *arena = &import->arena;
    unsigned turn = 0;
    struct onnx_tensor *outputs = arena_array(arena, count, sizeof *outputs);
    const float **stored = arena_array(arena, count, sizeof *stored);
    float *atol = arena_array(arena, count, sizeof *atol);
    if (!outputs || !stored || !atol) {
        return no_memory(import);
    }
    const float **inputs = NULL;
    enum status status = choose_form(import, outputs, &turn);
    if (!status && import->attempt != 0) {
        status = generate_inputs(import, turn, arena, &inputs);
    }
    for (size_t i = 0; i < count && !status; i++) {
        double range = 0;
        status = output_range(import, &outputs[i], &range);
        stored[i] = outputs[i].floats;
        atol[i] = (float)fmin(fmax(range, least_range) * import->tolerance, 1);
    }
    import->test = (struct write_test){.seed = seed_of(turn),
                                       .span = spans[turn],
                                       .inputs = inputs,
                                       .outputs = stored,
                                       .atol = atol,
                                       .rtol = import->rtol};
    import->description.tests = &import->test;
    import->description.test_count = 1;
    return status;
}

static enum status compare_output(const struct import *import, const float *got,
                                  const struct onnx_tensor *wanted, size_t output,
                                  double *worst)
{
    double range = 0;
    enum status status = output_range(import, wanted, &range);
    if (status) {
        return status;
    }
    for (size_t i = 0; i < wanted->count; i++) {
        double difference = fabs((double)got[i] - (double)wanted->floats[i]);
        double part = difference / fmax(range, least_range);
        if (!(part <= import->tolerance)) {
            return err_set(import->err, ERR_MNET_SELFTEST,
                           "value %zu of output %zu is %g, the ONNX graph gives %g; the "
                           "converted model is wrong and was not written",
                           i, output, (double)got[i], (double)wanted->floats[i]);
        }
        *worst = fmax(*worst, part);
    }
    return OK;
}

/* One generated input through both. */
static enum status check_once(struct import *import, struct muster_nn_context *context,
                              unsigned turn, double *worst)
{
    size_t left = import->arena.max - import->arena.used;
    ARENA_AUTO arena = ARENA_INIT(left);
    const struct graph *graph = &import->graph;
    const float **inputs = NULL;
    struct muster_nn_error error = {0};
    struct onnx_tensor *outputs =
        arena_array(&arena, graph->output_count, sizeof *outputs);
    enum status status =
        outputs ? generate_inputs(import, turn, &arena, &inputs) : no_memory(import);
    if (!status) {
        status = interpret_outputs(import, inputs, &arena, outputs);
    }
    for (size_t i = 0; i < graph->input_count && !status; i++) {
        if (muster_nn_set_input(context, i, inputs[i],
                                nn_shape_elements(&graph->inputs[i].shape), &error)) {
            status = err_set(import->err, ERR_INTERNAL, "%s", error.detail);
        }
    }
    if (!status && muster_nn_run(context, &error)) {
        status = err_set(import->err, ERR_INTERNAL, "%s", error.detail);
    }
    for (size_t i = 0; i < graph->output_count && !status; i++) {
        size_t count = 0;
        const float *got = muster_nn_output(context, i, &count);
        status = got && count == outputs[i].count
                     ? compare_output(import, got, &outputs[i], i, worst)
                     : err_set(import->err, ERR_MNET_SELFTEST,
                               "output %zu has another size", i);
    }
    return status;
}

static void close_model(struct muster_nn_model **model)
{
    muster_nn_close(*model);
}

static void free_context(struct muster_nn_context **context)
{
    muster_nn_context_free(*context);
}

static void free_memory(void **memory)
{
    free(*memory);
}

static enum status check_file(struct import *import, const void *file, size_t bytes,
                              struct import_summary *summary)
{
    __attribute__((cleanup(free_memory))) void *copy =
        aligned_alloc(NN_ALIGN, (size_t)nn_align64(bytes));
    __attribute__((cleanup(close_model))) struct muster_nn_model *model = NULL;
    __attribute__((cleanup(free_context))) struct muster_nn_context *context = NULL;
    struct muster_nn_error error = {0};
    struct muster_nn_limits limits = {.arena_bytes = import->arena.max};
    if (!copy) {
        return no_memory(import);
    }
    memcpy(copy, file, bytes);
    if (muster_nn_open_memory(copy, bytes, &limits, &model, &error)) {
        return err_set(import->err, ERR_ONNX_UNSUPPORTED,
                       "the converted model is refused by the runtime: %s", error.detail);
    }
    if (muster_nn_context_new(model, &context, &error)) {
        return no_memory(import);
    }
    if (muster_nn_verify(context, NULL, &error)) {
        return err_set(import->err, ERR_MNET_SELFTEST, "%s", error.detail);
    }
    unsigned checks = muster_nn_macs(model) <= few_macs ? CHECKS_MAX : 2;
    for (unsigned i = 0; i < checks; i++) {
        enum status status = check_once(import, context, i + 1, &summary->worst);
        if (status) {
            return status;
        }
    }
    summary->checks = checks;
    summary->layers = muster_nn_layer_count(model);
    summary->macs = muster_nn_macs(model);
    summary->arena_bytes = muster_nn_arena_bytes(model);
    summary->weight_bytes = muster_nn_weight_bytes(model);
    return OK;
}

/* Inputs that the caller fixes become initializers of the same name, which an input may
 * have as its default. */
static enum status fix_inputs(struct import *import)
{
    const struct import_options *options = import->options;
    struct onnx_model *model = &import->model;
    size_t count = model->initializer_count + options->fixed_count;
    struct onnx_tensor *all =
        arena_array(&import->arena, count + 1, sizeof *model->initializers);
    if (!all) {
        return no_memory(import);
    }
    size_t used = 0;
    for (size_t i = 0; i < model->initializer_count; i++) {
        bool replaced = false;
        for (size_t f = 0; f < options->fixed_count && !replaced; f++) {
            replaced = strcmp(model->initializers[i].name, options->fixed[f].name) == 0;
        }
        if (!replaced) {
            all[used++] = model->initializers[i];
        }
    }
    for (size_t f = 0; f < options->fixed_count; f++) {
        all[used++] = options->fixed[f];
    }
    model->initializers = all;
    model->initializer_count = used;
    return OK;
}

static enum status convert(struct import *import, const void *onnx, size_t len)
{
    uint32_t batch = import->options->batch ? import->options->batch : 1;
    struct arena *arena = &import->arena;
    enum status status = onnx_read(onnx, len, arena, &import->model, import->err);
    if (!status) {
        status = fix_inputs(import);
    }
    if (!status) {
        status = input_fix_shapes(import->options, &import->model, import->err);
    }
    if (!status) {
        status = graph_resolve(&import->model, batch, arena, &import->graph, import->err);
    }
    if (!status) {
        status =
            lower_graph(&import->graph, &import->budget, arena, &import->ir, import->err);
    }
    if (!status) {
        status = passes_run(&import->ir, arena, import->err);
    }
    if (!status && !import->options->rows) {
        status = pack_run(&import->ir, arena, import->err);
    }
    if (!status) {
        status = plan_arena(&import->ir, arena, import->err);
    }
    if (!status) {
        status = describe(import, onnx, len);
    }
    return status ? status : make_test(import);
}

/* Writes the file and holds it against the interpretation. */
static enum status write_checked(struct import *import, struct buf *file,
                                 struct import_summary *summary)
{
    enum status status =
        write_model(&import->ir, &import->description, &import->arena, file, import->err);
    return status ? status : check_file(import, file->data, file->len, summary);
}

/* The same file, once it is right, with its weights as f16 and a self-test that allows
 * for that. */
static enum status write_halved(struct import *import, struct buf *file,
                                struct import_summary *summary)
{
    passes_halve(&import->ir);
    import->tolerance = half_tolerance;
    import->rtol = (float)half_tolerance;
    summary->worst = 0;
    buf_reset(file);
    enum status status = make_test(import);
    return status ? status : write_checked(import, file, summary);
}

enum status import_onnx(const void *onnx, size_t len,
                        const struct import_options *options, struct buf *ret_file,
                        struct import_summary *ret_summary, struct err *err)
{
    if (options->meta_count > IMPORT_METAS_MAX) {
        return err_set(err, ERR_INVALID_ARGUMENT, "more than %d metadata",
                       IMPORT_METAS_MAX);
    }
    __attribute__((cleanup(import_release))) struct import import = {
        .options = options,
        .arena =
            ARENA_INIT(options->memory_bytes ? options->memory_bytes : default_memory),
        .budget = {.steps = options->steps ? options->steps : default_steps},
        .tolerance = tolerance,
        .rtol = 1e-3f,
        .err = err,
    };
    enum status status = convert(&import, onnx, len);
    if (status) {
        return status;
    }
    BUF_AUTO file = BUF_INIT(ret_file->max);
    struct import_summary summary = {.opset = import.model.opset,
                                     .onnx_nodes = import.model.node_count};
    status = write_checked(&import, &file, &summary);
    if (!status && options->half) {
        status = write_halved(&import, &file, &summary);
    }
    if (status) {
        return status;
    }
    summary.file_bytes = file.len;
    buf_add(ret_file, file.data, file.len);
    status = buf_status(ret_file, err);
    if (!status && ret_summary) {
        *ret_summary = summary;
    }
    return status;
}
