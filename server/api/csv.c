/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/csv.h"

#include <string.h>
#include <strings.h>

/* Whether a list of media ranges names text/csv. A range with parameters does; one that
 * covers all of text/ does not, as browsers send those. */
static bool accepts_csv(const char *list)
{
    static const char type[] = "text/csv";
    while (list && *list) {
        list += strspn(list, " \t,");
        size_t len = strcspn(list, " \t,;");
        if (len == sizeof type - 1 && strncasecmp(list, type, len) == 0) {
            return true;
        }
        list += strcspn(list, ",");
    }
    return false;
}

enum status csv_wanted(struct request *request, bool *ret_wanted)
{
    const char *format = request_query(request, "format");
    if (!format) {
        *ret_wanted = accepts_csv(request_header(request, "Accept"));
        return OK;
    }
    if (strcmp(format, "csv") != 0 && strcmp(format, "json") != 0) {
        enum status status =
            err_set(&request->err, ERR_INVALID_ARGUMENT, "format must be json or csv");
        err_set_pointer(&request->err, "?format");
        return status;
    }
    *ret_wanted = strcmp(format, "csv") == 0;
    return OK;
}

static void begin(struct csv *csv)
{
    if (csv->within) {
        buf_addc(&csv->text, ',');
    }
    csv->within = true;
}

void csv_text(struct csv *csv, const char *text)
{
    begin(csv);
    if (!text || !*text) {
        return;
    }
    bool quoted = strpbrk(text, "\",\r\n") != NULL;
    buf_addstr(&csv->text, quoted ? "\"" : "");
    buf_addstr(&csv->text, strchr("=+-@\t\r\n", text[0]) ? "'" : "");
    for (const char *at = text; *at; at++) {
        buf_addstr(&csv->text, *at == '"' ? "\"" : "");
        buf_addc(&csv->text, *at);
    }
    buf_addstr(&csv->text, quoted ? "\"" : "");
}

void csv_integer(struct csv *csv, int64_t value)
{
    begin(csv);
    buf_addi(&csv->text, value);
}

void csv_real(struct csv *csv, double value)
{
    begin(csv);
    buf_addf(&csv->text, "%.10g", value);
}

void csv_null(struct csv *csv)
{
    begin(csv);
}

void csv_end(struct csv *csv)
{
    buf_addstr(&csv->text, "\r\n");
    csv->within = false;
}

enum status csv_send(struct request *request, struct response *response,
                     const struct csv *csv, const char *name)
{
    const char *disposition =
        arena_printf(&request->arena, "attachment; filename=\"muster-%s.csv\"", name);
    enum status status = buf_status(&csv->text, &request->err);
    if (status == OK && !disposition) {
        status = err_set(&request->err, ERR_NO_MEMORY, "no memory for the answer");
    }
    if (status == OK) {
        status = response_json(request, response, 200, csv->text.data, csv->text.len);
    }
    if (status == OK) {
        response->content_type = "text/csv; charset=utf-8; header=present";
        response_header(response, "Content-Disposition", disposition);
        response_header(response, "Vary", "Accept");
    }
    return status;
}
