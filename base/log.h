/* SPDX-License-Identifier: Apache-2.0 */
/* log: one logfmt line an event on stderr.
 *
 *   time=2026-11-23T10:00:00.123Z level=info event=listening address=127.0.0.1:8080
 *
 * Values are quoted where needed and all but printable ASCII is escaped, so that no input
 * can forge a line. A line is one write(2) and is cut at 2 KiB. Thread-safe; never
 * allocates.
 */
#ifndef MUSTER_BASE_LOG_H
#define MUSTER_BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* One key=value; build them with log_text and log_int. */
struct log_field {
    const char *key;
    const char *text; /* NULL: `number` is meant */
    int64_t number;
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text ? text : ""};
}

static inline struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .number = number};
}

/* Lines below this level are dropped; LOG_LEVEL_INFO at first. */
void log_set_level(enum log_level level);

/* Writes one line with `count` fields. Use the log_event macro. */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               int count);

/* log_event(LOG_LEVEL_INFO, "listening", log_text("address", a), log_int("port", p)); */
#define log_event(level, event, ...)                                                     \
    log_write(level, event, (const struct log_field[]){__VA_ARGS__},                     \
              (int)(sizeof((const struct log_field[]){__VA_ARGS__}) /                    \
                    sizeof(struct log_field)))

#endif
