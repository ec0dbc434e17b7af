/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/target_transports.h"

#include <string.h>

/* Whether it leads to the artifact; a delta from the artifact itself leads nowhere. */
static bool leads_to(const struct model_target *transport,
                     const struct model_target *artifact)
{
    const uint8_t *sha256 = artifact->file->hashes.sha256;
    return transport->kind == TARGET_TRANSPORT && transport->seq == artifact->seq &&
           strcmp(transport->model, artifact->model) == 0 &&
           strcmp(transport->variant, artifact->variant) == 0 &&
           transport->result_length == artifact->file->length &&
           memcmp(transport->result_sha256, sha256, 32) == 0 &&
           transport->file->length > 0 &&
           transport->file->length < artifact->file->length &&
           !(transport->has_base && memcmp(transport->base_sha256, sha256, 32) == 0);
}

/* Puts it at its place; the longest one goes when there is no room. */
static void add_sorted(struct target_transports *transports,
                       const struct model_target *next)
{
    size_t i = transports->count;
    if (i == TARGET_TRANSPORTS_MAX) {
        i--;
        if (transports->items[i].file->length <= next->file->length) {
            return;
        }
    } else {
        transports->count++;
    }
    for (; i > 0 && transports->items[i - 1].file->length > next->file->length; i--) {
        transports->items[i] = transports->items[i - 1];
    }
    transports->items[i] = *next;
}

void target_transports_find(const struct tuf_targets *targets,
                            const struct model_target *artifact,
                            struct target_transports *ret_transports)
{
    const char *path = artifact->file->path;
    size_t folder = (size_t)(strrchr(path, '/') + 1 - path);
    ret_transports->count = 0;
    for (size_t i = 0; i < targets->count; i++) {
        const struct tuf_target *file = &targets->targets[i];
        bool ours = false;
        struct model_target next;
        if (strncmp(file->path, path, folder) == 0 &&
            model_target_parse(file, &ours, &next, NULL) == OK && ours &&
            leads_to(&next, artifact)) {
            add_sorted(ret_transports, &next);
        }
    }
}
