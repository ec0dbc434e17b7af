/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "nn/axis.h"
#include "nn/picture.h"
#include "nn/run.h"

enum { TILE_HEIGHT = 8 };

static const double unit = 4194304; /* 2^22: what weights with antialiasing sum to */

/* One item of an image input: its tensor's values and what is put there. */
struct item {
    const struct muster_nn_preprocess *preprocess;
    float *values;
    size_t pixel, row, channel; /* from a value to that of the next pixel, row, channel */
    uint8_t source[4];          /* which working channel is a channel of the tensor */
};

/* Up to TILE_HEIGHT by NN_AXIS_OUTPUTS positions at (x, y). */
struct tile {
    struct nn_taps columns, rows;
    uint32_t x, y;
    double line[NN_AXIS_OUTPUTS * NN_PICTURE_CHANNELS];
    double sums[TILE_HEIGHT][NN_AXIS_OUTPUTS * NN_PICTURE_CHANNELS];
};

static enum muster_nn_status check_image(const struct nn_port *port,
                                         const struct nn_tensor *tensor,
                                         size_t batch_index,
                                         const struct muster_nn_image *image,
                                         struct muster_nn_error *error)
{
    if (port->preprocess.content != MUSTER_NN_IMAGE ||
        batch_index >= tensor->shape.dims[0]) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "no image input with batch index %zu",
                       batch_index);
    }
    if (image->colour < MUSTER_NN_GREY || image->colour > MUSTER_NN_BGR) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "the image has no known colour");
    }
    size_t row = (size_t)image->width * (image->colour == MUSTER_NN_GREY ? 1 : 3);
    if (!image->pixels || (image->stride_bytes != 0 && image->stride_bytes < row)) {
        return nn_fail(error, MUSTER_NN_ARGUMENT,
                       "the image has no pixels or rows overlap");
    }
    return MUSTER_NN_OK;
}

static struct item item_of(const struct muster_nn_context *context,
                           const struct nn_port *port, size_t batch_index,
                           enum muster_nn_colour colour)
{
    const struct muster_nn_preprocess *wanted = &port->preprocess;
    size_t plane = (size_t)wanted->width * wanted->height, channels = wanted->channels;
    struct item item = {
        .preprocess = wanted,
        .values = nn_context_values(context, &context->model->tensors[port->tensor]) +
                  batch_index * plane * channels,
        .pixel = wanted->channels_last ? channels : 1,
        .row = wanted->width * (wanted->channels_last ? channels : 1),
        .channel = wanted->channels_last ? 1 : plane,
    };
    for (uint8_t c = 0; c < channels && channels > 1 && colour != MUSTER_NN_GREY; c++) {
        item.source[c] = colour == wanted->colour ? c : (uint8_t)(2 - c);
    }
    return item;
}

static inline float normal(const struct muster_nn_preprocess *preprocess, uint32_t c,
                           float sample)
{
    return (sample * preprocess->scale - preprocess->mean[c]) / preprocess->std[c];
}

/* An image of the tensor's size as it is. */
static void set_plain(const struct item *item, const struct nn_picture *picture)
{
    const struct muster_nn_preprocess *preprocess = item->preprocess;
    for (uint32_t c = 0; c < preprocess->channels; c++) {
        float *out = item->values + c * item->channel;
        const uint8_t *in = picture->image->pixels + item->source[c];
        for (uint32_t y = 0; y < preprocess->height; y++, in += picture->row_bytes) {
            for (uint32_t x = 0; x < preprocess->width; x++, out += item->pixel) {
                *out = normal(preprocess, c, (float)in[(size_t)x * picture->samples]);
            }
        }
    }
}

static void set_fill(const struct item *item)
{
    const struct muster_nn_preprocess *preprocess = item->preprocess;
    size_t plane = (size_t)preprocess->width * preprocess->height;
    for (uint32_t c = 0; c < preprocess->channels; c++) {
        float value = normal(preprocess, c, preprocess->fill);
        for (size_t i = 0; i < plane; i++) {
            item->values[c * item->channel + i * item->pixel] = value;
        }
    }
}

static double rounded(double sum)
{
    double whole = floor((sum + unit / 2) / unit);
    return whole > UINT8_MAX ? UINT8_MAX : whole;
}

/* The tile's columns of row y into its line. */
static void resample_row(struct tile *tile, const struct nn_picture *picture, uint32_t y,
                         bool antialias)
{
    uint8_t room[NN_PICTURE_SPAN * NN_PICTURE_CHANNELS];
    const struct nn_taps *taps = &tile->columns;
    size_t channels = picture->channels;
    double *out = tile->line;
    for (uint32_t i = 0; i < taps->outputs; i++, out += channels) {
        const double *weights = taps->weights + taps->at[i];
        const uint8_t *in =
            nn_picture_span(picture, y, taps->first[i], taps->count[i], room);
        double sums[NN_PICTURE_CHANNELS] = {0};
        for (uint32_t k = 0; k < taps->count[i]; k++, in += channels) {
            for (size_t c = 0; c < channels; c++) {
                sums[c] += weights[k] * in[c];
            }
        }
        for (size_t c = 0; c < channels; c++) {
            out[c] = antialias ? rounded(sums[c]) : sums[c];
        }
    }
}

