/* SPDX-License-Identifier: Apache-2.0 */
/* config: musterd's options, from one table.
 *
 * Flags win over MUSTER_* in the environment, that over the INI file (--config), that
 * over the defaults. An option is `max_connections` in the file, `--max-connections` as a
 * flag and MUSTER_MAX_CONNECTIONS in the environment. An unknown flag or key, a value
 * outside its range and a key given twice in the file are errors; unknown MUSTER_*
 * variables are not, as other programs of muster have theirs. */
#ifndef MUSTER_SERVER_CONFIG_H
#define MUSTER_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct config {
    struct arena arena; /* owns the texts */

    const char *data;           /* the data directory */
    const char *listen;         /* ADDRESS:PORT */
    const char *metrics_listen; /* ADDRESS:PORT, "" for none */
    const char *config;         /* the INI file, "" for none */
    const char *log_level;      /* debug, info, warning, error */
    const char *cohort_labels;  /* up to four keys, joined by commas */

    int64_t log_requests; /* 0: no line a request */
    int64_t threads, workers, readers;
    int64_t max_connections, max_connections_per_address, max_streams;
    int64_t head_timeout_ms, body_timeout_ms, idle_timeout_ms, send_timeout_ms;
    int64_t min_bytes_per_s, bodies_bytes, max_artifact_bytes;
    int64_t address_requests_per_s, address_burst;
    int64_t node_reports_per_s, node_burst, node_in_flight;
    int64_t drain_timeout_ms;
    int64_t read_deadline_ms, linger_max_us, wal_limit_bytes;
    int64_t row_days, row_bytes, sample_days, minute_rollup_days, rollup_days;
    int64_t check_hours;
    int64_t poll_s, session_ms, timestamp_ms;
};

#define CONFIG_AUTO __attribute__((cleanup(config_release))) struct config

/* The defaults. ERR_NO_MEMORY. */
enum status config_init(struct config *config, struct err *err) MUST_USE;
void config_release(struct config *config);

/* Sets one option by its name in the table; `source` goes into messages ("--threads",
 * "musterd.conf", "MUSTER_THREADS"). ERR_CONFIG for an unknown name or a bad value. */
enum status config_set(struct config *config, const char *name, const char *value,
                       const char *source, struct err *err) MUST_USE;

/* Reads the text of an INI file. ERR_CONFIG; the detail names `path` and the line. */
enum status config_read_ini(struct config *config, const char *text, size_t len,
                            const char *path, struct err *err) MUST_USE;

/* All of it: defaults, file, environment ("NAME=value" texts, NULL ends) and the flags in
 * argv[0] … argv[argc - 1]. ERR_CONFIG, ERR_USAGE, ERR_NOT_FOUND for the file. */
enum status config_load(struct config *config, int argc, char *const *argv,
                        char *const *environment, struct err *err) MUST_USE;

/* The options of the table for --help, a line each, on stdout. */
void config_print_options(void);

#endif
