/* Archives that are damaged or that others wrote in their way: what is read is verified, names are found. */
#include "helper.h"

#include "layer/tar.h"
#include "store/tar_contents.h"

static const char *const one[] = {"one", NULL};

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

/* --- archives by hand --- */

typedef struct entry {
    char type;
    const char *name;
    const char *text; /* the target of a link */
    size_t len;       /* 0: that of the text */
} entry;

static const char *write_tar(const char *file, const entry *list)
{
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    koc__tar_writer w = KOC__TAR_WRITER_INIT(to_buf, &tar);
    koc_error *err = NULL;
    for (; list->name; list++) {
        bool link = list->type == KOC__TAR_SYMLINK || list->type == KOC__TAR_HARDLINK;
        size_t len = list->len ? list->len : strlen(list->text);
        koc__tar_entry e = {.name = list->name,
                            .type = list->type,
                            .link = link ? list->text : NULL,
                            .mode = 0644,
                            .size = link ? 0 : len};
        ok(koc__tar_header(&w, &e, &err), err);
        if (!link && len > 0) {
            ok(koc__tar_data(&w, list->text, len, &err), err);
        }
    }
    ok(koc__tar_end(&w, &err), err);
    return koc_test_write(file, tar.ptr, tar.len);
}

static koc__digest_text digest(koc_str bytes)
{
    koc_digest d = {0};
    koc__sha256_of(bytes.ptr, bytes.len, &d);
    return koc__digest_str(&d);
}

static char *config_of(const char *diff_id)
{
    return koc__format(
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
        "\"diff_ids\":[\"%s\"]}}",
        diff_id);
}

static char *manifest_of(const char *config, const char *layer)
{
    return koc__format("[{\"Config\":\"%s\",\"RepoTags\":[\"r.example/a:1\"],\"Layers\":[\"%s\"]}]",
                       config, layer);
}

/* Reads the first image of an archive with one layer, and the layer's bytes as they are. */
static int read_all(koc_ctx *ctx, const char *path, koc_error **err)
{
    KOC__AUTO(koc_image) img = NULL;
    KOC__TRY(koc_archive_read(ctx, path, 0, NULL, &img, NULL, err));
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        KOC__AUTO(koc_reader) r = NULL;
        KOC__TRY(koc_layer_open(koc_image_layer(img, i), NULL, &r, err));
        KOC__TRY(koc_reader_finish(r, err));
    }
    return KOC_OK;
}

/* An archive with this layer; the DiffID is that of `plain`. */
static int read_archive(koc_ctx *ctx, const char *config_name, const char *layer_name,
                        koc_str layer, koc_str plain, koc_error **err)
{
    KOC__AUTO_STR config = config_of(digest(plain).s);
    KOC__AUTO_STR manifest = manifest_of(config_name, layer_name);
    const entry list[] = {{KOC__TAR_FILE, config_name, config, 0},
                          {KOC__TAR_FILE, layer_name, layer.ptr, layer.len},
                          {KOC__TAR_FILE, "manifest.json", manifest, 0},
                          {0}};
    return read_all(ctx, write_tar("x.tar", list), err);
}

/* A layer in gzip and its content. */
static void gzip_layer(koc_ctx *ctx, koc_buf *zipped, koc_buf *plain)
{
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO(koc_reader) r = NULL;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(TEST_MAX);
    char buf[4096];
    size_t n = 1;
    koc_error *err = NULL;
    ok(koc_blob_read_all(koc_image_layer(img, 0)->blob, TEST_MAX, NULL, zipped, &err), err);
    ok(koc_layer_open_tar(koc_image_layer(img, 0), NULL, &r, &err), err);
    while (n > 0) {
        ok(koc_reader_read(r, buf, sizeof(buf), &n, &err), err);
        ok(koc__dynbuf_append(&text, buf, n, &err), err);
    }
    koc__dynbuf_give(&text, plain);
}

static koc_str view(const koc_buf *b)
{
    return koc__str_n(b->ptr, b->len);
}

/* --- what is verified --- */

