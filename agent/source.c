/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/source.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096 };

static enum status add_file(struct source *source, const char *path, struct err *err)
{
    struct image_set set;
    enum status status = image_set_read(path, &set, err);
    if (status != OK) {
        err_prefix(err, "%s", path);
        return status;
    }
    struct image_set *grown =
        realloc(source->sets, (source->set_count + 1) * sizeof *grown);
    if (!grown) {
        image_set_release(&set);
        return err_set(err, ERR_NO_MEMORY, "too many images");
    }
    source->sets = grown;
    source->sets[source->set_count++] = set;
    return OK;
}

static int is_visible(const struct dirent *item)
{
    return item->d_name[0] != '.';
}

static enum status add_folder(struct source *source, const char *folder, struct err *err)
{
    struct dirent **items = NULL;
    int count = scandir(folder, &items, is_visible, alphasort);
    if (count < 0) {
        return err_set_errno(err, "could not read the folder '%s'", folder);
    }
    enum status status = OK;
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES];
        int len = snprintf(path, sizeof path, "%s/%s", folder, items[i]->d_name);
        if (status == OK && len > 0 && len < PATH_BYTES) {
            status = add_file(source, path, err);
        }
        free(items[i]);
    }
    free(items);
    return status;
}

static size_t picture_count(const struct source *source)
{
    size_t count = 0;
    for (size_t i = 0; i < source->set_count; i++) {
        count += source->sets[i].count;
    }
    return count;
}

static enum status choose(struct source *source, const struct source_part *part,
                          struct err *err)
{
    source->frames = calloc(picture_count(source) + 1, sizeof *source->frames);
    if (!source->frames) {
        return err_set(err, ERR_NO_MEMORY, "too many images");
    }
    size_t index = 0;
    for (size_t s = 0; s < source->set_count; s++) {
        for (size_t i = 0; i < source->sets[s].count; i++, index++) {
            bool mine = index >= part->from && index < part->to &&
                        index % part->stride == part->phase % part->stride;
            if (mine) {
                source->frames[source->frame_count++] = (struct source_frame){
                    .set = &source->sets[s], .picture = i, .sample = (int64_t)index};
            }
        }
    }
    if (source->frame_count == 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "no picture of the source is chosen");
    }
    return OK;
}

enum status source_open(const char *path, const struct source_part *part,
                        struct source *ret_source, struct err *err)
{
    SOURCE_AUTO source = {0};
    struct stat info;
    if (stat(path, &info) != 0) {
        return err_set_errno(err, "could not open '%s'", path);
    }
    enum status status = S_ISDIR(info.st_mode) ? add_folder(&source, path, err)
                                               : add_file(&source, path, err);
    if (status == OK) {
        status = choose(&source, part, err);
    }
    if (status == OK) {
        *ret_source = source;
        source = (struct source){0};
    }
    return status;
}

void source_release(struct source *source)
{
    for (size_t i = 0; i < source->set_count; i++) {
        image_set_release(&source->sets[i]);
    }
    free(source->sets);
    free(source->frames);
    *source = (struct source){0};
}
