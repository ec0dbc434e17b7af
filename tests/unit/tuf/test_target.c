/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tuf/client.h"

#include "tuf/target.h"

static const char ARTIFACT[] =
    "{'muster':{'schema':1,'model':'fashion','version':'1.0.0','seq':1,'floor':0,"
    "'variant':'fp32','format':'mnet/1','task':'classify',"
    "'input':{'shape':[1,1,28,28],'dtype':'u8'},'classes':['T-shirt/top','Trouser'],"
    "'metrics_ppm':{'top1':915400},'ram_bytes':200000,'features':0,'runtime_min':'0.1.0',"
    "'hardware':['x86_64'],'on_revoke':'stop'}}";

/* JSON with single quotes, for legible tests. */
static json_t *quoted(const char *text)
{
    char copy[2048];
    size_t len = strlen(text);
    assert_true(len < sizeof copy);
    memcpy(copy, text, len + 1);
    for (size_t i = 0; i < len; i++) {
        copy[i] = copy[i] == '\'' ? '"' : copy[i];
    }
    json_t *tree = json_loads(copy, 0, NULL);
    assert_non_null(tree);
    return tree;
}

/* Verified targets of a world that lists these. */
struct listing {
    const char *path;
    const char *custom; /* single quotes, NULL: none */
};

static void load(struct world *world, struct trusted_set *set, const struct listing *rows,
                 size_t count)
{
    struct err err = {0};
    world_init(world);
    (void)json_object_clear(json_object_get(world->body[TUF_ROLE_TARGETS], "targets"));
    for (size_t i = 0; i < count; i++) {
        world_add_target(world, rows[i].path, "the model",
                         rows[i].custom ? quoted(rows[i].custom) : NULL);
    }
    world_publish(world);
    world_client(world, set);
    world_must(world_refresh(world, set, &err), &err);
}

static enum status check(const struct listing *rows, size_t count)
{
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    load(&world, &set, rows, count);
    return model_targets_check(set.targets, NULL);
}

static void an_artifact_says_what_it_is(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    struct model_target target;
    bool ours = false;
    load(&world, &set, &(struct listing){"fashion/1/fp32.mnet", ARTIFACT}, 1);
    world_must(model_target_parse(&set.targets->targets[0], &ours, &target, &err), &err);
    assert_true(ours);
    assert_int_equal(target.kind, TARGET_ARTIFACT);
    assert_string_equal(target.model, "fashion");
    assert_string_equal(target.version, "1.0.0");
    assert_int_equal(target.seq, 1);
    assert_int_equal(target.input_rank, 4);
    assert_int_equal(target.input_shape[3], 28);
    assert_int_equal(json_array_size(target.classes), 2);
    assert_int_equal(target.ram_bytes, 200000);
    assert_int_equal(target.on_revoke, TARGET_REVOKE_STOP);
    assert_false(target.has_ops);
}

static void targets_of_others_are_skipped(void **state)
{
    (void)state;
    static const struct listing rows[] = {
        {"fashion/1/fp32.mnet", NULL},
        {"other", "{'vendor':{'x':1}}"},
        {"newer/1/a.mnet", "{'muster':{'schema':2,'anything':true}}"},
    };
    assert_int_equal(check(rows, 3), OK);
}

#define HEAD "{'muster':{'schema':1,'model':'m','version':'1','seq':3,'variant':'v',"
#define TAIL "'format':'mnet/1','task':'classify'}}"

static void malformed_entries_are_refused(void **state)
{
    (void)state;
    static const struct listing rows[] = {
        {"m/3/v.mnet", "{'muster':[]}"},
        {"m/3/v.mnet", "{'muster':{}}"},
        {"m/3/v.mnet", "{'muster':{'schema':0}}"},
        {"m/3/v.mnet", "{'muster':{'schema':1,'model':'M'}}"},
        {"m/3/v.mnet", HEAD "'format':'mnet/1'}}"},
        {"m/4/v.mnet", HEAD TAIL},
        {"m/03/v.mnet", HEAD TAIL},
        {"x/3/v.mnet", HEAD TAIL},
        {"m/3/w.mnet", HEAD TAIL},
        {"m/3/v", HEAD TAIL},
        {"m/3/v.", HEAD TAIL},
        {"m/3/v.zst", HEAD TAIL},
        {"m/3/v.mnet.zst", HEAD TAIL},
        {"m/3/v.mnet/../../x", HEAD TAIL},
        {"m/3/v.mnet", HEAD "'floor':-1," TAIL},
        {"m/3/v.mnet", HEAD "'floor':'1'," TAIL},
        {"m/3/v.mnet", HEAD "'classes':[]," TAIL},
        {"m/3/v.mnet", HEAD "'classes':[1]," TAIL},
        {"m/3/v.mnet", HEAD "'metrics_ppm':{'top1':'9'}," TAIL},
        {"m/3/v.mnet", HEAD "'input':{'shape':[],'dtype':'u8'}," TAIL},
        {"m/3/v.mnet", HEAD "'input':{'shape':[0],'dtype':'u8'}," TAIL},
        {"m/3/v.mnet", HEAD "'ops':'00'," TAIL},
        {"m/3/v.mnet", HEAD "'on_revoke':'burn'," TAIL},
        {"m/3/v.mnet.zst", HEAD "'transport':'zst'}}"},
        {"m/3/v.mnet.zst", HEAD "'transport':null}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (check(&rows[i], 1) != ERR_TUF_FORMAT) {
            fail_msg("accepted: %s %s", rows[i].path, rows[i].custom);
        }
    }
    static const struct listing good = {"m/3/v.mnet", HEAD TAIL};
    assert_int_equal(check(&good, 1), OK);
}

