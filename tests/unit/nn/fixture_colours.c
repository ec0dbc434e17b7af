/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a net and a picture whose answers can be worked out by hand:
 *
 *   fixture_colours FILE.mnet PICTURE.ppm
 *
 * A photograph is scaled so that its shorter side has 256 pixels and cut to 224x224; the
 * mean of each colour, from 0 to 1, is the logit of "red", "green" and "blue" times 4;
 * the logits of "dark" and "light" are 1 and 2, that of "none" is 0. The picture has
 * 400x320 pixels, blue but for the middle 320x320, where red is 255 and green 51. */
#include "tests/unit/converter/import_run.h"

#include "base/file.h"

enum { PICTURE_MAX = 1 << 20 };

static enum status write_picture(const char *path, struct err *err)
{
    BUF_AUTO ppm = BUF_INIT(PICTURE_MAX);
    buf_addstr(&ppm, "P6\n400 320\n255\n");
    for (size_t i = 0; i < 400 * 320; i++) {
        bool middle = i % 400 >= 40 && i % 400 < 360;
        buf_add(&ppm, middle ? "\xff\x33\0" : "\0\0\xff", 3);
    }
    return file_write_atomic(path, ppm.data, ppm.len, 0644, err);
}

int main(int argc, char **argv)
{
    static const float weights[6 * 3] = {4, 0, 0, 0, 4, 0, 0, 0, 4};
    static const float bias[6] = {0, 0, 0, 1, 2, 0};
    static const char *const classes[] = {"red",  "green", "blue",
                                          "dark", "light", "none"};
    const struct import_options options = {.fit = MUSTER_NN_FIT_CROP,
                                           .shorter_side = 256,
                                           .output = IMPORT_LOGITS,
                                           .classes = classes,
                                           .class_count = 6};
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", 4, (int64_t[]){1, 3, 224, 224});
    onnx_node(&b, "GlobalAveragePool", "x", "m");
    onnx_node(&b, "Flatten", "m", "f");
    onnx_floats(&b, "w", 2, (int64_t[]){6, 3}, weights);
    onnx_floats(&b, "c", 1, (int64_t[]){6}, bias);
    attr_int(&b, "transB", 1);
    onnx_node(&b, "Gemm", "f,w,c", "y");
    onnx_output(&b, "y");
    if (argc != 3 || import_built(&b, &options, &file, &err) ||
        file_write_atomic(argv[1], file.data, file.len, 0644, &err) ||
        write_picture(argv[2], &err)) {
        (void)fprintf(stderr, "fixture_colours: %s\n", err.detail);
        return 1;
    }
    return 0;
}
