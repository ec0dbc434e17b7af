/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/publisher.h"
#include "tuf/json.h"
#include "tuf/target.h"

enum { WARN_DAYS = 60, NEXT_BYTES = TUF_ROLE_NAME_MAX + 64 };

static const int64_t DAY_MS = 86400000;

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory");
}

/* ---- roles ---- */

static void next_action(const char *role, int64_t days_left, char ret_text[NEXT_BYTES])
{
    enum { TOP = 3 };
    static const char *const top[TOP] = {"root", "targets", "snapshot"};
    const char *option = " --role ";
    ret_text[0] = '\0';
    if (days_left >= WARN_DAYS) {
        return;
    }
    for (int i = 0; i < TOP; i++) {
        option = strcmp(role, top[i]) == 0 ? (i == 0 ? " --root" : "") : option;
    }
    (void)snprintf(ret_text, NEXT_BYTES, "muster repo renew%s%s, then push", option,
                   strcmp(option, " --role ") == 0 ? role : "");
}

/* Valid signatures and the threshold; of a root's two, those that are further off. */
static void count_signatures(const struct draft_demands *demands,
                             const struct tuf_envelope *envelope, int *ret_found,
                             int64_t *ret_threshold)
{
    int64_t most_lacking = INT64_MIN;
    for (size_t i = 0; i < demands->count; i++) {
        const struct draft_demand *demand = &demands->items[i];
        int found = 0;
        (void)!tuf_envelope_verify(envelope, demand->keyring, demand->authority, &found,
                                   NULL);
        if (demand->authority->threshold - found > most_lacking) {
            most_lacking = demand->authority->threshold - found;
            *ret_found = found;
            *ret_threshold = demand->authority->threshold;
        }
    }
}

struct row {
    const char *role;
    const char *state;
    const char *next; /* NULL: what its expiry demands */
    const struct tuf_envelope *envelope;
    struct draft_demands demands;
};

static enum status add_role(const struct row *row, json_t *roles, struct err *err)
{
    char next[NEXT_BYTES] = "";
    int64_t days_left = (row->envelope->expires_ms - clock_wall_ms()) / DAY_MS;
    int signatures = 0;
    int64_t threshold = 0;
    count_signatures(&row->demands, row->envelope, &signatures, &threshold);
    if (row->next) {
        (void)snprintf(next, sizeof next, "%s", row->next);
    } else {
        next_action(row->role, days_left, next);
    }
    json_t *item = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:i, s:I, s:s}", "role", row->role, "state",
        row->state, "version", (json_int_t)row->envelope->version, "expires_ms",
        (json_int_t)row->envelope->expires_ms, "expires_days", (json_int_t)days_left,
        "signatures", signatures, "threshold", (json_int_t)threshold, "next", next);
    return json_array_append_new(roles, item) == 0 ? OK : no_memory(err);
}

/* What is published, by a draft that changes nothing. */
static enum status list_published(struct repository *repository, json_t *roles,
                                  struct err *err)
{
    struct draft empty;
    draft_init(&empty, repository, 0, 0);
    const struct tuf_root *root = repository->trust.root;
    struct row rows[] = {
        {.role = "root", .envelope = &root->envelope},
        {.role = "targets", .envelope = &repository->targets->envelope},
        {.role = "snapshot", .envelope = &repository->snapshot->envelope},
    };
    enum status status = OK;
    for (size_t i = 0; status == OK && i < sizeof rows / sizeof rows[0]; i++) {
        rows[i].state = "published";
        rows[i].demands = draft_demands(&empty, rows[i].role);
        status = add_role(&rows[i], roles, err);
    }
    for (size_t i = 0; status == OK && i < repository->role_count; i++) {
        const struct repository_role *role = &repository->roles[i];
        struct row row = {.role = role->name,
                          .state = "published",
                          .envelope = &role->targets->envelope,
                          .demands = draft_demands(&empty, role->name)};
        status = add_role(&row, roles, err);
    }
    return status;
}

/* 'sign' publishes what has all its signatures. */
static const char *next_of_staged(const struct draft *draft,
                                  const struct draft_file *file)
{
    if (!draft_file_complete(draft, file)) {
        return "muster repo sign";
    }
    return draft_complete(draft) ? "publish: muster repo sign, then push"
                                 : "wait for the others";
}

static enum status list_staged(const struct draft *draft, json_t *roles, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < draft->count; i++) {
        const struct draft_file *file = draft->files[i];
        struct row row = {.role = file->role,
                          .state = "staged",
                          .next = next_of_staged(draft, file),
                          .envelope = draft_envelope(file),
                          .demands = draft_demands(draft, file->role)};
        status = add_role(&row, roles, err);
    }
    return status;
}

/* ---- artifacts ---- */

static enum status list_artifacts(const struct tuf_targets *targets, const char *role,
                                  json_t *artifacts, struct err *err)
{
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
            "{s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:s, s:b}", "model", target.model,
            "version", target.version, "seq", (json_int_t)target.seq, "variant",
            target.variant, "listed_by", role, "length", (json_int_t)target.file->length,
            "floor", (json_int_t)floor, "artifact", digest, "below_floor",
            target.seq < floor);
        if (json_array_append_new(artifacts, row) != 0) {
            return no_memory(err);
        }
    }
    return OK;
}

static enum status list_all_artifacts(const struct repository *repository,
                                      json_t *artifacts, struct err *err)
{
    enum status status = list_artifacts(repository->targets, "targets", artifacts, err);
    for (size_t i = 0; status == OK && i < repository->role_count; i++) {
        status = list_artifacts(repository->roles[i].targets, repository->roles[i].name,
                                artifacts, err);
    }
    return status;
}

static int print_status(const struct output *output, json_t *roles, json_t *artifacts)
{
    static const struct column role_columns[] = {
        {"ROLE", "role", CELL_PLAIN},         {"STATE", "state", CELL_PLAIN},
        {"VERSION", "version", CELL_PLAIN},   {"EXPIRES", "expires_ms", CELL_TIME},
        {"DAYS", "expires_days", CELL_PLAIN}, {"SIGNATURES", "signatures", CELL_PLAIN},
        {"OF", "threshold", CELL_PLAIN},      {"NEXT", "next", CELL_PLAIN},
    };
    static const struct column artifact_columns[] = {
        {"MODEL", "model", CELL_PLAIN},
        {"VERSION", "version", CELL_PLAIN},
        {"SEQ", "seq", CELL_PLAIN},
        {"VARIANT", "variant", CELL_PLAIN},
        {"LISTED BY", "listed_by", CELL_PLAIN},
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
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct output output = {0};
    const struct option_row options[] = {PUBLISHER_REPO_OPTION(publisher),
                                         OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster repo status [options]",
        .about =
            "Shows for each role, delegated ones included, what is published and what "
            "is\n"
            "staged: version, when it expires, valid signatures of those needed and "
            "what\n"
            "to do next; then every published artifact. The timestamp is the server's:\n"
            "'muster server status' shows it.",
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
    DRAFT_AUTO draft = {0};
    JSON_AUTO *roles = json_array();
    JSON_AUTO *artifacts = json_array();
    struct err err = {0};
    if (publisher_open(&publisher, &repository, &err) != OK ||
        publisher_draft(&publisher, &repository, &draft, &err) != OK ||
        list_published(&repository, roles, &err) != OK ||
        list_staged(&draft, roles, &err) != OK ||
        list_all_artifacts(&repository, artifacts, &err) != OK) {
        return cli_fail(&err);
    }
    return print_status(&output, roles, artifacts);
}
