/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/fleet.h"

#include "server/store/db.h"

enum { TOTALS, COUNTED };

static const char *const sql[] = {
    [TOTALS] = "SELECT coalesce(sum_capped(reports), 0),"
               " coalesce(sum_capped(predictions), 0) FROM node_health",
    [COUNTED] = "SELECT coalesce(sum_capped(n), 0) FROM class_quarter"
                " WHERE quarter_ms >= ?1 AND quarter_ms < ?2",
};
const struct db_module_table fleet_statements = DB_MODULE_TABLE(sql);

enum status fleet_totals_read(struct db *db, struct fleet_totals *ret_totals,
                              struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_FLEET, TOTALS);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK) {
        *ret_totals = (struct fleet_totals){.reports = db_column_int(stmt, 0),
                                            .predictions = db_column_int(stmt, 1)};
    }
    return status;
}

enum status fleet_counted(struct db *db, int64_t from_ms, int64_t to_ms,
                          int64_t *ret_count, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_FLEET, COUNTED);
    db_bind_int(stmt, 1, from_ms);
    db_bind_int(stmt, 2, to_ms);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK) {
        *ret_count = db_column_int(stmt, 0);
    }
    return status;
}
