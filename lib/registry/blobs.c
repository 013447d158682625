/* Blobs: existence, mounts, downloads that resume with Range when the connection breaks. */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/io.h"
#include "core/text.h"
#include "registry/host/reported_wait.h"
#include "registry/host/retry.h"
#include "registry/operations.h"

#define IDLE_TRIES_MAX 5 /* breaks in a row without progress */
#define PROGRESS_BYTES ((uint64_t)1 << 20)
#define SKIP_CHUNK     ((size_t)16 << 10)
#define LATE_TRIES     2
#define LATE_WAIT_MS   1500

/* --- existence --- */

int koc__client_has_blob(koc_client *c, const koc_reference *repo, const koc_digest *d,
                         bool pushing, koc__call *call, bool *out, koc_error **err)
{
    static const int also[] = {403, 404, 405, 0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO_STR path = NULL;
    koc__request rq = {.method = "HEAD",
                       .actions = pushing ? KOC__ACT_PULL | KOC__ACT_PUSH : KOC__ACT_PULL};

    KOC__TRY(koc__ref_request(&rq, c, repo, &path, err, "blobs/%s", koc__digest_str(d).s));
    rq.also = also;
    KOC__TRY(koc__request_run(&rq, call, &resp, err));
    *out = resp.status < 300;
    return KOC_OK;
}

int koc_client_stat_blob(koc_client *c, const koc_reference *r, const koc_op *user, uint64_t *size,
                         koc_error **err)
{
    static const int also[] = {404, 0};
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO_STR path = NULL;
    koc__request rq = {.method = "HEAD", .actions = KOC__ACT_PULL};
    if (!c || !r || !koc_reference_digest(r) || !size) {
        return koc__misuse(err, "koc_client_stat_blob: c, r or size is NULL, or r has no digest");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__ref_request(&rq, c, r, &path, err, "blobs/%s",
                              koc__digest_str(koc_reference_digest(r)).s));
    rq.also = also;
    int rc = koc__request_run(&rq, &call, &resp, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "cannot look for the blob %s", koc_reference_string(r));
    }
    if (resp.status == 404) {
        koc__error(err, KOC_ENOTFOUND, "%s: no such blob", koc_reference_string(r));
        koc__error_http(err, 404, NULL);
        return KOC_ENOTFOUND;
    }
    return koc__http_length(&resp.headers, size)
               ? KOC_OK
               : koc__error(err, KOC_EUNSUPPORTED, "%s: the registry does not tell its size",
                            koc_reference_string(r));
}

/* --- mount --- */

int koc__mount(koc__blob_upload *b, const char *from, koc__call *call, bool *mounted,
               koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO_STR path = NULL;
    koc_error *ignored = NULL;
    koc__request rq = {.method = "POST", .actions = KOC__ACT_PULL | KOC__ACT_PUSH};
    *mounted = false;
    KOC__TRY(koc__ref_request(&rq, b->client, b->repo, &path, err,
                              "blobs/uploads/?mount=%s&from=%s", koc__digest_str(b->digest).s,
                              from));
    rq.mount_from = from;
    rq.has_body = true;
    rq.flags = KOC__RQ_ONE_TRY;
    int rc = koc__request_run(&rq, call, &resp, &ignored);
    if (rc != KOC_OK) {
        koc_error_free(ignored);
        /* Whatever the reason is, the ordinary upload will report it. */
        return koc__call_check(call, err);
    }
    *mounted = resp.status == 201;
    if (resp.status == 202 && koc__upload_location(rq.host, &resp, &b->session, NULL) != KOC_OK) {
        b->session = (koc__url)KOC__URL_INIT;
    }
    return KOC_OK;
}

/* --- downloads --- */

typedef struct source {
    koc_client *client;
    koc_reference *repo;
    koc_digest digest;
    uint64_t size;
} source;

