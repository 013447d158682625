/* Records of inputs: headers of Go files, the format, and the comparison with the disk. */
#include "core/common.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/path.h"
#include "core/run/proc.h"
#include "core/str.h"
#include "golang/record/input_record.h"
#include "gotest.h"
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

/* Another value in one member of a stamp, as if the file had changed behind it. */
static void spoil(koc__stamp *s, size_t member)
{
    switch (member) {
    case 0: s->size++; break;
    case 1: s->mtime_ns--; break;
    case 2: s->ctime_ns--; break;
    case 3: s->inode++; break;
    default: s->mode ^= 1; break;
    }
}

/* Each member of each stamp counts. What a difference means depends on the kind of the file. */
KOC_TEST(check_compares_each_member_of_a_stamp)
{
    static const struct {
        char kind;
        bool same, refreshable;
    } table[] = {
        {KOC__INPUT_OPAQUE, false, false},
        {KOC__INPUT_SOURCE, false, true},
        {KOC__INPUT_CONTENT, false, true},
    };
    koc_test_write("a.go", "package a\n", 10);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        for (size_t member = 0; member < 5; member++) {
            KOC__AUTO(koc__inputs) in = settled_record(koc_test_dir());
            in->files[0].kind = table[i].kind;
            assert_true(check(in).same);
            spoil(&in->files[0].stamp, member);
            koc__inputs_verdict v = check(in);
            if (v.same != table[i].same || v.refreshable != table[i].refreshable) {
                fail_msg("kind %c, member %zu: %d %d", table[i].kind, member, v.same,
                         v.refreshable);
            }
            assert_string_equal(v.first + strlen(v.first) - 5, "/a.go");
            assert_memory_equal(v.first, "changed: ", 9);
        }
    }
    for (size_t member = 0; member < 5; member++) { /* of a directory the names decide */
        KOC__AUTO(koc__inputs) in = settled_record(koc_test_dir());
        spoil(&in->dirs[0].stamp, member);
        koc__inputs_verdict v = check(in);
        assert_true(v.same && v.moved);
        spoil(&in->dirs[0].stamp, member);
        in->dirs[0].listing.bytes[15] ^= 1;
        v = check(in);
        assert_true(!v.same && !v.refreshable);
        assert_memory_equal(v.first, "files were added or removed: ", 29);
    }
}

/* A content that was recorded proves that only the stamp is new. */
KOC_TEST(check_goes_by_content_once_it_is_recorded)
{
    koc_test_write("a.go", "package a\n\nvar x = 1\n", 21);
    KOC__AUTO(koc__inputs) in = record_of(koc_test_dir(), now_ns());
    koc__inputs_verdict v = check(in); /* too young: its content is recorded */
    assert_true(!v.same && v.refreshable && v.moved);
    assert_true(check(in).same);
    in->files[0].content.bytes[0] ^= 1;
    v = check(in);
    assert_true(!v.same && v.refreshable);
    assert_true(check(in).same);
    in->files[0].header.bytes[0] ^= 1;
    in->files[0].content.bytes[0] ^= 1;
    v = check(in);
    assert_true(!v.same && !v.refreshable);
    in->files[0].header = (koc__hash){{0}}; /* go could not parse it: nothing is known of it */
    in->files[0].content.bytes[0] ^= 1;
    v = check(in);
    assert_true(!v.same && !v.refreshable);
}

KOC_TEST(check_needs_files_of_the_same_type)
{
    koc_test_write("a.go", "package a\n", 10);
    KOC__AUTO(koc__inputs) in = settled_record(koc_test_dir());
    assert_int_equal(unlink(koc_test_path("a.go")), 0);
    koc__inputs_verdict v = check(in);
    assert_true(!v.same && !v.refreshable);
    assert_memory_equal(v.first, "files were added or removed: ", 29);
    in->dirs[0].kind = KOC__INPUT_FILES; /* the file alone counts */
    v = check(in);
    assert_true(!v.same && !v.refreshable);
    assert_memory_equal(v.first, "removed: ", 9);
    assert_int_equal(mkdir(koc_test_path("a.go"), 0755), 0);
    v = check(in);
    assert_true(!v.same && !v.refreshable);
    assert_memory_equal(v.first, "changed: ", 9);
    assert_int_equal(rmdir(koc_test_path("a.go")), 0);
    assert_int_equal(symlink("a.go", koc_test_path("a.go")), 0);
    v = check(in);
    assert_true(!v.same && !v.refreshable);
    assert_memory_equal(v.first, "cannot be read: ", 16);
}

