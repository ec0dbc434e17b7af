/* SPDX-License-Identifier: Apache-2.0 */
/* muster/nn_types.h: the types of muster/nn.h, which includes this file.
 *
 * Errors, limits, and what a model tells about its tensors, preprocessing and layers. All
 * of it is plain data; pointers inside belong to the model and live as long as it does.
 */
#ifndef MUSTER_NN_TYPES_H
#define MUSTER_NN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUSTER_API __attribute__((visibility("default")))

enum {
    MUSTER_NN_MAX_RANK = 6,
    MUSTER_NN_ALIGNMENT = 64,
    MUSTER_NN_OP_SET_BYTES = 32,
    MUSTER_NN_MAX_CHANNELS = 12 /* that have a mean and std of their own */
};

enum muster_nn_status {
    MUSTER_NN_OK = 0,
    MUSTER_NN_IO,          /* the file could not be opened or mapped */
    MUSTER_NN_NO_MEMORY,   /* memory ran out */
    MUSTER_NN_INVALID,     /* the file breaks a rule of docs/MNET.md */
    MUSTER_NN_UNSUPPORTED, /* the file needs a version or feature that this runtime lacks
                            */
    MUSTER_NN_LIMIT,       /* the file is larger than the caller's limits */
    MUSTER_NN_ARGUMENT,    /* a wrong index, size, shape or alignment in the call */
    MUSTER_NN_SELFTEST     /* an output differs from the one stored in the file */
};

struct muster_nn_error {
    enum muster_nn_status status;
    char detail[200]; /* one sentence, lower case, always terminated */
};

/* What open will accept; 0 means the default in parentheses. */
struct muster_nn_limits {
    uint64_t file_bytes;  /* (4 GiB) */
    uint64_t arena_bytes; /* (1 GiB) */
    uint64_t macs;        /* multiply-accumulates of one run (10^12) */
};

/* A tensor as seen from outside. Pointers live as long as the model. */
struct muster_nn_tensor {
    const char *name;
    uint32_t rank;
    uint32_t dims[MUSTER_NN_MAX_RANK];
    size_t elements; /* f32 values */
};

enum muster_nn_content { MUSTER_NN_PLAIN = 0, MUSTER_NN_IMAGE = 1, MUSTER_NN_SERIES = 2 };
enum muster_nn_colour {
    MUSTER_NN_NO_COLOUR = 0,
    MUSTER_NN_GREY = 1,
    MUSTER_NN_RGB = 2,
    MUSTER_NN_BGR = 3
};
enum muster_nn_meaning {
    MUSTER_NN_VALUES = 0,
    MUSTER_NN_PROBABILITIES = 1,
    MUSTER_NN_LOGITS = 2
};

/* How an image of another size becomes one of the input's size. */
enum muster_nn_fit {
    MUSTER_NN_FIT_EXACT = 0,    /* it must have that size */
    MUSTER_NN_FIT_STRETCH = 1,  /* each side by itself */
    MUSTER_NN_FIT_CROP = 2,     /* the shorter side to `shorter_side`, then the centre */
    MUSTER_NN_FIT_LETTERBOX = 3 /* the whole image in the centre of `fill` */
};
enum muster_nn_interpolation {
    MUSTER_NN_NO_INTERPOLATION = 0,
    MUSTER_NN_NEAREST = 1,
    MUSTER_NN_BILINEAR = 2, /* between the four nearest: ONNX, TensorFlow, OpenCV */
    MUSTER_NN_ANTIALIAS = 3 /* over all pixels that shrink into one: PIL, torchvision */
};

/* What is done to data before they are an input; docs/MNET.md section 4.6 has the rules.
 * Images: colours, denoise, fit, then value = (pixel * scale - mean[channel]) /
 * std[channel]. Windows of a series: the same of each sample, or each channel of a window
 * by its own mean and standard deviation. */
struct muster_nn_preprocess {
    enum muster_nn_content content;
    enum muster_nn_colour colour;
    uint32_t width, height; /* of the tensor, in pixels; 0 unless content is IMAGE */
    uint32_t channels;      /* of the tensor; 0 if content is PLAIN */
    bool channels_last;     /* in the tensor: NHWC, or a window sample by sample */
    float scale, mean[MUSTER_NN_MAX_CHANNELS], std[MUSTER_NN_MAX_CHANNELS];
    enum muster_nn_fit fit;
    enum muster_nn_interpolation interpolation;
    uint32_t denoise;      /* 3: the median of 3x3 pixels; 0: none */
    uint32_t shorter_side; /* pixels, for FIT_CROP */
    uint8_t fill;          /* a pixel's samples, for FIT_LETTERBOX */
    uint32_t window, hop;  /* samples of a window, and from one window to the next */
    bool normalise_window; /* by its own mean and standard deviation */
};

/* An image of 8-bit samples, rows from the top, samples interleaved (grey, RGB or BGR as
 * `colour` says). Colours become the model's: grey is (19595 R + 38470 G + 7471 B +
 * 32768) / 65536, and a grey pixel counts for all three colours. */
struct muster_nn_image {
    const uint8_t *pixels;
    uint32_t width, height;
    size_t stride_bytes; /* from row to row; 0: rows lie end to end */
    enum muster_nn_colour colour;
};

/* A series of sensor values: `count` samples of as many channels as the input has, the
 * channels of a sample side by side. */
struct muster_nn_series {
    const float *samples;
    size_t count;
};

/* One step of a model, for listings and profiles. */
struct muster_nn_layer {
    const char *name;          /* as in the ONNX graph */
    const char *operator_name; /* "Conv" … */
    const char *activation;    /* "", "relu" or "clip" */
    struct muster_nn_tensor output;
    uint64_t macs;
    uint64_t weight_bytes;
};

/* Called after each layer of a run with its wall time. Must not call into the context. */
typedef void muster_nn_hook(void *user, size_t layer, uint64_t nanoseconds);

struct muster_nn_model;
struct muster_nn_context;

/* What a runtime or a file can do or needs: compared by a server before it offers a file.
 */
struct muster_nn_abilities {
    uint16_t major, minor;                  /* of the file format */
    uint64_t features;                      /* bits of docs/MNET.md section 2 */
    uint8_t op_set[MUSTER_NN_OP_SET_BYTES]; /* bit n: operator code n */
};

#endif
