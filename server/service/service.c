/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/service.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "server/service/artifacts.h"
#include "server/service/auth.h"
#include "server/service/changes.h"
#include "server/service/deployments.h"
#include "server/service/enrollment.h"
#include "server/service/fleet.h"
#include "server/service/keys.h"
#include "server/service/model_access.h"
#include "server/service/model_detail.h"
#include "server/service/nodes.h"
#include "server/service/publication.h"
#include "server/service/ticker.h"
#include "server/service/tokens.h"
#include "server/store/registry.h"
#include "server/store/registry_tokens.h"
#include "server/store/store.h"

enum { TICK_MS = 5000 };

static const int64_t ADMIN_TOKEN_LIFE_MS = (int64_t)3650 * 24 * 3600 * 1000;

static_assert((int)SERVICE_COHORT_LABELS == (int)NODE_COHORT_LABELS, "one number");
static_assert((int)ADMIN_TOKEN_BYTES >= (int)TOKEN_TEXT_BYTES, "a token must fit");

struct service_options service_options_default(void)
{
    return (struct service_options){
        .poll_s = 30,
        .session_ms = 3600000,
        .timestamp_ms = 604800000,
        .artifact_bytes = (uint64_t)64 * 1024 * 1024,
    };
}

/* The first rows of a database, on their way into it. */
struct first_rows {
    struct service_init *init;
    const struct keys *keys;
    int64_t at_ms;
};

static enum status write_first_rows(void *context, struct db *db, struct err *err)
{
    const struct first_rows *first = context;
    struct api_token_row token = {
        .name = "init",
        .role = "admin",
        .created_ms = first->at_ms,
        .expires_ms = first->at_ms + ADMIN_TOKEN_LIFE_MS,
        .created_by = "init",
    };
    struct audit_row audit = {
        .at_ms = first->at_ms, .actor = "server", .action = "init", .subject = "server"};
    int64_t id = 0;
    token_hash(first->keys, first->init->admin_token, token.hash);
    enum status status = server_row_insert(db, first->init->server_id, first->at_ms, err);
    if (status == OK) {
        status = api_token_row_insert(db, &token, &id, err);
    }
    return status == OK ? audit_row_insert(db, &audit, err) : status;
}

static enum status read_server_id(void *context, struct db *db, struct err *err)
{
    return server_row_get(db, context, err);
}

enum status service_init_data(struct store *store, const char *folder,
                              struct service_init *ret_init, struct err *err)
{
    KEYS_AUTO keys = {0};
    struct service_init init = {0};
    struct err absent = {0};
    uint8_t id[16];
    enum status status =
        store_call(store, JOB_READER, read_server_id, init.server_id, &absent);
    if (status == OK) {
        return err_set(err, ERR_EXISTS, "'%s' is initialised already", folder);
    }
    status = status == ERR_NOT_FOUND ? keys_create(folder, err)
                                     : err_set(err, status, "%s", absent.detail);
    if (status == OK) {
        status = keys_load(folder, &keys, err);
    }
    if (status != OK) {
        return status;
    }
    randombytes_buf(id, sizeof id);
    hex_encode(id, sizeof id, init.server_id);
    hex_encode(keys.timestamp.public_key, sizeof keys.timestamp.public_key,
               init.timestamp_key);
    token_generate("mat_", init.admin_token);
    struct first_rows first = {.init = &init, .keys = &keys, .at_ms = clock_wall_ms()};
    status = store_call(store, JOB_WRITER, write_first_rows, &first, err);
    if (status == OK) {
        *ret_init = init;
    }
    sodium_memzero(&init, sizeof init);
    return status;
}

static enum status touch(void *context, struct db *db, struct err *err)
{
    (void)context;
    return server_row_touch(db, err);
}

/* A server that is not ready may be sent nothing any more, so it tries a write itself. */
static void try_to_write(struct service *service)
{
    struct store_counters counters = {0};
    store_counters_read(service->store, &counters);
    if (!counters.healthy) {
        enum status status = store_call(service->store, JOB_WRITER, touch, NULL, NULL);
        (void)status; /* /readyz tells */
    }
}

