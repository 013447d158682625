#include "helper.h"

#include "core/io/fs.h"

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
    assert_int_equal(koc_error_code(*err), code);
    koc__error_clear(err);
}

koc_ctx *context(unsigned threads, const char *cache)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    koc_error *err = NULL;
    o.threads = threads;
    o.cache_dir = cache;
    ok(koc_ctx_new(&o, &ctx, &err), err);
    return ctx;
}

typedef struct source {
    const char *data;
    size_t left, step;
} source;

static int source_read(void *self, void *buf, size_t len, size_t *n_read,
                       koc_error **err KOC__UNUSED)
{
    source *s = self;
    size_t n = KOC__MIN(KOC__MIN(len, s->left), s->step);
    if (n > 0) {
        memcpy(buf, s->data, n);
    }
    s->data += n;
    s->left -= n;
    *n_read = n;
    return KOC_OK;
}

static void source_close(void *self)
{
    koc__free(self);
}

koc_reader *trickle(const void *data, size_t len, size_t step)
{
    static const koc__reader_vt vt = {source_read, source_close};
    source *s = koc__malloc(sizeof(*s));
    koc_reader *r = NULL;
    koc_error *err = NULL;
    assert_non_null(s);
    *s = (source){data, len, step};
    ok(koc__reader_make(&vt, s, &r, &err), err);
    return r;
}

int slurp(koc_reader *r, koc__dynbuf *out, koc_error **err)
{
    KOC__AUTO(koc_reader) in = r;
    char chunk[32 * 1024];
    out->max = TEST_MAX;
    for (;;) {
        size_t n = 0;
        KOC__TRY(koc_reader_read(in, chunk, sizeof(chunk), &n, err));
        if (n == 0) {
            return KOC_OK;
        }
        KOC__TRY(koc__dynbuf_append(out, chunk, n, err));
    }
}

void layer_bytes(koc_layer *l, koc__dynbuf *out)
{
    koc_reader *r = NULL;
    koc_error *err = NULL;
    ok(koc_layer_open(l, NULL, &r, &err), err);
    ok(slurp(r, out, &err), err);
    koc_digest d = {0};
    koc__sha256_of(out->ptr, out->len, &d);
    assert_true(koc_digest_equal(&d, &koc_layer_descriptor(l)->digest));
    assert_int_equal(out->len, koc_layer_descriptor(l)->size);
}

void layer_tar(koc_layer *l, koc__dynbuf *out)
{
    koc_reader *r = NULL;
    koc_error *err = NULL;
    koc_digest d = {0};
    koc_digest diff_id = {0};
    ok(koc_layer_open_tar(l, NULL, &r, &err), err);
    ok(slurp(r, out, &err), err);
    ok(koc_layer_diff_id(l, NULL, &diff_id, &err), err);
    koc__sha256_of(out->ptr, out->len, &d);
    assert_true(koc_digest_equal(&d, &diff_id));
}

void noise(uint8_t *out, size_t len, uint32_t seed, bool text)
{
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        out[i] = (uint8_t)(text ? "etaoin shrdlu\n"[(x >> 8) % 14 * ((x >> 20) % 3) % 14]
                                : (char)(x >> 9));
    }
}

void golden(const char *name, koc__dynbuf *out)
{
    koc_error *err = NULL;
    KOC__AUTO_STR path = koc__format("%s/%s", KOC__TEST_DATA, name);
    out->max = TEST_MAX;
    ok(koc__fs_read_file(path, out, &err), err);
}

int gunzip(const void *data, size_t len, size_t step, uint64_t max, koc__dynbuf *out,
           koc_error **err)
{
    koc_reader *in = trickle(data, len, step);
    koc_reader *r = NULL;
    int rc = koc__gunzip_new(in, max, &r, err);
    if (rc != KOC_OK) {
        koc_reader_free(in);
        return rc;
    }
    return slurp(r, out, err);
}
