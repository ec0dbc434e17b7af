/* SPDX-License-Identifier: Apache-2.0 */
/* folder: a temporary folder for one test and a real repository in it, made by repo/. */
#ifndef MUSTER_TESTS_UNIT_REPO_FOLDER_H
#define MUSTER_TESTS_UNIT_REPO_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "repo/draft.h"
#include "repo/publish.h"
#include "repo/repository.h"
#include "repo/signature.h"
#include "repo/staging.h"

#define NOW_MS INT64_C(1795420000000)
#define DAY_MS INT64_C(86400000)
#define PASSPHRASE "correct horse"

enum { FOLDER_BYTES = 256, FOLDER_PATH_BYTES = 1024 };

static inline int folder_remove_entry(const char *path, const struct stat *st, int type,
                                      struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void folder_remove(char (*folder)[FOLDER_BYTES])
{
    (void)nftw(*folder, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#define FOLDER_AUTO __attribute__((cleanup(folder_remove))) char

static inline void folder_make(char ret_folder[static FOLDER_BYTES])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(ret_folder, FOLDER_BYTES, "%.200s/muster-repo-XXXXXX",
                   base ? base : "/tmp");
    assert_non_null(mkdtemp(ret_folder));
}

static inline void folder_must(enum status status, const struct err *err)
{
    if (status != OK) {
        print_message("%s: %s\n", status_name(status), err->detail);
    }
    assert_int_equal(status, OK);
}

/* The server's timestamp key, of a fixed seed. */
static inline struct signing_key folder_timestamp_key(void)
{
    uint8_t seed[ED25519_SEED_BYTES];
    struct signing_key key;
    struct err err = {0};
    memset(seed, 42, sizeof seed);
    folder_must(signing_key_from_seed(seed, &key, &err), &err);
    return key;
}

static inline struct repository_order folder_order(void)
{
    struct repository_order order = {.passphrase = PASSPHRASE,
                                     .cost = KEY_COST_LEAST,
                                     .now_ms = NOW_MS,
                                     .life_ms = 365 * DAY_MS};
    struct signing_key key = folder_timestamp_key();
    memcpy(order.timestamp_public, key.public_key, sizeof order.timestamp_public);
    return order;
}

/* A new repository in a new folder, open. */
static inline void folder_repository(char ret_folder[static FOLDER_BYTES],
                                     struct repository *ret_repository)
{
    struct repository_order order = folder_order();
    struct err err = {0};
    folder_make(ret_folder);
    folder_must(repository_init(ret_folder, &order, &err), &err);
    folder_must(repository_open(ret_folder, ret_repository, &err), &err);
}

/* A draft over it at NOW_MS, with what is staged. */
static inline void folder_draft(struct repository *repository, struct draft *ret_draft)
{
    struct err err = {0};
    draft_init(ret_draft, repository, NOW_MS, 365 * DAY_MS);
    folder_must(staging_load(ret_draft, &err), &err);
}

/* Signs with the keys of the folder and those of `files` (ends with NULL, may be NULL);
 * publishes what is complete and stages the rest, as the command line does. */
static inline enum status folder_sign(struct draft *draft, const char *const *files,
                                      bool *ret_published, struct err *err)
{
    KEYCHAIN_AUTO keychain = {0};
    int added = 0;
    enum status status = draft_settle(draft, err);
    for (size_t i = 0; status == OK && files && files[i]; i++) {
        status = keychain_add_file(&keychain, files[i], err);
    }
    if (status == OK) {
        status = keychain_add_folder(&keychain, draft->repository->folder, err);
    }
    if (status == OK) {
        status = signature_by_keys(draft, &keychain, PASSPHRASE, &added, err);
    }
    if (status != OK) {
        return status;
    }
    *ret_published = draft_complete(draft);
    return *ret_published ? staging_commit(draft, err) : staging_store(draft, err);
}

/* The same, which must publish. */
static inline void folder_publish(struct draft *draft)
{
    bool published = false;
    struct err err = {0};
    folder_must(folder_sign(draft, NULL, &published, &err), &err);
    assert_true(published);
}

#endif
