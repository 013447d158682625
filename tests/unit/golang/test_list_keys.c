/* The answers of go list that the cache keeps: the parts of their key and the files that make them stale. */
#include "core/common.h"

#include <time.h>
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

/* --- ./... --- */

#define PATTERN "./app/..."

static int64_t settled_now(void)
{
    struct timespec t;
    usleep(120000); /* the files are older than a tick of the clock */
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void keep_tree(const koc__go_list_question *q, const char *pattern)
{
    KOC__AUTO_VAL(koc__go_listing) l = {0};
    koc__go_package *cgo = NULL;
    int64_t began = settled_now();
    (void)answer(&l, pattern);
    cgo = answer(&l, pattern);
    cgo->needs_cgo = true;
    koc__free(answer(&l, pattern)->name); /* a library is no answer */
    l.items[2].name = koc__strdup("lib");
    l.items[2].error = NULL;
    (void)answer(&l, "./other/...");
    koc__go_package *broken = answer(&l, pattern);
    broken->error = koc__strdup("broken");
    assert_int_equal(koc__go_tree_keep(q, pattern, KOC__STR("key"), began, &l, NULL), KOC_OK);
}

static bool tree_recalled(const koc__go_list_question *q, const char *pattern)
{
    KOC__AUTO_VAL(koc__go_listing) l = {0};
    bool found = false;
    assert_int_equal(koc__go_tree_recall(q, pattern, KOC__STR("key"), NULL, &found, &l, NULL),
                     KOC_OK);
    assert_int_equal(l.count, found ? 2 : 0);
    if (found) {
        assert_string_equal(l.items[0].import_path, APP);
        assert_string_equal(l.items[0].pattern, pattern);
        assert_string_equal(l.items[0].name, "main");
        assert_string_equal(l.items[1].dir, koc_test_path("m/app"));
        assert_true(!l.items[0].needs_cgo && l.items[1].needs_cgo);
    }
    return found;
}

static void tree_of_packages(void)
{
    tree();
    gotest_write("m/app/lib/lib.go", "package lib\n\nvar x = 1\n");
    gotest_write("m/app/testdata/x.go", "package x\n");
    gotest_write("m/app/vendor/y.go", "package y\n");
    gotest_write("m/app/.hidden/z.go", "package z\n");
    gotest_write("m/app/_off/z.go", "package z\n");
}

KOC_TEST(keys_answer_of_a_pattern_is_stale_with_each_name_and_header)
{
    static const struct {
        const char *file, *text; /* text NULL: the file is removed */
        bool stale;
    } table[] = {
        {"m/app/lib/lib.go", "package lib\n\nvar x = 2\n", false},
        {"m/app/lib/lib.go", "package main\n\nvar x = 1\n", true},
        {"m/app/lib/lib.go", "//go:build x\n\npackage lib\n", true},
        {"m/app/lib/lib.go", NULL, true},
        {"m/app/lib/new.go", "package lib\n", true},
        {"m/app/new/main.go", "package main\n", true},
        {"m/app/lib/README", "", true}, /* each name counts: it may be a directory */
        {"m/app/lib/go.mod", "module x\n", true},
        {"m/go.mod", "module example.com/n\n", true},
        {"m/go.work", "go 1.19\n", true},
        {"goenv", "GOFLAGS=-tags=x\n", true},
        {"m/app/testdata/x.go", "package main\n", false},
        {"m/app/vendor/y.go", "package main\n", false},
        {"m/app/.hidden/new.go", "package main\n", false},
        {"m/app/_off/new.go", "package main\n", false},
        {"m/other.go", "package m\n", false},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(asker) a;
        tree_of_packages();
        ask(&a, NULL);
        keep_tree(&a.q, PATTERN);
        assert_true(tree_recalled(&a.q, PATTERN));
        if (table[i].text) {
            gotest_write(table[i].file, table[i].text);
        } else {
            assert_int_equal(unlink(table[i].file), 0);
        }
        if (tree_recalled(&a.q, PATTERN) == table[i].stale) {
            fail_msg("row %zu: %s", i, table[i].file);
        }
        assert_int_equal(koc__fs_remove("m", NULL), KOC_OK);
        assert_int_equal(koc__fs_remove("cache", NULL), KOC_OK);
        assert_int_equal(koc__fs_remove("goenv", NULL), KOC_OK);
    }
}

KOC_TEST(keys_answer_of_a_pattern_is_kept_for_local_patterns_alone)
{
    static const struct {
        const char *pattern;
        bool kept;
    } table[] = {
        {PATTERN, true},
        {"./...", true},
        {"./app", false},
        {"...", false},
        {"example.com/m/...", false},
        {"./a.../...", false},
        {"./none/...", false},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(asker) a;
        tree_of_packages();
        ask(&a, NULL);
        keep_tree(&a.q, table[i].pattern);
        if (tree_recalled(&a.q, table[i].pattern) != table[i].kept) {
            fail_msg("%s", table[i].pattern);
        }
        a.q.cache = NULL;
        assert_false(tree_recalled(&a.q, table[i].pattern));
        keep_tree(&a.q, table[i].pattern);
        assert_int_equal(koc__fs_remove("cache", NULL), KOC_OK);
    }
}

/* go may have read what a file was before. */
KOC_TEST(keys_answer_of_a_pattern_is_not_kept_with_a_young_file)
{
    KOC__AUTO_VAL(asker) a;
    KOC__AUTO_VAL(koc__go_listing) l = {0};
    tree_of_packages();
    ask(&a, NULL);
    int64_t began = settled_now();
    gotest_write("m/app/lib/lib.go", "package lib\n");
    (void)answer(&l, PATTERN);
    assert_int_equal(koc__go_tree_keep(&a.q, PATTERN, KOC__STR("key"), began, &l, NULL), KOC_OK);
    assert_false(tree_recalled(&a.q, PATTERN));
    koc__go_listing_dispose(&l); /* and without an answer there is none to keep */
    assert_int_equal(koc__go_tree_keep(&a.q, PATTERN, KOC__STR("key"), settled_now(), &l, NULL),
                     KOC_OK);
    assert_false(tree_recalled(&a.q, PATTERN));
}

KOC_TEST(keys_cgo_is_found_in_the_files_of_a_pattern)
{
    static const struct {
        const char *pattern, *file;
        bool found;
    } table[] = {
        {PATTERN, NULL, false},
        {PATTERN, "m/app/lib/c.go", true},
        {PATTERN, "m/app/c.go", true},
        {PATTERN, "m/app/c_test.go", false},
        {PATTERN, "m/app/c.txt", false},
        {PATTERN, "m/app/testdata/c.go", false},
        {PATTERN, "m/app/vendor/c.go", false},
        {PATTERN, "m/c.go", false},
        {"example.com/m/...", NULL, true}, /* the files cannot show it */
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(asker) a;
        bool found = !table[i].found;
        tree_of_packages();
        ask(&a, NULL);
        if (table[i].file) {
            gotest_write(table[i].file, "package x\n\nimport \"C\"\n");
        }
        assert_int_equal(koc__go_tree_has_cgo(&a.q, table[i].pattern, NULL, &found, NULL), KOC_OK);
        if (found != table[i].found) {
            fail_msg("row %zu", i);
        }
        assert_int_equal(koc__fs_remove("m", NULL), KOC_OK);
    }
}