/* A plain layer is verified by its DiffID, whatever it is called. */
KOC_TEST(archive_layers_without_compression_are_verified)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_STR hex = koc__format("%s.tar", digest(KOC__STR("content")).s + 7);
    const char *const names[] = {"aaa/layer.tar", "layer.tar", hex};
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        koc_error *err = NULL;
        const koc_str right = KOC__STR("content");
        ok(read_archive(ctx, "c.json", names[i], right, right, &err), err);
        fails(read_archive(ctx, "c.json", names[i], KOC__STR("contend"), right, &err), KOC_EDIGEST,
              &err);
    }
}

/* Names that state a digest are held to it; a layer of any other name is held to the DiffID when it is read. */
KOC_TEST(archive_layers_in_gzip_are_verified)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_VAL(koc_buf) zipped = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) plain = KOC_BUF_INIT;
    gzip_layer(ctx, &zipped, &plain);
    const koc__digest_text right = digest(view(&zipped));
    const koc__digest_text wrong = digest(KOC__STR("something else"));
    static const struct {
        const char *form; /* the hex digits stand for %s */
        bool states;
    } names[] = {
        {"%s", true},
        {"%s.tar.gz", true},
        {"%s.json", true},
        {"sha256:%s", true},
        {"./%s.tar.gz", true},
        {"blobs/sha256/%s", true},
        {"layer.tar.gz", false},
        {"%s.tar", false},
        {"%s.tar.gz.old", false},
        {"%.63s.tar.gz", false},
        {"x/%s.tar.gz", false},
        {"blobs/sha512/%s", false},
        {"%s/layer.tar", false},
        {"z%.63s.tar.gz", false},
    };
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        koc_error *err = NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        KOC__AUTO_STR as_right = koc__format(names[i].form, right.s + 7);
        KOC__AUTO_STR as_wrong = koc__format(names[i].form, wrong.s + 7);
#pragma GCC diagnostic pop
        print_message("%s\n", names[i].form);
        ok(read_archive(ctx, "c", as_right, view(&zipped), view(&plain), &err), err);
        int rc = read_archive(ctx, "c", as_wrong, view(&zipped), view(&plain), &err);
        if (names[i].states) {
            fails(rc, KOC_EDIGEST, &err);
        } else {
            ok(rc, err);
        }
        rc = read_archive(ctx, "c", as_wrong, view(&zipped), KOC__STR("other content"), &err);
        fails(rc, KOC_EDIGEST, &err);
    }
}

/* The DiffID of a measured layer is checked when the image is read: its manifest is made from the content. */
KOC_TEST(archive_is_refused_at_once_if_nothing_but_the_diff_id_is_known)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_VAL(koc_buf) zipped = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) plain = KOC_BUF_INIT;
    KOC__AUTO(koc_image) img = NULL;
    koc_error *err = NULL;
    gzip_layer(ctx, &zipped, &plain);
    fails(read_archive(ctx, "c", "l", view(&zipped), KOC__STR("x"), &err), KOC_EDIGEST, &err);
    fails_saying(koc_archive_read(ctx, koc_test_path("x.tar"), 0, NULL, &img, NULL, &err),
                 KOC_EDIGEST, "x.tar: layer l", &err);
    zipped.ptr[zipped.len - 1] ^= 1; /* the length that gzip keeps */
    fails(read_archive(ctx, "c", "l", view(&zipped), view(&plain), &err), KOC_EFORMAT, &err);
}

KOC_TEST(archive_configs_are_verified_where_their_name_states_a_digest)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_STR wrong = koc__strdup(digest(KOC__STR("x")).s);
    KOC__AUTO_STR json = koc__format("%s.json", wrong + 7);
    KOC__AUTO_STR blob = koc__format("blobs/sha256/%s", wrong + 7);
    KOC__AUTO_STR config = config_of(digest(KOC__STR("content")).s);
    KOC__AUTO_STR right = koc__strdup(digest(koc__str(config)).s);
    const struct {
        const char *name;
        koc_code code;
    } cases[] = {{right, KOC_OK},
                 {"config.json", KOC_OK},
                 {wrong, KOC_EDIGEST},
                 {json, KOC_EDIGEST},
                 {blob, KOC_EDIGEST}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_error *err = NULL;
        int rc =
            read_archive(ctx, cases[i].name, "l", KOC__STR("content"), KOC__STR("content"), &err);
        if (cases[i].code == KOC_OK) {
            ok(rc, err);
        } else {
            fails_saying(rc, cases[i].code, cases[i].name, &err);
        }
    }
}

