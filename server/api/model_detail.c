/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/model_detail.h"

#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/handlers.h"

enum { MODE_BYTES_MAX = 16 };

static const int64_t ROWS_PER_DAY_MAX = INT64_C(1000000000000);

void answer_detail(struct buf *json, const char *name, const struct detail *detail)
{
    answer_raw(json, name, "{");
    answer_text(json, "mode", detail_mode_name(detail->mode));
    if (detail->mode == DETAIL_SAMPLED) {
        answer_integer(json, "every", detail->every);
    }
    if (detail->mode != DETAIL_FULL) {
        answer_integer(json, "interval_s", detail->interval_s);
    }
    buf_addc(json, '}');
}

static void add_rate(struct buf *json, const char *name, bool known, double rate)
{
    if (known) {
        answer_integer(json, name, (int64_t)(rate + 0.5));
    } else {
        answer_raw(json, name, "null");
    }
}

void answer_model_detail(struct buf *json, const struct model_detail_info *info)
{
    double rows = 0.0;
    bool known = detail_rows_per_day(&info->now, &info->rates, &rows);
    answer_text(json, "mode", detail_mode_name(info->setting.mode));
    answer_integer(json, "every", info->setting.every);
    answer_integer(json, "interval_s", info->setting.interval_s);
    answer_integer(json, "rows_per_day", info->setting.rows_per_day);
    answer_detail(json, "now", &info->now);
    add_rate(json, "rows_per_day_now", known, rows);
    add_rate(json, "predictions_per_day_now", info->rates.known, info->rates.predictions);
    add_rate(json, "changes_per_day_now", info->rates.changes_known, info->rates.changes);
}

static enum status parse_mode(struct request *request, const json_t *body,
                              enum detail_mode *ret_mode)
{
    const struct body_text wanted = {.name = "mode", .low = 1, .high = MODE_BYTES_MAX};
    const char *mode = NULL;
    enum status status = body_text(request, body, &wanted, &mode);
    if (status == OK && !detail_mode_parse(mode, ret_mode)) {
        status = err_set(&request->err, ERR_JSON_RANGE,
                         "mode must be full, sampled, changes, summary or auto");
        err_set_pointer(&request->err, "/mode");
    }
    return status;
}

static enum status parse_setting(struct request *request, const json_t *body,
                                 struct detail_setting *ret_setting)
{
    struct detail_setting setting = detail_setting_default();
    int64_t every = 0;
    enum status status = parse_mode(request, body, &setting.mode);
    if (status == OK) {
        const struct body_integer wanted = {.name = "every",
                                            .low = 1,
                                            .high = DETAIL_EVERY_MAX,
                                            .optional = true,
                                            .fallback = setting.every};
        status = body_integer(request, body, &wanted, &every);
        setting.every = (uint32_t)every;
    }
    if (status == OK) {
        const struct body_integer wanted = {.name = "interval_s",
                                            .low = DETAIL_INTERVAL_MIN_S,
                                            .high = DETAIL_INTERVAL_MAX_S,
                                            .optional = true,
                                            .fallback = setting.interval_s};
        status = body_integer(request, body, &wanted, &setting.interval_s);
    }
    if (status == OK) {
        const struct body_integer wanted = {.name = "rows_per_day",
                                            .low = 0,
                                            .high = ROWS_PER_DAY_MAX,
                                            .optional = true,
                                            .fallback = setting.rows_per_day};
        status = body_integer(request, body, &wanted, &setting.rows_per_day);
    }
    *ret_setting = setting;
    return status;
}

enum status api_model_detail_put(struct request *request, struct response *response)
{
    struct model_details *details = services(request)->details;
    const char *model = request_param(request, "model");
    BODY_AUTO *body = NULL;
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct detail_setting setting;
    struct model_detail_info info;
    enum status status = body_parse(request, &body);
    if (status == OK) {
        status = parse_setting(request, body, &setting);
    }
    if (status == OK) {
        status =
            model_detail_set(details, model, &setting, actor(request), &request->err);
        if (status == ERR_UNSUPPORTED) {
            err_set_pointer(&request->err, "/mode");
        }
    }
    if (status == OK) {
        status = model_detail_get(details, model, &info, &request->err);
    }
    if (status != OK) {
        return status;
    }
    buf_addc(&json, '{');
    answer_text(&json, "model", model);
    answer_model_detail(&json, &info);
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}
