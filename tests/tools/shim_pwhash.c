/* SPDX-License-Identifier: Apache-2.0 */
/* shim_pwhash: for LD_PRELOAD. Passphrases are hashed at the least cost, whatever a key
 * file says: for tests of many steps with keys that guard nothing. Files made so open
 * only under it. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

enum { LEAST_OPS = 1, LEAST_BYTES = 8192 };

typedef int (*hash_function)(unsigned char *out, unsigned long long out_len,
                             const char *passphrase, unsigned long long passphrase_len,
                             const unsigned char *salt, unsigned long long ops,
                             size_t mem_bytes, int algorithm);

// NOLINTNEXTLINE(readability-function-size): libsodium fixes the parameters
int crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *passphrase,
                  unsigned long long passphrase_len, const unsigned char *salt,
                  unsigned long long ops, size_t mem_bytes, int algorithm)
{
    union {
        void *symbol;
        hash_function function;
    } real = {.symbol = dlsym(RTLD_NEXT, "crypto_pwhash")};
    (void)ops;
    (void)mem_bytes;
    if (!real.symbol) {
        errno = ENOSYS;
        return -1;
    }
    return real.function(out, out_len, passphrase, passphrase_len, salt, LEAST_OPS,
                         LEAST_BYTES, algorithm);
}
