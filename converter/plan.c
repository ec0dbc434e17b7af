/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/ir.h"

#include <stdlib.h>

#include "nn/packing.h"

/* A block of the arena: one tensor, or several that follow each other in place. */
struct block {
    uint32_t born, dies; /* node numbers counted from 1; 0 is before the first */
    uint64_t bytes, offset;
    bool used;
};

struct plan {
    struct ir *ir;
    struct block *blocks; /* by the number of the block's first tensor */
    uint32_t *owner;      /* by tensor: its block */
    uint32_t *order;      /* blocks, largest first */
    uint32_t count;
};

static uint64_t bytes_of(const struct ir *ir, uint32_t tensor)
{
    return nn_layout_bytes(ir->tensors[tensor].layout, &ir->tensors[tensor].shape);
}

static void begin_block(struct plan *plan, uint32_t tensor, uint32_t born)
{
    plan->owner[tensor] = tensor;
    plan->blocks[tensor] = (struct block){
        .born = born, .dies = born, .bytes = bytes_of(plan->ir, tensor), .used = true};
    plan->order[plan->count++] = tensor;
}

/* The last live node that reads each tensor, counted from 1. */
static void find_last_reads(const struct ir *ir, uint32_t *last)
{
    for (uint32_t n = 0; n < ir->node_count; n++) {
        const struct ir_node *node = &ir->nodes[n];
        for (uint32_t i = 0; i < node->input_count && !node->dead; i++) {
            if (node->inputs[i] != IR_NONE) {
                last[node->inputs[i]] = n + 1;
            }
        }
    }
    for (uint32_t i = 0; i < ir->output_count; i++) {
        last[ir->outputs[i]] = UINT32_MAX;
    }
}

/* The input whose memory the output may take; a convolution's is its summand. */
static uint32_t replaced_input(const struct ir_node *node)
{
    if (node->code == NN_CONV && node->input_count > 3) {
        return node->inputs[3] == node->inputs[0] ? IR_NONE : node->inputs[3];
    }
    return nn_op_info(node->code)->in_place ? node->inputs[0] : IR_NONE;
}

static bool may_be_in_place(const struct ir *ir, const struct ir_node *node,
                            uint32_t number, const uint32_t *last)
{
    uint32_t from = replaced_input(node);
    return from != IR_NONE && !ir->tensors[from].data && last[from] == number &&
           ir->tensors[from].layout == ir->tensors[node->output].layout &&
           bytes_of(ir, from) == bytes_of(ir, node->output);
}

static void make_blocks(struct plan *plan, const uint32_t *last)
{
    const struct ir *ir = plan->ir;
    for (uint32_t i = 0; i < ir->input_count; i++) {
        begin_block(plan, ir->inputs[i], 0);
        plan->blocks[ir->inputs[i]].dies = last[ir->inputs[i]];
    }
    for (uint32_t n = 0; n < ir->node_count; n++) {
        const struct ir_node *node = &ir->nodes[n];
        if (node->dead) {
            continue;
        }
        if (may_be_in_place(ir, node, n + 1, last)) {
            plan->owner[node->output] = plan->owner[replaced_input(node)];
        } else {
            begin_block(plan, node->output, n + 1);
        }
        struct block *block = &plan->blocks[plan->owner[node->output]];
        block->dies = last[node->output] > n + 1 ? last[node->output] : n + 1;
    }
}

static void sort_by_size(struct plan *plan)
{
    for (uint32_t i = 1; i < plan->count; i++) {
        uint32_t moved = plan->order[i], at = i;
        while (at > 0 &&
               plan->blocks[plan->order[at - 1]].bytes < plan->blocks[moved].bytes) {
            plan->order[at] = plan->order[at - 1];
            at--;
        }
        plan->order[at] = moved;
    }
}

/* The lowest place where the block meets none of those placed before it. */
static uint64_t lowest_place(const struct plan *plan, uint32_t rank)
{
    const struct block *block = &plan->blocks[plan->order[rank]];
    uint64_t offset = 0;
    for (uint32_t i = 0; i < rank;) {
        const struct block *other = &plan->blocks[plan->order[i]];
        bool meets = block->born <= other->dies && other->born <= block->dies &&
                     offset < other->offset + other->bytes &&
                     other->offset < offset + block->bytes;
        if (!meets) {
            i++;
            continue;
        }
        offset = nn_align64(other->offset + other->bytes);
        i = 0;
    }
    return offset;
}

enum status plan_arena(struct ir *ir, struct arena *arena, struct err *err)
{
    uint32_t *last = arena_array(arena, ir->tensor_count, sizeof *last);
    struct plan plan = {
        .ir = ir,
        .blocks = arena_array(arena, ir->tensor_count, sizeof *plan.blocks),
        .owner = arena_array(arena, ir->tensor_count, sizeof *plan.owner),
        .order = arena_array(arena, ir->tensor_count, sizeof *plan.order),
    };
    if (!last || !plan.blocks || !plan.owner || !plan.order) {
        return err_set(err, ERR_LIMIT, "the model needs too much memory");
    }
    find_last_reads(ir, last);
    make_blocks(&plan, last);
    sort_by_size(&plan);
    ir->arena_bytes = 0;
    for (uint32_t i = 0; i < plan.count; i++) {
        struct block *block = &plan.blocks[plan.order[i]];
        block->offset = lowest_place(&plan, i);
        uint64_t end = nn_align64(block->offset + block->bytes);
        ir->arena_bytes = end > ir->arena_bytes ? end : ir->arena_bytes;
    }
    for (uint32_t t = 0; t < ir->tensor_count; t++) {
        if (!ir->tensors[t].data) {
            ir->tensors[t].offset = plan.blocks[plan.owner[t]].offset;
        }
    }
    return OK;
}
