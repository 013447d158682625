/*
 * What a Docker daemon answers: to the first questions, to a load, to an export. The parts are its answers in
 * turn, in place of the network: a status, header lines, an empty line, a body.
 */
#include "directory.h"
#include "layers.h"

#include "daemon/daemon.h"

#undef setenv

enum { PIECE = 100 };

/* One answer that is being read. */
typedef struct answer {
    koc_str body;
} answer;

static koc_str answers;

/* The linker puts these in the place of the transport's (meson.build). */
int __wrap_koc__exchange_open(koc__http_pool *t, const koc__http_request *rq, koc__call *call,
                              koc__http_reply *reply, koc__exchange **out, koc_error **err);
int __wrap_koc__exchange_read(koc__exchange *x, koc__call *call, void *buf, size_t len, size_t *n,
                              koc__failure *why, koc_error **err);
void __wrap_koc__exchange_close(koc__exchange *x);

static void add_header(koc__http_reply *reply, koc_str line)
{
    koc_str name;
    koc_str value;
    if (koc__str_cut(line, ':', &name, &value)) {
        KOC__AUTO_STR key = fuzz_text((const uint8_t *)name.ptr, name.len);
        KOC__AUTO_STR text = fuzz_text((const uint8_t *)value.ptr, value.len);
        (void)koc__headers_put(&reply->headers, key, text, NULL); /* refuses what no header holds */
    }
}

int __wrap_koc__exchange_open(koc__http_pool *t, const koc__http_request *rq, koc__call *call,
                              koc__http_reply *reply, koc__exchange **out, koc_error **err)
{
    koc_str rest = next_part(&answers);
    koc_str line = {0};
    uint64_t status = 0;
    (void)t;
    (void)call;
    FUZZ_CHECK(rq->url->target[0] == '/' && !strpbrk(rq->url->target, " \r\n"));
    koc__str_split(&rest, '\n', &line);
    if (!koc__str_u64(line, &status) || status < 100 || status > 599) {
        reply->failure = KOC__FAIL_CONNECT;
        return koc__error(err, KOC_ENET, "there is no daemon");
    }
    reply->status = (int)status;
    while (koc__str_split(&rest, '\n', &line) && line.len > 0) {
        add_header(reply, line);
    }
    answer *a = koc__malloc(sizeof(*a));
    FUZZ_CHECK(a);
    a->body = rest;
    *out = (koc__exchange *)a;
    return KOC_OK;
}

int __wrap_koc__exchange_read(koc__exchange *x, koc__call *call, void *buf, size_t len, size_t *n,
                              koc__failure *why, koc_error **err)
{
    answer *a = (answer *)x;
    (void)call;
    (void)why;
    (void)err;
    *n = KOC__MIN(KOC__MIN(len, (size_t)PIECE), a->body.len);
    if (*n > 0) {
        memcpy(buf, a->body.ptr, *n);
    }
    a->body = koc__str_from(a->body, *n);
    return KOC_OK;
}

void __wrap_koc__exchange_close(koc__exchange *x)
{
    koc__free(x);
}

static void load(koc__engine *e, koc_ctx *ctx, koc__call *call)
{
    static const koc_str tar = {"", 0};
    koc_reference *name = NULL;
    koc__local_result result = {0};
    koc_error *err = NULL;
    KOC__AUTO(koc_image) img = image_of(ctx, &tar, 1);
    KOC__AUTO(koc_blob) blob = NULL;
    FUZZ_CHECK(koc_blob_from_bytes(tar, &blob, &err) == KOC_OK);
    FUZZ_CHECK(koc__image_attach(img, 0, blob, NULL, &err) == KOC_OK);
    FUZZ_CHECK(koc_reference_parse("r.example/a:v1", 0, &name, &err) == KOC_OK);
    fuzz_ok(koc__engine_load(e, img, &name, 1, call, &result, &err), &err);
    koc_reference_unref(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static koc_ctx *ctx; /* one for all runs */
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO(koc__engine) e = NULL;
    koc_error *err = NULL;
    if (!ctx) {
        FUZZ_CHECK(setenv("DOCKER_HOST", "tcp://127.0.0.1:1", 1) == 0);
        FUZZ_CHECK(koc_ctx_new(NULL, &ctx, &err) == KOC_OK);
    }
    answers = fuzz_str(data, size);
    FUZZ_CHECK(koc__call_begin(&call, ctx, NULL, &err) == KOC_OK);
    if (!fuzz_ok(koc__engine_open(&call, &e, &err), &err)) {
        return 0;
    }
    FUZZ_CHECK(e->os && e->arch);
    load(e, ctx, &call);
    KOC__AUTO_STR path = koc__format("%s/export.tar", fuzz_directory());
    FUZZ_CHECK(path);
    fuzz_ok(koc__engine_export(e, "r.example/a:v1", path, &call, &err), &err);
    (void)unlink(path);
    return 0;
}
