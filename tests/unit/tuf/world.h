/* SPDX-License-Identifier: Apache-2.0 */
/* world: a whole TUF repository in memory, with real keys and signatures, that a test
 * bends as it likes before it signs again. */
#ifndef MUSTER_TESTS_UNIT_TUF_WORLD_H
#define MUSTER_TESTS_UNIT_TUF_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/digest.h"
#include "tuf/json.h"
#include "tuf/signing.h"

#define NOW_MS INT64_C(1795420000000)
#define DAY_MS INT64_C(86400000)

enum { WORLD_KEYS = 2 };

struct world {
    struct signing_key keys[TUF_ROLE_COUNT][WORLD_KEYS]; /* [role][0] signs */
    json_t *body[TUF_ROLE_COUNT];
    struct buf bytes[TUF_ROLE_COUNT]; /* signed files */
};

#define WORLD_AUTO __attribute__((cleanup(world_release))) struct world

static inline void world_release(struct world *world)
{
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        json_decref(world->body[role]);
        buf_release(&world->bytes[role]);
    }
}

static inline void world_must(enum status status, const struct err *err)
{
    if (status != OK) {
        print_message("%s: %s\n", status_name(status), err->detail);
    }
    assert_int_equal(status, OK);
}

/* Keys made of fixed seeds, so that every run sees the same bytes. */
static inline struct signing_key world_key(uint8_t seed)
{
    uint8_t bytes[ED25519_SEED_BYTES];
    memset(bytes, seed, sizeof bytes);
    struct signing_key key;
    struct err err = {0};
    world_must(signing_key_from_seed(bytes, &key, &err), &err);
    return key;
}

static inline void world_sign_with(struct world *world, enum tuf_role role,
                                   const struct signing_key *const *keys, size_t count)
{
    struct err err = {0};
    buf_release(&world->bytes[role]);
    world->bytes[role] = BUF_INIT(1 << 20);
    world_must(
        signing_envelope(world->body[role], keys, count, &world->bytes[role], &err),
        &err);
}

/* Signs a role's body with its first key. */
static inline void world_sign(struct world *world, enum tuf_role role)
{
    const struct signing_key *key = &world->keys[role][0];
    world_sign_with(world, role, &key, 1);
}

static inline int64_t world_version(const struct world *world, enum tuf_role role)
{
    return json_integer_value(json_object_get(world->body[role], "version"));
}

static inline void world_set_version(struct world *world, enum tuf_role role,
                                     int64_t version)
{
    (void)json_object_set_new(world->body[role], "version", json_integer(version));
}

static inline void world_set_expires(struct world *world, enum tuf_role role,
                                     const char *text)
{
    (void)json_object_set_new(world->body[role], "expires", json_string(text));
}

/* Names a signed file in the one above it, as it is now. */
static inline void world_link(struct world *world, enum tuf_role from, const char *name,
                              enum tuf_role to)
{
    struct err err = {0};
    struct signing_file file = {.data = world->bytes[to].data,
                                .len = world->bytes[to].len,
                                .version = world_version(world, to)};
    world_must(signing_set_meta(world->body[from], name, &file, &err), &err);
}

/* Signs targets, snapshot and timestamp, each naming the one before. */
static inline void world_publish(struct world *world)
{
    world_sign(world, TUF_ROLE_TARGETS);
    world_link(world, TUF_ROLE_SNAPSHOT, "targets.json", TUF_ROLE_TARGETS);
    world_sign(world, TUF_ROLE_SNAPSHOT);
    world_link(world, TUF_ROLE_TIMESTAMP, "snapshot.json", TUF_ROLE_SNAPSHOT);
    world_sign(world, TUF_ROLE_TIMESTAMP);
}

/* Raises the versions of targets, snapshot and timestamp by one and signs. */
static inline void world_next(struct world *world)
{
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        world_set_version(world, (enum tuf_role)role,
                          world_version(world, (enum tuf_role)role) + 1);
    }
    world_publish(world);
}

static inline void world_add_target(struct world *world, const char *path,
                                    const char *text, json_t *custom)
{
    struct err err = {0};
    uint8_t digest[SHA256_BYTES];
    world_must(sha256_of(text, strlen(text), digest, &err), &err);
    world_must(signing_add_target(world->body[TUF_ROLE_TARGETS], path,
                                  (int64_t)strlen(text), digest, custom, &err),
               &err);
    json_decref(custom);
}

/* A new repository: root 1, everything else version 1, one target. */
static inline void world_init(struct world *world)
{
    struct err err = {0};
    *world = (struct world){0};
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        for (int i = 0; i < WORLD_KEYS; i++) {
            world->keys[role][i] = world_key((uint8_t)(1 + role * WORLD_KEYS + i));
        }
        world_must(signing_body_new((enum tuf_role)role, 1, NOW_MS + 30 * DAY_MS,
                                    &world->body[role], &err),
                   &err);
    }
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        world_must(signing_root_add_key(world->body[TUF_ROLE_ROOT], (enum tuf_role)role,
                                        world->keys[role][0].public_key, &err),
                   &err);
    }
    world_add_target(world, "fashion/1/fp32.mnet", "the model", NULL);
    world_sign(world, TUF_ROLE_ROOT);
    world_publish(world);
}

/* The root's authority over a role, to be bent. Borrowed. */
static inline json_t *world_authority(struct world *world, enum tuf_role role)
{
    return json_object_get(json_object_get(world->body[TUF_ROLE_ROOT], "roles"),
                           tuf_role_name(role));
}

#endif
