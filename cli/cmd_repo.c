/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/passphrase.h"
#include "cli/publisher.h"
#include "tuf/json.h"
#include "tuf/target.h"

enum { DAYS_DEFAULT = 365, DAYS_MAX = 36500 };

static const int64_t DAY_MS = 86400000;

#define DAYS_OPTION(days)                                                                \
    {                                                                                    \
        "days", 'd', OPTION_INTEGER, &(days), "N",                                       \
            "signatures are good for N days (default: 365)"                              \
    }

/* ---- init ---- */

static enum status init(const char *folder, const char *timestamp_key, int64_t days,
                        const char *passphrase_file, struct err *err)
{
    PASSPHRASE_AUTO passphrase;
    struct repository_order order = {.cost = KEY_COST_MODERATE,
                                     .passphrase = passphrase.text,
                                     .now_ms = clock_wall_ms(),
                                     .life_ms = days * DAY_MS};
    if (!timestamp_key || hex_decode(timestamp_key, order.timestamp_public,
                                     sizeof order.timestamp_public, NULL) != OK) {
        return err_set(err, ERR_USAGE,
                       "--timestamp-key wants the 64 hex digits that 'musterd init' "
                       "printed");
    }
    if (days < 1 || days > DAYS_MAX) {
        return err_set(err, ERR_USAGE, "--days wants 1 to %d", DAYS_MAX);
    }
    enum status status = passphrase_read(passphrase_file, true, &passphrase, err);
    return status == OK ? repository_init(folder, &order, err) : status;
}