typedef struct download {
    source *source; /* borrowed from the blob */
    koc__call *call;
    koc__exchange *exchange;
    uint64_t at;         /* offset of the next byte */
    uint64_t broke_at;   /* offset of the last break */
    uint64_t skip;       /* bytes to skip: the server ignored Range */
    unsigned idle_tries; /* breaks since the last progress */
} download;

static void source_release(void *self)
{
    source *s = self;
    koc_client_unref(s->client);
    koc_reference_unref(s->repo);
    koc__free(s);
}

static int check_part(download *d, const koc__response *resp, koc_error **err)
{
    uint64_t first, last, total, length;
    const source *s = d->source;
    if (resp->status == 206) {
        const char *range = koc__headers_get(&resp->headers, "Content-Range");
        if (koc__headers_count(&resp->headers, "Content-Range") != 1 ||
            !koc__http_content_range(range, &first, &last, &total) || first != d->at ||
            (total != UINT64_MAX && total != s->size)) {
            return koc__error(err, KOC_ENET, "the registry sent another range than koc asked for");
        }
        return KOC_OK;
    }
    d->skip = d->at;
    if (koc__http_length(&resp->headers, &length) && length != s->size) {
        return koc__error(err, KOC_EDIGEST, "the registry has it with %llu bytes instead of %llu",
                          (unsigned long long)length, (unsigned long long)s->size);
    }
    return KOC_OK;
}

/* A registry may need a moment until it shows a blob that was just pushed. */
static int run_until_seen(download *d, const koc__request *rq, koc__response *resp, koc_error **err)
{
    int rc = koc__request_run(rq, d->call, resp, err);
    for (unsigned i = 0; i < LATE_TRIES && rc == KOC_ENOTFOUND && resp->status == 404 &&
                         koc__claim_is_known(rq->host->claims, rq->repository, &d->source->digest);
         i++) {
        koc__error_clear(err);
        KOC__TRY(koc__host_wait(rq->host, d->call, i + 1,
                                "404 Not Found: a blob that was just pushed", LATE_WAIT_MS, err));
        rc = koc__request_run(rq, d->call, resp, err);
    }
    return rc;
}

/* Opens at d->at. */
static int open_at(download *d, koc_error **err)
{
    static const int also[] = {416, 0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO_STR path = NULL;
    const source *s = d->source;
    char range[64];
    koc__request rq = {.method = "GET", .actions = KOC__ACT_PULL};
    d->skip = 0;
    KOC__TRY(koc__ref_request(&rq, s->client, s->repo, &path, err, "blobs/%s",
                              koc__digest_str(&s->digest).s));
    rq.flags = KOC__RQ_STREAM;
    rq.also = also;
    if (d->at > 0) {
        /* Both ends: some registries refuse the open form. */
        snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)d->at,
                 (unsigned long long)s->size - 1);
        rq.range = range;
    }
    int rc = run_until_seen(d, &rq, &resp, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "blob %s", koc__digest_str(&s->digest).s);
    }
    if (resp.status == 416) {
        rq.range = NULL;
        rq.also = NULL;
        KOC__TRY(koc__request_run(&rq, d->call, &resp, err));
    }
    KOC__TRY(check_part(d, &resp, err));
    d->exchange = koc__steal(&resp.exchange);
    return KOC_OK;
}

/* After a broken connection: waits, so that the caller can resume. Else hands failure out. */
static int wait_to_resume(download *d, koc__failure why, koc_error **failure, koc_error **err)
{
    koc__exchange_close(koc__steal(&d->exchange));
    if (d->at - d->broke_at >= PROGRESS_BYTES) {
        d->idle_tries = 0;
    }
    d->broke_at = d->at;
    bool transient = why == KOC__FAIL_BROKEN || why == KOC__FAIL_SILENT;
    if (!transient || ++d->idle_tries > IDLE_TRIES_MAX) {
        return koc__error_move(err, failure);
    }
    char reason[256];
    koc__host *h;
    snprintf(reason, sizeof(reason), "%s at byte %llu of %llu", koc_error_message(*failure),
             (unsigned long long)d->at, (unsigned long long)d->source->size);
    koc__error_clear(failure);
    KOC__TRY(koc__client_host(d->source->client, koc_reference_registry(d->source->repo), &h, err));
    int64_t wait = koc__retry_delay_ms(d->idle_tries - 1, (uint32_t)koc__monotonic_ns());
    return koc__host_wait(h, d->call, d->idle_tries, reason, wait, err);
}

