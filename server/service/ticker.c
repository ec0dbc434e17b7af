/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/ticker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct ticker {
    int64_t every_ms;
    void (*tick)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
};

/* Waits one period; false when it is time to stop. */
static bool wait_period(struct ticker *ticker)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ticker->every_ms / 1000);
    until.tv_nsec += (long)(ticker->every_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&ticker->lock);
    int rc = 0;
    while (!ticker->stopping && rc == 0) {
        rc = pthread_cond_timedwait(&ticker->wake, &ticker->lock, &until);
    }
    bool go_on = !ticker->stopping;
    (void)pthread_mutex_unlock(&ticker->lock);
    return go_on;
}

static void *run(void *argument)
{
    struct ticker *ticker = argument;
    while (wait_period(ticker)) {
        ticker->tick(ticker->context);
    }
    return NULL;
}

enum status ticker_start(int64_t every_ms, void (*tick)(void *context), void *context,
                         struct ticker **ret_ticker, struct err *err)
{
    struct ticker *ticker = calloc(1, sizeof *ticker);
    if (!ticker) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a thread");
    }
    ticker->every_ms = every_ms;
    ticker->tick = tick;
    ticker->context = context;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&ticker->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&ticker->lock, NULL);
    if (pthread_create(&ticker->thread, NULL, run, ticker) != 0) {
        free(ticker);
        return err_set(err, ERR_UNAVAILABLE, "could not start a thread");
    }
    *ret_ticker = ticker;
    return OK;
}

void ticker_stop(struct ticker *ticker)
{
    if (!ticker) {
        return;
    }
    (void)pthread_mutex_lock(&ticker->lock);
    ticker->stopping = true;
    (void)pthread_cond_signal(&ticker->wake);
    (void)pthread_mutex_unlock(&ticker->lock);
    (void)pthread_join(ticker->thread, NULL);
    (void)pthread_cond_destroy(&ticker->wake);
    (void)pthread_mutex_destroy(&ticker->lock);
    free(ticker);
}
