/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/deadlines.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum { SCAN_INTERVAL_MS = 100 };

struct deadline {
    _Atomic int64_t at_ms;
    atomic_int phase;
    int fd;                /* -1: free */
    struct deadline *next; /* while free */
};

struct deadlines {
    pthread_mutex_t lock; /* guards fd and next of all entries, `free` and `stop` */
    pthread_cond_t wake;
    pthread_t thread;
    bool stop;
    struct deadline *free;
    size_t capacity;
    atomic_uint_fast64_t expired;
    struct deadline entries[];
};

static void expire(struct deadlines *table, struct deadline *entry)
{
    static const char *const reasons[] = {
        [DEADLINE_NONE] = "stopping", [DEADLINE_HEAD] = "head", [DEADLINE_BODY] = "body",
        [DEADLINE_IDLE] = "idle",     [DEADLINE_SEND] = "send",
    };
    enum deadline_phase phase = deadline_phase(entry);
    if (phase == DEADLINE_SEND) {
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(entry->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    atomic_store(&entry->at_ms, INT64_MAX);
    (void)atomic_fetch_add(&table->expired, 1);
    (void)shutdown(entry->fd, SHUT_RDWR);
    log_event(phase == DEADLINE_IDLE ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
              "connection_expired", log_text("phase", reasons[phase]));
}

static void scan(struct deadlines *table, int64_t now_ms)
{
    for (size_t i = 0; i < table->capacity; i++) {
        struct deadline *entry = &table->entries[i];
        if (entry->fd >= 0 && atomic_load(&entry->at_ms) <= now_ms) {
            expire(table, entry);
        }
    }
}

static void *run(void *argument)
{
    struct deadlines *table = argument;
    (void)pthread_mutex_lock(&table->lock);
    while (!table->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += SCAN_INTERVAL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&table->wake, &table->lock, &until);
        scan(table, clock_mono_ms());
    }
    (void)pthread_mutex_unlock(&table->lock);
    return NULL;
}

enum status deadlines_new(size_t capacity, struct deadlines **ret_deadlines,
                          struct err *err)
{
    struct deadlines *table =
        calloc(1, sizeof *table + capacity * sizeof(struct deadline));
    if (!table) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the deadline table");
    }
    table->capacity = capacity;
    for (size_t i = capacity; i-- > 0;) {
        table->entries[i].fd = -1;
        table->entries[i].next = table->free;
        table->free = &table->entries[i];
    }
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&table->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&table->lock, NULL);
    if (pthread_create(&table->thread, NULL, run, table) != 0) {
        (void)pthread_cond_destroy(&table->wake);
        (void)pthread_mutex_destroy(&table->lock);
        free(table);
        return err_set(err, ERR_UNAVAILABLE, "could not start the deadline thread");
    }
    *ret_deadlines = table;
    return OK;
}

void deadlines_free(struct deadlines *deadlines)
{
    if (!deadlines) {
        return;
    }
    (void)pthread_mutex_lock(&deadlines->lock);
    deadlines->stop = true;
    (void)pthread_cond_signal(&deadlines->wake);
    (void)pthread_mutex_unlock(&deadlines->lock);
    (void)pthread_join(deadlines->thread, NULL);
    (void)pthread_cond_destroy(&deadlines->wake);
    (void)pthread_mutex_destroy(&deadlines->lock);
    free(deadlines);
}

struct deadline *deadlines_add(struct deadlines *deadlines, int fd)
{
    (void)pthread_mutex_lock(&deadlines->lock);
    struct deadline *entry = deadlines->free;
    if (entry) {
        deadlines->free = entry->next;
        entry->fd = fd;
        deadline_set(entry, DEADLINE_NONE, INT64_MAX);
    }
    (void)pthread_mutex_unlock(&deadlines->lock);
    return entry;
}

void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline)
{
    if (!deadline) {
        return;
    }
    (void)pthread_mutex_lock(&deadlines->lock);
    deadline->fd = -1;
    deadline->next = deadlines->free;
    deadlines->free = deadline;
    (void)pthread_mutex_unlock(&deadlines->lock);
}

void deadline_set(struct deadline *deadline, enum deadline_phase phase, int64_t at_ms)
{
    /* The phase first and a far time between: the thread never sees the new time with the
     * old phase's consequences. Releases keep that order without a barrier each. */
    atomic_store_explicit(&deadline->at_ms, INT64_MAX, memory_order_release);
    atomic_store_explicit(&deadline->phase, (int)phase, memory_order_release);
    atomic_store_explicit(&deadline->at_ms, phase == DEADLINE_NONE ? INT64_MAX : at_ms,
                          memory_order_release);
}

enum deadline_phase deadline_phase(const struct deadline *deadline)
{
    return (enum deadline_phase)atomic_load_explicit(&deadline->phase,
                                                     memory_order_acquire);
}

uint64_t deadlines_expired(const struct deadlines *deadlines)
{
    return atomic_load(&deadlines->expired);
}

void deadlines_expire_all(struct deadlines *deadlines)
{
    (void)pthread_mutex_lock(&deadlines->lock);
    for (size_t i = 0; i < deadlines->capacity; i++) {
        struct deadline *entry = &deadlines->entries[i];
        if (entry->fd >= 0 && deadline_phase(entry) != DEADLINE_NONE) {
            expire(deadlines, entry);
        }
    }
    (void)pthread_mutex_unlock(&deadlines->lock);
}
