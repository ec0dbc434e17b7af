/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/pack.h"

#include <string.h>

#include "nn/model.h"
#include "nn/packing.h"

struct packing {
    struct ir *ir;   /* its nodes are made anew, in order */
    uint32_t *twins; /* by tensor and layout: the same values in that layout */
    struct ir old;
    struct arena *arena;
    struct err *err;
};

static enum status too_large(const struct packing *packing)
{
    return err_set(packing->err, ERR_LIMIT, "the packed model needs too much memory");
}

static uint32_t *twin_of(const struct packing *packing, uint32_t tensor,
                         enum nn_layout layout)
{
    return &packing->twins[tensor * NN_LAYOUTS + layout];
}

/* Whether the tensor is, or has been brought, in that layout. */
static bool is_laid(const struct packing *packing, uint32_t tensor, enum nn_layout layout)
{
    return packing->ir->tensors[tensor].layout == layout ||
           *twin_of(packing, tensor, layout) != IR_NONE;
}

/* The tensor in that layout; a Reshape is added where there is none yet. */
static enum status take_laid(struct packing *packing, uint32_t tensor,
                             enum nn_layout layout, uint32_t *ret_tensor)
{
    struct ir *ir = packing->ir;
    uint32_t *twin = twin_of(packing, tensor, layout);
    *ret_tensor = tensor;
    if (ir->tensors[tensor].layout == layout) {
        return OK;
    }
    if (*twin == IR_NONE) {
        struct nn_shape shape = ir->tensors[tensor].shape;
        struct ir_node node = {.name = ir->tensors[tensor].name,
                               .code = NN_RESHAPE,
                               .inputs = arena_array(packing->arena, 1, sizeof(uint32_t)),
                               .input_count = 1};
        *twin = ir_add_tensor(ir, ir->tensors[tensor].name, &shape);
        if (!node.inputs || *twin == IR_NONE) {
            return too_large(packing);
        }
        node.inputs[0] = tensor;
        node.output = *twin;
        ir->tensors[*twin].layout = layout;
        if (ir_add_node(ir, &node, &shape, NULL)) {
            return too_large(packing);
        }
    }
    *ret_tensor = *twin;
    return OK;
}

/* A constant of [outputs][inner] in panels of 16 outputs: each [taps][inputs][16].
 * `output` and `inner` are floats from one to the next in `from`. */
struct panels {
    const float *from;
    uint32_t outputs, inputs, taps;
    size_t output_step, input_step;
};

static float *make_panels(const struct panels *panels, struct arena *arena)
{
    size_t inner = (size_t)panels->inputs * panels->taps;
    size_t count = (size_t)nn_blocks(panels->outputs) * NN_BLOCK * inner;
    float *out = arena_array(arena, count, sizeof *out);
    if (!out) {
        return NULL;
    }
    memset(out, 0, count * sizeof *out);
    for (uint32_t o = 0; o < panels->outputs; o++) {
        float *lane = out + o / NN_BLOCK * inner * NN_BLOCK + o % NN_BLOCK;
        for (uint32_t t = 0; t < panels->taps; t++) {
            for (uint32_t i = 0; i < panels->inputs; i++, lane += NN_BLOCK) {
                *lane =
                    panels->from[o * panels->output_step + i * panels->input_step + t];
            }
        }
    }
    return out;
}

static enum status add_panels(struct packing *packing, const struct panels *panels,
                              const struct nn_shape *shape, const char *name,
                              uint32_t *ret_tensor)
{
    const float *data = make_panels(panels, packing->arena);
    *ret_tensor = data ? ir_add_constant(packing->ir, name, shape, data) : IR_NONE;
    if (*ret_tensor == IR_NONE) {
        return too_large(packing);
    }
    packing->ir->tensors[*ret_tensor].layout = NN_PANELS;
    return OK;
}

static struct nn_laid laid(const struct packing *packing, uint32_t tensor,
                           enum nn_layout layout)
{
    if (tensor == IR_NONE) {
        return (struct nn_laid){0};
    }
    const struct ir_tensor *in = &packing->ir->tensors[tensor];
    return (struct nn_laid){&in->shape, layout, in->data != NULL};
}

static bool node_fits(const struct packing *packing, const struct ir_node *node,
                      const enum nn_layout *layouts, enum nn_layout output)
{
    struct nn_laid operands[NN_MAX_CONCAT];
    for (uint32_t i = 0; i < node->input_count; i++) {
        operands[i] = laid(packing, node->inputs[i], layouts[i]);
        if (operands[i].shape &&
            nn_layout_bytes(operands[i].layout, operands[i].shape) == 0) {
            return false;
        }
    }
    struct nn_laid out = laid(packing, node->output, output);
    struct nn_op op = {.code = node->code, .attrs = node->attrs};
    return nn_layout_bytes(output, out.shape) != 0 &&
           nn_layouts_fit(&op, operands, node->input_count, &out);
}

