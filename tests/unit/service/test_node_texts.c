/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/node_texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void equal_facts_are_one_until_the_last_reference_is_gone(void **state)
{
    (void)state;
    struct node_texts texts = {0};
    const struct node_facts *a = NULL;
    const struct node_facts *b = NULL;
    const struct node_facts *c = NULL;
    static const char json[] = "{\"arch\":\"armhf\",\"ram_bytes\":512}";
    assert_int_equal(node_facts_take(&texts, json, &a, NULL), OK);
    assert_int_equal(node_facts_take(&texts, json, &b, NULL), OK);
    assert_int_equal(node_facts_take(&texts, "{}", &c, NULL), OK);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_string_equal(c->arch, "");
    assert_int_equal(c->fit.ram_bytes, 0);
    node_facts_drop(&texts, a);
    assert_string_equal(b->json, json);
    assert_string_equal(b->arch, "armhf");
    assert_int_equal(b->fit.ram_bytes, 512);
    node_facts_drop(&texts, b);
    node_facts_drop(&texts, c);
    node_facts_drop(&texts, NULL);
    assert_null(texts.facts);
}

static void set(struct label_draft *draft, const char *key, const char *value, bool admin)
{
    struct label label = {.key = key, .value = value};
    assert_int_equal(label_draft_set(draft, &label, admin, NULL), OK);
}

static void the_administrators_value_is_the_one_in_effect(void **state)
{
    (void)state;
    struct node_texts texts = {0};
    struct label_draft draft = {.count = 0};
    const struct node_labels *labels = NULL;
    set(&draft, "site", "declared", false);
    set(&draft, "line", "3", false);
    set(&draft, "site", "lyon", true);
    set(&draft, "empty", "", true);
    assert_int_equal(node_labels_take(&texts, &draft, &labels, NULL), OK);
    assert_string_equal(node_labels_value(labels, "site"), "lyon");
    assert_string_equal(node_labels_value(labels, "line"), "3");
    assert_string_equal(node_labels_value(labels, "empty"), "");
    assert_null(node_labels_value(labels, "lin"));
    struct node_label label = {.at = labels->packed};
    static const char *const order[] = {"empty", "line", "site", "site"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(node_labels_next(labels, &label));
        assert_string_equal(label.key, order[i]);
    }
    assert_false(node_labels_next(labels, &label));
    node_labels_drop(&texts, labels);
    assert_null(texts.labels);
}

static void a_draft_of_a_set_is_the_same_set_again(void **state)
{
    (void)state;
    struct node_texts texts = {0};
    struct label_draft draft = {.count = 0};
    const struct node_labels *first = NULL;
    const struct node_labels *again = NULL;
    set(&draft, "b", "1", true);
    set(&draft, "a", "2", false);
    assert_int_equal(node_labels_take(&texts, &draft, &first, NULL), OK);
    label_draft_init(&draft, first);
    assert_int_equal(node_labels_take(&texts, &draft, &again, NULL), OK);
    assert_ptr_equal(first, again);
    label_draft_clear_declared(&draft);
    assert_int_equal(draft.count, 1);
    set(&draft, "b", NULL, true); /* removes */
    assert_int_equal(draft.count, 0);
    node_labels_drop(&texts, first);
    node_labels_drop(&texts, again);
    assert_null(texts.labels);
}

static void an_administrator_gives_so_many_labels_and_a_draft_is_bounded(void **state)
{
    (void)state;
    struct label_draft draft = {.count = 0};
    char key[16];
    for (int i = 0; i < NODE_LABELS_MAX; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        set(&draft, key, "v", true);
        set(&draft, key, "v", false);
    }
    assert_int_equal(label_draft_check(&draft, NULL), OK);
    set(&draft, "one-more", "v", true);
    assert_int_equal(label_draft_check(&draft, NULL), ERR_JSON_LENGTH);
    enum status status = OK;
    for (int i = 0; status == OK && i < 1000; i++) {
        (void)snprintf(key, sizeof key, "x%d", i);
        struct label label = {.key = key, .value = "v"};
        status = label_draft_set(&draft, &label, true, NULL);
    }
    assert_int_equal(status, ERR_JSON_LENGTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_facts_are_one_until_the_last_reference_is_gone),
        cmocka_unit_test(the_administrators_value_is_the_one_in_effect),
        cmocka_unit_test(a_draft_of_a_set_is_the_same_set_again),
        cmocka_unit_test(an_administrator_gives_so_many_labels_and_a_draft_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
