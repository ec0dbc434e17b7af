/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/staging.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "repo/journal.h"
#include "repo/metadata_file.h"
#include "tuf/json.h"
#include "tuf/signing.h"
#include "tuf/target.h"

static const char ROOT[] = "root";
static const char TARGETS[] = "targets";
static const char SNAPSHOT[] = "snapshot";

/* ---- on disk ---- */

static enum status load_file(struct draft *draft, const char *role, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    BUF_AUTO bytes = BUF_INIT(metadata_file_limit(role));
    enum status status = staged_path(draft->repository->folder, role, &path, err);
    if (status != OK || !file_exists(path.data)) {
        return status;
    }
    status = file_read(path.data, &bytes, err);
    if (status == OK) {
        status = draft_take(draft, role, &bytes, err);
    }
    if (status != OK) {
        err_prefix(err, "'%.120s'", path.data);
        return status;
    }
    draft->pending = true;
    return OK;
}

enum status staging_load(struct draft *draft, struct err *err)
{
    enum status status = load_file(draft, ROOT, err);
    if (status == OK) {
        status = load_file(draft, TARGETS, err);
    }
    if (status != OK) {
        return status;
    }
    const struct tuf_delegations *all = draft_targets(draft, TARGETS)->delegations;
    for (size_t i = 0; status == OK && all && i < all->count; i++) {
        status = load_file(draft, all->roles[i].name, err);
    }
    if (status == OK) {
        status = load_file(draft, SNAPSHOT, err);
    }
    return status == OK ? draft_settle(draft, err) : status;
}

enum status staging_store(const struct draft *draft, struct err *err)
{
    const struct repository *repository = draft->repository;
    const char *keep[DRAFT_FILES_MAX];
    BUF_AUTO folder = BUF_INIT(REPO_PATH_BYTES);
    enum status status = folder_path(&folder, repository->folder, err, "staged");
    if (status == OK) {
        status = file_mkdirs(folder.data, REPO_FOLDER_MODE, err);
    }
    for (size_t i = 0; status == OK && i < draft->count; i++) {
        const struct draft_file *file = draft->files[i];
        BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
        keep[i] = file->role;
        status = staged_path(repository->folder, file->role, &path, err);
        if (status == OK) {
            status = file_write_atomic(path.data, file->bytes.data, file->bytes.len,
                                       REPO_FILE_MODE, err);
        }
    }
    return status == OK ? staged_sweep(repository->folder, keep, draft->count, err)
                        : status;
}

enum status staging_discard(const struct repository *repository, struct err *err)
{
    return staged_sweep(repository->folder, NULL, 0, err);
}

/* ---- what a client would say ---- */

/* The bytes that will be published of a role: the draft's or those that are. */
static enum status next_bytes(const struct draft *draft, const char *role,
                              struct buf *ret_bytes, int64_t *ret_version,
                              struct err *err)
{
    const struct draft_file *file = draft_find(draft, role);
    if (!file) {
        *ret_version = draft_published_version(draft, role);
        return repository_read(draft->repository, role, *ret_version, ret_bytes, err);
    }
    *ret_version = draft_envelope(file)->version;
    buf_add(ret_bytes, file->bytes.data, file->bytes.len);
    return buf_status(ret_bytes, err);
}

static enum status follow_roots(const struct draft *draft, struct trusted_set *set,
                                struct err *err)
{
    const struct draft_file *next = draft_find(draft, ROOT);
    int64_t newest = draft_published_version(draft, ROOT);
    enum status status = OK;
    for (int64_t version = 1; status == OK && version <= newest; version++) {
        BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
        status = repository_read(draft->repository, ROOT, version, &bytes, err);
        if (status == OK) {
            status =
                version == 1
                    ? trusted_set_init(set, bytes.data, bytes.len, draft->now_ms, err)
                    : trusted_set_load_root(set, bytes.data, bytes.len, err);
        }
    }
    if (status == OK && next) {
        status = trusted_set_load_root(set, next->bytes.data, next->bytes.len, err);
    }
    return status == OK ? trusted_set_root_done(set, err) : status;
}

/* The server's timestamp is not there yet: one without signatures stands for it. */
static enum status name_snapshot(struct trusted_set *set, const struct buf *snapshot,
                                 int64_t version, struct err *err)
{
    struct signing_file file = {
        .data = snapshot->data, .len = snapshot->len, .version = version};
    JSON_AUTO *body = NULL;
    JSON_AUTO *none = json_array();
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.timestamp_bytes);
    enum status status = signing_body_new(TUF_ROLE_TIMESTAMP, 1, set->now_ms, &body, err);
    if (status == OK) {
        status = signing_set_meta(body, "snapshot.json", &file, err);
    }
    if (status == OK) {
        status = signing_envelope_text(body, none, &bytes, err);
    }
    return status == OK ? tuf_timestamp_parse(bytes.data, bytes.len, bytes.max,
                                              &set->timestamp, err)
                        : status;
}