/* The node with its inputs in these layouts. */
static enum status emit(struct packing *packing, const struct ir_node *node,
                        const enum nn_layout *layouts, enum nn_layout output)
{
    struct ir_node made = *node;
    made.inputs = arena_array(packing->arena, node->input_count, sizeof *made.inputs);
    if (!made.inputs) {
        return too_large(packing);
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        made.inputs[i] = node->inputs[i];
        if (node->inputs[i] == IR_NONE) {
            continue;
        }
        enum status status =
            take_laid(packing, node->inputs[i], layouts[i], &made.inputs[i]);
        if (status) {
            return status;
        }
    }
    packing->ir->tensors[node->output].layout = output;
    struct nn_shape wished = packing->ir->tensors[node->output].shape;
    struct muster_nn_error error = {0};
    if (ir_add_node(packing->ir, &made, &wished, &error)) {
        return err_set(packing->err, ERR_LIMIT, "%s", error.detail);
    }
    return OK;
}

enum { CONV_INPUTS = 4 };

/* Layouts of a convolution's inputs: the first in blocks, or channel after channel if it
 * has few and is in rows. */
static bool plan_conv(const struct packing *packing, const struct ir_node *node,
                      enum nn_layout *layouts)
{
    const struct ir_tensor *x = &packing->ir->tensors[node->inputs[0]];
    bool few = x->shape.rank == 4 && x->shape.dims[1] < NN_BLOCK &&
               x->layout == NN_ROWS && node->attrs[NN_W_GROUP] == 1;
    layouts[0] = few ? NN_LAST : NN_BLOCKED;
    layouts[1] = NN_PANELS;
    layouts[2] = NN_ROWS;
    layouts[3] = NN_BLOCKED;
    return packing->ir->tensors[node->inputs[1]].data &&
           node_fits(packing, node, layouts, NN_BLOCKED);
}

static enum status pack_conv(struct packing *packing, const struct ir_node *node,
                             const enum nn_layout *layouts)
{
    const struct ir_tensor *w = &packing->ir->tensors[node->inputs[1]];
    struct nn_shape shape = w->shape;
    uint32_t taps = shape.dims[2] * shape.dims[3];
    struct panels panels = {.from = w->data,
                            .outputs = shape.dims[0],
                            .inputs = shape.dims[1],
                            .taps = taps,
                            .output_step = (size_t)shape.dims[1] * taps,
                            .input_step = taps};
    struct ir_node made = *node;
    uint32_t inputs[CONV_INPUTS];
    memcpy(inputs, node->inputs, node->input_count * sizeof *inputs);
    made.inputs = inputs;
    enum status status = add_panels(packing, &panels, &shape, w->name, &inputs[1]);
    return status ? status : emit(packing, &made, layouts, NN_BLOCKED);
}

static const enum nn_layout gemm_layouts[] = {NN_ROWS, NN_PANELS, NN_ROWS};

static enum status pack_gemm(struct packing *packing, const struct ir_node *node)
{
    const struct ir_tensor *w = &packing->ir->tensors[node->inputs[1]];
    bool turned = node->attrs[NN_G_TRANS_B] != 0;
    struct nn_shape shape = {
        .rank = 2,
        .dims = {w->shape.dims[turned ? 0 : 1], w->shape.dims[turned ? 1 : 0]}};
    struct panels panels = {.from = w->data,
                            .outputs = shape.dims[0],
                            .inputs = shape.dims[1],
                            .taps = 1,
                            .output_step = turned ? shape.dims[1] : 1,
                            .input_step = turned ? 1 : shape.dims[0]};
    struct ir_node made = *node;
    uint32_t inputs[CONV_INPUTS];
    memcpy(inputs, node->inputs, node->input_count * sizeof *inputs);
    made.inputs = inputs;
    made.attrs[NN_G_TRANS_B] = 1;
    enum status status = add_panels(packing, &panels, &shape, w->name, &inputs[1]);
    return status ? status : emit(packing, &made, gemm_layouts, NN_ROWS);
}

static bool gemm_packs(const struct packing *packing, const struct ir_node *node)
{
    struct ir_node turned = *node;
    turned.attrs[NN_G_TRANS_B] = 1;
    return packing->ir->tensors[node->inputs[1]].data &&
           node_fits(packing, &turned, gemm_layouts, NN_ROWS);
}

/* Operators without weights follow their inputs into blocks. */
static bool follows(const struct packing *packing, const struct ir_node *node,
                    const enum nn_layout *blocked)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] == IR_NONE ||
            !is_laid(packing, node->inputs[i], NN_BLOCKED)) {
            return false;
        }
    }
    return node->code != NN_RESHAPE && node_fits(packing, node, blocked, NN_BLOCKED);
}

/* A sum or product whose first operand is the smaller one is turned round. */
static void turn_binary(const struct packing *packing, struct ir_node *node)
{
    const struct ir_tensor *tensors = packing->ir->tensors;
    if ((node->code == NN_ADD || node->code == NN_MUL) &&
        !nn_shape_equal(&tensors[node->inputs[0]].shape, &tensors[node->output].shape)) {
        uint32_t first = node->inputs[0];
        node->inputs[0] = node->inputs[1];
        node->inputs[1] = first;
    }
}

