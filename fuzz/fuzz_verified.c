/*
 * A layer whose bytes do not match its digest is never returned with success, wherever the difference is, neither
 * by export, nor as a tar, nor to a layout or an archive. The first two bytes of the input select the byte that is
 * changed, the third the pass over the layer in which it is changed, and the number of zeros after the tar.
 */
#include "directory.h"
#include "layers.h"

#include <koc/ext/edit.h>
#include <koc/store.h>

enum { OUT_MAX = 4 << 20, BLOCK = 4096 };

/* A layer that is read several times, and lies from one of them on. */
typedef struct liar {
    koc_str truth;
    size_t at;       /* the byte that is wrong */
    unsigned honest; /* passes before it lies */
    bool lied;
} liar;
typedef struct pass {
    const liar *of;
    size_t at;
    bool lies;
} pass;

static int pass_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    pass *p = self;
    (void)err;
    *n_read = KOC__MIN(len, p->of->truth.len - p->at);
    if (*n_read > 0) {
        memcpy(buf, p->of->truth.ptr + p->at, *n_read);
    }
    if (p->lies && p->of->at >= p->at && p->of->at < p->at + *n_read) {
        ((char *)buf)[p->of->at - p->at] ^= 1;
    }
    p->at += *n_read;
    return KOC_OK;
}

static void pass_close(void *self)
{
    koc__free(self);
}

static int liar_open(void *self, uint64_t offset, koc__call *call, koc_reader **out,
                     koc_error **err)
{
    static const koc__reader_vt vt = {pass_read, pass_close};
    liar *l = self;
    pass *p = koc__malloc(sizeof(*p));
    (void)call;
    FUZZ_CHECK(p && offset <= l->truth.len);
    *p = (pass){l, (size_t)offset, l->honest == 0};
    l->lied = l->lied || l->honest == 0;
    l->honest -= l->honest > 0 ? 1 : 0;
    return koc__reader_make(&vt, p, out, err);
}

static void liar_release(void *self)
{
    (void)self;
}

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

/* The image with a layer that lies. */
static koc_image *image_with(koc_ctx *ctx, liar *l)
{
    static const koc__blob_vt vt = {liar_open, liar_release, NULL};
    KOC__AUTO(koc_blob) blob = NULL;
    koc_image *img = image_of(ctx, &l->truth, 1);
    koc_error *err = NULL;
    FUZZ_CHECK(koc__blob_make(&vt, l, l->truth.len, NULL, &blob, &err) == KOC_OK);
    FUZZ_CHECK(fuzz_ok(koc__image_attach(img, 0, blob, NULL, &err), &err));
    return img;
}

/* A layer in a file that lies from the start, or becomes a lie when the first bytes have gone out. */
typedef struct lying_file {
    const char *path;
    const liar *of;
    koc__dynbuf *out;
    bool lies;
} lying_file;

static void start_to_lie(lying_file *f)
{
    FILE *file = fopen(f->path, "r+b");
    char wrong = (char)(f->of->truth.ptr[f->of->at] ^ 1);
    FUZZ_CHECK(file && fseek(file, (long)f->of->at, SEEK_SET) == 0);
    FUZZ_CHECK(fwrite(&wrong, 1, 1, file) == 1 && fclose(file) == 0);
    f->lies = true;
}

static int to_buf_and_lie(void *self, const void *data, size_t len, koc_error **err)
{
    lying_file *f = self;
    if (!f->lies) {
        start_to_lie(f);
    }
    return koc__dynbuf_append(f->out, data, len, err);
}

