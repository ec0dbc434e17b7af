/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: memory of the caller, images, hooks, the self-test. */
#include "tests/unit/nn/model_bytes.h"

static struct muster_nn_model *open_model(const struct model_bytes *bytes)
{
    struct muster_nn_model *model = NULL;
    assert_int_equal(muster_nn_open_memory(bytes->data, bytes->len, NULL, &model, NULL),
                     0);
    return model;
}

static void a_context_fits_exactly_the_bytes_that_it_asks_for(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = open_model(&bytes);
    struct muster_nn_context *context = NULL;
    size_t need = muster_nn_arena_bytes(model);
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, 64, need), 0);
    assert_int_equal(muster_nn_context_init(model, memory, need - 1, &context, NULL),
                     MUSTER_NN_ARGUMENT);
    assert_int_equal(
        muster_nn_context_init(model, (uint8_t *)memory + 8, need, &context, NULL),
        MUSTER_NN_ARGUMENT);
    assert_null(context);
    assert_int_equal(muster_nn_context_init(model, memory, need, &context, NULL), 0);
    assert_int_equal(muster_nn_verify(context, NULL, NULL), 0);
    free(memory);
    muster_nn_close(model);
    free(bytes.data);
}

static void contexts_over_one_model_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = open_model(&bytes);
    struct muster_nn_context *contexts[2];
    float inputs[2][16] = {{1, 2, 3}, {-4, 5, 6}}, outputs[2][3];
    size_t count;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(muster_nn_context_new(model, &contexts[i], NULL), 0);
        assert_int_equal(muster_nn_set_input(contexts[i], 0, inputs[i], 16, NULL), 0);
        assert_int_equal(muster_nn_run(contexts[i], NULL), 0);
        memcpy(outputs[i], muster_nn_output(contexts[i], 0, &count), sizeof outputs[i]);
    }
    assert_int_equal(muster_nn_set_input(contexts[0], 0, inputs[1], 16, NULL), 0);
    assert_int_equal(muster_nn_run(contexts[0], NULL), 0);
    assert_memory_equal(muster_nn_output(contexts[0], 0, &count), outputs[1],
                        sizeof outputs[1]);
    assert_memory_not_equal(outputs[0], outputs[1], sizeof outputs[0]);
    muster_nn_context_free(contexts[0]);
    muster_nn_context_free(contexts[1]);
    muster_nn_close(model);
    free(bytes.data);
}

static void an_image_is_the_same_as_its_preprocessed_values(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = open_model(&bytes);
    struct muster_nn_context *context = NULL;
    uint8_t pixels[4 * 7];
    float values[16], wanted[3];
    size_t count;
    assert_int_equal(muster_nn_context_new(model, &context, NULL), 0);
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)(i * 37);
    }
    for (size_t i = 0; i < 16; i++) {
        values[i] = (float)pixels[i / 4 * 7 + i % 4] * (1.0f / 255.0f);
    }
    assert_int_equal(muster_nn_set_input(context, 0, values, 16, NULL), 0);
    assert_int_equal(muster_nn_run(context, NULL), 0);
    memcpy(wanted, muster_nn_output(context, 0, &count), sizeof wanted);
    struct muster_nn_image image = {.pixels = pixels,
                                    .width = 4,
                                    .height = 4,
                                    .stride_bytes = 7,
                                    .colour = MUSTER_NN_GREY};
    assert_int_equal(muster_nn_set_image(context, 0, 0, &image, NULL), 0);
    assert_int_equal(muster_nn_run(context, NULL), 0);
    assert_memory_equal(muster_nn_output(context, 0, &count), wanted, sizeof wanted);
    muster_nn_context_free(context);
    muster_nn_close(model);
    free(bytes.data);
}

static void images_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = open_model(&bytes);
    struct muster_nn_context *context = NULL;
    uint8_t pixels[48] = {0};
    const struct muster_nn_image good = {
        .pixels = pixels, .width = 4, .height = 4, .colour = MUSTER_NN_GREY};
    struct muster_nn_image bad[5] = {good, good, good, good, good};
    bad[0].width = 5;
    bad[1].height = 3;
    bad[2].colour = MUSTER_NN_NO_COLOUR;
    bad[3].stride_bytes = 3;
    bad[4].pixels = NULL;
    assert_int_equal(muster_nn_context_new(model, &context, NULL), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(muster_nn_set_image(context, 0, 0, &bad[i], NULL),
                         MUSTER_NN_ARGUMENT);
    }
    assert_int_equal(muster_nn_set_image(context, 0, 1, &good, NULL), MUSTER_NN_ARGUMENT);
    assert_int_equal(muster_nn_set_image(context, 1, 0, &good, NULL), MUSTER_NN_ARGUMENT);
    assert_int_equal(muster_nn_set_image(context, 0, 0, &good, NULL), 0);
    assert_int_equal(muster_nn_set_input(context, 0, (float[15]){0}, 15, NULL),
                     MUSTER_NN_ARGUMENT);
    assert_null(muster_nn_output(context, 1, &(size_t){0}));
    muster_nn_context_free(context);
    muster_nn_close(model);
    free(bytes.data);
}

