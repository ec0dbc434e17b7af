/* SPDX-License-Identifier: Apache-2.0 */
/* A plain main() for fuzz targets: replays every file of the folders named on the command
 * line. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT_BYTES = 16 * 1024 * 1024 };

static int replay_file(const char *path)
{
    BUF_AUTO input = BUF_INIT(MAX_INPUT_BYTES);
    struct err err = {0};
    if (file_read(path, &input, &err) != OK) {
        fprintf(stderr, "%s\n", err.detail);
        return 1;
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)(input.data ? input.data : ""),
                                 input.len);
    return 0;
}

static int replay_folder(const char *folder, int *count)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        fprintf(stderr, "cannot open the corpus '%s'\n", folder);
        return 1;
    }
    int failed = 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char path[PATH_MAX];
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            failed |= replay_file(path);
            (*count)++;
        }
    }
    (void)closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    int count = 0;
    for (int i = 1; i < argc; i++) {
        failed |= replay_folder(argv[i], &count);
    }
    printf("replayed %d inputs\n", count);
    return failed || count == 0;
}
