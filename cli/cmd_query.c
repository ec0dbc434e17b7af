/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/remote.h"

enum { PATH_BYTES_MAX = 2048, MS_A_SECOND = 1000 };

#define COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* One of the four analytics: its endpoint and how its answer becomes rows. */
struct query {
    const char *name;
    const char *synopsis;
    const char *about;
    bool stepped; /* has --step-s */
    void (*add_rows)(const json_t *answer, const json_t *group, json_t *rows);
    const struct column *columns; /* the first two are model and version */
    size_t count;
};

/* Appends `row` (taken over) with the group's model and version. */
static void add_row(const json_t *group, json_t *row, json_t *rows)
{
    (void)json_object_set(row, "model", json_object_get(group, "model"));
    (void)json_object_set(row, "version", json_object_get(group, "version"));
    (void)json_array_append_new(rows, row);
}

static void add_volume(const json_t *answer, const json_t *group, json_t *rows)
{
    json_int_t from = json_integer_value(json_object_get(answer, "from_ms"));
    json_int_t step = json_integer_value(json_object_get(answer, "step_s"));
    size_t at;
    json_t *n;
    json_array_foreach(json_object_get(group, "n"), at, n)
    {
        json_int_t begin = from + (json_int_t)at * step * MS_A_SECOND;
        add_row(group, json_pack("{s:I,s:O}", "from_ms", begin, "n", n), rows);
    }
}

static void add_classes(const json_t *answer, const json_t *group, json_t *rows)
{
    (void)answer;
    size_t at;
    json_t *item;
    json_array_foreach(json_object_get(group, "classes"), at, item)
    {
        add_row(group, json_copy(item), rows);
    }
}

static void add_confidence(const json_t *answer, const json_t *group, json_t *rows)
{
    const json_t *edges = json_object_get(group, "edges");
    size_t at;
    json_t *n;
    if (!edges) {
        edges = json_object_get(answer, "edges");
    }
    json_array_foreach(json_object_get(group, "n"), at, n)
    {
        json_t *lower = json_array_get(edges, at);
        json_t *upper = json_array_get(edges, at + 1);
        if (lower && upper) {
            add_row(group, json_pack("{s:O,s:O,s:O}", "from", lower, "to", upper, "n", n),
                    rows);
        }
    }
}

static void add_latency(const json_t *answer, const json_t *group, json_t *rows)
{
    (void)answer;
    add_row(group, json_copy((json_t *)group), rows);
}

static const struct column volume_columns[] = {
    {"MODEL", "model", CELL_PLAIN},
    {"VERSION", "version", CELL_PLAIN},
    {"FROM", "from_ms", CELL_TIME},
    {"PREDICTIONS", "n", CELL_PLAIN},
};
static const struct column class_columns[] = {
    {"MODEL", "model", CELL_PLAIN},       {"VERSION", "version", CELL_PLAIN},
    {"CLASS", "class", CELL_PLAIN},       {"NAME", "name", CELL_PLAIN},
    {"PREDICTIONS", "total", CELL_PLAIN}, {"SHARE", "share", CELL_PERCENT},
};
static const struct column confidence_columns[] = {
    {"MODEL", "model", CELL_PLAIN},   {"VERSION", "version", CELL_PLAIN},
    {"FROM", "from", CELL_PLAIN},     {"TO", "to", CELL_PLAIN},
    {"PREDICTIONS", "n", CELL_PLAIN},
};
static const struct column latency_columns[] = {
    {"MODEL", "model", CELL_PLAIN},       {"VERSION", "version", CELL_PLAIN},
    {"PREDICTIONS", "total", CELL_PLAIN}, {"P50 us", "p50_us", CELL_PLAIN},
    {"P90 us", "p90_us", CELL_PLAIN},     {"P95 us", "p95_us", CELL_PLAIN},
    {"P99 us", "p99_us", CELL_PLAIN},     {"MAX us", "max_us", CELL_PLAIN},
};

/* What the options of a query say. */
struct query_options {
    const char *model, *version, *artifact, *from, *to;
    int64_t last_s, step_s;
    bool by_version;
};

/* A time: milliseconds since the epoch, or YYYY-MM-DDTHH:MM:SSZ; NULL adds nothing. */
static enum status add_time(struct buf *path, const char *name, const char *text,
                            struct err *err)
{
    int64_t at_ms = 0;
    char value[32];
    if (!text) {
        return OK;
    }
    if (!option_integer(text, &at_ms) && clock_parse_utc(text, &at_ms, NULL) != OK) {
        return err_set(err, ERR_USAGE,
                       "--%s wants milliseconds or YYYY-MM-DDTHH:MM:SSZ, not '%.64s'",
                       name, text);
    }
    (void)snprintf(value, sizeof value, "%" PRId64, at_ms);
    http_add_query(path, name, value);
    return OK;
}

