/* Records of inputs: headers of Go files, the format, and the comparison with the disk. */
#include "core/common.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/str.h"
#include "golang/record/input_record.h"
#include "test.h"

#define HOUR INT64_C(3600000000000)

static bool same_header(const char *a, const char *b)
{
    koc__hash x = {{0}}, y = {{0}};
    return koc__go_source_header(koc__str(a), &x) && koc__go_source_header(koc__str(b), &y) &&
           koc__hash_equal(&x, &y);
}

KOC_TEST(source_header_does_not_see_code)
{
    assert_true(same_header("package a\n\nimport \"b\"\n\nfunc f() {}\n",
                            "package a\n\nimport \"b\"\n\n// more\nfunc g() { return }\n"));
    assert_true(
        same_header("package a; import (\n\"b\"; c `d` // e\n. \"f\" /* ) */\n)\nvar x = 1",
                    "package a; import (\n\"b\"; c `d` // e\n. \"f\" /* ) */\n)\nvar x = 2"));
    assert_true(same_header("\xef\xbb\xbfpackage a", "\xef\xbb\xbfpackage a"));
}

KOC_TEST(source_header_sees_what_leads_to_other_files)
{
    static const char plain[] = "package a\n\nimport \"b\"\n\nvar x string\n";
    static const char *const others[] = {
        "package b\n\nimport \"b\"\n\nvar x string\n",
        "//go:build linux\n\npackage a\n\nimport \"b\"\n\nvar x string\n",
        "// +build linux\n\npackage a\n\nimport \"b\"\n\nvar x string\n",
        "package a\n\nimport \"c\"\n\nvar x string\n",
        "package a\n\nimport \"b\"\nimport \"c\"\n\nvar x string\n",
        "package a\n\nimport \"b\"\n\n// #include <x.h>\nimport \"C\"\n\nvar x string\n",
        "package a\n\nimport \"b\"\n\n//go:embed x.txt\nvar x string\n",
        "package a\n\nimport \"b\"\n\nvar x string //go:embed x.txt",
        "package a\n\nvar x string\n",
    };
    assert_true(same_header(plain, plain));
    for (size_t i = 0; i < KOC__COUNT(others); i++) {
        assert_false(same_header(plain, others[i]));
    }
}

KOC_TEST(source_header_gives_up_on_what_is_no_go)
{
    static const char *const broken[] = {
        "",
        "packages a",
        "package",
        "package /* a",
        "package a\nimport",
        "package a\nimport (",
        "package a\nimport ( \"b\"",
        "package a\nimport \"b",
        "package a\nimport \"b\\\"\"",
        "package a\nimport ( b )",
        "/* no end",
    };
    koc__hash h;
    for (size_t i = 0; i < KOC__COUNT(broken); i++) {
        assert_false(koc__go_source_header(koc__str(broken[i]), &h));
    }
}

KOC_TEST(source_names)
{
    assert_true(koc__inputs_is_source("a.go") && koc__inputs_is_source("a_amd64.s"));
    assert_true(koc__inputs_is_source("x.syso") && koc__inputs_is_source("x.h"));
    assert_false(koc__inputs_is_source("a_test.go") || koc__inputs_is_source("_a.go"));
    assert_false(koc__inputs_is_source(".a.go") || koc__inputs_is_source("README.md"));
}

