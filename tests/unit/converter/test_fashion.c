/* SPDX-License-Identifier: Apache-2.0 */
/* The trained example against PyTorch's outputs for the first 200 test images. */
#include "base/file.h"
#include "format/image.h"
#include "tests/unit/converter/import_run.h"

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { VECTORS = 200, CLASSES = 10 };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_0_0_gives_pytorchs_outputs),
        cmocka_unit_test(version_1_1_0_gives_pytorchs_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
