/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/health.h"

#include "base/buf.h"
#include "server/api/handlers.h"

enum { TEXT_BYTES_MAX = 512 };

enum status api_healthz(struct request *request, struct response *response)
{
    static const char text[] = "{\"status\":\"ok\"}\n";
    return response_json(request, response, 200, text, sizeof text - 1);
}

enum status api_readyz(struct request *request, struct response *response)
{
    struct service_health health;
    service_health_read(request->context, &health);
    bool is_ready = health.writer && health.database;
    BUF_AUTO text = BUF_INIT(TEXT_BYTES_MAX);
    buf_addf(&text, "{\"ready\":%s,\"checks\":{\"database\":\"%s\",\"writer\":\"%s\"}}\n",
             is_ready ? "true" : "false", health.database ? "ok" : "failing",
             health.writer ? "ok" : "failing");
    return response_json(request, response, is_ready ? 200 : 503, text.data, text.len);
}
