/* SPDX-License-Identifier: Apache-2.0 */
/* publisher: what the subcommands over a repository folder share: their options, the
 * draft of the next state, the keys that sign it, and what is said about it.
 *
 * A verb opens a draft, changes it, and finishes: with nothing staged before, it is
 * signed at once by the keys at hand and published when every threshold is met; otherwise
 * it is staged and 'muster repo sign' shows the whole of it before anything is signed.
 * The passphrase is asked once a command. */
#ifndef MUSTER_CLI_PUBLISHER_H
#define MUSTER_CLI_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/options.h"
#include "cli/passphrase.h"
#include "repo/draft.h"
#include "repo/keychain.h"
#include "repo/repository.h"

enum { PUBLISHER_DAYS = 365 };

/* Initialise with PUBLISHER_INIT, fill by the options below. */
struct publisher {
    const char *repo;            /* NULL: MUSTER_REPO or the current folder */
    const char *passphrase_file; /* NULL: MUSTER_PASSPHRASE or a prompt */
    struct option_list keys;     /* key files beside those of the repository */
    const char *external;        /* a command that signs, or NULL */
    int64_t days;                /* life of what is signed */
    struct passphrase passphrase;
    bool asked; /* the passphrase is there */
};

#define PUBLISHER_INIT                                                                   \
    {                                                                                    \
        .days = PUBLISHER_DAYS                                                           \
    }
#define PUBLISHER_AUTO __attribute__((cleanup(publisher_wipe))) struct publisher

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
#define PUBLISHER_DAYS_OPTION(publisher)                                                 \
    {                                                                                    \
        "days", 'd', OPTION_INTEGER, &(publisher).days, "N",                             \
            "signatures are good for N days (default: 365)"                              \
    }
/* How a verb that changes something is signed. */
#define PUBLISHER_SIGN_OPTIONS(publisher)                                                \
    PUBLISHER_PASSPHRASE_OPTION(publisher),                                              \
        {"key",       'k',                                                               \
         OPTION_LIST, &(publisher).keys,                                                 \
         "FILE",      "sign with this key file too (several times)"},                    \
    {                                                                                    \
        "external", 0, OPTION_TEXT, &(publisher).external, "CMD",                        \
            "sign with a program: message in, signature out"                             \
    }

/* Opens the repository that the options name. */
enum status publisher_open(const struct publisher *publisher,
                           struct repository *ret_repository, struct err *err) MUST_USE;

/* Begins a draft over it, with what is staged. */
enum status publisher_draft(const struct publisher *publisher,
                            struct repository *repository, struct draft *ret_draft,
                            struct err *err) MUST_USE;

/* The key files at hand. */
enum status publisher_keychain(const struct publisher *publisher,
                               const struct repository *repository,
                               struct keychain *ret_keychain, struct err *err) MUST_USE;

/* The passphrase, asked for at the first call; with `confirm` twice at a prompt. */
enum status publisher_passphrase(struct publisher *publisher, bool confirm,
                                 struct err *err) MUST_USE;

/* Signs a draft by --external and the keys at hand. *ret_added counts signatures. */
enum status publisher_sign(struct publisher *publisher, struct draft *draft,
                           struct keychain *keychain, int *ret_added,
                           struct err *err) MUST_USE;

/* Publishes a complete draft, else stages it; says so on stderr, with who has to sign. */
enum status publisher_keep(struct draft *draft, const struct keychain *keychain,
                           bool *ret_published, struct err *err) MUST_USE;

/* What every verb ends with: settles, signs unless something was staged before, keeps.
 * *ret_published (may be NULL): nothing more has to be signed. */
enum status publisher_finish(struct publisher *publisher, struct draft *draft,
                             bool *ret_published, struct err *err) MUST_USE;

/* What one verb does to a draft; `change` is the verb's own. */
typedef enum status publisher_edit(struct draft *draft, const void *change,
                                   struct err *err);

/* A whole verb: opens the repository, begins a draft, edits it and finishes. */
enum status publisher_change(struct publisher *publisher, publisher_edit *edit,
                             const void *change, struct err *err) MUST_USE;

/* Whether a key is named by its file (a '/' or ".key" at the end), not by its label. */
bool key_is_file(const char *name);

/* Overwrites the passphrase. */
void publisher_wipe(struct publisher *publisher);

#endif