static enum status pack_node(struct packing *packing, struct ir_node *node)
{
    enum nn_layout layouts[NN_MAX_CONCAT];
    if (node->code == NN_CONV && plan_conv(packing, node, layouts)) {
        return pack_conv(packing, node, layouts);
    }
    if (node->code == NN_GEMM && gemm_packs(packing, node)) {
        return pack_gemm(packing, node);
    }
    turn_binary(packing, node);
    for (uint32_t i = 0; i < node->input_count; i++) {
        layouts[i] = NN_BLOCKED;
    }
    if (follows(packing, node, layouts)) {
        return emit(packing, node, layouts, NN_BLOCKED);
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        layouts[i] = NN_ROWS;
    }
    if (node->code == NN_RESHAPE) {
        layouts[0] = packing->ir->tensors[node->inputs[0]].layout;
    }
    return emit(packing, node, layouts, NN_ROWS);
}

static uint32_t position_of(const struct ir *ir, uint32_t tensor)
{
    const struct ir_node *maker = ir_maker(ir, tensor);
    return maker ? (uint32_t)(maker - ir->nodes) + 1 : 0;
}

/* y = conv(x) + z, where z is there before the convolution runs, becomes one node. */
static enum status fuse_sum(struct packing *packing, struct ir_node *add, uint32_t side)
{
    struct ir *ir = packing->ir;
    struct ir_node *conv = ir_maker(ir, add->inputs[side]);
    uint32_t other = add->inputs[1 - side];
    enum nn_layout layouts[CONV_INPUTS];
    if (add->dead || !conv || conv->code != NN_CONV || conv->input_count > 3 ||
        conv->activation != NN_NO_ACTIVATION || ir_readers(ir, conv->output) != 1 ||
        !nn_shape_equal(&ir->tensors[other].shape, &ir->tensors[add->output].shape) ||
        ir->tensors[other].data ||
        position_of(ir, other) > (uint32_t)(conv - ir->nodes)) {
        return OK;
    }
    uint32_t *inputs = arena_array(packing->arena, CONV_INPUTS, sizeof *inputs);
    if (!inputs) {
        return too_large(packing);
    }
    inputs[2] = IR_NONE;
    memcpy(inputs, conv->inputs, conv->input_count * sizeof *inputs);
    inputs[3] = other;
    struct ir_node fused = *conv;
    fused.inputs = inputs;
    fused.input_count = CONV_INPUTS;
    fused.output = add->output;
    fused.activation = add->activation;
    fused.act_a = add->act_a;
    fused.act_b = add->act_b;
    if (plan_conv(packing, &fused, layouts)) {
        *conv = fused;
        add->dead = true;
    }
    return OK;
}

static enum status fuse_sums(struct packing *packing)
{
    struct ir *ir = packing->ir;
    for (uint32_t n = 0; n < ir->node_count; n++) {
        for (uint32_t side = 0; side < 2 && ir->nodes[n].code == NN_ADD; side++) {
            enum status status = fuse_sum(packing, &ir->nodes[n], side);
            if (status) {
                return status;
            }
        }
    }
    return OK;
}

/* Room for every tensor in every layout, for panels and for the nodes that make them. */
static enum status make_room(struct packing *packing)
{
    struct ir *ir = packing->ir;
    uint32_t tensors = ir->tensor_count * NN_LAYOUTS + ir->node_count;
    struct ir_tensor *table = arena_array(packing->arena, tensors, sizeof *table);
    packing->old = *ir;
    packing->twins =
        arena_array(packing->arena, (size_t)tensors * NN_LAYOUTS, sizeof *packing->twins);
    ir->node_max = ir->node_count + tensors;
    ir->nodes = arena_array(packing->arena, ir->node_max, sizeof *ir->nodes);
    if (!table || !packing->twins || !ir->nodes) {
        return too_large(packing);
    }
    memcpy(table, ir->tensors, ir->tensor_count * sizeof *table);
    for (size_t i = 0; i < (size_t)tensors * NN_LAYOUTS; i++) {
        packing->twins[i] = IR_NONE;
    }
    ir->tensors = table;
    ir->tensor_max = tensors;
    ir->node_count = 0;
    return OK;
}

enum status pack_run(struct ir *ir, struct arena *arena, struct err *err)
{
    struct packing packing = {.ir = ir, .arena = arena, .err = err};
    enum status status = fuse_sums(&packing);
    if (!status) {
        status = make_room(&packing);
    }
    for (uint32_t n = 0; n < packing.old.node_count && !status; n++) {
        if (!packing.old.nodes[n].dead) {
            status = pack_node(&packing, &packing.old.nodes[n]);
        }
    }
    for (uint32_t i = 0; i < ir->output_count && !status; i++) {
        status = take_laid(&packing, ir->outputs[i], NN_ROWS, &ir->outputs[i]);
    }
    return status;
}
