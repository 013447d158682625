/*
 * Uploads: POST opens a session, one PUT carries the blob. If the registry refuses that
 * form, koc tries PATCH once before the answer is final, and the other way round. If a body is
 * refused for its size or cut, koc sends smaller chunks, from the offset that the registry reports
 * or from the start of a new session. Each upload finds this out for itself; the habits of the host
 * (upload_state.h) only decide how it begins. A session left by an earlier run is resumed if the
 * registry still has it (upload_journal.h).
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/io.h"
#include "core/text.h"
#include "registry/host/reported_wait.h"
#include "registry/host/retry.h"
#include "registry/operations.h"
#include "registry/upload_journal.h"
#include "registry/upload_state.h"

#define TRIES_MAX      8 /* sessions in a row without progress */
#define WAITING_MAX_MS 120000
#define CANCEL_MS      2000
#define SETTLE_BYTES   ((uint64_t)256 << 10)
#define SETTLE_MS      200
#define PUSH           (KOC__ACT_PULL | KOC__ACT_PUSH)

typedef struct upload {
    koc_client *client;
    koc__host *host;
    const koc_reference *repo;
    koc_blob *blob;
    const koc_digest *digest;
    uint64_t size;
    koc__call *call;
    uint64_t progress_id;
    /* The session. */
    koc__url session; /* empty: none is open */
    koc__cookies cookies;
    koc__journal journal; /* keeps the session for the next run */
    uint64_t minimum;     /* OCI-Chunk-Min-Length */
    uint64_t at;          /* bytes that the registry accepted */
    bool patched;         /* it accepted a PATCH */
    /* The request that is under way. */
    uint64_t base; /* offset of its body */
    uint64_t sent; /* bytes of its body that went to the network */
    /* What this upload found out. */
    uint64_t best;     /* the largest offset that any session reached */
    uint64_t body_max; /* a longer body was refused or cut; 0: none was */
    bool by_patch;     /* the form to use */
    bool put_failed;   /* a PUT of the whole blob did not work, whatever the reason */
    bool put_refused;  /* the registry refused the form */
    bool patch_refused;
    bool tail_in_put;   /* the last chunk goes with the closing PUT, which fails without a body */
    bool fresh_each;    /* connections are cut after some bytes: each chunk gets a new one */
    bool no_cookies;    /* the registry refused a request with cookies */
    bool rehashed;      /* the local content was checked: it has not changed */
    koc_error *refusal; /* the registry's answer to the refused PUT */
    unsigned tries;     /* without progress, in a row */
    unsigned cuts;      /* PUTs that broke in the middle */
    unsigned failures;  /* answers of 5xx, and of 202 without the blob */
    int64_t waited_ms;  /* between tries, in all */
} upload;

/* --- sessions --- */

static void on_sent(void *self, uint64_t bytes)
{
    upload *u = self;
    koc_progress event = KOC_PROGRESS_INIT;
    u->sent = bytes;
    if (!koc__call_wants_progress(u->call)) {
        return;
    }
    koc__digest_text text = koc__digest_str(u->digest);
    event.kind = KOC_PROGRESS_BLOB;
    event.state = KOC_STATE_ACTIVE;
    event.what = text.s;
    event.digest = u->digest;
    event.done = u->base + bytes;
    event.total = u->size;
    event.id = u->progress_id;
    koc__call_progress(u->call, &event);
}

static void set_session(upload *u, koc__url *to)
{
    koc__url_dispose(&u->session);
    u->session = *to;
    *to = (koc__url)KOC__URL_INIT;
}

static koc__request session_request(upload *u, const char *method, const koc__url *url)
{
    return (koc__request){.host = u->host,
                          .what = KOC__DO_UPLOAD_SEND,
                          .method = method,
                          .url = url,
                          .repository = koc_reference_repository(u->repo),
                          .actions = PUSH,
                          .cookies = u->no_cookies ? NULL : &u->cookies,
                          .fresh = u->fresh_each};
}

/* Uses the newest Location, if the reply has one. */
static int follow_location(upload *u, const koc__response *resp, koc_error **err)
{
    koc__url next = KOC__URL_INIT;
    if (!koc__headers_get(&resp->headers, "Location")) {
        return KOC_OK;
    }
    KOC__TRY(koc__upload_location(u->host, resp, &next, err));
    set_session(u, &next);
    koc__journal_note(&u->journal, u->host, &u->session);
    return KOC_OK;
}

