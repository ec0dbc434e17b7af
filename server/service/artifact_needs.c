/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/artifact_needs.h"

#include <stdio.h>

/* A list of texts that does not share memory with verified targets, which other threads
 * free. */
static enum status copy_list(const json_t *list, json_t **ret_copy, struct err *err)
{
    *ret_copy = list ? json_deep_copy(list) : NULL;
    return list && !*ret_copy ? err_set(err, ERR_NO_MEMORY, "no memory for an artifact")
                              : OK;
}

enum status artifact_needs_init(struct artifact_needs *ret_needs,
                                const struct model_target *target, struct err *err)
{
    struct artifact_needs *needs = ret_needs;
    *needs = (struct artifact_needs){0};
    enum status status = copy_list(target->hardware, &needs->hardware, err);
    if (status == OK) {
        status = copy_list(target->cpu_features, &needs->cpu_features, err);
    }
    if (status != OK) {
        artifact_needs_release(needs);
        return status;
    }
    (void)snprintf(needs->format, sizeof needs->format, "%s",
                   target->format ? target->format : "");
    (void)snprintf(needs->runtime_min, sizeof needs->runtime_min, "%s",
                   target->runtime_min ? target->runtime_min : "");
    needs->file.length = target->file ? target->file->length : 0;
    needs->target = (struct model_target){
        .file = &needs->file,
        .format = needs->format[0] ? needs->format : NULL,
        .hardware = needs->hardware,
        .cpu_features = needs->cpu_features,
        .ram_bytes = target->ram_bytes,
        .flash_bytes = target->flash_bytes,
        .runtime_min = needs->runtime_min[0] ? needs->runtime_min : NULL,
        .features = target->features,
        .has_ops = target->has_ops,
    };
    for (size_t i = 0; i < sizeof target->ops; i++) {
        needs->target.ops[i] = target->ops[i];
    }
    return OK;
}

void artifact_needs_release(struct artifact_needs *needs)
{
    json_decref(needs->hardware);
    json_decref(needs->cpu_features);
    *needs = (struct artifact_needs){0};
}

bool artifact_needs_native(const struct artifact_needs *needs)
{
    return !needs->target.format || fit_is_native(needs->target.format);
}
