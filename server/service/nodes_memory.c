/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes_memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node *node_find(const struct nodes *nodes, int64_t id)
{
    size_t low = 0;
    size_t high = nodes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (nodes->items[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < nodes->count && nodes->items[low]->id == id ? nodes->items[low] : NULL;
}

enum status node_add(struct nodes *nodes, struct node *node, struct err *err)
{
    if (nodes->count == nodes->cap) {
        size_t cap = nodes->cap ? nodes->cap * 2 : 64;
        struct node **items = realloc(nodes->items, cap * sizeof(struct node *));
        if (!items) {
            return err_set(err, ERR_NO_MEMORY, "no memory for %zu nodes", cap);
        }
        nodes->items = items;
        nodes->cap = cap;
    }
    (void)snprintf(node->id_text, sizeof node->id_text, "%" PRId64, node->id);
    nodes->items[nodes->count++] = node;
    HASH_ADD(by_name, nodes->by_name, name[0], (unsigned)strlen(node->name), node);
    HASH_ADD(by_key, nodes->by_key, public_key, sizeof node->public_key, node);
    return OK;
}

void node_rename(struct nodes *nodes, struct node *node, const char *name)
{
    if (strcmp(node->name, name) != 0) {
        HASH_DELETE(by_name, nodes->by_name, node);
        (void)snprintf(node->name, sizeof node->name, "%s", name);
        HASH_ADD(by_name, nodes->by_name, name[0], (unsigned)strlen(node->name), node);
    }
}

enum status node_set_facts(struct node *node, const char *facts, struct err *err)
{
    char *copy = strdup(facts);
    json_t *tree = json_loads(facts, 0, NULL);
    if (!copy || !tree) {
        free(copy);
        json_decref(tree);
        return err_set(err, ERR_NO_MEMORY, "no memory for the facts of a node");
    }
    const char *arch = json_string_value(json_object_get(tree, "arch"));
    (void)snprintf(node->arch, sizeof node->arch, "%s", arch ? arch : "");
    node->ram_bytes = json_integer_value(json_object_get(tree, "ram_bytes"));
    json_decref(tree);
    free(node->facts);
    node->facts = copy;
    return OK;
}

static int label_order(const struct node_label *label, const char *key, bool admin)
{
    int order = strcmp(label->key, key);
    return order != 0 ? order : (int)admin - (int)label->admin;
}

static void remove_at(struct node *node, size_t i)
{
    node->label_count--;
    memmove(&node->labels[i], &node->labels[i + 1],
            (node->label_count - i) * sizeof node->labels[0]);
}

static void remove_key(struct node *node, const char *key)
{
    for (size_t i = node->label_count; i-- > 0;) {
        if (strcmp(node->labels[i].key, key) == 0) {
            remove_at(node, i);
        }
    }
}

static enum status insert_at(struct node *node, size_t i, struct err *err)
{
    struct node_label *labels =
        realloc(node->labels, (node->label_count + 1) * sizeof node->labels[0]);
    if (!labels) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the labels of a node");
    }
    node->labels = labels;
    memmove(&labels[i + 1], &labels[i], (node->label_count - i) * sizeof labels[0]);
    labels[i] = (struct node_label){0};
    node->label_count++;
    return OK;
}

enum status node_set_label(struct node *node, const struct label *label, bool admin,
                           struct err *err)
{
    if (!label->value) {
        remove_key(node, label->key);
        return OK;
    }
    size_t i = 0;
    while (i < node->label_count &&
           label_order(&node->labels[i], label->key, admin) < 0) {
        i++;
    }
    if (i == node->label_count || label_order(&node->labels[i], label->key, admin) != 0) {
        enum status status = insert_at(node, i, err);
        if (status != OK) {
            return status;
        }
    }
    struct node_label *slot = &node->labels[i];
    (void)snprintf(slot->key, sizeof slot->key, "%s", label->key);
    (void)snprintf(slot->value, sizeof slot->value, "%s", label->value);
    slot->admin = admin;
    return OK;
}

void node_clear_declared(struct node *node)
{
    for (size_t i = node->label_count; i-- > 0;) {
        if (!node->labels[i].admin) {
            remove_at(node, i);
        }
    }
}

const char *node_label_value(const struct node *node, const char *key)
{
    for (size_t i = 0; i < node->label_count; i++) {
        if (strcmp(node->labels[i].key, key) == 0) {
            return node->labels[i].value;
        }
    }
    return NULL;
}

void node_free(struct node *node)
{
    if (node) {
        free(node->labels);
        free(node->facts);
        free(node);
    }
}
