/* SPDX-License-Identifier: Apache-2.0 */
/* The raw request target, and the framing guard over a head made of the same bytes: the
 * first line is the target, every other line a field "name: value". */
#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "server/http/guard.h"
#include "server/http/range.h"
#include "server/http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 80, ARENA_BYTES = 64 * 1024 };

static void check_target(const char *raw)
{
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct target target;
    if (target_parse(raw, 2048, &arena, &target, NULL) != OK) {
        return;
    }
    assert(target.path[0] == '/');
    assert(!strstr(target.path, "//") && !strstr(target.path, "/../"));
    assert(!strchr(target.path, '\\') && utf8_is_valid(target.path));
    size_t len = strlen(target.path);
    assert(len < 3 || strcmp(target.path + len - 3, "/..") != 0);
    for (size_t i = 0; i < target.query_count; i++) {
        assert(utf8_is_valid(target.query[i].name));
        assert(utf8_is_valid(target.query[i].value));
        struct range range;
        (void)range_parse(target.query[i].value, 100, &range);
    }
}

static void check_head(char *text)
{
    struct head_field fields[FIELDS_MAX];
    struct head head = {.method = "POST", .version = "HTTP/1.1", .fields = fields};
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line && head.field_count < FIELDS_MAX;
         line = strsep(&rest, "\n")) {
        char *colon = strchr(line, ':');
        const char *value = "";
        if (colon) {
            *colon = '\0';
            value = colon + 1 + strspn(colon + 1, " ");
        }
        fields[head.field_count++] = (struct head_field){
            .name = line,
            .name_len = strlen(line),
            .value = value,
            .value_len = strlen(value),
        };
    }
    const struct guard_limits limits = {.head_bytes = 3072, .max_fields = 64};
    struct framing framing = {0};
    if (guard_check(&head, &limits, &framing, NULL) == OK) {
        assert(!(framing.chunked && framing.has_length));
        assert(framing.length < 1000000000000000U);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO arena = ARENA_INIT(16U * 1024 * 1024);
    char *text = arena_strndup(&arena, (const char *)data, size);
    if (!text) {
        return 0;
    }
    char *newline = strchr(text, '\n');
    if (newline) {
        *newline = '\0';
    }
    check_target(text);
    check_head(newline ? newline + 1 : text);
    return 0;
}
