/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/nodes: by id, or in an order, as JSON or as CSV. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/csv.h"
#include "server/api/handlers.h"
#include "server/api/node_answer.h"
#include "server/service/artifacts.h"
#include "server/service/nodes_filter.h"
#include "server/service/nodes_search.h"
#include "server/service/selector.h"

enum { CURSOR_BYTES_MAX = 512 };

/* A page of a list, however it was found. */
struct page {
    const struct node_view *views;
    size_t count;
    int64_t matching; /* -1: not counted */
    const char *next; /* cursor, NULL: there are no more */
};

static enum status refuse(struct request *request, enum status status, const char *name,
                          const char *expected)
{
    (void)err_set(&request->err, status, "%s must be %s", name, expected);
    err_set_pointer(&request->err, "?%s", name);
    return status;
}

static enum status read_kinds(struct request *request, struct nodes_filter *filter)
{
    const char *state = request_query(request, "state");
    const char *contact = request_query(request, "contact");
    filter->has_state = state != NULL;
    filter->has_contact = contact != NULL;
    if (state && !node_state_parse(state, &filter->state)) {
        return refuse(request, ERR_JSON_RANGE, "state", "active, pending or revoked");
    }
    if (contact && !node_contact_parse(contact, &filter->contact)) {
        return refuse(request, ERR_JSON_RANGE, "contact",
                      "current, late, silent or never");
    }
    return OK;
}

/* ?q=, ?selector=, ?state=, ?contact=, ?model=, ?version= */
static enum status read_filter(struct request *request, struct nodes_filter *filter)
{
    struct service *service = services(request);
    const char *text = request_query(request, "selector");
    enum status status = read_kinds(request, filter);
    filter->text = request_query(request, "q");
    filter->model = request_query(request, "model");
    filter->version = request_query(request, "version");
    filter->now_ms = clock_wall_ms();
    filter->limits = contact_limits_of(service->poll_s);
    if (status == OK && filter->text && strlen(filter->text) >= NODE_NAME_BYTES) {
        return refuse(request, ERR_JSON_LENGTH, "q", "at most 128 bytes");
    }
    if (status == OK && text) {
        struct selector *selector = arena_alloc(&request->arena, sizeof *selector);
        status = selector ? selector_parse(text, selector, &request->err) : ERR_NO_MEMORY;
        err_set_pointer(&request->err, "?selector");
        filter->selector = selector;
    }
    return status == OK ? nodes_filter_open(filter, service->nodes, service->artifacts,
                                            &request->arena, &request->err)
                        : status;
}

/* ---- by id, a bounded number of nodes at a time: for whoever walks over all of them --
 */

static enum status find_by_id(struct request *request, struct nodes_filter *filter,
                              size_t limit, struct page *page)
{
    struct nodes *nodes = services(request)->nodes;
    struct nodes_query query = {.filter = filter, .limit = limit};
    struct nodes_wish count = {.filter = filter};
    struct nodes_page found = {0};
    struct nodes_found counted = {.matching = -1};
    enum status status =
        request_query_int(request, "cursor", 0, INT64_MAX, 0, &query.after_id);
    if (status == OK && request_query(request, "order")) {
        return refuse(request, ERR_JSON_RANGE, "order", "given with a sort");
    }
    if (status == OK) {
        status = nodes_list(nodes, &query, &request->arena, &found, &request->err);
    }
    if (status == OK && query.after_id == 0) {
        status = nodes_search(nodes, &count, &request->arena, &counted, &request->err);
    }
    page->views = found.views;
    page->count = found.count;
    page->matching = counted.matching;
    page->next = found.next_id > 0
                     ? arena_printf(&request->arena, "%" PRId64, found.next_id)
                     : NULL;
    return status;
}

/* ---- in an order ---- */

static enum status read_wish(struct request *request, struct nodes_wish *wish)
{
    const char *order = request_query(request, "order");
    const char *cursor = request_query(request, "cursor");
    if (!node_sort_parse(request_query(request, "sort"), &wish->sort)) {
        return refuse(request, ERR_JSON_RANGE, "sort",
                      "name, last_report, queue, lag or version");
    }
    if (order && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0) {
        return refuse(request, ERR_JSON_RANGE, "order", "asc or desc");
    }
    wish->descending = order && order[0] == 'd';
    if (cursor) {
        struct node_key *key = arena_alloc(&request->arena, sizeof *key);
        if (!key) {
            return ERR_NO_MEMORY;
        }
        if (!node_key_read(cursor, wish, key)) {
            return refuse(request, ERR_JSON_RANGE, "cursor",
                          "the next of a page with this sort and order");
        }
        wish->after = key;
    }
    return OK;
}

