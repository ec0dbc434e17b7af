/* SPDX-License-Identifier: Apache-2.0 */
/* The operators past the core ones, against values worked out by hand; and shapes that
 * are computed in the graph, which the importer folds. */
#include "nn/format.h"
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

static void functions_take_their_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *op, *name;
        float value, expected[3]; /* of -2, 0 and 2 */
    } cases[] = {
        {"LeakyRelu", "alpha", 0.5f, {-1, 0, 2}},
        {"Elu", "alpha", 2, {-1.7293294f, 0, 2}},
        {"HardSigmoid", "beta", 0.25f, {0, 0.25f, 0.65f}},
        {"HardSwish", NULL, 0, {-0.3333333f, 0, 1.6666667f}},
        {"Sigmoid", NULL, 0, {0.1192029f, 0.5f, 0.8807971f}},
        {"Softplus", NULL, 0, {0.126928f, 0.6931472f, 2.126928f}},
        {"Abs", NULL, 0, {2, 0, 2}},
        {"Erf", NULL, 0, {-0.9953223f, 0, 0.9953223f}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct onnx_builder b = begin(14, DIMS(3));
        if (cases[i].name) {
            attr_float(&b, cases[i].name, cases[i].value);
        }
        onnx_node(&b, cases[i].op, "x", "y");
        expect_output(&b, VALUES(-2, 0, 2), cases[i].expected, 3);
    }
}

static void a_square_root_is_checked_with_numbers_that_have_one(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2));
    onnx_node(&b, "Sqrt", "x", "y");
    expect_output(&b, VALUES(4, 9), VALUES(2, 3), 2);
}

static void any_number_of_operands_is_joined(void **state)
{
    (void)state;
    static const char *const ops[] = {"Sum", "Mean", "Max", "Min"};
    static const float expected[4][2] = {{9, 12}, {3, 4}, {5, 5}, {1, 3}};
    for (size_t i = 0; i < 4; i++) {
        struct onnx_builder b = begin(13, DIMS(2));
        onnx_floats(&b, "c", DIMS(1), VALUES(3));
        onnx_floats(&b, "d", DIMS(2), VALUES(5, 5));
        onnx_node(&b, ops[i], "x,c,d", "y");
        expect_output(&b, VALUES(1, 4), expected[i], 2);
    }
}

static void an_old_slope_belongs_to_a_channel(void **state)
{
    (void)state;
    struct onnx_builder b = begin(6, DIMS(1, 2, 2));
    onnx_floats(&b, "slope", DIMS(2), VALUES(2, 3));
    onnx_node(&b, "PRelu", "x,slope", "y");
    expect_output(&b, VALUES(-1, 1, -1, 1), VALUES(-2, 1, -3, 1), 4);
}

static void a_reduction_keeps_or_drops_its_axes(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2, 2));
    attr_ints(&b, "axes", 1, (int64_t[]){-1});
    attr_int(&b, "keepdims", 0);
    onnx_node(&b, "ReduceMean", "x", "m");
    onnx_node(&b, "Add", "x,m", "y");
    expect_output(&b, VALUES(1, 3, 5, 9), VALUES(3, 10, 7, 16), 4);
    b = begin(13, DIMS(2, 2));
    attr_int(&b, "axis", 1);
    attr_int(&b, "select_last_index", 1);
    onnx_node(&b, "ArgMax", "x", "y");
    expect_output(&b, VALUES(7, 7, 9, 1), VALUES(1, 0), 2);
}

static void a_slice_may_go_backwards(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 5));
    onnx_ints(&b, "start", 1, (int64_t[]){-1});
    onnx_ints(&b, "end", 1, (int64_t[]){INT64_MIN});
    onnx_ints(&b, "axis", 1, (int64_t[]){1});
    onnx_ints(&b, "step", 1, (int64_t[]){-2});
    onnx_node(&b, "Slice", "x,start,end,axis,step", "y");
    expect_output(&b, VALUES(1, 2, 3, 4, 5), VALUES(5, 3, 1), 3);
}

static void all_parts_of_a_split_may_be_used(void **state)
{
    (void)state;
    struct onnx_builder b = begin(11, DIMS(1, 3));
    attr_int(&b, "axis", 1);
    attr_ints(&b, "split", 2, (int64_t[]){1, 2});
    onnx_node(&b, "Split", "x", "p,q");
    onnx_node(&b, "Mul", "p,q", "y");
    expect_output(&b, VALUES(2, 3, 4), VALUES(6, 8), 2);
}

