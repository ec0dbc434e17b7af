/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/preprocess_file.h"

#include <string.h>

#include "base/file.h"

enum { FILE_MAX = 1 << 20, DENOISE_MAX = 255 };

static const char *const inputs[] = {"auto", "plain",  "grey", "rgb",
                                     "bgr",  "series", NULL};
static const char *const fits[] = {"exact", "stretch", "crop", "letterbox", NULL};
static const char *const interpolations[] = {"none", "nearest", "bilinear", "antialias",
                                             NULL};
static const char *const normalisations[] = {"numbers", "window", NULL};

/* The value is a word of the list: its index. */
static bool read_word(json_t *value, const char *const *words, int *ret_index)
{
    for (int i = 0; words[i] && json_is_string(value); i++) {
        if (strcmp(words[i], json_string_value(value)) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool read_count(json_t *value, uint32_t most, uint32_t *ret_count)
{
    json_int_t count = json_integer_value(value);
    if (!json_is_integer(value) || count < 0 || count > (json_int_t)most) {
        return false;
    }
    *ret_count = (uint32_t)count;
    return true;
}

static bool read_numbers(json_t *value, float *numbers)
{
    if (!json_is_array(value) || json_array_size(value) > MUSTER_NN_MAX_CHANNELS) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *number = json_array_get(value, i);
        if (!json_is_number(number)) {
            return false;
        }
        numbers[i] = (float)json_number_value(number);
    }
    return true;
}

static bool read_words(const char *key, json_t *value, struct import_options *options)
{
    int index = 0;
    if (strcmp(key, "input") == 0 && read_word(value, inputs, &index)) {
        options->input = (enum import_input)index;
        return true;
    }
    if (strcmp(key, "fit") == 0 && read_word(value, fits, &index)) {
        options->fit = (enum muster_nn_fit)index;
        return true;
    }
    if (strcmp(key, "interpolation") == 0 && read_word(value, interpolations, &index)) {
        options->interpolation = (enum muster_nn_interpolation)index;
        return true;
    }
    if (strcmp(key, "normalise") == 0 && read_word(value, normalisations, &index)) {
        options->normalise_window = index == 1;
        return true;
    }
    return false;
}

static bool read_member(const char *key, json_t *value, struct import_options *options)
{
    const struct {
        const char *key;
        uint32_t *count;
        uint32_t most;
    } counts[] = {{"denoise", &options->denoise, DENOISE_MAX},
                  {"shorter_side", &options->shorter_side, NN_MAX_DIM},
                  {"window", &options->window, NN_MAX_DIM},
                  {"hop", &options->hop, UINT32_MAX}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (strcmp(key, counts[i].key) == 0) {
            return read_count(value, counts[i].most, counts[i].count);
        }
    }
    uint32_t fill = options->fill;
    if (strcmp(key, "fill") == 0 && read_count(value, UINT8_MAX, &fill)) {
        options->fill = (uint8_t)fill;
        return true;
    }
    if (strcmp(key, "scale") == 0 && json_is_number(value)) {
        options->scale = (float)json_number_value(value);
        return options->scale != 0;
    }
    if (strcmp(key, "mean") == 0) {
        return read_numbers(value, options->mean);
    }
    if (strcmp(key, "std") == 0) {
        return read_numbers(value, options->std);
    }
    return read_words(key, value, options);
}

enum status preprocess_file_read(const char *path, struct import_options *options,
                                 struct err *err)
{
    BUF_AUTO text = BUF_INIT(FILE_MAX);
    struct import_options read = *options;
    enum status status = file_read(path, &text, err);
    if (status) {
        return status;
    }
    json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *key;
    json_t *value;
    if (!json_is_object(json)) {
        status = err_set(err, ERR_USAGE, "'%s' is no JSON object", path);
    }
    json_object_foreach(json, key, value)
    {
        if (!status && !read_member(key, value, &read)) {
            status = err_set(err, ERR_USAGE,
                             "'%s': '%.40s' is unknown or has a wrong value", path, key);
        }
    }
    json_decref(json);
    if (!status) {
        *options = read;
    }
    return status;
}

static json_t *numbers_json(const float *numbers, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count && i < MUSTER_NN_MAX_CHANNELS; i++) {
        (void)json_array_append_new(array, json_real((double)numbers[i]));
    }
    return array;
}

static void add_image(json_t *json, const struct muster_nn_preprocess *preprocess)
{
    static const char *const colours[] = {"plain", "grey", "rgb", "bgr"};
    (void)json_object_set_new(json, "input", json_string(colours[preprocess->colour]));
    if (preprocess->denoise) {
        (void)json_object_set_new(json, "denoise", json_integer(preprocess->denoise));
    }
    if (preprocess->fit == MUSTER_NN_FIT_EXACT) {
        return;
    }
    (void)json_object_set_new(json, "fit", json_string(fits[preprocess->fit]));
    (void)json_object_set_new(json, "interpolation",
                              json_string(interpolations[preprocess->interpolation]));
    if (preprocess->fit == MUSTER_NN_FIT_CROP) {
        (void)json_object_set_new(json, "shorter_side",
                                  json_integer(preprocess->shorter_side));
    }
    if (preprocess->fit == MUSTER_NN_FIT_LETTERBOX) {
        (void)json_object_set_new(json, "fill", json_integer(preprocess->fill));
    }
}

static void add_series(json_t *json, const struct muster_nn_preprocess *preprocess)
{
    (void)json_object_set_new(json, "input", json_string("series"));
    (void)json_object_set_new(json, "window", json_integer(preprocess->window));
    (void)json_object_set_new(json, "hop", json_integer(preprocess->hop));
    (void)json_object_set_new(json, "normalise",
                              json_string(normalisations[preprocess->normalise_window]));
}

json_t *preprocess_json(const struct muster_nn_preprocess *preprocess)
{
    json_t *json = json_object();
    if (!json || preprocess->content == MUSTER_NN_PLAIN) {
        return json;
    }
    if (preprocess->content == MUSTER_NN_IMAGE) {
        add_image(json, preprocess);
    } else {
        add_series(json, preprocess);
    }
    (void)json_object_set_new(json, "scale", json_real((double)preprocess->scale));
    if (!preprocess->normalise_window) {
        (void)json_object_set_new(json, "mean",
                                  numbers_json(preprocess->mean, preprocess->channels));
        (void)json_object_set_new(json, "std",
                                  numbers_json(preprocess->std, preprocess->channels));
    }
    return json;
}