static int open_session(upload *u, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO_STR path = NULL;
    koc__url where = KOC__URL_INIT;
    koc__request rq = {.method = "POST", .actions = PUSH};
    KOC__TRY(koc__ref_request(&rq, u->client, u->repo, &path, err, "blobs/uploads/"));
    rq.has_body = true;
    rq.fresh = u->fresh_each;
    koc__cookies_clear(&u->cookies); /* those of a session before */
    rq.cookies = u->no_cookies ? NULL : &u->cookies;
    KOC__TRY(koc__request_run(&rq, u->call, &resp, err));
    KOC__TRY(koc__upload_location(u->host, &resp, &where, err));
    set_session(u, &where);
    koc__journal_note(&u->journal, u->host, &u->session);
    u->at = 0;
    u->patched = false;
    u->minimum = 0;
    const char *minimum = koc__headers_get(&resp.headers, "OCI-Chunk-Min-Length");
    if (minimum && (!koc__str_u64(koc__str(minimum), &u->minimum) || u->minimum > u->size)) {
        u->minimum = 0;
    }
    return KOC_OK;
}

/* Cancels a session that failed; the answer does not matter. If the registry cannot be
 * reached, the next run may resume the session. */
static void cancel_session(upload *u)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    koc_op limit = KOC_OP_INIT;
    if (!u->session.host) {
        return;
    }
    limit.timeout_ms = CANCEL_MS;
    if (koc__call_begin(&call, u->client->ctx, &limit, NULL) != KOC_OK) {
        return;
    }
    koc__request rq = session_request(u, "DELETE", &u->session);
    rq.flags = KOC__RQ_ONE_TRY;
    if (koc__request_run(&rq, &call, &resp, NULL) == KOC_OK || resp.status != 0) {
        koc__journal_forget(&u->journal);
    }
    koc__url_dispose(&u->session);
}

int koc__client_check_push(koc_client *c, const koc_reference *repo, koc__call *call,
                           koc_error **err)
{
    upload u = {.client = c, .repo = repo, .call = call, .journal = KOC__JOURNAL_INIT};
    KOC__TRY(koc__client_host(c, koc_reference_registry(repo), &u.host, err));
    int rc = open_session(&u, err);
    if (rc == KOC_OK) {
        cancel_session(&u);
    }
    koc__cookies_clear(&u.cookies);
    return koc__error_prefix(err, rc, "cannot push to %s", koc__reference_context(repo));
}

/* --- one PUT --- */

/* Content-Range of the next size bytes. */
static const char *range_from(const upload *u, uint64_t size, char out[64])
{
    snprintf(out, 64, "%llu-%llu", (unsigned long long)u->at,
             (unsigned long long)(u->at + size - 1));
    return out;
}

/* Closes the session with the bytes from u->at on. */
static int put_rest(upload *u, koc__response *resp, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    char range[64];
    KOC__TRY(koc__url_copy(&u->session, &url, err));
    KOC__TRY(koc__url_add_query(&url, "digest", koc__str(koc__digest_str(u->digest).s), err));
    koc__request rq = session_request(u, "PUT", &url);
    rq.content_type = "application/octet-stream";
    rq.has_body = true;
    rq.flags = KOC__RQ_UNSAFE | KOC__RQ_SLOW;
    if (u->at < u->size) {
        rq.blob = u->blob;
        rq.blob_offset = u->at;
        rq.blob_size = u->size - u->at;
        rq.sent = on_sent;
        rq.sent_self = u;
        rq.content_range = u->at > 0 ? range_from(u, u->size - u->at, range) : NULL;
    }
    u->base = u->at;
    u->sent = 0;
    return koc__request_run(&rq, u->call, resp, err);
}

/* --- chunks --- */

/* The longest body that may succeed; 0: no limit is known. */
static uint64_t body_max(const upload *u)
{
    uint64_t known = koc__upload_smaller(u->body_max, koc__upload_body_max(&u->host->uploads));
    return known ? KOC__MAX(known, u->minimum) : 0;
}