static int skip_bytes(download *d, koc__failure *why, koc_error **err)
{
    char dropped[SKIP_CHUNK];
    while (d->skip > 0) {
        size_t n, want = (size_t)KOC__MIN(d->skip, (uint64_t)sizeof(dropped));
        KOC__TRY(koc__exchange_read(d->exchange, d->call, dropped, want, &n, why, err));
        if (n == 0) {
            *why = KOC__FAIL_BROKEN;
            return koc__error(err, KOC_ENET, "the reply ended early");
        }
        d->skip -= n;
    }
    return KOC_OK;
}

static int download_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    download *d = self;
    uint64_t left = d->source->size - d->at;
    if (left == 0) {
        koc__exchange_close(koc__steal(&d->exchange));
        *n_read = 0;
        return KOC_OK;
    }
    len = (size_t)KOC__MIN((uint64_t)len, left);
    for (;;) {
        koc_error *failure = NULL;
        koc__failure why = KOC__FAIL_LOCAL;
        size_t n = 0;
        if (!d->exchange) {
            KOC__TRY(open_at(d, err));
        }
        int rc = skip_bytes(d, &why, &failure);
        if (rc == KOC_OK) {
            rc = koc__exchange_read(d->exchange, d->call, buf, len, &n, &why, &failure);
        }
        if (rc == KOC_OK && n == 0) {
            why = KOC__FAIL_BROKEN;
            rc = koc__error(&failure, KOC_ENET, "the reply ended early");
        }
        if (rc == KOC_OK) {
            d->at += n;
            *n_read = n;
            return KOC_OK;
        }
        KOC__TRY(wait_to_resume(d, why, &failure, err));
    }
}

static void download_close(void *self)
{
    download *d = self;
    koc__exchange_close(d->exchange);
    koc__free(d);
}

static const koc__reader_vt download_vt = {download_read, download_close};

static int source_open(void *self, uint64_t offset, koc__call *call, koc_reader **out,
                       koc_error **err)
{
    source *s = self;
    KOC__AUTO(koc_reader) r = NULL;
    download *d = koc__calloc(1, sizeof(*d));
    if (!d) {
        return koc__oom(err);
    }
    d->source = s;
    d->call = call;
    d->at = d->broke_at = offset;
    int rc = koc__reader_make(&download_vt, d, &r, err);
    if (rc != KOC_OK) {
        download_close(d);
        return rc;
    }
    if (offset == 0) {
        KOC__TRY(koc__reader_verify(r, s->size, &s->digest, out, err));
        r = NULL;
        return KOC_OK;
    }
    *out = koc__steal(&r);
    return KOC_OK;
}

static const koc__blob_vt source_vt = {.open = source_open, .release = source_release};

int koc_client_get_blob(koc_client *c, const koc_reference *repo, const koc_descriptor *d,
                        koc_blob **out, koc_error **err)
{
    if (!c || !repo || !d || !out) {
        return koc__misuse(err, "koc_client_get_blob: c, repo, d or out is NULL");
    }
    source *s = koc__calloc(1, sizeof(*s));
    if (!s) {
        return koc__oom(err);
    }
    s->client = koc_client_ref(c);
    s->digest = d->digest;
    s->size = d->size;
    int rc = koc_reference_with_tag(repo, NULL, &s->repo, err);
    if (rc == KOC_OK) {
        rc = koc__blob_make(&source_vt, s, s->size, &s->digest, out, err);
    }
    if (rc != KOC_OK) {
        source_release(s);
    }
    return rc;
}
