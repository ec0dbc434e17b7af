/* SPDX-License-Identifier: Apache-2.0 */
/* A client that is killed at each change that it makes to its folders, then runs again:
 * what lies in the cache was signed, nothing half-written stays, and the second run ends
 * as if nothing had happened. MUSTER_KILL_PLACES is how many places are tried ("all":
 * each). */
#include "tests/conformance/sim.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>

#include "base/file.h"

enum { PLACES_MAX = 1000, EVERY = 3 };

/* A client with version 1 of everything; then each role and the root are new, "team" is
 * delegated to, and a.bin is there. */
static struct sim *begin(void **state, bool new_keys)
{
    sim_set_up(state);
    struct sim *sim = *state;
    sim->killed_client = true;
    sim_target(sim, "targets", "a.bin", "old content");
    sim_sign(sim, "targets");
    ACCEPTS(init(sim));
    ACCEPTS(download(sim, "a.bin"));
    sim_delegate(sim, "targets", "team", false);
    json_object_del(json_object_get(sim_body(sim, "targets"), "targets"), "a.bin");
    sim_target(sim, "team", "a.bin", "content that is new");
    if (new_keys) {
        const struct sim_key *key = sim_key_new(sim);
        sim_distrust(sim, "root", "snapshot", sim_role(sim, "snapshot")->signers[0]);
        sim_trust(sim, "root", "snapshot", key);
        sim_signers_clear(sim, "snapshot");
        sim_signer_add(sim, "snapshot", key);
    }
    sim_publish(sim, "root team targets snapshot timestamp");
    return sim;
}

/* Every file *.json is one of the past, whole. */
static void only_signed_files(const struct sim *sim)
{
    DIR *dir = opendir(sim->metadata);
    assert_non_null(dir);
    for (const struct dirent *item = readdir(dir); item; item = readdir(dir)) {
        char path[2 * SIM_PATH_BYTES];
        size_t len = strlen(item->d_name);
        BUF_AUTO data = BUF_INIT(1 << 20);
        if (len < 5 || strcmp(item->d_name + len - 5, ".json") != 0) {
            continue;
        }
        sim_cached(sim, item->d_name, path);
        assert_int_equal(file_read(path, &data, NULL), OK);
        bool signed_once = false;
        for (size_t i = 0; i < sim->version_count; i++) {
            const struct buf *past = &sim->versions[i].data;
            signed_once = signed_once || (past->len == data.len &&
                                          memcmp(past->data, data.data, data.len) == 0);
        }
        if (!signed_once) {
            fail_msg("%s was never signed so", item->d_name);
        }
    }
    closedir(dir);
}

static int places_between(void)
{
    const char *text = getenv("MUSTER_KILL_PLACES");
    return text && strcmp(text, "all") == 0 ? 1 : EVERY;
}

/* False once the client outlives the place. */
static bool kill_at(struct sim *sim, int place)
{
    char text[20];
    (void)snprintf(text, sizeof text, "%d", place);
    (void)setenv("MUSTER_KILL_AT", text, 1);
    int status = download(sim, "a.bin");
    (void)unsetenv("MUSTER_KILL_AT");
    if (status != -SIGKILL) {
        ACCEPTS(status);
        return false;
    }
    only_signed_files(sim);
    ACCEPTS(download(sim, "a.bin"));
    HOLDS("root 2 timestamp 2 snapshot 2 targets 2 team 1");
    STORED(1);
    return true;
}

static void kill_everywhere(void **state, bool new_keys)
{
    int killed = 0;
    bool more = true;
    for (int place = 1; more && place < PLACES_MAX; place += places_between()) {
        struct sim *sim = begin(state, new_keys);
        more = kill_at(sim, place);
        killed += more;
        sim_tear_down(state);
    }
    assert_false(more);
    print_message("killed at %d places\n", killed);
    assert_true(killed >= 40 / places_between());
}

static void a_killed_update_is_completed_by_the_next(void **state)
{
    kill_everywhere(state, false);
}

static void so_is_one_that_replaces_an_online_key(void **state)
{
    kill_everywhere(state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_update_is_completed_by_the_next),
        cmocka_unit_test(so_is_one_that_replaces_an_online_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