int cmd_repo_init(int argc, char **argv)
{
    struct publisher publisher = {0};
    const char *timestamp_key = NULL;
    int64_t days = DAYS_DEFAULT;
    const struct option_row options[] = {
        {"timestamp-key", 't', OPTION_TEXT, &timestamp_key, "HEX",
         "the server's public key, as 'musterd init' printed it"},
        PUBLISHER_PASSPHRASE_OPTION(publisher),
        DAYS_OPTION(days),
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
    if (init(folder, timestamp_key, days, publisher.passphrase_file, &err) != OK) {
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

/* ---- status ---- */

static const char *next_action(enum tuf_role role, int64_t days_left)
{
    if (days_left >= 60) {
        return "";
    }
    return role == TUF_ROLE_ROOT ? "muster repo renew --root, then push"
                                 : "muster repo renew, then push";
}

static enum status add_role(const struct repository *repository,
                            const struct tuf_envelope *envelope, enum tuf_role role,
                            json_t *roles, struct err *err)
{
    const struct tuf_root *root = repository->trust.root;
    int64_t days_left = (envelope->expires_ms - clock_wall_ms()) / DAY_MS;
    int signatures = 0;
    enum status status = tuf_envelope_verify(envelope, &root->keyring, &root->roles[role],
                                             &signatures, err);
    if (status != OK) {
        return status;
    }
    json_t *row = json_pack(
        "{s:s, s:I, s:I, s:I, s:i, s:I, s:s}", "role", tuf_role_name(role), "version",
        (json_int_t)envelope->version, "expires_ms", (json_int_t)envelope->expires_ms,
        "expires_days", (json_int_t)days_left, "signatures", signatures, "threshold",
        (json_int_t)root->roles[role].threshold, "next", next_action(role, days_left));
    return json_array_append_new(roles, row) == 0
               ? OK
               : err_set(err, ERR_NO_MEMORY, "no memory");
}

static enum status list_roles(const struct repository *repository, json_t *roles,
                              struct err *err)
{
    const struct tuf_root *root = repository->trust.root;
    enum status status = add_role(repository, &root->envelope, TUF_ROLE_ROOT, roles, err);
    if (status == OK) {
        status = add_role(repository, &repository->targets->envelope, TUF_ROLE_TARGETS,
                          roles, err);
    }
    return status == OK ? add_role(repository, &repository->snapshot->envelope,
                                   TUF_ROLE_SNAPSHOT, roles, err)
                        : status;
}

static enum status list_artifacts(const struct repository *repository, json_t *artifacts,
                                  struct err *err)
{
    const struct tuf_targets *targets = repository->targets;
    const char *floor_of = ""; /* paths are sorted: a model's targets come together */
    int64_t floor = 0;
    for (size_t i = 0; i < targets->count; i++) {
        bool ours = false;
        struct model_target target;
        char digest[2 * sizeof target.result_sha256 + 1];
        enum status status =
            model_target_parse(&targets->targets[i], &ours, &target, err);
        if (status != OK) {
            return status;
        }
        if (!ours || target.kind != TARGET_ARTIFACT) {
            continue;
        }
        if (strcmp(floor_of, target.model) != 0) {
            int64_t highest = 0;
            floor_of = target.model;
            model_targets_floor(targets, target.model, &floor, &highest);
        }
        hex_encode(target.file->hashes.sha256, sizeof target.file->hashes.sha256, digest);
        json_t *row = json_pack(
            "{s:s, s:s, s:I, s:s, s:I, s:I, s:s, s:b}", "model", target.model, "version",
            target.version, "seq", (json_int_t)target.seq, "variant", target.variant,
            "length", (json_int_t)target.file->length, "floor", (json_int_t)floor,
            "artifact", digest, "below_floor", target.seq < floor);
        if (json_array_append_new(artifacts, row) != 0) {
            return err_set(err, ERR_NO_MEMORY, "no memory");
        }
    }
    return OK;
}

static int print_status(const struct output *output, json_t *roles, json_t *artifacts)
{
    static const struct column role_columns[] = {
        {"ROLE", "role", CELL_PLAIN},
        {"VERSION", "version", CELL_PLAIN},
        {"EXPIRES", "expires_ms", CELL_TIME},
        {"DAYS", "expires_days", CELL_PLAIN},
        {"SIGNATURES", "signatures", CELL_PLAIN},
        {"OF", "threshold", CELL_PLAIN},
        {"NEXT", "next", CELL_PLAIN},
    };
    static const struct column artifact_columns[] = {
        {"MODEL", "model", CELL_PLAIN},
        {"VERSION", "version", CELL_PLAIN},
        {"SEQ", "seq", CELL_PLAIN},
        {"VARIANT", "variant", CELL_PLAIN},
        {"BYTES", "length", CELL_PLAIN},
        {"FLOOR", "floor", CELL_PLAIN},
        {"ARTIFACT", "artifact", CELL_DIGEST},
    };
    if (output_is_json(output)) {
        JSON_AUTO *both = json_pack("{s:O, s:O}", "roles", roles, "artifacts", artifacts);
        return output_object(output, both, NULL, 0);
    }
    int code = output_list(output, roles, role_columns,
                           sizeof role_columns / sizeof role_columns[0]);
    printf("\n");
    int second = output_list(output, artifacts, artifact_columns,
                             sizeof artifact_columns / sizeof artifact_columns[0]);
    return code != CLI_OK ? code : second;
}

int cmd_repo_status(int argc, char **argv)
{
    struct publisher publisher = {0};
    struct output output = {0};
    const struct option_row options[] = {PUBLISHER_REPO_OPTION(publisher),
                                         OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster repo status [options]",
        .about = "Shows for each role its version, when it expires, valid signatures of\n"
                 "those needed and what to do next; then every published artifact. The\n"
                 "timestamp is the server's: 'muster server status' shows it.",
        .examples = "  muster repo status --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    JSON_AUTO *roles = json_array();
    JSON_AUTO *artifacts = json_array();
    struct err err = {0};
    if (publisher_open(&publisher, &repository, &err) != OK ||
        list_roles(&repository, roles, &err) != OK ||
        list_artifacts(&repository, artifacts, &err) != OK) {
        return cli_fail(&err);
    }
    return print_status(&output, roles, artifacts);
}

/* ---- verify ---- */

int cmd_repo_verify(int argc, char **argv)
{
    struct publisher publisher = {0};
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

static enum status renew(const struct publisher *publisher, bool with_root, int64_t days,
                         struct err *err)
{
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    PUBLISHER_KEYS_AUTO keys = {0};
    SIGNING_KEY_AUTO root_key = {0};
    struct publish_signing signing;
    enum status status = publisher_open(publisher, &repository, err);
    if (status == OK) {
        status = publisher_sign(publisher, &repository, days, &keys, &signing, err);
    }
    if (status == OK && with_root) {
        status = publisher_root_key(publisher, &repository, &root_key, err);
    }
    if (status == OK && with_root) {
        status = publish_renew_root(&repository, &root_key, signing.now_ms,
                                    signing.life_ms, err);
    }
    return status == OK ? publish_renew(&repository, &signing, err) : status;
}

int cmd_repo_renew(int argc, char **argv)
{
    struct publisher publisher = {0};
    bool with_root = false;
    int64_t days = DAYS_DEFAULT;
    const struct option_row options[] = {
        PUBLISHER_REPO_OPTION(publisher),
        PUBLISHER_PASSPHRASE_OPTION(publisher),
        {"root", 0, OPTION_FLAG, &with_root, NULL, "a new root version too"},
        DAYS_OPTION(days),
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
    return renew(&publisher, with_root, days, &err) == OK ? CLI_OK : cli_fail(&err);
}

/* ---- push ---- */

int cmd_repo_push(int argc, char **argv)
{
    struct publisher publisher = {0};
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
        publisher_push(&connection, &repository, all, &answer, &err) != OK) {
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
