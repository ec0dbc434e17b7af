/* SPDX-License-Identifier: Apache-2.0 */
#include "format/image.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"

enum {
    SIDE_MAX = 1 << 16,
    CHUNK_BYTES = 1 << 16,
    IDX_IMAGES = 0x803,
    IDX_LABELS = 0x801,
    IDX_IMAGES_HEADER = 16,
    IDX_LABELS_HEADER = 8,
    SAMPLE_MAX = 255
};

static const size_t file_max = (size_t)1 << 30;

static uint32_t be_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void close_gz(gzFile *file)
{
    if (*file) {
        (void)gzclose(*file);
    }
}

/* The whole file, unpacked if it is gzipped. */
static enum status read_all(const char *path, struct buf *ret_data, struct err *err)
{
    errno = 0;
    __attribute__((cleanup(close_gz))) gzFile file = gzopen(path, "rb");
    if (!file) {
        return errno == ENOENT
                   ? err_set(err, ERR_NOT_FOUND, "there is no file '%s'", path)
                   : err_set_errno(err, "could not open '%s'", path);
    }
    for (;;) {
        char *room = buf_reserve(ret_data, CHUNK_BYTES);
        if (!room) {
            return buf_status(ret_data, err);
        }
        int got = gzread(file, room, CHUNK_BYTES);
        if (got < 0) {
            return err_set(err, ERR_IMAGE_FORMAT, "'%s' cannot be read or unpacked",
                           path);
        }
        if (got == 0) {
            return OK;
        }
        ret_data->len += (size_t)got;
    }
}

/* Copies the pixels behind a header whose numbers are known. */
static enum status take_pixels(const uint8_t *data, size_t len, struct image_set *set,
                               struct err *err)
{
    if (set->width < 1 || set->width > SIDE_MAX || set->height < 1 ||
        set->height > SIDE_MAX || set->count < 1) {
        return err_set(err, ERR_IMAGE_FORMAT, "%u images of %ux%u pixels", set->count,
                       set->width, set->height);
    }
    uint64_t each = (uint64_t)set->width * set->height * set->channels;
    if (len / each != set->count || len % each != 0) {
        return err_set(
            err, ERR_IMAGE_FORMAT,
            "the file does not end where its pixels end: %zu bytes for %u images "
            "of %ux%u",
            len, set->count, set->width, set->height);
    }
    set->pixels = malloc(len);
    if (!set->pixels) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the images");
    }
    memcpy(set->pixels, data, len);
    return OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A decimal number of a PGM header, after white space and comments. */
static bool read_number(const uint8_t *data, size_t len, size_t *at, uint32_t *ret_number)
{
    while (*at < len && (is_space(data[*at]) || data[*at] == '#')) {
        if (data[(*at)++] == '#') {
            while (*at < len && data[*at] != '\n') {
                (*at)++;
            }
        }
    }
    uint32_t number = 0;
    size_t begin = *at;
    for (; *at < len && data[*at] >= '0' && data[*at] <= '9'; (*at)++) {
        number = number * 10 + (uint32_t)(data[*at] - '0');
        if (number > SIDE_MAX) {
            return false;
        }
    }
    *ret_number = number;
    return *at > begin;
}

static enum status parse_pnm(const uint8_t *data, size_t len, struct image_set *ret_set,
                             struct err *err)
{
    struct image_set set = {.count = 1, .channels = data[1] == '5' ? 1 : 3};
    size_t at = 2;
    uint32_t most;
    if (!read_number(data, len, &at, &set.width) ||
        !read_number(data, len, &at, &set.height) ||
        !read_number(data, len, &at, &most) || at >= len || !is_space(data[at])) {
        return err_set(err, ERR_IMAGE_FORMAT, "the header of the image is damaged");
    }
    if (most != SAMPLE_MAX) {
        return err_set(err, ERR_IMAGE_FORMAT, "a maximum of %u instead of 255", most);
    }
    at++;
    enum status status = take_pixels(data + at, len - at, &set, err);
    if (!status) {
        *ret_set = set;
    }
    return status;
}

enum status image_set_read(const char *path, struct image_set *ret_set, struct err *err)
{
    BUF_AUTO data = BUF_INIT(file_max);
    enum status status = read_all(path, &data, err);
    if (!status) {
        status = image_set_parse((const uint8_t *)data.data, data.len, ret_set, err);
        err_prefix(err, "'%.100s'", path);
    }
    return status;
}

enum status label_set_read(const char *path, struct label_set *ret_set, struct err *err)
{
    BUF_AUTO data = BUF_INIT(file_max);
    enum status status = read_all(path, &data, err);
    if (!status) {
        status = label_set_parse((const uint8_t *)data.data, data.len, ret_set, err);
        err_prefix(err, "'%.100s'", path);
    }
    return status;
}

enum status image_set_parse(const uint8_t *data, size_t len, struct image_set *ret_set,
                            struct err *err)
{
    if (len > 2 && data[0] == 'P' && (data[1] == '5' || data[1] == '6')) {
        return parse_pnm(data, len, ret_set, err);
    }
    if (len < IDX_IMAGES_HEADER || be_u32(data) != IDX_IMAGES) {
        return err_set(err, ERR_IMAGE_FORMAT, "neither PGM, PPM nor IDX images");
    }
    struct image_set set = {.count = be_u32(data + 4),
                            .height = be_u32(data + 8),
                            .width = be_u32(data + 12),
                            .channels = 1};
    enum status status =
        take_pixels(data + IDX_IMAGES_HEADER, len - IDX_IMAGES_HEADER, &set, err);
    if (!status) {
        *ret_set = set;
    }
    return status;
}

enum status label_set_parse(const uint8_t *data, size_t len, struct label_set *ret_set,
                            struct err *err)
{
    if (len <= IDX_LABELS_HEADER || be_u32(data) != IDX_LABELS ||
        be_u32(data + 4) != len - IDX_LABELS_HEADER) {
        return err_set(err, ERR_IMAGE_FORMAT, "not an IDX file of labels");
    }
    uint8_t *labels = malloc(len - IDX_LABELS_HEADER);
    if (!labels) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the labels");
    }
    memcpy(labels, data + IDX_LABELS_HEADER, len - IDX_LABELS_HEADER);
    *ret_set = (struct label_set){.count = be_u32(data + 4), .labels = labels};
    return OK;
}

void image_set_release(struct image_set *set)
{
    free(set->pixels);
    *set = (struct image_set){0};
}

void label_set_release(struct label_set *set)
{
    free(set->labels);
    *set = (struct label_set){0};
}
