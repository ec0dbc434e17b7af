/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum {
    SLICE_BYTES = 64 * 1024,
    SLICES_A_STEP = 16,
    FILE_MODE = 0400, /* of a verified artifact */
    JUDGE_MS = 20,    /* between two looks at the program's test */
};

static void end_hashing(struct install *install)
{
    if (install->hash_fd >= 0) {
        close(install->hash_fd);
        install->hash_fd = -1;
    }
    target_digest_release(&install->digest);
}

void install_stop(struct install *install)
{
    if (install->phase == INSTALL_JUDGE) {
        (void)install->judge(install->judge_user, NULL, NULL);
    }
    end_hashing(install);
    copy_release(&install->copy);
    unpack_release(&install->unpack);
    download_stop(&install->download);
    model_release(install->model);
    install->model = NULL;
    install->phase = INSTALL_IDLE;
}

static enum status begin_hashing(struct install *install, const char *path,
                                 struct err *err)
{
    end_hashing(install);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return err_set_errno(err, "could not open '%s'", path);
    }
    enum status status = target_digest_init(&install->digest, &install->expected, err);
    if (status != OK) {
        close(fd);
        return status;
    }
    install->hash_fd = fd;
    install->phase = INSTALL_HASH;
    return OK;
}

/* The transport that is fetched, NULL: the artifact as it is. */
static const struct model_target *transport_of(const struct install *install)
{
    const struct target_transports *transports = &install->choice.transports;
    return install->way < transports->count ? &transports->items[install->way] : NULL;
}

/* Where the base of a delta lies, if it is on this node. */
static bool find_base(const struct install *install, const struct model_target *delta,
                      char ret_path[static EDGE_PATH_BYTES])
{
    return store_path(install->store, delta->base_sha256, ret_path, NULL) == OK &&
           file_exists(ret_path);
}

/* The next way from `way` on that this node can go. */
static size_t next_way(const struct install *install, size_t way)
{
    const struct target_transports *transports = &install->choice.transports;
    char base[EDGE_PATH_BYTES];
    while (way < transports->count && transports->items[way].has_base &&
           !find_base(install, &transports->items[way], base)) {
        way++;
    }
    return way;
}

static enum status fetch(struct install *install, size_t way, struct err *err)
{
    if (install->local) {
        return err_set(err, ERR_NOT_FOUND, "%s %s is not on this node any more",
                       install->choice.record.model, install->choice.record.version);
    }
    const struct choice *choice = &install->choice;
    copy_release(&install->copy);
    unpack_release(&install->unpack);
    install->way = next_way(install, way);
    install->stored = install->taken = false;
    const struct model_target *transport = transport_of(install);
    struct download_order order = {.file = transport ? transport->file
                                                     : choice->artifact.file,
                                   .consistent_snapshot = choice->consistent_snapshot,
                                   .folder = install->partials,
                                   .token = install->token};
    enum status status = download_begin(&install->download, &order, err);
    if (status == OK) {
        install->phase = INSTALL_FETCH;
    }
    return status;
}

/* What was signed; of a record, what was signed when it was installed. */
static struct tuf_target expect(const struct choice *choice)
{
    if (choice->artifact.file) {
        return *choice->artifact.file;
    }
    const struct model_record *record = &choice->record;
    struct tuf_target target = {.path = record->model,
                                .length = record->length,
                                .hashes = {.listed = true, .has_sha256 = true}};
    memcpy(target.hashes.sha256, record->artifact, sizeof target.hashes.sha256);
    return target;
}

/* The file that has become the artifact, or is to. */
static const char *result_path(const struct install *install)
{
    return install->stored         ? install->path
           : install->taken        ? install->copy.path
           : transport_of(install) ? install->unpack.path
                                   : install->download.partial.path;
}

