/* SPDX-License-Identifier: Apache-2.0 */
/* The five most probable classes of a photograph, by a net that takes 224x224 pixels,
 * such as MobileNetV2. The picture is a binary PPM of any size (djpeg and pngtopnm make
 * one); what is done to it stands in the model file:
 *
 *   muster model import mobilenet_v2.onnx -o net.mnet --output-is logits \
 *       --preprocess torchvision.json
 *   djpeg photo.jpg >photo.ppm && example-image224 net.mnet photo.ppm */
#include <muster/nn.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOP = 5, SIDE_MAX = 16384 };

/* "P6 width height 255", one white space, then the samples. */
static uint8_t *read_ppm(FILE *file, struct muster_nn_image *ret_image)
{
    unsigned width = 0, height = 0;
    if (!file || fscanf(file, "P6 %u %u 255", &width, &height) != 2 || fgetc(file) < 0 ||
        width == 0 || height == 0 || width > SIDE_MAX || height > SIDE_MAX) {
        return NULL;
    }
    size_t bytes = (size_t)width * height * 3;
    uint8_t *pixels = malloc(bytes);
    if (!pixels || fread(pixels, 1, bytes, file) != bytes) {
        free(pixels);
        return NULL;
    }
    *ret_image = (struct muster_nn_image){pixels, width, height, 0, MUSTER_NN_RGB};
    return pixels;
}

static void print_top(const struct muster_nn_model *model, float *p, size_t count)
{
    for (size_t rank = 0; rank < TOP && rank < count; rank++) {
        size_t best = 0;
        for (size_t i = 1; i < count; i++) {
            best = p[i] > p[best] ? i : best;
        }
        const char *name = muster_nn_class_name(model, best);
        printf("%zu %.4f %s\n", best, (double)p[best], name ? name : "");
        p[best] = -1;
    }
}

static int look(const char *model_path, const struct muster_nn_image *image)
{
    struct muster_nn_error error = {0};
    struct muster_nn_model *model = NULL;
    struct muster_nn_context *context = NULL;
    struct muster_nn_tensor output = {0};
    float *p = NULL;
    int failed = muster_nn_open(model_path, NULL, &model, &error) ||
                 muster_nn_context_new(model, &context, &error) ||
                 muster_nn_describe_output(model, 0, &output, NULL) ||
                 !(p = calloc(output.elements, sizeof *p)) ||
                 muster_nn_verify(context, NULL, &error) ||
                 muster_nn_set_image(context, 0, 0, image, &error) ||
                 muster_nn_run(context, &error) ||
                 muster_nn_probabilities(context, 0, 0, p, output.elements, &error);
    if (failed) {
        fprintf(stderr, "image224: %s\n", error.detail);
    } else {
        print_top(model, p, output.elements);
    }
    free(p);
    muster_nn_context_free(context);
    muster_nn_close(model);
    return failed;
}

int main(int argc, char **argv)
{
    struct muster_nn_image image;
    FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
    uint8_t *pixels = read_ppm(file, &image);
    if (file) {
        (void)fclose(file);
    }
    if (!pixels) {
        fprintf(stderr, "usage: example-image224 FILE.mnet PICTURE.ppm\n");
        return 2;
    }
    int failed = look(argv[1], &image);
    free(pixels);
    return failed;
}
