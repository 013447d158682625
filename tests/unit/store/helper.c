#include "helper.h"

#include <sys/stat.h>

void ok(int rc, koc_error *err)
{
    if (rc != KOC_OK) {
        fail_msg("%s: %s", koc_code_name(rc), err ? koc_error_message(err) : "(no error)");
    }
    assert_null(err);
}

void fails(int rc, koc_code code, koc_error **err)
{
    if (rc != code) {
        fail_msg("%s instead of %s: %s", koc_code_name(rc), koc_code_name(code),
                 *err ? koc_error_message(*err) : "(no error)");
    }
    assert_non_null(*err);
    koc__error_clear(err);
}

void fails_saying(int rc, koc_code code, const char *word, koc_error **err)
{
    const char *message = *err ? koc_error_message(*err) : "(no error)";
    if (rc != code || !strstr(message, word)) {
        fail_msg("%s (%s) instead of %s (%s)", koc_code_name(rc), message, koc_code_name(code),
                 word);
    }
    koc__error_clear(err);
}

koc_ctx *context(void)
{
    koc_ctx *ctx = NULL;
    koc_error *err = NULL;
    ok(koc_ctx_new(NULL, &ctx, &err), err);
    return ctx;
}

static koc_layer *layer(koc_ctx *ctx, const char *text, int32_t compression)
{
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_layer_builder *b = NULL;
    koc_layer *l = NULL;
    koc_error *err = NULL;
    o.compression = compression;
    ok(koc_layer_builder_new(ctx, &o, &b, &err), err);
    ok(koc_layer_builder_add_bytes(b, "/f", koc__str(text), NULL, &err), err);
    ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
    koc_layer_builder_free(b);
    return l;
}

koc_image *image(koc_ctx *ctx, const char *arch, int32_t compression, const char *const *texts)
{
    koc_image_builder *b = NULL;
    koc_image *img = NULL;
    koc_error *err = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    p.os = "linux";
    p.arch = arch;
    ok(koc_image_builder_new(ctx, NULL, &b, &err), err);
    ok(koc_image_builder_set_platform(b, &p, &err), err);
    for (size_t i = 0; texts[i]; i++) {
        koc_layer *l = layer(ctx, texts[i], compression);
        ok(koc_image_builder_add_layer(b, l, NULL, &err), err);
        koc_layer_unref(l);
    }
    ok(koc_image_builder_finish(b, NULL, &img, &err), err);
    koc_image_builder_free(b);
    return img;
}

void read_file(const char *path, koc__dynbuf *out)
{
    koc_error *err = NULL;
    out->max = TEST_MAX;
    ok(koc__fs_read_file(path, out, &err), err);
}

size_t count(const char *text, const char *needle)
{
    size_t n = 0;
    for (const char *p = strstr(text, needle); p; p = strstr(p + 1, needle)) {
        n++;
    }
    return n;
}

const char *damage_name(int damage)
{
    static const char *const names[DAMAGES] = {
        "flip", "cut", "longer", "empty", "missing", "directory", "dangling", "circle", "fifo"};
    return names[damage];
}

static void change_bytes(const char *path, int damage)
{
    KOC__AUTO_VAL(koc__dynbuf) content = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    read_file(path, &content);
    switch (damage) {
    case DAMAGE_FLIP: content.ptr[content.len - 1] ^= 1; break;
    case DAMAGE_CUT: content.len--; break;
    case DAMAGE_LONGER: ok(koc__dynbuf_puts(&content, "\n", &err), err); break;
    default: content.len = 0; break;
    }
    /* In place, so that links to it see the same. */
    ok(koc__fs_write_file(path, koc__dynbuf_view(&content), 0644, &err), err);
}

void damage_file(const char *path, int damage)
{
    if (damage <= DAMAGE_EMPTY) {
        change_bytes(path, damage);
        return;
    }
    assert_int_equal(unlink(path), 0);
    switch (damage) {
    case DAMAGE_DIRECTORY: assert_int_equal(mkdir(path, 0755), 0); break;
    case DAMAGE_DANGLING: assert_int_equal(symlink("nowhere", path), 0); break;
    case DAMAGE_CIRCLE: assert_int_equal(symlink(path, path), 0); break;
    case DAMAGE_FIFO: assert_int_equal(mkfifo(path, 0644), 0); break;
    default: break;
    }
}

char *blob_path(const char *dir, const koc_digest *d)
{
    return koc__format("%s/blobs/sha256/%s", dir, koc__digest_hex(d).s);
}
