/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_NN_H
#define MUSTER_NN_H

int muster_one(void);

/* Wrong name. */
int two(void);

#endif