KOC_TEST(archive_layers_in_zstd_have_no_type)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_str zstd = KOC__STR("\x28\xb5\x2f\xfd rest");
    koc_error *err = NULL;
    fails_saying(read_archive(ctx, "c", "l", zstd, zstd, &err), KOC_EUNSUPPORTED,
                 "has a layer in zstd", &err);
    const koc_str almost = KOC__STR("\x28\xb5\x2f\xfc rest");
    ok(read_archive(ctx, "c", "l", almost, almost, &err), err);
    ok(read_archive(ctx, "c", "l", KOC__STR("\x1f"), KOC__STR("\x1f"), &err), err);
    ok(read_archive(ctx, "c", "l", KOC__STR("\x1fx"), KOC__STR("\x1fx"), &err), err);
    ok(read_archive(ctx, "c", "l", KOC__STR("x\x8b"), KOC__STR("x\x8b"), &err), err);
}

/* --- damage --- */

/* Cut anywhere: an error, and never an image whose layer reads as something else. */
KOC_TEST(archive_that_ends_early_is_an_error)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, one);
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO(koc_reference) tag = NULL;
    koc_archive_image list = {sizeof(koc_archive_image), 0, img, &tag, 1};
    koc_writer w = {to_buf, &tar};
    koc_error *err = NULL;
    ok(koc_reference_parse("r.example/a:1", 0, &tag, &err), err);
    ok(koc_archive_write(ctx, &list, 1, &w, NULL, &err), err);
    const char *path = koc_test_write("a.tar", tar.ptr, tar.len);
    ok(read_all(ctx, path, &err), err);
    for (size_t len = 0; len + 1024 < tar.len; len += 256) {
        int rc = read_all(ctx, koc_test_write("a.tar", tar.ptr, len), &err);
        if (rc != KOC_EFORMAT) {
            fail_msg("%s for %zu of %zu bytes", koc_code_name(rc), len, tar.len);
        }
        koc__error_clear(&err);
    }
    damage_file(path, DAMAGE_EMPTY);
    fails(read_all(ctx, path, &err), KOC_EFORMAT, &err);
    damage_file(path, DAMAGE_FIFO);
    fails(read_all(ctx, path, &err), KOC_EINVAL, &err);
    damage_file(path, DAMAGE_DANGLING);
    fails(read_all(ctx, path, &err), KOC_ENOTFOUND, &err);
}

/* A byte of content that changed: an error everywhere but in the tar's own fields and padding. */
KOC_TEST(archive_content_that_changed_is_an_error)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_NONE, one);
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO(koc_reference) tag = NULL;
    koc_archive_image list = {sizeof(koc_archive_image), 0, img, &tag, 1};
    koc_writer w = {to_buf, &tar};
    koc_error *err = NULL;
    ok(koc_reference_parse("r.example/a:1", 0, &tag, &err), err);
    ok(koc_archive_write(ctx, &list, 1, &w, NULL, &err), err);
    const size_t config = koc_image_config(img).len;
    const size_t layer = 512 + (config + 511) / 512 * 512 + 512;
    const size_t size = koc_layer_descriptor(koc_image_layer(img, 0))->size;
    const size_t places[] = {512,   512 + config / 2, 512 + config - 1,
                             layer, layer + size / 2, layer + size - 1};
    for (size_t i = 0; i < KOC__COUNT(places); i++) {
        tar.ptr[places[i]] ^= 1;
        fails(read_all(ctx, koc_test_write("a.tar", tar.ptr, tar.len), &err), KOC_EDIGEST, &err);
        tar.ptr[places[i]] ^= 1;
    }
    ok(read_all(ctx, koc_test_write("a.tar", tar.ptr, tar.len), &err), err);
}

#define CONFIG                                                                                        \
    {                                                                                                 \
        KOC__TAR_FILE, "c",                                                                           \
            "{\"architecture\":\"a\",\"os\":\"l\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", \
            0                                                                                         \
    }
#define WHOLE                                                                                      \
    {                                                                                              \
        KOC__TAR_FILE, "manifest.json", "[{\"Config\":\"c\",\"Layers\":[]}]", 0                    \
    }

