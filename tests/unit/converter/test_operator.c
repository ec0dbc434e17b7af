/* SPDX-License-Identifier: Apache-2.0 */
/* What single operators compute, opset by opset, against values worked out by hand. */
#include "tests/unit/converter/import_run.h"

#define DIMS(...)                                                                        \
    (sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[])                    \
    {                                                                                    \
        __VA_ARGS__                                                                      \
    }
#define VALUES(...)                                                                      \
    (float[])                                                                            \
    {                                                                                    \
        __VA_ARGS__                                                                      \
    }

static struct onnx_builder begin(int64_t opset, size_t rank, const int64_t *dims)
{
    struct onnx_builder b = onnx_begin(opset);
    onnx_input(&b, "x", rank, dims);
    onnx_output(&b, "y");
    return b;
}

static void softmax_before_13_is_over_all_dimensions_from_the_axis(void **state)
{
    (void)state;
    struct onnx_builder b = begin(11, DIMS(1, 2, 2));
    onnx_node(&b, "Softmax", "x", "y");
    expect_output(&b, VALUES(0, 0, 0, 0), VALUES(.25f, .25f, .25f, .25f), 4);
}

static void softmax_since_13_is_over_the_last_dimension(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 2, 2));
    onnx_node(&b, "Softmax", "x", "y");
    expect_output(&b, VALUES(0, 0, 5, 5), VALUES(.5f, .5f, .5f, .5f), 4);
    b = begin(13, DIMS(1, 2, 2));
    attr_int(&b, "axis", 1);
    onnx_node(&b, "Softmax", "x", "y");
    expect_output(&b, VALUES(1, 2, 1, 2), VALUES(.5f, .5f, .5f, .5f), 4);
}

static void clip_takes_its_bounds_from_attributes_before_11(void **state)
{
    (void)state;
    struct onnx_builder b = begin(6, DIMS(1, 3));
    attr_float(&b, "min", 0);
    attr_float(&b, "max", 6);
    onnx_node(&b, "Clip", "x", "y");
    expect_output(&b, VALUES(-1, 3, 9), VALUES(0, 3, 6), 3);
}

static void clip_takes_its_bounds_from_constants_since_11(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 3));
    struct buf six = onnx_tensor_raw("", 1, 0, NULL, VALUES(6));
    attr_tensor(&b, "value", &six);
    onnx_node(&b, "Constant", "", "six");
    onnx_node(&b, "Clip", "x,,six", "y");
    expect_output(&b, VALUES(-1, 3, 9), VALUES(-1, 3, 6), 3);
}

static void squeeze_and_unsqueeze_take_axes_as_attribute_before_13(void **state)
{
    (void)state;
    struct onnx_builder b = begin(11, DIMS(1, 1, 2));
    attr_ints(&b, "axes", 1, (int64_t[]){1});
    onnx_node(&b, "Squeeze", "x", "s");
    attr_ints(&b, "axes", 2, (int64_t[]){0, -1});
    onnx_node(&b, "Unsqueeze", "s", "u");
    onnx_node(&b, "Relu", "u", "y");
    expect_output(&b, VALUES(-1, 2), VALUES(0, 2), 2);
}

static void squeeze_and_unsqueeze_take_axes_as_input_since_13(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2, 1, 2));
    onnx_ints(&b, "one", 1, (int64_t[]){1});
    onnx_ints(&b, "zero", 1, (int64_t[]){0});
    onnx_node(&b, "Squeeze", "x,one", "s");
    onnx_node(&b, "Unsqueeze", "s,zero", "u");
    attr_ints(&b, "perm", 3, (int64_t[]){0, 2, 1});
    onnx_node(&b, "Transpose", "u", "y");
    expect_output(&b, VALUES(1, 2, 3, 4), VALUES(1, 3, 2, 4), 4);
}

