/* SPDX-License-Identifier: Apache-2.0 */
/* Images become inputs as training libraries make them. */
#include "tests/unit/converter/import_run.h"
#include "tests/unit/nn/images_expected.h"

enum { PIXELS_MAX = 4096 * 3 };

/* A net that gives back its input of `channels` x height x width. */
static struct opened identity(const struct import_options *options, int64_t channels,
                              int64_t height, int64_t width)
{
    struct err err = {0};
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", 4, (int64_t[]){1, channels, height, width});
    onnx_output(&b, "y");
    onnx_node(&b, "Identity", "x", "y");
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    if (import_built(&b, options, &file, &err)) {
        fail_msg("%s", err.detail);
    }
    return open_built(&file);
}

/* The picture that the expected values were made from. */
static struct muster_nn_image picture(uint8_t *pixels, uint32_t width, uint32_t height,
                                      uint32_t channels)
{
    uint8_t *out = pixels;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            for (uint32_t c = 0; c < channels; c++) {
                *out++ = (uint8_t)(x * 7 + y * 13 + c * 29 + x * y % 17 * 9 +
                                   x * x * (c + 1) % 23 * 5);
            }
        }
    }
    return (struct muster_nn_image){.pixels = pixels,
                                    .width = width,
                                    .height = height,
                                    .colour =
                                        channels == 1 ? MUSTER_NN_GREY : MUSTER_NN_RGB};
}

static const float *run_on(struct opened *opened, const struct muster_nn_image *image,
                           size_t count)
{
    struct muster_nn_error error = {0};
    size_t got_count = 0;
    if (muster_nn_set_image(opened->context, 0, 0, image, &error)) {
        fail_msg("%s", error.detail);
    }
    assert_int_equal(muster_nn_run(opened->context, NULL), 0);
    const float *got = muster_nn_output(opened->context, 0, &got_count);
    assert_int_equal(got_count, count);
    return got;
}

static void expect_bytes(struct opened *opened, const struct muster_nn_image *image,
                         const uint8_t *expected, size_t count)
{
    const float *got = run_on(opened, image, count);
    for (size_t i = 0; i < count; i++) {
        if (got[i] != (float)expected[i]) {
            fail_msg("value %zu is %g instead of %d", i, (double)got[i], expected[i]);
        }
    }
    close_built(opened);
}

static void shrinking_is_pillows(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 37, 23, 3);
    struct opened opened = identity(
        &(struct import_options){.scale = 1, .fit = MUSTER_NN_FIT_STRETCH}, 3, 4, 5);
    expect_bytes(&opened, &image, shrunk, sizeof shrunk);
}

static void growing_is_pillows(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 4, 3, 1);
    struct opened opened = identity(
        &(struct import_options){.scale = 1, .fit = MUSTER_NN_FIT_STRETCH}, 1, 5, 7);
    expect_bytes(&opened, &image, grown, sizeof grown);
}

static void a_wide_image_is_taken_in_several_tiles(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 4096, 3, 1);
    struct opened opened = identity(
        &(struct import_options){.scale = 1, .fit = MUSTER_NN_FIT_STRETCH}, 1, 2, 70);
    expect_bytes(&opened, &image, wide, sizeof wide);
}

/* torchvision: Resize(12), CenterCrop((6, 8)). */
static void the_centre_is_cropped_as_torchvision_does(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 37, 23, 3);
    struct opened opened = identity(&(struct import_options){.scale = 1,
                                                             .fit = MUSTER_NN_FIT_CROP,
                                                             .shorter_side = 12},
                                    3, 6, 8);
    expect_bytes(&opened, &image, cropped, sizeof cropped);
}

static void the_nearest_pixel_is_pillows(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 37, 23, 3);
    struct opened opened = identity(
        &(struct import_options){
            .scale = 1, .fit = MUSTER_NN_FIT_STRETCH, .interpolation = MUSTER_NN_NEAREST},
        3, 4, 5);
    expect_bytes(&opened, &image, nearest, sizeof nearest);
}

static void bilinear_is_half_pixel_without_rounding(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 4, 3, 1);
    struct opened opened =
        identity(&(struct import_options){.scale = 1,
                                          .fit = MUSTER_NN_FIT_STRETCH,
                                          .interpolation = MUSTER_NN_BILINEAR},
                 1, 6, 8);
    size_t count = sizeof bilinear / sizeof bilinear[0];
    assert_memory_equal(run_on(&opened, &image, count), bilinear, sizeof bilinear);
    close_built(&opened);
}

static void a_letterbox_has_its_fill_beside_the_image(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 37, 23, 3);
    struct opened opened = identity(
        &(struct import_options){.scale = 1, .fit = MUSTER_NN_FIT_LETTERBOX, .fill = 114},
        3, 8, 8);
    expect_bytes(&opened, &image, letterboxed, sizeof letterboxed);
}