static void lower_body_max(upload *u, uint64_t max)
{
    u->body_max = koc__upload_smaller(u->body_max, max);
    koc__upload_limit_body(&u->host->uploads, max);
}

/* Whether the next bytes go by PATCH. */
static bool needs_patch(const upload *u)
{
    uint64_t left = u->size - u->at, most = body_max(u);
    if (left == 0 || u->patch_refused) {
        return false;
    }
    if (most > 0 && u->patched && u->tail_in_put) {
        return left > most;
    }
    return u->by_patch || u->patched || (most > 0 && left > most);
}

/* Without a known limit the blob goes in one PATCH, as docker sends it. */
static uint64_t chunk_size(const upload *u)
{
    uint64_t most = body_max(u);
    if (most == 0 && u->minimum == 0 && u->at == 0) {
        return u->size;
    }
    return KOC__MIN(koc__chunk_size(u->host->name, most, u->minimum), u->size - u->at);
}

static int send_patch(upload *u, uint64_t size, koc__response *resp, koc_error **err)
{
    char range[64];
    koc__request rq = session_request(u, "PATCH", &u->session);
    /* Some registries that accept a blob in one PATCH do not know the field. */
    rq.content_range = size < u->size ? range_from(u, size, range) : NULL;
    rq.content_type = "application/octet-stream";
    rq.has_body = true;
    rq.blob = u->blob;
    rq.blob_offset = u->at;
    rq.blob_size = size;
    rq.sent = on_sent;
    rq.sent_self = u;
    rq.flags = KOC__RQ_UNSAFE | KOC__RQ_SLOW;
    u->base = u->at;
    u->sent = 0;
    return koc__request_run(&rq, u->call, resp, err);
}

/* Asks for the offset of the session. *alive false: it is lost. */
static int query_session(upload *u, bool *alive, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    koc_error *ignored = NULL;
    *alive = false;
    if (u->sent > SETTLE_BYTES) {
        /* the registry still reads what came before the break */
        KOC__TRY(koc__call_sleep(u->call, SETTLE_MS, err));
    }
    koc__request rq = session_request(u, "GET", &u->session);
    int rc = koc__request_run(&rq, u->call, &resp, &ignored);
    koc_error_free(ignored);
    if (rc != KOC_OK) {
        return koc__call_check(u->call, err);
    }
    uint64_t at = koc__upload_resume(koc__headers_get(&resp.headers, "Range"), u->base + u->sent);
    if (at == KOC__OFFSET_LOST || resp.status != 204) {
        return KOC_OK;
    }
    KOC__TRY(follow_location(u, &resp, err));
    u->at = at;
    *alive = true;
    return KOC_OK;
}

/* --- retries --- */

/* Waits before the next round. When there is none left, hands failure out. */
static int wait_for_round(upload *u, koc_error **failure, koc_error **err)
{
    if (u->at > u->best + KOC__CHUNK_SMALLEST) {
        u->best = u->at;
        u->tries = 0;
    }
    int64_t wait = koc__retry_delay_ms(u->tries, (uint32_t)koc__monotonic_ns());
    if (++u->tries >= TRIES_MAX || u->waited_ms + wait > WAITING_MAX_MS) {
        if (*failure) {
            return koc__error_move(err, failure);
        }
        return koc__error(err, KOC_EHTTP, "the registry lost the upload repeatedly");
    }
    char reason[256];
    snprintf(reason, sizeof(reason), "%s",
             *failure ? koc_error_message(*failure) : "the registry lost the upload");
    koc__error_clear(failure);
    u->waited_ms += wait;
    return koc__host_wait(u->host, u->call, u->tries, reason, wait, err);
}

/* Starts the next round with a new session. */
static int restart(upload *u, koc_error **failure, koc_error **err)
{
    koc__url_dispose(&u->session);
    return wait_for_round(u, failure, err);
}

static void toggle_form(upload *u)
{
    if (!(u->by_patch ? u->put_refused : u->patch_refused)) {
        u->by_patch = !u->by_patch;
    }
}

/* The registry refused the form: tries the other one once before the answer is final. Of two
 * refusals it hands out the one that says more. */
