/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/bundle.h"

#include <string.h>

#include "base/file.h"
#include "repo/metadata_file.h"
#include "repo/signature.h"

static const char MARKER[] = "{\"format\":\"muster-bundle/1\"}\n";
static const char SNAPSHOT[] = "snapshot";

/* ---- out ---- */

static enum status make_folders(const char *folder, struct err *err)
{
    static const char *const names[] = {"metadata", "staged"};
    enum status status = OK;
    for (size_t i = 0; status == OK && i < sizeof names / sizeof names[0]; i++) {
        BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
        status = folder_path(&path, folder, err, "%s", names[i]);
        if (status == OK) {
            status = file_mkdirs(path.data, REPO_FOLDER_MODE, err);
        }
    }
    return status;
}

static enum status copy_file(const struct repository *repository, const char *folder,
                             const char *role, int64_t version, struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(metadata_file_limit(role));
    enum status status = repository_read(repository, role, version, &bytes, err);
    return status == OK ? metadata_file_write(folder, role, version, &bytes, err)
                        : status;
}

/* The whole root chain; of everything else what is published. */
static enum status copy_published(const struct repository *repository, const char *folder,
                                  struct err *err)
{
    int64_t newest = repository->trust.root->envelope.version;
    enum status status = OK;
    for (int64_t version = 1; status == OK && version <= newest; version++) {
        status = copy_file(repository, folder, "root", version, err);
    }
    if (status == OK) {
        status = copy_file(repository, folder, "targets",
                           repository->targets->envelope.version, err);
    }
    for (size_t i = 0; status == OK && i < repository->role_count; i++) {
        const struct repository_role *role = &repository->roles[i];
        status = copy_file(repository, folder, role->name,
                           role->targets->envelope.version, err);
    }
    return status == OK ? copy_file(repository, folder, SNAPSHOT,
                                    repository->snapshot->envelope.version, err)
                        : status;
}

static enum status copy_staged(const struct draft *draft, const char *folder,
                               struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < draft->count; i++) {
        const struct draft_file *file = draft->files[i];
        BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
        status = staged_path(folder, file->role, &path, err);
        if (status == OK) {
            status = file_write_atomic(path.data, file->bytes.data, file->bytes.len,
                                       REPO_FILE_MODE, err);
        }
    }
    return status;
}

enum status bundle_write(const struct draft *draft, const char *folder, struct err *err)
{
    BUF_AUTO marker = BUF_INIT(REPO_PATH_BYTES);
    if (draft->count == 0) {
        return err_set(err, ERR_NOT_FOUND, "nothing is staged: there is nothing to sign");
    }
    enum status status = folder_path(&marker, folder, err, "repo.json");
    if (status == OK && file_exists(marker.data)) {
        return err_set(err, ERR_EXISTS,
                       "'%s' holds a bundle or a repository already: name an empty "
                       "folder",
                       folder);
    }
    if (status == OK) {
        status = make_folders(folder, err);
    }
    if (status == OK) {
        status = copy_published(draft->repository, folder, err);
    }
    if (status == OK) {
        status = copy_staged(draft, folder, err);
    }
    return status == OK
               ? file_create(marker.data, MARKER, strlen(MARKER), REPO_FILE_MODE, err)
               : status;
}

/* ---- back ---- */

static enum status take_file(const struct draft *draft, struct draft_file *file,
                             const char *folder, int *added, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    BUF_AUTO bytes = BUF_INIT(metadata_file_limit(file->role));
    int found = 0;
    enum status status = staged_path(folder, file->role, &path, err);
    if (status != OK || !file_exists(path.data)) {
        return status;
    }
    status = file_read(path.data, &bytes, err);
    if (status == OK) {
        status = signature_take(draft, file, &bytes, &found, err);
    }
    *added += found;
    return status;
}

/* The snapshot depends on which signatures are in the files that it names. When others
 * were taken here in the meantime, the one that was signed is of no use, and the one that
 * is staged here waits for its own. */
static enum status take_snapshot(struct draft *draft, const char *folder, int *added,
                                 struct err *err)
{
    struct draft_file *file = draft_find(draft, SNAPSHOT);
    struct err differs = {0};
    if (!file) {
        return OK;
    }
    enum status status = take_file(draft, file, folder, added, &differs);
    return status == OK || status == ERR_CONFLICT
               ? OK
               : err_set(err, status, "%s", differs.detail);
}

enum status bundle_take(struct draft *draft, const char *folder, int *ret_added,
                        struct err *err)
{
    BUF_AUTO marker = BUF_INIT(REPO_PATH_BYTES);
    int added = 0;
    enum status status = folder_path(&marker, folder, err, "repo.json");
    if (status == OK && !file_exists(marker.data)) {
        return err_set(err, ERR_NOT_FOUND,
                       "'%s' is no bundle; 'muster repo bundle' makes one", folder);
    }
    for (size_t i = 0; status == OK && i < draft->count; i++) {
        if (strcmp(draft->files[i]->role, SNAPSHOT) != 0) {
            status = take_file(draft, draft->files[i], folder, &added, err);
        }
    }
    if (status == OK) {
        status = draft_settle(draft, err);
    }
    if (status == OK) {
        status = take_snapshot(draft, folder, &added, err);
    }
    if (status == OK) {
        *ret_added = added;
    }
    return status;
}
