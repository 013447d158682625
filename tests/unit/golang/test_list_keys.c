/* The answers of go list that the cache keeps: the parts of their key and the files that make them stale. */
#include "core/common.h"

#include <unistd.h>

#include "core/io/cache.h"
#include "faketool.h"
#include "golang/package/package.h"
#include "gotest.h"
#include "test.h"

#undef setenv

#define APP "example.com/m/app"

/* --- the key of an answer of go list --- */

typedef struct question {
    koc__go_list_question q;
    const char *pattern, *variable;
} question;

static void list_key(const question *x, koc__dynbuf *out)
{
    koc__go_list_question q = x->q;
    KOC__AUTO(koc_strlist) env = NULL;
    assert_int_equal(koc__strlist_new(&env, NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(env, x->variable, NULL), KOC_OK);
    q.env = env;
    assert_int_equal(koc__go_list_key(&q, x->pattern, out, NULL), KOC_OK);
}

KOC_TEST(keys_answer_of_go_list_is_another_for_each_part)
{
    static const question rows[] = {
        {{NULL, "/go", {.size = 1, .mtime_ns = 2, .inode = 3}, "/dir", NULL}, "./a", "GOWORK="},
        {{NULL, "/og", {.size = 1, .mtime_ns = 2, .inode = 3}, "/dir", NULL}, "./a", "GOWORK="},
        {{NULL, "/go", {.size = 9, .mtime_ns = 2, .inode = 3}, "/dir", NULL}, "./a", "GOWORK="},
        {{NULL, "/go", {.size = 1, .mtime_ns = 9, .inode = 3}, "/dir", NULL}, "./a", "GOWORK="},
        {{NULL, "/go", {.size = 1, .mtime_ns = 2, .inode = 9}, "/dir", NULL}, "./a", "GOWORK="},
        {{NULL, "/go", {.size = 1, .mtime_ns = 2, .inode = 3}, "/rid", NULL}, "./a", "GOWORK="},
        {{NULL, "/go", {.size = 1, .mtime_ns = 2, .inode = 3}, "/dir", NULL}, "./b", "GOWORK="},
        {{NULL, "/go", {.size = 1, .mtime_ns = 2, .inode = 3}, "/dir", NULL}, "./a", "GOWORK=off"},
        {{NULL, "/go", {.size = 1, .mtime_ns = 2, .inode = 3}, "/dir", NULL}, "./a", "GOPROXY=x"},
    };
    koc__dynbuf keys[KOC__COUNT(rows)];
    for (size_t i = 0; i < KOC__COUNT(rows); i++) {
        keys[i] = (koc__dynbuf)KOC__DYNBUF_INIT(4096);
        list_key(&rows[i], &keys[i]);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(koc__dynbuf_cstr(&keys[i]), koc__dynbuf_cstr(&keys[k]));
        }
    }
    for (size_t i = 0; i < KOC__COUNT(rows); i++) {
        koc__dynbuf_dispose(&keys[i]);
    }
    /* GOPROXY does not count. */
    KOC__AUTO_VAL(koc__dynbuf) with = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_VAL(koc__dynbuf) without = KOC__DYNBUF_INIT(4096);
    question x = rows[0];
    x.variable = "GOPROXY=a";
    list_key(&x, &with);
    x.variable = "OTHER=b";
    list_key(&x, &without);
    assert_string_equal(koc__dynbuf_cstr(&with), koc__dynbuf_cstr(&without));
}

/* --- the files behind an answer of go list --- */

static const char *const file_changes[][2] = {
    {"m/go.mod", "module example.com/n\n"}, /* changed */
    {"m/app/go.mod", "module x\n"},         /* a module between */
    {"m/vendor/modules.txt", "# x v1\n"},   /* a vendor directory */
    {"m/go.work", "go 1.19\n"},             /* a workspace */
    {"goenv", "GOFLAGS=-v\n"},              /* go env -w */
    {"fake/go.env", "GOFLAGS=-v\n"},        /* the toolchain's settings */
};

static void tree(void)
{
    fake_begin();
    setenv("GOENV", koc_test_path("goenv"), 1);
    gotest_write("m/go.mod", "module example.com/m\n");
    gotest_main("m/app", "app");
}

/* As go list would answer. */
static koc__go_package *answer(koc__go_listing *l, const char *pattern)
{
    koc__go_package *p = koc__go_listing_add(l);
    p->pattern = koc__strdup(pattern);
    p->name = koc__strdup("main");
    p->import_path = koc__strdup(APP);
    p->dir = koc__strdup(koc_test_path("m/app"));
    return p;
}

static bool recalled(const koc__go_list_question *q, const char *pattern)
{
    KOC__AUTO_VAL(koc__go_listing) l = {0};
    bool found = false;
    assert_int_equal(koc__go_list_recall(q, pattern, &found, &l, NULL), KOC_OK);
    if (found) {
        assert_string_equal(l.items[0].pattern, pattern);
        assert_string_equal(l.items[0].name, "main");
        assert_string_equal(l.items[0].import_path, APP);
        assert_string_equal(l.items[0].dir, koc_test_path("m/app"));
    }
    return found;
}

static void keep(const koc__go_list_question *q, const char *pattern)
{
    KOC__AUTO_VAL(koc__go_listing) l = {0};
    assert_int_equal(koc__go_list_keep(q, answer(&l, pattern), NULL), KOC_OK);
}

/* A question about a package below m, and what it lives by. */
typedef struct asker {
    koc__cache *cache;
    koc_strlist *env;
    char *tool, *dir;
    koc__go_list_question q;
} asker;

