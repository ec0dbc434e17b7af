/* SPDX-License-Identifier: Apache-2.0 */
/* fixture_keys: what 'muster repo init' and 'muster key new' make, but with keys that
 * cost next to nothing to open, for tests that open many.
 *
 *   fixture_keys repo DIR TIMESTAMP_KEY PASSPHRASE
 *   fixture_keys key FILE LABEL PASSPHRASE */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "repo/creation.h"

static enum status make_repository(char **argv, struct err *err)
{
    struct repository_order order = {.passphrase = argv[4],
                                     .cost = KEY_COST_LEAST,
                                     .now_ms = clock_wall_ms(),
                                     .life_ms = INT64_C(365) * 86400000};
    enum status status =
        hex_decode(argv[3], order.timestamp_public, sizeof order.timestamp_public, err);
    return status == OK ? repository_init(argv[2], &order, err) : status;
}

static enum status make_key(char **argv, struct err *err)
{
    struct key_cost cost = KEY_COST_LEAST;
    SIGNING_KEY_AUTO key = {0};
    enum status status = signing_key_generate(&key, err);
    return status == OK ? keyfile_create(argv[2], argv[3], &key, argv[4], &cost, err)
                        : status;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc != 5) {
        return 2;
    }
    enum status status =
        strcmp(argv[1], "repo") == 0 ? make_repository(argv, &err) : make_key(argv, &err);
    if (status != OK) {
        (void)fprintf(stderr, "fixture_keys: %s\n", err.detail);
    }
    return status == OK ? 0 : 1;
}
