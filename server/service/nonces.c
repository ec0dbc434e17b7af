/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nonces.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/service/table.h"

struct nonce_key {
    int64_t node_id;
    uint8_t nonce[16];
};

struct nonce {
    struct nonce_key key;
    int64_t until_ms;
    UT_hash_handle hh;
};

struct nonce_count {
    int64_t node_id;
    size_t count;
    UT_hash_handle hh;
};

struct nonces {
    pthread_mutex_t lock;
    size_t max, max_per_node;
    struct nonce *used;         /* about in order of their end */
    struct nonce_count *counts; /* nodes that have any */
};

struct nonces *nonces_new(size_t max, size_t max_per_node)
{
    struct nonces *nonces = calloc(1, sizeof *nonces);
    if (nonces) {
        nonces->max = max;
        nonces->max_per_node = max_per_node;
        (void)pthread_mutex_init(&nonces->lock, NULL);
    }
    return nonces;
}

static void drop(struct nonces *nonces, struct nonce *nonce)
{
    struct nonce_count *count = NULL;
    HASH_FIND(hh, nonces->counts, &nonce->key.node_id, sizeof nonce->key.node_id, count);
    if (count && --count->count == 0) {
        HASH_DELETE(hh, nonces->counts, count);
        free(count);
    }
    HASH_DELETE(hh, nonces->used, nonce);
    free(nonce);
}

void nonces_free(struct nonces *nonces)
{
    if (nonces) {
        while (nonces->used) {
            drop(nonces, nonces->used);
        }
        (void)pthread_mutex_destroy(&nonces->lock);
        free(nonces);
    }
}

/* The node's counter, made when it has none; NULL without memory. */
static struct nonce_count *counter(struct nonces *nonces, int64_t node_id)
{
    struct nonce_count *count = NULL;
    HASH_FIND(hh, nonces->counts, &node_id, sizeof node_id, count);
    if (!count) {
        count = calloc(1, sizeof *count);
        if (count) {
            count->node_id = node_id;
            HASH_ADD(hh, nonces->counts, node_id, sizeof count->node_id, count);
        }
    }
    return count;
}

static enum status use(struct nonces *nonces, const struct nonce_key *key,
                       int64_t until_ms)
{
    struct nonce *nonce = NULL;
    HASH_FIND(hh, nonces->used, key, sizeof *key, nonce);
    if (nonce) {
        return ERR_SESSION_REPLAY;
    }
    if (HASH_COUNT(nonces->used) >= nonces->max) {
        return ERR_HTTP_RATE_LIMITED;
    }
    struct nonce_count *count = counter(nonces, key->node_id);
    if (count && count->count >= nonces->max_per_node) {
        return ERR_HTTP_RATE_LIMITED;
    }
    nonce = count ? calloc(1, sizeof *nonce) : NULL;
    if (!nonce) {
        return ERR_NO_MEMORY;
    }
    nonce->key = *key;
    nonce->until_ms = until_ms;
    count->count++;
    HASH_ADD(hh, nonces->used, key, sizeof nonce->key, nonce);
    return OK;
}

enum status nonces_use(struct nonces *nonces, int64_t node_id,
                       const uint8_t nonce[static 16], int64_t now_ms, int64_t until_ms)
{
    struct nonce_key key = {.node_id = node_id};
    memcpy(key.nonce, nonce, sizeof key.nonce);
    (void)pthread_mutex_lock(&nonces->lock);
    while (nonces->used && nonces->used->until_ms < now_ms) {
        drop(nonces, nonces->used);
    }
    enum status status = use(nonces, &key, until_ms);
    (void)pthread_mutex_unlock(&nonces->lock);
    return status;
}
