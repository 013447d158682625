/*
 * Uploads: POST opens a session, one PUT carries the blob. Where that is refused it is tried once by
 * PATCH before the registry's answer is final, and the other way round; bodies that are refused for their size
 * or cut become smaller, on from where the registry says it is, or from the start of a new session. Each
 * upload finds this out for itself: what others learned of the host only says where to begin. A session that
 * an earlier run left is gone on with where the registry still has it (upload_journal.h).
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/io.h"
#include "core/text.h"
#include "registry/host/retry.h"
#include "registry/operations.h"
#include "registry/upload_journal.h"
#include "registry/upload_state.h"

#define TRIES_MAX      8 /* sessions in a row without progress */
#define WAITING_MAX_MS 120000
#define ABANDON_MS     2000
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
    koc__url session; /* empty: none is open */
    uint64_t minimum; /* OCI-Chunk-Min-Length */
    uint64_t at;      /* accepted so far, in chunks */
    uint64_t base;    /* of the request that is under way */
    uint64_t sent;    /* of it, handed to the network */
    uint64_t best;    /* the farthest that any session got */
    unsigned tries;
    unsigned cuts;     /* PUTs that broke in the middle */
    unsigned failures; /* answers of 5xx, and of 202 without the blob */
    int64_t waited_ms;
    uint64_t body_max; /* a longer body of this upload was refused or cut; 0: none was */
    bool by_patch;     /* the form to use */
    bool patched;      /* this session took a PATCH */
    bool put_failed;   /* a PUT with the whole brought nothing, whatever the reason */
    bool put_refused;  /* each form, by an answer that says no */
    bool patch_refused;
    bool tail_in_put;   /* the last piece goes with the closing PUT: some fail on an empty one */
    koc_error *refusal; /* what the registry said to the PUT */
    bool fresh_each;    /* connections are cut after some bytes: one for each piece */
    bool rehashed;
    koc__cookies cookies; /* of the session */
    bool no_cookies;      /* the registry refused a request that had some */
    koc__journal journal;
} upload;

/* --- small things --------------------------------------------------------------------------------------- */

static int location_of(const koc__host *h, const koc__response *resp, koc__url *out,
                       koc_error **err)
{
    const char *location = koc__headers_get(&resp->headers, "Location");
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;

    if (!location || !location[0]) {
        return koc__error(err, KOC_EFORMAT, "the registry opened an upload without saying where");
    }
    int rc = koc__url_resolve(&resp->url, koc__str(location), &u, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "the place of the upload");
    }
    if (resp->url.https && !u.https) {
        bool same_port = u.port == resp->url.port || (u.port == 80 && resp->url.port == 443);
        if (strcmp(u.host, resp->url.host) != 0 || !same_port) {
            koc__error(err, KOC_EDENIED,
                       "the registry (https) wants the upload by plain http at %s: refused",
                       u.host);
            koc__error_hint(err, "the proxy in front of %s should set X-Forwarded-Proto", h->name);
            return KOC_EDENIED;
        }
        u.https = true;
        u.port = resp->url.port;
    }
    *out = u;
    u = (koc__url)KOC__URL_INIT;
    return KOC_OK;
}

int koc__upload_location(koc__host *h, const koc__response *resp, koc__url *out, koc_error **err)
{
    koc_error *failure = NULL;
    int rc = location_of(h, resp, out, &failure);

    koc__error_scrub(&failure, koc__session_scrub, h); /* the place is the server's own text */
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &failure);
}

static void on_sent(void *self, uint64_t bytes)
{
    upload *u = self;
    koc_progress event = KOC_PROGRESS_INIT;
    koc__digest_text text;

    u->sent = bytes;
    if (!koc__call_wants_progress(u->call)) {
        return;
    }
    text = koc__digest_str(u->digest);
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

/* Takes the newest Location where there is one. */
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
    koc__request rq;

    KOC__TRY(koc__ref_request(u->client, u->repo, "POST", PUSH, &rq, &path, err, "blobs/uploads/"));
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

/* Lets the registry forget a session that came to nothing; what it answers does not matter. Where
 * it cannot be reached another run may go on. */
static void abandon(upload *u)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    koc_op limit = KOC_OP_INIT;

    if (!u->session.host) {
        return;
    }
    limit.timeout_ms = ABANDON_MS;
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
        abandon(&u);
    }
    koc__cookies_clear(&u.cookies);
    return koc__error_prefix(err, rc, "cannot push to %s", koc__reference_context(repo));
}

/* --- one PUT ---------------------------------------------------------------------------------------------- */

