/* SPDX-License-Identifier: Apache-2.0 */
/* A public key as somebody hands it over. What is taken must have the id that its own
 * object gives, and be read back from that object. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tuf/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *object = NULL;
    json_t *again = NULL;
    char keyid[KEY_ID_BYTES];
    char second[KEY_ID_BYTES];
    if (public_key_parse((const char *)data, size, &object, keyid, NULL) != OK) {
        return 0;
    }
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text) {
        abort();
    }
    if (strlen(text) < PUBLIC_KEY_TEXT_MAX &&
        (public_key_parse(text, strlen(text), &again, second, NULL) != OK ||
         strcmp(keyid, second) != 0)) {
        abort();
    }
    free(text);
    json_decref(again);
    json_decref(object);
    return 0;
}
