/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "base/clock.h"
#include "format/content.h"
#include "tests/bench/load_body.h"
#include "tests/bench/load_client.h"
#include "tests/bench/load_fleet.h"

enum { ROW_STEP_MS = 33, HEAD_BYTES_MAX = 1024, QUICK_LEVEL = 1 };

extern const unsigned char muster_report_dictionary[];
extern const size_t muster_report_dictionary_len;

/* All three kinds of work. */
struct load_work {
    struct work work; /* first */
    const struct load_options *options;
    struct fleet fleet;
    struct body *bodies;              /* one a connection */
    bool *counted;                    /* of each: its compressed bytes are counted */
    char rows_member[32];             /* what a good acknowledgement holds */
    int64_t lines_ms[LINE_NODES_MAX]; /* next time of each node, so that no point falls on
                                         another */
    char etag[128];
};

static struct load_work *load_of(struct work *work)
{
    return (struct load_work *)work;
}

static struct fleet_node *fleet_next(struct fleet *fleet, struct exchange *exchange)
{
    exchange->node = fleet->next;
    fleet->next = (fleet->next + 1) % fleet->count;
    return &fleet->nodes[exchange->node];
}

static bool run(struct load_work *load, unsigned connections)
{
    struct client client;
    client_init(&client, load->options, connections);
    client_run(&client, &load->work, load->options->warm_s, load->options->seconds);
    client_print(&client, &load->work);
    bool good = client.result.failed == 0 && client.result.answered > 0;
    client_release(&client);
    for (unsigned i = 0; load->bodies && i < connections; i++) {
        buf_release(&load->bodies[i].text);
    }
    free(load->bodies);
    free(load->counted);
    fleet_release(&load->fleet);
    return good;
}

/* ---- Reports ---- */

static void put_report(struct load_work *load, struct exchange *exchange,
                       const struct fleet_node *node, const struct buf *body)
{
    struct buf *request = &exchange->request;
    buf_reset(request);
    buf_addstr(request, "POST /v1/reports HTTP/1.1\r\nHost: ");
    buf_addstr(request, load->options->host);
    buf_addstr(request, "\r\nAuthorization: Bearer ");
    buf_addstr(request, node->token);
    buf_addstr(request, "\r\nContent-Type: application/json\r\nContent-Length: ");
    buf_addi(request, (int64_t)body->len);
    buf_addstr(request,
               load->options->zstd ? "\r\nContent-Encoding: zstd\r\n\r\n" : "\r\n\r\n");
    buf_add(request, body->data, body->len);
}

static void count_bytes(struct load_work *load, const struct buf *body)
{
    load->work.bodies++;
    load->work.body_bytes += (int64_t)body->len;
}

/* As a node does it the first time of each connection, which is what is counted, and then
 * with less effort: otherwise the client would be busier than the server and the groups
 * of the writer small. */
static void pack_body(struct load_work *load, unsigned connection, struct buf *ret_packed)
{
    static ZSTD_CCtx *context;
    static ZSTD_CDict *dictionary;
    const struct buf *text = &load->bodies[connection].text;
    if (!load->counted[connection]) {
        load->counted[connection] = true;
        if (content_encode(CONTENT_ZSTD_DICTIONARY, text->data, text->len, ret_packed,
                           NULL) != OK) {
            die("cannot compress a body");
        }
        count_bytes(load, ret_packed);
        return;
    }
    if (!context) {
        context = ZSTD_createCCtx();
        dictionary = ZSTD_createCDict(muster_report_dictionary,
                                      muster_report_dictionary_len, QUICK_LEVEL);
    }
    size_t bound = ZSTD_compressBound(text->len);
    char *out = buf_reserve(ret_packed, bound);
    if (!out || !context || !dictionary) {
        die("no memory");
    }
    ret_packed->len +=
        ZSTD_compress_usingCDict(context, out, bound, text->data, text->len, dictionary);
}

static bool report_next(struct work *work, struct exchange *exchange)
{
    struct load_work *load = load_of(work);
    struct fleet_node *node = fleet_next(&load->fleet, exchange);
    struct body *body = &load->bodies[exchange->index];
    int64_t now_ms = clock_wall_ms();
    body_stamp(body, node->seq++, now_ms);
    body_stamp_rows(body, now_ms - (int64_t)ROW_STEP_MS * body->rows, ROW_STEP_MS);
    if (!load->options->zstd) {
        count_bytes(load, &body->text);
        put_report(load, exchange, node, &body->text);
        return true;
    }
    BUF_AUTO packed = BUF_INIT(1 << 20);
    pack_body(load, exchange->index, &packed);
    put_report(load, exchange, node, &packed);
    return true;
}

static bool answer_has(const struct answer *answer, const char *text)
{
    return memmem(answer->body, answer->len, text, strlen(text)) != NULL;
}

static bool report_accept(struct work *work, struct exchange *exchange,
                          const struct answer *answer)
{
    (void)exchange;
    return answer->status == 200 && answer_has(answer, load_of(work)->rows_member) &&
           answer_has(answer, "\"duplicate\":false");
}