static void a_shape_worked_out_in_the_graph_is_folded(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(2, 3));
    onnx_ints(&b, "zero", 1, (int64_t[]){0});
    onnx_ints(&b, "rest", 1, (int64_t[]){-1});
    onnx_ints(&b, "two", 1, (int64_t[]){2});
    onnx_node(&b, "Shape", "x", "s");
    attr_int(&b, "axis", 0);
    onnx_node(&b, "Gather", "s,zero", "n");
    onnx_node(&b, "Mul", "n,two", "m");
    attr_int(&b, "axis", 0);
    onnx_node(&b, "Concat", "rest,m", "t");
    onnx_node(&b, "Reshape", "x,t", "r");
    attr_ints(&b, "axes", 1, (int64_t[]){0});
    attr_int(&b, "keepdims", 0);
    onnx_node(&b, "ReduceMax", "r", "y");
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    assert_int_equal(import_built(&b, &(struct import_options){0}, &file, &err),
                     ERR_ONNX_UNSUPPORTED); /* 6 values are no rows of 4 */
    b = begin(13, DIMS(4, 2));
    onnx_ints(&b, "two", 1, (int64_t[]){2});
    onnx_node(&b, "Shape", "x", "s");
    onnx_node(&b, "Div", "s,two", "h");
    onnx_ints(&b, "open", 1, (int64_t[]){-1});
    attr_int(&b, "axis", 0);
    onnx_node(&b, "Concat", "h,open", "t");
    onnx_node(&b, "Reshape", "x,t", "r");
    attr_ints(&b, "perm", 3, (int64_t[]){2, 1, 0});
    onnx_node(&b, "Transpose", "r", "y");
    expect_output(&b, VALUES(1, 2, 3, 4, 5, 6, 7, 8), VALUES(1, 5, 2, 6, 3, 7, 4, 8), 8);
}

static void resizing_places_pixels_as_it_is_told(void **state)
{
    (void)state;
    static const char *const places[] = {"half_pixel", "asymmetric", "align_corners"};
    static const float expected[3][4] = {
        {1, 1.5f, 2.5f, 3}, {1, 2, 3, 3}, {1, 1.6666667f, 2.3333333f, 3}};
    for (size_t i = 0; i < 3; i++) {
        struct onnx_builder b = begin(13, DIMS(1, 1, 1, 2));
        onnx_floats(&b, "scales", DIMS(4), VALUES(1, 1, 1, 2));
        attr_text(&b, "mode", "linear");
        attr_text(&b, "coordinate_transformation_mode", places[i]);
        onnx_node(&b, "Resize", "x,,scales", "y");
        expect_output(&b, VALUES(1, 3), expected[i], 4);
    }
    struct onnx_builder b = begin(9, DIMS(1, 1, 1, 2));
    onnx_floats(&b, "scales", DIMS(4), VALUES(1, 1, 1, 2));
    onnx_node(&b, "Upsample", "x,scales", "y");
    expect_output(&b, VALUES(1, 3), VALUES(1, 1, 3, 3), 4);
}

static void a_transposed_convolution_spreads_its_input(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 1, 2));
    onnx_floats(&b, "w", DIMS(1, 1, 3), VALUES(1, 10, 100));
    attr_ints(&b, "strides", 1, (int64_t[]){2});
    attr_ints(&b, "pads", 2, (int64_t[]){1, 1});
    attr_ints(&b, "output_padding", 1, (int64_t[]){1});
    onnx_node(&b, "ConvTranspose", "x,w", "y");
    expect_output(&b, VALUES(1, 2), VALUES(10, 102, 20, 200), 4);
}

/* The full output is 1, 12, 120, 200. */
static void an_odd_pad_of_an_output_shape_lies_where_onnx_says(void **state)
{
    (void)state;
    static const char *const pads[] = {"NOTSET", "SAME_LOWER", "SAME_UPPER"};
    static const float full[] = {1, 12, 120, 200, 0};
    for (int64_t size = 3; size <= 5; size++) {
        for (size_t i = 0; i < 3; i++) {
            struct onnx_builder b = begin(13, DIMS(1, 1, 2));
            onnx_floats(&b, "w", DIMS(1, 1, 3), VALUES(1, 10, 100));
            attr_ints(&b, "output_shape", 1, &size);
            attr_text(&b, "auto_pad", pads[i]);
            onnx_node(&b, "ConvTranspose", "x,w", "y");
            expect_output(&b, VALUES(1, 2), full + (size == 3 && i < 2), (size_t)size);
        }
    }
}

static void functions_in_blocks_are_a_feature_that_a_reader_must_have(void **state)
{
    (void)state;
    for (int rows = 0; rows < 2; rows++) {
        uint64_t random = 3;
        struct err err = {0};
        BUF_AUTO file = BUF_INIT(BUILDER_MAX);
        struct onnx_builder b = begin(13, DIMS(1, 16, 2, 2));
        random_floats(&b, "w", 4, (int64_t[]){16, 16, 1, 1}, &random);
        onnx_node(&b, "Conv", "x,w", "c");
        onnx_node(&b, "Sigmoid", "c", "s");
        onnx_node(&b, "Conv", "s,w", "y");
        const struct import_options options = {.rows = rows};
        assert_int_equal(import_built(&b, &options, &file, &err), OK);
        struct opened opened = open_built(&file);
        uint64_t features = muster_nn_needs(opened.model).features;
        assert_int_equal((features & NN_FEATURE_FUNCTIONS) == 0, rows);
        close_built(&opened);
    }
}

