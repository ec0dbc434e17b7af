/* SPDX-License-Identifier: Apache-2.0 */
/* bench_load: see load.h; its command line. */
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load_body.h"
#include "tests/bench/load_fleet.h"
#include "tests/bench/load_hold.h"
#include "tests/bench/load_work.h"

static const char USAGE[] =
    "usage: bench_load MODE --to HOST:PORT [options]; prints a line of JSON\n"
    "  enroll   --enrollment TOKEN --nodes N --fleet FILE   nodes with keys, into FILE\n"
    "  reports  --fleet FILE [--rows 100] [--form columns|rows] [--zstd]\n"
    "           [--model M --artifact HEX]                  reports of these nodes in "
    "turn\n"
    "           [--body FILE ...]   these reports instead, stamped with seq and times\n"
    "  lines    --path TARGET [--rows 100] [--form field|tag] [--nodes 1000]\n"
    "  polls    [--fleet FILE] [--path TARGET]              304s\n"
    "  statement --rows N --nodes VARIANT   no load: prints these rows as an INSERT\n"
    "  idle     [--path TARGET] [--fleet FILE]   connections that do nothing, until "
    "stdin ends\n"
    "  slow                      connections that send slowly, until stdin ends\n"
    "all: [--connections 16] [--sources N] [--warm 0.5] [--seconds 3] [--rate PER_S]\n"
    "     [--server-pid PID ...] [--tolerate]\n"
    "--server-pid: a process whose processor time and writes are told; --sources: come "
    "from\n"
    "so many addresses of 127/8; --rate: answers a second over all, instead of as many "
    "as\n"
    "will go; --tolerate: failed answers do not make the exit status 1\n";

enum option_id {
    OPTION_TO = 256,
    OPTION_FLEET,
    OPTION_ENROLLMENT,
    OPTION_MODEL,
    OPTION_ARTIFACT,
    OPTION_FORM,
    OPTION_PATH,
    OPTION_CONNECTIONS,
    OPTION_NODES,
    OPTION_ROWS,
    OPTION_SOURCES,
    OPTION_WARM,
    OPTION_SECONDS,
    OPTION_RATE,
    OPTION_SERVER_PID,
    OPTION_BODY,
    OPTION_ZSTD,
    OPTION_TOLERATE,
};

static const struct option OPTIONS[] = {
    {"to", required_argument, NULL, OPTION_TO},
    {"fleet", required_argument, NULL, OPTION_FLEET},
    {"enrollment", required_argument, NULL, OPTION_ENROLLMENT},
    {"model", required_argument, NULL, OPTION_MODEL},
    {"artifact", required_argument, NULL, OPTION_ARTIFACT},
    {"form", required_argument, NULL, OPTION_FORM},
    {"path", required_argument, NULL, OPTION_PATH},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"nodes", required_argument, NULL, OPTION_NODES},
    {"rows", required_argument, NULL, OPTION_ROWS},
    {"sources", required_argument, NULL, OPTION_SOURCES},
    {"warm", required_argument, NULL, OPTION_WARM},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"server-pid", required_argument, NULL, OPTION_SERVER_PID},
    {"body", required_argument, NULL, OPTION_BODY},
    {"zstd", no_argument, NULL, OPTION_ZSTD},
    {"tolerate", no_argument, NULL, OPTION_TOLERATE},
    {0}};

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("bench_load: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *must_calloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) {
        die("no memory");
    }
    return memory;
}

_Noreturn static void usage(void)
{
    (void)fputs(USAGE, stderr);
    exit(2);
}

static double number(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || !(value >= min && value <= max)) {
        (void)fprintf(stderr, "bench_load: '%s' is not a number from %g to %g\n", text,
                      min, max);
        usage();
    }
    return value;
}

static void set_to(struct load_options *options, const char *text)
{
    char address[64];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof address) {
        usage();
    }
    (void)snprintf(address, sizeof address, "%.*s", (int)(colon - text), text);
    options->host = text;
    options->to.sin_family = AF_INET;
    options->to.sin_port = htons((uint16_t)number(colon + 1, 1, 65535));
    if (inet_pton(AF_INET, address, &options->to.sin_addr) != 1) {
        die("'%s' is not an IPv4 address", address);
    }
}

