/* Requests without HTTP: a server over a layout of its own. */
#ifndef KOC_TESTS_UNIT_SERVE_FIXTURE_H
#define KOC_TESTS_UNIT_SERVE_FIXTURE_H

#include "core/common.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "serve/serve.h"
#include "store/layout.h"
#include "test.h"

typedef struct fixture {
    koc_ctx *ctx;
    koc_layout *layout;
    koc__call call;
    koc__server server;
} fixture;

static inline void dispose(fixture *f)
{
    koc__server_dispose(&f->server);
    koc__call_end(&f->call);
    koc_layout_unref(f->layout);
    koc_ctx_unref(f->ctx);
}
KOC__DEFINE_AUTO_VAL(fixture, dispose);

static inline void begin(fixture *f, uint32_t flags, uint64_t max_blob)
{
    koc_serve_options o = KOC_SERVE_OPTIONS_INIT;
    o.flags = flags;
    o.max_blob = max_blob;
    o.repository = "home";
    assert_int_equal(koc_ctx_new(NULL, &f->ctx, NULL), KOC_OK);
    assert_int_equal(
        koc_layout_open(f->ctx, koc_test_path("layout"), KOC_LAYOUT_CREATE, &f->layout, NULL),
        KOC_OK);
    assert_int_equal(koc__call_begin(&f->call, f->ctx, NULL, NULL), KOC_OK);
    assert_int_equal(koc__server_init(&f->server, f->ctx, f->layout, &o, &f->call, NULL), KOC_OK);
}

static inline void put_number(char *out, size_t size, size_t n)
{
    snprintf(out, size, "%zu", n);
}

/* One request from head to reply; the caller frees it. */
static inline koc__served_exchange *request(fixture *f, const char *method, const char *target,
                                            const char *body, const char *content_range,
                                            const char *type)
{
    char length[32];
    koc__served_exchange *x = koc__served_exchange_new(&f->server, target);
    assert_non_null(x);
    const size_t total = body ? strlen(body) : 0;
    const size_t step = KOC__MAX(total / 1000, (size_t)3);
    put_number(length, sizeof(length), total);
    koc__head head = {.method = method,
                      .target = target,
                      .content_length = length,
                      .content_range = content_range,
                      .content_type = type};
    koc__served_exchange_begin(x, &head);
    for (size_t i = 0; i < total; i += step) {
        koc__served_exchange_body(x, body + i, KOC__MIN(total - i, step));
    }
    koc__served_exchange_end(x);
    return x;
}

static inline int status_of(fixture *f, const char *method, const char *target, const char *body)
{
    koc__served_exchange *x = request(f, method, target, body, NULL, NULL);
    int status = x->reply.status;
    koc__served_exchange_free(x);
    return status;
}

static inline const char *header(const koc__served_exchange *x, const char *name)
{
    for (size_t i = 0; i < x->reply.n_headers; i++) {
        if (strcmp(x->reply.names[i], name) == 0) {
            return x->reply.values[i];
        }
    }
    return "";
}

static inline const char *digest_of(const char *text)
{
    static char out[KOC_DIGEST_TEXT_MAX];
    koc_digest d;
    koc__sha256_of(text, strlen(text), &d);
    koc_digest_format(&d, out, sizeof(out), NULL);
    return out;
}

/* The path of a new upload. */
static inline char *start(fixture *f)
{
    koc__served_exchange *x = request(f, "POST", "/v2/a/blobs/uploads/", NULL, NULL, NULL);
    assert_int_equal(x->reply.status, 202);
    char *path = koc__strdup(header(x, "Location"));
    koc__served_exchange_free(x);
    return path;
}

static inline void push_blob(fixture *f, const char *content)
{
    KOC__AUTO_STR target = koc__format("/v2/a/blobs/uploads/?digest=%s", digest_of(content));
    assert_int_equal(status_of(f, "POST", target, content), 201);
}

static inline char *manifest(const char *config, const char *subject)
{
    KOC__AUTO_STR refers =
        subject ? koc__format(",\"subject\":{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                              "\",\"size\":2,\"digest\":\"%s\"},\"artifactType\":\"a/b\"",
                              subject)
                : koc__strdup("");
    return koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                       "\",\"config\":{\"mediaType\":\"" KOC_MT_OCI_CONFIG
                       "\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[]%s}",
                       strlen(config), digest_of(config), refers);
}

static inline int put(fixture *f, const char *target, const char *body, const char *type)
{
    koc__served_exchange *x = request(f, "PUT", target, body, NULL, type);
    int status = x->reply.status;
    koc__served_exchange_free(x);
    return status;
}

#endif