static void add_row(struct tile *tile, uint32_t y, size_t width)
{
    const struct nn_taps *taps = &tile->rows;
    for (uint32_t i = 0; i < taps->outputs; i++) {
        if (y < taps->first[i] || y - taps->first[i] >= taps->count[i]) {
            continue;
        }
        double weight = taps->weights[taps->at[i] + y - taps->first[i]];
        for (size_t k = 0; k < width; k++) {
            tile->sums[i][k] += weight * tile->line[k];
        }
    }
}

static void store_tile(const struct item *item, const struct tile *tile, size_t channels,
                       bool antialias)
{
    const struct muster_nn_preprocess *preprocess = item->preprocess;
    for (uint32_t c = 0; c < preprocess->channels; c++) {
        for (uint32_t i = 0; i < tile->rows.outputs; i++) {
            const double *in = tile->sums[i] + item->source[c];
            float *out = item->values + c * item->channel + (tile->y + i) * item->row +
                         tile->x * item->pixel;
            for (uint32_t k = 0; k < tile->columns.outputs; k++, out += item->pixel) {
                double sum = in[k * channels];
                *out = normal(preprocess, c, (float)(antialias ? rounded(sum) : sum));
            }
        }
    }
}

static void run_tile(const struct item *item, struct tile *tile,
                     const struct nn_picture *picture)
{
    const struct nn_taps *rows = &tile->rows;
    bool antialias = item->preprocess->interpolation == MUSTER_NN_ANTIALIAS;
    uint32_t last = rows->outputs - 1, next = 0;
    memset(tile->sums, 0, sizeof tile->sums);
    for (uint32_t i = 0; i <= last; i++) {
        uint32_t end = rows->first[i] + rows->count[i];
        for (next = next > rows->first[i] ? next : rows->first[i]; next < end; next++) {
            resample_row(tile, picture, next, antialias);
            add_row(tile, next, (size_t)tile->columns.outputs * picture->channels);
        }
    }
    store_tile(item, tile, picture->channels, antialias);
}

static void set_resampled(const struct item *item, const struct nn_picture *picture,
                          const struct nn_axis *across, const struct nn_axis *down)
{
    enum muster_nn_interpolation interpolation = item->preprocess->interpolation;
    struct tile tile;
    if (item->preprocess->fit == MUSTER_NN_FIT_LETTERBOX) {
        set_fill(item);
    }
    for (uint32_t y = 0; y < down->count; y += tile.rows.outputs) {
        nn_axis_taps(down, interpolation, y, TILE_HEIGHT, &tile.rows);
        tile.y = down->place + y;
        for (uint32_t x = 0; x < across->count; x += tile.columns.outputs) {
            nn_axis_taps(across, interpolation, x, NN_AXIS_OUTPUTS, &tile.columns);
            tile.x = across->place + x;
            run_tile(item, &tile, picture);
        }
    }
}

enum muster_nn_status muster_nn_set_image(struct muster_nn_context *context, size_t input,
                                          size_t batch_index,
                                          const struct muster_nn_image *image,
                                          struct muster_nn_error *error)
{
    const struct muster_nn_model *model = context->model;
    if (input >= model->input_count) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "there is no input %zu", input);
    }
    const struct nn_port *port = &model->ports[input];
    const struct muster_nn_preprocess *wanted = &port->preprocess;
    const struct nn_tensor *tensor = &model->tensors[port->tensor];
    enum muster_nn_status status = check_image(port, tensor, batch_index, image, error);
    if (status) {
        return status;
    }
    struct nn_axis across, down;
    if (!nn_axes_of(wanted, image->width, image->height, &across, &down)) {
        return nn_fail(error, MUSTER_NN_ARGUMENT,
                       "the image is %ux%u, the model takes %s%ux%u", image->width,
                       image->height,
                       wanted->fit == MUSTER_NN_FIT_EXACT ? "" : "at most 500 times ",
                       wanted->width, wanted->height);
    }
    struct item item = item_of(context, port, batch_index, image->colour);
    struct nn_picture picture;
    nn_picture_init(wanted, image, &picture);
    bool grey_of_colour = picture.samples != picture.channels;
    if (wanted->fit == MUSTER_NN_FIT_EXACT && !picture.denoise && !grey_of_colour) {
        set_plain(&item, &picture);
    } else {
        set_resampled(&item, &picture, &across, &down);
    }
    return MUSTER_NN_OK;
}
