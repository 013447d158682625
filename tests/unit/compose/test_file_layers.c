/* koc_image_file: which layer a file goes into, for which image, and with what. */
#include "compose_test.h"

#include <sys/stat.h>

static const char *const both[] = {"linux/amd64", "linux/arm64", NULL};

static koc_edit *edit_of(koc_ctx *ctx, const char *const *platforms)
{
    koc_edit *e = NULL;
    koc_error *err = NULL;
    ok(koc_edit_new(ctx, platforms, &e, &err), err);
    return e;
}

static koc_image_file file(const char *path, const char *content)
{
    koc_image_file f = KOC_IMAGE_FILE_INIT;
    f.path = path;
    f.content = koc__str(content);
    return f;
}

static void add(koc_edit *e, const koc_image_file *files, size_t n)
{
    koc_error *err = NULL;
    ok(koc_edit_add_files(e, files, n, NULL, NULL, NULL, &err), err);
}

static const char *layer_of(koc_edit *e, size_t image, size_t layer)
{
    return entries_of(koc_image_layer(koc_edit_image(e, image), layer));
}

KOC_TEST(layers_are_added_in_the_order_of_their_numbers)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = edit_of(ctx, NULL);
    koc_image_file files[] = {file("/c", "3"), file("/a", "1"), file("/b", "2"), file("/d", "1")};
    files[0].layer = UINT32_MAX;
    files[1].layer = 3;
    files[2].layer = 7;
    files[3].layer = 3;
    add(e, files, KOC__COUNT(files));
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 0)), 3);
    assert_string_equal(layer_of(e, 0, 0), "644 0:0 a\n644 0:0 d\n");
    assert_string_equal(layer_of(e, 0, 1), "644 0:0 b\n");
    assert_string_equal(layer_of(e, 0, 2), "644 0:0 c\n");
}

KOC_TEST(an_image_without_a_file_of_a_layer_does_not_get_it)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = edit_of(ctx, both);
    koc_image_file files[] = {file("/p", "arm"), file("/q", "both")};
    files[0].platform = "linux/arm64";
    files[1].layer = 1;
    add(e, files, 2);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 0)), 1);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 1)), 2);
    assert_string_equal(file_of(koc_edit_image(e, 1), "/p"), "arm");
    assert_string_equal(file_of(koc_edit_image(e, 0), "/q"), "both");
}

KOC_TEST(a_layer_of_mixed_platforms_has_what_each_image_wants)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = edit_of(ctx, both);
    koc_image_file files[] = {file("/all", "x"), file("/p", "amd"), file("/p", "arm")};
    files[1].platform = "linux/amd64";
    files[2].platform = "linux/arm64";
    add(e, files, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(koc_image_layer_count(koc_edit_image(e, i)), 1);
        assert_string_equal(layer_of(e, i, 0), "644 0:0 all\n644 0:0 p\n");
        assert_string_equal(file_of(koc_edit_image(e, i), "/p"), i ? "arm" : "amd");
    }
}

KOC_TEST(files_go_to_the_selected_images_and_the_selection_stays)
{
    static const char *const arm[] = {"linux/arm64", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = edit_of(ctx, both);
    koc_error *err = NULL;
    koc_image_file files[] = {file("/p", "1"), file("/q", "2")};
    files[0].platform = "linux/amd64";
    files[1].layer = 1;
    ok(koc_edit_select(e, arm, &err), err);
    add(e, files, 2);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 0)), 0);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 1)), 1);
    files[0].platform = NULL;
    add(e, files, 1);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 0)), 0);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 1)), 2);
}

KOC_TEST(mode_and_owner_come_from_the_caller_else_from_the_disk)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = edit_of(ctx, NULL);
    koc_entry entry = KOC_ENTRY_INIT;
    koc_image_file files[8];
    char plain[4096], program[4096], tree[4096];
    snprintf(plain, sizeof(plain), "%s", koc_test_write("plain", "p", 1));
    snprintf(program, sizeof(program), "%s", koc_test_write("program", "p", 1));
    snprintf(tree, sizeof(tree), "%s", koc_test_path("tree"));
    assert_int_equal(chmod(plain, 0600), 0);
    assert_int_equal(chmod(program, 0710), 0);
    assert_int_equal(mkdir(tree, 0755), 0);
    koc_test_write("tree/in", "x", 1);
    entry.mode = 0440;
    entry.uid = 11;
    entry.gid = 12;
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        static const char *const paths[] = {"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"};
        files[i] = (koc_image_file)KOC_IMAGE_FILE_INIT;
        files[i].path = paths[i];
        files[i].entry = i % 2 ? &entry : NULL;
    }
    files[0].source = files[1].source = plain;
    files[2].source = files[3].source = program;
    files[4].link = files[5].link = "/a";
    files[6].content = files[7].content = koc__str("bytes");
    add(e, files, KOC__COUNT(files));
    assert_string_equal(layer_of(e, 0, 0),
                        "644 0:0 a\n440 11:12 b\n755 0:0 c\n440 11:12 d\n777 0:0 e -> /a\n"
                        "440 11:12 f -> /a\n644 0:0 g\n440 11:12 h\n");
    entry.mode = 0;
    koc_image_file folder = KOC_IMAGE_FILE_INIT;
    folder.path = "/t";
    folder.source = tree;
    folder.entry = &entry;
    add(e, &folder, 1);
    assert_non_null(strstr(layer_of(e, 0, 1), "644 11:12 t/in\n"));
}

KOC_TEST(a_file_is_of_one_kind)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = edit_of(ctx, NULL);
    koc_error *err = NULL;
    koc_image_file f[5];
    char source[4096];
    snprintf(source, sizeof(source), "%s", koc_test_write("s", "p", 1));
    for (size_t i = 0; i < KOC__COUNT(f); i++) {
        f[i] = file("/f", "content");
    }
    f[0].source = source;
    f[1].link = "/x";
    f[2].path = NULL;
    f[3].content = koc__str_n(NULL, 0);
    f[3].source = source;
    f[3].link = "/x";
    f[4].platform = "linux/a b";
    for (size_t i = 0; i < 4; i++) {
        fails(koc_edit_add_files(e, &f[i], 1, NULL, NULL, NULL, &err), KOC_EMISUSE, &err);
    }
    fails(koc_edit_add_files(e, &f[4], 1, NULL, NULL, NULL, &err), KOC_EINVAL, &err);
    fails(koc_edit_add_files(e, NULL, 1, NULL, NULL, NULL, &err), KOC_EMISUSE, &err);
    fails(koc_edit_add_files(e, f, 0, NULL, NULL, NULL, &err), KOC_EMISUSE, &err);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 0)), 0);
}

KOC_TEST(layer_options_and_history_are_those_of_the_caller)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = edit_of(ctx, NULL);
    koc_layer_options layer = KOC_LAYER_OPTIONS_INIT;
    koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
    koc_history h = KOC_HISTORY_INIT;
    koc_error *err = NULL;
    const koc_image_file f = file("/f", "content");
    layer.compression = KOC_COMPRESS_NONE;
    o.created_by = "by me";
    ok(koc_edit_add_files(e, &f, 1, &layer, &o, NULL, &err), err);
    koc_image *img = koc_edit_image(e, 0);
    assert_string_equal(koc_layer_descriptor(koc_image_layer(img, 0))->media_type,
                        "application/vnd.oci.image.layer.v1.tar");
    ok(koc_image_history(img, 0, &h, &err), err);
    assert_string_equal(h.created_by, "by me");
}