KOC_TEST(archive_entries_of_every_kind)
{
    static const struct {
        entry list[5];
        koc_code code;
        const char *word;
    } cases[] = {
        {{CONFIG, WHOLE, {0}}, KOC_OK, ""},
        {{WHOLE, CONFIG, {0}}, KOC_OK, ""},
        {{WHOLE, {0}}, KOC_EFORMAT, "there is no c in it"},
        {{CONFIG, {0}}, KOC_EFORMAT, "it has no manifest.json"},
        {{{0}}, KOC_EFORMAT, "it has no manifest.json"},
        {{CONFIG, {KOC__TAR_DIR, "manifest.json", "", 0}, {0}}, KOC_EFORMAT, "no manifest.json"},
        {{{KOC__TAR_DIR, "c", "", 0}, WHOLE, {0}}, KOC_EFORMAT, "there is no c in it"},
        {{CONFIG, {KOC__TAR_SYMLINK, "manifest.json", "m", 0}, {0}},
         KOC_EFORMAT,
         "there is no manifest.json in it"},
        {{CONFIG, {KOC__TAR_FILE, "manifest.json", "", 0}, {0}}, KOC_EFORMAT, "manifest.json of"},
        {{CONFIG, {KOC__TAR_FILE, "manifest.json", "{}", 0}, {0}}, KOC_EFORMAT, "is not a list"},
        {{CONFIG, {KOC__TAR_FILE, "manifest.json", "[{\"Config\":1}]", 0}, {0}},
         KOC_EFORMAT,
         "names no config"},
        {{CONFIG,
          {KOC__TAR_FILE, "manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"x\"]}]", 0},
          {0}},
         KOC_EFORMAT,
         "1 layers, but the config counts 0"},
        /* The last of two counts, as for tar. */
        {{CONFIG, {KOC__TAR_FILE, "c", "[", 0}, WHOLE, {0}}, KOC_EFORMAT, "c: not valid JSON"},
        {{{KOC__TAR_FILE, "c", "[", 0}, CONFIG, WHOLE, {0}}, KOC_OK, ""},
        {{{KOC__TAR_FILE, "d/c", "[", 0}, CONFIG, WHOLE, {0}}, KOC_OK, ""},
        {{{KOC__TAR_FILE, "./manifest.json", "[]", 0}, {0}}, KOC_ENOTFOUND, "holds 0 images"},
    };
    KOC__AUTO(koc_ctx) ctx = context();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_error *err = NULL;
        print_message("case %zu\n", i);
        int rc = read_all(ctx, write_tar("x.tar", cases[i].list), &err);
        if (cases[i].code == KOC_OK) {
            ok(rc, err);
        } else {
            fails_saying(rc, cases[i].code, cases[i].word, &err);
        }
    }
}

/* Links: relative to their directory if symbolic, to the root if hard; at most seven of them. */
KOC_TEST(archive_links_are_followed)
{
    static const struct {
        entry link;
        const char *name; /* of the config */
        koc_code code;
    } cases[] = {
        {{KOC__TAR_SYMLINK, "d/x", "../c", 0}, "d/x", KOC_OK},
        {{KOC__TAR_SYMLINK, "x", "./c", 0}, "x", KOC_OK},
        {{KOC__TAR_SYMLINK, "x", "../c", 0}, "x", KOC_EFORMAT}, /* leads out of the archive */
        {{KOC__TAR_SYMLINK, "d/x", "c", 0}, "d/x", KOC_EFORMAT},
        {{KOC__TAR_HARDLINK, "d/x", "c", 0}, "d/x", KOC_OK},
        {{KOC__TAR_HARDLINK, "d/x", "../c", 0}, "d/x", KOC_EFORMAT},
        {{KOC__TAR_HARDLINK, "x", "none", 0}, "x", KOC_EFORMAT},
        {{KOC__TAR_SYMLINK, "x", "x", 0}, "x", KOC_EFORMAT},
    };
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_STR manifest = koc__format("[{\"Config\":\"%s\",\"Layers\":[]}]", cases[i].name);
        const entry list[] = {
            CONFIG, cases[i].link, {KOC__TAR_FILE, "manifest.json", manifest, 0}, {0}};
        int rc = read_all(ctx, write_tar("x.tar", list), &err);
        print_message("case %zu\n", i);
        if (cases[i].code == KOC_OK) {
            ok(rc, err);
        } else {
            fails_saying(rc, cases[i].code, cases[i].name, &err);
        }
    }
    for (int links = 7; links <= 8; links++) {
        entry list[11] = {
            CONFIG, {KOC__TAR_FILE, "manifest.json", "[{\"Config\":\"1\",\"Layers\":[]}]", 0}};
        char names[9][2];
        for (int i = 0; i < links; i++) {
            names[i][0] = (char)('1' + i);
            names[i][1] = '\0';
            list[2 + i] = (entry){KOC__TAR_SYMLINK, names[i], "c", 0};
            if (i > 0) {
                list[1 + i].text = names[i];
            }
        }
        int rc = read_all(ctx, write_tar("x.tar", list), &err);
        if (links == 7) {
            ok(rc, err);
        } else {
            fails_saying(rc, KOC_EFORMAT, "1 leads through too many links", &err);
        }
    }
}

