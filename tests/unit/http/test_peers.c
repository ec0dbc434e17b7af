/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "server/http/peers.h"

static struct peers *peers;

static int set_up(void **state)
{
    (void)state;
    return peers_new(3, 2, 100, &peers, NULL) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    peers_free(peers);
    return 0;
}

static struct peer *enter(const char *address)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &in4.sin_addr) == 1) {
        return peers_enter(peers, (const struct sockaddr *)&in4);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
    return peers_enter(peers, (const struct sockaddr *)&in6);
}

/* A listener on [::] sees IPv4 clients so. */
static void ipv4_in_ipv6_is_an_address_each(void **state)
{
    (void)state;
    struct peer *a = enter("::ffff:10.0.0.1");
    struct peer *b = enter("10.0.0.1");
    assert_non_null(a);
    assert_ptr_equal(a, b);
    assert_null(enter("::ffff:10.0.0.1"));
    struct peer *c = enter("::ffff:10.0.0.2");
    assert_non_null(c);
    assert_ptr_not_equal(a, c);
    peers_leave(peers, a);
    struct peer *d = enter("::1");
    assert_non_null(d);
    assert_ptr_not_equal(d, c);
    peers_leave(peers, b);
    peers_leave(peers, c);
    peers_leave(peers, d);
}

static void an_address_and_all_together_have_limits(void **state)
{
    (void)state;
    struct peer *a = enter("10.0.0.1");
    struct peer *b = enter("10.0.0.1");
    assert_non_null(a);
    assert_non_null(b);
    assert_null(enter("10.0.0.1"));
    struct peer *c = enter("10.0.0.2");
    assert_non_null(c);
    assert_null(enter("10.0.0.3"));
    assert_true(peers_count(peers) == 3);
    peers_leave(peers, a);
    a = enter("10.0.0.1");
    assert_non_null(a);
    peers_leave(peers, a);
    peers_leave(peers, b);
    peers_leave(peers, c);
    peers_leave(peers, NULL);
    assert_true(peers_count(peers) == 0);
}

static void an_ipv6_client_counts_by_its_64_bits(void **state)
{
    (void)state;
    struct peer *a = enter("2001:db8::1");
    struct peer *b = enter("2001:db8::2");
    assert_null(enter("2001:db8::3"));
    struct peer *c = enter("2001:db8:0:1::1");
    assert_non_null(c);
    assert_true(peer_key(a) == peer_key(b));
    assert_true(peer_key(a) != peer_key(c));
    peers_leave(peers, a);
    peers_leave(peers, b);
    peers_leave(peers, c);
}

static void an_address_is_written_as_text(void **state)
{
    (void)state;
    char text[PEER_TEXT_BYTES];
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer_format((const struct sockaddr *)&in4, text);
    assert_string_equal(text, "127.0.0.1");
    struct sockaddr other = {.sa_family = AF_UNIX};
    peer_format(&other, text);
    assert_string_equal(text, "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_address_and_all_together_have_limits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ipv4_in_ipv6_is_an_address_each, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_ipv6_client_counts_by_its_64_bits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_address_is_written_as_text, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
