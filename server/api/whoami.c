/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/answer.h"
#include "server/api/handlers.h"

static const char *const ROLE_NAMES[] = {[ROLE_NONE] = "none",
                                         [ROLE_VIEWER] = "viewer",
                                         [ROLE_OPERATOR] = "operator",
                                         [ROLE_PUBLISHER] = "publisher",
                                         [ROLE_ADMIN] = "admin"};

enum status api_whoami(struct request *request, struct response *response)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    buf_addc(&json, '{');
    if (request->principal.kind == PRINCIPAL_NODE) {
        answer_text(&json, "kind", "node");
        answer_integer(&json, "node_id", request->principal.id);
    } else {
        answer_text(&json, "kind", "api");
        answer_text(&json, "role", ROLE_NAMES[request->principal.role]);
        answer_text(&json, "name", actor(request));
    }
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}