KOC_TEST(archive_documents_have_limits)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_STR large = koc__malloc(KOC__CONFIG_MAX + 1);
    koc_error *err = NULL;
    memset(large, ' ', KOC__CONFIG_MAX + 1);
    const entry manifest[] = {{KOC__TAR_FILE, "manifest.json", large, KOC__MANIFEST_MAX + 1}, {0}};
    fails_saying(read_all(ctx, write_tar("x.tar", manifest), &err), KOC_ELIMIT,
                 "manifest.json has 4194305 bytes, more than 4194304", &err);
    const entry config[] = {{KOC__TAR_FILE, "c", large, KOC__CONFIG_MAX + 1}, WHOLE, {0}};
    fails_saying(read_all(ctx, write_tar("x.tar", config), &err), KOC_ELIMIT, "c of ", &err);
    memcpy(large, "[]", 2);
    const entry fits[] = {{KOC__TAR_FILE, "manifest.json", large, KOC__MANIFEST_MAX}, {0}};
    fails_saying(read_all(ctx, write_tar("x.tar", fits), &err), KOC_ENOTFOUND, "holds 0 images",
                 &err);
}

KOC_TEST(archive_compressed_as_a_whole_is_refused)
{
    static const struct {
        const char *head;
        koc_code code;
    } cases[] = {{"\x1f\x8b\x08\x01", KOC_EUNSUPPORTED},
                 {"\x28\xb5\x2f\xfd", KOC_EUNSUPPORTED},
                 {"\x1f\x8c\x08\x01", KOC_EFORMAT},
                 {"\x28\xb5\x2f\xfe", KOC_EFORMAT},
                 {"x\x8b\x08\x01", KOC_EFORMAT}};
    KOC__AUTO(koc_ctx) ctx = context();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_error *err = NULL;
        fails_saying(read_all(ctx, koc_test_write("x.tar", cases[i].head, 4), &err), cases[i].code,
                     cases[i].code == KOC_EUNSUPPORTED ? "decompress it first" : "x.tar", &err);
    }
}

/* --- which one --- */

KOC_TEST(archive_images_are_found_by_the_end_of_their_tags)
{
    static const char two_images[] =
        "[{\"Config\":\"c\",\"RepoTags\":[\"r.example/app:1\",\"other:2\"],\"Layers\":[]},"
        "{\"Config\":\"d\",\"RepoTags\":[7,\"r.example/app:2\"],\"Layers\":[]},"
        "{\"Config\":\"c\",\"RepoTags\":null,\"Layers\":[]}]";
    static const char second[] =
        "{\"architecture\":\"b\",\"os\":\"l\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}";
    static const struct {
        const char *name, *arch; /* NULL: there is none */
    } cases[] = {
        {"r.example/app:1", "a"},
        {"app:1", "a"},
        {"1", "a"},
        {"other:2", "a"},
        {"2", "a"},
        {"app:2", "b"},
        {"pp:1", NULL},
        {"xr.example/app:1", NULL},
        {"example/app:1", NULL},
        {"app", NULL},
        {":1", NULL},
        {"7", NULL},
        {"r.example/app:2", "b"},
        {"r.example/app:12", NULL},
    };
    KOC__AUTO(koc_ctx) ctx = context();
    const entry list[] = {CONFIG,
                          {KOC__TAR_FILE, "d", second, 0},
                          {KOC__TAR_FILE, "manifest.json", two_images, 0},
                          {0}};
    KOC__AUTO_STR path = koc__strdup(write_tar("x.tar", list));
    KOC__AUTO(koc_image) img = NULL;
    koc_error *err = NULL;
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        print_message("%s\n", cases[i].name);
        int rc = koc__archive_read_named(ctx, path, cases[i].name, NULL, &img, &err);
        if (cases[i].arch) {
            ok(rc, err);
            assert_string_equal(koc_image_platform(img)->arch, cases[i].arch);
            koc_image_unref(koc__steal(&img));
        } else {
            fails_saying(rc, KOC_ENOTFOUND, "(it has r.example/app:1, other:2, ?, r.example/app:2)",
                         &err);
        }
    }
    fails_saying(koc__archive_read_named(ctx, path, NULL, NULL, &img, &err), KOC_EINVAL,
                 "holds 3 images: name one of r.example/app:1, other:2, ?, r.example/app:2", &err);
    assert_null(img);
}

