/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { LABEL_BYTES_MAX = 256 };

int remote_list(const struct remote *remote, const char *path,
                const struct column *columns, size_t count)
{
    HTTP_JSON_AUTO *items = NULL;
    struct err err = {0};
    if (http_list(&remote->connection, path, &items, &err) != OK) {
        return cli_fail(&err);
    }
    return output_list(&remote->output, items, columns, count);
}

int remote_send(const struct remote *remote, const char *method, const char *path,
                json_t *body, const struct column *columns, size_t count)
{
    HTTP_JSON_AUTO *owned = body;
    HTTP_JSON_AUTO *answer = NULL;
    struct err err = {0};
    if (http_json(&remote->connection, method, path, owned, &answer, &err) != OK) {
        return cli_fail(&err);
    }
    return answer ? output_object(&remote->output, answer, columns, count) : CLI_OK;
}

static enum status add_label(const char *item, bool removals, json_t *labels,
                             struct err *err)
{
    char key[LABEL_BYTES_MAX];
    const char *equals = strchr(item, '=');
    size_t len = equals ? (size_t)(equals - item) : strlen(item);
    bool removal = !equals && removals && len > 1 && item[len - 1] == '-';
    if (len == 0 || len >= sizeof key || (!equals && !removal)) {
        return err_set(err, ERR_USAGE, "a label must be 'key=value'%s, not '%.64s'",
                       removals ? " or 'key-'" : "", item);
    }
    (void)snprintf(key, sizeof key, "%.*s", (int)(len - removal), item);
    json_t *value = removal ? json_null() : json_string(equals + 1);
    if (json_object_set_new(labels, key, value) != 0) {
        return err_set(err, ERR_USAGE, "the label '%.64s' is no UTF-8", item);
    }
    return OK;
}

enum status remote_labels(const char *const *items, size_t count, bool removals,
                          json_t *ret_labels, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        enum status status = add_label(items[i], removals, ret_labels, err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

enum status remote_id(const char *text, int64_t *ret_id, struct err *err)
{
    int64_t id = 0;
    if (!option_integer(text, &id) || id <= 0) {
        return err_set(err, ERR_USAGE, "an id must be a number above 0, not '%.64s'",
                       text);
    }
    *ret_id = id;
    return OK;
}