static int try_other_form(upload *u, bool was_patch, int status, koc_error **failure,
                          koc_error **err)
{
    *(was_patch ? &u->patch_refused : &u->put_refused) = true;
    if (u->put_refused && u->patch_refused) {
        return koc__error_move(err, u->refusal ? &u->refusal : failure);
    }
    koc__log(u->client->ctx, KOC_LOG_INFO, "registry", "%s: upload by %s: %s; trying it by %s",
             u->host->name, was_patch ? "PATCH" : "PUT", koc_error_message(*failure),
             was_patch ? "PUT" : "PATCH");
    if (was_patch || koc__upload_is_about_form(status)) {
        koc__error_clear(failure);
    } else {
        koc__error_move(&u->refusal, failure);
    }
    u->by_patch = !was_patch;
    koc__url_dispose(&u->session);
    return KOC_OK;
}

/* The session is lost: the registry may not know this form, or another of several servers
 * answered. */
static int restart_by_other_form(upload *u, koc_error **failure, koc_error **err)
{
    toggle_form(u);
    return restart(u, failure, err);
}

/* Some registries take a request with a cookie for a browser's, and refuse it without a CSRF
 * token. */
static bool cookies_may_be_why(upload *u, const koc__response *resp)
{
    bool may = resp->status == 403 && u->cookies.count > 0 && !u->no_cookies;
    u->no_cookies = u->no_cookies || may;
    return may;
}

/* The registry failed. At every second failure the form changes, since that may be the reason. */
static int retry_after_failure(upload *u, koc_error **failure, koc_error **err)
{
    if (++u->failures % 2 == 0) {
        u->tail_in_put = u->patched && u->base == u->size;
        toggle_form(u);
    }
    return restart(u, failure, err);
}

/* A PUT broke in the middle: resumes at the offset that the registry reports, or restarts
 * (R-150). */
static int resume_or_restart(upload *u, koc_error **failure, koc_error **err)
{
    bool alive = false;
    KOC__TRY(query_session(u, &alive, err));
    if (!alive || u->at == 0) {
        return restart(u, failure, err);
    }
    u->fresh_each = true;
    return wait_for_round(u, failure, err);
}

/* A body of tried bytes was refused for its size, or cut on its way: sends smaller chunks. */
static int send_smaller(upload *u, bool was_patch, const koc__response *resp, uint64_t tried,
                        koc_error **failure, koc_error **err)
{
    bool cut = resp->status == 0, alive = false;
    uint64_t next = koc__chunk_shrink(tried, cut ? u->sent : tried, u->minimum);
    if (next == 0 && cut) {
        return koc__error_move(err, failure);
    }
    if (next == 0 || u->patch_refused) {
        return try_other_form(u, was_patch, resp->status, failure, err);
    }
    lower_body_max(u, KOC__MIN(next, koc__chunk_size(u->host->name, 0, u->minimum)));
    u->fresh_each = u->fresh_each || cut;
    koc__log(u->client->ctx, KOC_LOG_INFO, "registry", "%s: %s; retrying in %llu KiB chunks",
             u->host->name, koc_error_message(*failure), (unsigned long long)(u->body_max >> 10));
    koc__error_clear(failure);
    KOC__TRY(query_session(u, &alive, err));
    if (!alive) {
        koc__url_dispose(&u->session);
    }
    return KOC_OK;
}

/* Whether the failure is local: the registry did not answer anything. */
static bool is_local(int rc, const koc__response *resp)
{
    return rc == KOC_ECANCELLED || rc == KOC_EUSER ||
           (resp->status == 0 && resp->failure == KOC__FAIL_LOCAL);
}

static bool is_cut(const upload *u, const koc__response *resp)
{
    return resp->status == 0 && resp->failure == KOC__FAIL_BROKEN && u->sent > 0;
}

