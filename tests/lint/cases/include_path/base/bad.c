/* SPDX-License-Identifier: Apache-2.0 */
#include "thing.h"

int bad;
