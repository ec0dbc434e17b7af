/* SPDX-License-Identifier: Apache-2.0 */
#include "server/arguments.h"

#include <string.h>

static const struct argument *find(const char *text, const struct argument *own,
                                   size_t own_count, const char **ret_value)
{
    size_t len = strcspn(text, "=");
    *ret_value = text[len] == '=' ? text + len + 1 : NULL;
    for (size_t i = 0; i < own_count; i++) {
        const char *name = own[i].name;
        bool named = name && strlen(name) == len && memcmp(name, text, len) == 0;
        if (named || (!name && text[0] != '-' && !*own[i].text)) {
            *ret_value = name ? *ret_value : text;
            return &own[i];
        }
    }
    return NULL;
}

enum status arguments_take(int argc, char **argv, const struct argument *own,
                           size_t own_count, struct arguments *ret_arguments,
                           struct err *err)
{
    ret_arguments->count = 0;
    if (argc > ARGUMENTS_MAX) {
        return err_set(err, ERR_USAGE, "too many arguments");
    }
    for (int i = 0; i < argc; i++) {
        const char *value = NULL;
        const struct argument *found = find(argv[i], own, own_count, &value);
        if (found && found->flag && !value) {
            *found->flag = true;
        } else if (found && found->text && (value || i + 1 < argc)) {
            *found->text = value ? value : argv[++i];
        } else if (found) {
            return err_set(err, ERR_USAGE, "%s %s", found->name,
                           found->text ? "wants a value" : "takes no value");
        } else {
            ret_arguments->left[ret_arguments->count++] = argv[i];
            bool value_follows =
                strncmp(argv[i], "--", 2) == 0 && !strchr(argv[i], '=') && i + 1 < argc;
            if (value_follows) {
                ret_arguments->left[ret_arguments->count++] = argv[++i];
            }
        }
    }
    return OK;
}
