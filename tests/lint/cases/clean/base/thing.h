/* SPDX-License-Identifier: Apache-2.0 */
/* thing: what the lint's own test breaks. */
#ifndef MUSTER_BASE_THING_H
#define MUSTER_BASE_THING_H

enum colour { RED, GREEN };

/* Twice `value`. */
int thing_double(int value);

#endif
