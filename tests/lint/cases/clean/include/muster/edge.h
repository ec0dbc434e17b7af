/* SPDX-License-Identifier: Apache-2.0 */
/* muster/edge.h: a public header. */
#ifndef MUSTER_EDGE_H
#define MUSTER_EDGE_H

/* Opens. */
int muster_open(void);

#endif
