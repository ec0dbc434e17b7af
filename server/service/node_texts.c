/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/node_texts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server/service/table.h"

enum { PACKED_MAX = 4 * NODE_LABELS_MAX * (1 + LABEL_KEY_BYTES + LABEL_BYTES) };

struct facts_entry {
    struct node_facts facts; /* first, so that facts are their entry */
    size_t refs;
    UT_hash_handle hh;
    char text[]; /* the object, NUL, the architecture, NUL */
};

struct labels_entry {
    struct node_labels labels; /* first */
    size_t refs;
    UT_hash_handle hh;
    char packed[];
};

/* ---- facts --------------------------------------------------------------------------
 */

static struct facts_entry *facts_new(const char *json)
{
    json_t *tree = json_loads(json, 0, NULL);
    const char *arch = json_string_value(json_object_get(tree, "arch"));
    size_t len = strlen(json);
    size_t arch_len = arch ? strlen(arch) : 0;
    struct facts_entry *entry =
        tree ? malloc(sizeof *entry + len + 1 + arch_len + 1) : NULL;
    if (entry) {
        *entry = (struct facts_entry){.refs = 1};
        memcpy(entry->text, json, len + 1);
        memcpy(entry->text + len + 1, arch ? arch : "", arch_len + 1);
        entry->facts.json = entry->text;
        entry->facts.arch = entry->text + len + 1;
        fit_node_parse(tree, &entry->facts.fit);
    }
    json_decref(tree);
    return entry;
}

enum status node_facts_take(struct node_texts *texts, const char *json,
                            const struct node_facts **ret_facts, struct err *err)
{
    struct facts_entry *entry = NULL;
    unsigned len = (unsigned)strlen(json);
    HASH_FIND(hh, texts->facts, json, len, entry);
    if (entry) {
        entry->refs++;
        *ret_facts = &entry->facts;
        return OK;
    }
    entry = facts_new(json);
    if (!entry) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the facts of a node");
    }
    HASH_ADD_KEYPTR(hh, texts->facts, entry->text, len, entry);
    *ret_facts = &entry->facts;
    return OK;
}

void node_facts_drop(struct node_texts *texts, const struct node_facts *facts)
{
    union {
        const struct node_facts *facts;
        struct facts_entry *entry;
    } it = {.facts = facts};
    if (facts && --it.entry->refs == 0) {
        HASH_DELETE(hh, texts->facts, it.entry);
        free(it.entry);
    }
}

/* ---- reading a set of labels --------------------------------------------------------
 */

bool node_labels_next(const struct node_labels *labels, struct node_label *label)
{
    if (label->at == labels->packed + labels->len) {
        return false;
    }
    label->admin = *label->at == 'a';
    label->key = label->at + 1;
    label->value = label->key + strlen(label->key) + 1;
    label->at = label->value + strlen(label->value) + 1;
    return true;
}

const char *node_labels_value(const struct node_labels *labels, const char *key)
{
    struct node_label label = {.at = labels->packed};
    while (node_labels_next(labels, &label)) {
        if (strcmp(label.key, key) == 0) {
            return label.value;
        }
    }
    return NULL;
}

/* ---- making one ---------------------------------------------------------------------
 */

static void put(struct label_draft *draft, size_t i, const char *key, const char *value,
                bool admin)
{
    size_t key_len = strnlen(key, LABEL_KEY_BYTES - 1);
    size_t value_len = strnlen(value, LABEL_BYTES - 1);
    memcpy(draft->items[i].key, key, key_len);
    memcpy(draft->items[i].value, value, value_len);
    draft->items[i].key[key_len] = '\0';
    draft->items[i].value[value_len] = '\0';
    draft->items[i].admin = admin;
}

void label_draft_init(struct label_draft *draft, const struct node_labels *labels)
{
    draft->count = 0;
    struct node_label label = {.at = labels ? labels->packed : NULL};
    while (labels && node_labels_next(labels, &label)) {
        put(draft, draft->count++, label.key, label.value, label.admin);
    }
}

static void remove_at(struct label_draft *draft, size_t i)
{
    draft->count--;
    memmove(&draft->items[i], &draft->items[i + 1],
            (draft->count - i) * sizeof draft->items[0]);
}

static int order(const struct label_draft *draft, size_t i, const char *key, bool admin)
{
    int order = strcmp(draft->items[i].key, key);
    return order != 0 ? order : (int)admin - (int)draft->items[i].admin;
}

enum status label_draft_set(struct label_draft *draft, const struct label *label,
                            bool admin, struct err *err)
{
    for (size_t i = draft->count; !label->value && i-- > 0;) {
        if (strcmp(draft->items[i].key, label->key) == 0) {
            remove_at(draft, i);
        }
    }
    if (!label->value) {
        return OK;
    }
    size_t at = 0;
    while (at < draft->count && order(draft, at, label->key, admin) < 0) {
        at++;
    }
    if (at == draft->count || order(draft, at, label->key, admin) != 0) {
        if (draft->count == sizeof draft->items / sizeof draft->items[0]) {
            return err_set(err, ERR_JSON_LENGTH, "a node has at most %d labels",
                           NODE_LABELS_MAX);
        }
        memmove(&draft->items[at + 1], &draft->items[at],
                (draft->count - at) * sizeof draft->items[0]);
        draft->count++;
    }
    put(draft, at, label->key, label->value, admin);
    return OK;
}

enum status label_draft_check(const struct label_draft *draft, struct err *err)
{
    size_t given = 0;
    for (size_t i = 0; i < draft->count; i++) {
        given += draft->items[i].admin;
    }
    return given <= NODE_LABELS_MAX
               ? OK
               : err_set(err, ERR_JSON_LENGTH, "a node has at most %d labels",
                         NODE_LABELS_MAX);
}

void label_draft_clear_declared(struct label_draft *draft)
{
    for (size_t i = draft->count; i-- > 0;) {
        if (!draft->items[i].admin) {
            remove_at(draft, i);
        }
    }
}

static size_t pack(const struct label_draft *draft, char ret_packed[static PACKED_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < draft->count; i++) {
        size_t key_bytes = strlen(draft->items[i].key) + 1;
        size_t value_bytes = strlen(draft->items[i].value) + 1;
        ret_packed[len++] = draft->items[i].admin ? 'a' : 'n';
        memcpy(ret_packed + len, draft->items[i].key, key_bytes);
        memcpy(ret_packed + len + key_bytes, draft->items[i].value, value_bytes);
        len += key_bytes + value_bytes;
    }
    return len;
}

enum status node_labels_take(struct node_texts *texts, const struct label_draft *draft,
                             const struct node_labels **ret_labels, struct err *err)
{
    char packed[PACKED_MAX];
    size_t len = pack(draft, packed);
    struct labels_entry *entry = NULL;
    HASH_FIND(hh, texts->labels, packed, len, entry);
    if (!entry) {
        entry = malloc(sizeof *entry + len);
        if (!entry) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the labels of a node");
        }
        *entry = (struct labels_entry){.labels = {.len = len}};
        entry->labels.packed = entry->packed;
        memcpy(entry->packed, packed, len);
        HASH_ADD_KEYPTR(hh, texts->labels, entry->packed, len, entry);
    }
    entry->refs++;
    *ret_labels = &entry->labels;
    return OK;
}

void node_labels_drop(struct node_texts *texts, const struct node_labels *labels)
{
    union {
        const struct node_labels *labels;
        struct labels_entry *entry;
    } it = {.labels = labels};
    if (labels && --it.entry->refs == 0) {
        HASH_DELETE(hh, texts->labels, it.entry);
        free(it.entry);
    }
}
