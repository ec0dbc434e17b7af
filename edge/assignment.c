/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/assignment.h"

#include <jansson.h>
#include <string.h>

#include "base/hex.h"
#include "edge/detail_file.h"

static enum status malformed(const char *what, struct err *err)
{
    return err_set(err, ERR_NET_STATUS, "assignment: a usable %s expected, none found",
                   what);
}

static bool take_text(const json_t *object, const char *name, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || text[0] == '\0' || strlen(text) >= size) {
        return false;
    }
    memcpy(ret_text, text, strlen(text) + 1);
    return true;
}

static const json_t *choose(const json_t *models, const char *model)
{
    for (size_t i = 0; i < json_array_size(models); i++) {
        const json_t *item = json_array_get(models, i);
        const char *name = json_string_value(json_object_get(item, "model"));
        if (!model || (name && strcmp(name, model) == 0)) {
            return item;
        }
    }
    return NULL;
}

static enum status decode_model(const json_t *item, struct assignment *assignment,
                                struct err *err)
{
    char artifact[65];
    if (!take_text(item, "model", assignment->model, sizeof assignment->model)) {
        return malformed("model", err);
    }
    if (!take_text(item, "path", assignment->path, sizeof assignment->path)) {
        return malformed("path", err);
    }
    if (!take_text(item, "artifact", artifact, sizeof artifact) ||
        hex_decode(artifact, assignment->artifact, 32, NULL) != OK) {
        return malformed("artifact", err);
    }
    assignment->detail = detail_from_json(json_object_get(item, "detail"));
    assignment->has_model = true;
    return OK;
}

static int64_t clamp_poll_ms(int64_t poll_s)
{
    int64_t bounded = poll_s < POLL_MIN_S   ? POLL_MIN_S
                      : poll_s > POLL_MAX_S ? POLL_MAX_S
                                            : poll_s;
    return bounded * 1000;
}

static enum status decode_tree(const json_t *tree, const char *model,
                               struct assignment *assignment, struct err *err)
{
    const json_t *models = json_object_get(tree, "models");
    if (!json_is_array(models)) {
        return malformed("list of models", err);
    }
    assignment->poll_ms =
        clamp_poll_ms(json_integer_value(json_object_get(tree, "poll_s")));
    assignment->timestamp_version =
        json_integer_value(json_object_get(tree, "timestamp_version"));
    assignment->root_version = json_integer_value(json_object_get(tree, "root_version"));
    const json_t *item = choose(models, model);
    return item ? decode_model(item, assignment, err) : OK;
}

enum status assignment_decode(const char *body, size_t len, const char *model,
                              struct assignment *ret_assignment, struct err *err)
{
    json_t *tree = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(tree)) {
        json_decref(tree);
        return malformed("JSON", err);
    }
    struct assignment assignment = {0};
    enum status status = decode_tree(tree, model, &assignment, err);
    json_decref(tree);
    if (status == OK) {
        *ret_assignment = assignment;
    }
    return status;
}