static enum status find_sorted(struct request *request, struct nodes_filter *filter,
                               size_t limit, struct page *page)
{
    BUF_AUTO cursor = BUF_INIT(CURSOR_BYTES_MAX);
    struct nodes_wish wish = {.filter = filter, .limit = limit};
    struct nodes_found found = {0};
    enum status status = read_wish(request, &wish);
    if (status == OK) {
        status = nodes_search(services(request)->nodes, &wish, &request->arena, &found,
                              &request->err);
    }
    if (status == OK && found.more) {
        node_key_write(&found.last, &wish, &cursor);
        status = buf_status(&cursor, &request->err);
        page->next = status == OK ? arena_strdup(&request->arena, cursor.data) : NULL;
    }
    page->views = found.views;
    page->count = found.count;
    page->matching = found.matching;
    return status;
}

/* ---- what is answered ---- */

static enum status send_json(struct request *request, struct response *response,
                             const struct page *page)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    buf_addstr(&json, "{\"items\":[");
    for (size_t i = 0; i < page->count; i++) {
        buf_addstr(&json, i > 0 ? "," : "");
        answer_node(services(request), &json, &page->views[i]);
        buf_addc(&json, '}');
    }
    buf_addc(&json, ']');
    answer_text_or_null(&json, "next", page->next ? page->next : "");
    if (page->matching >= 0) {
        answer_integer(&json, "matching", page->matching);
    } else {
        answer_raw(&json, "matching", "null");
    }
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}

static void add_number(struct csv *csv, int64_t value, int64_t none)
{
    if (value == none) {
        csv_null(csv);
    } else {
        csv_integer(csv, value);
    }
}

static void add_labels(struct csv *csv, const struct node_view *node)
{
    BUF_AUTO text = BUF_INIT(ANSWER_BYTES_MAX);
    for (size_t i = 0; i < node->label_count; i++) {
        buf_addf(&text, "%s%s=%s", i > 0 ? "; " : "", node->labels[i].key,
                 node->labels[i].value);
    }
    csv_text(csv, text.data);
}

static void add_running(const struct service *service, struct csv *csv,
                        const struct node_view *node)
{
    char sha256[65];
    struct artifact_info info = {0};
    hex_encode(node->artifact, sizeof node->artifact, sha256);
    if (node->reported) {
        (void)artifacts_find(service->artifacts, node->artifact, &info);
    }
    csv_text(csv, node->reported ? node->model : NULL);
    csv_text(csv, info.version);
    add_number(csv, info.seq, 0);
    csv_text(csv, node->reported ? sha256 : NULL);
}

static enum status send_csv(struct request *request, struct response *response,
                            const struct page *page)
{
    struct service *service = services(request);
    struct csv csv = {.text = BUF_INIT(ANSWER_BYTES_MAX)};
    int64_t now_ms = clock_wall_ms();
    buf_addstr(&csv.text,
               "id,name,state,contact,labels,arch,model,version,seq,artifact,"
               "last_seen_ms,last_report_ms,queued,lag_ms,predictions,enrolled_ms");
    csv_end(&csv);
    for (size_t i = 0; i < page->count; i++) {
        const struct node_view *node = &page->views[i];
        csv_integer(&csv, node->id);
        csv_text(&csv, node->name);
        csv_text(&csv, node_state_name(node->state));
        csv_text(&csv, answer_node_contact(service, node, now_ms));
        add_labels(&csv, node);
        csv_text(&csv, node->arch);
        add_running(service, &csv, node);
        add_number(&csv, node->last_seen_ms, 0);
        add_number(&csv, node->last_report_ms, 0);
        add_number(&csv, node->queued, NODE_UNTOLD);
        add_number(&csv, node->lag_ms, NODE_UNTOLD);
        csv_integer(&csv, node->predictions);
        csv_integer(&csv, node->enrolled_ms);
        csv_end(&csv);
    }
    if (page->next) {
        response_header(response, "Next-Cursor", page->next);
    }
    enum status status = csv_send(request, response, &csv, "nodes");
    buf_release(&csv.text);
    return status;
}

enum status api_nodes_list(struct request *request, struct response *response)
{
    struct nodes_filter filter = {0};
    struct page page = {0};
    bool csv = false;
    size_t limit = 0;
    enum status status = answer_limit(request, &limit);
    if (status == OK) {
        status = csv_wanted(request, &csv);
    }
    if (status == OK) {
        status = read_filter(request, &filter);
    }
    if (status == OK) {
        status = request_query(request, "sort")
                     ? find_sorted(request, &filter, limit, &page)
                     : find_by_id(request, &filter, limit, &page);
    }
    if (status != OK) {
        return status;
    }
    return csv ? send_csv(request, response, &page) : send_json(request, response, &page);
}