static void denoising_is_the_median_of_nine(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 7, 5, 3);
    struct opened opened =
        identity(&(struct import_options){.scale = 1, .denoise = 3}, 3, 5, 7);
    expect_bytes(&opened, &image, median, sizeof median);
}

static void colours_become_grey_as_in_pillow(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 6, 4, 3);
    struct opened opened = identity(&(struct import_options){.scale = 1}, 1, 4, 6);
    expect_bytes(&opened, &image, grey_of_colour, sizeof grey_of_colour);
}

static void bgr_becomes_the_same_grey_as_rgb(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 6, 4, 3);
    for (size_t i = 0; i < 6 * 4; i++) {
        uint8_t red = pixels[3 * i];
        pixels[3 * i] = pixels[3 * i + 2];
        pixels[3 * i + 2] = red;
    }
    image.colour = MUSTER_NN_BGR;
    struct opened opened = identity(&(struct import_options){.scale = 1}, 1, 4, 6);
    expect_bytes(&opened, &image, grey_of_colour, sizeof grey_of_colour);
}

static void grey_counts_for_every_colour(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {10, 20};
    static const uint8_t expected[] = {10, 20, 10, 20, 10, 20};
    const struct muster_nn_image image = {
        .pixels = pixels, .width = 2, .height = 1, .colour = MUSTER_NN_GREY};
    struct opened opened = identity(&(struct import_options){.scale = 1}, 3, 1, 2);
    expect_bytes(&opened, &image, expected, sizeof expected);
}

static void grey_denoise_and_shrinking_follow_each_other(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 37, 23, 3);
    struct opened opened = identity(
        &(struct import_options){.scale = 1, .denoise = 3, .fit = MUSTER_NN_FIT_STRETCH},
        1, 5, 6);
    expect_bytes(&opened, &image, all_steps, sizeof all_steps);
}

/* The same picture for a net with channels first and one with channels last. */
static void channels_may_come_last(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 37, 23, 3);
    const struct import_options options = {.mean = {0.1f, 0.2f, 0.3f},
                                           .std = {0.5f, 0.6f, 0.7f},
                                           .fit = MUSTER_NN_FIT_STRETCH};
    struct opened first = identity(&options, 3, 4, 5), last = identity(&options, 4, 5, 3);
    struct muster_nn_preprocess told;
    struct muster_nn_tensor tensor;
    assert_int_equal(muster_nn_describe_input(last.model, 0, &tensor, &told), 0);
    assert_true(told.channels_last && told.width == 5 && told.height == 4);
    const float *a = run_on(&first, &image, 60), *b = run_on(&last, &image, 60);
    for (size_t i = 0; i < 20; i++) {
        for (size_t c = 0; c < 3; c++) {
            assert_true(a[c * 20 + i] == b[i * 3 + c]);
            float normal =
                ((float)shrunk[c * 20 + i] * (1.0f / 255.0f) - options.mean[c]) /
                options.std[c];
            assert_true(a[c * 20 + i] == normal);
        }
    }
    close_built(&first);
    close_built(&last);
}

/* Rows that are longer than the image, and an item that is not the first. */
static void strides_and_batches_change_nothing(void **state)
{
    (void)state;
    static uint8_t pixels[PIXELS_MAX], wider[PIXELS_MAX];
    struct muster_nn_image image = picture(pixels, 37, 23, 3);
    for (size_t y = 0; y < 23; y++) {
        memcpy(wider + y * 120, pixels + y * 111, 111);
    }
    image.pixels = wider;
    image.stride_bytes = 120;
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", 4, (int64_t[]){2, 3, 4, 5});
    onnx_output(&b, "y");
    onnx_node(&b, "Identity", "x", "y");
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    const struct import_options options = {.scale = 1, .fit = MUSTER_NN_FIT_STRETCH};
    assert_int_equal(import_built(&b, &options, &file, NULL), OK);
    struct opened opened = open_built(&file);
    size_t count = 0;
    assert_int_equal(muster_nn_set_image(opened.context, 0, 1, &image, NULL), 0);
    assert_int_equal(muster_nn_run(opened.context, NULL), 0);
    const float *got = muster_nn_output(opened.context, 0, &count);
    for (size_t i = 0; i < sizeof shrunk; i++) {
        assert_true(got[i] == 0);
        assert_true(got[sizeof shrunk + i] == (float)shrunk[i]);
    }
    close_built(&opened);
}

static void an_image_far_too_large_is_refused(void **state)
{
    (void)state;
    static uint8_t pixels[2 * 500 + 1];
    struct muster_nn_error error = {0};
    struct opened opened =
        identity(&(struct import_options){.fit = MUSTER_NN_FIT_STRETCH}, 1, 1, 2);
    struct muster_nn_image image = {
        .pixels = pixels, .width = 2 * 500, .height = 1, .colour = MUSTER_NN_GREY};
    assert_int_equal(muster_nn_set_image(opened.context, 0, 0, &image, &error), 0);
    image.width++;
    assert_int_equal(muster_nn_set_image(opened.context, 0, 0, &image, &error),
                     MUSTER_NN_ARGUMENT);
    assert_non_null(strstr(error.detail, "500"));
    image.width = 0;
    assert_int_equal(muster_nn_set_image(opened.context, 0, 0, &image, NULL),
                     MUSTER_NN_ARGUMENT);
    close_built(&opened);
}

