/* SPDX-License-Identifier: Apache-2.0 */
/* node_texts: facts and label sets of nodes, each kept once however many nodes have it.
 *
 * A fleet has a million nodes and a few hundred kinds of them. Values are immutable and
 * counted by references; a reference is taken by `…_take` and given back by `…_drop`.
 * Taking and dropping needs the changes' lock (changes.h); reading does not.
 *
 * A label set is packed: for each label 'a' (given by an administrator or the token) or
 * 'n' (declared by the node), key, NUL, value, NUL; in order of keys, the administrator's
 * first, so that the first of a key is the one in effect. */
#ifndef MUSTER_SERVER_SERVICE_NODE_TEXTS_H
#define MUSTER_SERVER_SERVICE_NODE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "server/service/nodes.h"
#include "tuf/fit.h"

struct facts_entry;
struct labels_entry;

/* Zero-initialise; empty again when every reference was dropped. */
struct node_texts {
    struct facts_entry *facts;
    struct labels_entry *labels;
};

struct node_facts {
    const char *json;    /* the object */
    const char *arch;    /* "" if not said */
    struct fit_node fit; /* all that choosing a variant needs */
};

struct node_labels {
    const char *packed;
    size_t len; /* of `packed` */
};

/* One label while a set is read: start with .at = set->packed. */
struct node_label {
    const char *key, *value;
    bool admin;
    const char *at; /* where the next one begins */
};

/* A label set that is being made. */
struct label_draft {
    struct {
        char key[LABEL_KEY_BYTES];
        char value[LABEL_BYTES];
        bool admin;
    } items[4 * NODE_LABELS_MAX];
    size_t count;
};

/* Facts that are a JSON object. ERR_NO_MEMORY. */
enum status node_facts_take(struct node_texts *texts, const char *json,
                            const struct node_facts **ret_facts,
                            struct err *err) MUST_USE;

/* NULL is allowed. */
void node_facts_drop(struct node_texts *texts, const struct node_facts *facts);

/* Reads the next label; false at the end. */
bool node_labels_next(const struct node_labels *labels, struct node_label *label);

/* The value in effect, or NULL. */
const char *node_labels_value(const struct node_labels *labels, const char *key);

/* The labels of a set as a draft, in their order. */
void label_draft_init(struct label_draft *draft, const struct node_labels *labels);

/* Sets a label, or with a NULL value removes it from both sources. ERR_JSON_LENGTH when
 * the draft is full; label_draft_check judges the end. */
enum status label_draft_set(struct label_draft *draft, const struct label *label,
                            bool admin, struct err *err) MUST_USE;

/* ERR_JSON_LENGTH for more than NODE_LABELS_MAX of the administrator. */
enum status label_draft_check(const struct label_draft *draft, struct err *err) MUST_USE;

/* Removes what the node declared itself. */
void label_draft_clear_declared(struct label_draft *draft);

/* The draft as a set. ERR_NO_MEMORY. */
enum status node_labels_take(struct node_texts *texts, const struct label_draft *draft,
                             const struct node_labels **ret_labels,
                             struct err *err) MUST_USE;

/* NULL is allowed. */
void node_labels_drop(struct node_texts *texts, const struct node_labels *labels);

#endif