KOC_TEST(check_lists_all_changes_when_asked)
{
    KOC__AUTO(koc_strlist) changes = NULL;
    KOC__AUTO_STR dir = koc__strdup(koc_test_path("p"));
    KOC__AUTO_STR gone = koc__strdup(koc_test_path("q"));
    koc__input_dir *d = NULL;
    assert_int_equal(koc__fs_mkdirs(dir, 0755, NULL), KOC_OK);
    assert_int_equal(koc__fs_mkdirs(gone, 0755, NULL), KOC_OK);
    koc_test_write("p/a.go", "package a\n", 10);
    KOC__AUTO(koc__inputs) in = settled_record(dir);
    assert_int_equal(koc__inputs_add_dir(in, gone, KOC__INPUT_PACKAGE, &d, NULL), KOC_OK);
    assert_int_equal(rmdir(gone), 0);
    koc_test_write("p/a.go", "package b\n", 10);
    koc_test_write("p/b.go", "package b\n", 10);
    koc_test_write("p/none", "", 0);
    assert_int_equal(koc__strlist_new(&changes, NULL), KOC_OK);
    koc__inputs_verdict v = {.changes = changes};
    assert_int_equal(koc__inputs_check(in, NULL, NULL, &v, NULL), KOC_OK);
    static const char *const want[] = {"files were added or removed: %s", "changed: %s/a.go",
                                       "new: %s/none", "removed: %s"};
    assert_int_equal(koc_strlist_count(changes), KOC__COUNT(want));
    for (size_t i = 0; i < KOC__COUNT(want); i++) {
        KOC__AUTO_STR line = koc__strdup(want[i]);
        *strchr(line, '%') = '\0';
        KOC__AUTO_STR text =
            koc__format("%s%s%s", line, i == 3 ? gone : dir, strchr(want[i], '%') + 2);
        assert_string_equal(koc_strlist_get(changes, i), text);
    }
    assert_string_equal(v.first, koc_strlist_get(changes, 0));
}

