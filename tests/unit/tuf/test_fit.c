/* SPDX-License-Identifier: Apache-2.0 */
/* One row a constraint: what is signed, what the node is, the verdict and its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tuf/fit.h"
#include "tuf/target.h"

#define OPS_NONE "0000000000000000000000000000000000000000000000000000000000000000"
#define OPS_1 "0200000000000000000000000000000000000000000000000000000000000000"
#define OPS_1_9 "0202000000000000000000000000000000000000000000000000000000000000"

/* A node as most are. */
#define PC                                                                               \
    "'arch':'x86_64','ram_bytes':1000,'flash_bytes':5000,'runtime':'0.2.0',"             \
    "'features':['sse4','avx2'],'formats':['mnet/1']"

struct row {
    const char *what;
    const char *custom, *facts; /* members of an object, single quotes */
    enum fit_verdict verdict;
    const char *expected, *found; /* both stand in the reason */
};

static const struct row rows[] = {
    {"nothing is demanded", "", PC, FIT_RUNS, "", ""},
    {"nothing is known of the node", "'ram_bytes':9,'flash_bytes':9,'runtime_min':'9.9'",
     "", FIT_RUNS, "", ""},
    {"its architecture is the second listed", "'hardware':['aarch64','x86_64']", PC,
     FIT_RUNS, "", ""},
    {"any architecture is listed", "'hardware':['generic']", PC, FIT_RUNS, "", ""},
    {"another architecture", "'hardware':['aarch64','armv7l']", PC, FIT_OTHER_HARDWARE,
     "'aarch64' or 'armv7l'", "'x86_64'"},
    {"no architecture is told", "'hardware':['aarch64']", "", FIT_OTHER_HARDWARE,
     "'aarch64'", "''"},
    {"it has the cpu feature", "'cpu_features':['avx2']", PC, FIT_RUNS, "", ""},
    {"it lacks the cpu feature", "'cpu_features':['avx2','avx512vnni']", PC,
     FIT_OTHER_HARDWARE, "'avx512vnni'", "'sse4' or 'avx2'"},
    {"no cpu feature is told", "'cpu_features':['avx2']", "", FIT_OTHER_HARDWARE,
     "'avx2'", "none"},
    {"a foreign format that it does not run", "'format':'onnx'", PC, FIT_OTHER_HARDWARE,
     "'onnx'", "'mnet/1'"},
    {"a node without a format", "'format':'mnet/1'", "'formats':[]", FIT_OTHER_HARDWARE,
     "'mnet/1'", "none"},
    {"a foreign format that it runs", "'format':'onnx'", "'formats':['mnet/1','onnx']",
     FIT_RUNS, "", ""},
    {"a node of foreign formats only", "'format':'mnet/1'", "'formats':['onnx']",
     FIT_OTHER_HARDWARE, "'mnet/1'", "'onnx'"},
    {"a node that tells no formats", "'format':'mnet/1'", "'arch':'x86_64'", FIT_RUNS, "",
     ""},
    {"a format's name is another's beginning", "'format':'onnx'", "'formats':['on']",
     FIT_OTHER_HARDWARE, "'onnx'", "'on'"},
    {"an older major of a format", "'format':'mnet/1'", "'formats':['mnet/2']", FIT_RUNS,
     "", ""},
    {"a newer major of a format", "'format':'mnet/2'", PC, FIT_TOO_BIG_OR_NEW, "'mnet/2'",
     "'mnet/1'"},
    {"a runner of every major", "'format':'tflite/3'", "'formats':['tflite']", FIT_RUNS,
     "", ""},
    {"just enough memory", "'ram_bytes':1000", PC, FIT_RUNS, "", ""},
    {"too little memory", "'ram_bytes':1001", PC, FIT_TOO_BIG_OR_NEW, "1001 bytes",
     "1000"},
    {"just enough flash", "'flash_bytes':5000", PC, FIT_RUNS, "", ""},
    {"too little flash", "'flash_bytes':5001", PC, FIT_TOO_BIG_OR_NEW, "5001 bytes",
     "5000"},
    {"too little flash for the file itself", "", "'flash_bytes':699", FIT_TOO_BIG_OR_NEW,
     "700 bytes", "699"},
    {"the same runtime", "'runtime_min':'0.2.0'", PC, FIT_RUNS, "", ""},
    {"an older runtime", "'runtime_min':'0.10.0'", PC, FIT_TOO_BIG_OR_NEW,
     "runtime 0.10.0", "0.2.0"},
    {"operators of an unknown runtime", "'ops':'" OPS_1_9 "'", PC, FIT_RUNS, "", ""},
    {"it has the operators", "'ops':'" OPS_1 "'",
     PC ",'mnet':{'features':0,'ops':'" OPS_1_9 "'}", FIT_RUNS, "", ""},
    {"it lacks an operator", "'ops':'" OPS_1_9 "'",
     PC ",'mnet':{'features':0,'ops':'" OPS_1 "'}", FIT_TOO_BIG_OR_NEW, "operator 9",
     "0.2.0"},
    {"it lacks a feature of the file", "'features':5,'ops':'" OPS_1 "'",
     PC ",'mnet':{'features':1,'ops':'" OPS_1 "'}", FIT_TOO_BIG_OR_NEW, "0x5", "0x1"},
    {"hardware is judged before size", "'hardware':['aarch64'],'ram_bytes':1001", PC,
     FIT_OTHER_HARDWARE, "'aarch64'", "'x86_64'"},
    {"operators are of the model file only", "'format':'onnx','ops':'" OPS_1 "'",
     "'formats':['onnx'],'mnet':{'features':0,'ops':'" OPS_NONE "'}", FIT_RUNS, "", ""},
};

