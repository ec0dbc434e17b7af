/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/publication_check.h"

#include "base/digest.h"
#include "base/hex.h"
#include "server/service/publication_files.h"

enum status publication_check(const char *folder,
                              enum status (*each)(void *context, const char *sha256,
                                                  uint64_t length, struct err *err),
                              void *context, struct err *err)
{
    struct publication publication = {.options = {.folder = folder}};
    struct live *live = NULL;
    enum status status = publication_load(&publication, &live, err);
    if (status != OK || !live) {
        return status;
    }
    const struct tuf_targets *targets = &live->listing;
    for (size_t i = 0; status == OK && i < targets->count; i++) {
        char sha256[SHA256_HEX_BYTES];
        hex_encode(targets->targets[i].hashes.sha256, SHA256_BYTES, sha256);
        status = each(context, sha256, (uint64_t)targets->targets[i].length, err);
    }
    live_free(live);
    return status;
}
