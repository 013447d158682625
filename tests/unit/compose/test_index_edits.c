/* Edits of indexes: which entries are opened, selected, kept; and what the report says. */
#include "compose_test.h"

#include "text/json.h"

static const char *const one[] = {"one", NULL};

static koc_index_builder *builder(koc_ctx *ctx)
{
    koc_index_builder *b = NULL;
    koc_error *err = NULL;
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &b, &err), err);
    return b;
}

static koc_layout *layout(koc_ctx *ctx)
{
    koc_layout *l = NULL;
    koc_error *err = NULL;
    ok(koc_layout_open(ctx, koc_test_path("from"), KOC_LAYOUT_CREATE, &l, &err), err);
    return l;
}

static void add_image(koc_ctx *ctx, koc_index_builder *b, const char *arch)
{
    KOC__AUTO(koc_image) img = image(ctx, arch, KOC_COMPRESS_NONE, one);
    KOC__AUTO(koc_layout) l = layout(ctx);
    koc_error *err = NULL;
    ok(koc_layout_put_image(l, img, NULL, NULL, &err), err);
    ok(koc_index_builder_add_image(b, img, NULL, &err), err);
}

static void write_text(const char *path, koc_str text)
{
    koc_error *err = NULL;
    ok(koc__fs_write_file(path, text, 0644, &err), err);
}

/* The index that b makes as the only one of the layout, whatever its entries are; b is freed. */
static koc_place put(koc_index_builder *b)
{
    static char dir[4096];
    char list[1024];
    KOC__AUTO(koc_index) idx = NULL;
    koc_error *err = NULL;
    koc_place p = KOC_PLACE_INIT;
    snprintf(dir, sizeof(dir), "%s", koc_test_path("from"));
    ok(koc_index_builder_finish(b, &idx, &err), err);
    koc_index_builder_free(b);
    const koc_descriptor *d = koc_index_descriptor(idx);
    char *blob = blob_path(dir, &d->digest);
    write_text(blob, koc_index_bytes(idx));
    koc__free(blob);
    snprintf(
        list, sizeof(list),
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
        "\"annotations\":{\"org.opencontainers.image.ref.name\":\"app\"}}]}",
        d->media_type, koc__digest_str(&d->digest).s, (size_t)d->size);
    write_text(koc_test_path("from/index.json"), koc__str(list));
    p.kind = KOC_PLACE_LAYOUT;
    p.path = dir;
    p.name = "app";
    return p;
}

/* The string at a JSON pointer of a document; "" if there is none. Static. */
static const char *at(koc_str document, const char *pointer)
{
    static char text[1024];
    koc__json *j = NULL;
    koc_error *err = NULL;
    ok(koc__json_parse(document, TEST_MAX, "document", &j, &err), err);
    const char *found = koc__json_str(koc__json_at(koc__json_root(j), pointer));
    snprintf(text, sizeof(text), "%s", found ? found : "");
    koc__json_free(j);
    return text;
}

static koc_edit *open_all(koc_ctx *ctx, const koc_place *from, const char *const *platforms)
{
    koc_edit *e = NULL;
    koc_error *err = NULL;
    ok(koc_edit_open(ctx, NULL, from, platforms, NULL, &e, &err), err);
    return e;
}

