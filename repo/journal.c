/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/journal.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "repo/metadata_file.h"
#include "tuf/json.h"
#include "tuf/trusted_set.h"

/* Room for every file that a snapshot may list is more than anybody needs. */
static const size_t JOURNAL_MAX_BYTES = (size_t)512 << 20;

static enum status journal_path(const char *folder, struct buf *ret_path, struct err *err)
{
    return folder_path(ret_path, folder, err, "staged/COMMIT");
}

static enum status make_staged(const char *folder, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status = folder_path(&path, folder, err, "staged");
    return status == OK ? file_mkdirs(path.data, REPO_FOLDER_MODE, err) : status;
}

enum status journal_write(const char *folder, const struct journal_file *files,
                          size_t count, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    BUF_AUTO text = BUF_INIT(JOURNAL_MAX_BYTES);
    buf_addstr(&text, "{\"files\":[");
    for (size_t i = 0; i < count; i++) {
        buf_addstr(&text, i > 0 ? ",\n{\"role\":" : "\n{\"role\":");
        buf_add_json(&text, files[i].role);
        buf_addstr(&text, ",\"version\":");
        buf_addi(&text, files[i].version);
        buf_addstr(&text, ",\"text\":");
        buf_add_json(&text, files[i].bytes->data);
        buf_addc(&text, '}');
    }
    buf_addstr(&text, "\n]}\n");
    enum status status = buf_status(&text, err);
    if (status == OK) {
        status = make_staged(folder, err);
    }
    if (status == OK) {
        status = journal_path(folder, &path, err);
    }
    return status == OK
               ? file_write_atomic(path.data, text.data, text.len, REPO_FILE_MODE, err)
               : status;
}

static enum status publish_file(const char *folder, const json_t *file, struct err *err)
{
    const char *role = NULL;
    const char *text = NULL;
    int64_t version = 0;
    enum status status = tuf_json_text(file, "role", &role, err);
    if (status == OK) {
        status = tuf_json_integer(file, "version", 1, &version, err);
    }
    if (status == OK) {
        status = tuf_json_text(file, "text", &text, err);
    }
    if (status != OK) {
        return status;
    }
    struct buf bytes = {.data = (char *)text, .len = strlen(text)};
    return metadata_file_write(folder, role, version, &bytes, err);
}

static enum status publish_files(const char *folder, const struct buf *journal,
                                 struct err *err)
{
    JSON_AUTO *tree = NULL;
    const json_t *files = NULL;
    enum status status =
        tuf_json_parse(journal->data, journal->len, journal->max, &tree, err);
    if (status == OK) {
        status = tuf_json_array(tree, "files", &files, err);
    }
    for (size_t i = 0; status == OK && i < json_array_size(files); i++) {
        status = publish_file(folder, json_array_get(files, i), err);
    }
    return status;
}

enum status journal_finish(const char *folder, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    BUF_AUTO journal = BUF_INIT(JOURNAL_MAX_BYTES);
    enum status status = journal_path(folder, &path, err);
    if (status != OK || !file_exists(path.data)) {
        return status;
    }
    status = file_read(path.data, &journal, err);
    if (status == OK) {
        status = publish_files(folder, &journal, err);
    }
    if (status == OK) {
        status = staged_sweep(folder, NULL, 0, err);
    }
    if (status != OK) {
        err_prefix(err, "'%.200s'", path.data);
        return status;
    }
    return file_remove(path.data, err);
}

static bool is_staged_file(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".json") == 0;
}

static bool is_kept(const char *name, const char *const *keep, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char file[TUF_FILE_NAME_MAX];
        tuf_role_file_name(keep[i], file);
        if (strcmp(file, name) == 0) {
            return true;
        }
    }
    return false;
}

static void close_dir(DIR **dir)
{
    if (*dir) {
        (void)closedir(*dir);
    }
}

enum status staged_sweep(const char *folder, const char *const *keep, size_t count,
                         struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status = folder_path(&path, folder, err, "staged");
    if (status != OK) {
        return status;
    }
    __attribute__((cleanup(close_dir))) DIR *dir = opendir(path.data);
    if (!dir) {
        return errno == ENOENT ? OK
                               : err_set_errno(err, "could not open '%s'", path.data);
    }
    file_sweep_temporary(path.data);
    for (struct dirent *entry = readdir(dir); status == OK && entry;
         entry = readdir(dir)) {
        BUF_AUTO file = BUF_INIT(REPO_PATH_BYTES);
        if (!is_staged_file(entry->d_name) || is_kept(entry->d_name, keep, count)) {
            continue;
        }
        status = folder_path(&file, folder, err, "staged/%s", entry->d_name);
        if (status == OK) {
            status = file_remove(file.data, err);
        }
    }
    return status;
}