static enum status take(struct install *install, struct err *err)
{
    const struct model_record *record = &install->choice.record;
    char temporary[EDGE_PATH_BYTES];
    enum status status = env_join(install->store->folder, ".tmp-cache", temporary, err);
    if (status == OK) {
        status = cache_take(&install->cache, record->artifact, record->length, temporary,
                            &install->copy, err);
    }
    if (status == OK) {
        install->taken = true;
        install->stored = false;
        install->phase = INSTALL_TAKE;
    }
    return status;
}

/* From the cache, else from the network. */
static enum status obtain(struct install *install, struct err *err)
{
    const struct model_record *record = &install->choice.record;
    struct err why = {0};
    if (cache_has(&install->cache, record->artifact, record->length)) {
        if (take(install, &why) == OK) {
            return OK;
        }
        env_note(install->env, &why);
    }
    return fetch(install, 0, err);
}

/* The cache is a help and no more. */
static enum status step_take(struct install *install, struct err *err)
{
    struct err why = {0};
    bool done = false;
    if (copy_step(&install->copy, &done, &why) != OK) {
        env_note(install->env, &why);
        return fetch(install, 0, err);
    }
    return done ? begin_hashing(install, result_path(install), err) : OK;
}

enum status install_begin(struct install *install, const struct choice *choice,
                          const char *token, struct err *err)
{
    install_stop(install);
    install->choice = *choice;
    install->expected = expect(&install->choice);
    install->local = token == NULL;
    install->received = 0;
    install->taken = false;
    snprintf(install->token, sizeof install->token, "%s", token ? token : "");
    enum status status =
        store_path(install->store, choice->record.artifact, install->path, err);
    install->stored = status == OK && file_exists(install->path);
    if (install->stored) {
        return begin_hashing(install, install->path, err);
    }
    return status == OK ? obtain(install, err) : status;
}

/* The next way after a transport that is not what was signed. */
static enum status fall_back(struct install *install, enum status status, struct err *err)
{
    bool later = status == ERR_NET || status == ERR_DISK_FULL || status == ERR_IO ||
                 install->download.try_later;
    if (!transport_of(install) || later) {
        return status;
    }
    env_complain(install->env, CHANNEL_MODEL, err);
    err_clear(err);
    return fetch(install, install->way + 1, err);
}

static enum status begin_unpacking(struct install *install, struct err *err)
{
    const struct model_target *transport = transport_of(install);
    char temporary[EDGE_PATH_BYTES], base[EDGE_PATH_BYTES];
    enum status status =
        env_join(install->store->folder, ".tmp-download", temporary, err);
    if (status == OK && transport->has_base && !find_base(install, transport, base)) {
        status = err_set(err, ERR_CONTENT_CORRUPT, "the base of a delta is gone");
    }
    struct unpack_order order = {.source = install->download.partial.path,
                                 .base = transport->has_base ? base : NULL,
                                 .base_sha256 = transport->base_sha256,
                                 .result = temporary,
                                 .result_length = install->choice.record.length};
    if (status == OK) {
        status = unpack_begin(&install->unpack, &order, err);
    }
    if (status == OK) {
        install->phase = INSTALL_UNPACK;
    }
    return status;
}

/* After a failure, the next way or the reason. */
static enum status or_fall_back(struct install *install, enum status status,
                                struct err *cause, struct err *err)
{
    if (status != OK) {
        status = fall_back(install, status, cause);
    }
    return status == OK ? OK : err_set(err, status, "%s", cause->detail);
}

static enum status step_fetch(struct install *install, struct err *err)
{
    struct err cause = {0};
    bool done = false;
    enum status status = download_step(&install->download, &done, &cause);
    if (status != OK || done) {
        install->received += install->download.brought;
    }
    if (status == OK && done && transport_of(install)) {
        status = begin_unpacking(install, &cause);
    } else if (status == OK && done) {
        return begin_hashing(install, result_path(install), err);
    }
    return or_fall_back(install, status, &cause, err);
}

