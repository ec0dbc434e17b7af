/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/selector.h"

#include <string.h>

enum { KEY_MAX = 32 };

static const char KEY_CHARACTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";

/* The scanner: what is left of the text, and the pool that is being filled. Each text in
 * the pool is at most as long as what it was read from, separator included. */
struct scan {
    const char *text, *at;
    struct selector *out;
    size_t used;
    struct err *err;
};

static enum status syntax(struct scan *scan, const char *wanted)
{
    return err_set(scan->err, ERR_SELECTOR_SYNTAX, "expected %s at character %zu", wanted,
                   (size_t)(scan->at - scan->text) + 1);
}

static void skip_space(struct scan *scan)
{
    while (*scan->at == ' ' || *scan->at == '\t') {
        scan->at++;
    }
}

static bool take(struct scan *scan, const char *token)
{
    skip_space(scan);
    size_t len = strlen(token);
    if (strncmp(scan->at, token, len) != 0) {
        return false;
    }
    scan->at += len;
    return true;
}

/* A word that is followed by something that cannot belong to it. */
static bool take_word(struct scan *scan, const char *word)
{
    skip_space(scan);
    size_t len = strlen(word);
    if (strncmp(scan->at, word, len) != 0 ||
        (scan->at[len] != ' ' && scan->at[len] != '\t' && scan->at[len] != '(')) {
        return false;
    }
    scan->at += len;
    return true;
}

static enum status put(struct scan *scan, char c)
{
    if (scan->used >= sizeof scan->out->pool) {
        return err_set(scan->err, ERR_SELECTOR_SYNTAX, "the selector is too long");
    }
    scan->out->pool[scan->used++] = c;
    return OK;
}

static enum status put_text(struct scan *scan, const char *text, size_t len)
{
    enum status status = OK;
    for (size_t i = 0; i < len && status == OK; i++) {
        status = put(scan, text[i]);
    }
    return status == OK ? put(scan, '\0') : status;
}

static enum status read_key(struct scan *scan, uint16_t *ret_key)
{
    skip_space(scan);
    size_t len = strspn(scan->at, KEY_CHARACTERS);
    if (len == 0 || len > KEY_MAX) {
        return syntax(scan, "a key of 1 to 32 characters a-z 0-9 _ . -");
    }
    *ret_key = (uint16_t)scan->used;
    enum status status = put_text(scan, scan->at, len);
    scan->at += len;
    return status;
}

static enum status read_quoted(struct scan *scan)
{
    enum status status = OK;
    scan->at++;
    while (status == OK && *scan->at != '"') {
        if (*scan->at == '\\' && (scan->at[1] == '"' || scan->at[1] == '\\')) {
            scan->at++;
        } else if (*scan->at == '\\' || *scan->at == '\0') {
            return syntax(scan, "a closing quote, \\\" or \\\\");
        }
        status = put(scan, *scan->at++);
    }
    if (status == OK) {
        scan->at++;
        status = put(scan, '\0');
    }
    return status;
}

static enum status read_value(struct scan *scan)
{
    skip_space(scan);
    if (*scan->at == '"') {
        return read_quoted(scan);
    }
    size_t len = strcspn(scan->at, ",()=!\" \t\r\n");
    if (len == 0) {
        return syntax(scan, "a value");
    }
    enum status status = put_text(scan, scan->at, len);
    scan->at += len;
    return status;
}

static enum status read_list(struct scan *scan, struct selector_term *term)
{
    if (!take(scan, "(")) {
        return syntax(scan, "'('");
    }
    do {
        enum status status = read_value(scan);
        if (status != OK) {
            return status;
        }
        term->count++;
    } while (take(scan, ","));
    return take(scan, ")") ? OK : syntax(scan, "',' or ')'");
}

static enum status read_term(struct scan *scan)
{
    if (scan->out->count == SELECTOR_TERMS_MAX) {
        return err_set(scan->err, ERR_SELECTOR_SYNTAX, "more than %d terms",
                       SELECTOR_TERMS_MAX);
    }
    struct selector_term *term = &scan->out->terms[scan->out->count++];
    *term = (struct selector_term){0};
    enum status status = read_key(scan, &term->key);
    if (status != OK) {
        return status;
    }
    term->values = (uint16_t)scan->used;
    if (take(scan, "!=") || take(scan, "=")) {
        term->negated = scan->at[-2] == '!';
        term->count = 1;
        return read_value(scan);
    }
    term->negated = take_word(scan, "not");
    return take_word(scan, "in") ? read_list(scan, term)
                                 : syntax(scan, "'=', '!=', 'in' or 'not in'");
}

enum status selector_parse(const char *text, struct selector *ret_selector,
                           struct err *err)
{
    struct selector selector = {0};
    struct scan scan = {.text = text, .at = text, .out = &selector, .err = err};
    if (strlen(text) > SELECTOR_BYTES_MAX) {
        return err_set(err, ERR_SELECTOR_SYNTAX, "longer than %d bytes",
                       SELECTOR_BYTES_MAX);
    }
    skip_space(&scan);
    enum status status = *scan.at == '\0' ? OK : read_term(&scan);
    while (status == OK && take(&scan, ",")) {
        status = read_term(&scan);
    }
    skip_space(&scan);
    if (status == OK && *scan.at != '\0') {
        status = syntax(&scan, "',' or the end");
    }
    if (status == OK) {
        *ret_selector = selector;
    }
    return status;
}

static bool term_holds(const struct selector *selector, const struct selector_term *term,
                       const char *value)
{
    const char *candidate = selector->pool + term->values;
    for (size_t i = 0; value && i < term->count; i++) {
        if (strcmp(candidate, value) == 0) {
            return !term->negated;
        }
        candidate += strlen(candidate) + 1;
    }
    return term->negated;
}

bool selector_matches(const struct selector *selector, selector_lookup *lookup,
                      const void *context)
{
    for (size_t i = 0; i < selector->count; i++) {
        const struct selector_term *term = &selector->terms[i];
        const char *value = lookup(context, selector->pool + term->key);
        if (!term_holds(selector, term, value)) {
            return false;
        }
    }
    return true;
}

bool selector_key_valid(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= KEY_MAX && strspn(text, KEY_CHARACTERS) == len;
}
