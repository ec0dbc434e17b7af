/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/model.h"

static const struct muster_nn_limits defaults = {
    .file_bytes = UINT64_C(4) << 30,
    .arena_bytes = UINT64_C(1) << 30,
    .macs = UINT64_C(1000000000000),
};

static struct muster_nn_limits limits_or_default(const struct muster_nn_limits *limits)
{
    struct muster_nn_limits chosen = defaults;
    if (limits && limits->file_bytes) {
        chosen.file_bytes = limits->file_bytes;
    }
    if (limits && limits->arena_bytes) {
        chosen.arena_bytes = limits->arena_bytes;
    }
    if (limits && limits->macs) {
        chosen.macs = limits->macs;
    }
    return chosen;
}

static bool little_endian(void)
{
    const uint32_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* Every check of docs/MNET.md over model->file. */
static enum muster_nn_status check_all(struct muster_nn_model *model,
                                       const struct muster_nn_limits *limits,
                                       struct muster_nn_error *error)
{
    enum muster_nn_status status = nn_layout_check(model, error);
    if (!status && model->arena_bytes > limits->arena_bytes) {
        status = nn_fail(error, MUSTER_NN_LIMIT, "needs an arena of %" PRIu64 " bytes",
                         model->arena_bytes);
    }
    if (!status) {
        status = nn_tables_decode(model, error);
    }
    if (!status) {
        status = nn_ports_decode(model, error);
    }
    if (!status) {
        status = nn_graph_check(model, limits->macs, error);
    }
    return status;
}

static void model_free(struct muster_nn_model *model)
{
    if (model->mapped) {
        (void)munmap((void *)(uintptr_t)model->file, model->file_bytes);
    }
    for (uint32_t i = 0; model->tensors && i < nn_count(model, NN_S_TENSORS); i++) {
        free(model->tensors[i].widened);
    }
    free(model->tensors);
    free(model->nodes);
    free(model->refs);
    free(model->attrs);
    free(model->ports);
    free(model->metas);
    free(model->classes);
    free(model->tests);
    free(model);
}

/* Takes over the mapping, also on failure. */
static enum muster_nn_status open_bytes(const void *data, size_t bytes, bool mapped,
                                        const struct muster_nn_limits *limits,
                                        struct muster_nn_model **ret_model,
                                        struct muster_nn_error *error)
{
    struct muster_nn_limits chosen = limits_or_default(limits);
    struct muster_nn_model *model = calloc(1, sizeof *model);
    if (!model) {
        if (mapped) {
            (void)munmap((void *)(uintptr_t)data, bytes);
        }
        return nn_fail(error, MUSTER_NN_NO_MEMORY, "out of memory");
    }
    atomic_init(&model->owners, 1);
    model->file = data;
    model->file_bytes = bytes;
    model->mapped = mapped;
    enum muster_nn_status status = MUSTER_NN_OK;
    if (!little_endian()) {
        status =
            nn_fail(error, MUSTER_NN_UNSUPPORTED, "big-endian machines cannot run it");
    } else if (bytes > chosen.file_bytes) {
        status = nn_fail(error, MUSTER_NN_LIMIT, "the file has %zu bytes", bytes);
    } else {
        status = check_all(model, &chosen, error);
    }
    if (status) {
        model_free(model);
        return status;
    }
    *ret_model = model;
    return MUSTER_NN_OK;
}

static enum muster_nn_status map_file(int fd, const char *path, const void **ret_data,
                                      size_t *ret_bytes, struct muster_nn_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return nn_fail(error, MUSTER_NN_IO, "could not stat '%s': errno %d", path, errno);
    }
    if (!S_ISREG(info.st_mode) || info.st_size < NN_HEADER_BYTES ||
        (uint64_t)info.st_size > SIZE_MAX) {
        return nn_fail(error, MUSTER_NN_INVALID,
                       "'%s' is no regular file of at least %d bytes", path,
                       NN_HEADER_BYTES);
    }
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        return nn_fail(error, MUSTER_NN_IO, "could not map '%s': errno %d", path, errno);
    }
    *ret_data = data;
    *ret_bytes = (size_t)info.st_size;
    return MUSTER_NN_OK;
}

enum muster_nn_status muster_nn_open(const char *path,
                                     const struct muster_nn_limits *limits,
                                     struct muster_nn_model **ret_model,
                                     struct muster_nn_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return nn_fail(error, MUSTER_NN_IO, "could not open '%s': errno %d", path, errno);
    }
    const void *data = NULL;
    size_t bytes = 0;
    enum muster_nn_status status = map_file(fd, path, &data, &bytes, error);
    (void)close(fd);
    return status ? status : open_bytes(data, bytes, true, limits, ret_model, error);
}

enum muster_nn_status muster_nn_open_memory(const void *data, size_t bytes,
                                            const struct muster_nn_limits *limits,
                                            struct muster_nn_model **ret_model,
                                            struct muster_nn_error *error)
{
    if (!data || (uintptr_t)data % NN_ALIGN != 0) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "the memory is not aligned to %d",
                       NN_ALIGN);
    }
    return open_bytes(data, bytes, false, limits, ret_model, error);
}

struct muster_nn_model *muster_nn_retain(struct muster_nn_model *model)
{
    atomic_fetch_add(&model->owners, 1);
    return model;
}

void muster_nn_close(struct muster_nn_model *model)
{
    if (model && atomic_fetch_sub(&model->owners, 1) == 1) {
        model_free(model);
    }
}