/* The object of these members, in single quotes. */
static json_t *object_of(const char *members)
{
    char text[1024] = "{";
    size_t len = strlen(members);
    assert_true(len + 3 < sizeof text);
    for (size_t i = 0; i < len; i++) {
        text[1 + i] = members[i] == '\'' ? '"' : members[i];
    }
    text[1 + len] = '}';
    json_t *tree = json_loads(text, 0, NULL);
    if (!tree) {
        fail_msg("%s", text);
    }
    return tree;
}

/* An artifact of 700 bytes that is parsed as from verified targets. */
static void parse(json_t *own, json_t **ret_custom, struct tuf_target *file,
                  struct model_target *ret_target)
{
    json_t *muster = object_of("'schema':1,'model':'fashion','version':'1.0.0','seq':1,"
                               "'variant':'fp32','format':'mnet/1','task':'classify'");
    assert_int_equal(json_object_update(muster, own), 0);
    *ret_custom = json_pack("{s:o}", "muster", muster);
    *file = (struct tuf_target){.path = (char *)(uintptr_t) "fashion/1/fp32.mnet",
                                .length = 700,
                                .hashes = {.has_sha256 = true},
                                .custom = *ret_custom};
    bool ours = false;
    assert_int_equal(model_target_parse(file, &ours, ret_target, NULL), OK);
    assert_true(ours);
    json_decref(own);
}

static void each_constraint_has_its_verdict_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        json_t *custom = NULL;
        json_t *facts = object_of(row->facts);
        struct tuf_target file;
        struct model_target target;
        struct fit_node node;
        struct fit fit;
        parse(object_of(row->custom), &custom, &file, &target);
        fit_node_parse(facts, &node);
        fit_judge(&target, &node, &fit);
        if (fit.verdict != row->verdict || !strstr(fit.reason, row->expected) ||
            !strstr(fit.reason, row->found) ||
            (fit.verdict == FIT_RUNS) != (fit.reason[0] == '\0')) {
            fail_msg("%s: %s: '%s'", row->what, fit_verdict_name(fit.verdict),
                     fit.reason);
        }
        json_decref(facts);
        json_decref(custom);
    }
}

static void facts_of_another_shape_are_not_told(void **state)
{
    (void)state;
    json_t *facts =
        object_of("'arch':5,'ram_bytes':-1,'flash_bytes':'9','runtime':{},'mnet':{'ops':"
                  "'zz'},'features':['ok',7,'a-name-of-more-than-thirty-one-characters',"
                  "'also'],'formats':{}");
    struct fit_node node;
    fit_node_parse(facts, &node);
    assert_string_equal(node.arch, "");
    assert_string_equal(node.runtime, "");
    assert_int_equal(node.ram_bytes, 0);
    assert_int_equal(node.flash_bytes, 0);
    assert_int_equal(node.feature_count, 2);
    assert_string_equal(node.features[1], "also");
    assert_int_equal(node.format_count, 1);
    assert_string_equal(node.formats[0], "mnet/1");
    assert_false(node.has_mnet);
    json_decref(facts);
    fit_node_parse(NULL, &node);
    assert_string_equal(node.formats[0], "mnet/1");
}

static void more_features_than_there_is_room_for_are_left_out(void **state)
{
    (void)state;
    json_t *facts = json_object();
    json_t *list = json_array();
    for (int i = 0; i < FIT_FEATURES_MAX + 5; i++) {
        (void)json_array_append_new(list, json_sprintf("f%d", i));
    }
    (void)json_object_set_new(facts, "features", list);
    struct fit_node node;
    fit_node_parse(facts, &node);
    assert_int_equal(node.feature_count, FIT_FEATURES_MAX);
    json_decref(facts);
}

static void versions_are_compared_by_numbers(void **state)
{
    (void)state;
    assert_true(fit_version_compare("1.10.2", "1.9.0") > 0);
    assert_true(fit_version_compare("0.1", "0.1.0") == 0);
    assert_true(fit_version_compare("0.1.0", "0.1.1") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_constraint_has_its_verdict_and_reason),
        cmocka_unit_test(facts_of_another_shape_are_not_told),
        cmocka_unit_test(more_features_than_there_is_room_for_are_left_out),
        cmocka_unit_test(versions_are_compared_by_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
