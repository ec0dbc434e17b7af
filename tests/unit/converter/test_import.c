/* SPDX-License-Identifier: Apache-2.0 */
/* The importer's duties besides the operators: forms of graphs, folding, refusals,
 * limits. */
#include "tests/unit/converter/import_run.h"

static struct onnx_builder begin(size_t rank, const int64_t *dims)
{
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", rank, dims);
    onnx_output(&b, "y");
    return b;
}

/* A convolution of one weight: y = 2 x + 1. */
static void add_conv(struct onnx_builder *b, const char *inputs, const char *output)
{
    onnx_floats(b, "w", 4, (int64_t[]){1, 1, 1, 1}, (float[]){2});
    onnx_floats(b, "b", 1, (int64_t[]){1}, (float[]){1});
    onnx_node(b, "Conv", inputs, output);
}

/* In rows, so that there are no changes of layout to count. */
static void expect_layers(struct onnx_builder *b, size_t layers)
{
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    if (import_built(b, &(struct import_options){.rows = true}, &file, &err)) {
        fail_msg("%s", err.detail);
    }
    struct opened opened = open_built(&file);
    assert_int_equal(muster_nn_layer_count(opened.model), layers);
    close_built(&opened);
}

static void an_unknown_batch_is_fixed(void **state)
{
    (void)state;
    struct onnx_builder b = begin(2, (int64_t[]){-1, 3});
    onnx_node(&b, "Relu", "x", "y");
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    assert_int_equal(import_built(&b, &(struct import_options){.batch = 4}, &file, &err),
                     OK);
    struct opened opened = open_built(&file);
    struct muster_nn_tensor tensor;
    struct muster_nn_preprocess preprocess;
    assert_int_equal(muster_nn_describe_input(opened.model, 0, &tensor, &preprocess), 0);
    assert_int_equal(tensor.dims[0], 4);
    close_built(&opened);
    b = begin(2, (int64_t[]){1, -1});
    onnx_node(&b, "Relu", "x", "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "dimension 1 of input 'x' is not fixed");
}

/* Height and width that the file leaves open, and one that it does not. */
static void open_dimensions_take_the_shape_that_is_given(void **state)
{
    (void)state;
    static const struct import_shape shapes[] = {
        {NULL, {4, {1, 3, 48, 192}}}, {"x", {4, {1, 3, 48, 192}}},
        {NULL, {4, {1, 1, 48, 192}}}, {NULL, {3, {3, 48, 192}}},
        {"z", {4, {1, 3, 48, 192}}},
    };
    static const char *const refusals[] = {NULL, NULL,
                                           "dimension 1 of input 'x' is 3, not 1",
                                           "has 4 dimensions, not 3", "no input 'z'"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct err err = {0};
        BUF_AUTO file = BUF_INIT(BUILDER_MAX);
        struct onnx_builder b = begin(4, (int64_t[]){-1, 3, -1, -1});
        onnx_node(&b, "Relu", "x", "y");
        const struct import_options options = {.shapes = &shapes[i], .shape_count = 1};
        enum status status = import_built(&b, &options, &file, &err);
        assert_int_equal(status, refusals[i] ? ERR_INVALID_ARGUMENT : OK);
        if (refusals[i]) {
            assert_non_null(strstr(err.detail, refusals[i]));
            continue;
        }
        struct opened opened = open_built(&file);
        struct muster_nn_tensor tensor;
        assert_int_equal(muster_nn_describe_input(opened.model, 0, &tensor, NULL), 0);
        assert_int_equal(tensor.dims[0], 1);
        assert_int_equal(tensor.dims[3], 192);
        close_built(&opened);
    }
}

static void initializers_may_be_listed_as_inputs(void **state)
{
    (void)state;
    struct onnx_builder b = begin(4, (int64_t[]){1, 1, 1, 2});
    onnx_input(&b, "w", 4, (int64_t[]){1, 1, 1, 1});
    add_conv(&b, "x,w,b", "y");
    expect_output(&b, (float[]){1, 2}, (float[]){3, 5}, 2);
}

static void identities_on_initializers_are_seen_through(void **state)
{
    (void)state;
    struct onnx_builder b = begin(4, (int64_t[]){1, 1, 1, 2});
    onnx_node(&b, "Identity", "w", "w2");
    onnx_node(&b, "Identity", "w2", "w3");
    add_conv(&b, "x,w3,b", "y");
    expect_output(&b, (float[]){1, 2}, (float[]){3, 5}, 2);
}

static void normalisation_padding_and_activations_go_into_the_convolution(void **state)
{
    (void)state;
    struct onnx_builder b = begin(4, (int64_t[]){1, 1, 3, 3});
    onnx_ints(&b, "pads", 8, (int64_t[]){0, 0, 1, 0, 0, 0, 0, 1});
    onnx_node(&b, "Pad", "x,pads", "p");
    add_conv(&b, "p,w,b", "c");
    for (int i = 0; i < 4; i++) {
        onnx_floats(&b, (const char *[]){"s", "o", "m", "v"}[i], 1, (int64_t[]){1},
                    (float[]){2});
    }
    onnx_node(&b, "BatchNormalization", "c,s,o,m,v", "n");
    onnx_node(&b, "Dropout", "n", "d");
    onnx_node(&b, "Relu", "d", "y");
    expect_layers(&b, 1);
}

static void reshapes_in_a_row_are_one(void **state)
{
    (void)state;
    struct onnx_builder b = begin(3, (int64_t[]){1, 2, 3});
    onnx_node(&b, "Relu", "x", "r");
    onnx_node(&b, "Flatten", "r", "f");
    onnx_ints(&b, "shape", 2, (int64_t[]){3, 2});
    onnx_node(&b, "Reshape", "f,shape", "t");
    attr_ints(&b, "perm", 2, (int64_t[]){1, 0});
    onnx_node(&b, "Transpose", "t", "y");
    expect_layers(&b, 3);
}

static void what_no_output_needs_is_dropped(void **state)
{
    (void)state;
    struct onnx_builder b = begin(2, (int64_t[]){1, 3});
    onnx_node(&b, "Softmax", "x", "unused");
    onnx_node(&b, "Relu", "x", "y");
    expect_layers(&b, 1);
}

static void an_output_may_be_an_input_or_a_constant(void **state)
{
    (void)state;
    struct onnx_builder b = begin(2, (int64_t[]){1, 2});
    onnx_node(&b, "Identity", "x", "y");
    expect_output(&b, (float[]){3, 4}, (float[]){3, 4}, 2);
    b = begin(2, (int64_t[]){1, 2});
    onnx_floats(&b, "c", 1, (int64_t[]){2}, (float[]){5, 6});
    onnx_node(&b, "Identity", "c", "y");
    expect_output(&b, (float[]){3, 4}, (float[]){5, 6}, 2);
}

static void refusals_name_node_operator_and_opset(void **state)
{
    (void)state;
    struct onnx_builder b = begin(2, (int64_t[]){1, 2});
    onnx_node(&b, "Einsum", "x", "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED,
                   "node 'Einsum' (Einsum, opset 13): unknown operator");
    b = begin(2, (int64_t[]){1, 2});
    attr_int(&b, "surprise", 1);
    onnx_node(&b, "Relu", "x", "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED,
                   "node 'Relu' (Relu, opset 13): attribute 'surprise'");
    b = onnx_begin(99);
    onnx_input(&b, "x", 1, (int64_t[]){1});
    onnx_node(&b, "Relu", "x", "y");
    onnx_output(&b, "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "opset 99");
    b = begin(2, (int64_t[]){1, 2});
    onnx_ints(&b, "shape", 1, (int64_t[]){5});
    onnx_node(&b, "Reshape", "x,shape", "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "node 'Reshape' (Reshape, opset 13)");
}

static void graphs_that_are_wrong_are_refused(void **state)
{
    (void)state;
    struct onnx_builder b = begin(1, (int64_t[]){2});
    onnx_node(&b, "Relu", "later", "y");
    onnx_node(&b, "Relu", "x", "later");
    expect_refusal(&b, ERR_ONNX_INVALID, "before it is made");
    b = begin(1, (int64_t[]){2});
    onnx_node(&b, "Relu", "y", "y");
    expect_refusal(&b, ERR_ONNX_INVALID, "before it is made");
    b = begin(1, (int64_t[]){2});
    onnx_node(&b, "Relu", "x", "y");
    onnx_node(&b, "Relu", "x", "y");
    expect_refusal(&b, ERR_ONNX_INVALID, "'y' is defined twice");
    b = begin(1, (int64_t[]){2});
    onnx_node(&b, "Relu", "nowhere", "y");
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED,
                   "nothing supported makes its input 'nowhere'");
    b = begin(1, (int64_t[]){2});
    expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "the output 'y'");
}

static void weights_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        struct onnx_builder b = begin(1, (int64_t[]){1});
        onnx_floats(&b, "c", 1, (int64_t[]){1}, &bad[i]);
        onnx_node(&b, "Add", "x,c", "y");
        expect_refusal(&b, ERR_ONNX_UNSUPPORTED, "not finite");
    }
}

