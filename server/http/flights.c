/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/flights.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

struct flight {
    int64_t key;
    unsigned count;
    struct flight *next; /* in its bucket */
};

struct flights {
    unsigned most;
    pthread_mutex_t lock;
    struct flight *buckets[BUCKETS];
};

enum status flights_new(unsigned most, struct flights **ret_flights, struct err *err)
{
    struct flights *flights = calloc(1, sizeof *flights);
    if (!flights) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the table of senders");
    }
    flights->most = most;
    (void)pthread_mutex_init(&flights->lock, NULL);
    *ret_flights = flights;
    return OK;
}

void flights_free(struct flights *flights)
{
    if (flights) {
        (void)pthread_mutex_destroy(&flights->lock);
        free(flights);
    }
}

/* Where the key's flight is linked, or would be. */
static struct flight **link_of(struct flights *flights, int64_t key)
{
    struct flight **link =
        &flights->buckets[((uint64_t)key * UINT64_C(0x9E3779B97F4A7C15)) >> 54];
    while (*link && (*link)->key != key) {
        link = &(*link)->next;
    }
    return link;
}

static bool count_in(struct flights *flights, int64_t key)
{
    struct flight **link = link_of(flights, key);
    if (*link) {
        bool room = (*link)->count < flights->most;
        (*link)->count += room ? 1 : 0;
        return room;
    }
    struct flight *flight = malloc(sizeof *flight);
    if (flight) {
        *flight = (struct flight){.key = key, .count = 1};
        *link = flight;
    }
    return flight != NULL;
}

bool flights_enter(struct flights *flights, int64_t key)
{
    if (flights->most == 0) {
        return true;
    }
    (void)pthread_mutex_lock(&flights->lock);
    bool room = count_in(flights, key);
    (void)pthread_mutex_unlock(&flights->lock);
    return room;
}

void flights_leave(struct flights *flights, int64_t key)
{
    if (flights->most == 0) {
        return;
    }
    (void)pthread_mutex_lock(&flights->lock);
    struct flight **link = link_of(flights, key);
    struct flight *flight = *link;
    assert(flight && flight->count > 0);
    if (--flight->count == 0) {
        *link = flight->next;
        free(flight);
    }
    (void)pthread_mutex_unlock(&flights->lock);
}
