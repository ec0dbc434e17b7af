/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/service/changes.h"
#include "server/store/registry.h"
#include "server/store/registry_nodes.h"
#include "server/store/registry_tokens.h"

/* A change on its way: `draft` is what the node will be, with memory of its own, so that
 * nothing can fail once it is on disk. */
struct draft {
    struct nodes *nodes;
    struct node node; /* owns what it leads to */
    struct label_draft labels;
    bool fresh;     /* the node is new */
    int64_t spends; /* enrolment token that the node uses up by one, or 0 */
    int64_t at_ms;
    const char *actor, *action;
};

static void draft_release(struct draft *draft)
{
    node_release(draft->nodes, &draft->node);
}

#define DRAFT_AUTO __attribute__((cleanup(draft_release))) struct draft

/* A copy of the node (or a new one for NULL), with these facts unless NULL. The caller
 * holds the changes' lock. */
static enum status draft_init(struct draft *draft, struct nodes *nodes,
                              const struct node *from, const char *facts, struct err *err)
{
    draft->nodes = nodes;
    draft->at_ms = clock_wall_ms();
    draft->fresh = from == NULL;
    label_draft_init(&draft->labels, from ? from->labels : NULL);
    if (from) {
        draft->node.id = from->id;
        draft->node.state = from->state;
        draft->node.epoch = from->epoch;
        memcpy(draft->node.public_key, from->public_key, sizeof from->public_key);
        draft->node.name = strdup(from->name);
        if (!draft->node.name) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a node");
        }
    }
    return node_facts_take(&nodes->texts, facts ? facts : from->facts->json,
                           &draft->node.facts, err);
}

static enum status set_labels(struct label_draft *labels, const struct label_list *list,
                              bool admin, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < list->count; i++) {
        status = label_draft_set(labels, &list->items[i], admin, err);
    }
    return status;
}

static enum status write_labels(struct db *db, const struct node *node, struct err *err)
{
    enum status status = node_labels_clear(db, node->id, "admin", err);
    if (status == OK) {
        status = node_labels_clear(db, node->id, "node", err);
    }
    struct node_label label = {.at = node->labels->packed};
    while (status == OK && node_labels_next(node->labels, &label)) {
        struct node_label_row row = {
            .node_id = node->id,
            .key = label.key,
            .source = label.admin ? "admin" : "node",
            .value = label.value,
        };
        status = node_label_put(db, &row, err);
    }
    return status;
}

static enum status write_draft(void *context, struct db *db, struct err *err)
{
    struct draft *draft = context;
    struct node *node = &draft->node;
    struct node_row row = {
        .id = node->id,
        .name = node->name,
        .state = node_state_name(node->state),
        .epoch = node->epoch,
        .facts = node->facts->json,
        .enrolled_ms = node->enrolled_ms,
        .token_id = node->token_id,
    };
    memcpy(row.public_key, node->public_key, sizeof row.public_key);
    enum status status = draft->fresh ? node_row_insert(db, &row, &node->id, err)
                                      : node_row_update(db, &row, err);
    if (status == OK) {
        status = write_labels(db, node, err);
    }
    if (status == OK && draft->spends != 0) {
        status = enrollment_token_row_use(db, draft->spends, err);
    }
    if (status != OK) {
        return status;
    }
    char subject[21];
    (void)snprintf(subject, sizeof subject, "%" PRId64, node->id);
    struct audit_row audit = {.at_ms = draft->at_ms,
                              .actor = draft->actor,
                              .action = draft->action,
                              .subject = subject};
    return audit_row_insert(db, &audit, err);
}

/* Puts the draft in the place of the node; the draft gets what the node had. */
static void replace(struct nodes *nodes, struct node *node, struct node *draft)
{
    const struct node_facts *facts = node->facts;
    const struct node_labels *labels = node->labels;
    struct node_running *running = atomic_load(&node->running);
    if (strcmp(node->name, draft->name) != 0) {
        node_rename(nodes, node, draft->name);
        draft->name = NULL;
    }
    if (running && node->state != NODE_REVOKED && draft->state == NODE_REVOKED) {
        (void)atomic_fetch_sub(&running->nodes, 1);
    }
    node->state = draft->state;
    node->epoch = draft->epoch;
    node->facts = draft->facts;
    node->labels = draft->labels;
    draft->facts = facts;
    draft->labels = labels;
}

/* Makes a committed draft true in memory; a fresh node goes over as it is. */
static enum status apply(struct nodes *nodes, struct draft *draft, struct err *err)
{
    enum status status = OK;
    (void)pthread_rwlock_wrlock(&nodes->lock);
    if (draft->fresh) {
        status = node_add(nodes, &draft->node, err);
        if (status == OK) { /* what it leads to went over */
            draft->node.name = NULL;
            draft->node.facts = NULL;
            draft->node.labels = NULL;
        }
    } else {
        replace(nodes, node_find(nodes, draft->node.id), &draft->node);
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return status;
}

static enum status commit(struct nodes *nodes, struct draft *draft, struct err *err)
{
    enum status status =
        node_labels_take(&nodes->texts, &draft->labels, &draft->node.labels, err);
    if (status == OK) {
        status = changes_commit(nodes->changes, write_draft, draft, err);
    }
    return status == OK ? apply(nodes, draft, err) : status;
}

static enum status fill_enrolled(struct draft *draft, const struct node_order *order,
                                 struct err *err)
{
    struct node *node = &draft->node;
    free(node->name);
    node->name = strdup(order->name);
    if (!node->name) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the name of a node");
    }
    label_draft_clear_declared(&draft->labels);
    enum status status = set_labels(&draft->labels, &order->declared, false, err);
    if (status != OK || !draft->fresh) {
        return status;
    }
    memcpy(node->public_key, order->public_key, sizeof node->public_key);
    node->state = order->pending ? NODE_PENDING : NODE_ACTIVE;
    node->enrolled_ms = draft->at_ms;
    node->token_id = order->token_id;
    draft->spends = order->token_id;
    return set_labels(&draft->labels, &order->given, true, err);
}

