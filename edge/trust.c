/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/trust.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tuf/target.h"
#include "tuf/target_search.h"

enum { FILE_BYTES = 1024 * 1024, TIME_STEP_MS = 3600000 };

static enum status parse(struct trust *trust, const struct buf *text, struct err *err)
{
    json_t *tree =
        json_loadb(text->data ? text->data : "", text->len, JSON_REJECT_DUPLICATES, NULL);
    json_t *floors = json_object_get(tree, "floors");
    if (!json_is_object(floors)) {
        json_decref(tree);
        return err_set(err, ERR_IO, "damaged floors file '%s'", trust->path);
    }
    trust->floors = json_incref(floors);
    trust->time_ms = json_integer_value(json_object_get(tree, "time_ms"));
    json_decref(tree);
    return OK;
}

static enum status open_folder(struct trust *trust, const char *state_folder,
                               struct err *err)
{
    char folder[EDGE_PATH_BYTES];
    enum status status = env_join(state_folder, "trust", folder, err);
    if (status == OK) {
        status = file_mkdirs(folder, 0700, err);
    }
    if (status == OK) {
        file_sweep_temporary(folder);
        status = env_join(folder, "floors.json", trust->path, err);
    }
    return status;
}

enum status trust_open(struct trust *trust, const char *state_folder, struct err *err)
{
    *trust = (struct trust){0};
    enum status status = open_folder(trust, state_folder, err);
    if (status != OK) {
        return status;
    }
    if (!file_exists(trust->path)) {
        trust->floors = json_object();
        return trust->floors ? OK : err_set(err, ERR_NO_MEMORY, "no memory for floors");
    }
    BUF_AUTO text = BUF_INIT(FILE_BYTES);
    status = file_read(trust->path, &text, err);
    return status == OK ? parse(trust, &text, err) : status;
}

void trust_release(struct trust *trust)
{
    json_decref(trust->floors);
    trust->floors = NULL;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t trust_now_ms(const struct trust *trust, const struct timebase *base,
                     const struct edge_env *env)
{
    return later(trust->time_ms, later(env_wall_ms(env), timebase_now_ms(base, env)));
}

int64_t trust_floor(const struct trust *trust, const char *model)
{
    return json_integer_value(json_object_get(trust->floors, model));
}

static enum status save(const struct trust *trust, struct err *err)
{
    json_t *tree = json_pack("{s:I, s:O}", "time_ms", (json_int_t)trust->time_ms,
                             "floors", trust->floors);
    char *text = tree ? json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    enum status status =
        text ? file_write_atomic(trust->path, text, strlen(text), 0600, err)
             : err_set(err, ERR_NO_MEMORY, "could not write the floors");
    free(text);
    json_decref(tree);
    return status;
}

/* Whether this entry raised its model's floor. */
static bool raise_by(struct trust *trust, const struct tuf_target *target)
{
    struct model_target entry;
    bool ours = false;
    if (model_target_parse(target, &ours, &entry, NULL) != OK || !ours ||
        entry.kind != TARGET_ARTIFACT || entry.floor <= trust_floor(trust, entry.model)) {
        return false;
    }
    return json_object_set_new(trust->floors, entry.model, json_integer(entry.floor)) ==
           0;
}

static enum status save_unsaved(struct trust *trust, struct err *err)
{
    enum status status = trust->unsaved ? save(trust, err) : OK;
    trust->unsaved = status != OK;
    return status;
}

enum status trust_raise(struct trust *trust, const struct tuf_targets *targets,
                        int64_t now_ms, struct err *err)
{
    for (size_t i = 0; i < targets->count; i++) {
        trust->unsaved = raise_by(trust, &targets->targets[i]) || trust->unsaved;
    }
    if (now_ms > trust->time_ms + TIME_STEP_MS) {
        trust->time_ms = now_ms;
        trust->unsaved = true;
    }
    return save_unsaved(trust, err);
}

/* Whether a search for the entry's path, through what has been accepted, ends here. */
static bool speaks_for(const struct tuf_targets *lister, const char *path,
                       struct target_search *search, struct trusted_set *set)
{
    enum search_state state = SEARCH_ABSENT;
    return target_search_init(search, set, path, NULL) == OK &&
           target_search_step(search, &state, NULL) == OK && state == SEARCH_FOUND &&
           search->lister == lister;
}

enum status trust_raise_model(struct trust *trust, struct trusted_set *set,
                              const struct tuf_targets *lister, const char *model,
                              struct err *err)
{
    size_t len = strlen(model);
    struct target_search *search = malloc(sizeof *search);
    if (!search) {
        return err_set(err, ERR_NO_MEMORY, "no memory to search");
    }
    for (size_t i = 0; i < lister->count; i++) {
        const struct tuf_target *target = &lister->targets[i];
        if (strncmp(target->path, model, len) == 0 && target->path[len] == '/' &&
            speaks_for(lister, target->path, search, set)) {
            trust->unsaved = raise_by(trust, target) || trust->unsaved;
        }
    }
    free(search);
    return save_unsaved(trust, err);
}
