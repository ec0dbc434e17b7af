/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ack.h"
#include "format/report.h"
#include "server/api/handlers.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/service/ingest.h"
#include "server/service/service.h"

enum { ACK_BYTES_MAX = 256 };

/* Decoding costs more than storing: it happens on the event threads, not on the writer.
 */
enum status api_report_prepare(struct request *request, struct response *response)
{
    (void)response;
    struct report *report = arena_alloc(&request->arena, sizeof *report);
    if (!report) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for the report");
    }
    enum status status = report_decode(request->body, request->body_len, &request->arena,
                                       report, &request->err);
    if (status == OK) {
        request->prepared = report;
    }
    return status;
}

enum status api_report_handle(struct request *request, struct response *response)
{
    const struct service *service = request->context;
    BUF_AUTO body = BUF_INIT(ACK_BYTES_MAX);
    struct ack ack;
    enum status status =
        ingest_apply(service->ingest, request->scope, request->principal.id,
                     request->prepared, &ack, &request->err);
    if (status != OK) {
        return status;
    }
    ack_encode(&ack, &body);
    status = buf_status(&body, &request->err);
    return status == OK ? response_json(request, response, 200, body.data, body.len)
                        : status;
}