static void dropout_is_nothing_in_inference_and_refused_in_training(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 2));
    onnx_floats(&b, "ratio", 0, NULL, VALUES(.5f));
    onnx_node(&b, "Dropout", "x,ratio", "d");
    onnx_node(&b, "Relu", "d", "y");
    expect_output(&b, VALUES(-1, 2), VALUES(0, 2), 2);
    b = begin(13, DIMS(1, 2));
    onnx_floats(&b, "ratio", 0, NULL, VALUES(.5f));
    onnx_ints(&b, "training", 1, (int64_t[]){1});
    onnx_node(&b, "Dropout", "x,ratio,training", "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED,
                   "node 'Dropout' (Dropout, opset 13): training");
    b = begin(6, DIMS(1, 2));
    onnx_node(&b, "Dropout", "x", "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "is_test=0");
}

static void flatten_splits_at_the_axis(void **state)
{
    (void)state;
    static const int64_t axes[] = {0, 1, 2, 3, -1};
    static const size_t columns[] = {12, 6, 2, 1, 2};
    for (size_t i = 0; i < 5; i++) {
        struct onnx_builder b = begin(13, DIMS(2, 3, 2));
        attr_int(&b, "axis", axes[i]);
        onnx_node(&b, "Flatten", "x", "y");
        struct err err = {0};
        BUF_AUTO file = BUF_INIT(BUILDER_MAX);
        assert_int_equal(import_built(&b, &(struct import_options){0}, &file, &err), OK);
        struct opened opened = open_built(&file);
        struct muster_nn_tensor tensor;
        enum muster_nn_meaning meaning;
        assert_int_equal(muster_nn_describe_output(opened.model, 0, &tensor, &meaning),
                         0);
        assert_int_equal(tensor.rank, 2);
        assert_int_equal(tensor.dims[1], columns[i]);
        close_built(&opened);
    }
}

static void a_pool_with_ceil_mode_reaches_past_the_end(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 1, 3, 3));
    attr_ints(&b, "kernel_shape", 2, (int64_t[]){2, 2});
    attr_ints(&b, "strides", 2, (int64_t[]){2, 2});
    attr_int(&b, "ceil_mode", 1);
    onnx_node(&b, "MaxPool", "x", "y");
    expect_output(&b, VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9), VALUES(5, 6, 8, 9), 4);
    b = begin(13, DIMS(1, 1, 3, 3));
    attr_ints(&b, "kernel_shape", 2, (int64_t[]){2, 2});
    attr_ints(&b, "strides", 2, (int64_t[]){2, 2});
    attr_int(&b, "ceil_mode", 1);
    attr_int(&b, "count_include_pad", 1);
    onnx_node(&b, "AveragePool", "x", "y");
    expect_output(&b, VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9), VALUES(3, 4.5f, 7.5f, 9), 4);
}

static void padding_of_an_average_counts_only_when_asked(void **state)
{
    (void)state;
    for (int64_t count = 0; count < 2; count++) {
        struct onnx_builder b = begin(13, DIMS(1, 1, 1, 2));
        attr_ints(&b, "kernel_shape", 2, (int64_t[]){1, 2});
        attr_ints(&b, "pads", 4, (int64_t[]){0, 1, 0, 1});
        attr_int(&b, "count_include_pad", count);
        onnx_node(&b, "AveragePool", "x", "y");
        expect_output(&b, VALUES(2, 4), count ? VALUES(1, 3, 2) : VALUES(2, 3, 4), 3);
    }
}

static void a_pool_over_padding_ignores_it(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 1, 1, 2));
    attr_ints(&b, "kernel_shape", 2, (int64_t[]){1, 2});
    attr_ints(&b, "pads", 4, (int64_t[]){0, 1, 0, 0});
    onnx_node(&b, "MaxPool", "x", "y");
    expect_output(&b, VALUES(-3, -4), VALUES(-3, -3), 2);
}

