/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

enum {
    FILE_BYTES_MAX = 64 * 1024,
    LINE_BYTES_MAX = 190, /* libinih of Debian cuts lines at 200 and reads on */
    ARENA_BYTES = 256 * 1024,
    NAME_BYTES = 64,
};

enum option_kind { OPTION_TEXT, OPTION_INT };

struct option {
    const char *name;
    const char *fallback;
    const char *unit; /* what the value is, for --help */
    const char *summary;
    int64_t low, high; /* of OPTION_INT */
    size_t offset;     /* of the member in struct config */
    enum option_kind kind;
};

#define TEXT(member, value, unit_, help)                                                 \
    {                                                                                    \
        .name = #member, .fallback = (value), .unit = (unit_), .summary = (help),        \
        .offset = offsetof(struct config, member), .kind = OPTION_TEXT                   \
    }
#define INT(member, value, low_, high_, unit_, help)                                     \
    {                                                                                    \
        .name = #member, .fallback = #value, .unit = (unit_), .summary = (help),         \
        .low = (low_), .high = (high_), .offset = offsetof(struct config, member),       \
        .kind = OPTION_INT                                                               \
    }

#define DAY_MS 86400000
#define GIB 1073741824

static const struct option options[] = {
    TEXT(data, "", "DIR", "the data directory, made by musterd init"),
    TEXT(config, "", "FILE", "an INI file with any of these options"),
    TEXT(listen, "127.0.0.1:8080", "ADDRESS:PORT",
         "where to serve; port 0 takes any; fd:N: an open socket"),
    TEXT(metrics_listen, "", "ADDRESS:PORT", "where to serve /metrics; none if empty"),
    TEXT(log_level, "info", "LEVEL", "debug, info, warning or error"),
    INT(log_requests, 1, 0, 1, "0|1", "a log line for every request"),
    TEXT(cohort_labels, "", "KEYS",
         "up to four label keys, with commas, that make cohorts"),
    INT(threads, 2, 1, 64, "N", "event threads"),
    INT(workers, 2, 1, 64, "N", "threads for hashing and verification"),
    INT(readers, 2, 1, 64, "N", "reading connections to the database"),
    INT(max_connections, 10000, 1, 1000000, "N", "connections in all"),
    INT(max_connections_per_address, 2000, 1, 1000000, "N", "connections of an address"),
    INT(max_streams, 64, 0, 10000, "N", "streams of events at once"),
    INT(head_timeout_ms, 10000, 100, DAY_MS, "MS", "for a request's head, absolute"),
    INT(body_timeout_ms, 30000, 100, DAY_MS, "MS", "for a request's body, absolute"),
    INT(idle_timeout_ms, 75000, 100, DAY_MS, "MS", "between two requests"),
    INT(send_timeout_ms, 60000, 100, DAY_MS, "MS", "for reading an answer, absolute"),
    INT(min_bytes_per_s, 65536, 1, GIB, "BYTES", "adds time for large bodies"),
    INT(bodies_bytes, 268435456, 262144, 1024LL * GIB, "BYTES", "of all bodies together"),
    INT(address_requests_per_s, 5000, 0, 1000000, "N", "of an address; 0: no limit"),
    INT(address_burst, 20000, 1, 10000000, "N", "requests of an address at once"),
    INT(node_reports_per_s, 50, 0, 1000000, "N", "of a node; 0: no limit"),
    INT(node_burst, 500, 1, 10000000, "N", "reports of a node in a row"),
    INT(node_in_flight, 16, 0, 1000000, "N", "reports of a node at once; 0: no limit"),
    INT(max_artifact_bytes, 67108864, 1024, GIB, "BYTES", "of an uploaded artifact"),
    INT(drain_timeout_ms, 10000, 0, DAY_MS, "MS", "for requests in flight at the end"),
    INT(read_deadline_ms, 100, 1, DAY_MS, "MS", "for a database query"),
    INT(linger_max_us, 300, 0, 100000, "US", "a commit waits so long for company"),
    INT(wal_limit_bytes, 33554432, 1048576, 1024LL * GIB, "BYTES", "of the log file"),
    INT(row_days, 30, 0, 36600, "DAYS", "predictions are kept; 0: for ever"),
    INT(row_bytes, 0, 0, INT64_MAX, "BYTES", "beyond it the oldest rows go; 0: no limit"),
    INT(sample_days, 365, 0, 36600, "DAYS", "samples are kept; 0: for ever"),
    INT(minute_rollup_days, 14, 1, 3660, "DAYS", "minute counts are kept"),
    INT(rollup_days, 0, 0, 36600, "DAYS", "all other counts are kept; 0: for ever"),
    INT(check_hours, 24, 0, 8784, "HOURS", "between two looks for damage; 0: none"),
    INT(poll_s, 30, 5, 86400, "S", "how often nodes shall poll"),
    INT(session_ms, 3600000, 1000, 30LL * DAY_MS, "MS", "life of a session token"),
    INT(timestamp_ms, 604800000, 2000, 365LL * DAY_MS, "MS", "life of a TUF timestamp"),
};

