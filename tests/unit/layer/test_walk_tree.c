/* Walking directories: order, links, boundaries, circles. */
#include "helper.h"

#include <sys/stat.h>

static int note(const koc__tree_item *item, void *payload, koc_error **err)
{
    koc__dynbuf *out = payload;
    KOC__TRY(koc__dynbuf_printf(out, err, "%c %s%s%s\n", item->type, item->path,
                                item->target ? ">" : "", item->target ? item->target : ""));
    return strcmp(item->path, "skip") == 0;
}

static int walk(const char *root, const char *boundary, uint32_t flags, koc__dynbuf *out,
                koc_error **err)
{
    out->max = TEST_MAX;
    return koc__tree_walk(root, boundary, flags, note, out, NULL, err);
}

static void dir(const char *name)
{
    koc_error *err = NULL;
    ok(koc__fs_mkdirs(koc_test_path(name), 0755, &err), err);
}

static void link_to(const char *target, const char *name)
{
    assert_int_equal(symlink(target, koc_test_path(name)), 0);
}

KOC_TEST(tree_is_walked_in_byte_order)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    dir("r/a");
    dir("r/B");
    dir("r/.git");
    dir("r/skip/deep");
    koc_test_write("r/a/x", "", 0);
    koc_test_write("r/a-b", "", 0);
    koc_test_write("r/a.b", "", 0);
    koc_test_write("r/Z", "", 0);
    link_to("nowhere", "r/link");
    ok(walk(koc_test_path("r"), NULL, 0, &out, &err), err);
    assert_string_equal(koc__dynbuf_cstr(&out), "5 .git\n5 B\n0 Z\n5 a\n0 a/x\n0 a-b\n0 a.b\n"
                                                "2 link>nowhere\n5 skip\n");
}

KOC_TEST(tree_follows_links_inside_its_boundary)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) wider = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    dir("top/r/sub");
    koc_test_write("top/r/sub/b", "", 0);
    koc_test_write("top/LICENSE", "", 0);
    link_to("sub", "top/r/dirlink");
    link_to("sub/b", "top/r/filelink");
    ok(walk(koc_test_path("top/r"), NULL, KOC__TREE_FOLLOW, &out, &err), err);
    assert_string_equal(koc__dynbuf_cstr(&out),
                        "5 dirlink\n0 dirlink/b\n0 filelink\n5 sub\n0 sub/b\n");
    link_to("../LICENSE", "top/r/out");
    koc__dynbuf_clear(&out);
    fails(walk(koc_test_path("top/r"), NULL, KOC__TREE_FOLLOW, &out, &err), KOC_EINVAL, &err);
    ok(walk(koc_test_path("top/r"), koc_test_path("top"), KOC__TREE_FOLLOW, &wider, &err), err);
    assert_non_null(strstr(wider.ptr, "0 out\n"));
}

/* "/a/bc" is not inside "/a/b". */
KOC_TEST(tree_boundary_counts_whole_components)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    dir("data");
    dir("data-other");
    koc_test_write("data-other/secret", "", 0);
    link_to("../data-other/secret", "data/x");
    fails(walk(koc_test_path("data"), NULL, KOC__TREE_FOLLOW, &out, &err), KOC_EINVAL, &err);
}

KOC_TEST(tree_refuses_circles_and_broken_links)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    dir("r/sub");
    link_to("..", "r/sub/up");
    fails(walk(koc_test_path("r"), NULL, KOC__TREE_FOLLOW, &out, &err), KOC_EINVAL, &err);
    dir("b");
    link_to("nothing", "b/x");
    fails(walk(koc_test_path("b"), NULL, KOC__TREE_FOLLOW, &out, &err), KOC_ENOTFOUND, &err);
    dir("self");
    link_to("x", "self/x");
    assert_int_not_equal(walk(koc_test_path("self"), NULL, KOC__TREE_FOLLOW, &out, &err), KOC_OK);
    koc__error_clear(&err);
}

KOC_TEST(tree_skips_links_when_told_to)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    dir("r");
    link_to("/etc/passwd", "r/x");
    ok(walk(koc_test_path("r"), NULL, KOC__TREE_FOLLOW | KOC__TREE_SKIP_LINKS, &out, &err), err);
    assert_string_equal(koc__dynbuf_cstr(&out), "2 x>/etc/passwd\n");
}

KOC_TEST(tree_refuses_what_is_no_file)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    dir("r");
    assert_int_equal(mkfifo(koc_test_path("r/pipe"), 0600), 0);
    fails(walk(koc_test_path("r"), NULL, 0, &out, &err), KOC_EUNSUPPORTED, &err);
    fails(walk(koc_test_path("r"), NULL, KOC__TREE_FOLLOW, &out, &err), KOC_EUNSUPPORTED, &err);
}