/* A record of one package directory with a.go, and a single file that does not exist. */
static koc__inputs *record_of(const char *dir, int64_t time_ns)
{
    koc__inputs *in = NULL;
    koc__input_dir *d = NULL;
    koc__input_file *f = NULL;
    koc__hash content;
    KOC__AUTO_STR path = koc__format("%s/a.go", dir);
    KOC__AUTO_STR none = koc__format("%s/none", dir);
    assert_int_equal(koc__inputs_new(&in, NULL), KOC_OK);
    in->time_ns = time_ns;
    assert_int_equal(koc__strlist_add(in->lines, "koc 1", NULL), KOC_OK);
    assert_int_equal(koc__inputs_add_dir(in, dir, KOC__INPUT_PACKAGE, &d, NULL), KOC_OK);
    assert_int_equal(koc__fs_stamp(dir, true, &d->stamp, NULL), KOC_OK);
    assert_int_equal(koc__inputs_listing(dir, d->kind, NULL, &d->listing, NULL), KOC_OK);
    assert_int_equal(koc__inputs_add_file(in, "a.go", KOC__INPUT_SOURCE, &f, NULL), KOC_OK);
    assert_int_equal(koc__fs_stamp(path, true, &f->stamp, NULL), KOC_OK);
    assert_int_equal(koc__inputs_hash_file(path, &content, &f->header, NULL), KOC_OK);
    assert_int_equal(koc__inputs_add_dir(in, "", KOC__INPUT_FILES, &d, NULL), KOC_OK);
    assert_int_equal(koc__inputs_add_file(in, none, KOC__INPUT_ABSENT, &f, NULL), KOC_OK);
    return in;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static koc__inputs_verdict check(koc__inputs *in)
{
    koc__inputs_verdict v = {0};
    assert_int_equal(koc__inputs_check(in, NULL, NULL, &v, NULL), KOC_OK);
    return v;
}

/* Makes the record look much newer than the files, which must not matter. */
static koc__inputs *settled_record(const char *dir)
{
    usleep(150000);
    return record_of(dir, now_ns());
}

KOC_TEST(check_sees_each_change)
{
    static const char text[] = "package a\n\nvar x = 1\n";
    koc_test_write("a.go", text, sizeof(text) - 1);
    const char *dir = koc_test_dir();
    KOC__AUTO(koc__inputs) in = settled_record(dir);
    koc__inputs_verdict v = check(in);
    assert_true(v.same && !v.moved);

    koc_test_write("README", "x", 1); /* new, but not a source */
    v = check(in);
    assert_true(v.same && v.moved);

    koc_test_write("a.go", "package a\n\nvar x = 2\n", sizeof(text) - 1);
    v = check(in);
    assert_true(!v.same && v.refreshable);

    KOC__AUTO(koc__inputs) second = settled_record(dir);
    koc_test_write("a.go", "package a\nimport _ \"b\"\n", 23);
    v = check(second);
    assert_true(!v.same && !v.refreshable);

    KOC__AUTO(koc__inputs) third = settled_record(dir);
    koc_test_write("b.go", "package a\n", 10);
    v = check(third);
    assert_true(!v.same && !v.refreshable);

    KOC__AUTO(koc__inputs) fourth = settled_record(dir);
    koc_test_write("none", "", 0);
    v = check(fourth);
    assert_true(!v.same && !v.refreshable);
}

KOC_TEST(check_does_not_trust_a_young_file)
{
    koc_test_write("a.go", "package a\n", 10);
    KOC__AUTO(koc__inputs) in = record_of(koc_test_dir(), now_ns());
    koc__inputs_verdict v = check(in);
    assert_true(!v.same); /* its content was not recorded, and its stamp says nothing */
    v = check(in);
    assert_true(v.same); /* now it was */
}

KOC_TEST(check_does_not_trust_a_clock_that_was_set_back)
{
    koc_test_write("a.go", "package a\n", 10);
    KOC__AUTO(koc__inputs) in = record_of(koc_test_dir(), now_ns() + HOUR);
    koc__inputs_verdict v = check(in);
    assert_true(!v.same && !v.refreshable);
}

KOC_TEST(record_comes_back_as_it_was)
{
    KOC__AUTO(koc__inputs) back = NULL;
    koc__cache *cache = NULL;
    assert_int_equal(koc__fs_mkdirs(koc_test_path("src"), 0755, NULL), KOC_OK);
    koc_test_write("src/a.go", "package a\n", 10);
    KOC__AUTO(koc__inputs) in = settled_record(koc_test_path("src"));
    assert_int_equal(koc__inputs_add_repo(in, "/r oot", "abc", true, NULL), KOC_OK);
    assert_int_equal(koc__cache_open(koc_test_path("cache"), &cache, NULL), KOC_OK);
    assert_int_equal(koc__inputs_keep(cache, KOC__STR("key"), in, NULL), KOC_OK);
    assert_int_equal(koc__inputs_recall(cache, KOC__STR("key"), &back, NULL), KOC_OK);
    assert_non_null(back);
    assert_int_equal(back->n_dirs, 2);
    assert_int_equal(back->n_files, 2);
    assert_string_equal(back->repos[0].root, "/r oot");
    assert_string_equal(back->repos[0].revision, "abc");
    assert_true(back->repos[0].modified);
    assert_string_equal(koc_strlist_get(back->lines, 0), "koc 1");
    back->n_repos = 0;
    assert_true(check(back).same);
    koc__cache_free(cache);
}

KOC_TEST(record_that_is_damaged_is_none)
{
    static const char *const damaged[] = {
        "",
        "koc-inputs-2 1\n",
        "koc-inputs-1 \n",
        "koc-inputs-1 1\n",
        "koc-inputs-1 1",
        "koc-inputs-1 1\nx\n",
        "koc-inputs-1 1\nd\n",
        "koc-inputs-1 1\nd p\n",
        "koc-inputs-1 1\nd p 1,2,3,4\n",
        "koc-inputs-1 1\nd p 1,2,3,4,5 . /x",
        "koc-inputs-1 1\nf 1,2,3,4,5 . . /x\n",
        "koc-inputs-1 1\nr 1 abc\n",
        "koc-inputs-1 1\nd - 1,2,3,4,5 . \nf 1,2,3,4,5 zz . /x\n",
        "koc-inputs-1 1\nd - 1,2,3,4,11111111111111111 . \n",
    };
    koc__cache *cache = NULL;
    assert_int_equal(koc__cache_open(koc_test_path("cache"), &cache, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(damaged); i++) {
        koc__inputs *in = NULL;
        assert_int_equal(
            koc__cache_put(cache, "inputs", KOC__STR("key"), koc__str(damaged[i]), NULL), KOC_OK);
        assert_int_equal(koc__inputs_recall(cache, KOC__STR("key"), &in, NULL), KOC_OK);
        assert_null(in);
    }
    koc__cache_free(cache);
}
