/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/fleet.h"

#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/handlers.h"
#include "server/service/fleet.h"
#include "server/service/publication.h"

static void add_nodes(struct buf *json, const struct fleet_view *fleet)
{
    answer_raw(json, "nodes", "{");
    answer_integer(json, "total", fleet->nodes.total);
    answer_raw(json, "by_state", "{");
    for (int i = 0; i <= NODE_REVOKED; i++) {
        answer_integer(json, node_state_name((enum node_state)i),
                       fleet->nodes.by_state[i]);
    }
    buf_addc(json, '}');
    answer_raw(json, "by_contact", "{");
    for (int i = 0; i < CONTACT_COUNT; i++) {
        answer_integer(json, node_contact_name((enum node_contact)i),
                       fleet->nodes.by_contact[i]);
    }
    buf_addstr(json, "}}");
    answer_raw(json, "contact", "{");
    answer_integer(json, "current_ms", fleet->contact.current_ms);
    answer_integer(json, "late_ms", fleet->contact.late_ms);
    buf_addc(json, '}');
}

static void add_version(struct buf *json, const struct fleet_version *version)
{
    char sha256[65];
    hex_encode(version->artifact, sizeof version->artifact, sha256);
    buf_addc(json, '{');
    answer_text(json, "model", version->model);
    answer_text_or_null(json, "version", version->version);
    if (version->seq > 0) {
        answer_integer(json, "seq", version->seq);
    } else {
        answer_raw(json, "seq", "null");
    }
    answer_text(json, "artifact", sha256);
    answer_text_or_null(json, "variant", version->variant);
    answer_integer(json, "nodes", version->nodes);
    buf_addc(json, '}');
}

static void add_rate(struct buf *json, double per_s)
{
    answer_raw(json, "per_s", "");
    buf_addf(json, "%.3f", per_s);
}

static void add_counts(struct buf *json, const struct fleet_view *fleet)
{
    answer_raw(json, "predictions", "{");
    answer_integer(json, "stored", fleet->predictions);
    add_rate(json, fleet->predictions_per_s);
    answer_integer(json, "today", fleet->today);
    buf_addc(json, '}');
    answer_raw(json, "reports", "{");
    answer_integer(json, "acknowledged", fleet->reports);
    answer_integer(json, "duplicates", (int64_t)fleet->duplicates);
    answer_integer(json, "refused", (int64_t)fleet->refused);
    add_rate(json, fleet->reports_per_s);
    buf_addc(json, '}');
    answer_raw(json, "database", "{");
    answer_integer(json, "bytes", (int64_t)fleet->database_bytes);
    answer_integer(json, "wal_bytes", (int64_t)fleet->wal_bytes);
    buf_addc(json, '}');
}

enum status fleet_text(const struct service *service, struct arena *arena,
                       struct buf *ret_json, struct err *err)
{
    struct fleet_view fleet;
    enum status status = fleet_read(service, arena, &fleet, err);
    if (status != OK) {
        return status;
    }
    buf_addc(ret_json, '{');
    answer_integer(ret_json, "server_ms", fleet.server_ms);
    answer_text(ret_json, "version", MUSTER_VERSION);
    add_nodes(ret_json, &fleet);
    answer_raw(ret_json, "versions", "[");
    for (size_t i = 0; i < fleet.version_count; i++) {
        buf_addstr(ret_json, i > 0 ? "," : "");
        add_version(ret_json, &fleet.versions[i]);
    }
    buf_addc(ret_json, ']');
    add_counts(ret_json, &fleet);
    answer_raw(ret_json, "repository", "{\"expires_ms\":{");
    for (size_t i = 0; i < fleet.role_count; i++) {
        answer_integer(ret_json, fleet.roles[i].name, fleet.roles[i].expires_ms);
    }
    buf_addstr(ret_json, "}}}");
    return buf_status(ret_json, err);
}

enum status api_fleet(struct request *request, struct response *response)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    enum status status =
        fleet_text(services(request), &request->arena, &json, &request->err);
    return status == OK ? answer_send(request, response, 200, &json) : status;
}

enum status fleet_event(const struct service *service, struct arena *arena,
                        struct buf *ret_event, struct err *err)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    enum status status = fleet_text(service, arena, &json, err);
    buf_addstr(ret_event, "event: fleet\ndata: ");
    buf_add(ret_event, json.data, json.len);
    buf_addstr(ret_event, "\n\n");
    return status == OK ? buf_status(ret_event, err) : status;
}

enum status api_events(struct request *request, struct response *response)
{
    BUF_AUTO text = BUF_INIT(ANSWER_BYTES_MAX);
    buf_addstr(&text, "retry: 5000\n\n");
    enum status status =
        fleet_event(services(request), &request->arena, &text, &request->err);
    if (status == OK) {
        status = answer_send(request, response, 200, &text);
    }
    response->content_type = "text/event-stream";
    response->is_stream = true;
    return status;
}
