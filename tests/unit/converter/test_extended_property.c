/* SPDX-License-Identifier: Apache-2.0 */
/* The operators from 17 on, on random shapes and attributes. As in
 * test_operator_property.c an import that succeeds is the comparison with the
 * interpreter. */
#include "tests/unit/converter/import_run.h"

enum { ROUNDS = 100 };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void expect_agreement(struct onnx_builder *b, unsigned round)
{
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    onnx_output(b, "y");
    if (import_built(b, &(struct import_options){0}, &file, &err)) {
        fail_msg("round %u: %s", round, err.detail);
    }
}

/* An input "x" of rank 1 to 4. */
static size_t add_input(struct onnx_builder *b, uint64_t *random, int64_t *ret_dims)
{
    size_t rank = (size_t)pick(random, 1, 4);
    for (size_t d = 0; d < rank; d++) {
        ret_dims[d] = pick(random, 1, 6);
    }
    onnx_input(b, "x", rank, ret_dims);
    return rank;
}

static void random_functions_agree(void **state)
{
    (void)state;
    static const char *const functions[] = {
        "Abs",       "Neg",   "Reciprocal", "Sqrt",        "Exp",
        "Log",       "Erf",   "Sigmoid",    "Tanh",        "Softplus",
        "Elu",       "Selu",  "HardSwish",  "HardSigmoid", "ThresholdedRelu",
        "LeakyRelu", "Floor", "Ceil",       "Round",       "Sign",
        "Sin",       "Cos",   "Tan",        "Asin",        "Acos",
        "Atan",      "Sinh",  "Cosh",       "Asinh",       "Acosh",
        "Atanh"};
    static const char *const with_alpha[] = {"Elu", "HardSigmoid", "LeakyRelu",
                                             "ThresholdedRelu"};
    uint64_t random = 31;
    for (unsigned round = 0; round < 3 * COUNT(functions); round++) {
        int64_t dims[4];
        const char *function = functions[round % COUNT(functions)];
        struct onnx_builder b = onnx_begin(14);
        (void)add_input(&b, &random, dims);
        for (size_t i = 0; i < COUNT(with_alpha); i++) {
            if (strcmp(function, with_alpha[i]) == 0) {
                attr_float(&b, "alpha", (float)pick(&random, 1, 9) / 10);
            }
        }
        onnx_node(&b, function, "x", "y");
        expect_agreement(&b, round);
    }
}

/* The second operand is above zero, so that it can divide and be raised. */
static void random_pairs_agree(void **state)
{
    (void)state;
    static const char *const functions[] = {"Sub", "Div", "Pow", "Max", "Min", "PRelu"};
    uint64_t random = 32;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const char *function = functions[round % COUNT(functions)];
        int64_t dims[4], other[4];
        struct onnx_builder b = onnx_begin(13);
        size_t rank = add_input(&b, &random, dims), drop = (size_t)pick(&random, 0, 1);
        drop = drop < rank ? drop : 0;
        for (size_t d = 0; d < rank; d++) {
            other[d] = pick(&random, 0, 2) ? dims[d] : 1;
        }
        random_floats(&b, "c", rank - drop, other + drop, &random);
        onnx_node(&b, "Exp", "x", "u");
        onnx_node(&b, "Exp", "c", "v");
        bool turned = strcmp(function, "PRelu") != 0 && pick(&random, 0, 1);
        bool raised = strcmp(function, "Pow") == 0;
        const char *operands = raised || pick(&random, 0, 1) ? "u,v" : "x,v";
        onnx_node(&b, function, turned ? "v,u" : operands, "y");
        expect_agreement(&b, round);
    }
}

static void random_reductions_agree(void **state)
{
    (void)state;
    static const char *const functions[] = {
        "ReduceMean",   "ReduceSum",       "ReduceMax", "ReduceMin",
        "ReduceProd",   "ReduceL1",        "ReduceL2",  "ReduceSumSquare",
        "ReduceLogSum", "ReduceLogSumExp", "ArgMax",    "ArgMin"};
    uint64_t random = 33;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const char *function = functions[round % COUNT(functions)];
        int64_t dims[4], axes[4];
        size_t count = 0;
        struct onnx_builder b = onnx_begin(12);
        size_t rank = add_input(&b, &random, dims);
        for (size_t d = 0; d < rank; d++) {
            if (pick(&random, 0, 1)) {
                axes[count++] = (int64_t)d - (pick(&random, 0, 1) ? (int64_t)rank : 0);
            }
        }
        onnx_node(&b, "Exp", "x", "e");
        attr_int(&b, "keepdims", pick(&random, 0, 1));
        if (function[0] == 'A') {
            attr_int(&b, "axis", pick(&random, -(int64_t)rank, (int64_t)rank - 1));
            attr_int(&b, "select_last_index", pick(&random, 0, 1));
        } else if (count > 0) {
            attr_ints(&b, "axes", count, axes);
        }
        onnx_node(&b, function, strcmp(function, "ReduceLogSum") ? "x" : "e", "y");
        expect_agreement(&b, round);
    }
}