static enum status step_unpack(struct install *install, struct err *err)
{
    struct err cause = {0};
    bool done = false;
    enum status status = unpack_step(&install->unpack, &done, &cause);
    if (status != OK) {
        return or_fall_back(install, status, &cause, err);
    }
    return done ? begin_hashing(install, result_path(install), err) : OK;
}

/* A slice of the file; *ret_end at its end. */
static enum status hash_slice(struct install *install, bool *ret_end, struct err *err)
{
    char slice[SLICE_BYTES];
    for (int i = 0; i < SLICES_A_STEP; i++) {
        ssize_t got = read(install->hash_fd, slice, sizeof slice);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, "could not read a model");
        }
        if (got == 0) {
            *ret_end = true;
            return OK;
        }
        target_digest_update(&install->digest, slice, (size_t)got);
    }
    return OK;
}

static enum status check_hash(struct install *install, struct err *err)
{
    close(install->hash_fd);
    install->hash_fd = -1;
    return target_digest_finish(&install->digest, &install->expected, err);
}

static enum status step_hash(struct install *install, struct err *err)
{
    bool end = false;
    enum status status = hash_slice(install, &end, err);
    if (status != OK || !end) {
        return status;
    }
    struct err cause = {0};
    status = check_hash(install, &cause);
    if (status == OK) {
        install->phase = install->stored ? INSTALL_TEST : INSTALL_SYNC;
        return OK;
    }
    if (install->stored) { /* damaged on disk: fetch it anew */
        unlink(install->path);
        return obtain(install, err);
    }
    if (install->taken) {
        env_note(install->env, &cause);
        cache_drop(&install->cache, install->choice.record.artifact);
        return fetch(install, 0, err);
    }
    return or_fall_back(install, status, &cause, err);
}

static enum status step_sync(struct install *install, struct err *err)
{
    const char *path = result_path(install);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool synced = fd >= 0 && fsync(fd) == 0;
    enum status status = synced ? OK : err_set_errno(err, "could not sync '%s'", path);
    if (fd >= 0) {
        close(fd);
    }
    if (status == OK) {
        install->phase = INSTALL_RENAME;
    }
    return status;
}

/* What is in the cache already, and what cannot go there, is left as it is. */
static void begin_sharing(struct install *install)
{
    const struct model_record *record = &install->choice.record;
    struct err why = {0};
    install->phase = INSTALL_TEST;
    if (!install->cache.folder[0] ||
        cache_has(&install->cache, record->artifact, record->length)) {
        return;
    }
    if (cache_add(&install->cache, install->path, record->length, &install->copy, &why) ==
        OK) {
        install->phase = INSTALL_SHARE;
    } else {
        env_note(install->env, &why);
    }
}

static void step_share(struct install *install)
{
    struct err why = {0};
    bool done = false;
    if (copy_step(&install->copy, &done, &why) != OK) {
        env_note(install->env, &why);
        copy_release(&install->copy);
        install->phase = INSTALL_TEST;
    } else if (done) {
        install->phase = INSTALL_KEEP;
    }
}

static void step_keep(struct install *install)
{
    struct err why = {0};
    if (cache_keep(&install->cache, install->choice.record.artifact, &install->copy,
                   &why) != OK) {
        env_note(install->env, &why);
    }
    copy_release(&install->copy);
    install->phase = INSTALL_TEST;
}

static enum status step_rename(struct install *install, struct err *err)
{
    enum status status = file_rename(result_path(install), install->path, err);
    if (status == OK) {
        install->unpack.path[0] = '\0'; /* unless it was the partial file: renamed */
        install->copy.path[0] = '\0';
        copy_release(&install->copy);
        unpack_release(&install->unpack);
        download_forget(&install->download);
        begin_sharing(install);
    }
    return status;
}

/* How its bytes came here. */
static const char *came_as(const struct install *install)
{
    const struct model_target *transport = transport_of(install);
    if (install->taken) {
        return "cache";
    }
    if (install->received == 0) {
        return "disk";
    }
    return !transport ? "full" : transport->has_base ? "delta" : "zst";
}