static void a_tensor_that_states_more_than_it_has_is_refused(void **state)
{
    (void)state;
    struct onnx_builder b = begin(1, (int64_t[]){1});
    struct buf tensor = BUF_INIT(BUILDER_MAX);
    for (int i = 0; i < 4; i++) {
        pb_int(&tensor, 1, 0x40000001);
    }
    pb_int(&tensor, 2, 1);
    pb_text(&tensor, 8, "c");
    pb_message(&b.graph, 5, &tensor);
    onnx_node(&b, "Add", "x,c", "y");
    expect_refusal(&b, ERR_ONNX_INVALID, "");
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct onnx_builder b = begin(4, (int64_t[]){1, 1, 1, 2});
    add_conv(&b, "x,w,b", "y");
    BUF_AUTO onnx = BUF_INIT(BUILDER_MAX);
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    onnx_finish(&b, &onnx);
    for (size_t len = 0; len < onnx.len; len++) {
        uint8_t *copy = malloc(len ? len : 1);
        assert_non_null(copy);
        memcpy(copy, onnx.data, len);
        assert_int_not_equal(
            import_onnx(copy, len, &(struct import_options){0}, &file, NULL, NULL), OK);
        free(copy);
    }
    assert_int_equal(file.len, 0);
}

static void memory_and_work_have_a_ceiling(void **state)
{
    (void)state;
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    struct onnx_builder b = begin(2, (int64_t[]){1000, 1000});
    onnx_node(&b, "Relu", "x", "y");
    assert_int_equal(
        import_built(&b, &(struct import_options){.memory_bytes = 1000000}, &file, &err),
        ERR_LIMIT);
    b = begin(2, (int64_t[]){1000, 1000});
    onnx_node(&b, "MatMul", "x,x", "y");
    err_clear(&err);
    assert_int_equal(
        import_built(&b, &(struct import_options){.steps = 1000000}, &file, &err),
        ERR_LIMIT);
}