KOC_TEST(check_lists_a_hundred_changes_at_most)
{
    KOC__AUTO(koc_strlist) changes = NULL;
    KOC__AUTO(koc__inputs) in = NULL;
    koc__input_dir *d = NULL;
    koc__input_file *f = NULL;
    assert_int_equal(koc__strlist_new(&changes, NULL), KOC_OK);
    assert_int_equal(koc__inputs_new(&in, NULL), KOC_OK);
    assert_int_equal(koc__inputs_add_dir(in, "", KOC__INPUT_FILES, &d, NULL), KOC_OK);
    for (size_t i = 0; i < 120; i++) {
        assert_int_equal(koc__inputs_add_file(in, "/none", KOC__INPUT_OPAQUE, &f, NULL), KOC_OK);
    }
    koc__inputs_verdict v = {.changes = changes};
    assert_int_equal(koc__inputs_check(in, NULL, NULL, &v, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(changes), 100);
    assert_string_equal(v.first, "removed: /none");
}

/* The clock of stamps ticks at least every 10 ms, or every 2 s. */
KOC_TEST(racy_is_what_changed_within_a_tick)
{
    const int64_t s = INT64_C(1000000000), ms = 1000000, t = 1700000000 * s;
    static const struct {
        int64_t before_ms;
        bool racy;
    } fine[] = {{0, true}, {99, true}, {100, true}, {101, false}, {1999, false}, {-5, true}};
    for (size_t i = 0; i < KOC__COUNT(fine); i++) {
        koc__stamp stamp = {.ctime_ns = t + 5 * ms};
        assert_int_equal(koc__inputs_is_racy(&stamp, stamp.ctime_ns + fine[i].before_ms * ms),
                         fine[i].racy);
        stamp.mtime_ns = t + 3600 * s; /* programs set it */
        assert_int_equal(koc__inputs_is_racy(&stamp, stamp.ctime_ns + fine[i].before_ms * ms),
                         fine[i].racy);
    }
    koc__stamp whole = {.ctime_ns = t};
    assert_true(koc__inputs_is_racy(&whole, t + 2 * s));
    assert_false(koc__inputs_is_racy(&whole, t + 2 * s + ms));
}

KOC_TEST(settled_is_what_stayed_after_the_check)
{
    koc_test_write("a.go", "package a\n", 10);
    KOC__AUTO(koc__inputs) old = settled_record(koc_test_dir());
    KOC__AUTO(koc__inputs) young = record_of(koc_test_dir(), old->files[0].stamp.ctime_ns);
    assert_true(koc__inputs_settled(old) && koc__inputs_settled(young));
    koc_test_write("a.go", "package b\n", 10);
    assert_true(koc__inputs_settled(old)); /* its stamp will tell next time */
    assert_false(koc__inputs_settled(young));
    assert_int_equal(unlink(koc_test_path("a.go")), 0);
    assert_false(koc__inputs_settled(young));
    young->files[0].kind = KOC__INPUT_ABSENT;
    assert_true(koc__inputs_settled(young));
}

KOC_TEST(listing_has_the_names_that_count)
{
    static const char *const names[] = {"a.go", "b.txt", "c_test.go", "d.syso"};
    KOC__AUTO(koc_strlist) found = NULL;
    koc__hash package, whole, again;
    assert_int_equal(koc__strlist_new(&found, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        koc_test_write(names[i], "", 0);
    }
    assert_int_equal(koc__inputs_listing(koc_test_dir(), KOC__INPUT_PACKAGE, found, &package, NULL),
                     KOC_OK);
    assert_int_equal(koc_strlist_count(found), 2);
    assert_string_equal(koc_strlist_get(found, 1), "d.syso");
    assert_int_equal(koc__inputs_listing(koc_test_dir(), KOC__INPUT_WHOLE, found, &whole, NULL),
                     KOC_OK);
    assert_int_equal(koc_strlist_count(found), 6);
    assert_false(koc__hash_equal(&package, &whole));
    assert_int_equal(unlink(koc_test_path("b.txt")), 0);
    assert_int_equal(koc__inputs_listing(koc_test_dir(), KOC__INPUT_PACKAGE, NULL, &again, NULL),
                     KOC_OK);
    assert_true(koc__hash_equal(&package, &again));
    assert_int_equal(koc__inputs_listing(koc_test_dir(), KOC__INPUT_WHOLE, NULL, &again, NULL),
                     KOC_OK);
    assert_false(koc__hash_equal(&whole, &again));
    assert_int_equal(
        koc__inputs_listing(koc_test_path("gone"), KOC__INPUT_WHOLE, NULL, &again, NULL),
        KOC_ENOTFOUND);
}

/* --- git --- */

static const char *const changed_places[] = {
    "another commit: ", "not as committed: ", "as committed again: ", "git does not read: "};

/* The verdict over one repository, whose record says revision and modified. -1: nothing differs. */
static int check_repo(const char *revision, bool modified)
{
    KOC__AUTO(koc__inputs) in = NULL;
    KOC__AUTO_STR root = koc__strdup(koc_test_path("work"));
    assert_int_equal(koc__inputs_new(&in, NULL), KOC_OK);
    assert_int_equal(koc__inputs_add_repo(in, root, revision, modified, NULL), KOC_OK);
    koc__inputs_verdict v = check(in);
    assert_true(v.refreshable); /* the new stamp can be read from the program */
    for (size_t i = 0; i < KOC__COUNT(changed_places); i++) {
        if (strncmp(v.first, changed_places[i], strlen(changed_places[i])) == 0) {
            assert_false(v.same);
            assert_string_equal(v.first + strlen(changed_places[i]), root);
            return (int)i;
        }
    }
    assert_true(v.same);
    return -1;
}

KOC_TEST(check_asks_git_for_commit_and_changes)
{
    char head[64] = "";
    assert_int_equal(chdir(koc_test_dir()), 0);
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(4096);
    gotest_write("work/file", "1\n");
    KOC__AUTO_STR git = NULL;
    if (koc__proc_find("git", NULL, &git, NULL) != KOC_OK) {
        print_message("skipped: there is no git\n");
        skip();
    }
    gotest_run("git init -q work");
    gotest_run("git -C work add file");
    gotest_run("git -C work -c user.name=x -c user.email=x@example.test commit -q -m one");
    gotest_run("cp work/.git/HEAD head");
    assert_int_equal(koc__fs_read_file("head", &text, NULL), KOC_OK); /* "ref: refs/heads/main" */
    KOC__AUTO_STR ref = koc__str_dup(koc__str_trim(koc__str_from(koc__dynbuf_view(&text), 5)));
    KOC__AUTO_STR path = koc__format("work/.git/%s", ref);
    koc__dynbuf_dispose(&text);
    assert_int_equal(koc__fs_read_file(path, &text, NULL), KOC_OK);
    snprintf(head, sizeof(head), "%.40s", koc__dynbuf_cstr(&text));

    assert_int_equal(check_repo(head, false), -1);
    assert_int_equal(check_repo("0123456789012345678901234567890123456789", false), 0);
    assert_int_equal(check_repo(head, true), 2);
    gotest_write("work/file", "2\n");
    assert_int_equal(check_repo(head, false), 1);
    assert_int_equal(check_repo(head, true), -1);
    gotest_write("work/file", "1\n");
    gotest_write("work/new", "");
    assert_int_equal(check_repo(head, false), 1);
    assert_int_equal(koc__fs_remove("work/new", NULL), KOC_OK);
    gotest_write("work/.git/config", "1\n");
    assert_int_equal(check_repo(head, false), 3);
    assert_int_equal(koc__fs_remove("work", NULL), KOC_OK);
    assert_int_equal(check_repo(head, false), 3);
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

static void check_stamp(const koc__stamp *a, const koc__stamp *b)
{
    assert_true(a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
                a->inode == b->inode && a->mode == b->mode);
}

KOC_TEST(record_comes_back_as_it_was)
{
    KOC__AUTO(koc__inputs) back = NULL;
    koc__cache *cache = NULL;
    assert_int_equal(koc__fs_mkdirs(koc_test_path("src"), 0755, NULL), KOC_OK);
    koc_test_write("src/a.go", "package a\n", 10);
    KOC__AUTO(koc__inputs) in = settled_record(koc_test_path("src"));
    assert_int_equal(koc__inputs_add_repo(in, "/r oot", "abc", true, NULL), KOC_OK);
    memset(in->files[0].content.bytes, 0xa9, sizeof(in->files[0].content.bytes));
    in->files[0].stamp.mtime_ns = -1; /* before 1970 */
    in->files[1].stamp = (koc__stamp){.size = UINT64_MAX, .inode = 1, .mode = 0100644};
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
    assert_true(back->complete && back->time_ns == in->time_ns);
    for (size_t i = 0; i < in->n_dirs; i++) {
        const koc__input_dir *a = &in->dirs[i], *b = &back->dirs[i];
        assert_string_equal(a->path, b->path);
        assert_true(a->kind == b->kind && a->first == b->first && a->count == b->count);
        check_stamp(&a->stamp, &b->stamp);
        assert_true(koc__hash_equal(&a->listing, &b->listing));
    }
    for (size_t i = 0; i < in->n_files; i++) {
        const koc__input_file *a = &in->files[i], *b = &back->files[i];
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->kind, b->kind);
        check_stamp(&a->stamp, &b->stamp);
        assert_true(koc__hash_equal(&a->header, &b->header));
        assert_true(koc__hash_equal(&a->content, &b->content));
    }
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
