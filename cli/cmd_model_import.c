/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/model_file.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/preprocess_file.h"
#include "converter/import.h"

enum { CLASSES_MAX = 65536, NUMBER_TEXT = 24 };

static const size_t file_max = (size_t)2 << 30;
static const size_t text_max = (size_t)1 << 24;
static const uint64_t million = 1000000;

/* The command line as given. */
struct request {
    const char *to, *name, *version, *classes, *input, *meaning;
    const char *scale, *mean, *std, *preprocess;
    const char *test, *labels;
    struct option_list metas, shapes;
    int64_t batch;
    bool half;
    struct output output;
};

/* A choice by its word. */
struct word {
    const char *text;
    int value;
};

static bool find_word(const struct word *words, const char *text, int *ret_value)
{
    for (; words->text; words++) {
        if (text && strcmp(words->text, text) == 0) {
            *ret_value = words->value;
            return true;
        }
    }
    return text == NULL;
}

/* "0.5,0.4,0.3" into at most `most` numbers; those that are not given stay. */
static bool read_numbers(const char *text, float *numbers, size_t most)
{
    for (size_t i = 0; text && i < most; i++) {
        char *end;
        numbers[i] = strtof(text, &end);
        if (end == text || (*end != 0 && *end != ',')) {
            return false;
        }
        text = *end == ',' ? end + 1 : NULL;
    }
    return text == NULL;
}

/* "a,b,c" into names, in the arena. */
static enum status split_classes(const char *text, struct arena *arena,
                                 struct import_options *options, struct err *err)
{
    if (!text) {
        return OK;
    }
    size_t count = 1;
    for (const char *at = text; *at; at++) {
        count += *at == ',';
    }
    const char **names = arena_array(arena, count, sizeof *names);
    char *copy = arena_strdup(arena, text);
    if (!names || !copy || count > CLASSES_MAX) {
        return err_set(err, ERR_LIMIT, "too many class names");
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = copy;
        copy += strcspn(copy, ",");
        *copy++ = 0;
    }
    options->classes = names;
    options->class_count = count;
    return OK;
}

static enum status add_meta(struct import_options *options, const char *key,
                            const char *value, struct err *err)
{
    if (!value) {
        return OK;
    }
    if (options->meta_count == IMPORT_METAS_MAX) {
        return err_set(err, ERR_LIMIT, "more than %d metadata", IMPORT_METAS_MAX);
    }
    options->metas[options->meta_count++] = (struct write_meta){key, value};
    return OK;
}

static enum status add_metas(const struct request *request, struct arena *arena,
                             struct import_options *options, struct err *err)
{
    enum status status = add_meta(options, "name", request->name, err);
    if (!status) {
        status = add_meta(options, "version", request->version, err);
    }
    for (size_t i = 0; i < request->metas.count && !status; i++) {
        char *key = arena_strdup(arena, request->metas.items[i]);
        char *equals = key ? strchr(key, '=') : NULL;
        if (!equals || equals == key) {
            return err_set(err, ERR_USAGE, "--meta wants KEY=VALUE, not '%s'",
                           request->metas.items[i]);
        }
        *equals = 0;
        status = add_meta(options, key, equals + 1, err);
    }
    return status;
}

/* "1,3,48,192", or with "NAME=" before it. */
static enum status read_shape(const char *text, struct arena *arena,
                              struct import_shape *ret_shape, struct err *err)
{
    char *copy = arena_strdup(arena, text), *numbers = copy ? strrchr(copy, '=') : NULL;
    struct import_shape shape = {.input = numbers ? copy : NULL};
    if (!copy) {
        return err_set(err, ERR_LIMIT, "no memory");
    }
    if (numbers) {
        *numbers++ = 0;
    } else {
        numbers = copy;
    }
    char *end = numbers;
    do {
        long long dim = strtoll(numbers, &end, 10);
        if (end == numbers || (*end && *end != ',') || dim < 1 || dim > NN_MAX_DIM ||
            shape.shape.rank == NN_MAX_RANK) {
            return err_set(err, ERR_USAGE, "--shape wants [NAME=]1,3,224,224, not '%s'",
                           text);
        }
        shape.shape.dims[shape.shape.rank++] = (uint32_t)dim;
        numbers = end + 1;
    } while (*end);
    *ret_shape = shape;
    return OK;
}

static enum status read_shapes(const struct request *request, struct arena *arena,
                               struct import_options *options, struct err *err)
{
    size_t count = request->shapes.count;
    struct import_shape *shapes = arena_array(arena, count + 1, sizeof *shapes);
    if (!shapes) {
        return err_set(err, ERR_LIMIT, "no memory");
    }
    for (size_t i = 0; i < count; i++) {
        enum status status = read_shape(request->shapes.items[i], arena, &shapes[i], err);
        if (status) {
            return status;
        }
    }
    options->shapes = shapes;
    options->shape_count = count;
    return OK;
}