#define ITEM(model, seq, floor)                                                          \
    "{'muster':{'schema':1,'model':'" model "','version':'1." seq "','seq':" seq         \
    ",'variant':'v','floor':" floor "," TAIL

static void a_floor_above_every_version_is_refused(void **state)
{
    (void)state;
    static const struct listing above[] = {{"a/1/v.mnet", ITEM("a", "1", "0")},
                                           {"a/2/v.mnet", ITEM("a", "2", "3")},
                                           {"b/9/v.mnet", ITEM("b", "9", "0")}};
    static const struct listing first[] = {{"a/1/v.mnet", ITEM("a", "1", "2")},
                                           {"b/9/v.mnet", ITEM("b", "9", "0")}};
    static const struct listing at[] = {{"a/1/v.mnet", ITEM("a", "1", "2")},
                                        {"a/2/v.mnet", ITEM("a", "2", "2")}};
    assert_int_equal(check(above, 3), ERR_TUF_FLOOR);
    assert_int_equal(check(first, 2), ERR_TUF_FLOOR);
    assert_int_equal(check(at, 2), OK);
}

static void the_floor_is_the_highest_of_all_versions(void **state)
{
    (void)state;
    static const struct listing rows[] = {{"a/10/v.mnet", ITEM("a", "10", "1")},
                                          {"a/2/v.mnet", ITEM("a", "2", "4")},
                                          {"b/9/v.mnet", ITEM("b", "9", "7")}};
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    int64_t floor = -1;
    int64_t highest = -1;
    load(&world, &set, rows, 3);
    model_targets_floor(set.targets, "a", &floor, &highest);
    assert_int_equal(floor, 4);
    assert_int_equal(highest, 10);
    model_targets_floor(set.targets, "c", &floor, &highest);
    assert_int_equal(floor, 0);
    assert_int_equal(highest, 0);
}

static void variants_of_a_seq_have_one_version(void **state)
{
    (void)state;
    static const struct listing rows[] = {
        {"m/3/v.mnet", HEAD TAIL},
        {"m/3/w.mnet", "{'muster':{'schema':1,'model':'m','version':'2','seq':3,"
                       "'variant':'w'," TAIL},
    };
    assert_int_equal(check(rows, 2), ERR_TUF_FORMAT);
}

/* SHA-256 of "the model" */
#define MODEL_SHA256 "36cc7e3d6f6200756c81e18470827e9dac1c602fcd87761cbb0b8f015611c098"

static void the_newest_artifact_of_a_digest_is_found(void **state)
{
    (void)state;
    static const struct listing rows[] = {
        {"m/3/v.mnet", HEAD TAIL},
        {"m/3/v.mnet.zst", HEAD "'transport':'zst','result_sha256':'" MODEL_SHA256
                                "','result_length':9,'base_sha256':null}}"},
        {"m/3/w.mnet", "{'muster':{'schema':1,'model':'m','version':'1','seq':3,"
                       "'variant':'w'," TAIL},
        {"m/3/w.mnet.zst",
         "{'muster':{'schema':1,'model':'m','seq':3,'variant':'w','transport':'zst',"
         "'result_sha256':'" MODEL_SHA256 "','result_length':8,'base_sha256':null}}"},
        {"m/7/v.mnet", "{'muster':{'schema':1,'model':'m','version':'7','seq':7,"
                       "'variant':'v'," TAIL},
    };
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    struct model_target artifact;
    bool ours = false;
    load(&world, &set, rows, 5);
    world_must(model_targets_check(set.targets, &err), &err);
    world_must(model_target_parse(tuf_targets_find(set.targets, "m/3/w.mnet"), &ours,
                                  &artifact, &err),
               &err);
    world_must(model_targets_by_sha256(set.targets, artifact.file->hashes.sha256,
                                       &artifact, &err),
               &err);
    assert_int_equal(artifact.seq, 7); /* re-issued weights: the newest */
}

static void fetch_paths_carry_the_digest_and_never_walk(void **state)
{
    (void)state;
    static const char *const walking[] = {"../x",  "a/../b", "/etc/passwd", "a//b",
                                          "a/./b", "a/..",   ".",           "a/"};
    BUF_AUTO path = BUF_INIT(1024);
    struct err err = {0};
    struct tuf_target file = {.path = "m/3/v.mnet",
                              .hashes = {.listed = true, .has_sha256 = true}};
    world_must(target_fetch_path(&file, true, &path, &err), &err);
    assert_string_equal(
        path.data,
        "m/3/0000000000000000000000000000000000000000000000000000000000000000.v.mnet");
    buf_reset(&path);
    world_must(target_fetch_path(&file, false, &path, &err), &err);
    assert_string_equal(path.data, "m/3/v.mnet");
    for (size_t i = 0; i < sizeof walking / sizeof walking[0]; i++) {
        file.path = walking[i];
        assert_int_equal(target_fetch_path(&file, true, &path, NULL), ERR_TUF_FORMAT);
    }
    file = (struct tuf_target){.path = "a", .hashes = {.listed = true}};
    assert_int_equal(target_fetch_path(&file, true, &path, NULL), ERR_TUF_HASH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_artifact_says_what_it_is),
        cmocka_unit_test(targets_of_others_are_skipped),
        cmocka_unit_test(malformed_entries_are_refused),
        cmocka_unit_test(a_floor_above_every_version_is_refused),
        cmocka_unit_test(the_floor_is_the_highest_of_all_versions),
        cmocka_unit_test(variants_of_a_seq_have_one_version),
        cmocka_unit_test(the_newest_artifact_of_a_digest_is_found),
        cmocka_unit_test(fetch_paths_carry_the_digest_and_never_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
