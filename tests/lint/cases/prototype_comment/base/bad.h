/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_BAD_H
#define MUSTER_BASE_BAD_H

int bad_one(void);

/* Covers both. */
int bad_two(void);
int bad_three(void);

int bad_four(int a, int b);

#endif
