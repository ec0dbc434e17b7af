/* SPDX-License-Identifier: Apache-2.0 */

#include "base/buf.h"
#include "base/clock.h"
#include "server/api/handlers.h"
#include "server/service/health.h"
#include "server/service/publication.h"

enum { TEXT_BYTES_MAX = 512 };

enum status api_healthz(struct request *request, struct response *response)
{
    static const char text[] = "{\"status\":\"ok\"}\n";
    return response_json(request, response, 200, text, sizeof text - 1);
}

/* Told, but no reason to send nobody here: reports are taken whatever expired. */
static const char *tuf_state(const struct service_health *health)
{
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < health->role_count; i++) {
        if (health->roles[i].expires_ms <= now_ms) {
            return "expired";
        }
    }
    return health->role_count > 0 ? "ok" : "none";
}

enum status api_readyz(struct request *request, struct response *response)
{
    struct service_health health;
    enum status status =
        service_health_read(request->context, &request->arena, &health, &request->err);
    if (status != OK) {
        return status;
    }
    bool is_ready = health.writer && health.database;
    BUF_AUTO text = BUF_INIT(TEXT_BYTES_MAX);
    buf_addf(&text,
             "{\"ready\":%s,\"checks\":{\"database\":\"%s\",\"writer\":\"%s\","
             "\"tuf\":\"%s\"}}\n",
             is_ready ? "true" : "false", health.database ? "ok" : "failing",
             health.writer ? "ok" : "failing", tuf_state(&health));
    return response_json(request, response, is_ready ? 200 : 503, text.data, text.len);
}
