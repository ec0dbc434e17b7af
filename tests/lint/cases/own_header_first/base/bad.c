/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "base/bad.h"

int bad_value;
