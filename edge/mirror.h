/* SPDX-License-Identifier: Apache-2.0 */
/* mirror: a site's own HTTP cache or file server, asked for targets before the server.
 *
 *   <url>/<model>/<seq>/<sha256>.<file>[?<query of a signed link>]
 *
 * It is not trusted with anything: the node's token never goes there, and what comes from
 * it counts only with the signed digest. Where it answers 401 or 403, the server is asked
 * for a signed link (POST /v1/links), once a download, whose query goes with the request.
 * One that failed is left alone for a while, and for the artifact of which it had other
 * bytes until another one is fetched. */
#ifndef MUSTER_EDGE_MIRROR_H
#define MUSTER_EDGE_MIRROR_H

#include <stdbool.h>

#include "edge/backoff.h"
#include "edge/http.h"
#include "tuf/metadata.h"

enum { MIRROR_QUERY_BYTES = 512 };

struct mirror {
    struct edge_env *env;
    struct http *http;
    char url[EDGE_PATH_BYTES]; /* "": there is none */

    char query[MIRROR_QUERY_BYTES]; /* of the link, "" without */
    bool linked;                    /* a link was asked for in this download */
    struct http_call *call;         /* that asks for it */
    struct backoff backoff;
    bool lied; /* about the next */
    struct tuf_hashes lied_of;
};

/* Takes a URL as http_init does; NULL or "": none. ERR_INVALID_ARGUMENT. */
enum status mirror_set_url(struct mirror *mirror, const char *url,
                           struct err *err) MUST_USE;

/* A download of `file` begins: whether to try the mirror for it. */
bool mirror_begin(struct mirror *mirror, const struct tuf_target *file);

/* It answered 401 or 403: asks for a link with the node's token; false when that was done
 * already, or cannot be done. */
bool mirror_ask_link(struct mirror *mirror, const struct tuf_target *file,
                     const char *token);

/* Whether a link is being asked for; if not, and there is one, `query` has it. A link
 * that was refused is ERR_NET_STATUS, once. */
bool mirror_waits(const struct mirror *mirror);
enum status mirror_read_link(struct mirror *mirror, struct err *err) MUST_USE;

/* It failed, or had other bytes: tells why, once, and leaves it alone. */
void mirror_failed(struct mirror *mirror, const struct err *why);
void mirror_lied(struct mirror *mirror, const struct tuf_target *file,
                 const struct err *why);

/* Ends what runs. */
void mirror_stop(struct mirror *mirror);

#endif
