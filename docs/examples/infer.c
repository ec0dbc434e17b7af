/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a model on one picture, raw samples of the model's size and colour on stdin:
 *   cc infer.c $(pkg-config --cflags --libs muster-nn) && ./a.out fashion.mnet <pixels */
#include <muster/nn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static uint8_t pixels[1 << 20];
    struct muster_nn_error error = {0};
    struct muster_nn_model *model;
    struct muster_nn_context *context;
    struct muster_nn_tensor input, output;
    struct muster_nn_preprocess how;
    if (argc != 2 || muster_nn_open(argv[1], NULL, &model, &error) ||
        muster_nn_describe_input(model, 0, &input, &how) ||
        muster_nn_describe_output(model, 0, &output, NULL)) {
        fprintf(stderr, "usage: infer FILE.mnet <PIXELS %s\n", error.detail);
        return 2;
    }
    size_t bytes = muster_nn_arena_bytes(model); /* exactly; running takes no more */
    void *memory = aligned_alloc(MUSTER_NN_ALIGNMENT, bytes);
    const struct muster_nn_image image = {pixels, how.width, how.height, 0, how.colour};
    float *p = calloc(output.elements, sizeof *p);
    size_t samples = (size_t)how.width * how.height * how.channels;
    if (!p || fread(pixels, 1, sizeof pixels, stdin) < samples ||
        muster_nn_context_init(model, memory, bytes, &context, &error) ||
        muster_nn_verify(context, NULL, &error) || /* once: computes it what it should? */
        muster_nn_set_image(context, 0, 0, &image, &error) ||
        muster_nn_run(context, &error) ||
        muster_nn_probabilities(context, 0, 0, p, output.elements, &error)) {
        fprintf(stderr, "infer: %s\n", error.detail);
        return 1;
    }
    for (size_t i = 0; i < output.elements; i++) {
        const char *name = muster_nn_class_name(model, i);
        printf("%.4f %s\n", (double)p[i], name ? name : "");
    }
    return 0;
}