static enum status read_request(const struct request *request, struct arena *arena,
                                struct import_options *options, struct err *err)
{
    static const struct word inputs[] = {{"auto", IMPORT_INPUT_AUTO},
                                         {"plain", IMPORT_PLAIN},
                                         {"grey", IMPORT_GREY},
                                         {"rgb", IMPORT_RGB},
                                         {"bgr", IMPORT_BGR},
                                         {"series", IMPORT_SERIES},
                                         {NULL, 0}};
    static const struct word meanings[] = {{"auto", IMPORT_OUTPUT_AUTO},
                                           {"values", IMPORT_VALUES},
                                           {"probabilities", IMPORT_PROBABILITIES},
                                           {"logits", IMPORT_LOGITS},
                                           {NULL, 0}};
    if (request->preprocess) {
        enum status read = preprocess_file_read(request->preprocess, options, err);
        if (read) {
            return read;
        }
    }
    int input = (int)options->input, meaning = IMPORT_OUTPUT_AUTO;
    if (!find_word(inputs, request->input, &input) ||
        !find_word(meanings, request->meaning, &meaning)) {
        return err_set(err, ERR_USAGE, "unknown word for --input or --output-is");
    }
    if (request->batch < 1 || request->batch > NN_MAX_DIM) {
        return err_set(err, ERR_USAGE, "--batch is 1 to %d", NN_MAX_DIM);
    }
    if (!read_numbers(request->scale, &options->scale, 1) ||
        !read_numbers(request->mean, options->mean, MUSTER_NN_MAX_CHANNELS) ||
        !read_numbers(request->std, options->std, MUSTER_NN_MAX_CHANNELS)) {
        return err_set(err, ERR_USAGE,
                       "--scale, --mean and --std want numbers: 0.5,0.5,0.5");
    }
    if (!request->test != !request->labels) {
        return err_set(err, ERR_USAGE, "--test and --labels belong together");
    }
    options->batch = (uint32_t)request->batch;
    options->half = request->half;
    options->input = (enum import_input)input;
    options->output = (enum import_output)meaning;
    enum status status = split_classes(request->classes, arena, options, err);
    if (!status) {
        status = read_shapes(request, arena, options, err);
    }
    return status ? status : add_metas(request, arena, options, err);
}

/* What --test measured, as metadata texts. */
struct measured {
    uint32_t right, count;
    char ppm[NUMBER_TEXT], number[NUMBER_TEXT];
};

/* All that is printed in the end. */
struct result {
    struct import_summary summary;
    struct measured measured; /* count 0 without --test */
};

static enum status measure(const struct request *request, const struct buf *file,
                           struct measured *ret_measured, struct err *err)
{
    MODEL_FILE_AUTO model = {0};
    IMAGE_SET_AUTO images = {0};
    LABEL_SET_AUTO labels = {0};
    enum status status = model_file_open_bytes(file->data, file->len, &model, err);
    if (!status) {
        status = image_set_read(request->test, &images, err);
    }
    if (!status) {
        status = label_set_read(request->labels, &labels, err);
    }
    if (!status) {
        status =
            model_file_count_right(&model, &images, &labels, &ret_measured->right, err);
    }
    if (status) {
        return status;
    }
    ret_measured->count = images.count;
    (void)snprintf(ret_measured->ppm, NUMBER_TEXT, "%" PRIu64,
                   ret_measured->right * million / images.count);
    (void)snprintf(ret_measured->number, NUMBER_TEXT, "%" PRIu32, images.count);
    return OK;
}

/* Imports; with --test a second time, with the accuracy among the metadata. */
static enum status import_measured(const struct request *request, const struct buf *onnx,
                                   struct import_options *options, struct buf *file,
                                   struct result *result, struct err *err)
{
    struct import_summary *summary = &result->summary;
    struct measured *measured = &result->measured;
    enum status status = import_onnx(onnx->data, onnx->len, options, file, summary, err);
    if (status || !request->test) {
        return status;
    }
    status = measure(request, file, measured, err);
    if (!status) {
        status = add_meta(options, "test.accuracy.ppm", measured->ppm, err);
    }
    if (!status) {
        status = add_meta(options, "test.count", measured->number, err);
    }
    if (status) {
        return status;
    }
    buf_reset(file);
    return import_onnx(onnx->data, onnx->len, options, file, summary, err);
}

