/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/edge/fixture_folder.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"

void folder_make(char ret_path[static FOLDER_BYTES])
{
    const char *base = getenv("TMPDIR");
    if (access("/dev/shm", W_OK) == 0) {
        base = "/dev/shm"; /* thousands of fsyncs, which no test here depends on */
    }
    snprintf(ret_path, FOLDER_BYTES, "%s/muster-edge-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(ret_path));
}

static int remove_one(const char *path, const struct stat *info, int type,
                      struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

void folder_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void copy_file(const char *from, const char *to)
{
    BUF_AUTO data = BUF_INIT(64 * 1024 * 1024);
    assert_int_equal(file_read(from, &data, NULL), OK);
    FILE *out = fopen(to, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data.data ? data.data : "", 1, data.len, out), data.len);
    fclose(out);
}

void folder_copy(const char *from, const char *to)
{
    assert_int_equal(file_mkdirs(to, 0700, NULL), OK);
    DIR *folder = opendir(from);
    assert_non_null(folder);
    const struct dirent *item;
    while ((item = readdir(folder)) != NULL) {
        char source[1024], target[1024];
        struct stat info;
        snprintf(source, sizeof source, "%s/%s", from, item->d_name);
        snprintf(target, sizeof target, "%s/%s", to, item->d_name);
        assert_int_equal(lstat(source, &info), 0);
        if (S_ISREG(info.st_mode)) {
            copy_file(source, target);
        } else if (S_ISDIR(info.st_mode) && item->d_name[0] != '.') {
            folder_copy(source, target);
        }
    }
    closedir(folder);
}

int folder_count(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    const struct dirent *item;
    while (folder && (item = readdir(folder)) != NULL) {
        count += item->d_type == DT_REG;
    }
    if (folder) {
        closedir(folder);
    }
    return count;
}