KOC_TEST(an_index_of_one_image_stays_an_index)
{
    static const char *const amd[] = {"linux/amd64", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    koc_index_builder *b = builder(ctx);
    add_image(ctx, b, "amd64");
    const koc_place from = put(b);
    koc_edit *e = open_all(ctx, &from, NULL);
    assert_string_equal(koc_edit_descriptor(e)->media_type, KOC_MT_OCI_INDEX);
    koc_edit_free(e);
    e = open_all(ctx, &from, amd);
    assert_string_equal(koc_edit_descriptor(e)->media_type, KOC_MT_OCI_MANIFEST);
    koc_edit_free(e);
}

KOC_TEST(platforms_of_an_index_are_those_that_are_named)
{
    static const char *const two[] = {"linux/s390x", "linux/amd64", NULL};
    static const char *const all[] = {"linux/amd64", "all", NULL};
    static const char *const none[] = {NULL};
    static const char *const missing[] = {"linux/amd64", "linux/mips", NULL};
    static const char *const wrong[] = {"linux/a b", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    koc_edit *e = NULL;
    koc_error *err = NULL;
    koc_index_builder *b = builder(ctx);
    add_image(ctx, b, "amd64");
    add_image(ctx, b, "arm64");
    add_image(ctx, b, "s390x");
    const koc_place from = put(b);
    const char *const *const lists[] = {two, all, none, NULL};
    const char *const opened[] = {"linux/amd64,linux/s390x", "linux/amd64,linux/arm64,linux/s390x",
                                  "linux/amd64,linux/arm64,linux/s390x",
                                  "linux/amd64,linux/arm64,linux/s390x"};
    for (size_t i = 0; i < KOC__COUNT(lists); i++) {
        e = open_all(ctx, &from, lists[i]);
        assert_string_equal(platforms_of(e), opened[i]);
        assert_int_equal(koc_strlist_count(koc_edit_warnings(e)), 0);
        koc_edit_free(e);
    }
    e = NULL;
    fails_saying(koc_edit_open(ctx, NULL, &from, missing, NULL, &e, &err), KOC_EPLATFORM,
                 "linux/mips", &err);
    fails(koc_edit_open(ctx, NULL, &from, wrong, NULL, &e, &err), KOC_EINVAL, &err);
    assert_null(e);
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    c.user = "1";
    e = open_all(ctx, &from, NULL);
    ok(koc_edit_select(e, all, &err), err);
    assert_int_equal(warned(koc_edit_warnings(e), "not changed"), 0);
    ok(koc_edit_select(e, two, &err), err);
    assert_int_equal(warned(koc_edit_warnings(e), "not changed: linux/arm64"), 1);
    ok(koc_edit_change(e, &c, NULL, &err), err);
    for (size_t i = 0; i < 3; i++) {
        const char *user = koc_image_str(koc_edit_image(e, i), KOC_CFG_USER);
        assert_string_equal(user ? user : "", i == 1 ? "" : "1");
    }
    koc_edit_free(e);
}

/* An entry of a kind that is no image; its content is not there. */
static void add_entry(koc_index_builder *b, const char *media_type, const char *arch, char digit)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_platform p = KOC_PLATFORM_INIT;
    koc_error *err = NULL;
    char digest[80] = "sha256:";
    memset(digest + 7, digit, 64);
    p.os = strcmp(arch, "unknown") == 0 ? "unknown" : "linux";
    p.arch = arch;
    d.media_type = media_type;
    d.size = 7;
    d.platform = &p;
    ok(koc_digest_parse(digest, &d.digest, &err), err);
    ok(koc_index_builder_add_descriptor(b, &d, &err), err);
}

KOC_TEST(entries_that_are_no_images_are_left_out_and_counted)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_index_builder *b = builder(ctx);
    add_image(ctx, b, "amd64");
    add_entry(b, KOC_MT_OCI_MANIFEST, "unknown", '1');
    add_entry(b, "application/vnd.example.thing", "arm64", '2');
    const koc_place from = put(b);
    koc_edit *e = open_all(ctx, &from, NULL);
    assert_string_equal(platforms_of(e), "linux/amd64");
    assert_int_equal(warned(koc_edit_warnings(e), "dropped 2 entries"), 1);
    assert_string_equal(koc_edit_descriptor(e)->media_type, KOC_MT_OCI_INDEX);
    koc_edit_free(e);
}

KOC_TEST(entries_that_cannot_be_read_are_errors)
{
    static const char *const amd[] = {"linux/amd64", NULL};
    static const struct {
        const char *media_type;
        koc_code code;
    } cases[] = {{KOC_MT_OCI_MANIFEST, KOC_ENOTFOUND}, {KOC_MT_OCI_INDEX, KOC_EUNSUPPORTED}};
    KOC__AUTO(koc_ctx) ctx = context();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_edit *e = NULL;
        koc_error *err = NULL;
        koc_index_builder *b = builder(ctx);
        add_image(ctx, b, "amd64");
        add_entry(b, cases[i].media_type, "arm64", '3');
        const koc_place from = put(b);
        fails(koc_edit_open(ctx, NULL, &from, NULL, NULL, &e, &err), cases[i].code, &err);
        assert_null(e);
        if (cases[i].code == KOC_ENOTFOUND) { /* not asked for, not read */
            e = open_all(ctx, &from, amd);
            assert_string_equal(platforms_of(e), "linux/amd64");
            koc_edit_free(e);
        }
    }
}

