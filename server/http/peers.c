/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/body.h"

enum { KEY_BYTES = 9, BUCKETS = 1024 };

struct peer {
    uint8_t key[KEY_BYTES]; /* 4 or 6, then the address (IPv6: its first 64 bits; IPv4 in
                             * IPv6 is IPv4) */
    unsigned count;
    struct body_pool bodies;
    struct peer *next; /* in its bucket */
};

struct peers {
    pthread_mutex_t lock;
    struct peer *buckets[BUCKETS];
    unsigned count;
    unsigned max_connections;
    unsigned max_per_address;
    uint64_t max_body_bytes; /* an address */
};

static void make_key(const struct sockaddr *address, uint8_t ret_key[static KEY_BYTES])
{
    memset(ret_key, 0, KEY_BYTES);
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        ret_key[0] = 4;
        memcpy(ret_key + 1, &in->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in =
            (const struct sockaddr_in6 *)(const void *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in->sin6_addr);
        bool loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
        ret_key[0] = mapped ? 4 : 6;
        if (mapped || loopback) {
            memcpy(ret_key + 1, in->sin6_addr.s6_addr + 12, 4);
        } else {
            memcpy(ret_key + 1, &in->sin6_addr, 8);
        }
    }
}

enum status peers_new(unsigned max_connections, unsigned max_per_address,
                      uint64_t max_body_bytes, struct peers **ret_peers, struct err *err)
{
    struct peers *peers = calloc(1, sizeof *peers);
    if (!peers) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the table of addresses");
    }
    (void)pthread_mutex_init(&peers->lock, NULL);
    peers->max_connections = max_connections;
    peers->max_per_address = max_per_address;
    peers->max_body_bytes = max_body_bytes;
    *ret_peers = peers;
    return OK;
}

void peers_free(struct peers *peers)
{
    if (peers) {
        (void)pthread_mutex_destroy(&peers->lock);
        free(peers);
    }
}

static struct peer **bucket_of(struct peers *peers, const uint8_t key[static KEY_BYTES])
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < KEY_BYTES; i++) {
        hash = (hash ^ key[i]) * 16777619U;
    }
    return &peers->buckets[(hash ^ (hash >> 16)) % BUCKETS];
}

static struct peer *find_or_add(struct peers *peers, const uint8_t key[static KEY_BYTES])
{
    struct peer **bucket = bucket_of(peers, key);
    for (struct peer *peer = *bucket; peer; peer = peer->next) {
        if (memcmp(peer->key, key, KEY_BYTES) == 0) {
            return peer;
        }
    }
    struct peer *peer = calloc(1, sizeof *peer);
    if (peer) {
        memcpy(peer->key, key, KEY_BYTES);
        peer->bodies.max = peers->max_body_bytes;
        peer->next = *bucket;
        *bucket = peer;
    }
    return peer;
}

struct peer *peers_enter(struct peers *peers, const struct sockaddr *address)
{
    uint8_t key[KEY_BYTES];
    make_key(address, key);
    (void)pthread_mutex_lock(&peers->lock);
    struct peer *peer =
        peers->count < peers->max_connections ? find_or_add(peers, key) : NULL;
    if (peer && peer->count >= peers->max_per_address) {
        peer = NULL;
    }
    if (peer) {
        peer->count++;
        peers->count++;
    }
    (void)pthread_mutex_unlock(&peers->lock);
    return peer;
}

void peers_leave(struct peers *peers, struct peer *peer)
{
    if (!peer) {
        return;
    }
    (void)pthread_mutex_lock(&peers->lock);
    peers->count--;
    if (--peer->count == 0) {
        struct peer **link = bucket_of(peers, peer->key);
        while (*link != peer) {
            link = &(*link)->next;
        }
        *link = peer->next;
        free(peer);
    }
    (void)pthread_mutex_unlock(&peers->lock);
}

uint64_t peer_key(const struct peer *peer)
{
    uint64_t key = 0;
    memcpy(&key, peer->key + 1, sizeof key);
    return key ^ (uint64_t)peer->key[0] << 56;
}

struct body_pool *peer_bodies(struct peer *peer)
{
    return &peer->bodies;
}

uint64_t peers_count(struct peers *peers)
{
    (void)pthread_mutex_lock(&peers->lock);
    uint64_t count = peers->count;
    (void)pthread_mutex_unlock(&peers->lock);
    return count;
}

void peer_format(const struct sockaddr *address, char ret_text[static PEER_TEXT_BYTES])
{
    const void *bytes = NULL;
    if (address->sa_family == AF_INET) {
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    } else if (address->sa_family == AF_INET6) {
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    }
    if (!bytes || !inet_ntop(address->sa_family, bytes, ret_text, PEER_TEXT_BYTES)) {
        (void)snprintf(ret_text, PEER_TEXT_BYTES, "unknown");
    }
}
