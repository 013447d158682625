/* Images that are changed in memory: selection, in-memory places, what is left out. */
#include "store/helper.h"

#include <koc/ext/edit.h>

static const char *const one[] = {"one", NULL};
static const char *const arm[] = {"linux/arm64", NULL};

/* Two platforms and an attestation, in a layout. */
static koc_place laid(koc_ctx *ctx)
{
    static char dir[4096];
    KOC__AUTO(koc_image) a = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) b = image(ctx, "arm64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_image) c = image(ctx, "riscv64", KOC_COMPRESS_NONE, one);
    KOC__AUTO(koc_index_builder) build = NULL;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_layout) l = NULL;
    koc_platform unknown = KOC_PLATFORM_INIT;
    koc_error *err = NULL;
    unknown.os = unknown.arch = "unknown";
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &build, &err), err);
    ok(koc_index_builder_add_image(build, a, NULL, &err), err);
    ok(koc_index_builder_add_image(build, b, NULL, &err), err);
    ok(koc_index_builder_add_image(build, c, &unknown, &err), err);
    ok(koc_index_builder_finish(build, &idx, &err), err);
    snprintf(dir, sizeof(dir), "%s", koc_test_path("from"));
    ok(koc_layout_open(ctx, dir, KOC_LAYOUT_CREATE, &l, &err), err);
    ok(koc_layout_put_index(l, idx, "app:1", NULL, &err), err);
    koc_place p = KOC_PLACE_INIT;
    p.kind = KOC_PLACE_LAYOUT;
    p.path = dir;
    return p;
}

static void set_user(koc_edit *e, const char *user)
{
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    koc_error *err = NULL;
    c.user = user;
    ok(koc_edit_change(e, &c, NULL, &err), err);
}

KOC_TEST(edit_changes_the_selected_platforms_only)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_place from = laid(ctx);
    koc_edit *e = NULL;
    koc_error *err = NULL;
    ok(koc_edit_open(ctx, NULL, &from, NULL, NULL, &e, &err), err);
    assert_int_equal(koc_edit_count(e), 2); /* without the attestation */
    assert_non_null(strstr(koc_strlist_get(koc_edit_warnings(e), 0), "dropped 1 entry"));
    ok(koc_edit_select(e, arm, &err), err);
    assert_string_equal(koc_strlist_get(koc_edit_warnings(e), 1), "not changed: linux/amd64");
    set_user(e, "65532");
    assert_null(koc_image_str(koc_edit_image(e, 0), KOC_CFG_USER));
    assert_string_equal(koc_image_str(koc_edit_image(e, 1), KOC_CFG_USER), "65532");
    ok(koc_edit_select(e, NULL, &err), err);
    set_user(e, "root");
    assert_string_equal(koc_image_str(koc_edit_image(e, 0), KOC_CFG_USER), "root");
    const char *const mips[] = {"linux/mips", NULL};
    fails(koc_edit_select(e, mips, &err), KOC_EPLATFORM, &err);
    koc_edit_free(e);
}

KOC_TEST(edit_of_one_platform_is_a_single_image)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_place from = laid(ctx);
    koc_edit *e = NULL;
    koc_error *err = NULL;
    ok(koc_edit_open(ctx, NULL, &from, arm, NULL, &e, &err), err);
    assert_int_equal(koc_edit_count(e), 1);
    assert_string_equal(koc_edit_descriptor(e)->media_type, KOC_MT_OCI_MANIFEST);
    koc_edit_free(e);
}

KOC_TEST(record_base_comes_before_other_changes)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_place from = laid(ctx);
    koc_edit *e = NULL;
    koc_error *err = NULL;
    ok(koc_edit_open(ctx, NULL, &from, NULL, NULL, &e, &err), err);
    set_user(e, "root");
    fails(koc_edit_record_base(e, NULL, &err), KOC_EMISUSE, &err);
    koc_edit_free(e);
    ok(koc_edit_new(ctx, NULL, &e, &err), err);
    fails(koc_edit_record_base(e, NULL, &err), KOC_EMISUSE, &err);
    koc_edit_free(e);
}

KOC_TEST(copy_from_memory_writes_every_kind_of_place)
{
    static const int32_t kinds[] = {KOC_PLACE_LAYOUT, KOC_PLACE_OCI_ARCHIVE,
                                    KOC_PLACE_DOCKER_ARCHIVE};
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_place from = laid(ctx);
    koc_place memory = KOC_PLACE_INIT;
    koc_edit *e = NULL;
    koc_error *err = NULL;
    ok(koc_edit_open(ctx, NULL, &from, arm, NULL, &e, &err), err);
    set_user(e, "65532");
    ok(koc_edit_place(e, &memory, &err), err);
    for (size_t i = 0; i < KOC__COUNT(kinds); i++) {
        char name[] = {'t', (char)('0' + i), 0};
        koc_place to = KOC_PLACE_INIT;
        const koc_copy_pair pair = {sizeof(pair), 0, &memory, &to};
        koc_source *s = NULL;
        KOC__AUTO(koc_image) back = NULL;
        to.kind = kinds[i];
        to.path = koc_test_path(name);
        ok(koc_copy(ctx, NULL, &pair, 1, NULL, NULL, NULL, &err), err);
        ok(koc_source_open(ctx, NULL, &to, NULL, &s, &err), err);
        ok(koc_source_get_image(s, NULL, NULL, &back, &err), err);
        assert_string_equal(koc_image_str(back, KOC_CFG_USER), "65532");
        assert_int_equal(koc_image_layer_count(back), 1);
        ok(koc_source_check(s, 0, NULL, NULL, NULL, &err), err);
        koc_source_free(s);
    }
    memory.index = NULL;
    memory.image = NULL;
    const koc_copy_pair wrong = {sizeof(wrong), 0, &memory, &from};
    fails(koc_copy(ctx, NULL, &wrong, 1, NULL, NULL, NULL, &err), KOC_EMISUSE, &err);
    koc_edit_free(e);
}
