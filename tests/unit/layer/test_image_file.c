/* One file of an image: which layer decides, links, whiteouts, and content that is verified. */
#include "core/common.h"

#include <koc/ext/edit.h>
#include <koc/layer.h>

#include "core/alloc.h"
#include "core/run/context.h"
#include "core/str.h"
#include "model/model.h"
#include "test.h"

/* An entry: content, or the target of a link. */
typedef struct item {
    const char *path, *content, *symlink, *hardlink;
} item;

static void add_layer(koc_ctx *ctx, koc_image_builder *b, const item *items)
{
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_layer_builder *l = NULL;
    koc_layer *layer = NULL;
    o.flags = KOC_LAYER_VERBATIM | KOC_LAYER_IN_MEMORY;
    assert_int_equal(koc_layer_builder_new(ctx, &o, &l, NULL), KOC_OK);
    for (const item *i = items; i->path; i++) {
        int rc = i->symlink    ? koc_layer_builder_add_symlink(l, i->path, i->symlink, NULL, NULL)
                 : i->hardlink ? koc_layer_builder_add_hardlink(l, i->path, i->hardlink, NULL)
                 : i->content
                     ? koc_layer_builder_add_bytes(l, i->path, koc__str(i->content), NULL, NULL)
                     : koc_layer_builder_add_dir(l, i->path, NULL, NULL);
        assert_int_equal(rc, KOC_OK);
    }
    assert_int_equal(koc_layer_builder_finish(l, NULL, &layer, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_add_layer(b, layer, NULL, NULL), KOC_OK);
    koc_layer_unref(layer);
    koc_layer_builder_free(l);
}

static koc_image *layered(void)
{
    static const item lower[] = {{"/etc", NULL, NULL, NULL},
                                 {"/etc/a", "lower a", NULL, NULL},
                                 {"/etc/b", "lower b", NULL, NULL},
                                 {"/etc/hard", NULL, NULL, "/etc/a"},
                                 {"/old/x", "x", NULL, NULL},
                                 {"/opaque/x", "x", NULL, NULL},
                                 {"/real/f", "behind a link", NULL, NULL},
                                 {"/moved/f", "before", NULL, NULL},
                                 {"/file", "was a file", NULL, NULL},
                                 {NULL, NULL, NULL, NULL}};
    static const item upper[] = {
        {"/etc/.wh.b", "", NULL, NULL},         {"/etc/a", "upper a", NULL, NULL},
        {"/.wh.old", "", NULL, NULL},           {"/opaque/.wh..wh..opq", "", NULL, NULL},
        {"/opaque/y", "y", NULL, NULL},         {"/moved", NULL, "real", NULL},
        {"/link", NULL, "../etc/./a", NULL},    {"/loop", NULL, "/loop", NULL},
        {"/out", NULL, "../../../etc/a", NULL}, {"/file/below", "now a directory", NULL, NULL},
        {"/again", NULL, NULL, "/etc/a"},       {NULL, NULL, NULL, NULL}};
    koc_ctx *ctx = NULL;
    koc_image_builder *b = NULL;
    koc_image *img = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    p.os = "linux";
    p.arch = "amd64";
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_new(ctx, NULL, &b, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_set_platform(b, &p, NULL), KOC_OK);
    add_layer(ctx, b, lower);
    add_layer(ctx, b, upper);
    assert_int_equal(koc_image_builder_finish(b, NULL, &img, NULL), KOC_OK);
    koc_image_builder_free(b);
    koc_ctx_unref(ctx);
    return img;
}

KOC_TEST(image_file_is_the_one_that_a_container_would_see)
{
    static const struct {
        const char *path, *content;
        int code;
    } cases[] = {
        {"/etc/a", "upper a", KOC_OK},
        {"etc//./a", "upper a", KOC_OK},
        {"/../etc/a", "upper a", KOC_OK},
        {"/etc/b", NULL, KOC_ENOTFOUND},
        {"/etc/hard", "lower a", KOC_OK}, /* the link was made to the old content */
        {"/again", "upper a", KOC_OK},
        {"/old/x", NULL, KOC_ENOTFOUND},
        {"/opaque/x", NULL, KOC_ENOTFOUND},
        {"/opaque/y", "y", KOC_OK},
        {"/moved/f", "behind a link", KOC_OK},
        {"/link", "upper a", KOC_OK},
        {"/out", "upper a", KOC_OK},
        {"/loop", NULL, KOC_ELIMIT},
        {"/etc", NULL, KOC_EINVAL},
        {"/", NULL, KOC_ENOTFOUND},
        {"/file/below", "now a directory", KOC_OK},
        {"/none", NULL, KOC_ENOTFOUND},
    };
    KOC__AUTO(koc_image) img = layered();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
        koc_blob *blob = NULL;
        koc_error *err = NULL;
        int rc = koc_image_get_file(img, cases[i].path, NULL, &blob, &err);
        if (rc != cases[i].code) {
            fail_msg("%s: %s", cases[i].path, err ? koc_error_message(err) : "succeeded");
        }
        koc_error_free(err);
        if (rc == KOC_OK) {
            assert_int_equal(koc_blob_size(blob), strlen(cases[i].content));
            assert_int_equal(koc_blob_read_all(blob, 100, NULL, &text, NULL), KOC_OK);
            assert_string_equal(text.ptr, cases[i].content);
        }
        koc_blob_unref(blob);
    }
}

KOC_TEST(image_file_survives_every_failing_allocation)
{
    KOC__AUTO(koc_image) img = layered();
    for (uint64_t n = 1;; n++) {
        koc_blob *blob = NULL;
        koc__alloc_fail_after(n);
        int rc = koc_image_get_file(img, "/moved/f", NULL, &blob, NULL);
        koc__alloc_fail_after(0);
        koc_blob_unref(blob);
        if (rc == KOC_OK) {
            assert_true(n > 20);
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
        assert_null(blob);
    }
}
