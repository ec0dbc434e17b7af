/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/publisher.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "repo/signature.h"
#include "repo/staging.h"

enum { DAYS_MAX = 36500, TEXT_MAX = 1 << 20 };

static const int64_t DAY_MS = 86400000;

void publisher_wipe(struct publisher *publisher)
{
    passphrase_wipe(&publisher->passphrase);
    publisher->asked = false;
}

bool key_is_file(const char *name)
{
    size_t len = strlen(name);
    return strchr(name, '/') || (len > 4 && strcmp(name + len - 4, ".key") == 0);
}

enum status publisher_open(const struct publisher *publisher,
                           struct repository *ret_repository, struct err *err)
{
    const char *folder = publisher->repo ? publisher->repo : getenv("MUSTER_REPO");
    return repository_open(folder ? folder : ".", ret_repository, err);
}

enum status publisher_draft(const struct publisher *publisher,
                            struct repository *repository, struct draft *ret_draft,
                            struct err *err)
{
    if (publisher->days < 1 || publisher->days > DAYS_MAX) {
        return err_set(err, ERR_USAGE, "days from 1 to %d expected, %" PRId64 " found",
                       DAYS_MAX, publisher->days);
    }
    draft_init(ret_draft, repository, clock_wall_ms(), publisher->days * DAY_MS);
    return staging_load(ret_draft, err);
}

enum status publisher_keychain(const struct publisher *publisher,
                               const struct repository *repository,
                               struct keychain *ret_keychain, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < publisher->keys.count; i++) {
        status = keychain_add_file(ret_keychain, publisher->keys.items[i], err);
    }
    return status == OK ? keychain_add_folder(ret_keychain, repository->folder, err)
                        : status;
}

enum status publisher_passphrase(struct publisher *publisher, bool confirm,
                                 struct err *err)
{
    if (publisher->asked) {
        return OK;
    }
    enum status status =
        passphrase_read(publisher->passphrase_file, confirm, &publisher->passphrase, err);
    publisher->asked = status == OK;
    return status;
}

static void say_refused(const struct keychain *keychain)
{
    for (size_t i = 0; i < keychain->count; i++) {
        if (keychain->keys[i]->refused) {
            (void)fprintf(stderr,
                          "muster: '%s' has another passphrase and did not sign\n",
                          keychain->keys[i]->path);
        }
    }
}

enum status publisher_sign(struct publisher *publisher, struct draft *draft,
                           struct keychain *keychain, int *ret_added, struct err *err)
{
    int by_program = 0;
    int by_keys = 0;
    enum status status = OK;
    if (publisher->external) {
        status = signature_by_program(draft, publisher->external, &by_program, err);
    }
    if (status == OK && signature_wanted(draft, keychain)) {
        status = publisher_passphrase(publisher, false, err);
        if (status == OK) {
            status = signature_by_keys(draft, keychain, publisher->passphrase.text,
                                       &by_keys, err);
        }
        say_refused(keychain);
    }
    if (status == OK) {
        *ret_added = by_program + by_keys;
    }
    return status;
}

static void say_missing(const struct draft *draft, const struct keychain *keychain)
{
    BUF_AUTO text = BUF_INIT(TEXT_MAX);
    signature_missing(draft, keychain, &text);
    (void)fprintf(stderr, "muster: staged, not published yet\n%s",
                  text.data ? text.data : "");
}

enum status publisher_keep(struct draft *draft, const struct keychain *keychain,
                           bool *ret_published, struct err *err)
{
    bool complete = draft_complete(draft) && !draft->repository->bundle;
    enum status status = OK;
    if (complete) {
        status = staging_commit(draft, err);
    } else {
        status = staging_store(draft, err);
    }
    if (status != OK) {
        return status;
    }
    if (complete) {
        const struct repository *repository = draft->repository;
        (void)fprintf(stderr,
                      "muster: signed and published here: root %" PRId64
                      ", targets %" PRId64 ", snapshot %" PRId64 "\n",
                      repository->trust.root->envelope.version,
                      repository->targets->envelope.version,
                      repository->snapshot->envelope.version);
    } else if (draft->repository->bundle) {
        (void)fprintf(stderr,
                      "muster: signed in the bundle '%s'\n"
                      "  next, at home: 'muster repo unbundle' takes the signatures\n",
                      draft->repository->folder);
    } else {
        say_missing(draft, keychain);
    }
    *ret_published = complete;
    return OK;
}

enum status publisher_finish(struct publisher *publisher, struct draft *draft,
                             bool *ret_published, struct err *err)
{
    KEYCHAIN_AUTO keychain = {0};
    bool published = false;
    int added = 0;
    enum status status = draft_settle(draft, err);
    if (status == OK) {
        status = publisher_keychain(publisher, draft->repository, &keychain, err);
    }
    if (status == OK && draft->pending) {
        (void)fprintf(stderr, "muster: added to what was staged before: 'muster repo "
                              "sign' shows all of it and signs\n");
    } else if (status == OK) {
        status = publisher_sign(publisher, draft, &keychain, &added, err);
    }
    if (status == OK) {
        status = publisher_keep(draft, &keychain, &published, err);
    }
    if (status == OK && ret_published) {
        *ret_published = published;
    }
    return status;
}

enum status publisher_change(struct publisher *publisher, publisher_edit *edit,
                             const void *change, struct err *err)
{
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    DRAFT_AUTO draft = {0};
    enum status status = publisher_open(publisher, &repository, err);
    if (status == OK) {
        status = publisher_draft(publisher, &repository, &draft, err);
    }
    if (status == OK) {
        status = edit(&draft, change, err);
    }
    return status == OK ? publisher_finish(publisher, &draft, NULL, err) : status;
}
