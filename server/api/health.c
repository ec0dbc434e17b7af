/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/health.h"

#include "base/buf.h"
#include "base/clock.h"
#include "server/api/handlers.h"

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
    const char *state = "none";
    for (int i = 0; i < SERVICE_TUF_ROLES; i++) {
        if (health->tuf[i].version > 0 && health->tuf[i].expires_ms <= now_ms) {
            return "expired";
        }
        if (health->tuf[i].version > 0) {
            state = "ok";
        }
    }
    return state;
}

enum status api_readyz(struct request *request, struct response *response)
{
    struct service_health health;
    service_health_read(request->context, &health);
    bool is_ready = health.writer && health.database;
    BUF_AUTO text = BUF_INIT(TEXT_BYTES_MAX);
    buf_addf(&text,
             "{\"ready\":%s,\"checks\":{\"database\":\"%s\",\"writer\":\"%s\","
             "\"tuf\":\"%s\"}}\n",
             is_ready ? "true" : "false", health.database ? "ok" : "failing",
             health.writer ? "ok" : "failing", tuf_state(&health));
    return response_json(request, response, is_ready ? 200 : 503, text.data, text.len);
}
