/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a net that passes through every kernel over packed layouts, with channels that
 * fill no whole block; `extended` puts an operator that is not core behind them:
 *
 *   fixture_kernels FILE.mnet [extended] */
#include "tests/unit/converter/import_run.h"

#include "base/file.h"

/* A convolution of the last output `from` that is called `to`. */
static void add_conv(struct onnx_builder *b, const char *names, const int64_t *weights,
                     int64_t group, int64_t stride, uint64_t *random)
{
    char texts[64], inputs[80], w[8], c[8], *from, *to;
    (void)snprintf(texts, sizeof texts, "%s", names);
    from = strtok_r(texts, " ", &to);
    (void)snprintf(w, sizeof w, "w%s", to);
    (void)snprintf(c, sizeof c, "b%s", to);
    random_floats(b, w, 4, weights, random);
    random_floats(b, c, 1, weights, random);
    attr_ints(
        b, "pads", 4,
        (int64_t[]){weights[2] / 2, weights[3] / 2, weights[2] / 2, weights[3] / 2});
    attr_ints(b, "strides", 2, (int64_t[]){stride, stride});
    attr_int(b, "group", group);
    (void)snprintf(inputs, sizeof inputs, "%s,%s,%s", from, w, c);
    onnx_node(b, "Conv", inputs, to);
}

int main(int argc, char **argv)
{
    uint64_t random = 5;
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", 4, (int64_t[]){1, 3, 33, 29});
    add_conv(&b, "x a", (int64_t[]){20, 3, 3, 3}, 1, 2, &random);
    onnx_node(&b, "Relu", "a", "ar");
    add_conv(&b, "ar d", (int64_t[]){20, 1, 3, 3}, 20, 1, &random);
    onnx_node(&b, "Relu", "d", "dr");
    add_conv(&b, "dr e", (int64_t[]){20, 20, 1, 1}, 1, 1, &random);
    onnx_node(&b, "Add", "e,ar", "s");
    add_conv(&b, "s f", (int64_t[]){37, 20, 3, 3}, 1, 1, &random);
    onnx_node(&b, "GlobalAveragePool", "f", "g");
    onnx_node(&b, "Mul", "f,g", "m");
    attr_ints(&b, "kernel_shape", 2, (int64_t[]){3, 3});
    attr_ints(&b, "strides", 2, (int64_t[]){2, 2});
    onnx_node(&b, "MaxPool", "m", "p");
    attr_ints(&b, "kernel_shape", 2, (int64_t[]){2, 2});
    onnx_node(&b, "AveragePool", "p", "q");
    onnx_node(&b, "Flatten", "q", "l");
    random_floats(&b, "u", 2, (int64_t[]){37 * 7 * 6, 11}, &random);
    bool extended = argc == 3;
    onnx_node(&b, "Gemm", "l,u", extended ? "t" : "y");
    if (extended) {
        onnx_node(&b, "Tanh", "t", "y");
    }
    onnx_output(&b, "y");
    if (argc < 2 || argc > 3 ||
        import_built(&b, &(struct import_options){0}, &file, &err) ||
        file_write_atomic(argv[1], file.data, file.len, 0644, &err)) {
        (void)fprintf(stderr, "fixture_kernels: %s\n", err.detail);
        return 1;
    }
    return 0;
}
