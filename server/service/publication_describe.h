/* SPDX-License-Identifier: Apache-2.0 */
/* publication_describe: what is published of one model: how its artifacts can be had, and
 * who signed. From memory; everything is copied into the arena. */
#ifndef MUSTER_SERVER_SERVICE_PUBLICATION_DESCRIBE_H
#define MUSTER_SERVER_SERVICE_PUBLICATION_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/publication.h"
#include "tuf/key.h"

/* A way to have an artifact in fewer bytes. */
struct model_transport {
    uint8_t result_sha256[32]; /* of the artifact */
    bool is_delta, has_base;
    uint8_t base_sha256[32]; /* of the artifact that a delta starts from */
    int64_t length;
    const char *path;
};

/* What an artifact is made for. */
struct model_format {
    const char *path;
    const char *format; /* "mnet/1" */
};

/* A key that may sign for a role, and whether its signature is there and good. */
struct model_key {
    const char *keyid;
    enum key_kind kind;
    bool signed_by;
};

/* A role on which the model rests: the four, and delegated ones that list it. */
struct model_role {
    struct publication_role role;
    int64_t threshold;
    struct model_key *keys;
    size_t key_count;
};

struct model_description {
    struct model_transport *transports; /* by result, the shortest first */
    size_t transport_count;
    struct model_format *formats; /* by path */
    size_t format_count;
    struct model_role *roles; /* none before the first push */
    size_t role_count;
};

/* ERR_NO_MEMORY. Looks once at every target and verifies each signature, some 50 us. */
enum status publication_describe(struct publication *publication, const char *model,
                                 struct arena *arena,
                                 struct model_description *ret_description,
                                 struct err *err) MUST_USE;

/* The first transport of an artifact (its others follow it), or NULL. */
const struct model_transport *
model_transports_of(const struct model_description *description,
                    const uint8_t sha256[static 32]);

/* The format of the artifact at a path, "" where it is not listed. */
const char *model_format_of(const struct model_description *description,
                            const char *path);

#endif
