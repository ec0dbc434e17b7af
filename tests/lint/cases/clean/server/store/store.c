/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>

#include "base/thing.h"

static const char *const SELECT_ALL = "SELECT id FROM thing";

int store_all(sqlite3 *db)
{
    return sqlite3_exec(db, SELECT_ALL, 0, 0, 0);
}
