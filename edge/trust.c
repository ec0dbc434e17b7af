/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/trust.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "tuf/target.h"
#include "tuf/target_search.h"

enum { FILE_BYTES = 1024 * 1024, TIME_STEP_MS = 3600000, CHECK_BYTES = 8 };

/* The check of a tree that has none: over its compact text, members sorted. */
static bool check_of(const json_t *tree, char ret_check[static 2 * CHECK_BYTES + 1])
{
    uint8_t digest[SHA256_BYTES];
    char *text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);
    bool ok = text && sha256_of(text, strlen(text), digest, NULL) == OK;
    if (ok) {
        hex_encode(digest, CHECK_BYTES, ret_check);
    }
    free(text);
    return ok;
}

/* Files of before have no check. */
static bool is_whole(json_t *tree)
{
    char found[2 * CHECK_BYTES + 1], expected[2 * CHECK_BYTES + 1] = "";
    const json_t *check = json_object_get(tree, "check");
    if (!check) {
        return true;
    }
    const char *text = json_string_value(check);
    if (!text || strlen(text) >= sizeof expected) {
        return false;
    }
    memcpy(expected, text, strlen(text) + 1);
    return json_object_del(tree, "check") == 0 && check_of(tree, found) &&
           strcmp(found, expected) == 0;
}

static bool has_floors(const json_t *tree)
{
    const json_t *floors = json_object_get(tree, "floors");
    const char *model = NULL;
    json_t *floor = NULL;
    json_object_foreach((json_t *)floors, model, floor)
    {
        if (!json_is_integer(floor)) {
            return false;
        }
    }
    return json_is_object(floors) && json_is_integer(json_object_get(tree, "time_ms"));
}

static bool parse(struct trust *trust, const struct buf *text)
{
    json_t *tree =
        json_loadb(text->data ? text->data : "", text->len, JSON_REJECT_DUPLICATES, NULL);
    bool whole = json_is_object(tree) && is_whole(tree) && has_floors(tree);
    if (whole) {
        trust->floors = json_incref(json_object_get(tree, "floors"));
        trust->time_ms = json_integer_value(json_object_get(tree, "time_ms"));
    }
    json_decref(tree);
    return whole;
}

/* Kept for whoever wants to look at it. */
static void set_aside(const struct trust *trust)
{
    char aside[EDGE_PATH_BYTES];
    size_t len = strlen(trust->path) - strlen(".json");
    if (len + sizeof ".damaged" <= sizeof aside) {
        memcpy(aside, trust->path, len);
        memcpy(aside + len, ".damaged", sizeof ".damaged");
        enum status status = file_rename(trust->path, aside, NULL);
        (void)status; /* it is written anew in any case */
    }
}

static enum status begin_anew(struct trust *trust, struct err *err)
{
    trust->time_ms = 0;
    trust->floors = json_object();
    return trust->floors ? OK : err_set(err, ERR_NO_MEMORY, "no memory for floors");
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
        trust->missing = true;
        return begin_anew(trust, err);
    }
    BUF_AUTO text = BUF_INIT(FILE_BYTES);
    status = file_read(trust->path, &text, err);
    if (status == OK && !parse(trust, &text)) {
        trust->damaged = true;
        set_aside(trust);
        status = begin_anew(trust, err);
    }
    return status;
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
    char check[2 * CHECK_BYTES + 1];
    bool checked = tree && check_of(tree, check) &&
                   json_object_set_new(tree, "check", json_string(check)) == 0;
    char *text = checked ? json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
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

bool trust_is_lost(const struct trust *trust)
{
    return trust->missing || trust->damaged;
}

enum status trust_renew(struct trust *trust, const struct tuf_targets *targets,
                        const char *model, int64_t seq, struct err *err)
{
    for (size_t i = 0; targets && i < targets->count; i++) {
        (void)raise_by(trust, &targets->targets[i]);
    }
    if (model[0] && seq > trust_floor(trust, model) &&
        json_object_set_new(trust->floors, model, json_integer(seq)) != 0) {
        return err_set(err, ERR_NO_MEMORY, "no memory for floors");
    }
    trust->unsaved = true;
    return save_unsaved(trust, err);
}

enum status trust_reset(struct trust *trust, struct err *err)
{
    if (json_object_clear(trust->floors) != 0) {
        return err_set(err, ERR_INTERNAL, "could not forget the floors");
    }
    trust->time_ms = 0;
    trust->unsaved = true;
    return save_unsaved(trust, err);
}

void trust_describe(const struct trust *trust, struct buf *ret_text)
{
    const char *model = NULL;
    json_t *floor = NULL;
    size_t count = 0;
    json_object_foreach(trust->floors, model, floor)
    {
        buf_addf(ret_text, "%s%s %" JSON_INTEGER_FORMAT, count++ > 0 ? ", " : "", model,
                 json_integer_value(floor));
    }
    buf_addstr(ret_text, count == 0 ? "none" : "");
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
