/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/http/deadlines.h"

static struct deadlines *table;

static int set_up(void **state)
{
    (void)state;
    return deadlines_new(2, &table, NULL) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    deadlines_free(table);
    return 0;
}

static void a_late_socket_is_shut_down(void **state)
{
    (void)state;
    int pair[2];
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct deadline *entry = deadlines_add(table, pair[0]);
    assert_non_null(entry);
    deadline_set(entry, DEADLINE_HEAD, clock_mono_ms() + 1);
    assert_int_equal(recv(pair[1], &byte, 1, 0), 0); /* blocks until it is */
    assert_true(deadlines_expired(table) == 1);
    deadlines_remove(table, entry);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void a_later_deadline_replaces_an_earlier_one(void **state)
{
    (void)state;
    int first[2];
    int second[2];
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
    struct deadline *kept = deadlines_add(table, first[0]);
    struct deadline *late = deadlines_add(table, second[0]);
    deadline_set(kept, DEADLINE_HEAD, clock_mono_ms() - 1000000);
    deadline_set(kept, DEADLINE_NONE, 0);
    deadline_set(late, DEADLINE_BODY, clock_mono_ms() + 150);
    assert_int_equal(recv(second[1], &byte, 1, 0), 0); /* the table was looked through */
    assert_int_equal(recv(first[1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(deadline_phase(kept), DEADLINE_NONE);
    deadlines_remove(table, kept);
    deadlines_remove(table, late);
    for (int i = 0; i < 2; i++) {
        (void)close(first[i]);
        (void)close(second[i]);
    }
}

static void the_table_has_a_bound_and_entries_are_used_again(void **state)
{
    (void)state;
    struct deadline *first = deadlines_add(table, 1000);
    struct deadline *second = deadlines_add(table, 1001);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(deadlines_add(table, 1002));
    deadlines_remove(table, first);
    struct deadline *again = deadlines_add(table, 1002);
    assert_non_null(again);
    deadlines_remove(table, again);
    deadlines_remove(table, second);
    deadlines_remove(table, NULL);
}

static void all_but_working_connections_expire_at_the_end(void **state)
{
    (void)state;
    int idle[2];
    int working[2];
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, idle), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, working), 0);
    struct deadline *first = deadlines_add(table, idle[0]);
    struct deadline *second = deadlines_add(table, working[0]);
    deadline_set(first, DEADLINE_IDLE, clock_mono_ms() + 1000000);
    deadlines_expire_all(table);
    assert_int_equal(recv(idle[1], &byte, 1, 0), 0);
    assert_int_equal(recv(working[1], &byte, 1, MSG_DONTWAIT), -1);
    deadlines_remove(table, first);
    deadlines_remove(table, second);
    for (int i = 0; i < 2; i++) {
        (void)close(idle[i]);
        (void)close(working[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_late_socket_is_shut_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_later_deadline_replaces_an_earlier_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_table_has_a_bound_and_entries_are_used_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_but_working_connections_expire_at_the_end,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
