/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/model_file.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/preprocess_file.h"

static json_t *shape_json(const struct muster_nn_tensor *tensor)
{
    char text[96] = "";
    size_t used = 0;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        int n = snprintf(text + used, sizeof text - used, "%s%u", d ? "x" : "",
                         tensor->dims[d]);
        used += n > 0 ? (size_t)n : 0;
    }
    return json_string(text);
}

static json_t *layers_json(const struct muster_nn_model *model)
{
    json_t *layers = json_array();
    struct muster_nn_layer layer;
    for (size_t i = 0; muster_nn_describe_layer(model, i, &layer) == MUSTER_NN_OK; i++) {
        (void)json_array_append_new(
            layers,
            json_pack("{s:I, s:s, s:s, s:s, s:o, s:I, s:I}", "layer", (json_int_t)i,
                      "name", layer.name, "operator", layer.operator_name, "activation",
                      layer.activation, "output", shape_json(&layer.output), "macs",
                      (json_int_t)layer.macs, "bytes", (json_int_t)layer.weight_bytes));
    }
    return layers;
}

static json_t *metas_json(const struct muster_nn_model *model)
{
    json_t *metas = json_object();
    const char *key, *value = "";
    for (size_t i = 0; (key = muster_nn_meta_at(model, i, &value)) != NULL; i++) {
        (void)json_object_set_new(metas, key, json_string(value));
    }
    return metas;
}

static json_t *classes_json(const struct muster_nn_model *model)
{
    json_t *classes = json_array();
    for (size_t i = 0; i < muster_nn_class_count(model); i++) {
        (void)json_array_append_new(classes, json_string(muster_nn_class_name(model, i)));
    }
    return classes;
}

static json_t *model_json(const struct muster_nn_model *model)
{
    struct muster_nn_tensor input, output;
    struct muster_nn_preprocess preprocess;
    enum muster_nn_meaning meaning;
    if (muster_nn_describe_input(model, 0, &input, &preprocess) ||
        muster_nn_describe_output(model, 0, &output, &meaning)) {
        return NULL;
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "input",
                     shape_json(&input), "preprocess", preprocess_json(&preprocess),
                     "output", shape_json(&output), "classes", classes_json(model),
                     "macs", (json_int_t)muster_nn_macs(model), "arena_bytes",
                     (json_int_t)muster_nn_arena_bytes(model), "weight_bytes",
                     (json_int_t)muster_nn_weight_bytes(model), "metadata",
                     metas_json(model), "layers", layers_json(model));
}

static int print_model(const struct output *output, json_t *shown)
{
    static const struct column head[] = {
        {"input", "input", CELL_PLAIN},
        {"preprocess", "preprocess", CELL_PLAIN},
        {"output", "output", CELL_PLAIN},
        {"macs", "macs", CELL_PLAIN},
        {"arena bytes", "arena_bytes", CELL_PLAIN},
        {"weights", "weight_bytes", CELL_PLAIN},
        {"metadata", "metadata", CELL_PLAIN},
    };
    static const struct column columns[] = {
        {"LAYER", "layer", CELL_PLAIN},
        {"OPERATOR", "operator", CELL_PLAIN},
        {"ACTIVATION", "activation", CELL_PLAIN},
        {"OUTPUT", "output", CELL_PLAIN},
        {"MACS", "macs", CELL_PLAIN},
        {"BYTES", "bytes", CELL_PLAIN},
        {"NAME", "name", CELL_PLAIN},
    };
    int code = output_object(output, shown, head, sizeof head / sizeof head[0]);
    if (code != CLI_OK || output_is_json(output)) {
        return code;
    }
    (void)putchar('\n');
    return output_list(output, json_object_get(shown, "layers"), columns,
                       sizeof columns / sizeof columns[0]);
}

int cmd_model_show(int argc, char **argv)
{
    struct output output = {0};
    const struct option_row options[] = {OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster model show FILE.mnet [options]",
        .about =
            "Shows what a model file holds: shapes, metadata, and each layer with its\n"
            "multiply-accumulates and bytes of weights.",
        .examples = "  muster model show fp32.mnet\n",
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
    MODEL_FILE_AUTO file = {0};
    struct err err = {0};
    if (model_file_open(operands.items[0], &file, &err)) {
        return cli_fail(&err);
    }
    json_t *shown = model_json(file.model);
    if (!shown) {
        (void)err_set(&err, ERR_NO_MEMORY, "no memory");
        return cli_fail(&err);
    }
    code = print_model(&output, shown);
    json_decref(shown);
    return code;
}