static void a_convolution_may_have_different_pads_on_each_side(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 1, 2, 2));
    onnx_floats(&b, "w", DIMS(1, 1, 2, 2), VALUES(1, 10, 100, 1000));
    attr_ints(&b, "pads", 4, (int64_t[]){0, 0, 1, 1});
    onnx_node(&b, "Conv", "x,w", "y");
    expect_output(&b, VALUES(1, 2, 3, 4), VALUES(4321, 402, 43, 4), 4);
}

static void same_padding_puts_the_odd_one_where_it_says(void **state)
{
    (void)state;
    for (int upper = 0; upper < 2; upper++) {
        struct onnx_builder b = begin(13, DIMS(1, 1, 2));
        onnx_floats(&b, "w", DIMS(1, 1, 2), VALUES(1, 10));
        attr_text(&b, "auto_pad", upper ? "SAME_UPPER" : "SAME_LOWER");
        onnx_node(&b, "Conv", "x,w", "y");
        expect_output(&b, VALUES(1, 2), upper ? VALUES(21, 2) : VALUES(10, 21), 2);
    }
}

static void dilated_strided_and_grouped_convolution(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 2, 5));
    onnx_floats(&b, "w", DIMS(2, 1, 2), VALUES(1, 1, 1, -1));
    onnx_floats(&b, "bias", DIMS(2), VALUES(100, 200));
    attr_ints(&b, "dilations", 1, (int64_t[]){2});
    attr_ints(&b, "strides", 1, (int64_t[]){2});
    attr_int(&b, "group", 2);
    onnx_node(&b, "Conv", "x,w,bias", "y");
    expect_output(&b, VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), VALUES(104, 108, 198, 198),
                  4);
}

static void gemm_scales_transposes_and_broadcasts_its_third_input(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2, 1));
    onnx_floats(&b, "w", DIMS(2, 2), VALUES(1, 2, 3, 4));
    onnx_floats(&b, "c", DIMS(1), VALUES(10));
    attr_float(&b, "alpha", 2);
    attr_float(&b, "beta", .5f);
    attr_int(&b, "transA", 1);
    attr_int(&b, "transB", 1);
    onnx_node(&b, "Gemm", "x,w,c", "y");
    expect_output(&b, VALUES(1, 10), VALUES(47, 91), 2);
}

static void reshape_copies_zeros_and_works_out_minus_one(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2, 2, 3));
    onnx_ints(&b, "shape", 3, (int64_t[]){0, -1, 2});
    onnx_node(&b, "Reshape", "x,shape", "r");
    attr_ints(&b, "perm", 3, (int64_t[]){2, 0, 1});
    onnx_node(&b, "Transpose", "r", "y");
    expect_output(&b, VALUES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
                  VALUES(0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11), 12);
}

static void pad_repeats_reflects_or_fills(void **state)
{
    (void)state;
    static const char *const modes[] = {"constant", "reflect", "edge"};
    static const float expected[3][6] = {
        {9, 9, 1, 2, 3, 9}, {3, 2, 1, 2, 3, 2}, {1, 1, 1, 2, 3, 3}};
    for (size_t m = 0; m < 3; m++) {
        struct onnx_builder b = begin(13, DIMS(1, 3));
        onnx_ints(&b, "pads", 4, (int64_t[]){0, 2, 0, 1});
        onnx_floats(&b, "value", 0, NULL, VALUES(9));
        attr_text(&b, "mode", modes[m]);
        onnx_node(&b, "Pad", "x,pads,value", "y");
        expect_output(&b, VALUES(1, 2, 3), expected[m], 6);
    }
}

static void an_old_operand_is_placed_by_its_axis(void **state)
{
    (void)state;
    struct onnx_builder b = begin(6, DIMS(1, 2, 2));
    onnx_floats(&b, "c", DIMS(2), VALUES(10, 20));
    attr_int(&b, "broadcast", 1);
    attr_int(&b, "axis", 1);
    onnx_node(&b, "Add", "x,c", "y");
    expect_output(&b, VALUES(1, 2, 3, 4), VALUES(11, 12, 23, 24), 4);
}

