/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/handlers.h"

#include <string.h>

#include "format/content.h"
#include "server/api/answer.h"
#include "server/service/auth.h"

static const enum role ROLES[] = {[TOKEN_VIEWER] = ROLE_VIEWER,
                                  [TOKEN_OPERATOR] = ROLE_OPERATOR,
                                  [TOKEN_PUBLISHER] = ROLE_PUBLISHER,
                                  [TOKEN_ADMIN] = ROLE_ADMIN};

enum status api_authenticate(struct request *request, const char *token)
{
    struct auth_identity identity = {0};
    if (!token) {
        return err_set(&request->err, ERR_AUTH_REQUIRED, "the token is not good");
    }
    enum status status = auth_identify(services(request)->auth, token,
                                       request->received_ms, &identity, &request->err);
    if (status != OK) {
        return status;
    }
    if (identity.kind == AUTH_NODE) {
        request->principal =
            (struct principal){.kind = PRINCIPAL_NODE, .id = identity.node_id};
        return OK;
    }
    const char *name = arena_strdup(&request->arena, identity.token.name);
    if (!name) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for a name");
    }
    request->principal = (struct principal){.kind = PRINCIPAL_API,
                                            .role = ROLES[identity.token.role],
                                            .id = identity.token.id,
                                            .name = name};
    return OK;
}

enum status api_decode(struct request *request, const char *encoding, const char *data,
                       size_t len, size_t max)
{
    BUF_AUTO decoded = BUF_INIT(max);
    enum content_encoding content =
        strcmp(encoding, "zstd") == 0 ? CONTENT_ZSTD : CONTENT_GZIP;
    enum status status = content_decode(content, data, len, &decoded, &request->err);
    if (status != OK) {
        return status;
    }
    const char *body =
        arena_strndup(&request->arena, decoded.data ? decoded.data : "", decoded.len);
    if (!body) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for the body");
    }
    request->body = body;
    request->body_len = decoded.len;
    return OK;
}
