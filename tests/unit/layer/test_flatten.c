/* An image's file system as one tar: what upper layers do to lower ones. */
#include "core/common.h"

#include <koc/ext/edit.h>

#include "core/dynbuf.h"
#include "layer/layer.h"
#include "test.h"

/* A line an entry: "f name content", "d name", "l name target" (hard link), "s name target". Layers are parted
 * by a line "-". */
static void add_line(koc_layer_builder *b, koc_str line)
{
    koc_str type = {0};
    koc_str name = {0};
    koc_str rest = {0};
    assert_true(koc__str_cut(line, ' ', &type, &name));
    koc__str_cut(name, ' ', &name, &rest);
    KOC__AUTO_STR path = koc__str_dup(name);
    KOC__AUTO_STR value = koc__str_dup(rest);
    koc__layer_entry e = {.name = path, .mode = 0755};
    switch (type.ptr[0]) {
    case 'd': e.type = KOC__TAR_DIR; break;
    case 'l': e.type = KOC__TAR_HARDLINK; break;
    case 's': e.type = KOC__TAR_SYMLINK; break;
    default: e.type = KOC__TAR_FILE; break;
    }
    if (e.type == KOC__TAR_FILE) {
        e.bytes = rest;
    } else {
        e.link = value;
    }
    assert_int_equal(koc__layer_builder_add_raw(b, &e, NULL), KOC_OK);
}

static koc_layer_builder *new_layer(koc_ctx *ctx)
{
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_layer_builder *b = NULL;
    o.flags = KOC_LAYER_VERBATIM;
    assert_int_equal(koc_layer_builder_new(ctx, &o, &b, NULL), KOC_OK);
    return b;
}

static void finish_layer(koc_image_builder *image, koc_layer_builder *b)
{
    koc_layer *l = NULL;
    assert_int_equal(koc_layer_builder_finish(b, NULL, &l, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_add_layer(image, l, NULL, NULL), KOC_OK);
    koc_layer_unref(l);
    koc_layer_builder_free(b);
}

static koc_image *make_image(koc_ctx *ctx, const char *text)
{
    koc_image_builder *image = NULL;
    koc_image *out = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    koc_str rest = koc__str(text);
    koc_str line = {0};
    p.os = "linux";
    p.arch = "amd64";
    assert_int_equal(koc_image_builder_new(ctx, NULL, &image, NULL), KOC_OK);
    assert_int_equal(koc_image_builder_set_platform(image, &p, NULL), KOC_OK);
    koc_layer_builder *b = new_layer(ctx);
    while (koc__str_split(&rest, '\n', &line)) {
        if (koc__str_is(line, "-")) {
            finish_layer(image, b);
            b = new_layer(ctx);
        } else if (line.len > 0) {
            add_line(b, line);
        }
    }
    finish_layer(image, b);
    assert_int_equal(koc_image_builder_finish(image, NULL, &out, NULL), KOC_OK);
    koc_image_builder_free(image);
    return out;
}

static int keep(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

static void describe(koc__tar_reader *tar, const koc__tar_entry *e, koc__dynbuf *out)
{
    char content[256] = "";
    size_t n = 0;
    assert_int_equal(koc__tar_read(tar, content, sizeof(content) - 1, &n, NULL), KOC_OK);
    const char *type = e->type == KOC__TAR_DIR        ? "d"
                       : e->type == KOC__TAR_HARDLINK ? "l"
                       : e->type == KOC__TAR_SYMLINK  ? "s"
                                                      : "f";
    assert_int_equal(koc__dynbuf_printf(out, NULL, "%s %s%s%s\n", type, e->name,
                                        e->link || n ? " " : "", e->link ? e->link : content),
                     KOC_OK);
}

/* The entries of the flat tar in the form above. */
static int flat(const char *layers, koc__dynbuf *out)
{
    KOC__AUTO(koc_ctx) ctx = NULL;
    KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT(1 << 20);
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc__tar_reader) tar = NULL;
    koc_writer w = {keep, &bytes};
    bool more = true;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    KOC__AUTO(koc_image) img = make_image(ctx, layers);
    int rc = koc_image_flatten(img, &w, NULL, NULL);
    if (rc != KOC_OK) {
        return rc;
    }
    assert_int_equal(koc_blob_from_bytes(koc__dynbuf_view(&bytes), &blob, NULL), KOC_OK);
    assert_int_equal(koc__tar_reader_open(blob, "flat", NULL, &tar, NULL), KOC_OK);
    while (more) {
        koc__tar_entry e = {0};
        assert_int_equal(koc__tar_next(tar, &e, &more, NULL), KOC_OK);
        if (more) {
            describe(tar, &e, out);
        }
    }
    return KOC_OK;
}

static void expect(const char *layers, const char *wanted)
{
    KOC__AUTO_VAL(koc__dynbuf) got = KOC__DYNBUF_INIT(1 << 20);
    assert_int_equal(flat(layers, &got), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&got), wanted);
}