KOC_TEST(a_change_goes_into_the_index_and_keeps_its_order)
{
    static const koc_kv annotations[] = {{"a.b", "v"}};
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc_index_builder *b = builder(ctx);
    add_image(ctx, b, "arm64");
    add_image(ctx, b, "amd64");
    const koc_place from = put(b);
    koc_edit *e = open_all(ctx, &from, NULL);
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    koc_place to = KOC_PLACE_INIT;
    c.annotations = annotations;
    c.n_annotations = 1;
    const koc_digest before = koc_edit_descriptor(e)->digest;
    ok(koc_edit_change(e, &c, NULL, &err), err);
    assert_false(koc_digest_equal(&before, &koc_edit_descriptor(e)->digest));
    assert_string_equal(platforms_of(e), "linux/arm64,linux/amd64");
    ok(koc_edit_place(e, &to, &err), err);
    assert_int_equal(to.kind, KOC_PLACE_MEMORY);
    assert_null(to.image);
    assert_string_equal(at(koc_index_bytes(to.index), "/annotations/a.b"), "v");
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(koc_image_annotation(koc_edit_image(e, i), "a.b"), "v");
        assert_true(koc_digest_equal(&koc_index_get(to.index, i)->digest,
                                     &koc_image_descriptor(koc_edit_image(e, i))->digest));
    }
    koc_edit_free(e);
}

KOC_TEST(the_base_of_an_index_is_recorded_for_index_and_images)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc_index_builder *b = builder(ctx);
    char want[2][KOC_DIGEST_TEXT_MAX], top[KOC_DIGEST_TEXT_MAX];
    koc_place to = KOC_PLACE_INIT;
    add_image(ctx, b, "amd64");
    add_image(ctx, b, "arm64");
    const koc_place from = put(b);
    koc_edit *e = open_all(ctx, &from, NULL);
    ok(koc_digest_format(&koc_edit_descriptor(e)->digest, top, sizeof(top), &err), err);
    for (size_t i = 0; i < 2; i++) {
        ok(koc_digest_format(&koc_image_descriptor(koc_edit_image(e, i))->digest, want[i],
                             sizeof(want[i]), &err),
           err);
    }
    ok(koc_edit_record_base(e, NULL, &err), err);
    ok(koc_edit_place(e, &to, &err), err);
    assert_string_equal(
        at(koc_index_bytes(to.index), "/annotations/org.opencontainers.image.base.digest"), top);
    for (size_t i = 0; i < 2; i++) {
        koc_image *img = koc_edit_image(e, i);
        assert_string_equal(koc_image_annotation(img, "org.opencontainers.image.base.digest"),
                            want[i]);
        assert_null(koc_image_annotation(img, "org.opencontainers.image.base.name"));
    }
    fails(koc_edit_record_base(e, NULL, &err), KOC_EMISUSE, &err);
    koc_edit_free(e);
}

KOC_TEST(the_report_has_what_was_made)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc_buf text = KOC_BUF_INIT;
    char digest[KOC_DIGEST_TEXT_MAX];
    koc_index_builder *b = builder(ctx);
    add_image(ctx, b, "amd64");
    add_image(ctx, b, "arm64");
    const koc_place from = put(b);
    koc_edit *e = open_all(ctx, &from, NULL);
    ok(koc_edit_report(e, "r.test/app", &text, &err), err);
    const koc_str report = koc__str_n(text.ptr, text.len);
    assert_string_equal(at(report, "/schema"), "koc-edit-1");
    assert_string_equal(at(report, "/reference"), "r.test/app");
    assert_string_equal(at(report, "/mediaType"), KOC_MT_OCI_INDEX);
    ok(koc_digest_format(&koc_edit_descriptor(e)->digest, digest, sizeof(digest), &err), err);
    assert_string_equal(at(report, "/digest"), digest);
    for (size_t i = 0; i < 2; i++) {
        koc_image *img = koc_edit_image(e, i);
        ok(koc_digest_format(&koc_image_descriptor(img)->digest, digest, sizeof(digest), &err),
           err);
        assert_string_equal(at(report, i ? "/images/1/digest" : "/images/0/digest"), digest);
        ok(koc_digest_format(&koc_image_config_descriptor(img)->digest, digest, sizeof(digest),
                             &err),
           err);
        assert_string_equal(at(report, i ? "/images/1/config" : "/images/0/config"), digest);
        assert_string_equal(at(report, i ? "/images/1/platform" : "/images/0/platform"),
                            i ? "linux/arm64" : "linux/amd64");
    }
    koc_buf_dispose(&text);
    koc_edit_free(e);
}

KOC_TEST(nothing_of_an_edit_is_not_a_crash)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc_edit *e = NULL;
    ok(koc_edit_new(ctx, NULL, &e, &err), err);
    assert_int_equal(koc_edit_count(e), 1);
    assert_null(koc_edit_image(e, 1));
    assert_string_equal(platforms_of(e), "linux/amd64");
    assert_string_equal(koc_edit_descriptor(e)->media_type, KOC_MT_OCI_MANIFEST);
    koc_edit_free(e);
}
