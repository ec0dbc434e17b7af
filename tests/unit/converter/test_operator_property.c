/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels on random shapes, strides, pads, dilations and groups. The import itself holds
 * the runtime's kernels against the interpreter, which shares no code with them, on four
 * inputs and refuses a difference over 1e-4: so an import that succeeds is the
 * comparison. */
#include "tests/unit/converter/import_run.h"

enum { ROUNDS = 150 };

static void expect_agreement(struct onnx_builder *b, unsigned round)
{
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    if (import_built(b, &(struct import_options){0}, &file, &err)) {
        fail_msg("round %u: %s", round, err.detail);
    }
}

static void random_convolutions_agree(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool flat = pick(&random, 0, 3) == 0;
        int64_t group = pick(&random, 1, 3), in = group * pick(&random, 1, 4);
        int64_t out = group * pick(&random, 1, 6);
        int64_t k[2] = {pick(&random, 1, 5), pick(&random, 1, 5)};
        int64_t d[2] = {pick(&random, 1, 2), pick(&random, 1, 3)};
        int64_t s[2] = {pick(&random, 1, 3), pick(&random, 1, 3)};
        int64_t p[4];
        for (int i = 0; i < 4; i++) {
            p[i] = pick(&random, 0, 6);
        }
        int64_t x[4] = {pick(&random, 1, 2), in, (k[0] - 1) * d[0] + pick(&random, 1, 9),
                        (k[1] - 1) * d[1] + pick(&random, 1, 20)};
        int64_t x1[3] = {x[0], in, x[3]};
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", flat ? 3 : 4, flat ? x1 : x);
        random_floats(&b, "w", flat ? 3 : 4,
                      flat ? (int64_t[]){out, in / group, k[1]}
                           : (int64_t[]){out, in / group, k[0], k[1]},
                      &random);
        random_floats(&b, "b", 1, &out, &random);
        attr_ints(&b, "strides", flat ? 1 : 2, flat ? s + 1 : s);
        attr_ints(&b, "dilations", flat ? 1 : 2, flat ? d + 1 : d);
        if (pick(&random, 0, 2) == 0) {
            attr_text(&b, "auto_pad", pick(&random, 0, 1) ? "SAME_UPPER" : "SAME_LOWER");
        } else {
            attr_ints(&b, "pads", flat ? 2 : 4, flat ? (int64_t[]){p[1], p[3]} : p);
        }
        attr_int(&b, "group", group);
        onnx_node(&b, "Conv", pick(&random, 0, 1) ? "x,w,b" : "x,w", "c");
        onnx_node(&b, "Relu", "c", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

static void random_pools_agree(void **state)
{
    (void)state;
    uint64_t random = 2;
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool average = pick(&random, 0, 1);
        int64_t k[2] = {pick(&random, 1, 4), pick(&random, 1, 4)};
        int64_t d[2] = {pick(&random, 1, 2), pick(&random, 1, 2)};
        int64_t s[2] = {pick(&random, 1, 4), pick(&random, 1, 4)};
        int64_t p[4];
        for (int i = 0; i < 4; i++) {
            p[i] = pick(&random, 0, (k[i % 2] - 1) * d[i % 2]);
        }
        int64_t x[4] = {pick(&random, 1, 2), pick(&random, 1, 3),
                        (k[0] - 1) * d[0] + pick(&random, 1, 9),
                        (k[1] - 1) * d[1] + pick(&random, 1, 9)};
        struct onnx_builder b = onnx_begin(19);
        onnx_input(&b, "x", 4, x);
        attr_ints(&b, "kernel_shape", 2, k);
        attr_ints(&b, "strides", 2, s);
        attr_ints(&b, "dilations", 2, d);
        attr_ints(&b, "pads", 4, p);
        attr_int(&b, "ceil_mode", pick(&random, 0, 1));
        if (average) {
            attr_int(&b, "count_include_pad", pick(&random, 0, 1));
        }
        onnx_node(&b, average ? "AveragePool" : "MaxPool", "x", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

static void random_products_agree(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t m = pick(&random, 1, 9), k = pick(&random, 1, 40),
                n = pick(&random, 1, 20);
        int64_t ta = pick(&random, 0, 1), tb = pick(&random, 0, 1);
        int64_t c[2] = {pick(&random, 0, 1) ? m : 1, pick(&random, 0, 1) ? n : 1};
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 2, ta ? (int64_t[]){k, m} : (int64_t[]){m, k});
        random_floats(&b, "w", 2, tb ? (int64_t[]){n, k} : (int64_t[]){k, n}, &random);
        random_floats(&b, "c", 2, c, &random);
        attr_int(&b, "transA", ta);
        attr_int(&b, "transB", tb);
        attr_float(&b, "alpha", (float)pick(&random, -3, 3));
        attr_float(&b, "beta", (float)pick(&random, -3, 3));
        onnx_node(&b, "Gemm", pick(&random, 0, 1) ? "x,w,c" : "x,w", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

/* A shape of rank `rank` that broadcasts with `dims`. */
static void loosen(const int64_t *dims, size_t rank, uint64_t *random, int64_t *ret_dims)
{
    for (size_t d = 0; d < rank; d++) {
        ret_dims[d] = pick(random, 0, 2) == 0 ? 1 : dims[d];
    }
}

static void random_operands_broadcast(void **state)
{
    (void)state;
    uint64_t random = 4;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t dims[4], a[4], c[4];
        for (int d = 0; d < 4; d++) {
            dims[d] = pick(&random, 1, 5);
        }
        size_t ra = (size_t)pick(&random, 1, 4), rc = (size_t)pick(&random, 0, 4);
        loosen(dims + 4 - ra, ra, &random, a);
        loosen(dims + 4 - rc, rc, &random, c);
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", ra, a);
        random_floats(&b, "c", rc, c, &random);
        onnx_node(&b, pick(&random, 0, 1) ? "Add" : "Mul",
                  pick(&random, 0, 1) ? "x,c" : "c,x", "s");
        onnx_node(&b, "Relu", "s", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

static void random_stacks_of_matrices_agree(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t stack[2] = {pick(&random, 1, 3), pick(&random, 1, 3)};
        int64_t m = pick(&random, 1, 5), k = pick(&random, 1, 12),
                n = pick(&random, 1, 9);
        int64_t a[4] = {0, 0, m, k}, w[4] = {0, 0, k, n};
        loosen(stack, 2, &random, a);
        loosen(stack, 2, &random, w);
        size_t drop = (size_t)pick(&random, 0, 2);
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 4, a);
        random_floats(&b, "w", 4 - drop, w + drop, &random);
        onnx_node(&b, "MatMul", "x,w", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

static void random_moves_agree(void **state)
{
    (void)state;
    static const char *const modes[] = {"constant", "reflect", "edge"};
    uint64_t random = 6;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t dims[4], pads[8], perm[4] = {0, 1, 2, 3};
        for (int d = 0; d < 4; d++) {
            dims[d] = pick(&random, 2, 5);
            pads[d] = pick(&random, 0, dims[d] - 1);
            pads[4 + d] = pick(&random, 0, dims[d] - 1);
            int64_t other = pick(&random, 0, d), kept = perm[d];
            perm[d] = perm[other];
            perm[other] = kept;
        }
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 4, dims);
        onnx_ints(&b, "pads", 8, pads);
        attr_text(&b, "mode", modes[pick(&random, 0, 2)]);
        onnx_node(&b, "Pad", "x,pads", "p");
        attr_ints(&b, "perm", 4, perm);
        onnx_node(&b, "Transpose", "p", "t");
        attr_int(&b, "axis", pick(&random, -4, 3));
        onnx_node(&b, "Concat", "t,t", "c");
        attr_int(&b, "axis", pick(&random, -4, 3));
        onnx_node(&b, "Softmax", "c", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

/* What the steps of a chain read and write. */
struct chain {
    struct onnx_builder b;
    uint64_t random;
    char last[16], skip[16];
    unsigned made;
};

static void chain_add(struct chain *chain, const char *op, const char *others)
{
    char inputs[64], output[16];
    (void)snprintf(inputs, sizeof inputs, "%s%s", chain->last, others);
    (void)snprintf(output, sizeof output, "v%u", ++chain->made);
    onnx_node(&chain->b, op, inputs, output);
    memcpy(chain->last, output, sizeof output);
}

static void chain_step(struct chain *chain)
{
    char skip[24];
    (void)snprintf(skip, sizeof skip, ",%s", chain->skip);
    switch (pick(&chain->random, 0, 5)) {
    case 0:
        chain_add(chain, "Pad", ",pads");
        chain_add(chain, "Conv", ",w");
        break;
    case 1:
        chain_add(chain, "Add", skip);
        break;
    case 2:
        attr_float(&chain->b, "epsilon", 2);
        chain_add(chain, "BatchNormalization", ",s,o,m,v");
        break;
    case 3:
        chain_add(chain, "Identity", "");
        break;
    case 4:
        chain_add(chain, "Clip", ",low,high");
        break;
    default:
        chain_add(chain, "Relu", "");
        break;
    }
    if (pick(&chain->random, 0, 2) == 0) {
        memcpy(chain->skip, chain->last, sizeof chain->skip);
    }
}

/* Convolution, normalisation, padding, sums and activations in random order, so that
 * every pass and the arena plan have work; skipped values live long. */
static void random_chains_agree(void **state)
{
    (void)state;
    struct chain chain = {.random = 7};
    for (unsigned round = 0; round < ROUNDS; round++) {
        static const char *const names[] = {"s", "o", "m", "v"};
        int64_t c = pick(&chain.random, 1, 6);
        chain = (struct chain){
            .b = onnx_begin(13), .random = chain.random, .last = "x", .skip = "x"};
        onnx_input(&chain.b, "x", 4, (int64_t[]){1, c, 7, 9});
        for (size_t i = 0; i < 4; i++) {
            random_floats(&chain.b, names[i], 1, &c, &chain.random);
        }
        onnx_ints(&chain.b, "pads", 8, (int64_t[]){0, 0, 1, 1, 0, 0, 1, 1});
        random_floats(&chain.b, "w", 4, (int64_t[]){c, c, 3, 3}, &chain.random);
        onnx_floats(&chain.b, "low", 0, NULL, (float[]){-1});
        onnx_floats(&chain.b, "high", 0, NULL, (float[]){2});
        for (int64_t steps = pick(&chain.random, 1, 9); steps > 0; steps--) {
            chain_step(&chain);
        }
        onnx_output(&chain.b, chain.last);
        expect_agreement(&chain.b, round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_convolutions_agree),
        cmocka_unit_test(random_pools_agree),
        cmocka_unit_test(random_products_agree),
        cmocka_unit_test(random_operands_broadcast),
        cmocka_unit_test(random_stacks_of_matrices_agree),
        cmocka_unit_test(random_moves_agree),
        cmocka_unit_test(random_chains_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