enum status nodes_enroll(struct nodes *nodes, const struct node_order *order,
                         int64_t *ret_id, enum node_state *ret_state, struct err *err)
{
    /* Only changes add nodes or write what is read here, and the caller holds their lock,
     * so the nodes may be read without the other one. */
    const struct node *known = node_find_key(nodes, order->public_key);
    const struct node *namesake = node_find_name(nodes, order->name);
    if (known && known->state == NODE_REVOKED) {
        return err_set(err, ERR_NODE_REVOKED, "the node '%s' was revoked", known->name);
    }
    if (namesake && namesake != known) {
        return err_set(err, ERR_ENROLL_NAME_TAKEN, "another key is enrolled as '%.128s'",
                       order->name);
    }
    char actor[NODE_NAME_BYTES + 8];
    (void)snprintf(actor, sizeof actor, "node:%s", order->name);
    DRAFT_AUTO draft = {.actor = actor,
                        .action = known ? "node.enroll_again" : "node.enroll"};
    enum status status = draft_init(&draft, nodes, known, order->facts, err);
    if (status == OK) {
        status = fill_enrolled(&draft, order, err);
    }
    if (status == OK) {
        status = commit(nodes, &draft, err);
    }
    if (status == OK) {
        *ret_id = draft.node.id;
        *ret_state = draft.node.state;
    }
    return status;
}

static enum status find_for_change(struct nodes *nodes, int64_t node_id,
                                   struct node **ret_node, struct err *err)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    struct node *node = node_find(nodes, node_id);
    (void)pthread_rwlock_unlock(&nodes->lock);
    if (!node) {
        return err_set(err, ERR_NOT_FOUND, "there is no node %" PRId64, node_id);
    }
    *ret_node = node;
    return OK;
}

enum status nodes_patch(struct nodes *nodes, int64_t node_id,
                        const struct node_patch *patch, const char *actor,
                        struct err *err)
{
    CHANGE_AUTO(held, nodes->changes);
    struct node *node = NULL;
    enum status status = find_for_change(nodes, node_id, &node, err);
    if (status != OK) {
        return status;
    }
    if (patch->activate && node->state == NODE_REVOKED) {
        return err_set(err, ERR_CONFLICT, "a revoked node cannot become active again");
    }
    DRAFT_AUTO draft = {.actor = actor, .action = "node.patch"};
    status = draft_init(&draft, nodes, node, NULL, err);
    if (status == OK) {
        draft.node.state = patch->activate ? NODE_ACTIVE : draft.node.state;
        status = set_labels(&draft.labels, &patch->labels, true, err);
    }
    if (status == OK) {
        status = label_draft_check(&draft.labels, err);
    }
    return status == OK ? commit(nodes, &draft, err) : status;
}

enum status nodes_revoke(struct nodes *nodes, int64_t node_id, const char *actor,
                         struct err *err)
{
    CHANGE_AUTO(held, nodes->changes);
    struct node *node = NULL;
    enum status status = find_for_change(nodes, node_id, &node, err);
    if (status != OK || node->state == NODE_REVOKED) {
        return status;
    }
    DRAFT_AUTO draft = {.actor = actor, .action = "node.revoke"};
    status = draft_init(&draft, nodes, node, NULL, err);
    if (status == OK) {
        draft.node.state = NODE_REVOKED;
        draft.node.epoch++;
        status = commit(nodes, &draft, err);
    }
    return status;
}

/* Without the changes' lock: a session that begins anew mostly says the same again. */
static bool has_facts(struct nodes *nodes, int64_t node_id, const char *facts)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    bool same = node && strcmp(node->facts->json, facts) == 0;
    (void)pthread_rwlock_unlock(&nodes->lock);
    return same;
}

enum status nodes_set_facts(struct nodes *nodes, int64_t node_id, const char *facts,
                            struct err *err)
{
    if (has_facts(nodes, node_id, facts)) {
        return OK;
    }
    CHANGE_AUTO(held, nodes->changes);
    struct node *node = NULL;
    char actor[NODE_NAME_BYTES + 8];
    enum status status = find_for_change(nodes, node_id, &node, err);
    if (status != OK) {
        return status;
    }
    (void)snprintf(actor, sizeof actor, "node:%s", node->name);
    DRAFT_AUTO draft = {.actor = actor, .action = "node.facts"};
    status = draft_init(&draft, nodes, node, facts, err);
    return status == OK ? commit(nodes, &draft, err) : status;
}
