/* SPDX-License-Identifier: Apache-2.0 */
#include "server/healthcheck.h"

#include <curl/curl.h>

enum { TIMEOUT_MS = 5000 };

static size_t discard(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static enum status get(CURL *curl, const char *url, struct err *err)
{
    long answer = 0;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        return err_set(err, ERR_NET, "could not reach '%.120s': %s", url,
                       curl_easy_strerror(code));
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    return answer / 100 == 2 ? OK
                             : err_set(err, ERR_NET, "'%.120s' answers %ld", url, answer);
}

enum status healthcheck(const char *url, struct err *err)
{
    CURL *curl = curl_easy_init();
    if (!curl) {
        return err_set(err, ERR_NO_MEMORY, "cannot start libcurl");
    }
    enum status status = get(curl, url, err);
    curl_easy_cleanup(curl);
    return status;
}
