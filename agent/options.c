/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: muster-agent --server URL --state FOLDER --root FILE --source IMAGES …\n"
    "       muster-agent rollback | trust ROOT (recovery of a stopped node: --help "
    "after them)\n"
    "Classifies images with the model that the server assigns and reports the "
    "results.\n\n"
    "  --server URL          http:// or https:// of the server (MUSTER_SERVER)\n"
    "  --state FOLDER        key, models and queue of this node; one agent at a time\n"
    "  --root FILE           the trusted root.json, from the publisher\n"
    "  --token STRING        enrolment string, needed once (MUSTER_ENROLMENT)\n"
    "  --name NAME           of the node; the host name if not given\n"
    "  --label KEY=VALUE     may be repeated\n"
    "  --model NAME          run this one of the assigned models; else the first\n"
    "  --source IMAGES       IDX, PGM or PPM file, also .gz, or a folder of them\n"
    "  --indices A:B         only the images A up to but not including B\n"
    "  --stride I/N          only every N-th image: those with index = I modulo N\n"
    "  --rate R              images a second; 0: as fast as possible (10)\n"
    "  --passes N            end after N times all images and an empty queue (for ever)\n"
    "  --until-done          the same as --passes 1\n"
    "  --once-per-version    each image once under each version, then wait for the next\n"
    "  --versions N          with it: end after N versions and an empty queue\n"
    "  --batch-rows N        predictions a report at most, 1 to 2000 (500)\n"
    "  --batch-age-ms N      send a report at the latest after this (2000)\n"
    "  --queue-bytes N       keep at most this much unsent on disk (67108864)\n"
    "  --ack-log FILE        a line for every acknowledged report\n"
    "  --backoff-max-ms N    longest wait after a failure (300000)\n"
    "  --cache FOLDER        artifacts that the agents of this machine share\n"
    "  --cache-bytes N       keep at most this much there (536870912)\n"
    "  --download-budget N   bytes of models a day at most (no limit)\n"
    "  --download-min-rate N break a download off that is slower, bytes a second (100)\n"
    "  --download-rate N     bytes of models a second at most (no limit)\n"
    "  --download-window T   download only at HH:MM-HH:MM, local time (at any time)\n"
    "  --mirror URL          ask this HTTP cache for models before the server\n"
    "  --poll-s N            ask for the assignment this often; else as the server says\n"
    "  --runner CMD          infer with this program instead: docs/RUNNERS.md\n"
    "  --runner-format NAME  the only format that is run then (onnx)\n"
    "  --runner-start-s N    it must be ready with a model within this (60)\n"
    "  --runner-frame-ms N   and answer within this (10000)\n"
    "  --on-install CMD      builds what the runner infers with of each model\n"
    "  --on-install-s N      within this (1800)\n"
    "  --on-install-bytes N  of at most this much (1073741824)\n"
    "  --help, --version\n\n"
    "example: muster-agent --server http://127.0.0.1:8080 --state /var/lib/muster-agent "
    "\\\n"
    "           --root root.json --token met_… --name line-3 --label site=lyon \\\n"
    "           --source images.idx --rate 5\n";

