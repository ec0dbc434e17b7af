/* SPDX-License-Identifier: Apache-2.0 */
#include "format/transport.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static const char MAGIC[4] = {'M', 'T', 'R', '1'};

enum {
    METHOD_OFFSET = 4,
    STRIDE_OFFSET = 5,
    LENGTH_OFFSET = 8,
    BASE_OFFSET = 16,
    METHOD_PLANES = 1,
    LEVEL = 19,
    CHUNK_BYTES = 64 * 1024,
};

static const size_t LENGTH_MAX = (size_t)2 << 30;
static const size_t STRIDES[] = {1, 2, 4};

enum { STRIDE_COUNT = sizeof STRIDES / sizeof STRIDES[0] };

static void free_context(ZSTD_CCtx **context)
{
    (void)ZSTD_freeCCtx(*context);
}

static void split_planes(const uint8_t *data, size_t len, size_t stride, uint8_t *planes)
{
    size_t per_plane = len / stride;
    for (size_t p = 0; p < stride; p++) {
        for (size_t i = 0; i < per_plane; i++) {
            planes[p * per_plane + i] = data[i * stride + p];
        }
    }
    size_t tail = per_plane * stride;
    memcpy(planes + tail, data + tail, len - tail);
}

void transport_header_write(const struct transport_header *header,
                            uint8_t ret_bytes[static TRANSPORT_HEADER_BYTES])
{
    memset(ret_bytes, 0, TRANSPORT_HEADER_BYTES);
    memcpy(ret_bytes, MAGIC, sizeof MAGIC);
    ret_bytes[METHOD_OFFSET] = header->method;
    ret_bytes[STRIDE_OFFSET] = header->stride;
    for (size_t i = 0; i < 8; i++) {
        ret_bytes[LENGTH_OFFSET + i] = (uint8_t)(header->length >> (8 * i));
    }
    memcpy(ret_bytes + BASE_OFFSET, header->base, sizeof header->base);
}

enum status transport_header_read(const uint8_t bytes[static TRANSPORT_HEADER_BYTES],
                                  size_t result_length,
                                  struct transport_header *ret_header, struct err *err)
{
    struct transport_header header = {.method = bytes[METHOD_OFFSET],
                                      .stride = bytes[STRIDE_OFFSET]};
    if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0) {
        return err_set(err, ERR_CONTENT_CORRUPT, "not a transport: no 'MTR1' in front");
    }
    if (bytes[STRIDE_OFFSET + 1] != 0 || bytes[STRIDE_OFFSET + 2] != 0) {
        return err_set(err, ERR_CONTENT_CORRUPT, "transport with an unknown header");
    }
    for (size_t i = 0; i < 8; i++) {
        header.length |= (uint64_t)bytes[LENGTH_OFFSET + i] << (8 * i);
    }
    if (header.length != result_length) {
        return err_set(err, ERR_CONTENT_CORRUPT,
                       "the transport names %llu bytes, %zu are signed",
                       (unsigned long long)header.length, result_length);
    }
    memcpy(header.base, bytes + BASE_OFFSET, sizeof header.base);
    *ret_header = header;
    return OK;
}

static void add_header(struct buf *out, size_t len, size_t stride)
{
    uint8_t bytes[TRANSPORT_HEADER_BYTES];
    struct transport_header header = {
        .method = METHOD_PLANES, .stride = (uint8_t)stride, .length = len};
    transport_header_write(&header, bytes);
    buf_add(out, bytes, sizeof bytes);
}

static enum status compress_stride(ZSTD_CCtx *context, const uint8_t *planes, size_t len,
                                   size_t stride, struct buf *ret_transport)
{
    add_header(ret_transport, len, stride);
    size_t bound = ZSTD_compressBound(len);
    char *out = buf_reserve(ret_transport, bound);
    if (!out) {
        return ERR_NO_MEMORY;
    }
    size_t size = ZSTD_compress2(context, out, bound, planes, len);
    if (ZSTD_isError(size)) {
        return ERR_NO_MEMORY;
    }
    ret_transport->len += size;
    return OK;
}

enum status transport_encode(const void *data, size_t len, struct buf *ret_transport,
                             struct err *err)
{
    if (len == 0 || len > LENGTH_MAX) {
        return err_set(err, ERR_LIMIT, "cannot make a transport of %zu bytes", len);
    }
    __attribute__((cleanup(free_context))) ZSTD_CCtx *context = ZSTD_createCCtx();
    BUF_AUTO planes = BUF_INIT(LENGTH_MAX + 1);
    uint8_t *split = (uint8_t *)buf_reserve(&planes, len);
    if (!context || !split) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a transport");
    }
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, TRANSPORT_WINDOW_LOG);
    BUF_AUTO best = BUF_INIT(LENGTH_MAX * 2);
    for (size_t i = 0; i < STRIDE_COUNT; i++) {
        BUF_AUTO candidate = BUF_INIT(LENGTH_MAX * 2);
        split_planes(data, len, STRIDES[i], split);
        if (compress_stride(context, split, len, STRIDES[i], &candidate) != OK) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a transport");
        }
        if (best.len == 0 || candidate.len < best.len) {
            struct buf swap = best;
            best = candidate;
            candidate = swap;
        }
    }
    buf_add(ret_transport, best.data, best.len);
    return buf_status(ret_transport, err);
}

