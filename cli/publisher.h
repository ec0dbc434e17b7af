/* SPDX-License-Identifier: Apache-2.0 */
/* publisher: what the subcommands over a repository folder share: its options, its keys,
 * and pushing it to a server. */
#ifndef MUSTER_CLI_PUBLISHER_H
#define MUSTER_CLI_PUBLISHER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/http.h"
#include "cli/options.h"
#include "repo/publish.h"
#include "repo/repository.h"

/* Zero-initialise, fill by PUBLISHER_OPTIONS. */
struct publisher {
    const char *repo;            /* NULL: MUSTER_REPO or the current folder */
    const char *passphrase_file; /* NULL: MUSTER_PASSPHRASE or a prompt */
};

#define PUBLISHER_REPO_OPTION(publisher)                                                 \
    {                                                                                    \
        "repo", 'r', OPTION_TEXT, &(publisher).repo, "DIR",                              \
            "the repository (or MUSTER_REPO; default: here)"                             \
    }
#define PUBLISHER_PASSPHRASE_OPTION(publisher)                                           \
    {                                                                                    \
        "passphrase-file", 'p', OPTION_TEXT, &(publisher).passphrase_file, "FILE",       \
            "first line opens the keys (or MUSTER_PASSPHRASE)"                           \
    }

/* The keys that sign targets and snapshot, wiped at the end of their scope. */
struct publisher_keys {
    struct signing_key targets;
    struct signing_key snapshot;
};

#define PUBLISHER_KEYS_AUTO                                                              \
    __attribute__((cleanup(publisher_keys_wipe))) struct publisher_keys

/* Opens the repository that the options name. */
enum status publisher_open(const struct publisher *publisher,
                           struct repository *ret_repository, struct err *err) MUST_USE;

/* Asks for the passphrase and opens the keys. `days` is the life of what is signed. */
enum status publisher_sign(const struct publisher *publisher,
                           const struct repository *repository, int64_t days,
                           struct publisher_keys *ret_keys,
                           struct publish_signing *ret_signing, struct err *err) MUST_USE;

/* Asks for the passphrase and opens the key that signs root. */
enum status publisher_root_key(const struct publisher *publisher,
                               const struct repository *repository,
                               struct signing_key *ret_key, struct err *err) MUST_USE;

/* Overwrites the keys. */
void publisher_keys_wipe(struct publisher_keys *keys);

/* Uploads target files that the server's targets version did not list yet (all of them
 * with `all`), then the metadata. *ret_answer is the server's answer. Says on stderr what
 * it uploads. */
enum status publisher_push(const struct connection *connection,
                           const struct repository *repository, bool all,
                           json_t **ret_answer, struct err *err) MUST_USE;

#endif
