/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_BAD_H
#define MUSTER_BASE_BAD_H

extern int bad_value;

#endif
