/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/publisher.h"
#include "repo/listing.h"

/* What one of the two verbs does to a draft. */
struct change {
    const char *model;
    const char *version;
    const char *variant;
    int64_t floor;
};

static enum status remove_version(struct draft *draft, const void *user, struct err *err)
{
    const struct change *change = user;
    return listing_remove(draft, change->model, change->version, change->variant, err);
}

static enum status raise_floor(struct draft *draft, const void *user, struct err *err)
{
    const struct change *change = user;
    return listing_raise_floor(draft, change->model, change->floor, err);
}

static int run_change(struct publisher *publisher, publisher_edit *edit,
                      const struct change *change)
{
    struct err err = {0};
    return publisher_change(publisher, edit, change, &err) == OK ? CLI_OK
                                                                 : cli_fail(&err);
}

int cmd_model_remove(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct change change = {0};
    const struct option_row options[] = {
        {"variant", 0, OPTION_TEXT, &change.variant, "NAME", "only this one"},
        PUBLISHER_REPO_OPTION(publisher),
        PUBLISHER_SIGN_OPTIONS(publisher),
        PUBLISHER_DAYS_OPTION(publisher),
    };
    const struct usage usage = {
        .synopsis = "muster model remove MODEL VERSION [options]",
        .about =
            "Withdraws a version: no node activates it any more; one that runs it does "
            "as\n"
            "its on_revoke says. Its seq is never used again; its files stay here. Push\n"
            "after.",
        .examples = "  muster model remove fashion 1.1.0 --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 2,
        .operands_max = 2,
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    change.model = operands.items[0];
    change.version = operands.items[1];
    return run_change(&publisher, remove_version, &change);
}

int cmd_model_floor(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct change change = {0};
    const struct option_row options[] = {
        PUBLISHER_REPO_OPTION(publisher),
        PUBLISHER_SIGN_OPTIONS(publisher),
        PUBLISHER_DAYS_OPTION(publisher),
    };
    const struct usage usage = {
        .synopsis = "muster model floor MODEL SEQ [options]",
        .about =
            "Raises a model's floor: no node ever activates a lower seq again, whatever\n"
            "the server says. It cannot be lowered. Push after.",
        .examples = "  muster model floor fashion 3 --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 2,
        .operands_max = 2,
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    change.model = operands.items[0];
    if (!option_integer(operands.items[1], &change.floor)) {
        return usage_wrong(&usage, "a seq expected, not '%s'", operands.items[1]);
    }
    return run_change(&publisher, raise_floor, &change);
}