enum { OPTION_COUNT = sizeof options / sizeof options[0] };

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static void *member(struct config *config, const struct option *option)
{
    return (char *)config + option->offset;
}

static enum status set_int(struct config *config, const struct option *option,
                           const char *value, const char *source, struct err *err)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    bool starts_well = isdigit((unsigned char)value[0]) || value[0] == '-';
    if (!starts_well || *end || errno != 0 || number < option->low ||
        number > option->high) {
        return err_set(err, ERR_CONFIG,
                       "%s: must be an integer between %lld and %lld, found '%.64s'",
                       source, (long long)option->low, (long long)option->high, value);
    }
    *(int64_t *)member(config, option) = number;
    return OK;
}

enum status config_set(struct config *config, const char *name, const char *value,
                       const char *source, struct err *err)
{
    const struct option *option = find(name);
    if (!option) {
        return err_set(err, ERR_CONFIG, "%s: unknown option '%.64s'", source, name);
    }
    if (option->kind == OPTION_INT) {
        return set_int(config, option, value, source, err);
    }
    const char *copy = arena_strdup(&config->arena, value);
    if (!copy) {
        return err_set(err, ERR_CONFIG, "%s: no room for the value", source);
    }
    *(const char **)member(config, option) = copy;
    return OK;
}

enum status config_init(struct config *config, struct err *err)
{
    *config = (struct config){.arena = ARENA_INIT(ARENA_BYTES)};
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        enum status status = config_set(config, options[i].name, options[i].fallback,
                                        options[i].name, err);
        if (status != OK) {
            config_release(config);
            return status;
        }
    }
    return OK;
}

void config_release(struct config *config)
{
    arena_release(&config->arena);
}

/* ---- the INI file ----------------------------------------------------------------- */

struct reading {
    struct config *config;
    struct err *err;
    const char *path;
    bool seen[OPTION_COUNT];
};

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    const struct option *option = find(name);
    if (section[0] != '\0' && strcmp(section, "musterd") != 0) {
        (void)err_set(reading->err, ERR_CONFIG, "%s: unknown section '[%.64s]'",
                      reading->path, section);
        return 0;
    }
    if (option && reading->seen[option - options]) {
        (void)err_set(reading->err, ERR_CONFIG, "%s: '%s' stands there twice",
                      reading->path, name);
        return 0;
    }
    if (strcmp(name, "config") == 0) {
        (void)err_set(reading->err, ERR_CONFIG, "%s: a file cannot name another one",
                      reading->path);
        return 0;
    }
    if (option) {
        reading->seen[option - options] = true;
    }
    char source[256];
    (void)snprintf(source, sizeof source, "%s: %s", reading->path,
                   option ? option->name : "");
    return config_set(reading->config, name, value, option ? source : reading->path,
                      reading->err) == OK;
}

/* What libinih would read wrongly without a word: NULs and lines over its limit. */
static enum status check_lines(const char *text, size_t len, const char *path,
                               struct err *err)
{
    if (len > 0 && memchr(text, '\0', len)) {
        return err_set(err, ERR_CONFIG, "%s: has a NUL", path);
    }
    int line = 1;
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != '\n') {
            continue;
        }
        if (i - start > LINE_BYTES_MAX) {
            return err_set(err, ERR_CONFIG, "%s: line %d is longer than %d bytes", path,
                           line, LINE_BYTES_MAX);
        }
        start = i + 1;
        line++;
    }
    return OK;
}

enum status config_read_ini(struct config *config, const char *text, size_t len,
                            const char *path, struct err *err)
{
    enum status status = check_lines(text, len, path, err);
    if (status != OK) {
        return status;
    }
    struct reading reading = {.config = config, .err = err, .path = path};
    char *copy = arena_strndup(&config->arena, text, len);
    if (!copy) {
        return err_set(err, ERR_NO_MEMORY, "%s: no memory to read it", path);
    }
    int line = ini_parse_string(copy, on_pair, &reading);
    if (line == 0) {
        return OK;
    }
    (void)err_set(err, ERR_CONFIG, "%s: line %d is not 'name = value'", path, line);
    return ERR_CONFIG;
}