/* From one end or the other, counted from either, with gaps. */
static void random_slices_agree(void **state)
{
    (void)state;
    uint64_t random = 34;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t dims[4], start[4], end[4], axis[4], step[4];
        struct onnx_builder b = onnx_begin(13);
        size_t rank = add_input(&b, &random, dims);
        for (size_t d = 0; d < rank; d++) {
            int64_t low = pick(&random, 0, dims[d] - 1);
            int64_t high = pick(&random, low, dims[d] - 1);
            bool back = pick(&random, 0, 2) == 0;
            axis[d] = (int64_t)d;
            step[d] = pick(&random, 1, 3) * (back ? -1 : 1);
            start[d] = back ? high : low - (pick(&random, 0, 1) ? dims[d] : 0);
            end[d] = back ? (low > 0 ? low - 1 : -dims[d] - 1)
                          : high + 1 + (high + 1 == dims[d] ? pick(&random, 0, 9) : 0);
        }
        onnx_ints(&b, "start", rank, start);
        onnx_ints(&b, "end", rank, end);
        onnx_ints(&b, "axis", rank, axis);
        onnx_ints(&b, "step", rank, step);
        onnx_node(&b, "Slice", "x,start,end,axis,step", "y");
        expect_agreement(&b, round);
    }
}

static void random_sizes_agree(void **state)
{
    (void)state;
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const places[] = {"half_pixel", "pytorch_half_pixel", "asymmetric",
                                         "align_corners"};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil",
                                            "floor", "ceil"};
    static const float factors[] = {0.5f, 0.75f, 1, 1.5f, 2, 2.25f};
    uint64_t random = 35;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t dims[4] = {pick(&random, 1, 2), pick(&random, 1, 3), pick(&random, 2, 7),
                           pick(&random, 2, 7)};
        const char *mode = modes[pick(&random, 0, 2)];
        float scales[4] = {1, 1, factors[pick(&random, 0, 5)],
                           factors[pick(&random, 0, 5)]};
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 4, dims);
        onnx_floats(&b, "scales", 1, (int64_t[]){4}, scales);
        attr_text(&b, "mode", mode);
        attr_text(&b, "coordinate_transformation_mode", places[pick(&random, 0, 3)]);
        attr_text(&b, "nearest_mode", roundings[pick(&random, 0, 3)]);
        if (mode == modes[2]) {
            attr_float(&b, "cubic_coeff_a", -0.5f);
            attr_int(&b, "exclude_outside", pick(&random, 0, 1));
        }
        onnx_node(&b, "Resize", "x,,scales", "y");
        expect_agreement(&b, round);
    }
}

static void random_transposed_convolutions_agree(void **state)
{
    (void)state;
    uint64_t random = 36;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t group = pick(&random, 1, 3), in = group * pick(&random, 1, 3);
        int64_t out = pick(&random, 1, 3), bias = out * group;
        int64_t k[2], d[2], s[2], p[4], extra[2];
        for (int i = 0; i < 2; i++) {
            k[i] = pick(&random, 1, 4);
            d[i] = pick(&random, 1, 2);
            s[i] = pick(&random, 1, 3);
            extra[i] = pick(&random, 0, s[i] - 1);
            p[i] = pick(&random, 0, (k[i] - 1) * d[i] / 2);
            p[2 + i] = pick(&random, 0, (k[i] - 1) * d[i] / 2);
        }
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 4,
                   (int64_t[]){pick(&random, 1, 2), in, pick(&random, 1, 6),
                               pick(&random, 1, 6)});
        random_floats(&b, "w", 4, (int64_t[]){in, out, k[0], k[1]}, &random);
        random_floats(&b, "b", 1, &bias, &random);
        attr_ints(&b, "strides", 2, s);
        attr_ints(&b, "dilations", 2, d);
        attr_ints(&b, "pads", 4, p);
        attr_ints(&b, "output_padding", 2, extra);
        attr_int(&b, "group", group);
        onnx_node(&b, "ConvTranspose", pick(&random, 0, 1) ? "x,w,b" : "x,w", "t");
        onnx_node(&b, "Relu", "t", "y");
        expect_agreement(&b, round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_functions_agree),
        cmocka_unit_test(random_pairs_agree),
        cmocka_unit_test(random_reductions_agree),
        cmocka_unit_test(random_slices_agree),
        cmocka_unit_test(random_sizes_agree),
        cmocka_unit_test(random_transposed_convolutions_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
