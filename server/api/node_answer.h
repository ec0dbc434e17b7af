/* SPDX-License-Identifier: Apache-2.0 */
/* node_answer: a node as lists and its own page tell of it. */
#ifndef MUSTER_SERVER_API_NODE_ANSWER_H
#define MUSTER_SERVER_API_NODE_ANSWER_H

#include <stdint.h>

#include "base/buf.h"

struct node_view;
struct service;

/* Appends the node's object and leaves it open. */
void answer_node(const struct service *service, struct buf *json,
                 const struct node_view *node);

/* How lately an active node called, "" of another. Static text. */
const char *answer_node_contact(const struct service *service,
                                const struct node_view *node, int64_t now_ms);

#endif
