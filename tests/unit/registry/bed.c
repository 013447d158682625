#include "bed.h"

static int on_progress(const koc_progress *e, void *self)
{
    bed *b = self;
    size_t used = strlen(b->waits);
    if (e->kind != KOC_PROGRESS_REQUEST) {
        used = strlen(b->events);
        if (e->state != KOC_STATE_ACTIVE) {
            snprintf(b->events + used, sizeof(b->events) - used, "%s %d\n",
                     e->kind == KOC_PROGRESS_BLOB ? "blob" : "manifest", e->state);
        }
        return 0;
    }
    if (e->state == KOC_STATE_WAITING) {
        snprintf(b->waits + used, sizeof(b->waits) - used, "%s (%u, %s)\n", e->reason, e->attempt,
                 e->wait_ms > 0 ? "known" : "-");
    } else {
        snprintf(b->waits + used, sizeof(b->waits) - used, "state %d\n", e->state);
    }
    return 0;
}

static void on_log(int32_t level KOC__UNUSED, const char *component, const char *message,
                   void *self)
{
    bed *b = self;
    size_t used = strlen(b->log);
    snprintf(b->log + used, sizeof(b->log) - used, "%s: %s\n", component, message);
}

static void open_bed(bed *b, const scripted_rule *rules, const koc_client_options *options,
                     const char *cache)
{
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    koc_ctx_options co = KOC_CTX_OPTIONS_INIT;
    koc__host *h = NULL;
    memset(b, 0, sizeof(*b));
    b->server = scripted_start(rules);
    b->host = scripted_host(b->server);
    co.log = on_log;
    co.log_payload = b;
    co.log_level = KOC_LOG_TRACE;
    co.cache_dir = cache;
    assert_int_equal(koc_ctx_new(&co, &b->ctx, NULL), KOC_OK);
    if (options) {
        o = *options;
    } else {
        o.max_attempts = 2;
    }
    o.flags |= KOC_CLIENT_NO_PROXY_ENV;
    assert_int_equal(koc_client_new(b->ctx, &o, &b->client, NULL), KOC_OK);
    assert_int_equal(koc__client_host(b->client, b->host, &h, NULL), KOC_OK);
    koc__reach_set_scheme(h->reach, false);
    b->op = (koc_op)KOC_OP_INIT;
    b->op.progress = on_progress;
    b->op.payload = b;
    b->op.timeout_ms = 20000;
}

void bed_open(bed *b, const scripted_rule *rules, const koc_client_options *options)
{
    open_bed(b, rules, options, NULL);
}

void bed_open_cached(bed *b, const scripted_rule *rules, const koc_client_options *options)
{
    open_bed(b, rules, options, koc_test_path("cache"));
}

/* The credential is for the server alone, whose port is known when it listens. */
void bed_open_login(bed *b, const scripted_rule *rules, int32_t kind, const char *user,
                    const char *secret)
{
    koc_credential *cred = NULL;
    bed_open(b, rules, NULL);
    assert_int_equal(koc_credential_new(kind, user, secret, &cred, NULL), KOC_OK);
    assert_int_equal(koc_auth_static(b->host, cred, &b->client->auth, NULL), KOC_OK);
    koc_credential_free(cred);
}

void bed_close(bed *b)
{
    koc_error_free(b->err);
    koc_client_unref(b->client);
    koc_ctx_unref(b->ctx);
    if (b->server) {
        scripted_stop(b->server);
    }
}

koc_reference *bed_reference(bed *b, const char *rest)
{
    koc_reference *r = NULL;
    KOC__AUTO_STR text = koc__format("%s%s", b->host, rest);
    assert_int_equal(koc_reference_parse(text, 0, &r, NULL), KOC_OK);
    return r;
}

void bed_forget_error(bed *b)
{
    koc_error_free(b->err);
    b->err = NULL;
}

int bed_get_manifest(bed *b)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, "/x:v1");
    koc_buf bytes = KOC_BUF_INIT;
    bed_forget_error(b);
    int rc = koc_client_get_manifest(b->client, r, &b->op, &bytes, NULL, NULL, &b->err);
    koc_buf_dispose(&bytes);
    return rc;
}

static void digest_of(const char *text, koc_digest *out)
{
    koc__sha256_of(text, strlen(text), out);
}

const char *bed_digest(const char *text)
{
    static char texts[4][KOC_DIGEST_TEXT_MAX];
    static unsigned turn;
    char *out = texts[turn++ % 4];
    koc_digest d;
    digest_of(text, &d);
    assert_int_equal(koc_digest_format(&d, out, KOC_DIGEST_TEXT_MAX, NULL), KOC_OK);
    return out;
}

const char *bed_digest_field(const char *text)
{
    static char fields[4][KOC_DIGEST_TEXT_MAX + 32];
    static unsigned turn;
    char *out = fields[turn++ % 4];
    snprintf(out, sizeof(fields[0]), "Docker-Content-Digest: %s\r\n", bed_digest(text));
    return out;
}

int bed_read_blob(bed *b, const char *text, uint64_t size, size_t piece)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, "/x");
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_blob *blob = NULL;
    koc_reader *reader = NULL;
    char got[1024], chunk[1024];
    size_t n = 1, all = 0;
    bed_forget_error(b);
    digest_of(text, &d.digest);
    d.size = size;
    assert_int_equal(koc_client_get_blob(b->client, r, &d, &blob, NULL), KOC_OK);
    int rc = koc_blob_open(blob, 0, &b->op, &reader, &b->err);
    while (rc == KOC_OK && n > 0) {
        rc = koc_reader_read(reader, chunk, piece, &n, &b->err);
        if (rc == KOC_OK) {
            assert_true(all + n < sizeof(got));
            memcpy(got + all, chunk, n);
            all += n;
        }
    }
    if (rc == KOC_OK) {
        got[all] = '\0';
        assert_string_equal(got, text);
    }
    koc_reader_free(reader);
    koc_blob_unref(blob);
    return rc;
}

int bed_put_blob(bed *b, koc_str data)
{
    KOC__AUTO(koc_reference) r = bed_reference(b, "/x");
    koc_blob *blob = NULL;
    bed_forget_error(b);
    assert_int_equal(koc_blob_from_bytes(data, &blob, NULL), KOC_OK);
    int rc = koc_client_put_blob(b->client, r, blob, &b->op, &b->err);
    koc_blob_unref(blob);
    return rc;
}

const char *bed_message(const bed *b)
{
    return b->err ? koc_error_message(b->err) : "";
}

const char *bed_hint(const bed *b)
{
    return b->err && koc_error_hint(b->err) ? koc_error_hint(b->err) : "";
}
