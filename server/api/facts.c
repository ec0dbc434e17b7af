/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/body.h"

enum { TEXTS_MAX = 64, FACT_BYTES_MAX = 64, ARCH_BYTES_MAX = 32, OPS_BYTES = 32 };

enum fact_kind { FACT_TEXT, FACT_INTEGER, FACT_TEXTS };

struct fact {
    const char *name;
    enum fact_kind kind;
    size_t max; /* bytes of a text */
};

/* In the order in which they are stored. */
static const struct fact known[] = {
    {"arch", FACT_TEXT, ARCH_BYTES_MAX},      {"cores", FACT_INTEGER, 0},
    {"ram_bytes", FACT_INTEGER, 0},           {"flash_bytes", FACT_INTEGER, 0},
    {"features", FACT_TEXTS, FACT_BYTES_MAX}, {"formats", FACT_TEXTS, FACT_BYTES_MAX},
    {"runtime", FACT_TEXT, FACT_BYTES_MAX},   {"agent", FACT_TEXT, FACT_BYTES_MAX},
};

static enum status add_text(struct request *request, const json_t *facts,
                            const struct fact *fact, struct buf *out)
{
    const char *text = NULL;
    struct body_text wanted = {.name = fact->name, .high = fact->max, .fallback = ""};
    enum status status = body_text(request, facts, &wanted, &text);
    if (status == OK) {
        answer_text(out, fact->name, text);
    }
    return status;
}

static enum status add_integer(struct request *request, const json_t *facts,
                               const char *name, struct buf *out)
{
    int64_t value = 0;
    struct body_integer wanted = {.name = name, .high = INT64_MAX, .optional = true};
    enum status status = body_integer(request, facts, &wanted, &value);
    if (status == OK) {
        answer_integer(out, name, value);
    }
    return status;
}

static enum status add_texts(struct request *request, const json_t *list,
                             const struct fact *fact, struct buf *out)
{
    size_t i;
    json_t *item;
    if (!json_is_array(list)) {
        (void)err_set(&request->err, ERR_JSON_TYPE, "'%s' must be a list", fact->name);
        err_set_pointer(&request->err, "/%s", fact->name);
        return ERR_JSON_TYPE;
    }
    if (json_array_size(list) > TEXTS_MAX) {
        (void)err_set(&request->err, ERR_JSON_LENGTH, "'%s' has over %d items",
                      fact->name, TEXTS_MAX);
        err_set_pointer(&request->err, "/%s", fact->name);
        return ERR_JSON_LENGTH;
    }
    answer_raw(out, fact->name, "[");
    json_array_foreach((json_t *)list, i, item)
    {
        if (!json_is_string(item) || json_string_length(item) > fact->max) {
            (void)err_set(&request->err, ERR_JSON_TYPE, "'%s' must be short texts",
                          fact->name);
            err_set_pointer(&request->err, "/%s/%zu", fact->name, i);
            return ERR_JSON_TYPE;
        }
        buf_addstr(out, i > 0 ? "," : "");
        buf_add_json(out, json_string_value(item));
    }
    buf_addc(out, ']');
    return OK;
}

static enum status add_fact(struct request *request, const json_t *facts,
                            const struct fact *fact, struct buf *out)
{
    const json_t *member = json_object_get(facts, fact->name);
    if (!member) {
        return OK;
    }
    switch (fact->kind) {
    case FACT_TEXT:
        return add_text(request, facts, fact, out);
    case FACT_INTEGER:
        return add_integer(request, facts, fact->name, out);
    case FACT_TEXTS:
        return add_texts(request, member, fact, out);
    }
    return OK;
}

/* What the node's own runtime knows: {"features":0,"ops":"<64 hex>"}. */
static enum status add_mnet(struct request *request, const json_t *facts, struct buf *out)
{
    const json_t *mnet = json_object_get(facts, "mnet");
    uint8_t ops[OPS_BYTES];
    char text[2 * OPS_BYTES + 1];
    if (!mnet) {
        return OK;
    }
    if (!json_is_object(mnet)) {
        (void)err_set(&request->err, ERR_JSON_TYPE, "'mnet' must be an object");
        err_set_pointer(&request->err, "/mnet");
        return ERR_JSON_TYPE;
    }
    answer_raw(out, "mnet", "{");
    enum status status = add_integer(request, mnet, "features", out);
    if (status == OK) {
        status = body_hex(request, mnet, "ops", ops, sizeof ops);
    }
    if (status == OK) {
        hex_encode(ops, sizeof ops, text);
        answer_text(out, "ops", text);
    }
    buf_addc(out, '}');
    return status;
}

/* The pointers that reading the facts left are relative to them. */
static void point_into_facts(struct err *err)
{
    char inner[sizeof err->pointer];
    (void)snprintf(inner, sizeof inner, "%s", err->pointer);
    err->pointer[0] = '\0';
    err_set_pointer(err, "/facts%s", inner);
}

enum status facts_read(struct request *request, const json_t *body, struct buf *ret_json)
{
    const json_t *facts = json_object_get(body, "facts");
    enum status status = OK;
    if (facts && !json_is_object(facts)) {
        (void)err_set(&request->err, ERR_JSON_TYPE, "'facts' must be an object");
        point_into_facts(&request->err);
        return ERR_JSON_TYPE;
    }
    buf_addc(ret_json, '{');
    for (size_t i = 0; status == OK && i < sizeof known / sizeof known[0]; i++) {
        status = add_fact(request, facts, &known[i], ret_json);
    }
    if (status == OK) {
        status = add_mnet(request, facts, ret_json);
    }
    buf_addc(ret_json, '}');
    if (status != OK) {
        point_into_facts(&request->err);
        return status;
    }
    return buf_status(ret_json, &request->err);
}
