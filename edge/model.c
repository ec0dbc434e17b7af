/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/model.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <muster/nn.h>

#include "base/hex.h"
#include "tuf/fit.h"

struct edge_model {
    struct muster_client_model view; /* first: holders cast */
    atomic_int holders;
    struct model_record record;
    char path[EDGE_PATH_BYTES];
    void *map;
};

static enum status from_nn(enum muster_nn_status status)
{
    switch (status) {
    case MUSTER_NN_OK:
        return OK;
    case MUSTER_NN_IO:
        return ERR_IO;
    case MUSTER_NN_NO_MEMORY:
        return ERR_NO_MEMORY;
    case MUSTER_NN_INVALID:
    case MUSTER_NN_ARGUMENT:
        return ERR_MNET_INVALID;
    case MUSTER_NN_UNSUPPORTED:
    case MUSTER_NN_LIMIT:
        return ERR_MNET_UNSUPPORTED;
    case MUSTER_NN_SELFTEST:
        return ERR_MNET_SELFTEST;
    }
    return ERR_INTERNAL;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static enum status map_file(struct edge_model *model, struct err *err)
{
    __attribute__((cleanup(close_fd))) int fd =
        open(model->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat file;
    if (fd < 0 || fstat(fd, &file) != 0) {
        return err_set_errno(err, "could not open '%s'", model->path);
    }
    if (file.st_size != model->record.length || file.st_size <= 0) {
        return err_set(err, ERR_TUF_LENGTH, "'%s': %lld bytes expected, %lld found",
                       model->path, (long long)model->record.length,
                       (long long)file.st_size);
    }
    void *map = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        return err_set_errno(err, "could not map '%s'", model->path);
    }
    model->map = map;
    model->view.bytes = map;
    model->view.length = (size_t)file.st_size;
    return OK;
}

static enum status self_test(struct edge_model *model, struct err *err)
{
    struct muster_nn_error error = {0};
    struct muster_nn_context *context = NULL;
    enum muster_nn_status status = muster_nn_open_memory(
        model->view.bytes, model->view.length, NULL, &model->view.nn, &error);
    if (status == MUSTER_NN_OK) {
        status = muster_nn_context_new(model->view.nn, &context, &error);
    }
    if (status == MUSTER_NN_OK) {
        status = muster_nn_verify(context, NULL, &error);
    }
    muster_nn_context_free(context);
    if (status != MUSTER_NN_OK) {
        return err_set(err, from_nn(status), "%s %s: %s", model->record.model,
                       model->record.version, error.detail);
    }
    return OK;
}

static void model_free(struct edge_model *model)
{
    muster_nn_close(model->view.nn);
    if (model->map) {
        munmap(model->map, model->view.length);
    }
    free(model);
}

enum status model_load(const char *path, const struct model_record *record,
                       struct edge_model **ret_model, struct err *err)
{
    struct edge_model *model = calloc(1, sizeof *model);
    if (!model || strlen(path) >= sizeof model->path) {
        free(model);
        return err_set(err, ERR_NO_MEMORY, "could not load a model");
    }
    atomic_init(&model->holders, 1);
    memcpy(model->path, path, strlen(path) + 1);
    model->record = *record;
    model->view.name = model->record.model;
    model->view.version = model->record.version;
    model->view.seq = record->seq;
    model->view.format = model->record.format[0] ? model->record.format : "mnet/1";
    model->view.path = model->path;
    model->view.came_as = "disk";
    memcpy(model->view.artifact, record->artifact, sizeof record->artifact);
    hex_encode(record->artifact, sizeof record->artifact, model->view.artifact_hex);
    enum status status = map_file(model, err);
    if (status == OK && fit_is_native(model->view.format)) {
        status = self_test(model, err);
    }
    if (status != OK) {
        model_free(model);
        return status;
    }
    *ret_model = model;
    return OK;
}

void model_came(struct edge_model *model, const char *came_as, int64_t received)
{
    model->view.came_as = came_as;
    model->view.received = received;
}

const struct muster_client_model *model_public(const struct edge_model *model)
{
    return &model->view;
}

struct edge_model *model_of(const struct muster_client_model *view)
{
    return (struct edge_model *)(uintptr_t)view;
}

void model_retain(struct edge_model *model)
{
    atomic_fetch_add_explicit(&model->holders, 1, memory_order_relaxed);
}

void model_release(struct edge_model *model)
{
    if (model &&
        atomic_fetch_sub_explicit(&model->holders, 1, memory_order_acq_rel) == 1) {
        model_free(model);
    }
}
