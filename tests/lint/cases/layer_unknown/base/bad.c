/* SPDX-License-Identifier: Apache-2.0 */
#include <unheard_of.h>

int bad;