static void operands_broadcast_both_ways(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2, 1));
    onnx_floats(&b, "c", DIMS(3), VALUES(1, 10, 100));
    onnx_node(&b, "Mul", "c,x", "y");
    expect_output(&b, VALUES(2, 3), VALUES(2, 20, 200, 3, 30, 300), 6);
}

static void batch_normalisation_uses_the_stored_statistics(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 1, 2));
    onnx_floats(&b, "scale", DIMS(1), VALUES(2));
    onnx_floats(&b, "bias", DIMS(1), VALUES(1));
    onnx_floats(&b, "mean", DIMS(1), VALUES(3));
    onnx_floats(&b, "var", DIMS(1), VALUES(4));
    attr_float(&b, "epsilon", 0);
    onnx_node(&b, "BatchNormalization", "x,scale,bias,mean,var", "y");
    expect_output(&b, VALUES(3, 5), VALUES(1, 3), 2);
}

static void concat_joins_along_its_axis(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2, 1));
    onnx_floats(&b, "c", DIMS(2, 2), VALUES(5, 6, 7, 8));
    attr_int(&b, "axis", -1);
    onnx_node(&b, "Concat", "x,c,x", "y");
    expect_output(&b, VALUES(1, 2), VALUES(1, 5, 6, 1, 2, 7, 8, 2), 8);
}

static void global_average_is_one_value_a_channel(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 2, 1, 2));
    onnx_node(&b, "GlobalAveragePool", "x", "y");
    expect_output(&b, VALUES(1, 3, 10, 20), VALUES(2, 15), 2);
}

static void matmul_of_stacks_broadcasts_them(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2, 1, 2));
    onnx_floats(&b, "w", DIMS(2, 1), VALUES(1, 10));
    onnx_node(&b, "MatMul", "x,w", "y");
    expect_output(&b, VALUES(1, 2, 3, 4), VALUES(21, 43), 2);
    b = begin(13, DIMS(2));
    onnx_floats(&b, "w", DIMS(2, 2), VALUES(1, 2, 3, 4));
    onnx_node(&b, "MatMul", "x,w", "y");
    expect_output(&b, VALUES(1, 10), VALUES(31, 42), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_before_13_is_over_all_dimensions_from_the_axis),
        cmocka_unit_test(softmax_since_13_is_over_the_last_dimension),
        cmocka_unit_test(clip_takes_its_bounds_from_attributes_before_11),
        cmocka_unit_test(clip_takes_its_bounds_from_constants_since_11),
        cmocka_unit_test(squeeze_and_unsqueeze_take_axes_as_attribute_before_13),
        cmocka_unit_test(squeeze_and_unsqueeze_take_axes_as_input_since_13),
        cmocka_unit_test(dropout_is_nothing_in_inference_and_refused_in_training),
        cmocka_unit_test(flatten_splits_at_the_axis),
        cmocka_unit_test(a_pool_with_ceil_mode_reaches_past_the_end),
        cmocka_unit_test(padding_of_an_average_counts_only_when_asked),
        cmocka_unit_test(a_pool_over_padding_ignores_it),
        cmocka_unit_test(a_convolution_may_have_different_pads_on_each_side),
        cmocka_unit_test(same_padding_puts_the_odd_one_where_it_says),
        cmocka_unit_test(dilated_strided_and_grouped_convolution),
        cmocka_unit_test(gemm_scales_transposes_and_broadcasts_its_third_input),
        cmocka_unit_test(reshape_copies_zeros_and_works_out_minus_one),
        cmocka_unit_test(pad_repeats_reflects_or_fills),
        cmocka_unit_test(an_old_operand_is_placed_by_its_axis),
        cmocka_unit_test(operands_broadcast_both_ways),
        cmocka_unit_test(batch_normalisation_uses_the_stored_statistics),
        cmocka_unit_test(concat_joins_along_its_axis),
        cmocka_unit_test(global_average_is_one_value_a_channel),
        cmocka_unit_test(matmul_of_stacks_broadcasts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