static enum status read_file(struct config *config, const char *path, struct err *err)
{
    BUF_AUTO text = BUF_INIT(FILE_BYTES_MAX);
    enum status status = file_read(path, &text, err);
    return status == OK
               ? config_read_ini(config, text.data ? text.data : "", text.len, path, err)
               : status;
}

/* ---- environment and flags --------------------------------------------------------- */

/* "MUSTER_MAX_CONNECTIONS=5" sets max_connections: the name, or "" for another entry. */
static void environment_name(const char *entry, char ret_name[static NAME_BYTES])
{
    size_t len = strcspn(entry, "=");
    ret_name[0] = '\0';
    if (len < 8 || len - 7 >= NAME_BYTES || !entry[len] ||
        strncmp(entry, "MUSTER_", 7) != 0) {
        return;
    }
    for (size_t i = 7; i < len; i++) {
        bool is_upper = entry[i] >= 'A' && entry[i] <= 'Z';
        ret_name[i - 7] = is_upper ? (char)(entry[i] | 0x20) : entry[i];
    }
    ret_name[len - 7] = '\0';
}

static enum status read_environment(struct config *config, char *const *environment,
                                    const char *only, struct err *err)
{
    for (char *const *entry = environment; entry && *entry; entry++) {
        char name[NAME_BYTES];
        char source[NAME_BYTES + 8];
        environment_name(*entry, name);
        if (!find(name) || (only && strcmp(name, only) != 0)) {
            continue;
        }
        size_t len = strcspn(*entry, "=");
        (void)snprintf(source, sizeof source, "%.*s", (int)len, *entry);
        enum status status = config_set(config, name, *entry + len + 1, source, err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

/* The option's name of a flag "--max-connections[=N]". */
static void flag_name(const char *flag, char ret_name[static NAME_BYTES])
{
    size_t len = strcspn(flag + 2, "=");
    size_t used = len < NAME_BYTES - 1 ? len : NAME_BYTES - 1;
    for (size_t i = 0; i < used; i++) {
        ret_name[i] = flag[2 + i] == '-' ? '_' : flag[2 + i];
    }
    ret_name[used] = '\0';
}

static enum status read_flags(struct config *config, int argc, char *const *argv,
                              const char *only, struct err *err)
{
    for (int i = 0; i < argc; i++) {
        char name[NAME_BYTES];
        if (strncmp(argv[i], "--", 2) != 0) {
            return err_set(err, ERR_USAGE, "unexpected argument '%.80s'", argv[i]);
        }
        flag_name(argv[i], name);
        const char *value = strchr(argv[i], '=');
        if (!find(name) || strchr(argv[i], '_')) {
            return err_set(err, ERR_USAGE, "unknown option '%.80s'", argv[i]);
        }
        if (!value && i + 1 == argc) {
            return err_set(err, ERR_USAGE, "%.80s needs a value", argv[i]);
        }
        char source[NAME_BYTES + 2];
        (void)snprintf(source, sizeof source, "%.*s", (int)strcspn(argv[i], "="),
                       argv[i]);
        value = value ? value + 1 : argv[++i];
        if (only && strcmp(name, only) != 0) {
            continue;
        }
        enum status status = config_set(config, name, value, source, err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

enum status config_load(struct config *config, int argc, char *const *argv,
                        char *const *environment, struct err *err)
{
    enum status status = config_init(config, err);
    if (status != OK) {
        return status;
    }
    status = read_environment(config, environment, "config", err);
    if (status == OK) {
        status = read_flags(config, argc, argv, "config", err);
    }
    if (status == OK && config->config[0]) {
        status = read_file(config, config->config, err);
    }
    if (status == OK) {
        status = read_environment(config, environment, NULL, err);
    }
    if (status == OK) {
        status = read_flags(config, argc, argv, NULL, err);
    }
    if (status != OK) {
        config_release(config);
    }
    return status;
}

void config_print_options(void)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char flag[NAME_BYTES];
        (void)snprintf(flag, sizeof flag, "--%s %s", options[i].name, options[i].unit);
        for (char *p = flag; *p && *p != ' '; p++) {
            *p = *p == '_' ? '-' : *p;
        }
        (void)printf("  %-36s %s", flag, options[i].summary);
        if (options[i].kind == OPTION_INT) {
            (void)printf(" (%s; %lld to %lld)", options[i].fallback,
                         (long long)options[i].low, (long long)options[i].high);
        } else if (options[i].fallback[0]) {
            (void)printf(" (%s)", options[i].fallback);
        }
        (void)printf("\n");
    }
}