static void set_text(struct load_options *options, enum option_id id, const char *text)
{
    const char **places[] = {[OPTION_FLEET - OPTION_FLEET] = &options->fleet,
                             [OPTION_ENROLLMENT - OPTION_FLEET] = &options->enrollment,
                             [OPTION_MODEL - OPTION_FLEET] = &options->model,
                             [OPTION_ARTIFACT - OPTION_FLEET] = &options->artifact,
                             [OPTION_FORM - OPTION_FLEET] = &options->form,
                             [OPTION_PATH - OPTION_FLEET] = &options->path};
    *places[id - OPTION_FLEET] = text;
}

static void set_number(struct load_options *options, enum option_id id, const char *text)
{
    if (id == OPTION_CONNECTIONS) {
        options->connections = (unsigned)number(text, 1, 60000);
    } else if (id == OPTION_NODES) {
        options->nodes = (unsigned)number(text, 1, 10000000);
    } else if (id == OPTION_ROWS) {
        options->rows = (unsigned)number(text, 0, BODY_ROWS_MAX);
    } else if (id == OPTION_SOURCES) {
        options->sources = (unsigned)number(text, 0, 250);
    } else if (id == OPTION_WARM) {
        options->warm_s = number(text, 0, 3600);
    } else if (id == OPTION_SECONDS) {
        options->seconds = number(text, 0.01, 86400);
    } else if (id == OPTION_RATE) {
        options->rate = number(text, 0, 1e7);
    } else if (options->server_pid_count < SERVER_PIDS_MAX) {
        options->server_pids[options->server_pid_count++] =
            (pid_t)number(text, 1, INT32_MAX);
    } else {
        die("at most %d times --server-pid", SERVER_PIDS_MAX);
    }
}

static void parse(struct load_options *options, int argc, char **argv)
{
    int id;
    while ((id = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (id == OPTION_TO) {
            set_to(options, optarg);
        } else if (id == OPTION_ZSTD) {
            options->zstd = true;
        } else if (id == OPTION_BODY) {
            if (options->body_count == BODY_FILES_MAX) {
                die("at most %d times --body", BODY_FILES_MAX);
            }
            options->bodies[options->body_count++] = optarg;
        } else if (id == OPTION_TOLERATE) {
            options->tolerate = true;
        } else if (id >= OPTION_FLEET && id <= OPTION_PATH) {
            set_text(options, (enum option_id)id, optarg);
        } else if (id >= OPTION_CONNECTIONS && id <= OPTION_SERVER_PID) {
            set_number(options, (enum option_id)id, optarg);
        } else {
            usage();
        }
    }
    if (optind + 1 != argc ||
        (!options->host && strcmp(argv[optind], "statement") != 0)) {
        usage();
    }
    options->mode = argv[optind];
}

static bool run_mode(struct load_options *options)
{
    const char *mode = options->mode;
    if (strcmp(mode, "enroll") == 0) {
        struct fleet fleet;
        fleet_enroll(&fleet, options);
        (void)printf("{\"mode\":\"enroll\",\"nodes\":%u}\n", fleet.count);
        fleet_release(&fleet);
        return true;
    }
    if (strcmp(mode, "reports") == 0) {
        options->form = options->form ? options->form : "columns";
        return work_reports(options);
    }
    if (strcmp(mode, "lines") == 0) {
        options->form = options->form ? options->form : "field";
        return work_lines(options);
    }
    if (strcmp(mode, "statement") == 0) {
        body_print_sql(options, options->nodes);
        return true;
    }
    options->path = options->path ? options->path : "/v1/assignment";
    if (strcmp(mode, "polls") == 0) {
        return work_polls(options);
    }
    if (strcmp(mode, "idle") == 0) {
        return hold_idle(options);
    }
    if (strcmp(mode, "slow") == 0) {
        return hold_slow(options);
    }
    usage();
}

int main(int argc, char **argv)
{
    struct load_options options = {
        .connections = 16,
        .nodes = 1000,
        .rows = 100,
        .warm_s = 0.5,
        .seconds = 3,
        .model = "fashion",
        .artifact = "0000000000000000000000000000000000000000000000000000000000000001"};
    if (sodium_init() < 0) {
        die("no random numbers");
    }
    parse(&options, argc, argv);
    return run_mode(&options) || options.tolerate ? 0 : 1;
}