/* RGB pixels for a BGR model, in planes. */
static void colours_are_put_in_the_models_order(void **state)
{
    (void)state;
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", 4, (int64_t[]){1, 3, 1, 2});
    onnx_output(&b, "y");
    onnx_node(&b, "Identity", "x", "y");
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    const struct import_options options = {
        .input = IMPORT_BGR, .scale = 1, .mean = {1, 2, 3}, .std = {1, 1, 2}};
    assert_int_equal(import_built(&b, &options, &file, NULL), OK);
    struct opened opened = open_built(&file);
    const struct muster_nn_image image = {.pixels =
                                              (const uint8_t[]){10, 20, 30, 40, 50, 60},
                                          .width = 2,
                                          .height = 1,
                                          .colour = MUSTER_NN_RGB};
    static const float wanted[] = {29, 59, 18, 48, 3.5f, 18.5f};
    size_t count;
    assert_int_equal(muster_nn_set_image(opened.context, 0, 0, &image, NULL), 0);
    assert_int_equal(muster_nn_run(opened.context, NULL), 0);
    assert_memory_equal(muster_nn_output(opened.context, 0, &count), wanted,
                        sizeof wanted);
    close_built(&opened);
}

static void count_layer(void *user, size_t layer, uint64_t nanoseconds)
{
    size_t *next = user;
    (void)nanoseconds;
    assert_int_equal(layer, *next);
    *next += 1;
}

static void the_hook_is_called_after_each_layer(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = open_model(&bytes);
    struct muster_nn_context *context = NULL;
    size_t layers = 0;
    assert_int_equal(muster_nn_context_new(model, &context, NULL), 0);
    muster_nn_set_hook(context, count_layer, &layers);
    assert_int_equal(muster_nn_run(context, NULL), 0);
    assert_int_equal(layers, muster_nn_layer_count(model));
    muster_nn_set_hook(context, NULL, NULL);
    assert_int_equal(muster_nn_run(context, NULL), 0);
    assert_int_equal(layers, muster_nn_layer_count(model));
    muster_nn_context_free(context);
    muster_nn_close(model);
    free(bytes.data);
}

/* A weight that is another finite number passes every rule but the self-test. */
static void the_self_test_finds_a_wrong_weight(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_context *context = NULL;
    struct muster_nn_error error = {0};
    float weight;
    memcpy(&weight, record(&bytes, NN_S_DATA, 0), sizeof weight);
    weight += 1;
    memcpy(record(&bytes, NN_S_DATA, 0), &weight, sizeof weight);
    seal(&bytes);
    struct muster_nn_model *model = open_model(&bytes);
    assert_int_equal(muster_nn_context_new(model, &context, NULL), 0);
    assert_int_equal(muster_nn_verify(context, NULL, &error), MUSTER_NN_SELFTEST);
    assert_non_null(strstr(error.detail, "'y'"));
    muster_nn_context_free(context);
    muster_nn_close(model);
    free(bytes.data);
}

/* Outputs of a millionth are measured by what they are, not against one. */
static void the_self_test_finds_a_wrong_weight_behind_small_outputs(void **state)
{
    (void)state;
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    struct muster_nn_context *context = NULL;
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", 2, (int64_t[]){1, 3});
    onnx_floats(&b, "w", 1, (int64_t[]){3}, (float[]){1e-6f, 2e-6f, 3e-6f});
    onnx_node(&b, "Mul", "x,w", "y");
    onnx_output(&b, "y");
    assert_int_equal(import_built(&b, &(struct import_options){0}, &file, NULL), OK);
    struct model_bytes bytes = {.data = aligned_alloc(64, (file.len + 63) / 64 * 64),
                                .len = file.len};
    assert_non_null(bytes.data);
    memcpy(bytes.data, file.data, file.len);
    memcpy(record(&bytes, NN_S_DATA, 0), &(float){1.02e-6f}, sizeof(float));
    seal(&bytes);
    struct muster_nn_model *model = open_model(&bytes);
    assert_int_equal(muster_nn_context_new(model, &context, NULL), 0);
    assert_int_equal(muster_nn_verify(context, NULL, NULL), MUSTER_NN_SELFTEST);
    muster_nn_context_free(context);
    muster_nn_close(model);
    free(bytes.data);
}

static void the_runtime_can_do_what_a_model_needs(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = open_model(&bytes);
    struct muster_nn_abilities needs = muster_nn_needs(model), has = muster_nn_runtime();
    for (size_t i = 0; i < sizeof needs.op_set; i++) {
        assert_int_equal(needs.op_set[i] & ~has.op_set[i], 0);
    }
    assert_int_equal(needs.op_set[0], 1 << NN_CONV | 1 << NN_MAX_POOL | 1 << NN_GEMM);
    muster_nn_close(model);
    free(bytes.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_fits_exactly_the_bytes_that_it_asks_for),
        cmocka_unit_test(contexts_over_one_model_do_not_disturb_each_other),
        cmocka_unit_test(an_image_is_the_same_as_its_preprocessed_values),
        cmocka_unit_test(images_that_do_not_fit_are_refused),
        cmocka_unit_test(colours_are_put_in_the_models_order),
        cmocka_unit_test(the_hook_is_called_after_each_layer),
        cmocka_unit_test(the_self_test_finds_a_wrong_weight),
        cmocka_unit_test(the_self_test_finds_a_wrong_weight_behind_small_outputs),
        cmocka_unit_test(the_runtime_can_do_what_a_model_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