static void ask(asker *a, const char *variable)
{
    memset(a, 0, sizeof(*a));
    assert_int_equal(koc__cache_open(koc_test_path("cache"), &a->cache, NULL), KOC_OK);
    assert_int_equal(koc__strlist_new(&a->env, NULL), KOC_OK);
    assert_int_equal(koc__strlist_addf(a->env, NULL, "GOENV=%s", koc_test_path("goenv")), KOC_OK);
    if (variable) {
        assert_int_equal(koc__strlist_add(a->env, variable, NULL), KOC_OK);
    }
    a->tool = koc__strdup(koc_test_path("fake/bin/go"));
    a->dir = koc__strdup(koc_test_path("m"));
    a->q =
        (koc__go_list_question){.cache = a->cache, .tool = a->tool, .dir = a->dir, .env = a->env};
}

static void asker_dispose(asker *a)
{
    koc__cache_free(a->cache);
    koc_strlist_free(a->env);
    koc__free(a->tool);
    koc__free(a->dir);
}
KOC__DEFINE_AUTO_VAL(asker, asker_dispose);

KOC_TEST(keys_answer_of_go_list_is_stale_with_each_file)
{
    for (size_t i = 0; i < KOC__COUNT(file_changes); i++) {
        KOC__AUTO_VAL(asker) a;
        tree();
        ask(&a, NULL);
        keep(&a.q, "./app");
        assert_true(recalled(&a.q, "./app"));
        assert_false(recalled(&a.q, "./other"));
        gotest_write(file_changes[i][0], file_changes[i][1]);
        if (recalled(&a.q, "./app")) {
            fail_msg("%s does not count", file_changes[i][0]);
        }
        keep(&a.q, "./app");
        assert_true(recalled(&a.q, "./app"));
        assert_int_equal(unlink(file_changes[i][0]), 0);
        assert_false(recalled(&a.q, "./app"));
        assert_int_equal(koc__fs_remove("cache", NULL), KOC_OK);
    }
}

KOC_TEST(keys_answer_of_go_list_follows_gowork)
{
    static const char *const values[] = {"GOWORK=off", NULL};
    tree();
    for (size_t i = 0; i < 2; i++) {
        KOC__AUTO_VAL(asker) a;
        KOC__AUTO_STR named = koc__format("GOWORK=%s", koc_test_path("named.work"));
        ask(&a, i == 0 ? values[0] : named);
        keep(&a.q, "./app");
        gotest_write("m/go.work", i == 0 ? "go 1.20\n" : "go 1.21\n"); /* not read */
        assert_true(recalled(&a.q, "./app"));
        gotest_write("named.work", "go 1.19\n");
        assert_int_equal(recalled(&a.q, "./app"), i == 0);
        assert_int_equal(unlink("named.work"), 0);
    }
}

KOC_TEST(keys_answer_of_go_list_is_kept_for_main_packages_alone)
{
    static const struct {
        const char *pattern, *name, *error, *variable;
        bool standard, kept;
    } table[] = {
        {"./app", "main", NULL, NULL, false, true},
        {"./app", "lib", NULL, NULL, false, false},
        {"./app", "main", "broken", NULL, false, false},
        {"./app", "main", NULL, NULL, true, false},
        {"./app/...", "main", NULL, NULL, false, false},
        {"./app", "main", NULL, "GOFLAGS=-modfile=x", false, false},
        {"./app", "main", NULL, "GOFLAGS=-overlay=x", false, false},
        {"./app", "main", NULL, "GOFLAGS=-v", false, true},
    };
    tree();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(asker) a;
        KOC__AUTO_VAL(koc__go_listing) l = {0};
        ask(&a, table[i].variable);
        koc__go_package *p = answer(&l, table[i].pattern);
        koc__free(p->name);
        p->name = koc__strdup(table[i].name);
        p->error = koc__strdup(table[i].error);
        p->standard = table[i].standard;
        assert_int_equal(koc__go_list_keep(&a.q, p, NULL), KOC_OK);
        if (recalled(&a.q, table[i].pattern) != table[i].kept) {
            fail_msg("row %zu", i);
        }
        assert_int_equal(koc__fs_remove("cache", NULL), KOC_OK);
    }
}

KOC_TEST(keys_answer_of_go_list_that_is_damaged_is_none)
{
    static const char *const damaged[] = {
        "",
        "{",
        "{\"dir\":\"/\",\"files\":[]}",
        "{\"import_path\":\"x\",\"files\":[]}",
        "{\"import_path\":\"x\",\"dir\":\"/nowhere\",\"files\":[]}",
        "{\"import_path\":\"x\",\"dir\":\"/\",\"files\":[\"/\"]}",
        "{\"import_path\":\"x\",\"dir\":\"/\",\"files\":[1,2]}",
    };
    KOC__AUTO_VAL(asker) a;
    KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(1 << 16);
    tree();
    ask(&a, NULL);
    assert_int_equal(koc__go_list_key(&a.q, "./app", &key, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(damaged); i++) {
        assert_int_equal(
            koc__cache_put(a.cache, "golist", koc__dynbuf_view(&key), koc__str(damaged[i]), NULL),
            KOC_OK);
        assert_false(recalled(&a.q, "./app"));
    }
    keep(&a.q, "./app");
    assert_true(recalled(&a.q, "./app"));
    assert_int_equal(koc__fs_remove("m/app", NULL), KOC_OK);
    assert_false(recalled(&a.q, "./app"));
}