static enum status make_path(const struct query *query,
                             const struct query_options *options, struct buf *ret_path,
                             struct err *err)
{
    char text[32];
    buf_addf(ret_path, "/v1/analytics/%s", query->name);
    http_add_query(ret_path, "model", options->model);
    http_add_query(ret_path, "version", options->version);
    http_add_query(ret_path, "artifact", options->artifact);
    http_add_query(ret_path, "group", options->by_version ? "version" : NULL);
    if (query->stepped && options->step_s > 0) {
        (void)snprintf(text, sizeof text, "%" PRId64, options->step_s);
        http_add_query(ret_path, "step", text);
    }
    if (options->last_s > 0) {
        int64_t now_ms = clock_wall_ms();
        (void)snprintf(text, sizeof text, "%" PRId64,
                       now_ms - options->last_s * MS_A_SECOND);
        http_add_query(ret_path, "from", text);
    }
    enum status status = add_time(ret_path, "from", options->from, err);
    if (status == OK) {
        status = add_time(ret_path, "to", options->to, err);
    }
    return status == OK ? buf_status(ret_path, err) : status;
}

static int print_answer(const struct query *query, const struct remote *remote,
                        const json_t *answer, bool by_version)
{
    if (output_is_json(&remote->output)) {
        return output_object(&remote->output, answer, NULL, 0);
    }
    HTTP_JSON_AUTO *rows = json_array();
    if (!by_version) {
        query->add_rows(answer, answer, rows);
        return output_list(&remote->output, rows, query->columns + 2, query->count - 2);
    }
    size_t at;
    json_t *group;
    json_array_foreach(json_object_get(answer, "groups"), at, group)
    {
        query->add_rows(answer, group, rows);
    }
    return output_list(&remote->output, rows, query->columns, query->count);
}

static int run_query(const struct query *query, int argc, char **argv)
{
    struct remote remote = {0};
    struct query_options chosen = {0};
    const struct option_row options[] = {
        {"model", 'm', OPTION_TEXT, &chosen.model, "MODEL", "only this model"},
        {"version", 'V', OPTION_TEXT, &chosen.version, "VERSION", "only this version"},
        {"artifact", 0, OPTION_TEXT, &chosen.artifact, "SHA256", "only this artifact"},
        {"by-version", 0, OPTION_FLAG, &chosen.by_version, NULL, "a group a version"},
        {"from", 0, OPTION_TEXT, &chosen.from, "TIME", "begin: ms or UTC (an hour ago)"},
        {"to", 0, OPTION_TEXT, &chosen.to, "TIME", "end: ms or UTC (now)"},
        {"last-s", 0, OPTION_INTEGER, &chosen.last_s, "SECONDS", "the last so many"},
        REMOTE_OPTIONS(remote),
        {"step-s", 0, OPTION_INTEGER, &chosen.step_s, "SECONDS", "width of a bucket"},
    };
    const struct usage usage = {
        .synopsis = query->synopsis,
        .about = query->about,
        .examples = "  muster query volume --last-s 86400 --step-s 900\n"
                    "  muster query classes --model fashion --by-version --json\n"
                    "  muster query latency --from 2026-11-23T00:00:00Z "
                    "--to 2026-11-24T00:00:00Z\n",
        .options = options,
        .option_count = COUNT(options) - !query->stepped,
    };
    struct operands operands;
    struct err err = {0};
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    BUF_AUTO path = BUF_INIT(PATH_BYTES_MAX);
    HTTP_JSON_AUTO *answer = NULL;
    if (make_path(query, &chosen, &path, &err) != OK ||
        http_json(&remote.connection, "GET", path.data, NULL, &answer, &err) != OK) {
        return cli_fail(&err);
    }
    return print_answer(query, &remote, answer, chosen.by_version);
}

int cmd_query_volume(int argc, char **argv)
{
    static const struct query query = {"volume",
                                       "muster query volume [options]",
                                       "Predictions over time.",
                                       true,
                                       add_volume,
                                       volume_columns,
                                       COUNT(volume_columns)};
    return run_query(&query, argc, argv);
}

int cmd_query_classes(int argc, char **argv)
{
    static const struct query query = {"classes",
                                       "muster query classes [options]",
                                       "How often each class was predicted.",
                                       true,
                                       add_classes,
                                       class_columns,
                                       COUNT(class_columns)};
    return run_query(&query, argc, argv);
}

int cmd_query_confidence(int argc, char **argv)
{
    static const struct query query = {"confidence",
                                       "muster query confidence [options]",
                                       "The histogram of confidence, 20 bins.",
                                       false,
                                       add_confidence,
                                       confidence_columns,
                                       COUNT(confidence_columns)};
    return run_query(&query, argc, argv);
}

int cmd_query_latency(int argc, char **argv)
{
    static const struct query query = {"latency",
                                       "muster query latency [options]",
                                       "Percentiles of the inference time on the nodes.",
                                       false,
                                       add_latency,
                                       latency_columns,
                                       COUNT(latency_columns)};
    return run_query(&query, argc, argv);
}