enum status transport_decoder_init(struct transport_decoder *ret_decoder, uint8_t *result,
                                   size_t result_length, struct err *err)
{
    struct transport_decoder decoder = {
        .result = result,
        .result_length = result_length,
        .stream = ZSTD_createDStream(),
        .chunk = malloc(CHUNK_BYTES),
    };
    if (!decoder.stream || !decoder.chunk ||
        ZSTD_isError(ZSTD_DCtx_setParameter(decoder.stream, ZSTD_d_windowLogMax,
                                            TRANSPORT_WINDOW_LOG))) {
        transport_decoder_release(&decoder);
        return err_set(err, ERR_NO_MEMORY, "no memory to unpack a transport");
    }
    *ret_decoder = decoder;
    return OK;
}

static enum status check_header(struct transport_decoder *decoder, struct err *err)
{
    static const uint8_t no_base[32] = {0};
    struct transport_header header;
    enum status status =
        transport_header_read(decoder->header, decoder->result_length, &header, err);
    if (status != OK) {
        return status;
    }
    if (header.method != METHOD_PLANES ||
        memcmp(header.base, no_base, sizeof no_base) != 0) {
        return err_set(err, ERR_UNSUPPORTED, "transport method %d is not supported",
                       header.method);
    }
    if (header.stride != 1 && header.stride != 2 && header.stride != 4) {
        return err_set(err, ERR_CONTENT_CORRUPT, "transport with stride %d",
                       header.stride);
    }
    decoder->stride = header.stride;
    return OK;
}

/* Places the bytes up to the end of their plane; returns how many those are. */
static size_t place_run(struct transport_decoder *decoder, const uint8_t *from,
                        size_t count)
{
    size_t stride = decoder->stride;
    size_t per_plane = decoder->result_length / stride;
    if (decoder->done >= per_plane * stride) {
        memcpy(decoder->result + decoder->done, from, count);
        return count;
    }
    size_t plane = decoder->done / per_plane;
    size_t index = decoder->done % per_plane;
    size_t run = count < per_plane - index ? count : per_plane - index;
    uint8_t *to = decoder->result + index * stride + plane;
    for (size_t i = 0; i < run; i++) {
        to[i * stride] = from[i];
    }
    return run;
}

static enum status place_bytes(struct transport_decoder *decoder, size_t count,
                               struct err *err)
{
    size_t len = decoder->result_length;
    if (count > len - decoder->done) {
        return err_set(err, ERR_CONTENT_TOO_LARGE,
                       "more than the signed %zu bytes come out of the transport", len);
    }
    const uint8_t *from = (const uint8_t *)decoder->chunk;
    while (count > 0) {
        size_t run = place_run(decoder, from, count);
        decoder->done += run;
        from += run;
        count -= run;
    }
    return OK;
}

static enum status inflate_frame(struct transport_decoder *decoder, ZSTD_inBuffer *in,
                                 struct err *err)
{
    bool drained = false;
    while (!drained) {
        if (decoder->frame_ended) {
            return in->pos == in->size ? OK
                                       : err_set(err, ERR_CONTENT_CORRUPT,
                                                 "bytes follow the end of the transport");
        }
        ZSTD_outBuffer out = {decoder->chunk, CHUNK_BYTES, 0};
        size_t left = ZSTD_decompressStream(decoder->stream, &out, in);
        if (ZSTD_isError(left)) {
            return err_set(err, ERR_CONTENT_CORRUPT, "the transport is damaged: %s",
                           ZSTD_getErrorName(left));
        }
        enum status status = place_bytes(decoder, out.pos, err);
        if (status != OK) {
            return status;
        }
        decoder->frame_ended = left == 0;
        drained = in->pos == in->size && out.pos < out.size;
    }
    return OK;
}

enum status transport_decoder_feed(struct transport_decoder *decoder, const void *data,
                                   size_t len, struct err *err)
{
    const uint8_t *bytes = data;
    size_t missing = TRANSPORT_HEADER_BYTES - decoder->header_used;
    if (missing > 0) {
        size_t take = len < missing ? len : missing;
        memcpy(decoder->header + decoder->header_used, bytes, take);
        decoder->header_used += take;
        if (take < missing) {
            return OK;
        }
        enum status status = check_header(decoder, err);
        if (status != OK) {
            return status;
        }
        bytes += take;
        len -= take;
    }
    ZSTD_inBuffer in = {bytes, len, 0};
    return len > 0 ? inflate_frame(decoder, &in, err) : OK;
}

enum status transport_decoder_finish(const struct transport_decoder *decoder,
                                     struct err *err)
{
    if (!decoder->frame_ended || decoder->done != decoder->result_length) {
        return err_set(err, ERR_CONTENT_CORRUPT,
                       "the transport ends after %zu of %zu bytes", decoder->done,
                       decoder->result_length);
    }
    return OK;
}

void transport_decoder_release(struct transport_decoder *decoder)
{
    (void)ZSTD_freeDStream(decoder->stream);
    free(decoder->chunk);
    decoder->stream = NULL;
    decoder->chunk = NULL;
}

enum status transport_decode(const void *data, size_t len, uint8_t *result,
                             size_t result_length, struct err *err)
{
    TRANSPORT_DECODER_AUTO decoder = {0};
    enum status status = transport_decoder_init(&decoder, result, result_length, err);
    if (status == OK) {
        status = transport_decoder_feed(&decoder, data, len, err);
    }
    if (status == OK) {
        status = transport_decoder_finish(&decoder, err);
    }
    return status;
}
