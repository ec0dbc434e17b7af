/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/publisher.h"
#include "repo/changes.h"
#include "repo/staging.h"

enum { TEXT_MAX = 4 << 20, ANSWER_BYTES = 16 };

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

/* "yes" typed at the terminal; anything else is no. */
static enum status ask(struct err *err)
{
    static const char QUESTION[] = "sign this? (yes/no) ";
    char answer[ANSWER_BYTES];
    __attribute__((cleanup(close_fd))) int fd =
        open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return err_set(err, ERR_USAGE,
                       "no terminal to ask: read the above, then give --yes");
    }
    ssize_t asked = write(fd, QUESTION, sizeof QUESTION - 1);
    ssize_t got = asked < 0 ? -1 : read(fd, answer, sizeof answer - 1);
    if (got < 0) {
        return err_set_errno(err, "could not ask on the terminal");
    }
    answer[got] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    return strcmp(answer, "yes") == 0 ? OK
                                      : err_set(err, ERR_CONFLICT, "nothing was signed");
}

static enum status describe(const struct draft *draft, struct err *err)
{
    BUF_AUTO text = BUF_INIT(TEXT_MAX);
    changes_describe(draft, &text);
    enum status status = buf_status(&text, err);
    if (status == OK) {
        (void)fputs(text.data ? text.data : "", stdout);
        (void)fflush(stdout);
    }
    return status;
}

static enum status sign(struct publisher *publisher, struct draft *draft, bool yes,
                        struct err *err)
{
    KEYCHAIN_AUTO keychain = {0};
    bool published = false;
    int added = 0;
    enum status status = publisher_keychain(publisher, draft->repository, &keychain, err);
    if (status == OK) {
        status = describe(draft, err);
    }
    if (status == OK && !yes) {
        status = ask(err);
    }
    if (status == OK) {
        status = publisher_sign(publisher, draft, &keychain, &added, err);
    }
    if (status == OK && added == 0 && !draft_complete(draft)) {
        status = err_set(err, ERR_KEY_MISSING,
                         "no key at hand can add a signature: bring one with --key FILE "
                         "or --external CMD; 'muster repo status' names those that may");
    }
    return status == OK ? publisher_keep(draft, &keychain, &published, err) : status;
}

static enum status open_folder(struct publisher *publisher, const char *bundle,
                               struct repository *ret_repository, struct err *err)
{
    return bundle ? repository_open_bundle(bundle, ret_repository, err)
                  : publisher_open(publisher, ret_repository, err);
}

int cmd_repo_sign(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    const char *bundle = NULL;
    bool yes = false;
    const struct option_row options[] = {
        PUBLISHER_REPO_OPTION(publisher),
        {"bundle", 0, OPTION_TEXT, &bundle, "FOLDER",
         "what 'muster repo bundle' wrote, instead of a repository"},
        PUBLISHER_SIGN_OPTIONS(publisher),
        {"yes", 'y', OPTION_FLAG, &yes, NULL, "sign without asking"},
    };
    const struct usage usage = {
        .synopsis = "muster repo sign [options]",
        .about =
            "Tells what the staged files change against what is published, asks, and\n"
            "signs with the keys at hand: those of the repository, --key and "
            "--external.\n"
            "With every threshold met they become what is published.",
        .examples = "  muster repo sign --repo models --key /media/stick/root.key\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    DRAFT_AUTO draft = {0};
    struct err err = {0};
    if (open_folder(&publisher, bundle, &repository, &err) != OK ||
        publisher_draft(&publisher, &repository, &draft, &err) != OK) {
        return cli_fail(&err);
    }
    if (!draft.pending) {
        (void)fprintf(stderr, "muster: nothing is staged\n");
        return CLI_OK;
    }
    return sign(&publisher, &draft, yes, &err) == OK ? CLI_OK : cli_fail(&err);
}

int cmd_repo_discard(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    const struct option_row options[] = {PUBLISHER_REPO_OPTION(publisher)};
    const struct usage usage = {
        .synopsis = "muster repo discard [options]",
        .about = "Drops what is staged, with its signatures. What is published stays.",
        .examples = "  muster repo discard --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    struct err err = {0};
    if (publisher_open(&publisher, &repository, &err) != OK ||
        staging_discard(&repository, &err) != OK) {
        return cli_fail(&err);
    }
    return CLI_OK;
}
