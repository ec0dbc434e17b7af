/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "nn/model.h"
#include "nn/packing.h"

#define INVALID(...) nn_fail(error, MUSTER_NN_INVALID, __VA_ARGS__)

/* Life of a tensor in node numbers counted from 1; 0 is before the first node. */
struct life {
    uint32_t born, dies;
    bool made, used;
};

struct graph {
    struct muster_nn_model *model;
    struct life *lives;
    struct muster_nn_error *error;
};

static enum muster_nn_status open_ports(struct graph *graph)
{
    for (uint32_t i = 0; i < graph->model->input_count; i++) {
        struct life *life = &graph->lives[graph->model->ports[i].tensor];
        *life = (struct life){.made = true, .used = true};
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status close_ports(struct graph *graph)
{
    struct muster_nn_model *model = graph->model;
    struct muster_nn_error *error = graph->error;
    for (uint32_t i = model->input_count; i < nn_count(model, NN_S_PORTS); i++) {
        struct life *life = &graph->lives[model->ports[i].tensor];
        if (!life->made) {
            return INVALID("output port %u is made by no node", i);
        }
        life->used = true;
        life->dies = UINT32_MAX;
    }
    for (uint32_t i = 0; i < nn_count(model, NN_S_TENSORS); i++) {
        if (!graph->lives[i].used ||
            (model->tensors[i].place == NN_ARENA && !graph->lives[i].made)) {
            return INVALID("tensor %u is never made or never used", i);
        }
    }
    return MUSTER_NN_OK;
}

/* Inputs of one node: made before, counted as used. */
static enum muster_nn_status read_inputs(struct graph *graph, uint32_t index,
                                         const struct nn_shape **shapes)
{
    struct muster_nn_model *model = graph->model;
    struct muster_nn_error *error = graph->error;
    const struct nn_node *node = &model->nodes[index];
    for (uint32_t i = 0; i < node->inputs; i++) {
        uint32_t ref = model->refs[node->first_ref + i];
        shapes[i] = NULL;
        if (ref == NN_ABSENT) {
            continue;
        }
        struct life *life = &graph->lives[ref];
        if (model->tensors[ref].place == NN_ARENA && !life->made) {
            return INVALID("node %u reads tensor %u before it is made", index, ref);
        }
        life->used = true;
        life->dies = index + 1;
        shapes[i] = &model->tensors[ref].shape;
    }
    return MUSTER_NN_OK;
}

static struct nn_laid laid(const struct muster_nn_model *model, uint32_t ref)
{
    if (ref == NN_ABSENT) {
        return (struct nn_laid){0};
    }
    const struct nn_tensor *tensor = &model->tensors[ref];
    return (struct nn_laid){&tensor->shape, tensor->layout, tensor->place == NN_DATA};
}

static bool layouts_fit(const struct muster_nn_model *model, const struct nn_node *node)
{
    struct nn_laid operands[NN_MAX_CONCAT + 1];
    for (uint32_t i = 0; i <= node->inputs; i++) {
        operands[i] = laid(model, model->refs[node->first_ref + i]);
    }
    return nn_layouts_fit(&node->op, operands, node->inputs, &operands[node->inputs]);
}

static enum muster_nn_status check_node(struct graph *graph, uint32_t index)
{
    struct muster_nn_model *model = graph->model;
    struct muster_nn_error *error = graph->error;
    struct nn_node *node = &model->nodes[index];
    const struct nn_shape *shapes[NN_MAX_CONCAT];
    if (node->inputs > NN_MAX_CONCAT) {
        return INVALID("node %u has %u inputs", index, node->inputs);
    }
    enum muster_nn_status status = read_inputs(graph, index, shapes);
    if (status) {
        return status;
    }
    uint32_t out = model->refs[node->first_ref + node->inputs];
    if (out == NN_ABSENT || model->tensors[out].place != NN_ARENA ||
        graph->lives[out].made) {
        return INVALID("node %u writes no new tensor of the arena", index);
    }
    struct nn_shape shape = model->tensors[out].shape;
    struct nn_op_inputs inputs = {.in = shapes, .count = node->inputs};
    struct muster_nn_error why = {0};
    status = nn_op_infer(&node->op, inputs, &shape, &node->macs, &why);
    if (status) {
        return nn_fail(error, status, "node %u (%s): %s", index,
                       nn_op_info(node->op.code)->name, why.detail);
    }
    if (!nn_shape_equal(&shape, &model->tensors[out].shape)) {
        return INVALID("node %u (%s) states another output shape than it makes", index,
                       nn_op_info(node->op.code)->name);
    }
    if (!layouts_fit(model, node)) {
        return INVALID("node %u (%s) cannot take its operands in these layouts", index,
                       nn_op_info(node->op.code)->name);
    }
    graph->lives[out].made = true;
    graph->lives[out].born = graph->lives[out].dies = index + 1;
    return MUSTER_NN_OK;
}

static enum muster_nn_status check_nodes(struct graph *graph, uint64_t max_macs)
{
    struct muster_nn_model *model = graph->model;
    struct muster_nn_error *error = graph->error;
    uint8_t op_set[MUSTER_NN_OP_SET_BYTES] = {0};
    uint64_t macs = 0;
    for (uint32_t i = 0; i < nn_count(model, NN_S_NODES); i++) {
        enum muster_nn_status status = check_node(graph, i);
        if (status) {
            return status;
        }
        unsigned code = model->nodes[i].op.code;
        op_set[code / 8] = (uint8_t)(op_set[code / 8] | 1u << code % 8);
        if (model->nodes[i].macs > max_macs || macs > max_macs - model->nodes[i].macs) {
            return nn_fail(error, MUSTER_NN_LIMIT,
                           "one run takes more than %" PRIu64 " multiply-accumulates",
                           max_macs);
        }
        macs += model->nodes[i].macs;
    }
    if (memcmp(op_set, model->needs.op_set, sizeof op_set) != 0) {
        return INVALID("the operator set of the header is not that of the nodes");
    }
    if (macs != model->macs) {
        return INVALID("the header states %" PRIu64
                       " multiply-accumulates instead of %" PRIu64,
                       model->macs, macs);
    }
    return MUSTER_NN_OK;
}

/* Whether `out` is made in place of `in`, as docs/MNET.md section 6 allows. */
static bool in_place(const struct graph *graph, uint32_t in, uint32_t out)
{
    const struct muster_nn_model *model = graph->model;
    uint32_t born = graph->lives[out].born;
    if (born == 0 || graph->lives[in].dies != born) {
        return false;
    }
    const struct nn_node *node = &model->nodes[born - 1];
    const uint32_t *refs = model->refs + node->first_ref;
    bool allowed = nn_op_info(node->op.code)->in_place && refs[0] == in;
    if (node->op.code == NN_CONV && node->inputs > 3) {
        allowed = refs[3] == in && refs[0] != in;
    }
    return allowed && model->tensors[in].layout == model->tensors[out].layout &&
           model->tensors[in].offset == model->tensors[out].offset &&
           model->tensors[in].bytes == model->tensors[out].bytes;
}

static bool collide(const struct graph *graph, uint32_t a, uint32_t b)
{
    const struct nn_tensor *ta = &graph->model->tensors[a],
                           *tb = &graph->model->tensors[b];
    const struct life *la = &graph->lives[a], *lb = &graph->lives[b];
    if (ta->offset >= tb->offset + tb->bytes || tb->offset >= ta->offset + ta->bytes ||
        la->born > lb->dies || lb->born > la->dies) {
        return false;
    }
    return !in_place(graph, a, b) && !in_place(graph, b, a);
}

static enum muster_nn_status check_arena(const struct graph *graph)
{
    const struct muster_nn_model *model = graph->model;
    struct muster_nn_error *error = graph->error;
    uint32_t count = nn_count(model, NN_S_TENSORS);
    for (uint32_t a = 0; a < count; a++) {
        if (model->tensors[a].place == NN_DATA) {
            continue;
        }
        for (uint32_t b = a + 1; b < count; b++) {
            if (model->tensors[b].place == NN_ARENA && collide(graph, a, b)) {
                return INVALID("tensors %u and %u share memory while both live", a, b);
            }
        }
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status nn_graph_check(struct muster_nn_model *model, uint64_t max_macs,
                                     struct muster_nn_error *error)
{
    struct graph graph = {.model = model, .error = error};
    graph.lives = calloc(nn_count(model, NN_S_TENSORS), sizeof *graph.lives);
    if (!graph.lives) {
        return nn_fail(error, MUSTER_NN_NO_MEMORY, "out of memory");
    }
    enum muster_nn_status status = open_ports(&graph);
    if (!status) {
        status = check_nodes(&graph, max_macs);
    }
    if (!status) {
        status = close_ports(&graph);
    }
    if (!status) {
        status = check_arena(&graph);
    }
    free(graph.lives);
    return status;
}
