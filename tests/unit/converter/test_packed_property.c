/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels over packed layouts, of every family that this machine has, on random
 * shapes, strides, pads, groups and channel tails. The import holds them against the
 * interpreter, which shares no code with them. */
#include "nn/isa.h"
#include "tests/unit/converter/import_run.h"

enum { ROUNDS = 60 };

static void expect_agreement(struct onnx_builder *b, unsigned round)
{
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    if (import_built(b, &(struct import_options){0}, &file, &err)) {
        fail_msg("round %u, %s: %s", round, nn_isa_name(nn_isa_chosen()), err.detail);
    }
}

/* A convolution "c" of "x" with activation, and what the shape of its output is. */
static void add_conv(struct onnx_builder *b, const int64_t *x, int64_t group, int64_t out,
                     uint64_t *random)
{
    int64_t k[2] = {pick(random, 1, 4), pick(random, 1, 4)};
    int64_t d[2] = {pick(random, 1, 2), pick(random, 1, 2)};
    int64_t s[2] = {pick(random, 1, 3), pick(random, 1, 3)}, p[4];
    for (int i = 0; i < 4; i++) {
        p[i] = pick(random, 0, 4);
    }
    k[0] = (k[0] - 1) * d[0] < x[2] ? k[0] : 1;
    k[1] = (k[1] - 1) * d[1] < x[3] ? k[1] : 1;
    random_floats(b, "w", 4, (int64_t[]){out, x[1] / group, k[0], k[1]}, random);
    random_floats(b, "b", 1, &out, random);
    attr_ints(b, "strides", 2, s);
    attr_ints(b, "dilations", 2, d);
    attr_ints(b, "pads", 4, p);
    attr_int(b, "group", group);
    onnx_node(b, "Conv", pick(random, 0, 1) ? "x,w,b" : "x,w", "c");
    if (pick(random, 0, 1)) {
        onnx_node(b, "Relu", "c", "y");
    } else {
        onnx_floats(b, "low", 0, NULL, (float[]){-0.5f});
        onnx_floats(b, "high", 0, NULL, (float[]){0.75f});
        onnx_node(b, "Clip", "c,low,high", "y");
    }
}

static void random_convolutions_agree(void **state)
{
    (void)state;
    uint64_t random = 21;
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool depthwise = pick(&random, 0, 2) == 0;
        int64_t x[4] = {pick(&random, 1, 2), pick(&random, 2, 40), pick(&random, 1, 12),
                        pick(&random, 1, 20)};
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 4, x);
        add_conv(&b, x, depthwise ? x[1] : 1, depthwise ? x[1] : pick(&random, 1, 50),
                 &random);
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

/* One tap, and outputs that lie behind the input: none is a plain matrix product. */
static void a_pad_at_the_end_alone_is_no_input(void **state)
{
    (void)state;
    uint64_t random = 26;
    for (unsigned side = 0; side < 2; side++) {
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 4, (int64_t[]){1, 32, 3, 4});
        random_floats(&b, "w", 4, (int64_t[]){32, 32, 1, 1}, &random);
        attr_ints(&b, "pads", 4, (int64_t[]){0, 0, side == 0, side == 1});
        onnx_node(&b, "Conv", "x,w", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, side);
    }
}

/* Blocks that are pooled, summed, scaled by channel, joined and multiplied out. */
static void add_tail(struct onnx_builder *b, int64_t channels, uint64_t *random)
{
    int64_t pads[4], k = pick(random, 1, 3);
    for (int i = 0; i < 4; i++) {
        pads[i] = pick(random, 0, k - 1);
    }
    attr_ints(b, "kernel_shape", 2, (int64_t[]){k, k});
    attr_ints(b, "strides", 2, (int64_t[]){pick(random, 1, 2), pick(random, 1, 3)});
    attr_ints(b, "pads", 4, pads);
    attr_int(b, "ceil_mode", pick(random, 0, 1));
    bool average = pick(random, 0, 1);
    if (average) {
        attr_int(b, "count_include_pad", pick(random, 0, 1));
    }
    onnx_node(b, average ? "AveragePool" : "MaxPool", "s", "p");
    onnx_node(b, "GlobalAveragePool", "p", "g");
    onnx_node(b, "Mul", pick(random, 0, 1) ? "p,g" : "g,p", "m");
    onnx_node(b, "Add", "m,p", "a");
    attr_int(b, "axis", 1);
    onnx_node(b, "Concat", "a,p", "j");
    onnx_node(b, "GlobalAveragePool", "j", "q");
    onnx_node(b, "Flatten", "q", "f");
    int64_t n = pick(random, 1, 40);
    bool turned = pick(random, 0, 1);
    random_floats(b, "v", 2,
                  (int64_t[]){turned ? n : 2 * channels, turned ? 2 * channels : n},
                  random);
    random_floats(b, "t", 1, &n, random);
    attr_int(b, "transB", turned);
    onnx_node(b, "Gemm", pick(random, 0, 1) ? "f,v,t" : "f,v", "y");
}

