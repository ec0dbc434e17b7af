/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/buckets.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SETS = 8192, WAYS = 8, LOCKS = 64 };

struct bucket {
    uint64_t key;
    int64_t full_ns; /* monotonic; a bucket that is full is as good as none */
};

struct set {
    struct bucket ways[WAYS];
};

struct buckets {
    int64_t token_ns; /* a token comes every so often; 0: no limit */
    int64_t burst_ns; /* how long an empty bucket takes to fill */
    uint64_t seed;    /* so that nobody can choose keys of one set */
    pthread_mutex_t locks[LOCKS];
    struct set sets[SETS];
};

enum status buckets_new(int64_t per_s, int64_t burst, struct buckets **ret_buckets,
                        struct err *err)
{
    struct buckets *buckets = calloc(1, sizeof *buckets);
    if (!buckets) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the table of limits");
    }
    if (getrandom(&buckets->seed, sizeof buckets->seed, 0) < 0) {
        buckets->seed = (uint64_t)(uintptr_t)buckets;
    }
    buckets->token_ns = per_s > 0 ? INT64_C(1000000000) / per_s : 0;
    buckets->burst_ns = buckets->token_ns * burst;
    for (int i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_init(&buckets->locks[i], NULL);
    }
    *ret_buckets = buckets;
    return OK;
}

void buckets_free(struct buckets *buckets)
{
    if (buckets) {
        for (int i = 0; i < LOCKS; i++) {
            (void)pthread_mutex_destroy(&buckets->locks[i]);
        }
        free(buckets);
    }
}

/* The finaliser of splitmix64. */
static size_t set_of(const struct buckets *buckets, uint64_t key)
{
    uint64_t z = key ^ buckets->seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (size_t)(z ^ (z >> 31)) % SETS;
}

/* The bucket of the key, or the one of its set that is nearest to full. */
static struct bucket *find(struct set *set, uint64_t key)
{
    struct bucket *fullest = &set->ways[0];
    for (int i = 0; i < WAYS; i++) {
        if (set->ways[i].key == key) {
            return &set->ways[i];
        }
        if (set->ways[i].full_ns < fullest->full_ns) {
            fullest = &set->ways[i];
        }
    }
    *fullest = (struct bucket){.key = key};
    return fullest;
}

int64_t buckets_take(struct buckets *buckets, uint64_t key, int64_t now_us)
{
    if (buckets->token_ns == 0) {
        return 0;
    }
    int64_t now_ns = now_us * 1000;
    size_t at = set_of(buckets, key);
    pthread_mutex_t *lock = &buckets->locks[at % LOCKS];
    (void)pthread_mutex_lock(lock);
    struct bucket *bucket = find(&buckets->sets[at], key);
    int64_t from_ns = bucket->full_ns > now_ns ? bucket->full_ns : now_ns;
    int64_t missing_ns = from_ns + buckets->token_ns - now_ns - buckets->burst_ns;
    if (missing_ns <= 0) {
        bucket->full_ns = from_ns + buckets->token_ns;
    }
    (void)pthread_mutex_unlock(lock);
    return missing_ns <= 0 ? 0 : (missing_ns + 999) / 1000;
}