/* After a PATCH that was not accepted: restarts, sends less, changes the form, or fails. */
static int recover_patch(upload *u, uint64_t size, const koc__response *resp, koc_error **failure,
                         koc_error **err)
{
    if (is_cut(u, resp)) {
        return send_smaller(u, true, resp, size, failure, err);
    }
    if (cookies_may_be_why(u, resp)) {
        return restart(u, failure, err);
    }
    switch (koc__upload_verdict(resp->status, resp->error.code, resp->failure)) {
    case KOC__UPLOAD_SMALLER: return send_smaller(u, true, resp, size, failure, err);
    case KOC__UPLOAD_OTHER: return try_other_form(u, true, resp->status, failure, err);
    case KOC__UPLOAD_RESTART: return restart_by_other_form(u, failure, err);
    case KOC__UPLOAD_CONFIRM: return retry_after_failure(u, failure, err);
    default: return koc__error_move(err, failure);
    }
}

static int send_chunk(upload *u, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO(koc_error) failure = NULL;
    uint64_t size = chunk_size(u), end = u->at + size;
    int rc = send_patch(u, size, &resp, &failure);
    if (rc != KOC_OK) {
        return is_local(rc, &resp) ? koc__error_move(err, &failure)
                                   : recover_patch(u, size, &resp, &failure, err);
    }
    uint64_t at = koc__upload_after_chunk(koc__headers_get(&resp.headers, "Range"), u->at, end);
    if (at == KOC__OFFSET_LOST) {
        return restart(u, &failure, err);
    }
    u->at = at;
    u->patched = true;
    return follow_location(u, &resp, err);
}

static int check_local_content(upload *u, koc_error **failure, koc_error **err)
{
    koc_digest now;
    KOC__AUTO(koc_reader) r = NULL;
    KOC__AUTO_STR chunk = koc__malloc(65536);
    koc_hasher *h = NULL;
    size_t n = 1;
    if (!chunk) {
        return koc__oom(err);
    }
    KOC__TRY(koc__blob_open(u->blob, 0, u->call, &r, err));
    KOC__TRY(koc_hasher_new(u->digest->algorithm, &h, err));
    int rc = KOC_OK;
    while (rc == KOC_OK && n > 0) {
        rc = koc_reader_read(r, chunk, 65536, &n, err);
        if (rc == KOC_OK) {
            koc_hasher_update(h, koc__str_n(chunk, n));
        }
    }
    if (rc == KOC_OK) {
        rc = koc_hasher_finish(h, &now, err);
    }
    koc_hasher_free(h);
    KOC__TRY(rc);
    if (!koc_digest_equal(&now, u->digest)) {
        return koc__error(err, KOC_EDIGEST, "the local content changed while it was sent");
    }
    if (u->rehashed) {
        return koc__error_move(err, failure);
    }
    u->rehashed = true;
    return restart(u, failure, err);
}

/* Compares the digest that the registry reports, if it has the same algorithm. */
static int check_stored(const upload *u, const koc__response *resp, koc_error **err)
{
    const char *value = koc__headers_get(&resp->headers, "Docker-Content-Digest");
    koc_digest stored;
    if (value && koc__digest_read(koc__str_trim(koc__str(value)), &stored) &&
        stored.algorithm == u->digest->algorithm && !koc_digest_equal(&stored, u->digest)) {
        return koc__error(err, KOC_EDIGEST, "the registry stored %s instead of %s",
                          koc__digest_str(&stored).s, koc__digest_str(u->digest).s);
    }
    return KOC_OK;
}

/* The closing PUT may have succeeded: looks for the blob. *done, or another round. */
static int confirm_blob(upload *u, const koc__response *resp, koc_error **failure, bool *done,
                        koc_error **err)
{
    KOC__TRY(koc__client_has_blob(u->client, u->repo, u->digest, true, u->call, done, err));
    if (*done) {
        koc__error_clear(failure);
        return KOC_OK;
    }
    if (!is_cut(u, resp)) {
        u->put_failed = u->put_failed || (u->base == 0 && u->failures > 0);
        return retry_after_failure(u, failure, err);
    }
    if (++u->cuts >= 2) {
        uint64_t tried = u->size - u->base;
        lower_body_max(
            u, KOC__MAX(koc__chunk_shrink(tried, u->sent, u->minimum), KOC__CHUNK_SMALLEST));
        u->fresh_each = true;
    }
    return resume_or_restart(u, failure, err);
}