bool work_reports(const struct load_options *options)
{
    static struct load_work load;
    load = (struct load_work){
        .work = {.next = report_next, .accept = report_accept, .units = options->rows},
        .options = options};
    fleet_login(&load.fleet, options);
    if (load.fleet.count < options->connections) {
        die("there must be at least as many nodes as connections");
    }
    for (unsigned i = 0; i < load.fleet.count; i++) {
        load.fleet.nodes[i].seq = SEQ_FIRST;
    }
    load.bodies = must_calloc(options->connections, sizeof *load.bodies);
    load.counted = must_calloc(options->connections, sizeof *load.counted);
    int64_t stream = clock_wall_ms(); /* a new one a run */
    for (unsigned i = 0; i < options->connections; i++) {
        if (options->body_count > 0) {
            body_file(&load.bodies[i], options, stream, i);
        } else {
            body_report(&load.bodies[i], options, stream, i);
        }
    }
    (void)snprintf(load.rows_member, sizeof load.rows_member, "\"rows\":%u,",
                   options->body_count > 0 ? 0 : options->rows);
    return run(&load, options->connections);
}

/* ---- Lines ---- */

static bool lines_next(struct work *work, struct exchange *exchange)
{
    struct load_work *load = load_of(work);
    struct body *body = &load->bodies[exchange->index];
    exchange->node = load->fleet.next;
    load->fleet.next = (load->fleet.next + 1) % load->options->nodes;
    body_stamp_node(body, exchange->node);
    body_stamp_rows(body, load->lines_ms[exchange->node], 1);
    load->lines_ms[exchange->node] += body->rows;
    buf_reset(&exchange->request);
    buf_addf(&exchange->request,
             "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\n"
             "Content-Length: %zu\r\n\r\n",
             load->options->path, load->options->host, body->text.len);
    buf_add(&exchange->request, body->text.data, body->text.len);
    return true;
}

static bool lines_accept(struct work *work, struct exchange *exchange,
                         const struct answer *answer)
{
    (void)work;
    (void)exchange;
    return answer->status == 204;
}

bool work_lines(const struct load_options *options)
{
    static struct load_work load;
    load = (struct load_work){
        .work = {.next = lines_next, .accept = lines_accept, .units = options->rows},
        .options = options};
    if (!options->path || options->nodes < 1 || options->nodes > LINE_NODES_MAX) {
        die("lines wants --path and --nodes 1 ... %d", LINE_NODES_MAX);
    }
    int64_t first_ms = clock_wall_ms() - 6 * INT64_C(3600000);
    for (unsigned i = 0; i < options->nodes; i++) {
        load.lines_ms[i] = first_ms;
    }
    load.bodies = must_calloc(options->connections, sizeof *load.bodies);
    for (unsigned i = 0; i < options->connections; i++) {
        body_lines(&load.bodies[i], options, i);
    }
    return run(&load, options->connections);
}

/* ---- Polls ---- */

static void put_get(struct load_work *load, struct exchange *exchange, const char *path,
                    const char *token)
{
    struct buf *request = &exchange->request;
    buf_reset(request);
    buf_addstr(request, "GET ");
    buf_addstr(request, path);
    buf_addstr(request, " HTTP/1.1\r\nHost: ");
    buf_addstr(request, load->options->host);
    if (token) {
        buf_addstr(request, "\r\nAuthorization: Bearer ");
        buf_addstr(request, token);
    }
    if (load->etag[0]) {
        buf_addstr(request, "\r\nIf-None-Match: ");
        buf_addstr(request, load->etag);
    }
    buf_addstr(request, "\r\n\r\n");
}

static bool poll_next(struct work *work, struct exchange *exchange)
{
    struct load_work *load = load_of(work);
    const char *token =
        load->fleet.count > 0 ? fleet_next(&load->fleet, exchange)->token : NULL;
    put_get(load, exchange, load->options->path, token);
    return true;
}

static bool poll_accept(struct work *work, struct exchange *exchange,
                        const struct answer *answer)
{
    (void)work;
    (void)exchange;
    return answer->status == 304;
}

/* The first poll, without an ETag: learns it. */
static bool etag_next(struct work *work, struct exchange *exchange)
{
    struct load_work *load = load_of(work);
    if (exchange->context) {
        return false;
    }
    exchange->context = load;
    return poll_next(work, exchange);
}

static bool etag_accept(struct work *work, struct exchange *exchange,
                        const struct answer *answer)
{
    static const char FIELD[] = "\r\nETag: ";
    struct load_work *load = load_of(work);
    const char *at = strcasestr(exchange->answer, FIELD);
    if (answer->status != 200 || !at || at > answer->body) {
        return false;
    }
    at += sizeof FIELD - 1;
    (void)snprintf(load->etag, sizeof load->etag, "%.*s", (int)strcspn(at, "\r\n"), at);
    return true;
}

bool work_polls(const struct load_options *options)
{
    static struct load_work load;
    struct client client;
    load = (struct load_work){.work = {.next = etag_next, .accept = etag_accept},
                              .options = options};
    if (options->fleet) {
        fleet_login(&load.fleet, options);
    }
    client_init(&client, options, 1);
    client_run(&client, &load.work, 0, 0);
    client_release(&client);
    if (!load.etag[0]) {
        die("%s was not answered with an ETag", options->path);
    }
    load.work = (struct work){.next = poll_next, .accept = poll_accept, .units = 1};
    return run(&load, options->connections);
}