KOC_TEST(archive_images_are_found_by_number)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = NULL;
    const entry only[] = {CONFIG, WHOLE, {0}};
    const entry two_images[] = {
        CONFIG,
        {KOC__TAR_FILE, "d",
         "{\"architecture\":\"b\",\"os\":\"l\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
         0},
        {KOC__TAR_FILE, "manifest.json",
         "[{\"Config\":\"c\",\"Layers\":[]},{\"Config\":\"d\",\"Layers\":[]},{}]", 0},
        {0}};
    const char *path = write_tar("x.tar", two_images);
    size_t n = 0;
    koc_error *err = NULL;
    ok(koc_archive_read(ctx, path, 1, NULL, &img, &n, &err), err);
    assert_int_equal(n, 3);
    assert_string_equal(koc_image_platform(img)->arch, "b");
    koc_image_unref(koc__steal(&img));
    fails_saying(koc_archive_read(ctx, path, 3, NULL, &img, NULL, &err), KOC_ENOTFOUND,
                 "holds 3 images: there is no number 4", &err);
    const char *single = write_tar("y.tar", only);
    ok(koc__archive_read_named(ctx, single, NULL, NULL, &img, &err), err);
    koc_image_unref(koc__steal(&img));
    fails_saying(koc__archive_read_named(ctx, single, "x", NULL, &img, &err), KOC_ENOTFOUND,
                 "has no x (it has images without tags)", &err);
    fails(koc_archive_read(ctx, NULL, 0, NULL, &img, NULL, &err), KOC_EMISUSE, &err);
    fails(koc_archive_read(ctx, single, 0, NULL, NULL, NULL, &err), KOC_EMISUSE, &err);
    assert_null(img);
}

/* What koc itself never asks for, since it knows the names. */
KOC_TEST(archive_contents_are_found_by_clean_names)
{
    KOC__AUTO(koc__contents) c = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    KOC__AUTO_STR clean = NULL;
    const entry list[] = {{KOC__TAR_FILE, "./a/b", "content", 0},
                          {KOC__TAR_SYMLINK, "l", "a/b", 0},
                          {KOC__TAR_DIR, "d", "", 0},
                          {0}};
    koc__extent at = {0};
    koc_digest expect = {0};
    koc_error *err = NULL;
    ok(koc__contents_open(write_tar("x.tar", list), NULL, &c, &err), err);
    assert_true(koc__contents_has(c, "a/b"));
    assert_true(koc__contents_has(c, "l"));
    assert_false(koc__contents_has(c, "d"));
    ok(koc__contents_find(c, "l", &at, &clean, &err), err);
    assert_string_equal(clean, "a/b");
    assert_int_equal(at.size, 7);
    assert_int_equal(at.start, 512);
    ok(koc__contents_read(c, "a/./b", 7, NULL, &text, &err), err);
    assert_string_equal(text.ptr, "content");
    koc_buf_dispose(&text);
    fails_saying(koc__contents_read(c, "a/b", 6, NULL, &text, &err), KOC_ELIMIT,
                 "a/b has 7 bytes, more than 6", &err);
    koc__sha256_of("contend", 7, &expect);
    ok(koc__contents_blob(c, "l", &expect, &blob, &err), err);
    fails(koc_blob_read_all(blob, 100, NULL, &text, &err), KOC_EDIGEST, &err);
}