/* After the closing PUT: *done, or another round, or an error. */
static int finish_put(upload *u, const koc__response *resp, koc_error **failure, bool *done,
                      koc_error **err)
{
    koc__verdict v = koc__upload_verdict(resp->status, resp->error.code, resp->failure);
    bool resumed = u->base > 0 && !u->patched; /* after a broken PUT, or from an earlier run */
    if (u->base > 0 && resp->status == 416) {
        /* the registry has more or less than it reported */
        return resume_or_restart(u, failure, err);
    }
    if (cookies_may_be_why(u, resp)) {
        return restart(u, failure, err);
    }
    switch (v) {
    case KOC__UPLOAD_DONE: *done = true; return check_stored(u, resp, err);
    case KOC__UPLOAD_CONFIRM: return confirm_blob(u, resp, failure, done, err);
    case KOC__UPLOAD_REHASH: return check_local_content(u, failure, err);
    case KOC__UPLOAD_FAIL: return koc__error_move(err, failure);
    default: break;
    }
    u->put_failed = u->put_failed || u->base == 0;
    if (v == KOC__UPLOAD_SMALLER && u->base < u->size) {
        return send_smaller(u, false, resp, u->size - u->base, failure, err);
    }
    if (resumed) {
        /* the rest was refused, which says nothing about a whole blob */
        return restart(u, failure, err);
    }
    return v == KOC__UPLOAD_RESTART ? restart_by_other_form(u, failure, err)
                                    : try_other_form(u, u->patched, resp->status, failure, err);
}

/* Resumes the session of an earlier run, if the registry still has some of the blob. */
static int resume_session(upload *u, koc_error **err)
{
    bool alive = false;
    koc__journal_recall(&u->journal, u->host, &u->session);
    if (!u->session.host) {
        return KOC_OK;
    }
    u->base = u->size;
    KOC__TRY(query_session(u, &alive, err));
    if (alive && u->at > 0) {
        koc__log(u->client->ctx, KOC_LOG_INFO, "registry",
                 "%s: resuming the upload of an earlier run at byte %llu", u->host->name,
                 (unsigned long long)u->at);
        return KOC_OK;
    }
    koc__journal_forget(&u->journal);
    koc__url_dispose(&u->session);
    return KOC_OK;
}

static int one_round(upload *u, bool *done, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO(koc_error) failure = NULL;
    if (!u->session.host) {
        KOC__TRY(open_session(u, err));
    }
    while (u->session.host && needs_patch(u)) {
        KOC__TRY(send_chunk(u, err));
    }
    if (!u->session.host) {
        return KOC_OK;
    }
    int rc = put_rest(u, &resp, &failure);
    if (rc != KOC_OK && is_local(rc, &resp)) {
        return koc__error_move(err, &failure);
    }
    return finish_put(u, &resp, &failure, done, err);
}

/* Remembers the form for the next uploads to the host. */
static void remember_form(const upload *u)
{
    if (u->patched && u->put_failed) {
        koc__upload_set_patch(&u->host->uploads, true);
    } else if (!u->patched && u->patch_refused) {
        koc__upload_set_patch(&u->host->uploads, false);
    }
}

int koc__upload(koc__blob_upload *b, koc__call *call, koc_error **err)
{
    upload u = {.client = b->client,
                .repo = b->repo,
                .blob = b->blob,
                .digest = b->digest,
                .size = koc_blob_size(b->blob),
                .call = call,
                .progress_id = b->progress_id,
                .journal = KOC__JOURNAL_INIT};
    bool done = false;
    int rc = koc__client_host(b->client, koc_reference_registry(b->repo), &u.host, err);

    if (rc == KOC_OK) {
        u.by_patch = koc__upload_prefers_patch(&u.host->uploads);
        koc__journal_open(&u.journal, u.host, koc_reference_repository(b->repo), b->digest, u.size);
    }
    if (b->session.host) {
        set_session(&u, &b->session);
    } else if (rc == KOC_OK) {
        rc = resume_session(&u, err);
    }
    while (rc == KOC_OK && !done) {
        rc = one_round(&u, &done, err);
    }
    if (rc != KOC_OK) {
        cancel_session(&u);
    } else {
        remember_form(&u);
        koc__journal_forget(&u.journal);
    }
    koc__journal_close(&u.journal);
    koc__url_dispose(&u.session);
    koc__cookies_clear(&u.cookies);
    koc_error_free(u.refusal);
    return rc;
}
