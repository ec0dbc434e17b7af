/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/model_file.h"
#include "cli/options.h"
#include "cli/output.h"

/* One class with its probability, or with its plain value. */
struct score {
    size_t class;
    float value;
};

static void free_scores(struct score **scores)
{
    free(*scores);
}

static int compare_scores(const void *a, const void *b)
{
    const struct score *x = a, *y = b;
    if (x->value != y->value) {
        return x->value < y->value ? 1 : -1;
    }
    return (x->class > y->class) - (x->class < y->class);
}

static enum status read_scores(const struct model_file *file, struct score *scores,
                               size_t count, struct err *err)
{
    struct muster_nn_error error = {0};
    float *values = calloc(count, sizeof *values);
    if (!values) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the classes");
    }
    enum status status = OK;
    if (muster_nn_probabilities(file->context, 0, 0, values, count, &error)) {
        status = model_file_error(&error, err);
    }
    for (size_t i = 0; i < count; i++) {
        scores[i] = (struct score){.class = i, .value = values[i]};
    }
    free(values);
    qsort(scores, count, sizeof *scores, compare_scores);
    return status;
}

static enum status list_scores(const struct model_file *file, int64_t top,
                               json_t **ret_list, struct err *err)
{
    size_t count = model_file_classes(file);
    __attribute__((cleanup(free_scores))) struct score *scores =
        calloc(count + 1, sizeof *scores);
    json_t *list = json_array();
    if (!scores || !list || count == 0) {
        json_decref(list);
        return err_set(err, ERR_UNSUPPORTED, "the model's output is not classes");
    }
    enum status status = read_scores(file, scores, count, err);
    for (size_t i = 0; i < count && (top == 0 || (int64_t)i < top) && !status; i++) {
        const char *name = muster_nn_class_name(file->model, scores[i].class);
        (void)json_array_append_new(
            list, json_pack("{s:I, s:s*, s:f}", "class", (json_int_t)scores[i].class,
                            "name", name, "probability", (double)scores[i].value));
    }
    if (status) {
        json_decref(list);
        return status;
    }
    *ret_list = list;
    return OK;
}

static enum status run_file(const struct operands *operands, int64_t index, int64_t top,
                            json_t **ret_list, struct err *err)
{
    MODEL_FILE_AUTO file = {0};
    IMAGE_SET_AUTO images = {0};
    enum status status = model_file_open(operands->items[0], &file, err);
    if (!status) {
        status = image_set_read(operands->items[1], &images, err);
    }
    if (!status && (index < 0 || index >= images.count)) {
        status = err_set(err, ERR_NOT_FOUND, "there is no image %lld among %u",
                         (long long)index, images.count);
    }
    if (!status) {
        status = model_file_run(&file, &images, (size_t)index, err);
    }
    return status ? status : list_scores(&file, top, ret_list, err);
}

int cmd_model_run(int argc, char **argv)
{
    struct output output = {0};
    int64_t index = 0, top = 0;
    const struct option_row options[] = {
        {"index", 'i', OPTION_INTEGER, &index, "N", "which image of an IDX file; from 0"},
        {"top", 'n', OPTION_INTEGER, &top, "N", "only the N most probable classes"},
        OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster model run FILE.mnet IMAGE [options]",
        .about =
            "Runs a model on an image (PGM, PPM, or IDX, also gzipped), preprocessed as\n"
            "the model says, and prints its classes, the most probable first.",
        .examples =
            "  muster model run fp32.mnet shoe.pgm\n"
            "  muster model run fp32.mnet t10k-images-idx3-ubyte.gz --index 7 --top 3\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 2,
        .operands_max = 2,
    };
    static const struct column columns[] = {{"CLASS", "class", CELL_PLAIN},
                                            {"NAME", "name", CELL_PLAIN},
                                            {"PROBABILITY", "probability", CELL_PERCENT}};
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    struct err err = {0};
    json_t *list = NULL;
    if (run_file(&operands, index, top, &list, &err)) {
        return cli_fail(&err);
    }
    code = output_list(&output, list, columns, sizeof columns / sizeof columns[0]);
    json_decref(list);
    return code;
}