static koc_image *image_in_file(koc_ctx *ctx, const char *path, koc_str truth)
{
    koc_image *img = image_of(ctx, &truth, 1);
    KOC__AUTO(koc_blob) blob = NULL;
    koc_digest d;
    koc_error *err = NULL;
    koc__sha256_of(truth.ptr, truth.len, &d);
    fuzz_write(path, truth);
    FUZZ_CHECK(fuzz_ok(koc_blob_from_file(path, &d, &blob, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__image_attach(img, 0, blob, NULL, &err), &err));
    return img;
}

static int flatten_right(koc_ctx *ctx, const liar *l, koc__dynbuf *out)
{
    liar honest = {l->truth, 0, UINT32_MAX, false};
    KOC__AUTO(koc_image) img = image_with(ctx, &honest);
    const koc_writer w = {to_buf, out};
    koc_error *err = NULL;
    int rc = koc_image_flatten(img, &w, NULL, &err);
    fuzz_ok(rc, &err);
    return rc;
}

/* Success means the truth. */
static void check_flatten(koc_ctx *ctx, liar l)
{
    KOC__AUTO_VAL(koc__dynbuf) lied = KOC__DYNBUF_INIT(OUT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) right = KOC__DYNBUF_INIT(OUT_MAX);
    KOC__AUTO_STR path = koc__format("%s/layer", fuzz_directory());
    FUZZ_CHECK(path);
    lying_file f = {path, &l, &lied, l.truth.len == 0};
    const koc_writer w = {to_buf_and_lie, &f};
    KOC__AUTO(koc_image) img = image_in_file(ctx, path, l.truth);
    bool from_start = l.honest == 0 && l.truth.len > 0;
    koc_error *err = NULL;
    if (from_start) {
        start_to_lie(&f);
    }
    if (!fuzz_ok(koc_image_flatten(img, &w, NULL, &err), &err)) {
        return;
    }
    FUZZ_CHECK(!from_start);
    FUZZ_CHECK(flatten_right(ctx, &l, &right) == KOC_OK);
    FUZZ_CHECK(koc__str_eq(koc__dynbuf_view(&lied), koc__dynbuf_view(&right)));
}

static void check_tar(koc_ctx *ctx, liar l)
{
    KOC__AUTO(koc_image) img = image_with(ctx, &l);
    KOC__AUTO(koc_reader) r = NULL;
    char buf[1000];
    size_t n = 1;
    koc_error *err = NULL;
    int rc = koc_layer_open_tar(koc_image_layer(img, 0), NULL, &r, &err);
    while (rc == KOC_OK && n > 0) {
        rc = koc_reader_read(r, buf, sizeof(buf), &n, &err);
    }
    FUZZ_CHECK(!fuzz_ok(rc, &err) || !l.lied || l.truth.len == 0);
}

static void check_layout(koc_ctx *ctx, liar l)
{
    KOC__AUTO(koc_image) img = image_with(ctx, &l);
    KOC__AUTO_STR dir = koc__format("%s/layout", fuzz_directory());
    koc_layout *layout = NULL;
    koc_error *err = NULL;
    FUZZ_CHECK(dir);
    FUZZ_CHECK(fuzz_ok(koc_layout_open(ctx, dir, KOC_LAYOUT_CREATE, &layout, &err), &err));
    FUZZ_CHECK(!fuzz_ok(koc_layout_put_image(layout, img, "x", NULL, &err), &err) || !l.lied ||
               l.truth.len == 0);
    koc_layout_unref(layout);
    (void)koc__fs_remove(dir, NULL);
}

static void check_archive(koc_ctx *ctx, liar l)
{
    KOC__AUTO(koc_image) img = image_with(ctx, &l);
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(OUT_MAX);
    const koc_writer w = {to_buf, &out};
    const koc_archive_image one = {sizeof(koc_archive_image), 0, img, NULL, 0};
    koc_error *err = NULL;
    FUZZ_CHECK(!fuzz_ok(koc_archive_write(ctx, &one, 1, &w, NULL, &err), &err) || !l.lied ||
               l.truth.len == 0);
}

/* The tar, and zeros behind its end, as tar programs write them to fill a block. */
static char *pad(const uint8_t *data, size_t size, size_t blocks, size_t *len)
{
    *len = size + blocks * BLOCK;
    char *text = koc__calloc(1, *len + 1);
    FUZZ_CHECK(text);
    if (size > 0) {
        memcpy(text, data, size);
    }
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static koc_ctx *ctx; /* one for all runs */
    koc_error *err = NULL;
    size_t len = 0;
    if (size < 3) {
        return 0;
    }
    if (!ctx) {
        FUZZ_CHECK(koc_ctx_new(NULL, &ctx, &err) == KOC_OK);
    }
    KOC__AUTO_STR text = pad(data + 3, size - 3, data[2] / 3, &len);
    size_t at = len > 0 ? ((size_t)data[0] * 256 + data[1]) * 37 % len : 0;
    const liar l = {koc__str_n(text, len), at, data[2] % 3, false};
    check_flatten(ctx, l);
    check_tar(ctx, l);
    check_layout(ctx, l);
    check_archive(ctx, l);
    return 0;
}
