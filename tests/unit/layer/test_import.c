/* koc_layer_import: a tar of somebody else as a layer, and what is none. */
#include "helper.h"

#include "model/model.h"

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

static void add(koc__tar_writer *w, const char *name, int type, const char *link)
{
    koc_error *err = NULL;
    koc__tar_entry e = {.name = name, .type = type, .link = link, .mode = 0644};
    ok(koc__tar_header(w, &e, &err), err);
}

/* A tar of "f" and one more entry (name NULL: none). */
static void make_tar(koc__dynbuf *out, const char *name, int type, const char *link)
{
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, out);
    koc_error *err = NULL;
    add(&w, "f", KOC__TAR_FILE, NULL);
    if (name) {
        add(&w, name, type, link);
    }
    ok(koc__tar_end(&w, &err), err);
}

static int import(koc_ctx *ctx, koc_str data, uint32_t flags, koc_layer **out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    o.flags = flags;
    KOC__TRY(koc_blob_from_bytes(data, &blob, err));
    return koc_layer_import(ctx, blob, "x.tar", &o, NULL, out, err);
}

/* The bytes of a layer in this compression with a tar of one file in it. */
static void packed(koc_ctx *ctx, int32_t compression, koc__dynbuf *out)
{
    KOC__AUTO(koc_layer_builder) b = NULL;
    KOC__AUTO(koc_layer) l = NULL;
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_error *err = NULL;
    o.compression = compression;
    ok(koc_layer_builder_new(ctx, &o, &b, &err), err);
    ok(koc_layer_builder_add_bytes(b, "/f", KOC__STR("x"), NULL, &err), err);
    ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
    layer_bytes(l, out);
}

KOC_TEST(a_compressed_tar_keeps_its_bytes_and_gets_a_media_type_of_the_family)
{
    static const struct {
        int32_t compression;
        uint32_t flags;
        const char *media_type;
    } cases[] = {
        {KOC_COMPRESS_GZIP, 0, "application/vnd.oci.image.layer.v1.tar+gzip"},
        {KOC_COMPRESS_GZIP, KOC_LAYER_DOCKER_TYPES,
         "application/vnd.docker.image.rootfs.diff.tar.gzip"},
        {KOC_COMPRESS_ZSTD, 0, "application/vnd.oci.image.layer.v1.tar+zstd"},
        {KOC_COMPRESS_ZSTD, KOC_LAYER_DOCKER_TYPES, NULL},
    };
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc__dynbuf) data = KOC__DYNBUF_INIT(TEST_MAX);
        KOC__AUTO_VAL(koc__dynbuf) kept = KOC__DYNBUF_INIT(TEST_MAX);
        KOC__AUTO(koc_layer) l = NULL;
        koc_error *err = NULL;
        packed(ctx, cases[i].compression, &data);
        int rc = import(ctx, koc__dynbuf_view(&data), cases[i].flags, &l, &err);
        if (!cases[i].media_type) {
            fails(rc, KOC_EUNSUPPORTED, &err);
            continue;
        }
        ok(rc, err);
        assert_string_equal(koc_layer_descriptor(l)->media_type, cases[i].media_type);
        layer_bytes(l, &kept);
        assert_int_equal(kept.len, data.len);
        assert_memory_equal(kept.ptr, data.ptr, data.len);
    }
}

KOC_TEST(names_and_hard_links_stay_inside_the_root)
{
    static const struct {
        const char *name;
        int type;
        const char *link;
        bool good;
    } cases[] = {
        {"a/b", KOC__TAR_FILE, NULL, true},
        {"../x", KOC__TAR_FILE, NULL, false},
        {"a/../../x", KOC__TAR_FILE, NULL, false},
        {"h", KOC__TAR_HARDLINK, "f", true},
        {"h", KOC__TAR_HARDLINK, "../etc/passwd", false},
        {"h", KOC__TAR_HARDLINK, "a/../../f", false},
        {"s", KOC__TAR_SYMLINK, "../etc/passwd", true},
        {"s", KOC__TAR_SYMLINK, "/etc", true},
    };
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
        KOC__AUTO(koc_layer) l = NULL;
        koc_error *err = NULL;
        make_tar(&tar, cases[i].name, cases[i].type, cases[i].link);
        int rc = import(ctx, koc__dynbuf_view(&tar), 0, &l, &err);
        if (cases[i].good) {
            ok(rc, err);
        } else {
            fails(rc, KOC_EFORMAT, &err);
            assert_null(l);
        }
    }
}

KOC_TEST(what_is_no_tar_is_named)
{
    static const struct {
        koc_str data;
        const char *is, *hint;
    } cases[] = {
        {KOC__STR("\xfd"
                  "7zXZ\0rest"),
         "compressed with xz", "xz -dc x.tar"},
        {KOC__STR("BZh9"), "compressed with bzip2", "bzip2 -dc x.tar"},
        {KOC__STR("\x04\x22\x4d\x18"), "compressed with lz4", "lz4 -dc x.tar"},
        {KOC__STR("LZIP"), "compressed with lzip", "lzip -dc x.tar"},
        {KOC__STR("\x1f\x9d\x90"), "compressed with compress", "gzip -dc x.tar"},
        {KOC__STR("PK\x03\x04"), "a zip archive", NULL},
        {KOC__STR("PK\x05\x06"), "a zip archive", NULL},
        {KOC__STR("7z\xbc\xaf"), "a 7-Zip archive", NULL},
        {KOC__STR("!<arch>\n"), "an ar archive", NULL},
        {KOC__STR("070701"), "a cpio archive", NULL},
        {KOC__STR("\x7f"
                  "ELF"),
         "a program", NULL},
        {KOC__STR("\xed\xab\xee\xdb"), "an RPM package", NULL},
        {KOC__STR(""), "empty", NULL},
        {KOC__STR("just text\n"), "text", NULL},
        {KOC__STR("\1\2\3\4"), "of no known format", NULL},
    };
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc_layer) l = NULL;
        KOC__AUTO(koc_error) err = NULL;
        assert_int_equal(import(ctx, cases[i].data, 0, &l, &err), KOC_EFORMAT);
        assert_non_null(strstr(koc_error_message(err), cases[i].is));
        assert_non_null(strstr(koc_error_message(err), "x.tar"));
        const char *hint = koc_error_hint(err);
        assert_true(cases[i].hint ? hint && strstr(hint, cases[i].hint) : !hint);
    }
}

KOC_TEST(a_plain_tar_and_an_empty_one_are_layers)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) content = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO(koc_layer) none = NULL;
    char zeros[1024] = {0};
    koc_error *err = NULL;
    make_tar(&tar, NULL, 0, NULL);
    ok(import(ctx, koc__dynbuf_view(&tar), 0, &l, &err), err);
    layer_tar(l, &content);
    assert_int_equal(content.len, tar.len);
    assert_memory_equal(content.ptr, tar.ptr, tar.len);
    ok(import(ctx, koc__str_n(zeros, sizeof(zeros)), 0, &none, &err), err);
}