static void tick(void *context)
{
    struct service *service = context;
    struct err err = {0};
    try_to_write(service);
    if (nodes_flush(service->nodes, &err) != OK) {
        log_event(LOG_LEVEL_WARNING, "last_seen_not_written",
                  log_text("detail", err.detail));
    }
    model_details_tick(service->details, clock_wall_ms());
    err_clear(&err);
    if (publication_tick(service->publication, clock_wall_ms(), &err) != OK) {
        log_event(LOG_LEVEL_ERROR, "timestamp_not_signed",
                  log_text("detail", err.detail));
    }
}

static enum status open_registry(struct service *service,
                                 const struct service_options *options, struct err *err)
{
    enum status status =
        store_call(service->store, JOB_READER, read_server_id, service->server_id, err);
    if (status == OK) {
        status = keys_load(options->folder, service->keys, err);
    }
    if (status == OK) {
        status =
            nodes_open(service->changes, options->cohort_labels, &service->nodes, err);
    }
    if (status == OK) {
        status = tokens_open(service->changes, service->keys, &service->tokens, err);
    }
    if (status == OK) {
        status = enrollment_open(service->changes, service->nodes, service->keys,
                                 &service->enrollment, err);
    }
    if (status == OK) {
        status = artifacts_open(service->changes, &service->artifacts, err);
    }
    if (status == OK) {
        status = deployments_open(service->changes, service->artifacts, service->nodes,
                                  &service->deployments, err);
    }
    if (status == OK) {
        status = model_details_open(service->changes, service->artifacts,
                                    &service->details, err);
    }
    if (status == OK) {
        status = fleet_open(service->changes, &service->fleet, err);
    }
    if (status == OK) {
        status = model_access_open(service->changes, service->artifacts, &service->access,
                                   err);
    }
    return status;
}

static enum status open_parts(struct service *service,
                              const struct service_options *options, struct err *err)
{
    enum status status = open_registry(service, options, err);
    if (status != OK) {
        return status;
    }
    struct auth_options auth = {
        .nodes = service->nodes,
        .tokens = service->tokens,
        .keys = service->keys,
        .server_id = service->server_id,
        .session_ms = options->session_ms,
        .started_ms = service->started_ms,
    };
    struct publication_options publication = {
        .changes = service->changes,
        .artifacts = service->artifacts,
        .keys = service->keys,
        .folder = options->folder,
        .timestamp_ms = options->timestamp_ms,
        .target_bytes = options->artifact_bytes,
    };
    status = auth_open(&auth, &service->auth, err);
    if (status == OK) {
        status = publication_open(&publication, &service->publication, err);
    }
    return status == OK ? ticker_start(TICK_MS, tick, service, &service->ticker, err)
                        : status;
}

enum status service_open(const struct service_options *options,
                         struct service **ret_service, struct err *err)
{
    struct service *service = calloc(1, sizeof *service);
    if (!service) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the services");
    }
    service->store = options->store;
    service->poll_s = options->poll_s;
    service->session_ms = options->session_ms;
    service->timestamp_ms = options->timestamp_ms;
    service->started_ms = clock_wall_ms();
    service->keys = calloc(1, sizeof *service->keys);
    service->changes = changes_new(options->store);
    enum status status = service->keys && service->changes
                             ? open_parts(service, options, err)
                             : err_set(err, ERR_NO_MEMORY, "no memory for the services");
    if (status != OK) {
        service_close(service);
        return status;
    }
    *ret_service = service;
    return OK;
}

void service_close(struct service *service)
{
    if (!service) {
        return;
    }
    ticker_stop(service->ticker);
    struct err err = {0};
    if (service->nodes && nodes_flush_all(service->nodes, &err) != OK) {
        log_event(LOG_LEVEL_WARNING, "last_seen_not_written",
                  log_text("detail", err.detail));
    }
    publication_free(service->publication);
    auth_free(service->auth);
    fleet_free(service->fleet);
    model_access_free(service->access);
    model_details_free(service->details);
    deployments_free(service->deployments);
    artifacts_free(service->artifacts);
    enrollment_free(service->enrollment);
    tokens_free(service->tokens);
    nodes_free(service->nodes);
    changes_free(service->changes);
    if (service->keys) {
        keys_wipe(service->keys);
    }
    free(service->keys);
    free(service);
}