static void the_same_input_gives_the_same_bytes(void **state)
{
    (void)state;
    struct buf files[2] = {BUF_INIT(BUILDER_MAX), BUF_INIT(BUILDER_MAX)};
    for (int i = 0; i < 2; i++) {
        struct onnx_builder b = begin(4, (int64_t[]){1, 1, 1, 2});
        add_conv(&b, "x,w,b", "y");
        assert_int_equal(import_built(&b, &(struct import_options){0}, &files[i], NULL),
                         OK);
    }
    assert_int_equal(files[0].len, files[1].len);
    assert_memory_equal(files[0].data, files[1].data, files[0].len);
    buf_release(&files[1]);
    buf_release(&files[0]);
}

static void metadata_classes_and_preprocessing_reach_the_file(void **state)
{
    (void)state;
    static const char *const classes[] = {"cat", "dog"};
    struct import_options options = {.scale = 1,
                                     .mean = {2},
                                     .std = {4},
                                     .classes = classes,
                                     .class_count = 2,
                                     .metas = {{"version", "1.2.3"}, {"name", "pets"}},
                                     .meta_count = 2};
    struct onnx_builder b = begin(4, (int64_t[]){1, 1, 1, 2});
    onnx_node(&b, "Flatten", "x", "y");
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    assert_int_equal(import_built(&b, &options, &file, NULL), OK);
    struct opened opened = open_built(&file);
    assert_string_equal(muster_nn_meta(opened.model, "name"), "pets");
    assert_string_equal(muster_nn_meta(opened.model, "version"), "1.2.3");
    assert_int_equal(strlen(muster_nn_meta(opened.model, "source.sha256")), 64);
    assert_string_equal(muster_nn_class_name(opened.model, 1), "dog");
    assert_null(muster_nn_class_name(opened.model, 2));
    const struct muster_nn_image image = {.pixels = (const uint8_t[]){10, 0},
                                          .width = 2,
                                          .height = 1,
                                          .colour = MUSTER_NN_GREY};
    float probabilities[2];
    size_t count;
    assert_int_equal(muster_nn_set_image(opened.context, 0, 0, &image, NULL), 0);
    assert_int_equal(muster_nn_run(opened.context, NULL), 0);
    assert_true(muster_nn_output(opened.context, 0, &count)[0] == 2.0f);
    assert_int_equal(
        muster_nn_probabilities(opened.context, 0, 0, probabilities, 2, NULL), 0);
    assert_true(fabsf(probabilities[0] + probabilities[1] - 1) < 1e-6f);
    assert_true(fabsf(probabilities[0] / probabilities[1] - expf(2.5f)) < 1e-4f);
    close_built(&opened);
    options.class_count = 1;
    b = begin(4, (int64_t[]){1, 1, 1, 2});
    onnx_node(&b, "Flatten", "x", "y");
    buf_reset(&file);
    assert_int_equal(import_built(&b, &options, &file, NULL), ERR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_batch_is_fixed),
        cmocka_unit_test(open_dimensions_take_the_shape_that_is_given),
        cmocka_unit_test(initializers_may_be_listed_as_inputs),
        cmocka_unit_test(identities_on_initializers_are_seen_through),
        cmocka_unit_test(normalisation_padding_and_activations_go_into_the_convolution),
        cmocka_unit_test(reshapes_in_a_row_are_one),
        cmocka_unit_test(what_no_output_needs_is_dropped),
        cmocka_unit_test(an_output_may_be_an_input_or_a_constant),
        cmocka_unit_test(refusals_name_node_operator_and_opset),
        cmocka_unit_test(graphs_that_are_wrong_are_refused),
        cmocka_unit_test(weights_that_are_not_finite_are_refused),
        cmocka_unit_test(a_tensor_that_states_more_than_it_has_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(memory_and_work_have_a_ceiling),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
        cmocka_unit_test(metadata_classes_and_preprocessing_reach_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
