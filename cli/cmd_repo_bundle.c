/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/publisher.h"
#include "repo/bundle.h"

int cmd_repo_bundle(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    const struct option_row options[] = {PUBLISHER_REPO_OPTION(publisher)};
    const struct usage usage = {
        .synopsis = "muster repo bundle FOLDER [options]",
        .about =
            "Writes what is staged, and the metadata that it is compared with, into a\n"
            "folder for another machine. It holds no keys and no models.",
        .examples = "  muster repo bundle /media/stick/to-sign --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    DRAFT_AUTO draft = {0};
    struct err err = {0};
    const char *folder = operands.items[0];
    if (publisher_open(&publisher, &repository, &err) != OK ||
        publisher_draft(&publisher, &repository, &draft, &err) != OK ||
        bundle_write(&draft, folder, &err) != OK) {
        return cli_fail(&err);
    }
    (void)fprintf(
        stderr,
        "muster: wrote the bundle '%s'\n"
        "  next, on the other machine: 'muster repo sign --bundle %s --key FILE'\n"
        "  then, back here: 'muster repo unbundle %s'\n",
        folder, folder, folder);
    return CLI_OK;
}

int cmd_repo_unbundle(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    const struct option_row options[] = {PUBLISHER_REPO_OPTION(publisher)};
    const struct usage usage = {
        .synopsis = "muster repo unbundle FOLDER [options]",
        .about =
            "Takes the signatures out of a bundle that came back: those that verify and\n"
            "are over exactly what is staged here. Nothing else of it is read. With "
            "every\n"
            "threshold met the staged files become what is published.",
        .examples = "  muster repo unbundle /media/stick/to-sign --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    DRAFT_AUTO draft = {0};
    KEYCHAIN_AUTO keychain = {0};
    bool published = false;
    int added = 0;
    struct err err = {0};
    if (publisher_open(&publisher, &repository, &err) != OK ||
        publisher_draft(&publisher, &repository, &draft, &err) != OK ||
        publisher_keychain(&publisher, &repository, &keychain, &err) != OK ||
        bundle_take(&draft, operands.items[0], &added, &err) != OK) {
        return cli_fail(&err);
    }
    if (added == 0) {
        (void)err_set(&err, ERR_KEY_MISSING,
                      "the bundle holds no signature that is still needed: was 'muster "
                      "repo sign --bundle' run with a key of the role?");
        return cli_fail(&err);
    }
    (void)fprintf(stderr, "muster: took %d signature%s\n", added, added == 1 ? "" : "s");
    return publisher_keep(&draft, &keychain, &published, &err) == OK ? CLI_OK
                                                                     : cli_fail(&err);
}