static int print_summary(const struct output *output, const char *path,
                         const struct result *result)
{
    const struct import_summary *summary = &result->summary;
    const struct measured *measured = &result->measured;
    static const struct column columns[] = {
        {"file", "file", CELL_PLAIN},
        {"bytes", "bytes", CELL_PLAIN},
        {"opset", "opset", CELL_PLAIN},
        {"ONNX nodes", "onnx_nodes", CELL_PLAIN},
        {"layers", "layers", CELL_PLAIN},
        {"macs", "macs", CELL_PLAIN},
        {"arena bytes", "arena_bytes", CELL_PLAIN},
        {"checks", "checks", CELL_PLAIN},
        {"worst", "worst", CELL_PLAIN},
        {"right", "right", CELL_PLAIN},
        {"of", "count", CELL_PLAIN},
    };
    json_t *shown =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:f}", "file", path, "bytes",
                  (json_int_t)summary->file_bytes, "opset", (json_int_t)summary->opset,
                  "onnx_nodes", (json_int_t)summary->onnx_nodes, "layers",
                  (json_int_t)summary->layers, "macs", (json_int_t)summary->macs,
                  "arena_bytes", (json_int_t)summary->arena_bytes, "checks",
                  (int)summary->checks, "worst", summary->worst);
    if (measured->count) {
        (void)json_object_set_new(shown, "right", json_integer(measured->right));
        (void)json_object_set_new(shown, "count", json_integer(measured->count));
    }
    int code = output_object(output, shown, columns, sizeof columns / sizeof columns[0]);
    json_decref(shown);
    return code;
}

static int run_import(const struct usage *usage, const struct request *request,
                      const char *from)
{
    BUF_AUTO onnx = BUF_INIT(file_max);
    BUF_AUTO file = BUF_INIT(file_max);
    ARENA_AUTO arena = ARENA_INIT(text_max);
    struct import_options options = {0};
    struct result result = {0};
    struct err err = {0};
    if (!request->to) {
        return usage_wrong(usage, "where to? give --output FILE.mnet");
    }
    if (read_request(request, &arena, &options, &err)) {
        return usage_wrong(usage, "%s", err.detail);
    }
    if (file_read(from, &onnx, &err)) {
        return cli_fail(&err);
    }
    if (import_measured(request, &onnx, &options, &file, &result, &err)) {
        err_prefix(&err, "'%s'", from);
        return cli_fail(&err);
    }
    if (file_write_atomic(request->to, file.data, file.len, 0644, &err)) {
        return cli_fail(&err);
    }
    return print_summary(&request->output, request->to, &result);
}

int cmd_model_import(int argc, char **argv)
{
    struct request request = {.batch = 1};
    const struct option_row options[] = {
        {"output", 'o', OPTION_TEXT, &request.to, "FILE", "the model file to write"},
        {"batch", 'b', OPTION_INTEGER, &request.batch, "N", "for an unknown batch; 1"},
        {"shape", 0, OPTION_LIST, &request.shapes, "[INPUT=]A,B,…",
         "of an input with open dimensions"},
        {"name", 0, OPTION_TEXT, &request.name, "TEXT", "the model's name"},
        {"version", 0, OPTION_TEXT, &request.version, "TEXT", "its version"},
        {"classes", 0, OPTION_TEXT, &request.classes, "A,B,…", "names of the classes"},
        {"input", 0, OPTION_TEXT, &request.input, "WORD",
         "auto, plain, grey, rgb, bgr or series: what the first input takes"},
        {"output-is", 0, OPTION_TEXT, &request.meaning, "WORD",
         "auto, values, probabilities or logits"},
        {"scale", 0, OPTION_TEXT, &request.scale, "X", "of pixels before mean; 1/255"},
        {"mean", 0, OPTION_TEXT, &request.mean, "X,…", "by channel, subtracted; 0"},
        {"std", 0, OPTION_TEXT, &request.std, "X,…", "by channel, divided by; 1"},
        {"preprocess", 0, OPTION_TEXT, &request.preprocess, "FILE",
         "JSON: how the first input is made; other options win"},
        {"meta", 0, OPTION_LIST, &request.metas, "KEY=VALUE", "more metadata"},
        {"fp16", 0, OPTION_FLAG, &request.half, NULL,
         "weights of 16 bits: half the file"},
        {"test", 0, OPTION_TEXT, &request.test, "IDX", "images to measure accuracy with"},
        {"labels", 0, OPTION_TEXT, &request.labels, "IDX", "their labels"},
        OUTPUT_OPTIONS(request.output)};
    const struct usage usage = {
        .synopsis = "muster model import FILE.onnx --output FILE.mnet [options]",
        .about =
            "Converts an ONNX model into a model file. What is not supported is refused\n"
            "by node, operator and opset. Before anything is written, the converted\n"
            "model is run and held against a plain interpretation of the ONNX graph.",
        .examples = "  muster model import fashion.onnx -o fp32.mnet --name fashion\n"
                    "  muster model import net.onnx -o net.mnet --mean 0.485,0.456,0.406 "
                    "--std 0.229,0.224,0.225\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    return run_import(&usage, &request, operands.items[0]);
}
