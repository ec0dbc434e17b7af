/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/target_file.h"

#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "tuf/json.h"
#include "tuf/signing.h"
#include "tuf/target_digest.h"

enum { FILE_MODE = 0644, FOLDER_MODE = 0755, PATH_BYTES = 4096 };

static enum status store(const struct repository *repository, const char *path,
                         const struct buf *data, const uint8_t sha256[static 32],
                         struct err *err)
{
    struct tuf_target target = {.path = path,
                                .hashes = {.listed = true, .has_sha256 = true}};
    memcpy(target.hashes.sha256, sha256, SHA256_BYTES);
    BUF_AUTO file = BUF_INIT(PATH_BYTES);
    enum status status = repository_target_file(repository, &target, &file, err);
    if (status != OK) {
        return status;
    }
    char *slash = strrchr(file.data, '/');
    *slash = '\0';
    status = file_mkdirs(file.data, FOLDER_MODE, err);
    *slash = '/';
    return status == OK
               ? file_write_atomic(file.data, data->data, data->len, FILE_MODE, err)
               : status;
}

enum status target_file_add(const struct repository *repository, json_t *body,
                            const char *path, const struct buf *data, json_t *custom,
                            struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    JSON_AUTO *wrapped = custom ? json_pack("{s:O}", "muster", custom) : NULL;
    if (!wrapped) {
        return err_set(err, ERR_NO_MEMORY, "no memory to publish");
    }
    enum status status = sha256_of(data->data, data->len, digest, err);
    if (status == OK) {
        status = store(repository, path, data, digest, err);
    }
    return status == OK
               ? signing_add_target(body, path, (int64_t)data->len, digest, wrapped, err)
               : status;
}

enum status target_file_read(const struct repository *repository,
                             const struct tuf_target *target, struct buf *ret_data,
                             struct err *err)
{
    TARGET_DIGEST_AUTO digest = {0};
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    enum status status = repository_target_file(repository, target, &path, err);
    if (status == OK) {
        status = file_read(path.data, ret_data, err);
    }
    if (status == OK) {
        status = target_digest_init(&digest, target, err);
    }
    if (status != OK) {
        return status;
    }
    target_digest_update(&digest, ret_data->data, ret_data->len);
    return target_digest_finish(&digest, target, err);
}
