/* SPDX-License-Identifier: Apache-2.0 */
/* A working node: it enrols, runs the model that the server assigns over one picture a
 * second, reports every result exactly once, and takes new signed versions as they come.
 *
 *   example-node SERVER STATE_FOLDER ROOT_JSON ENROLMENT IMAGE.pgm */
#include <muster/edge.h>
#include <muster/nn.h>
#include <stdio.h>
#include <time.h>

enum { MAX_CLASSES = 1000 };

/* A binary grey PGM: its header is "P5 width height 255" and one white space. */
static int read_pgm(FILE *file, struct muster_nn_image *ret_image)
{
    static uint8_t pixels[1 << 20];
    unsigned width = 0, height = 0;
    int ok = file && fscanf(file, "P5 %u %u 255", &width, &height) == 2 &&
             fgetc(file) > 0 && (uint64_t)width * height <= sizeof pixels &&
             fread(pixels, 1, (size_t)width * height, file) == (size_t)width * height;
    *ret_image = (struct muster_nn_image){pixels, width, height, 0, MUSTER_NN_GREY};
    return ok;
}

/* One inference with the active model: the most probable class is recorded. */
static void look(struct muster_client *client, const struct muster_client_model *model,
                 struct muster_nn_context *context, const struct muster_nn_image *image)
{
    float p[MAX_CLASSES];
    struct muster_nn_tensor output;
    clock_t from = clock();
    if (muster_nn_describe_output(model->nn, 0, &output, NULL) != MUSTER_NN_OK ||
        output.elements > MAX_CLASSES ||
        muster_nn_set_image(context, 0, 0, image, NULL) != MUSTER_NN_OK ||
        muster_nn_run(context, NULL) != MUSTER_NN_OK ||
        muster_nn_probabilities(context, 0, 0, p, output.elements, NULL) !=
            MUSTER_NN_OK) {
        return;
    }
    size_t best = 0;
    for (size_t i = 1; i < output.elements; i++) {
        best = p[i] > p[best] ? i : best;
    }
    struct muster_prediction seen = {
        .class_index = (uint16_t)best,
        .confidence = p[best] < 1 ? (double)p[best] : 1,
        .latency_us = (uint32_t)((clock() - from) * 1000000 / CLOCKS_PER_SEC),
        .probabilities = p,
        .probability_count = output.elements};
    (void)muster_client_record(client, model, &seen, NULL);
}

int main(int argc, char **argv)
{
    struct muster_nn_image image;
    struct muster_client *client;
    struct muster_client_error error;
    if (argc != 6 || !read_pgm(fopen(argv[5], "rb"), &image)) {
        fprintf(stderr,
                "usage: example-node SERVER STATE ROOT_JSON ENROLMENT IMAGE.pgm\n");
        return 2;
    }
    struct muster_client_options options = {.server_url = argv[1],
                                            .state_folder = argv[2],
                                            .root_path = argv[3],
                                            .enrolment = argv[4]};
    if (muster_client_open(&options, &client, &error) != MUSTER_CLIENT_OK) {
        fprintf(stderr, "node: %s: %s\n", error.code, error.text);
        return 1;
    }
    for (time_t last = 0;;) { /* a picture a second; everything else happens in step */
        int64_t wait_ms = muster_client_step(client);
        const struct muster_client_model *model = muster_client_model(client);
        struct muster_nn_context *context = NULL;
        if (model && time(NULL) != last &&
            muster_nn_context_new(model->nn, &context, NULL) == MUSTER_NN_OK) {
            last = time(NULL);
            look(client, model, context, &image);
        }
        muster_nn_context_free(context);
        muster_client_model_release(model);
        muster_client_wait(client, wait_ms < 100 ? wait_ms : 100);
    }
}
