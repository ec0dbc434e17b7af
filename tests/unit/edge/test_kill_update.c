/* SPDX-License-Identifier: Apache-2.0 */
/* A node that is killed at each change that it makes to its folder while it updates: from
 * one version to the next, with a new root and a new floor. The node that starts then
 * runs the old version or the new one and nothing else, takes the new one, and keeps the
 * floor. The node that dies is a process of its own: this program with arguments.
 * MUSTER_KILL_PLACES is "all" for each place, else some are tried. */
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/edge/fixture_node.h"

enum { PLACES_MAX = 2000, EVERY = 17, ROOT_BYTES = 65536 };

extern char **environ;

static struct server server;
static struct repository repository;
static struct node node;
static char origin[FOLDER_BYTES]; /* a node that runs version 1 */

static void *model(int index)
{
    return (void *)(uintptr_t)fixture_model(index);
}

/* A client in this folder. */
static void open_in(const char *folder)
{
    node_init(&node, &server, &repository);
    folder_remove(node.folder);
    (void)snprintf(node.folder, sizeof node.folder, "%s", folder);
    (void)snprintf(node.root_path, sizeof node.root_path, "%.400s/root.json", folder);
    (void)snprintf(node.ack_log, sizeof node.ack_log, "%.400s/acks", folder);
    node_open(&node);
}

/* ---- the process that dies ---- */

static int run_child(const char *url, const char *folder)
{
    char path[FOLDER_BYTES + 16];
    (void)snprintf(server.url, sizeof server.url, "%s", url);
    (void)snprintf(path, sizeof path, "%.400s/root.json", folder);
    repository.root_file = BUF_INIT(ROOT_BYTES);
    if (file_read(path, &repository.root_file, NULL) != OK) {
        return 1;
    }
    open_in(folder);
    node_until(&node, node_has_model, model(1));
    node_close(&node);
    return 0;
}

/* ---- the test ---- */

static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_init(&node, &server, &repository);
    node_open(&node);
    node_until(&node, node_has_model, model(0));
    node_close(&node);
    folder_make(origin);
    folder_copy(node.folder, origin);
    folder_remove(node.folder);
    repository_rotate_root(&repository, &server);
    repository.floor = 2;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(origin);
    repository_release(&repository);
    server_stop(&server);
    return 0;
}

/* The exit status, or minus the signal. */
static int update_until_killed(const char *folder, int place)
{
    char text[20], url[sizeof server.url];
    pid_t pid = 0;
    int status = 0;
    (void)snprintf(text, sizeof text, "%d", place);
    (void)snprintf(url, sizeof url, "%s", server.url);
    (void)setenv("MUSTER_KILL_AT", text, 1);
    char *const arguments[] = {"kill_update", url, (char *)(uintptr_t)folder, NULL};
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ),
                     0);
    (void)unsetenv("MUSTER_KILL_AT");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Starts again: at once an old or a new model, at last the new one, never below the
 * floor.
 */
static void judge(const char *folder)
{
    repository_assign(&repository, &server, 2, fixture_model(1));
    open_in(folder);
    assert_true(node_has_model(&node, model(0)) || node_has_model(&node, model(1)));
    node_until(&node, node_has_model, model(1));
    node.messages[0] = '\0';
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.floor");
    assert_true(node_has_model(&node, model(1)));
    repository_assign(&repository, &server, 2, fixture_model(1));
    node_close(&node);
}

static void a_killed_node_takes_the_version_when_it_runs_again(void **state)
{
    (void)state;
    const char *kills = getenv("MUSTER_KILL_PLACES");
    int every = kills && strcmp(kills, "all") == 0 ? 1 : EVERY;
    int status = -SIGKILL, killed = 0;
    for (int place = 1; status == -SIGKILL && place < PLACES_MAX; place += every) {
        char folder[FOLDER_BYTES];
        folder_make(folder);
        folder_copy(origin, folder);
        repository_assign(&repository, &server, 2, fixture_model(1));
        status = update_until_killed(folder, place);
        killed += status == -SIGKILL;
        judge(folder);
        folder_remove(folder);
    }
    assert_int_equal(status, 0);
    print_message("killed at %d places\n", killed);
    assert_true(killed >= 60 / every);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        return run_child(argv[1], argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_killed_node_takes_the_version_when_it_runs_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