/* Content-Range of the next size bytes. */
static const char *range_from(const upload *u, uint64_t size, char out[64])
{
    snprintf(out, 64, "%llu-%llu", (unsigned long long)u->at,
             (unsigned long long)(u->at + size - 1));
    return out;
}

/* Ends the session with the bytes from u->at on. */
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

/* --- pieces ------------------------------------------------------------------------------------------------- */

static uint64_t smaller_of(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The longest body that may come through; 0: nothing is known. */
static uint64_t body_max(const upload *u)
{
    uint64_t known = smaller_of(u->body_max, u->host->body_max);

    return known ? KOC__MAX(known, u->minimum) : 0;
}

static void learn_body_max(upload *u, uint64_t max)
{
    uint_fast64_t known = u->host->body_max;

    u->body_max = smaller_of(u->body_max, max);
    while (smaller_of(known, max) != known &&
           !atomic_compare_exchange_weak(&u->host->body_max, &known, max)) {
        /* known is read anew */
    }
}

/* Whether what is left goes by PATCH, at least a piece of it. */
static bool goes_by_patch(const upload *u)
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

/* Without any limit in sight the blob goes in one PATCH, as docker sends it. */
static uint64_t piece_size(const upload *u)
{
    uint64_t most = body_max(u);

    if (most == 0 && u->minimum == 0 && u->at == 0) {
        return u->size;
    }
    return KOC__MIN(koc__chunk_size(u->host->name, most, u->minimum), u->size - u->at);
}

static int patch(upload *u, uint64_t size, koc__response *resp, koc_error **err)
{
    char range[64];

    koc__request rq = session_request(u, "PATCH", &u->session);
    /* Not every registry that takes a blob in one PATCH knows the field. */
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

/* Asks the session where it stands. *alive false: it is lost. */
static int ask_session(upload *u, bool *alive, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    koc_error *ignored = NULL;
    uint64_t at;

    *alive = false;
    if (u->sent > SETTLE_BYTES) {
        KOC__TRY(koc__call_sleep(u->call, SETTLE_MS,
                                 err)); /* it still reads what came before the break */
    }
    koc__request rq = session_request(u, "GET", &u->session);
    int rc = koc__request_run(&rq, u->call, &resp, &ignored);
    koc_error_free(ignored);
    if (rc != KOC_OK) {
        return koc__call_check(u->call, err);
    }
    at = koc__upload_resume(koc__headers_get(&resp.headers, "Range"), u->base + u->sent);
    if (at == KOC__OFFSET_LOST || resp.status != 204) {
        return KOC_OK;
    }
    KOC__TRY(follow_location(u, &resp, err));
    u->at = at;
    *alive = true;
    return KOC_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

/* Waits before another round; no more of them: hands failure out. */
static int wait_to_try(upload *u, koc_error **failure, koc_error **err)
{
    int64_t wait;

    if (u->at > u->best + KOC__CHUNK_SMALLEST) {
        u->best = u->at;
        u->tries = 0;
    }
    wait = koc__retry_delay_ms(u->tries, (uint32_t)koc__monotonic_ns());
    if (++u->tries >= TRIES_MAX || u->waited_ms + wait > WAITING_MAX_MS) {
        if (*failure) {
            return koc__error_move(err, failure);
        }
        return koc__error(err, KOC_EHTTP, "the registry lost the upload again and again");
    }
    char reason[256];
    snprintf(reason, sizeof(reason), "%s",
             *failure ? koc_error_message(*failure) : "the registry lost the upload");
    koc__error_clear(failure);
    u->waited_ms += wait;
    return koc__host_wait(u->host, u->call, u->tries, reason, wait, err);
}

/* Another round with a new session. */
static int next_try(upload *u, koc_error **failure, koc_error **err)
{
    koc__url_dispose(&u->session);
    return wait_to_try(u, failure, err);
}

static void toggle_form(upload *u)
{
    if (!(u->by_patch ? u->put_refused : u->patch_refused)) {
        u->by_patch = !u->by_patch;
    }
}

/* The form that was used is refused: one try by the other, before the answer counts. Of two refusals the one
 * that says more is handed out. */
static int other_form(upload *u, bool was_patch, int status, koc_error **failure, koc_error **err)
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

/* The session is lost: perhaps its registry does not know this form, perhaps another of several answered. */
static int lost_session(upload *u, koc_error **failure, koc_error **err)
{
    toggle_form(u);
    return next_try(u, failure, err);
}

/* Some take a cookie that comes back for a browser's, and refuse what has no token of theirs. */
static bool cookies_may_be_why(upload *u, const koc__response *resp)
{
    bool may = resp->status == 403 && u->cookies.count > 0 && !u->no_cookies;

    u->no_cookies = u->no_cookies || may;
    return may;
}

/* The registry failed; the second time in a row the form may be what it fails on. */
static int failed(upload *u, koc_error **failure, koc_error **err)
{
    if (++u->failures % 2 == 0) {
        u->tail_in_put = u->patched && u->base == u->size;
        toggle_form(u);
    }
    return next_try(u, failure, err);
}

/* After a PUT broke in the middle: on from where the registry says, or from the start. */
static int try_the_rest(upload *u, koc_error **failure, koc_error **err)
{
    bool alive = false;

    KOC__TRY(ask_session(u, &alive, err));
    if (!alive || u->at == 0) {
        return next_try(u, failure, err);
    }
    u->fresh_each = true;
    return wait_to_try(u, failure, err);
}

/* A body of tried bytes was refused for its size, or cut when got of them were on their way: the next is
 * smaller. */
static int smaller(upload *u, bool was_patch, const koc__response *resp, uint64_t tried,
                   koc_error **failure, koc_error **err)
{
    bool cut = resp->status == 0, alive = false;
    uint64_t next = koc__chunk_shrink(tried, cut ? u->sent : tried, u->minimum);

    if (next == 0 && cut) {
        return koc__error_move(err, failure);
    }
    if (next == 0 || u->patch_refused) {
        return other_form(u, was_patch, resp->status, failure, err);
    }
    learn_body_max(u, KOC__MIN(next, koc__chunk_size(u->host->name, 0, u->minimum)));
    u->fresh_each = u->fresh_each || cut;
    koc__log(u->client->ctx, KOC_LOG_INFO, "registry", "%s: %s; on with pieces of %llu KiB",
             u->host->name, koc_error_message(*failure), (unsigned long long)(u->body_max >> 10));
    koc__error_clear(failure);
    KOC__TRY(ask_session(u, &alive, err));
    if (!alive) {
        koc__url_dispose(&u->session);
    }
    return KOC_OK;
}

/* Whether no answer of the registry is behind the failure, but us. */
static bool is_local(int rc, const koc__response *resp)
{
    return rc == KOC_ECANCELLED || rc == KOC_EUSER ||
           (resp->status == 0 && resp->failure == KOC__FAIL_LOCAL);
}

static bool is_cut(const upload *u, const koc__response *resp)
{
    return resp->status == 0 && resp->failure == KOC__FAIL_BROKEN && u->sent > 0;
}

/* After a PATCH that was not accepted. Without a session afterwards a new one begins. */
static int judge_piece(upload *u, uint64_t size, const koc__response *resp, koc_error **failure,
                       koc_error **err)
{
    if (is_cut(u, resp)) {
        return smaller(u, true, resp, size, failure, err);
    }
    if (cookies_may_be_why(u, resp)) {
        return next_try(u, failure, err);
    }
    switch (koc__upload_verdict(resp->status, resp->error.code, resp->failure)) {
    case KOC__UPLOAD_SMALLER: return smaller(u, true, resp, size, failure, err);
    case KOC__UPLOAD_OTHER: return other_form(u, true, resp->status, failure, err);
    case KOC__UPLOAD_RESTART: return lost_session(u, failure, err);
    case KOC__UPLOAD_CONFIRM: return failed(u, failure, err);
    default: return koc__error_move(err, failure);
    }
}

static int send_piece(upload *u, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO(koc_error) failure = NULL;
    uint64_t size = piece_size(u), end = u->at + size;

    int rc = patch(u, size, &resp, &failure);
    if (rc != KOC_OK) {
        return is_local(rc, &resp) ? koc__error_move(err, &failure)
                                   : judge_piece(u, size, &resp, &failure, err);
    }
    uint64_t at = koc__upload_after_chunk(koc__headers_get(&resp.headers, "Range"), u->at, end);
    if (at == KOC__OFFSET_LOST) {
        return next_try(u, &failure, err);
    }
    u->at = at;
    u->patched = true;
    return follow_location(u, &resp, err);
}

static int check_local(upload *u, koc_error **failure, koc_error **err)
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
    return next_try(u, failure, err);
}

/* What the registry says it stored, where that is comparable. */
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

/* The PUT may have done it. *done, or another round. */
static int confirm(upload *u, const koc__response *resp, koc_error **failure, bool *done,
                   koc_error **err)
{
    KOC__TRY(koc__client_has_blob(u->client, u->repo, u->digest, true, u->call, done, err));
    if (*done) {
        koc__error_clear(failure);
        return KOC_OK;
    }
    if (!is_cut(u, resp)) {
        u->put_failed = u->put_failed || (u->base == 0 && u->failures > 0);
        return failed(u, failure, err);
    }
    if (++u->cuts >= 2) {
        uint64_t tried = u->size - u->base;
        learn_body_max(
            u, KOC__MAX(koc__chunk_shrink(tried, u->sent, u->minimum), KOC__CHUNK_SMALLEST));
        u->fresh_each = true;
    }
    return try_the_rest(u, failure, err);
}

/* After the closing PUT did not clearly succeed. *done, or another round, or an error. */
static int judge(upload *u, const koc__response *resp, koc_error **failure, bool *done,
                 koc_error **err)
{
    koc__verdict v = koc__upload_verdict(resp->status, resp->error.code, resp->failure);
    bool rest = u->base > 0 && !u->patched; /* of a PUT that broke off, or of an earlier run's */

    if (u->base > 0 && resp->status == 416) {
        return try_the_rest(u, failure, err); /* it has more or less than it said */
    }
    if (cookies_may_be_why(u, resp)) {
        return next_try(u, failure, err);
    }
    switch (v) {
    case KOC__UPLOAD_DONE: *done = true; return check_stored(u, resp, err);
    case KOC__UPLOAD_CONFIRM: return confirm(u, resp, failure, done, err);
    case KOC__UPLOAD_REHASH: return check_local(u, failure, err);
    case KOC__UPLOAD_FAIL: return koc__error_move(err, failure);
    default: break;
    }
    u->put_failed = u->put_failed || u->base == 0;
    if (v == KOC__UPLOAD_SMALLER && u->base < u->size) {
        return smaller(u, false, resp, u->size - u->base, failure, err);
    }
    if (rest) {
        return next_try(u, failure,
                        err); /* the rest was refused, which says nothing of the whole */
    }
    return v == KOC__UPLOAD_RESTART ? lost_session(u, failure, err)
                                    : other_form(u, u->patched, resp->status, failure, err);
}

/* The session of an earlier run, where it left one and the registry still has something of it. */
static int recall_session(upload *u, koc_error **err)
{
    bool alive = false;

    koc__journal_recall(&u->journal, u->host, &u->session);
    if (!u->session.host) {
        return KOC_OK;
    }
    u->base = u->size;
    KOC__TRY(ask_session(u, &alive, err));
    if (alive && u->at > 0) {
        koc__log(u->client->ctx, KOC_LOG_INFO, "registry",
                 "%s: going on with the upload of an earlier run at byte %llu", u->host->name,
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
    while (u->session.host && goes_by_patch(u)) {
        KOC__TRY(send_piece(u, err));
    }
    if (!u->session.host) {
        return KOC_OK;
    }
    int rc = put_rest(u, &resp, &failure);
    if (rc != KOC_OK && is_local(rc, &resp)) {
        return koc__error_move(err, &failure);
    }
    return judge(u, &resp, &failure, done, err);
}

/* Where the uploads after this one begin. */
static void learn_form(const upload *u)
{
    if (u->patched && u->put_failed) {
        u->host->wants_patch = true;
    } else if (!u->patched && u->patch_refused) {
        u->host->wants_patch = false;
    }
}

int koc__upload(koc_client *c, const koc_reference *repo, koc_blob *b, const koc_digest *d,
                koc__url *session, koc__call *call, uint64_t progress_id, koc_error **err)
{
    upload u = {.client = c,
                .repo = repo,
                .blob = b,
                .digest = d,
                .size = koc_blob_size(b),
                .call = call,
                .progress_id = progress_id,
                .journal = KOC__JOURNAL_INIT};
    bool done = false;
    int rc = koc__client_host(c, koc_reference_registry(repo), &u.host, err);

    if (rc == KOC_OK) {
        u.by_patch = u.host->wants_patch;
        koc__journal_open(&u.journal, u.host, koc_reference_repository(repo), d, u.size);
    }
    if (session && session->host) {
        set_session(&u, session);
    } else if (rc == KOC_OK) {
        rc = recall_session(&u, err);
    }
    while (rc == KOC_OK && !done) {
        rc = one_round(&u, &done, err);
    }
    if (rc != KOC_OK) {
        abandon(&u);
    } else {
        learn_form(&u);
        koc__journal_forget(&u.journal);
    }
    koc__journal_close(&u.journal);
    koc__url_dispose(&u.session);
    koc__cookies_clear(&u.cookies);
    koc_error_free(u.refusal);
    return rc;
}
