/*
 * Uploads: POST opens a session, one PUT carries the blob. Where that is refused or cut, chunks by
 * PATCH, on from where the registry says it is, or from the start of a new session. A session that an
 * earlier run left is gone on with where the registry still has it (upload_journal.h).
 */
#include "core/common.h"

#include "core/digests.h"
#include "core/io.h"
#include "core/text.h"
#include "registry/ops.h"
#include "registry/retry.h"
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
    koc__op *op;
    uint64_t progress_id;
    koc__url session; /* empty: none is open */
    uint64_t minimum; /* OCI-Chunk-Min-Length */
    uint64_t at;      /* accepted so far, in chunks */
    uint64_t base;    /* of the request that is under way */
    uint64_t sent;    /* of it, handed to the network */
    uint64_t best;    /* the farthest that any session got */
    unsigned tries;
    unsigned cuts;     /* whole PUTs that broke in the middle */
    unsigned failures; /* whole PUTs that the registry answered with 500 */
    int64_t waited_ms;
    bool fresh_each; /* connections are cut after some bytes: one for each chunk */
    bool rehashed;
    koc__journal journal;
} upload;

/* --- small things --------------------------------------------------------------------------------------- */

int koc__upload_location(const koc__host *h, const koc__response *resp, koc__url *out,
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

static void on_sent(void *self, uint64_t bytes)
{
    upload *u = self;
    koc_progress event = KOC_PROGRESS_INIT;
    koc__digest_text text;

    u->sent = bytes;
    if (!koc__op_wants_progress(u->op)) {
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
    koc__op_progress(u->op, &event);
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
                          .method = method,
                          .url = url,
                          .repository = koc_reference_repository(u->repo),
                          .actions = PUSH,
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
    KOC__TRY(koc__request_run(&rq, u->op, &resp, err));
    KOC__TRY(koc__upload_location(u->host, &resp, &where, err));
    set_session(u, &where);
    koc__journal_note(&u->journal, u->host, &u->session);
    u->at = 0;
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
    KOC__AUTO_VAL(koc__op) op = {0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    koc_op limit = KOC_OP_INIT;

    if (!u->session.host) {
        return;
    }
    limit.timeout_ms = ABANDON_MS;
    if (koc__op_begin(&op, u->client->ctx, &limit, NULL) != KOC_OK) {
        return;
    }
    koc__request rq = session_request(u, "DELETE", &u->session);
    rq.flags = KOC__RQ_ONE_TRY;
    if (koc__request_run(&rq, &op, &resp, NULL) == KOC_OK || resp.status != 0) {
        koc__journal_forget(&u->journal);
    }
    koc__url_dispose(&u->session);
}

int koc__client_check_push(koc_client *c, const koc_reference *repo, koc__op *op, koc_error **err)
{
    upload u = {.client = c, .repo = repo, .op = op, .journal = KOC__JOURNAL_INIT};

    KOC__TRY(koc__client_host(c, koc_reference_registry(repo), &u.host, err));
    int rc = open_session(&u, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "cannot push to %s", koc__reference_context(repo));
    }
    abandon(&u);
    return KOC_OK;
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
    return koc__request_run(&rq, u->op, resp, err);
}

/* --- chunks ------------------------------------------------------------------------------------------------- */

static int patch(upload *u, uint64_t size, koc__response *resp, koc_error **err)
{
    char range[64];

    koc__request rq = session_request(u, "PATCH", &u->session);
    rq.content_range = range_from(u, size, range);
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
    return koc__request_run(&rq, u->op, resp, err);
}

/* Asks the session where it stands. *alive false: it is lost. */
static int ask_session(upload *u, bool *alive, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    koc_error *ignored = NULL;
    uint64_t at;

    *alive = false;
    if (u->sent > SETTLE_BYTES) {
        KOC__TRY(
            koc__op_sleep(u->op, SETTLE_MS, err)); /* it still reads what came before the break */
    }
    koc__request rq = session_request(u, "GET", &u->session);
    int rc = koc__request_run(&rq, u->op, &resp, &ignored);
    koc_error_free(ignored);
    if (rc != KOC_OK) {
        return koc__op_check(u->op, err);
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

/* After a chunk did not go through: the next is smaller, on a connection of its own. */
static int shrink(upload *u, uint64_t tried, bool refused, koc_error **failure, koc_error **err)
{
    uint64_t next = koc__chunk_shrink(tried, refused ? tried : u->sent, u->minimum);
    bool alive = false;

    u->fresh_each = u->fresh_each || !refused;
    if (next == 0) {
        return koc__error_move(err, failure);
    }
    koc__log(u->client->ctx, KOC_LOG_INFO, "registry", "%s: %s; on with chunks of %llu KiB",
             u->host->name, koc_error_message(*failure), (unsigned long long)(next >> 10));
    koc__error_clear(failure);
    u->host->chunk_size = next;
    KOC__TRY(ask_session(u, &alive, err));
    if (!alive) {
        koc__url_dispose(&u->session);
    }
    return KOC_OK;
}

/* One chunk, or the session lost (then u->session is empty and KOC_OK comes back). */
static int send_chunk(upload *u, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    koc_error *failure = NULL;
    uint64_t size = koc__chunk_size(u->host->name, u->host->chunk_size, u->minimum);

    size = KOC__MIN(size, u->size - u->at);
    uint64_t end = u->at + size;
    int rc = patch(u, size, &resp, &failure);
    if (rc == KOC_OK) {
        uint64_t at = koc__upload_after_chunk(koc__headers_get(&resp.headers, "Range"), u->at, end);
        if (at == KOC__OFFSET_LOST) {
            koc__url_dispose(&u->session);
            return KOC_OK;
        }
        u->at = at;
        return follow_location(u, &resp, err);
    }
    bool cut = resp.status == 0 && resp.failure == KOC__FAIL_BROKEN;
    if (cut || resp.status == 413 || resp.status == 416) {
        return shrink(u, size, !cut, &failure, err);
    }
    if (koc__upload_verdict(resp.status, resp.error.code, resp.failure) == KOC__UPLOAD_FAIL) {
        return koc__error_move(err, &failure);
    }
    koc__error_clear(&failure);
    koc__url_dispose(&u->session);
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
    return koc__host_wait(u->host, u->op, u->tries, reason, wait, err);
}

/* Another round with a new session. */
static int next_try(upload *u, koc_error **failure, koc_error **err)
{
    koc__url_dispose(&u->session);
    return wait_to_try(u, failure, err);
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
    KOC__TRY(koc__blob_open(u->blob, 0, u->op, &r, err));
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

/* After the closing PUT did not clearly succeed. *done, or another round, or an error. */
static int judge(upload *u, int rc, const koc__response *resp, koc_error **failure, bool *done,
                 koc_error **err)
{
    koc__verdict v = koc__upload_verdict(rc == KOC_OK || resp->status ? resp->status : 0,
                                         resp->error.code, resp->failure);

    if (v == KOC__UPLOAD_CONFIRM) {
        KOC__TRY(koc__client_has_blob(u->client, u->repo, u->digest, true, u->op, done, err));
        if (*done) {
            koc__error_clear(failure);
            return KOC_OK;
        }
        bool cut = resp->status == 0 && resp->failure == KOC__FAIL_BROKEN && u->sent > 0;
        u->cuts += cut;
        u->failures += resp->status == 500;
        if (u->failures == 2) {
            u->host->chunks = true; /* some know uploads by PATCH only, and say it this way */
        }
        if (cut && u->cuts >= 2) {
            u->host->chunks = true;
            u->fresh_each = true;
        }
        return cut ? try_the_rest(u, failure, err) : next_try(u, failure, err);
    }
    if (resp->status == 416 && u->base > 0) {
        return try_the_rest(u, failure, err); /* it has more or less than it said */
    }
    switch (v) {
    case KOC__UPLOAD_DONE: *done = true; return check_stored(u, resp, err);
    case KOC__UPLOAD_RESTART: return next_try(u, failure, err);
    case KOC__UPLOAD_REHASH: return check_local(u, failure, err);
    case KOC__UPLOAD_CHUNKS:
        if (!atomic_exchange(&u->host->chunks, true)) {
            return next_try(u, failure, err);
        }
        return koc__error_move(err, failure);
    default: return koc__error_move(err, failure);
    }
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
    koc_error *failure = NULL;

    if (!u->session.host) {
        KOC__TRY(open_session(u, err));
    }
    while (u->host->chunks && u->session.host && u->at < u->size) {
        KOC__TRY(send_chunk(u, err));
    }
    if (!u->session.host) {
        return next_try(u, &failure, err);
    }
    int rc = put_rest(u, &resp, &failure);
    if (rc == KOC_ECANCELLED || rc == KOC_EUSER ||
        (rc != KOC_OK && resp.failure == KOC__FAIL_LOCAL && !resp.status)) {
        return koc__error_move(err, &failure);
    }
    return judge(u, rc, &resp, &failure, done, err);
}

int koc__upload(koc_client *c, const koc_reference *repo, koc_blob *b, const koc_digest *d,
                koc__url *session, koc__op *op, uint64_t progress_id, koc_error **err)
{
    upload u = {.client = c,
                .repo = repo,
                .blob = b,
                .digest = d,
                .size = koc_blob_size(b),
                .op = op,
                .progress_id = progress_id,
                .journal = KOC__JOURNAL_INIT};
    bool done = false;
    int rc = koc__client_host(c, koc_reference_registry(repo), &u.host, err);

    if (rc == KOC_OK) {
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
        koc__journal_forget(&u.journal);
    }
    koc__journal_close(&u.journal);
    koc__url_dispose(&u.session);
    return rc;
}
