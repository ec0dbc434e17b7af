/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/remote.h"

enum { PATH_BYTES_MAX = 1024 };

static const int64_t NOTHING = INT64_MIN;

/* What was given on the command line; NOTHING and NULL where nothing was. */
struct wanted {
    const char *mode;
    int64_t every, interval_s, rows_per_day;
};

static const struct column columns[] = {
    {"model", "model", CELL_PLAIN},
    {"mode", "mode", CELL_PLAIN},
    {"every", "every", CELL_PLAIN},
    {"interval s", "interval_s", CELL_PLAIN},
    {"rows a day", "rows_per_day", CELL_PLAIN},
    {"now", "now.mode", CELL_PLAIN},
    {"now every", "now.every", CELL_PLAIN},
    {"rows a day now", "rows_per_day_now", CELL_PLAIN},
    {"predictions a day now", "predictions_per_day_now", CELL_PLAIN},
    {"changes a day now", "changes_per_day_now", CELL_PLAIN},
};

/* The setting of the model as it is, with its name in it. */
static enum status get_setting(const struct remote *remote, const char *model,
                               const char *path, json_t **ret_setting, struct err *err)
{
    HTTP_JSON_AUTO *answer = NULL;
    enum status status = http_json(&remote->connection, "GET", path, NULL, &answer, err);
    if (status != OK) {
        return status;
    }
    json_t *setting = json_object_get(answer, "detail");
    if (!json_is_object(setting)) {
        return err_set(err, ERR_UNSUPPORTED, "the server does not know detail yet");
    }
    (void)json_object_set_new(setting, "model", json_string(model));
    *ret_setting = json_incref(setting);
    return OK;
}

static void override(json_t *setting, const char *name, int64_t value)
{
    if (value != NOTHING) {
        (void)json_object_set_new(setting, name, json_integer(value));
    }
}

static bool is_change(const struct wanted *wanted)
{
    return wanted->mode || wanted->every != NOTHING || wanted->interval_s >= 0 ||
           wanted->rows_per_day != NOTHING;
}

/* Shows the setting, or sends it with what is wanted put over it. */
static int show_or_change(const struct remote *remote, const char *model,
                          const struct wanted *wanted)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES_MAX);
    HTTP_JSON_AUTO *setting = NULL;
    struct err err = {0};
    buf_addstr(&path, "/v1/models/");
    http_add_escaped(&path, model);
    if (buf_status(&path, &err) != OK ||
        get_setting(remote, model, path.data, &setting, &err) != OK) {
        return cli_fail(&err);
    }
    if (!is_change(wanted)) {
        return output_object(&remote->output, setting, columns,
                             sizeof columns / sizeof columns[0]);
    }
    if (wanted->mode) {
        (void)json_object_set_new(setting, "mode", json_string(wanted->mode));
    }
    override(setting, "every", wanted->every);
    override(setting, "interval_s", wanted->interval_s);
    override(setting, "rows_per_day", wanted->rows_per_day);
    buf_addstr(&path, "/detail");
    if (buf_status(&path, &err) != OK) {
        return cli_fail(&err);
    }
    return remote_send(remote, "PUT", path.data, json_incref(setting), columns,
                       sizeof columns / sizeof columns[0]);
}

int cmd_model_detail(int argc, char **argv)
{
    struct remote remote = {0};
    struct wanted wanted = {
        .every = NOTHING, .interval_s = NOTHING, .rows_per_day = NOTHING};
    const struct option_row options[] = {
        {"mode", 'm', OPTION_TEXT, &wanted.mode, "MODE",
         "full, sampled, changes, summary or auto"},
        {"every", 0, OPTION_INTEGER, &wanted.every, "N",
         "sampled: one of N predictions comes as a row"},
        {"interval-s", 0, OPTION_INTEGER, &wanted.interval_s, "SECONDS",
         "what a summary covers, 10 to 60"},
        {"rows-per-day", 0, OPTION_INTEGER, &wanted.rows_per_day, "ROWS",
         "the budget of auto"},
        REMOTE_OPTIONS(remote),
    };
    const struct usage usage = {
        .synopsis = "muster model detail MODEL [options]",
        .about = "Shows how much detail the nodes of a model report, or changes what is "
                 "given.\n"
                 "Nodes obey at their next poll. To change it needs role operator.",
        .examples = "  muster model detail fashion\n"
                    "  muster model detail fashion --mode sampled --every 20\n"
                    "  muster model detail fashion --mode auto --rows-per-day 5000000\n",
        .operands_min = 1,
        .operands_max = 1,
        USAGE_ROWS(options),
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    return show_or_change(&remote, operands.items[0], &wanted);
}
