/* SPDX-License-Identifier: Apache-2.0 */
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/json_scan.h"

enum {
    DIGITS_MAX = 19,           /* fit 64 bits */
    EXPONENT_CLAMP = 1000000,  /* far beyond a double, far from overflow */
    EXACT_POWER_MAX = 22,      /* 10^22 is the largest exact power in a double */
    SURELY_FINITE_POWER = 288, /* 19 digits times 10^288 is below 10^308 */
};

static const double powers[EXACT_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static bool at_digit(const struct json_scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool at_byte(const struct json_scan *scan, char c)
{
    return scan->at < scan->end && *scan->at == c;
}

/* Reads digits; those after the point lower the exponent. Leading zeros cost no room. */
static void read_digits(struct json_scan *scan, struct json_number *number, bool fraction)
{
    const uint64_t full = 1000000000000000000u; /* 10^(DIGITS_MAX - 1) */
    for (; at_digit(scan); scan->at++) {
        if (number->digits < full) {
            number->digits = number->digits * 10 + (uint64_t)(*scan->at - '0');
            number->exponent -= fraction;
        } else {
            number->exact = false;
            number->exponent += !fraction;
        }
    }
}

static enum status read_exponent(struct json_scan *scan, struct json_number *number)
{
    scan->at++;
    bool negative = at_byte(scan, '-');
    scan->at += negative || at_byte(scan, '+');
    if (!at_digit(scan)) {
        return json_scan_fail(scan, ERR_JSON_SYNTAX, "a number's exponent is missing");
    }
    int64_t value = 0;
    for (; at_digit(scan); scan->at++) {
        value = value < EXPONENT_CLAMP ? value * 10 + (*scan->at - '0') : value;
    }
    number->exponent += negative ? -value : value;
    number->integer = false;
    return OK;
}

/* A number that no double can hold is refused wherever it stands. */
static enum status check_finite(struct json_scan *scan, const struct json_number *number)
{
    double value;
    if (number->digits == 0 || number->exponent <= SURELY_FINITE_POWER) {
        return OK;
    }
    return json_scan_double(scan, number, &value);
}

enum status json_scan_number(struct json_scan *scan, struct json_number *ret_number)
{
    struct json_number number = {.text = scan->at, .exact = true, .integer = true};
    number.negative = at_byte(scan, '-');
    scan->at += number.negative;
    if (!at_digit(scan)) {
        return json_scan_fail(scan, ERR_JSON_SYNTAX, "a digit is missing");
    }
    if (*scan->at == '0') {
        scan->at++;
        if (at_digit(scan)) {
            return json_scan_fail(scan, ERR_JSON_SYNTAX, "a number begins with 0");
        }
    } else {
        read_digits(scan, &number, false);
    }
    if (at_byte(scan, '.')) {
        scan->at++;
        if (!at_digit(scan)) {
            return json_scan_fail(scan, ERR_JSON_SYNTAX,
                                  "a number's fraction is missing");
        }
        number.integer = false;
        read_digits(scan, &number, true);
    }
    if (at_byte(scan, 'e') || at_byte(scan, 'E')) {
        enum status status = read_exponent(scan, &number);
        if (status != OK) {
            return status;
        }
    }
    number.len = (size_t)(scan->at - number.text);
    *ret_number = number;
    return check_finite(scan, &number);
}

/* strtod wants the decimal point of the process's locale, which may be another one in an
 * application around the edge library. */
static enum status slow_double(struct json_scan *scan, const struct json_number *number,
                               double *ret_value)
{
    struct buf *copy = &scan->number;
    buf_reset(copy);
    for (size_t i = 0; i < number->len; i++) {
        if (number->text[i] == '.') {
            buf_addstr(copy, nl_langinfo(RADIXCHAR));
        } else {
            buf_addc(copy, number->text[i]);
        }
    }
    if (copy->failed) {
        return err_set(scan->err, ERR_NO_MEMORY, "no memory for a number");
    }
    *ret_value = strtod(copy->data, NULL);
    return OK;
}

enum status json_scan_double(struct json_scan *scan, const struct json_number *number,
                             double *ret_value)
{
    double value = (double)number->digits;
    int64_t power = number->exponent;
    if (number->digits == 0) {
        value = 0.0;
    } else if (number->exact && number->digits <= (uint64_t)1 << 53 &&
               power >= -EXACT_POWER_MAX && power <= EXACT_POWER_MAX) {
        /* Both are exact, so the one rounding of the operation is the right one. */
        value = power < 0 ? value / powers[-power] : value * powers[power];
    } else {
        enum status status = slow_double(scan, number, &value);
        if (status != OK) {
            return status;
        }
        if (isinf(value)) {
            return json_scan_fail(scan, ERR_JSON_NUMBER, "a number is out of range");
        }
        value = fabs(value);
    }
    *ret_value = number->negative ? -value : value;
    return OK;
}