/* A client compares with the snapshot that it has, as far as the root still trusts it. */
static enum status recall_snapshot(const struct draft *draft, struct trusted_set *set,
                                   struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.snapshot_bytes);
    bool usable = false;
    int64_t version = draft_published_version(draft, SNAPSHOT);
    enum status status =
        repository_read(draft->repository, SNAPSHOT, version, &bytes, err);
    if (status != OK) {
        return status;
    }
    return trusted_set_load_snapshot(set, bytes.data, bytes.len, &usable, NULL) ==
                   ERR_NO_MEMORY
               ? err_set(err, ERR_NO_MEMORY, "no memory to check")
               : OK;
}

static enum status follow_delegated(const struct draft *draft, struct trusted_set *set,
                                    struct err *err)
{
    const struct tuf_delegations *all = set->targets->delegations;
    enum status status = OK;
    for (size_t i = 0; status == OK && all && i < all->count; i++) {
        const char *role = all->roles[i].name;
        const struct tuf_targets *targets = NULL;
        BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
        int64_t version = 0;
        if (!draft_find(draft, role) && !repository_meta(draft->repository, role)) {
            continue;
        }
        status = next_bytes(draft, role, &bytes, &version, err);
        if (status == OK) {
            status = trusted_set_update_role(set, set->targets, role, bytes.data,
                                             bytes.len, err);
        }
        if (status == OK) {
            status = trusted_set_role(set, set->targets, role, &targets, err);
        }
        if (status == OK) {
            status = model_targets_check(targets, err);
        }
    }
    return status;
}

static enum status follow_targets(const struct draft *draft, struct trusted_set *set,
                                  struct err *err)
{
    BUF_AUTO snapshot = BUF_INIT(TUF_LIMITS_DEFAULT.snapshot_bytes);
    BUF_AUTO targets = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    int64_t version = 0;
    enum status status = next_bytes(draft, SNAPSHOT, &snapshot, &version, err);
    if (status == OK) {
        status = name_snapshot(set, &snapshot, version, err);
    }
    if (status == OK) {
        status = recall_snapshot(draft, set, err);
    }
    if (status == OK) {
        status = trusted_set_update_snapshot(set, snapshot.data, snapshot.len, err);
    }
    if (status == OK) {
        status = next_bytes(draft, TARGETS, &targets, &version, err);
    }
    if (status == OK) {
        status = trusted_set_update_targets(set, targets.data, targets.len, err);
    }
    return status == OK ? model_targets_check(set->targets, err) : status;
}

enum status staging_check(const struct draft *draft, struct err *err)
{
    TRUSTED_SET_AUTO set = {0};
    enum status status = follow_roots(draft, &set, err);
    if (status == OK) {
        status = follow_targets(draft, &set, err);
    }
    return status == OK ? follow_delegated(draft, &set, err) : status;
}

/* ---- committing ---- */

/* In the order of their use: root, targets, delegated roles, snapshot. */
static int rank(const char *role)
{
    if (strcmp(role, ROOT) == 0) {
        return 0;
    }
    if (strcmp(role, TARGETS) == 0) {
        return 1;
    }
    return strcmp(role, SNAPSHOT) == 0 ? 3 : 2;
}

enum status staging_commit(struct draft *draft, struct err *err)
{
    struct repository *repository = draft->repository;
    struct journal_file files[DRAFT_FILES_MAX];
    size_t count = 0;
    enum status status = staging_check(draft, err);
    if (status != OK) {
        return status;
    }
    for (int at = 0; at <= 3; at++) {
        for (size_t i = 0; i < draft->count; i++) {
            const struct draft_file *file = draft->files[i];
            if (rank(file->role) == at) {
                files[count++] =
                    (struct journal_file){.role = file->role,
                                          .version = draft_envelope(file)->version,
                                          .bytes = &file->bytes};
            }
        }
    }
    status = journal_write(repository->folder, files, count, err);
    if (status == OK) {
        status = journal_finish(repository->folder, err);
    }
    if (status != OK) {
        return status;
    }
    draft_release(draft);
    draft->pending = false;
    return repository_reload(repository, err);
}