static void random_blocks_agree(void **state)
{
    (void)state;
    uint64_t random = 22;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t c = pick(&random, 0, 1) ? 16 * pick(&random, 1, 2) : pick(&random, 1, 40);
        int64_t x[4] = {pick(&random, 1, 2), c, pick(&random, 4, 9), pick(&random, 4, 9)};
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 4, x);
        random_floats(&b, "w", 4, (int64_t[]){c, c, 3, 3}, &random);
        random_floats(&b, "u", 4, (int64_t[]){c, c, 1, 1}, &random);
        attr_ints(&b, "pads", 4, (int64_t[]){1, 1, 1, 1});
        onnx_node(&b, "Conv", "x,w", "c");
        onnx_node(&b, "Conv", "c,u", "d");
        onnx_node(&b, "Add", pick(&random, 0, 1) ? "d,c" : "c,d", "s");
        add_tail(&b, c, &random);
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

/* Functions of one value, with kernels of their own and without, of what a convolution
 * gives, which lies far on both sides of zero; then the product of both (SiLU). */
static void random_functions_agree(void **state)
{
    (void)state;
    static const char *const functions[] = {"Sigmoid",   "HardSigmoid", "HardSwish",
                                            "LeakyRelu", "Tanh",        "Elu"};
    uint64_t random = 24;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t c = pick(&random, 1, 40);
        struct onnx_builder b = onnx_begin(14);
        onnx_input(&b, "x", 4,
                   (int64_t[]){pick(&random, 1, 2), c, pick(&random, 1, 6),
                               pick(&random, 1, 6)});
        random_floats(&b, "w", 4, (int64_t[]){c, c, 1, 1}, &random);
        onnx_floats(&b, "k", 0, NULL, (float[]){(float)pick(&random, 1, 60)});
        onnx_node(&b, "Mul", "w,k", "u");
        onnx_node(&b, "Conv", "x,u", "c");
        onnx_node(&b, functions[round % 6], "c", "f");
        onnx_node(&b, "Mul", "c,f", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

static void random_matrices_agree(void **state)
{
    (void)state;
    uint64_t random = 23;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t m = pick(&random, 1, 20), k = pick(&random, 1, 70),
                n = pick(&random, 1, 70);
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 2, (int64_t[]){m, k});
        random_floats(&b, "w", 2, (int64_t[]){n, k}, &random);
        random_floats(&b, "c", 1, &n, &random);
        attr_int(&b, "transB", 1);
        onnx_node(&b, "Gemm", pick(&random, 0, 1) ? "x,w,c" : "x,w", "g");
        onnx_node(&b, "Relu", "g", "y");
        onnx_output(&b, "y");
        expect_agreement(&b, round);
    }
}

static void what_is_no_number_passes_an_activation(void **state)
{
    (void)state;
    struct onnx_builder b = onnx_begin(10);
    struct err err = {0};
    float in[17];
    uint64_t random = 25;
    size_t count = 0;
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    onnx_input(&b, "x", 4, (int64_t[]){1, 17, 1, 1});
    random_floats(&b, "w", 4, (int64_t[]){17, 17, 1, 1}, &random);
    onnx_node(&b, "Conv", "x,w", "c");
    onnx_node(&b, "Relu", "c", "r");
    onnx_node(&b, "Conv", "r,w", "d");
    attr_float(&b, "min", -1);
    attr_float(&b, "max", 1);
    onnx_node(&b, "Clip", "d", "y");
    onnx_output(&b, "y");
    assert_int_equal(import_built(&b, &(struct import_options){0}, &file, &err), OK);
    struct opened opened = open_built(&file);
    for (size_t i = 0; i < 17; i++) {
        in[i] = NAN;
    }
    assert_int_equal(muster_nn_set_input(opened.context, 0, in, 17, NULL), 0);
    assert_int_equal(muster_nn_run(opened.context, NULL), 0);
    const float *got = muster_nn_output(opened.context, 0, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(isnan(got[i]));
    }
    close_built(&opened);
}

/* All that the environment can name. */
static int choose(enum nn_isa isa)
{
    return setenv("MUSTER_NN_ISA", nn_isa_name(isa), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_convolutions_agree),
        cmocka_unit_test(a_pad_at_the_end_alone_is_no_input),
        cmocka_unit_test(random_blocks_agree),
        cmocka_unit_test(random_functions_agree),
        cmocka_unit_test(random_matrices_agree),
        cmocka_unit_test(what_is_no_number_passes_an_activation),
    };
    int failed = 0;
    for (enum nn_isa isa = NN_ISA_GENERIC; isa < NN_ISAS; isa++) {
        if (nn_isa_has(isa) && choose(isa) == 0) {
            failed += cmocka_run_group_tests_name(nn_isa_name(isa), tests, NULL, NULL);
        }
    }
    return failed;
}
