/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/path_pattern.h"

#include <stddef.h>
#include <string.h>

/* A part of a pattern or path: [at, end). */
struct part {
    const char *at, *end;
};

/* The end of a set that begins behind '[', at its ']'; NULL when it never ends and '[' is
 * an ordinary byte. A ']' that comes first belongs to the set. */
static const char *set_end(const char *at, const char *end)
{
    at += at < end && *at == '!';
    at += at < end && *at == ']';
    return at < end ? memchr(at, ']', (size_t)(end - at)) : NULL;
}

static bool set_has(const char *at, const char *end, unsigned char byte)
{
    bool negated = *at == '!';
    bool found = false;
    at += negated;
    while (at < end) {
        unsigned char low = (unsigned char)at[0];
        bool range = end - at >= 3 && at[1] == '-';
        unsigned char high = (unsigned char)(range ? at[2] : at[0]);
        found = found || (low <= byte && byte <= high);
        at += range ? 3 : 1;
    }
    return found != negated;
}

/* Matches one byte; *pattern moves behind what matched it. */
static bool match_byte(const char **pattern, const char *end, char byte)
{
    const char *at = *pattern;
    const char *close = *at == '[' ? set_end(at + 1, end) : NULL;
    *pattern = close ? close + 1 : at + 1;
    if (close) {
        return set_has(at + 1, close, (unsigned char)byte);
    }
    return *at == '?' || *at == byte;
}

/* Only the last star needs to be tried again: an earlier one that took more would leave
 * less for everything behind it. */
static bool match_part(struct part pattern, struct part path)
{
    const char *star = NULL;   /* behind the last star */
    const char *resume = NULL; /* where the path goes on after one more byte for it */
    while (path.at < path.end) {
        if (pattern.at < pattern.end && *pattern.at == '*') {
            star = ++pattern.at;
            resume = path.at;
            continue;
        }
        if (pattern.at < pattern.end && match_byte(&pattern.at, pattern.end, *path.at)) {
            path.at++;
            continue;
        }
        if (!star) {
            return false;
        }
        pattern.at = star;
        path.at = ++resume;
    }
    while (pattern.at < pattern.end && *pattern.at == '*') {
        pattern.at++;
    }
    return pattern.at == pattern.end;
}

static struct part next_part(const char *text)
{
    return (struct part){text, text + strcspn(text, "/")};
}

bool path_pattern_match(const char *pattern, const char *path)
{
    for (;;) {
        struct part wanted = next_part(pattern);
        struct part found = next_part(path);
        if (!match_part(wanted, found) || *wanted.end != *found.end) {
            return false;
        }
        if (*wanted.end == '\0') {
            return true;
        }
        pattern = wanted.end + 1;
        path = found.end + 1;
    }
}
