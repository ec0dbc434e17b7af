/* SPDX-License-Identifier: Apache-2.0 */
#include "format/content.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

enum {
    CHUNK_BYTES = 16 * 1024,
    ZSTD_LEVEL = 3,
    ZSTD_SMALL_LEVEL = 12, /* a twentieth smaller, and under 1 ms */
    SMALL_BYTES = 8 * 1024,
    ZSTD_WINDOW_LOG_MAX = 23, /* 8 MiB */
    ZSTD_KEPT_BYTES = 384 * 1024,
    GZIP_LEVEL = 6,
    GZIP_WINDOW_BITS = 15 + 16, /* the largest window, gzip header and trailer only */
    GZIP_MEMORY_LEVEL = 8,
    GZIP_OVERHEAD_BYTES = 32,
};

/* A thread keeps its decompressor for the next body: a new one takes three times what a
 * small body takes to decompress (measured: 15 of 20 µs). */
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;
static pthread_key_t kept_key;
static bool has_kept_key;

/* format/report.zdict, embedded by CMake; made ready for decoding once, for all threads.
 */
extern const unsigned char muster_report_dictionary[];
extern const size_t muster_report_dictionary_len;
static pthread_once_t dictionary_once = PTHREAD_ONCE_INIT;
static ZSTD_DDict *dictionary;

static void make_dictionary(void)
{
    dictionary = ZSTD_createDDict(muster_report_dictionary, muster_report_dictionary_len);
}

static void free_kept(void *context)
{
    (void)ZSTD_freeDCtx(context);
}

static void make_kept_key(void)
{
    has_kept_key = pthread_key_create(&kept_key, free_kept) == 0;
}

/* NULL: no memory. */
static ZSTD_DCtx *take_decompressor(void)
{
    (void)pthread_once(&kept_once, make_kept_key);
    ZSTD_DCtx *context = has_kept_key ? pthread_getspecific(kept_key) : NULL;
    if (context && pthread_setspecific(kept_key, NULL) == 0) {
        return context;
    }
    return ZSTD_createDCtx();
}

/* One that grew with a large window is not kept. */
static void give_decompressor(ZSTD_DCtx **context)
{
    bool small = *context && ZSTD_sizeof_DCtx(*context) <= ZSTD_KEPT_BYTES;
    if (!small || !has_kept_key || pthread_setspecific(kept_key, *context) != 0) {
        (void)ZSTD_freeDCtx(*context);
    }
}

/* Where decoded bytes go. */
struct output {
    struct buf *data;
    size_t most; /* that data may have */
};

static enum status add_chunk(struct output *output, const char *chunk, size_t len,
                             struct err *err)
{
    struct buf *data = output->data;
    if (len > data->max - data->len) {
        return err_set(err, ERR_CONTENT_TOO_LARGE,
                       "more than %zu bytes come out of the compressed body", data->max);
    }
    if (len > output->most - data->len) {
        return err_set(err, ERR_CONTENT_TOO_LARGE,
                       "more comes out of the compressed body than %d bytes and %d times "
                       "its length",
                       CONTENT_FREE_BYTES, CONTENT_RATIO_MAX);
    }
    buf_add(data, chunk, len);
    return data->failed ? err_set(err, ERR_NO_MEMORY, "no memory to decompress a body")
                        : OK;
}

static enum status corrupt(struct err *err, const char *what)
{
    return err_set(err, ERR_CONTENT_CORRUPT, "the compressed body %s", what);
}

/* Has the frame decoded with the dictionary that it names. Of another one nothing is
 * known: zstd refuses the frame. */
static enum status choose_dictionary(ZSTD_DCtx *context, const void *data, size_t len,
                                     struct err *err)
{
    const ZSTD_DDict *chosen = NULL;
    if (ZSTD_getDictID_fromFrame(data, len) == CONTENT_DICTIONARY_ID) {
        (void)pthread_once(&dictionary_once, make_dictionary);
        chosen = dictionary;
        if (!chosen) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the dictionary");
        }
    }
    return ZSTD_isError(ZSTD_DCtx_refDDict(context, chosen))
               ? err_set(err, ERR_NO_MEMORY, "no memory to decompress a body")
               : OK;
}

static enum status decode_zstd(const void *data, size_t len, struct output *output,
                               struct err *err)
{
    __attribute__((cleanup(give_decompressor))) ZSTD_DCtx *context = take_decompressor();
    if (!context || ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only)) ||
        ZSTD_isError(
            ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX))) {
        return err_set(err, ERR_NO_MEMORY, "no memory to decompress a body");
    }
    enum status status = choose_dictionary(context, data, len, err);
    if (status != OK) {
        return status;
    }
    char chunk[CHUNK_BYTES];
    ZSTD_inBuffer in = {data, len, 0};
    bool ended = false;
    while (!ended) {
        ZSTD_outBuffer out = {chunk, sizeof chunk, 0};
        size_t left = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(left)) {
            return corrupt(err, ZSTD_getErrorName(left));
        }
        status = add_chunk(output, chunk, out.pos, err);
        if (status != OK) {
            return status;
        }
        ended = left == 0;
        if (!ended && in.pos == in.size && out.pos < out.size) {
            return corrupt(err, "ends early");
        }
    }
    return in.pos == in.size ? OK : corrupt(err, "is followed by other bytes");
}

