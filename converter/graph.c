/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/graph.h"

#include <stdlib.h>
#include <string.h>

enum { ELEM_FLOAT = 1, NEVER = INT32_MAX };

/* A name and since when it may be used: 0 before the first node, i + 1 after node i. */
struct definition {
    const char *name;
    int32_t value;
    int32_t since;
};

struct resolver {
    const struct onnx_model *model;
    struct arena *arena;
    struct graph graph;
    struct definition *definitions; /* sorted by name once complete */
    struct err *err;
};

static int compare_definitions(const void *a, const void *b)
{
    const struct definition *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->value > y->value) - (x->value < y->value);
}

static void define(struct resolver *resolver, const char *name,
                   const struct onnx_tensor *constant, size_t since)
{
    size_t number = resolver->graph.value_count++;
    resolver->graph.values[number] =
        (struct graph_value){.name = name, .constant = constant};
    resolver->definitions[number] = (struct definition){
        .name = name, .value = (int32_t)number, .since = (int32_t)since};
}

static const struct definition *find(const struct resolver *resolver, const char *name)
{
    size_t low = 0, high = resolver->graph.value_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, resolver->definitions[middle].name);
        if (order == 0) {
            return &resolver->definitions[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The initializers' names in order, to tell real inputs from those with a default. */
static enum status sorted_initializers(struct resolver *resolver, const char ***ret_names)
{
    size_t count = resolver->model->initializer_count;
    const char **names = arena_array(resolver->arena, count + 1, sizeof *names);
    if (!names) {
        return err_set(resolver->err, ERR_LIMIT, "the file needs too much memory");
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = resolver->model->initializers[i].name;
    }
    qsort(names, count, sizeof *names, compare_names);
    *ret_names = names;
    return OK;
}

static enum status define_inputs(struct resolver *resolver)
{
    const struct onnx_model *model = resolver->model;
    const char **names = NULL;
    enum status status = sorted_initializers(resolver, &names);
    if (status) {
        return status;
    }
    for (size_t i = 0; i < model->input_count; i++) {
        const struct onnx_port *port = &model->inputs[i];
        if (bsearch(&port->name, names, model->initializer_count, sizeof *names,
                    compare_names)) {
            continue; /* an initializer listed as an input, as IR version 3 asks */
        }
        resolver->graph.inputs[resolver->graph.input_count++].value =
            (int32_t)resolver->graph.value_count;
        define(resolver, port->name, NULL, 0);
    }
    return OK;
}

/* How many outputs may be used. Later ones of other operators are masks, indices and
 * statistics of training. */
static size_t outputs_of(const struct onnx_node *node)
{
    return strcmp(node->op, "Split") == 0 || node->output_count == 0 ? node->output_count
                                                                     : 1;
}

static enum status define_all(struct resolver *resolver)
{
    const struct onnx_model *model = resolver->model;
    enum status status = define_inputs(resolver);
    if (status) {
        return status;
    }
    for (size_t i = 0; i < model->initializer_count; i++) {
        define(resolver, model->initializers[i].name, &model->initializers[i], 0);
    }
    for (size_t i = 0; i < model->node_count; i++) {
        const struct onnx_node *node = &model->nodes[i];
        if (node->output_count == 0 || node->outputs[0][0] == 0) {
            return onnx_refuse(model, node, resolver->err, "no first output");
        }
        for (size_t o = 0; o < outputs_of(node); o++) {
            if (node->outputs[o][0] != 0) {
                define(resolver, node->outputs[o], NULL, i + 1);
            }
        }
    }
    qsort(resolver->definitions, resolver->graph.value_count,
          sizeof *resolver->definitions, compare_definitions);
    for (size_t i = 1; i < resolver->graph.value_count; i++) {
        if (strcmp(resolver->definitions[i - 1].name, resolver->definitions[i].name) ==
            0) {
            return err_set(resolver->err, ERR_ONNX_INVALID, "'%.80s' is defined twice",
                           resolver->definitions[i].name);
        }
    }
    return OK;
}

static enum status resolve_node(struct resolver *resolver, size_t index)
{
    const struct onnx_node *onnx = &resolver->model->nodes[index];
    struct graph_node *node = &resolver->graph.nodes[index];
    enum status status = graph_identify(resolver->model, onnx, &node->op, resolver->err);
    if (status) {
        return status;
    }
    node->onnx = onnx;
    node->input_count = onnx->input_count;
    node->output = find(resolver, onnx->outputs[0])->value;
    node->output_count = outputs_of(onnx);
    node->inputs =
        arena_array(resolver->arena, onnx->input_count + 1, sizeof *node->inputs);
    node->outputs =
        arena_array(resolver->arena, node->output_count, sizeof *node->outputs);
    if (!node->inputs || !node->outputs) {
        return err_set(resolver->err, ERR_LIMIT, "the file needs too much memory");
    }
    for (size_t o = 0; o < node->output_count; o++) {
        node->outputs[o] = onnx->outputs[o][0] ? find(resolver, onnx->outputs[o])->value
                                               : GRAPH_NO_VALUE;
    }
    for (size_t i = 0; i < onnx->input_count; i++) {
        node->inputs[i] = GRAPH_NO_VALUE;
        if (onnx->inputs[i][0] == 0) {
            continue;
        }
        const struct definition *found = find(resolver, onnx->inputs[i]);
        if (!found) {
            return onnx_refuse(resolver->model, onnx, resolver->err,
                               "nothing supported makes its input '%.40s'",
                               onnx->inputs[i]);
        }
        if ((size_t)found->since > index) {
            return err_set(resolver->err, ERR_ONNX_INVALID,
                           "node %zu uses '%.80s' before it is made", index, found->name);
        }
        node->inputs[i] = found->value;
    }
    return OK;
}

static enum status fix_shape(const struct resolver *resolver,
                             const struct onnx_port *port, uint32_t batch,
                             struct nn_shape *ret_shape)
{
    struct nn_shape shape = {.rank = port->rank};
    if (port->elem_type != ELEM_FLOAT || !port->has_shape) {
        return err_set(resolver->err, ERR_ONNX_UNSUPPORTED,
                       "input '%.80s' is not f32 or has no shape", port->name);
    }
    for (uint32_t d = 0; d < port->rank; d++) {
        int64_t dim = port->dims[d];
        if (dim < 0 && d == 0) {
            dim = batch;
        }
        if (dim < 1 || dim > NN_MAX_DIM) {
            return err_set(resolver->err, ERR_ONNX_UNSUPPORTED,
                           "dimension %u of input '%.80s' is not fixed", d, port->name);
        }
        shape.dims[d] = (uint32_t)dim;
    }
    if (nn_shape_elements(&shape) == 0) {
        return err_set(resolver->err, ERR_ONNX_UNSUPPORTED, "input '%.80s' is too large",
                       port->name);
    }
    *ret_shape = shape;
    return OK;
}

static enum status resolve_ports(struct resolver *resolver, uint32_t batch)
{
    const struct onnx_model *model = resolver->model;
    struct graph *graph = &resolver->graph;
    size_t next = 0;
    for (size_t i = 0; i < model->input_count && next < graph->input_count; i++) {
        const struct definition *found = find(resolver, model->inputs[i].name);
        if (!found || found->value != graph->inputs[next].value) {
            continue;
        }
        enum status status =
            fix_shape(resolver, &model->inputs[i], batch, &graph->inputs[next++].shape);
        if (status) {
            return status;
        }
    }
    for (size_t i = 0; i < model->output_count; i++) {
        const struct definition *found = find(resolver, model->outputs[i].name);
        if (!found) {
            return err_set(resolver->err, ERR_ONNX_UNSUPPORTED,
                           "nothing supported makes the output '%.80s'",
                           model->outputs[i].name);
        }
        graph->outputs[graph->output_count++] = found->value;
    }
    if (graph->output_count == 0) {
        return err_set(resolver->err, ERR_ONNX_INVALID, "no output");
    }
    return OK;
}

static enum status allocate(struct resolver *resolver)
{
    const struct onnx_model *model = resolver->model;
    struct arena *arena = resolver->arena;
    struct graph *graph = &resolver->graph;
    size_t values = model->input_count + model->initializer_count;
    for (size_t i = 0; i < model->node_count; i++) {
        values += outputs_of(&model->nodes[i]);
    }
    if (values >= NEVER) {
        return err_set(resolver->err, ERR_LIMIT, "too many values");
    }
    graph->values = arena_array(arena, values + 1, sizeof *graph->values);
    resolver->definitions = arena_array(arena, values + 1, sizeof *resolver->definitions);
    graph->nodes = arena_array(arena, model->node_count + 1, sizeof *graph->nodes);
    graph->inputs = arena_array(arena, model->input_count + 1, sizeof *graph->inputs);
    graph->outputs = arena_array(arena, model->output_count + 1, sizeof *graph->outputs);
    if (!graph->values || !resolver->definitions || !graph->nodes || !graph->inputs ||
        !graph->outputs) {
        return err_set(resolver->err, ERR_LIMIT, "the file needs too much memory");
    }
    return OK;
}

enum status graph_resolve(const struct onnx_model *model, uint32_t batch,
                          struct arena *arena, struct graph *ret_graph, struct err *err)
{
    struct resolver resolver = {
        .model = model, .arena = arena, .graph = {.model = model}, .err = err};
    enum status status = allocate(&resolver);
    if (!status) {
        status = define_all(&resolver);
    }
    for (size_t i = 0; i < model->node_count && !status; i++) {
        status = resolve_node(&resolver, i);
    }
    if (!status) {
        status = resolve_ports(&resolver, batch);
    }
    if (!status) {
        *ret_graph = resolver.graph;
    }
    return status;
}
