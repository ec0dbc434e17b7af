/* SPDX-License-Identifier: Apache-2.0 */
/* json_text: the inside of JSON strings: UTF-8, escapes, surrogates. Used by json_scan.
 */
#ifndef MUSTER_FORMAT_JSON_TEXT_H
#define MUSTER_FORMAT_JSON_TEXT_H

#include <stdint.h>

#include "format/json_scan.h"

/* Checks a string from behind its opening quote. NULL when it is right: *ret_text is set
 * and *ret_stop is behind the closing quote. Otherwise what is wrong, at *ret_stop. */
const char *json_text_check(const char *at, const char *end, struct json_text *ret_text,
                            const char **ret_stop) MUST_USE;

/* A 31-bit hash of the characters, escaped or not; another one in every process, so that
 * nobody can choose keys that meet. Thread-safe. */
uint32_t json_text_hash(const struct json_text *text);

/* Orders two checked strings by their characters; both end at their closing quote. */
int json_text_compare(const char *left, const char *right);

#endif