static enum status inflate_all(z_stream *stream, struct output *output, struct err *err)
{
    char chunk[CHUNK_BYTES];
    int code = Z_OK;
    while (code != Z_STREAM_END) {
        stream->next_out = (Bytef *)chunk;
        stream->avail_out = sizeof chunk;
        code = inflate(stream, Z_NO_FLUSH);
        if (code == Z_MEM_ERROR) {
            return err_set(err, ERR_NO_MEMORY, "no memory to decompress a body");
        }
        if (code != Z_OK && code != Z_STREAM_END) {
            return corrupt(err, code == Z_BUF_ERROR ? "ends early" : "is damaged");
        }
        enum status status =
            add_chunk(output, chunk, sizeof chunk - stream->avail_out, err);
        if (status != OK) {
            return status;
        }
    }
    return stream->avail_in == 0 ? OK : corrupt(err, "is followed by other bytes");
}

static enum status decode_gzip(const void *data, size_t len, struct output *output,
                               struct err *err)
{
    if (len > UINT_MAX) {
        return err_set(err, ERR_CONTENT_TOO_LARGE, "a gzip body of %zu bytes", len);
    }
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    if (inflateInit2(&stream, GZIP_WINDOW_BITS) != Z_OK) {
        return err_set(err, ERR_NO_MEMORY, "no memory to decompress a body");
    }
    enum status status = inflate_all(&stream, output, err);
    (void)inflateEnd(&stream);
    return status;
}

static enum status decode_any(enum content_encoding encoding, const void *data,
                              size_t len, struct output *output, struct err *err)
{
    switch (encoding) {
    case CONTENT_IDENTITY:
        return add_chunk(output, data, len, err);
    case CONTENT_ZSTD:
    case CONTENT_ZSTD_DICTIONARY:
        return decode_zstd(data, len, output, err);
    case CONTENT_GZIP:
        return decode_gzip(data, len, output, err);
    }
    return err_set(err, ERR_UNSUPPORTED, "unknown content encoding %d", (int)encoding);
}

enum status content_decode(enum content_encoding encoding, const void *data, size_t len,
                           struct buf *ret_data, struct err *err)
{
    size_t before = ret_data->len;
    struct output output = {ret_data, SIZE_MAX};
    if (len < (SIZE_MAX - before - CONTENT_FREE_BYTES) / CONTENT_RATIO_MAX) {
        output.most = before + CONTENT_FREE_BYTES + len * CONTENT_RATIO_MAX;
    }
    enum status status = decode_any(encoding, data, len, &output, err);
    if (status != OK && ret_data->len > before) {
        ret_data->len = before;
        ret_data->data[before] = '\0';
    }
    return status;
}

static void free_compressor(ZSTD_CCtx **context)
{
    (void)ZSTD_freeCCtx(*context);
}

static enum status encode_zstd(const void *data, size_t len, bool with_dictionary,
                               struct buf *ret_data, struct err *err)
{
    size_t bound = ZSTD_compressBound(len);
    char *out = buf_reserve(ret_data, bound);
    if (!out) {
        return buf_status(ret_data, err);
    }
    __attribute__((cleanup(free_compressor))) ZSTD_CCtx *context = ZSTD_createCCtx();
    if (!context) {
        return err_set(err, ERR_NO_MEMORY, "no memory to compress a body");
    }
    bool small = len <= SMALL_BYTES;
    size_t dictionary_len = small && with_dictionary ? muster_report_dictionary_len : 0;
    size_t size =
        ZSTD_compress_usingDict(context, out, bound, data, len, muster_report_dictionary,
                                dictionary_len, small ? ZSTD_SMALL_LEVEL : ZSTD_LEVEL);
    if (ZSTD_isError(size)) {
        return err_set(err, ERR_NO_MEMORY, "could not compress: %s",
                       ZSTD_getErrorName(size));
    }
    ret_data->len += size;
    ret_data->data[ret_data->len] = '\0';
    return OK;
}

static enum status encode_gzip(const void *data, size_t len, struct buf *ret_data,
                               struct err *err)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    if (len > UINT_MAX / 2 ||
        deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return err_set(err, ERR_NO_MEMORY, "no memory to compress a body");
    }
    size_t bound = deflateBound(&stream, len) + GZIP_OVERHEAD_BYTES;
    char *out = buf_reserve(ret_data, bound);
    int code = Z_MEM_ERROR;
    if (out) {
        stream.next_out = (Bytef *)out;
        stream.avail_out = (uInt)bound;
        code = deflate(&stream, Z_FINISH);
        ret_data->len += code == Z_STREAM_END ? stream.total_out : 0;
    }
    (void)deflateEnd(&stream);
    if (!out) {
        return buf_status(ret_data, err);
    }
    ret_data->data[ret_data->len] = '\0';
    return code == Z_STREAM_END ? OK : err_set(err, ERR_NO_MEMORY, "could not compress");
}

enum status content_encode(enum content_encoding encoding, const void *data, size_t len,
                           struct buf *ret_data, struct err *err)
{
    switch (encoding) {
    case CONTENT_IDENTITY:
        buf_add(ret_data, data, len);
        return buf_status(ret_data, err);
    case CONTENT_ZSTD:
        return encode_zstd(data, len, false, ret_data, err);
    case CONTENT_ZSTD_DICTIONARY:
        return encode_zstd(data, len, true, ret_data, err);
    case CONTENT_GZIP:
        return encode_gzip(data, len, ret_data, err);
    }
    return err_set(err, ERR_UNSUPPORTED, "unknown content encoding %d", (int)encoding);
}
