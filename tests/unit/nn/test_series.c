/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of a sensor series become inputs. */
#include "tests/unit/converter/import_run.h"

static struct opened identity(const struct import_options *options, uint32_t rank,
                              const int64_t *dims)
{
    struct err err = {0};
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", rank, dims);
    onnx_output(&b, "y");
    onnx_node(&b, "Identity", "x", "y");
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    if (import_built(&b, options, &file, &err)) {
        fail_msg("%s", err.detail);
    }
    return open_built(&file);
}

static void expect_window(struct opened *opened, const struct muster_nn_series *series,
                          size_t index, const float *expected, size_t count)
{
    size_t got_count = 0;
    assert_int_equal(muster_nn_set_window(opened->context, 0, 0, series, index, NULL), 0);
    assert_int_equal(muster_nn_run(opened->context, NULL), 0);
    const float *got = muster_nn_output(opened->context, 0, &got_count);
    assert_int_equal(got_count, count);
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(got[i] - expected[i]) < 1e-6f)) {
            fail_msg("value %zu is %g instead of %g", i, (double)got[i],
                     (double)expected[i]);
        }
    }
}

/* Two channels, windows of 3 samples, one every 2. */
static const float samples[] = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60};
static const struct muster_nn_series series = {samples, 6};
static const struct import_options three = {
    .input = IMPORT_SERIES, .hop = 2, .mean = {1, 10}, .std = {2, 5}};

static void windows_begin_a_hop_apart(void **state)
{
    (void)state;
    static const float expected[] = {1, 1.5f, 2, 4, 6, 8};
    struct opened opened = identity(&three, 3, (int64_t[]){1, 2, 3});
    assert_int_equal(muster_nn_window_count(opened.model, 0, 2), 0);
    assert_int_equal(muster_nn_window_count(opened.model, 0, 3), 1);
    assert_int_equal(muster_nn_window_count(opened.model, 0, 6), 2);
    assert_int_equal(muster_nn_window_count(opened.model, 0, 7), 3);
    assert_int_equal(muster_nn_window_count(opened.model, 1, 7), 0);
    expect_window(&opened, &series, 1, expected, 6);
    close_built(&opened);
}

static void a_window_may_lie_sample_by_sample(void **state)
{
    (void)state;
    static const float expected[] = {1, 4, 1.5f, 6, 2, 8};
    struct import_options options = three;
    options.window = 3;
    struct opened opened = identity(&options, 3, (int64_t[]){1, 3, 2});
    expect_window(&opened, &series, 1, expected, 6);
    close_built(&opened);
}

/* numpy: (w - w.mean()) / w.std(); a channel that does not vary is 0. */
static void a_window_is_normalised_by_itself(void **state)
{
    (void)state;
    static const float flat[] = {1, 7, 2, 7, 3, 7};
    static const float expected[] = {-1.2247449f, 0, 1.2247449f, 0, 0, 0};
    struct opened opened = identity(
        &(struct import_options){.input = IMPORT_SERIES, .normalise_window = true}, 3,
        (int64_t[]){1, 2, 3});
    expect_window(&opened, &(struct muster_nn_series){flat, 3}, 0, expected, 6);
    close_built(&opened);
}

static void twelve_channels_have_numbers_of_their_own(void **state)
{
    (void)state;
    struct import_options options = {.input = IMPORT_SERIES};
    float values[12], expected[12];
    for (size_t c = 0; c < 12; c++) {
        options.mean[c] = (float)c;
        options.std[c] = (float)(c + 1);
        values[c] = 100;
        expected[c] = (100 - (float)c) / (float)(c + 1);
    }
    struct opened opened = identity(&options, 3, (int64_t[]){1, 12, 1});
    expect_window(&opened, &(struct muster_nn_series){values, 1}, 0, expected, 12);
    close_built(&opened);
}

static void windows_that_are_not_there_are_refused(void **state)
{
    (void)state;
    struct opened opened = identity(&three, 3, (int64_t[]){1, 2, 3});
    const struct muster_nn_series none = {NULL, 6};
    const struct muster_nn_image image = {.pixels = (const uint8_t[]){1},
                                          .width = 1,
                                          .height = 1,
                                          .colour = MUSTER_NN_GREY};
    assert_int_equal(muster_nn_set_window(opened.context, 0, 0, &series, 2, NULL),
                     MUSTER_NN_ARGUMENT);
    assert_int_equal(muster_nn_set_window(opened.context, 0, 1, &series, 0, NULL),
                     MUSTER_NN_ARGUMENT);
    assert_int_equal(muster_nn_set_window(opened.context, 1, 0, &series, 0, NULL),
                     MUSTER_NN_ARGUMENT);
    assert_int_equal(muster_nn_set_window(opened.context, 0, 0, &none, 0, NULL),
                     MUSTER_NN_ARGUMENT);
    assert_int_equal(muster_nn_set_image(opened.context, 0, 0, &image, NULL),
                     MUSTER_NN_ARGUMENT);
    close_built(&opened);
}

static void options_that_do_not_fit_a_series_are_refused(void **state)
{
    (void)state;
    static const struct import_options wrong[] = {
        {.input = IMPORT_SERIES, .window = 4},
        {.input = IMPORT_SERIES, .denoise = 3},
        {.input = IMPORT_SERIES, .fit = MUSTER_NN_FIT_STRETCH},
        {.input = IMPORT_SERIES, .std = {INFINITY}},
        {.input = IMPORT_SERIES}, /* 13 channels with means */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 3, (int64_t[]){1, 13, 3});
        onnx_output(&b, "y");
        onnx_node(&b, "Identity", "x", "y");
        BUF_AUTO file = BUF_INIT(BUILDER_MAX);
        assert_int_equal(import_built(&b, &wrong[i], &file, NULL), ERR_INVALID_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_begin_a_hop_apart),
        cmocka_unit_test(a_window_may_lie_sample_by_sample),
        cmocka_unit_test(a_window_is_normalised_by_itself),
        cmocka_unit_test(twelve_channels_have_numbers_of_their_own),
        cmocka_unit_test(windows_that_are_not_there_are_refused),
        cmocka_unit_test(options_that_do_not_fit_a_series_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