static void every_input_may_need_a_form_of_its_own(void **state)
{
    (void)state;
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    struct onnx_builder b = begin(13, DIMS(8));
    onnx_input(&b, "z", DIMS(8));
    onnx_node(&b, "Atanh", "x", "p"); /* only below one */
    onnx_node(&b, "Acosh", "z", "q"); /* only above one */
    onnx_node(&b, "Mul", "p,q", "y");
    if (import_built(&b, &(struct import_options){0}, &file, &err)) {
        fail_msg("%s", err.detail);
    }
}

static void an_activation_does_not_hide_what_is_no_number(void **state)
{
    (void)state;
    static const char *const ops[] = {"Relu", "Clip"};
    for (size_t i = 0; i < 2; i++) {
        struct onnx_builder b = begin(10, DIMS(1));
        onnx_floats(&b, "z", DIMS(1), VALUES(0));
        onnx_node(&b, "Div", "z,z", "n");
        onnx_node(&b, ops[i], "n", "r");
        onnx_node(&b, "Add", "x,r", "y");
        expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "finite");
    }
}

static void a_dropout_of_nothing_is_an_identity_in_training_too(void **state)
{
    (void)state;
    for (int ratio = 0; ratio < 2; ratio++) {
        struct onnx_builder b = begin(13, DIMS(2));
        onnx_floats(&b, "r", 0, NULL, (float[]){(float)ratio / 2});
        onnx_ints(&b, "t", 1, (int64_t[]){1});
        onnx_node(&b, "Dropout", "x,r,t", "d");
        onnx_node(&b, "Relu", "d", "y");
        if (ratio) {
            expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "training mode");
        } else {
            expect_output(&b, VALUES(-1, 2), VALUES(0, 2), 2);
        }
    }
}

static void normalisations_become_plain_nodes(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 1, 2));
    onnx_floats(&b, "s", DIMS(1), VALUES(2));
    onnx_floats(&b, "o", DIMS(1), VALUES(1));
    attr_float(&b, "epsilon", 0);
    onnx_node(&b, "InstanceNormalization", "x,s,o", "y");
    expect_output(&b, VALUES(3, 5), VALUES(-1, 3), 2);
    b = begin(13, DIMS(1, 3, 1, 1));
    attr_int(&b, "size", 3);
    attr_float(&b, "alpha", 3);
    attr_float(&b, "beta", 1);
    onnx_node(&b, "LRN", "x", "y");
    expect_output(&b, VALUES(1, 2, 3), VALUES(1.0f / 6, 2.0f / 15, 3.0f / 14), 3);
    b = begin(13, DIMS(1, 2));
    onnx_node(&b, "LogSoftmax", "x", "y");
    expect_output(&b, VALUES(1000, 1000), VALUES(-0.6931472f, -0.6931472f), 2);
}

static void integers_that_are_not_constant_are_refused(void **state)
{
    (void)state;
    struct onnx_builder b = begin(13, DIMS(1, 2));
    onnx_ints(&b, "two", 1, (int64_t[]){2});
    onnx_node(&b, "ArgMax", "x", "p");
    onnx_node(&b, "Div", "p,two", "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "arithmetic of integers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_take_their_parameters),
        cmocka_unit_test(a_square_root_is_checked_with_numbers_that_have_one),
        cmocka_unit_test(any_number_of_operands_is_joined),
        cmocka_unit_test(an_old_slope_belongs_to_a_channel),
        cmocka_unit_test(a_reduction_keeps_or_drops_its_axes),
        cmocka_unit_test(a_slice_may_go_backwards),
        cmocka_unit_test(all_parts_of_a_split_may_be_used),
        cmocka_unit_test(a_shape_worked_out_in_the_graph_is_folded),
        cmocka_unit_test(resizing_places_pixels_as_it_is_told),
        cmocka_unit_test(a_transposed_convolution_spreads_its_input),
        cmocka_unit_test(an_odd_pad_of_an_output_shape_lies_where_onnx_says),
        cmocka_unit_test(functions_in_blocks_are_a_feature_that_a_reader_must_have),
        cmocka_unit_test(every_input_may_need_a_form_of_its_own),
        cmocka_unit_test(an_activation_does_not_hide_what_is_no_number),
        cmocka_unit_test(a_dropout_of_nothing_is_an_identity_in_training_too),
        cmocka_unit_test(normalisations_become_plain_nodes),
        cmocka_unit_test(integers_that_are_not_constant_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
