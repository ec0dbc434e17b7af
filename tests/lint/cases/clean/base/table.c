/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <uthash.h>

struct entry {
    int key;
    UT_hash_handle hh;
};

int table_add(struct entry **table, struct entry *entries, int count)
{
    for (int i = 0; i < count; i++) {
        if (entries[i].key > 0) {
            HASH_ADD_INT(*table, key, &entries[i]);
        }
    }
    return count;
}

static const char *const texts[] = {
    "one",
    "two "
    "words",
};

int table_letters(const char *text)
{
    int count = 0;
    for (const char *p = text; *p; p++) {
        if (tolower((unsigned char)*p) == texts[0][0]) {
            count++;
        }
    }
    return count;
}
