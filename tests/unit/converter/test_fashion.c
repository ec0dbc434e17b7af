/* SPDX-License-Identifier: Apache-2.0 */
/* The trained example against PyTorch's outputs for the first 200 test images. */
#include "base/file.h"
#include "format/image.h"
#include "nn/crc32c.h"
#include "nn/model.h"
#include "tests/unit/converter/import_run.h"

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { VECTORS = 200, CLASSES = 10, SUBSET = 500 };

static void run_version(const char *version)
{
    char path[256];
    BUF_AUTO onnx = BUF_INIT(BUILDER_MAX);
    BUF_AUTO vectors = BUF_INIT(BUILDER_MAX);
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    IMAGE_SET_AUTO images = {0};
    struct err err = {0};
    (void)snprintf(path, sizeof path, SOURCE_DIR "/examples/fashion/fashion-%s.onnx",
                   version);
    assert_int_equal(file_read(path, &onnx, &err), OK);
    (void)snprintf(path, sizeof path,
                   SOURCE_DIR "/examples/fashion/vectors/fashion-%s.f32", version);
    assert_int_equal(file_read(path, &vectors, &err), OK);
    assert_int_equal(vectors.len, VECTORS * CLASSES * sizeof(float));
    if (image_set_read(IMAGES, &images, &err) == ERR_NOT_FOUND) {
        skip(); /* Debian's dataset-fashion-mnist is not installed */
    }
    assert_int_equal(
        import_onnx(onnx.data, onnx.len, &(struct import_options){0}, &file, NULL, &err),
        OK);
    struct opened opened = open_built(&file);
    for (size_t i = 0; i < VECTORS; i++) {
        const struct muster_nn_image image = {.pixels = image_at(&images, i),
                                              .width = images.width,
                                              .height = images.height,
                                              .colour = MUSTER_NN_GREY};
        size_t count = 0;
        assert_int_equal(muster_nn_set_image(opened.context, 0, 0, &image, NULL), 0);
        assert_int_equal(muster_nn_run(opened.context, NULL), 0);
        const float *got = muster_nn_output(opened.context, 0, &count);
        assert_int_equal(count, CLASSES);
        for (size_t c = 0; c < CLASSES; c++) {
            float wanted;
            memcpy(&wanted, vectors.data + (i * CLASSES + c) * sizeof wanted,
                   sizeof wanted);
            assert_true(fabsf(got[c] - wanted) <= 1e-4f);
        }
    }
    close_built(&opened);
}

static void version_1_0_0_gives_pytorchs_outputs(void **state)
{
    (void)state;
    run_version("1.0.0");
}

static void version_1_1_0_gives_pytorchs_outputs(void **state)
{
    (void)state;
    run_version("1.1.0");
}

static void import_as(const struct buf *onnx, bool half, struct buf *file)
{
    const struct import_options options = {.half = half};
    struct err err = {0};
    if (import_onnx(onnx->data, onnx->len, &options, file, NULL, &err)) {
        fail_msg("%s", err.detail);
    }
}

static const float *scores_of(struct opened *opened, const struct image_set *images,
                              size_t index)
{
    const struct muster_nn_image image = {.pixels = image_at(images, index),
                                          .width = images->width,
                                          .height = images->height,
                                          .colour = MUSTER_NN_GREY};
    size_t count = 0;
    assert_int_equal(muster_nn_set_image(opened->context, 0, 0, &image, NULL), 0);
    assert_int_equal(muster_nn_run(opened->context, NULL), 0);
    const float *scores = muster_nn_output(opened->context, 0, &count);
    assert_int_equal(count, CLASSES);
    return scores;
}

static size_t best_of(const float *scores)
{
    size_t best = 0;
    for (size_t c = 1; c < CLASSES; c++) {
        best = scores[c] > scores[best] ? c : best;
    }
    return best;
}

static void weights_of_16_bits_halve_the_file_and_keep_the_classes(void **state)
{
    (void)state;
    BUF_AUTO onnx = BUF_INIT(BUILDER_MAX);
    BUF_AUTO whole = BUF_INIT(BUILDER_MAX);
    BUF_AUTO half = BUF_INIT(BUILDER_MAX);
    IMAGE_SET_AUTO images = {0};
    struct err err = {0};
    assert_int_equal(
        file_read(SOURCE_DIR "/examples/fashion/fashion-1.1.0.onnx", &onnx, &err), OK);
    import_as(&onnx, false, &whole);
    import_as(&onnx, true, &half);
    assert_true(half.len < whole.len * 6 / 10);
    struct opened a = open_built(&whole), b = open_built(&half);
    assert_int_equal(muster_nn_needs(b.model).features & NN_FEATURE_HALF,
                     NN_FEATURE_HALF);
    assert_int_equal(muster_nn_verify(b.context, NULL, NULL), MUSTER_NN_OK);
    if (image_set_read(IMAGES, &images, &err) == ERR_NOT_FOUND) {
        close_built(&a);
        close_built(&b);
        skip(); /* Debian's dataset-fashion-mnist is not installed */
    }
    for (size_t i = 0; i < SUBSET; i++) {
        assert_int_equal(best_of(scores_of(&a, &images, i)),
                         best_of(scores_of(&b, &images, i)));
    }
    close_built(&a);
    close_built(&b);
}

static void a_half_that_is_not_finite_is_refused(void **state)
{
    (void)state;
    BUF_AUTO onnx = BUF_INIT(BUILDER_MAX);
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    struct err err = {0};
    struct muster_nn_error error = {0};
    assert_int_equal(
        file_read(SOURCE_DIR "/examples/fashion/fashion-1.0.0.onnx", &onnx, &err), OK);
    import_as(&onnx, true, &file);
    struct opened opened = open_built(&file);
    const uint8_t *first = opened.model->data;
    size_t at = (size_t)(first - (const uint8_t *)opened.memory);
    uint8_t *bytes = opened.memory;
    memcpy(bytes + at, "\0\x7c", 2); /* infinity */
    uint32_t crc = crc32c(0, bytes + NN_HEADER_BYTES, file.len - NN_HEADER_BYTES);
    memcpy(bytes + NN_H_BODY_CRC, &crc, sizeof crc);
    memset(bytes + NN_H_HEADER_CRC, 0, sizeof crc);
    crc = crc32c(0, bytes, NN_HEADER_BYTES);
    memcpy(bytes + NN_H_HEADER_CRC, &crc, sizeof crc);
    struct muster_nn_model *model = NULL;
    assert_int_equal(muster_nn_open_memory(bytes, file.len, NULL, &model, &error),
                     MUSTER_NN_INVALID);
    assert_non_null(strstr(error.detail, "not finite"));
    close_built(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_0_0_gives_pytorchs_outputs),
        cmocka_unit_test(version_1_1_0_gives_pytorchs_outputs),
        cmocka_unit_test(weights_of_16_bits_halve_the_file_and_keep_the_classes),
        cmocka_unit_test(a_half_that_is_not_finite_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