KOC_TEST(flatten_later_layers_win)
{
    expect("d a/\nf a/x one\nf a/y two\n-\nf a/x three\n", "d a/\nf a/y two\nf a/x three\n");
    expect("f x one\nf x two\n", "f x two\n"); /* twice in one layer: the later, as tar does */
    expect("f ./x one\n-\nf /x two\n", "f x two\n");
    expect("d a/\nf a/x one\n-\nf a file\n", "f a file\n");
    expect("f a file\n-\nd a/\nf a/x one\n", "d a/\nf a/x one\n");
}

KOC_TEST(flatten_whiteouts)
{
    expect("d a/\nf a/x one\nf a/y two\n-\nf a/.wh.x\n", "d a/\nf a/y two\n");
    expect("d a/\nd a/b/\nf a/b/x one\n-\nf .wh.a\n", "");
    expect("d a/\nf a/x one\n-\nf .wh.a\nd a/\nf a/z new\n", "d a/\nf a/z new\n");
    expect("f x one\n-\nf .wh.x\n-\nf x three\n", "f x three\n");
    expect("f ab one\nd a/\nf a/x two\n-\nf .wh.a\n", "f ab one\n"); /* a prefix is no parent */
}

KOC_TEST(flatten_opaque_directories)
{
    expect("d a/\nf a/x one\nd a/b/\nf a/b/y two\n-\nd a/\nf a/z new\nf a/.wh..wh..opq\n",
           "d a/\nf a/z new\n");
    expect("f x one\n-\nf .wh..wh..opq\nf y two\n", "f y two\n");
    expect("d a/\nf a/x one\n-\nf a/.wh..wh.plnk\n", "d a/\nf a/x one\n"); /* aufs */
}

/* Whatever becomes of the name that a link was made from, its content stays. */
KOC_TEST(flatten_hard_links)
{
    expect("f a one\nl b a\n", "f a one\nl b a\n");
    expect("f a one\nl b a\n-\nf .wh.a\n", "f b one\n");
    expect("f a one\nl b a\nl c b\n-\nf a two\n", "f b one\nl c b\nf a two\n");
    expect("f a one\n-\nl b a\n-\nf .wh.a\n", "f b one\n"); /* made in another layer */
    expect("f a one\nl b a\n-\nf .wh.b\n", "f a one\n");
    expect("f ./a one\nl ./b ./a\n", "f a one\nl b a\n");
}

KOC_TEST(flatten_hostile_names)
{
    KOC__AUTO_VAL(koc__dynbuf) got = KOC__DYNBUF_INIT(1 << 20);
    expect("f ../../etc/passwd x\nf a/../../b y\n", "f etc/passwd x\nf b y\n");
    expect("s a /etc\nf a/x one\n", "s a /etc\nf a/x one\n");
    assert_int_equal(flat("l b nowhere\n", &got), KOC_EFORMAT);
    assert_int_equal(flat("d a/\nl b a\n", &got), KOC_EFORMAT);
}