/* A model that fails its self-test is removed: its bytes are right, it does not run
 * here.
 */
static enum status step_test(struct install *install, struct err *err)
{
    if (chmod(install->path, FILE_MODE) != 0) {
        return err_set_errno(err, "could not make '%s' read-only", install->path);
    }
    enum status status =
        model_load(install->path, &install->choice.record, &install->model, err);
    if (status == OK) {
        model_came(install->model, came_as(install), install->received);
        install->phase = install->judge ? INSTALL_JUDGE : INSTALL_ACTIVATE;
    } else {
        unlink(install->path);
    }
    return status;
}

/* The file of a model that is refused here stays for a next try; what no pointer names is
 * removed after the next activation. */
static enum status step_judge(struct install *install, struct err *err)
{
    struct err why = {0};
    enum status status =
        install->judge(install->judge_user, model_public(install->model), &why);
    if (status == ERR_UNAVAILABLE) {
        return OK;
    }
    install->phase = INSTALL_ACTIVATE; /* the program's test has ended */
    return status == OK ? OK
                        : err_set(err, status, "%s %s: %s", install->choice.record.model,
                                  install->choice.record.version, why.detail);
}

static enum status step_activate(struct install *install, struct edge_model **ret_model,
                                 struct err *err)
{
    enum status status = store_activate(install->store, &install->choice.record, err);
    if (status == OK) {
        partial_sweep(install->partials);
        *ret_model = install->model;
        install->model = NULL;
        install->phase = INSTALL_IDLE;
    }
    return status;
}

bool install_outside(const struct install *install)
{
    return install->phase == INSTALL_FETCH || install->phase == INSTALL_JUDGE;
}

void install_renew_token(struct install *install, const char *token)
{
    (void)snprintf(install->token, sizeof install->token, "%s", token);
}

int64_t install_wait_ms(struct install *install)
{
    switch (install->phase) {
    case INSTALL_IDLE:
        return EDGE_NEVER_MS;
    case INSTALL_FETCH:
        return download_wait_ms(&install->download);
    case INSTALL_TAKE:
    case INSTALL_UNPACK:
    case INSTALL_HASH:
    case INSTALL_SYNC:
    case INSTALL_RENAME:
    case INSTALL_SHARE:
    case INSTALL_KEEP:
    case INSTALL_TEST:
    case INSTALL_ACTIVATE:
        return 0;
    case INSTALL_JUDGE:
        return JUDGE_MS;
    }
    return 0;
}

static enum status advance(struct install *install, struct edge_model **ret_model,
                           struct err *err)
{
    switch (install->phase) {
    case INSTALL_IDLE:
        return OK;
    case INSTALL_TAKE:
        return step_take(install, err);
    case INSTALL_FETCH:
        return step_fetch(install, err);
    case INSTALL_UNPACK:
        return step_unpack(install, err);
    case INSTALL_HASH:
        return step_hash(install, err);
    case INSTALL_SYNC:
        return step_sync(install, err);
    case INSTALL_RENAME:
        return step_rename(install, err);
    case INSTALL_SHARE:
        step_share(install);
        return OK;
    case INSTALL_KEEP:
        step_keep(install);
        return OK;
    case INSTALL_TEST:
        return step_test(install, err);
    case INSTALL_JUDGE:
        return step_judge(install, err);
    case INSTALL_ACTIVATE:
        return step_activate(install, ret_model, err);
    }
    return OK;
}

enum status install_step(struct install *install, struct edge_model **ret_model,
                         struct err *err)
{
    if (install->phase != INSTALL_JUDGE && install_wait_ms(install) > 0) {
        return OK;
    }
    enum status status = advance(install, ret_model, err);
    if (status != OK) {
        install_stop(install);
    }
    return status;
}
