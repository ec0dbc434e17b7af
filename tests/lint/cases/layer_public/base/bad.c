/* SPDX-License-Identifier: Apache-2.0 */
#include <muster/edge.h>

int bad;
