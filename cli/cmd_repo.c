/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/publisher.h"
#include "cli/push.h"
#include "repo/publish.h"
#include "tuf/json.h"

enum { DAYS_MAX = 36500 };

static const int64_t DAY_MS = 86400000;

/* ---- init ---- */

static enum status init(struct publisher *publisher, const char *folder,
                        const char *timestamp_key, struct err *err)
{
    struct repository_order order = {.cost = KEY_COST_MODERATE,
                                     .passphrase = publisher->passphrase.text,
                                     .now_ms = clock_wall_ms(),
                                     .life_ms = publisher->days * DAY_MS};
    if (!timestamp_key || hex_decode(timestamp_key, order.timestamp_public,
                                     sizeof order.timestamp_public, NULL) != OK) {
        return err_set(err, ERR_USAGE,
                       "--timestamp-key wants the 64 hex digits that 'musterd init' "
                       "printed");
    }
    if (publisher->days < 1 || publisher->days > DAYS_MAX) {
        return err_set(err, ERR_USAGE, "--days wants 1 to %d", DAYS_MAX);
    }
    enum status status = publisher_passphrase(publisher, true, err);
    return status == OK ? repository_init(folder, &order, err) : status;
}

int cmd_repo_init(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    const char *timestamp_key = NULL;
    const struct option_row options[] = {
        {"timestamp-key", 't', OPTION_TEXT, &timestamp_key, "HEX",
         "the server's public key, as 'musterd init' printed it"},
        PUBLISHER_PASSPHRASE_OPTION(publisher),
        PUBLISHER_DAYS_OPTION(publisher),
    };
    const struct usage usage = {
        .synopsis = "muster repo init DIR --timestamp-key HEX [options]",
        .about =
            "Makes a signed repository: two root keys (either is enough: one works,\n"
            "one goes into the safe), keys for targets and snapshot, and version 1\n"
            "of their metadata. All keys are sealed with one passphrase.",
        .examples = "  muster repo init models --timestamp-key 197f6b23…\n",
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
    struct err err = {0};
    const char *folder = operands.items[0];
    if (init(&publisher, folder, timestamp_key, &err) != OK) {
        return cli_fail(&err);
    }
    (void)fprintf(
        stderr,
        "muster: made the repository '%s'\n"
        "  next: move %s/keys/root-safe.key to a safe place and keep a copy of\n"
        "  %s/keys/root.key off this machine; give nodes %s/root.json (--root);\n"
        "  then 'muster model publish FILE.mnet --repo %s …'\n",
        folder, folder, folder, folder, folder);
    return CLI_OK;
}

/* ---- verify ---- */

int cmd_repo_verify(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    const char *at = NULL;
    const struct option_row options[] = {
        PUBLISHER_REPO_OPTION(publisher),
        {"at", 0, OPTION_TEXT, &at, "TIME", "as of then, like 2027-01-31T00:00:00Z"},
    };
    const struct usage usage = {
        .synopsis = "muster repo verify [options]",
        .about =
            "Checks signatures, links, expiry, floors, and length and digest of every\n"
            "target file, as a client would.",
        .examples = "  muster repo verify --repo models --at 2027-06-01T00:00:00Z\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    int64_t at_ms = clock_wall_ms();
    if (at && clock_parse_utc(at, &at_ms, NULL) != OK) {
        return usage_wrong(&usage, "--at wants a time like 2027-01-31T00:00:00Z");
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    struct err err = {0};
    if (publisher_open(&publisher, &repository, &err) != OK ||
        repository_verify(&repository, at_ms, &err) != OK) {
        return cli_fail(&err);
    }
    char text[RFC3339_BYTES];
    clock_format_utc(at_ms, text);
    (void)fprintf(stderr, "muster: a client would accept it at %s\n", text);
    return CLI_OK;
}

/* ---- renew ---- */

struct renewal {
    bool with_root;
    const char *role;
};

static enum status renew(struct draft *draft, const void *user, struct err *err)
{
    const struct renewal *renewal = user;
    enum status status = renewal->with_root ? publish_renew(draft, "root", err) : OK;
    return status == OK ? publish_renew(draft, renewal->role, err) : status;
}

int cmd_repo_renew(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct renewal renewal = {.role = "targets"};
    const struct option_row options[] = {
        PUBLISHER_REPO_OPTION(publisher),
        PUBLISHER_SIGN_OPTIONS(publisher),
        {"root", 0, OPTION_FLAG, &renewal.with_root, NULL, "a new root version too"},
        {"role", 0, OPTION_TEXT, &renewal.role, "MODEL",
         "a delegated role instead of targets"},
        PUBLISHER_DAYS_OPTION(publisher),
    };
    const struct usage usage = {
        .synopsis = "muster repo renew [options]",
        .about =
            "Signs targets and snapshot again, same content, later expiry. Push after.",
        .examples =
            "  muster repo renew --repo models && muster repo push --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    struct err err = {0};
    return publisher_change(&publisher, renew, &renewal, &err) == OK ? CLI_OK
                                                                     : cli_fail(&err);
}

/* ---- push ---- */

int cmd_repo_push(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct connection connection = {0};
    struct output output = {0};
    bool all = false;
    const struct option_row options[] = {
        PUBLISHER_REPO_OPTION(publisher),
        CONNECTION_OPTIONS(connection),
        {"all", 0, OPTION_FLAG, &all, NULL, "every file again (a restored server)"},
        OUTPUT_OPTIONS(output),
    };
    const struct usage usage = {
        .synopsis = "muster repo push [options]",
        .about =
            "Uploads what the server does not have yet. The server verifies it as a\n"
            "client would, or changes nothing. Needs a token of role publisher.",
        .examples = "  muster repo push --repo models --server http://127.0.0.1:8080\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    JSON_AUTO *answer = NULL;
    struct err err = {0};
    if (publisher_open(&publisher, &repository, &err) != OK ||
        push_repository(&connection, &repository, all, &answer, &err) != OK) {
        return cli_fail(&err);
    }
    static const struct column columns[] = {
        {"root", "root_version", CELL_PLAIN},
        {"targets", "targets_version", CELL_PLAIN},
        {"snapshot", "snapshot_version", CELL_PLAIN},
        {"timestamp", "timestamp_version", CELL_PLAIN},
    };
    return output_object(&output, answer, columns, sizeof columns / sizeof columns[0]);
}