enum option_id {
    OPTION_SERVER = 256,
    OPTION_STATE,
    OPTION_ROOT,
    OPTION_TOKEN,
    OPTION_NAME,
    OPTION_LABEL,
    OPTION_MODEL,
    OPTION_SOURCE,
    OPTION_INDICES,
    OPTION_STRIDE,
    OPTION_RATE,
    OPTION_PASSES,
    OPTION_UNTIL_DONE,
    OPTION_ONCE_PER_VERSION,
    OPTION_VERSIONS,
    OPTION_BATCH_ROWS,
    OPTION_BATCH_AGE_MS,
    OPTION_CACHE,
    OPTION_CACHE_BYTES,
    OPTION_DOWNLOAD_BUDGET,
    OPTION_DOWNLOAD_MIN_RATE,
    OPTION_DOWNLOAD_RATE,
    OPTION_DOWNLOAD_WINDOW,
    OPTION_MIRROR,
    OPTION_QUEUE_BYTES,
    OPTION_ACK_LOG,
    OPTION_BACKOFF_MAX_MS,
    OPTION_POLL_S,
    OPTION_RUNNER,
    OPTION_RUNNER_FORMAT,
    OPTION_RUNNER_START_S,
    OPTION_RUNNER_FRAME_MS,
    OPTION_ON_INSTALL,
    OPTION_ON_INSTALL_S,
    OPTION_ON_INSTALL_BYTES,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option table[] = {
    {"server", required_argument, NULL, OPTION_SERVER},
    {"state", required_argument, NULL, OPTION_STATE},
    {"root", required_argument, NULL, OPTION_ROOT},
    {"token", required_argument, NULL, OPTION_TOKEN},
    {"name", required_argument, NULL, OPTION_NAME},
    {"label", required_argument, NULL, OPTION_LABEL},
    {"model", required_argument, NULL, OPTION_MODEL},
    {"source", required_argument, NULL, OPTION_SOURCE},
    {"indices", required_argument, NULL, OPTION_INDICES},
    {"stride", required_argument, NULL, OPTION_STRIDE},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"passes", required_argument, NULL, OPTION_PASSES},
    {"until-done", no_argument, NULL, OPTION_UNTIL_DONE},
    {"once-per-version", no_argument, NULL, OPTION_ONCE_PER_VERSION},
    {"versions", required_argument, NULL, OPTION_VERSIONS},
    {"batch-rows", required_argument, NULL, OPTION_BATCH_ROWS},
    {"batch-age-ms", required_argument, NULL, OPTION_BATCH_AGE_MS},
    {"cache", required_argument, NULL, OPTION_CACHE},
    {"cache-bytes", required_argument, NULL, OPTION_CACHE_BYTES},
    {"download-budget", required_argument, NULL, OPTION_DOWNLOAD_BUDGET},
    {"download-min-rate", required_argument, NULL, OPTION_DOWNLOAD_MIN_RATE},
    {"download-rate", required_argument, NULL, OPTION_DOWNLOAD_RATE},
    {"download-window", required_argument, NULL, OPTION_DOWNLOAD_WINDOW},
    {"mirror", required_argument, NULL, OPTION_MIRROR},
    {"queue-bytes", required_argument, NULL, OPTION_QUEUE_BYTES},
    {"ack-log", required_argument, NULL, OPTION_ACK_LOG},
    {"backoff-max-ms", required_argument, NULL, OPTION_BACKOFF_MAX_MS},
    {"poll-s", required_argument, NULL, OPTION_POLL_S},
    {"runner", required_argument, NULL, OPTION_RUNNER},
    {"runner-format", required_argument, NULL, OPTION_RUNNER_FORMAT},
    {"runner-start-s", required_argument, NULL, OPTION_RUNNER_START_S},
    {"runner-frame-ms", required_argument, NULL, OPTION_RUNNER_FRAME_MS},
    {"on-install", required_argument, NULL, OPTION_ON_INSTALL},
    {"on-install-s", required_argument, NULL, OPTION_ON_INSTALL_S},
    {"on-install-bytes", required_argument, NULL, OPTION_ON_INSTALL_BYTES},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

const char *options_help(void)
{
    return help;
}

static enum status wrong(const char *option, const char *wanted, const char *found,
                         struct err *err)
{
    return err_set(err, ERR_USAGE, "--%s wants %s, found '%s'", option, wanted, found);
}

/* A whole number of at least `min`, up to the character `end`. */
static bool read_number(const char *text, char end, int64_t min, int64_t *ret_value,
                        const char **ret_rest)
{
    char *rest;
    errno = 0;
    long long value = strtoll(text, &rest, 10);
    if (errno != 0 || rest == text || *rest != end || value < min) {
        return false;
    }
    *ret_value = value;
    if (ret_rest) {
        *ret_rest = rest + (end != '\0');
    }
    return true;
}

static enum status read_integer(const char *option, const char *text, int64_t min,
                                int64_t *ret_value, struct err *err)
{
    char wanted[48];
    snprintf(wanted, sizeof wanted, "a whole number from %lld", (long long)min);
    return read_number(text, '\0', min, ret_value, NULL)
               ? OK
               : wrong(option, wanted, text, err);
}

static enum status read_rate(const char *text, double *ret_rate, struct err *err)
{
    char *end;
    double rate = strtod(text, &end);
    if (end == text || *end || !(rate >= 0 && rate <= 1e6)) {
        return wrong("rate", "a number from 0", text, err);
    }
    *ret_rate = rate;
    return OK;
}

static enum status read_label(struct agent_options *options, const char *text,
                              struct err *err)
{
    size_t i = options->client.label_count;
    const char *equals = strchr(text, '=');
    if (i == AGENT_LABELS_MAX || !equals || equals == text ||
        strlen(text) >= AGENT_LABEL_BYTES) {
        return wrong("label", "KEY=VALUE, at most 16 times", text, err);
    }
    char *copy = options->label_texts[i];
    memcpy(copy, text, strlen(text) + 1);
    copy[equals - text] = '\0';
    options->labels[i].key = copy;
    options->labels[i].value = copy + (equals - text) + 1;
    options->client.label_count++;
    return OK;
}

static enum status read_pair(const char *option, const char *text, char separator,
                             size_t *ret_first, size_t *ret_second, struct err *err)
{
    int64_t first, second;
    const char *rest;
    if (!read_number(text, separator, 0, &first, &rest) ||
        !read_number(rest, '\0', 1, &second, NULL)) {
        return wrong(option, separator == ':' ? "A:B" : "I/N with N from 1", text, err);
    }
    *ret_first = (size_t)first;
    *ret_second = (size_t)second;
    return OK;
}

static enum status read_number_option(struct agent_options *options, int id,
                                      const char *name, struct err *err)
{
    int64_t value = 0;
    bool zero = id == OPTION_PASSES || id == OPTION_VERSIONS;
    enum status status = read_integer(name, optarg, zero ? 0 : 1, &value, err);
    if (status != OK) {
        return status;
    }
    struct muster_client_options *client = &options->client;
    int64_t rows = (int64_t)client->batch_rows, bytes = (int64_t)client->queue_bytes;
    int64_t poll_s = client->poll_ms / 1000;
    int64_t cache_bytes = (int64_t)client->cache_bytes;
    int64_t start_s = options->external.start_ms / 1000;
    int64_t build_s = options->external.engine.build_ms / 1000;
    int64_t *const places[] = {
        [OPTION_PASSES - OPTION_SERVER] = &options->passes,
        [OPTION_VERSIONS - OPTION_SERVER] = &options->versions,
        [OPTION_BATCH_ROWS - OPTION_SERVER] = &rows,
        [OPTION_BATCH_AGE_MS - OPTION_SERVER] = &client->batch_age_ms,
        [OPTION_QUEUE_BYTES - OPTION_SERVER] = &bytes,
        [OPTION_BACKOFF_MAX_MS - OPTION_SERVER] = &client->backoff_max_ms,
        [OPTION_CACHE_BYTES - OPTION_SERVER] = &cache_bytes,
        [OPTION_DOWNLOAD_BUDGET - OPTION_SERVER] = &client->download_budget,
        [OPTION_DOWNLOAD_MIN_RATE - OPTION_SERVER] = &client->download_min_rate,
        [OPTION_DOWNLOAD_RATE - OPTION_SERVER] = &client->download_rate,
        [OPTION_POLL_S - OPTION_SERVER] = &poll_s,
        [OPTION_RUNNER_START_S - OPTION_SERVER] = &start_s,
        [OPTION_ON_INSTALL_S - OPTION_SERVER] = &build_s,
        [OPTION_ON_INSTALL_BYTES - OPTION_SERVER] = &options->external.engine.bytes,
        [OPTION_RUNNER_FRAME_MS - OPTION_SERVER] = &options->external.frame_ms};
    *places[id - OPTION_SERVER] = value;
    client->batch_rows = (size_t)rows;
    client->queue_bytes = (uint64_t)bytes;
    client->cache_bytes = (uint64_t)cache_bytes;
    client->poll_ms = poll_s * 1000;
    options->external.start_ms = start_s * 1000;
    options->external.engine.build_ms = build_s * 1000;
    return OK;
}

static void read_text_option(struct agent_options *options, int id)
{
    struct muster_client_options *client = &options->client;
    const char **const places[] = {
        [OPTION_SERVER - OPTION_SERVER] = &client->server_url,
        [OPTION_STATE - OPTION_SERVER] = &client->state_folder,
        [OPTION_ROOT - OPTION_SERVER] = &client->root_path,
        [OPTION_TOKEN - OPTION_SERVER] = &client->enrolment,
        [OPTION_NAME - OPTION_SERVER] = &client->name,
        [OPTION_MODEL - OPTION_SERVER] = &client->model,
        [OPTION_CACHE - OPTION_SERVER] = &client->cache_folder,
        [OPTION_DOWNLOAD_WINDOW - OPTION_SERVER] = &client->download_window,
        [OPTION_MIRROR - OPTION_SERVER] = &client->mirror_url,
        [OPTION_SOURCE - OPTION_SERVER] = &options->source,
        [OPTION_ACK_LOG - OPTION_SERVER] = &client->ack_log_path,
        [OPTION_RUNNER - OPTION_SERVER] = &options->external.command,
        [OPTION_ON_INSTALL - OPTION_SERVER] = &options->external.engine.command,
        [OPTION_RUNNER_FORMAT - OPTION_SERVER] = &options->runner_format};
    *places[id - OPTION_SERVER] = optarg;
}

static enum status read_option(struct agent_options *options, int id, const char *name,
                               struct err *err)
{
    switch (id) {
    case OPTION_LABEL:
        return read_label(options, optarg, err);
    case OPTION_INDICES:
        return read_pair(name, optarg, ':', &options->part.from, &options->part.to, err);
    case OPTION_STRIDE:
        return read_pair(name, optarg, '/', &options->part.phase, &options->part.stride,
                         err);
    case OPTION_RATE:
        return read_rate(optarg, &options->rate, err);
    case OPTION_UNTIL_DONE:
        options->passes = 1;
        return OK;
    case OPTION_ONCE_PER_VERSION:
        options->once_per_version = true;
        return OK;
    case OPTION_HELP:
        options->help = true;
        return OK;
    case OPTION_VERSION:
        options->version = true;
        return OK;
    case OPTION_PASSES:
    case OPTION_VERSIONS:
    case OPTION_BATCH_ROWS:
    case OPTION_BATCH_AGE_MS:
    case OPTION_CACHE_BYTES:
    case OPTION_DOWNLOAD_BUDGET:
    case OPTION_DOWNLOAD_MIN_RATE:
    case OPTION_DOWNLOAD_RATE:
    case OPTION_QUEUE_BYTES:
    case OPTION_BACKOFF_MAX_MS:
    case OPTION_POLL_S:
    case OPTION_RUNNER_START_S:
    case OPTION_RUNNER_FRAME_MS:
    case OPTION_ON_INSTALL_S:
    case OPTION_ON_INSTALL_BYTES:
        return read_number_option(options, id, name, err);
    default: /* the rest are texts; getopt returns no other number */
        read_text_option(options, id);
        return OK;
    }
}

static enum status check(struct agent_options *options, struct err *err)
{
    if (options->help || options->version) {
        return OK;
    }
    struct muster_client_options *client = &options->client;
    const char *missing = !client->server_url     ? "server"
                          : !client->state_folder ? "state"
                          : !client->root_path    ? "root"
                          : !options->source      ? "source"
                                                  : NULL;
    if (missing) {
        return err_set(err, ERR_USAGE, "--%s is missing", missing);
    }
    if (options->external.engine.command && !options->external.command) {
        return err_set(err, ERR_USAGE, "--on-install wants --runner, found none");
    }
    client->labels = options->labels;
    return OK;
}

enum status options_read(int argc, char **argv, struct agent_options *ret_options,
                         struct err *err)
{
    struct agent_options *options = ret_options;
    *options = (struct agent_options){
        .rate = 10,
        .runner_format = "onnx",
        .external = {.start_ms = 60000,
                     .frame_ms = 10000,
                     .engine = {.build_ms = 1800000, .bytes = 1 << 30}},
        .part = {.to = SIZE_MAX, .stride = 1},
        .client = {.agent = "muster-agent/" MUSTER_VERSION,
                   .batch_age_ms = 2000,
                   .server_url = getenv("MUSTER_SERVER"),
                   .enrolment = getenv("MUSTER_ENROLMENT")}};
    opterr = 0;
    optind = 1;
    for (;;) {
        int index = 0;
        int id = getopt_long(argc, argv, "", table, &index);
        if (id == -1) {
            break;
        }
        if (id == '?') {
            return err_set(err, ERR_USAGE, "unknown or incomplete option '%s'",
                           argv[optind - 1]);
        }
        enum status status = read_option(options, id, table[index].name, err);
        if (status != OK) {
            return status;
        }
    }
    if (optind < argc) {
        return err_set(err, ERR_USAGE, "unexpected argument '%s'", argv[optind]);
    }
    return check(options, err);
}