/* Sizes around those of the tensor, to be run under the sanitizers. */
static void every_small_size_fits(void **state)
{
    (void)state;
    static const enum muster_nn_fit fits[] = {MUSTER_NN_FIT_STRETCH, MUSTER_NN_FIT_CROP,
                                              MUSTER_NN_FIT_LETTERBOX};
    for (size_t f = 0; f < 3; f++) {
        for (int kind = MUSTER_NN_NEAREST; kind <= MUSTER_NN_ANTIALIAS; kind++) {
            const struct import_options options = {
                .scale = 1,
                .fit = fits[f],
                .denoise = 3,
                .interpolation = (enum muster_nn_interpolation)kind};
            struct opened opened = identity(&options, 1, 7, 9);
            for (uint32_t i = 0; i < 15 * 15; i++) {
                uint32_t width = i % 15 + 1, height = i / 15 + 1;
                uint8_t *pixels = malloc((size_t)width * height);
                assert_non_null(pixels);
                memset(pixels, 77, (size_t)width * height);
                const struct muster_nn_image image = {.pixels = pixels,
                                                      .width = width,
                                                      .height = height,
                                                      .colour = MUSTER_NN_GREY};
                float centre = run_on(&opened, &image, 63)[31];
                assert_true(centre == 77);
                free(pixels);
            }
            close_built(&opened);
        }
    }
}

static void what_the_options_say_is_what_the_model_tells(void **state)
{
    (void)state;
    struct opened opened =
        identity(&(struct import_options){.fit = MUSTER_NN_FIT_CROP,
                                          .interpolation = MUSTER_NN_BILINEAR,
                                          .shorter_side = 256,
                                          .denoise = 3},
                 3, 224, 200);
    struct muster_nn_preprocess told;
    struct muster_nn_tensor tensor;
    assert_int_equal(muster_nn_describe_input(opened.model, 0, &tensor, &told), 0);
    assert_int_equal(told.fit, MUSTER_NN_FIT_CROP);
    assert_int_equal(told.interpolation, MUSTER_NN_BILINEAR);
    assert_int_equal(told.shorter_side, 256);
    assert_int_equal(told.denoise, 3);
    assert_int_equal(told.width, 200);
    assert_int_equal(told.height, 224);
    assert_int_equal(muster_nn_needs(opened.model).features & NN_FEATURE_FIT,
                     NN_FEATURE_FIT);
    close_built(&opened);
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    static const struct import_options wrong[] = {
        {.interpolation = MUSTER_NN_BILINEAR},
        {.fit = MUSTER_NN_FIT_CROP, .shorter_side = 4},
        {.fit = MUSTER_NN_FIT_STRETCH, .shorter_side = 8},
        {.fit = MUSTER_NN_FIT_STRETCH, .fill = 1},
        {.denoise = 5},
        {.window = 5},
        {.input = IMPORT_PLAIN, .denoise = 3},
        {.input = IMPORT_GREY},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct onnx_builder b = onnx_begin(13);
        onnx_input(&b, "x", 4, (int64_t[]){1, 3, 5, 5});
        onnx_output(&b, "y");
        onnx_node(&b, "Identity", "x", "y");
        BUF_AUTO file = BUF_INIT(BUILDER_MAX);
        assert_int_equal(import_built(&b, &wrong[i], &file, NULL), ERR_INVALID_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shrinking_is_pillows),
        cmocka_unit_test(growing_is_pillows),
        cmocka_unit_test(a_wide_image_is_taken_in_several_tiles),
        cmocka_unit_test(the_centre_is_cropped_as_torchvision_does),
        cmocka_unit_test(the_nearest_pixel_is_pillows),
        cmocka_unit_test(bilinear_is_half_pixel_without_rounding),
        cmocka_unit_test(a_letterbox_has_its_fill_beside_the_image),
        cmocka_unit_test(denoising_is_the_median_of_nine),
        cmocka_unit_test(colours_become_grey_as_in_pillow),
        cmocka_unit_test(bgr_becomes_the_same_grey_as_rgb),
        cmocka_unit_test(grey_counts_for_every_colour),
        cmocka_unit_test(grey_denoise_and_shrinking_follow_each_other),
        cmocka_unit_test(channels_may_come_last),
        cmocka_unit_test(strides_and_batches_change_nothing),
        cmocka_unit_test(an_image_far_too_large_is_refused),
        cmocka_unit_test(every_small_size_fits),
        cmocka_unit_test(what_the_options_say_is_what_the_model_tells),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
