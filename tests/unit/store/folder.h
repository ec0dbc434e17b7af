/* SPDX-License-Identifier: Apache-2.0 */
/* folder: a temporary data directory for the tests of the store and the services. */
#ifndef MUSTER_TESTS_UNIT_STORE_FOLDER_H
#define MUSTER_TESTS_UNIT_STORE_FOLDER_H

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Makes a folder below $TMPDIR or /tmp. */
static inline void folder_make(char ret_path[static PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(ret_path, PATH_MAX, "%s/muster-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(ret_path)) {
        perror("mkdtemp");
        abort();
    }
}

/* Removes the folder and the files in it. */
static inline void folder_remove(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir) {
        (void)closedir(dir);
    }
    (void)rmdir(path);
}

#endif
