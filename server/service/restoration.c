/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/restoration.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "server/service/keys.h"
#include "server/service/publication.h"
#include "server/store/registry.h"
#include "server/store/registry_tokens.h"
#include "server/store/store.h"

static const int64_t ADMIN_TOKEN_LIFE_MS = (int64_t)3650 * 24 * 3600 * 1000;

static_assert((int)ADMIN_TOKEN_BYTES >= (int)TOKEN_TEXT_BYTES, "a token must fit");

/* The transaction on its way. */
struct beginning {
    const struct restoration_order *order;
    const struct keys *keys;
    struct restoration *restoration;
    int64_t at_ms;
};

static enum status write_admin_token(const struct beginning *beginning, struct db *db,
                                     struct err *err)
{
    int64_t id = 0;
    struct api_token_row row = {
        .name = "restore",
        .role = "admin",
        .created_ms = beginning->at_ms,
        .expires_ms = beginning->at_ms + ADMIN_TOKEN_LIFE_MS,
        .created_by = "restore",
    };
    token_hash(beginning->keys, beginning->restoration->admin_token, row.hash);
    return api_token_row_insert(db, &row, &id, err);
}

static enum status write_beginning(void *context, struct db *db, struct err *err)
{
    struct beginning *beginning = context;
    char detail[128];
    (void)snprintf(detail, sizeof detail,
                   "{\"backup_ms\":%" PRId64 ",\"newest_id\":%" PRId64
                   ",\"new_keys\":%s}",
                   beginning->order->backup_ms, beginning->order->newest_id,
                   beginning->order->new_keys ? "true" : "false");
    struct audit_row audit = {.at_ms = beginning->at_ms,
                              .actor = "server",
                              .action = "server.restore",
                              .subject = "server",
                              .detail = detail};
    enum status status =
        restored_begin(db, beginning->at_ms, &beginning->restoration->counts, err);
    if (status == OK && beginning->order->new_keys) {
        status = write_admin_token(beginning, db, err);
    }
    return status == OK ? audit_row_insert(db, &audit, err) : status;
}

/* Loads all that a server loads, so that what cannot be served is found out now. */
static enum status renew_timestamp(const struct service_options *options, struct err *err)
{
    struct service *service = NULL;
    enum status status = service_open(options, &service, err);
    if (status == OK) {
        status = publication_renew(service->publication, err);
    }
    service_close(service);
    return status;
}

enum status restoration_apply(const struct service_options *options,
                              const struct restoration_order *order,
                              struct restoration *ret_restoration, struct err *err)
{
    KEYS_AUTO keys = {0};
    struct restoration restoration = {0};
    struct beginning beginning = {
        .order = order, .keys = &keys, .restoration = &restoration};
    enum status status = order->new_keys ? keys_create(options->folder, err) : OK;
    if (status == OK) {
        status = keys_load(options->folder, &keys, err);
    }
    if (status != OK) {
        return status;
    }
    if (order->new_keys) {
        hex_encode(keys.timestamp.public_key, sizeof keys.timestamp.public_key,
                   restoration.timestamp_key);
        token_generate("mat_", restoration.admin_token);
    }
    beginning.at_ms = clock_wall_ms();
    status = store_call(options->store, JOB_WRITER, write_beginning, &beginning, err);
    if (status == OK) {
        status = renew_timestamp(options, err);
    }
    if (status == OK) {
        *ret_restoration = restoration;
    }
    sodium_memzero(&restoration, sizeof restoration);
    return status;
}
