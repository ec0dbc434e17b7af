/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "server/api/handlers.h"

/* docs/openapi.yaml, which is written in YAML's JSON subset, as muster_embed put it in.
 */
extern const unsigned char openapi_document[];
extern const size_t openapi_document_len;

enum status api_openapi(struct request *request, struct response *response)
{
    (void)request;
    response->content_type = "application/json";
    response->body = (const char *)openapi_document;
    response->body_len = openapi_document_len;
    return OK;
}
