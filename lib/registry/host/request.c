#include "core/common.h"

#include "registry/host/request.h"

#include "core/clean.h"
#include "core/hash/crypto.h"
#include "core/text.h"
#include "registry/host/retry.h"

#define REDIRECTS_MAX      10
#define LOGINS_MAX         3 /* answers to challenges in one try */
#define FIRST_BYTE_NEW_MS  30000
#define FIRST_BYTE_MS      60000
#define FIRST_BYTE_SLOW_MS 300000
/* A plain HTTP server may wait for more when it is greeted by TLS. */
#define GUESS_LOCAL_MS    1000
#define GUESS_MS          5000
#define NEW_HOST_ATTEMPTS 3
#define WAITING_MAX_MS    120000
#define WARNINGS_MAX      4096 /* bytes of Warning texts looked at in one reply */
#define WARNED_MAX        64
#define DROP_MAX          ((size_t)1 << 20)

/* One run of a logical request. */
typedef struct run {
    const koc__request *rq;
    koc__host *host;
    koc__host *target; /* of the last exchange: host, or where we were sent */
    koc__call *call;
    koc__response *resp;
    unsigned attempts;
    unsigned throttled;
    int64_t started_ms;
    int64_t waited_ms;
    bool used_once; /* the one retry that KOC__RETRY_ONCE allows */
    bool fresh;     /* the next try takes a new connection */
    bool authorized;
    bool refreshed;
    bool elsewhere; /* the reply came from a host we were sent to */
    bool guessing;  /* this scheme is a guess, the other one comes next */
    koc__waiter waiter;
} run;

void koc__response_dispose(koc__response *r)
{
    koc__exchange_close(r->exchange);
    r->exchange = NULL;
    koc__headers_dispose(&r->headers);
    koc__dynbuf_dispose(&r->body);
    koc__url_dispose(&r->url);
}

static bool is_wanted(const koc__request *rq, int status)
{
    if (status >= 200 && status < 300) {
        return true;
    }
    for (const int *s = rq->also; s && *s; s++) {
        if (*s == status) {
            return true;
        }
    }
    return false;
}

/* --- one exchange ------------------------------------------------------------------------------- */

static void log_exchange(run *r, const koc__http_request *h, const char *outcome, int64_t ms)
{
    koc_ctx *ctx = r->host->client->ctx;

    if (!koc__log_wants(ctx, KOC_LOG_DEBUG)) {
        return;
    }
    KOC__AUTO_STR url = koc__url_redacted(h->url);
    if (url) {
        koc__session_scrub(r->host, url); /* a redirect may lead anywhere */
    }
    koc__log(ctx, KOC_LOG_DEBUG, "registry", "%s %s: %s (%lld ms)", h->method, url ? url : "",
             outcome, (long long)ms);
}

/* Reads the body to its end. Past max it is an error, or cut for bodies that only explain. */
static int read_body(koc__exchange *x, size_t max, bool cut, koc__call *call, koc__dynbuf *body,
                     koc__failure *why, koc_error **err)
{
    char chunk[16384];
    size_t n, total = 0;

    for (;;) {
        KOC__TRY(koc__exchange_read(x, call, chunk, sizeof(chunk), &n, why, err));
        if (n == 0) {
            return KOC_OK;
        }
        total += n;
        if (body->len + n > max) {
            if (!cut) {
                *why = KOC__FAIL_LOCAL;
                return koc__error(err, KOC_ELIMIT, "the reply has more than %zu bytes", max);
            }
            n = max - body->len;
        }
        KOC__TRY(koc__dynbuf_append(body, chunk, n, err));
        if (cut && total > DROP_MAX && body->len >= max) {
            return KOC_OK; /* an endless error page: enough */
        }
    }
}

int koc__send_plain(koc_client *c, const koc__http_request *rq, size_t max, koc__call *call,
                    koc__http_reply *reply, koc__dynbuf *body, koc__failure *why, koc_error **err)
{
    KOC__AUTO(koc__exchange) x = NULL;

    KOC__TRY(koc__exchange_open(c->transport, rq, true, call, reply, why, &x, err));
    body->max = max;
    return read_body(x, max, reply->status >= 300, call, body, why, err);
}

static int check_encoding(const koc__headers *h, koc_error **err)
{
    const char *encoding = koc__headers_get(h, "Content-Encoding");

    if (encoding && encoding[0] && !koc__str_ieq(koc__str(encoding), KOC__STR("identity"))) {
        return koc__error(err, KOC_EFORMAT,
                          "the reply came with a Content-Encoding nobody asked for");
    }
    return KOC_OK;
}

/* Once per text; never acted upon. */
static void show_warnings(run *r, const koc__headers *h)
{
    koc_client *c = r->host->client;
    size_t left = WARNINGS_MAX;

    for (size_t i = 0; i < h->count; i++) {
        char text[512];
        koc_str raw;
        if (!koc__str_ieq(koc__str(h->list[i].name), KOC__STR("Warning")) ||
            !koc__http_warning(h->list[i].value, &raw) || raw.len > left) {
            continue;
        }
        left -= raw.len;
        koc__clean_text(raw, text, sizeof(text));
        koc__session_scrub(r->host, text);
        pthread_mutex_lock(&c->mutex);
        c->warned = c->warned ? c->warned : koc__map_new(NULL);
        bool news = c->warned && koc__map_count(c->warned) < WARNED_MAX &&
                    !koc__map_get(c->warned, koc__str(text)) &&
                    koc__map_set(c->warned, koc__str(text), c, NULL) == KOC_OK;
        pthread_mutex_unlock(&c->mutex);
        if (news) {
            koc__log(c->ctx, KOC_LOG_WARN, "registry", "%s says: %s", r->target->name, text);
        }
    }
}

static int exchange(run *r, const koc__http_request *h, koc_error **err)
{
    koc__response *resp = r->resp;
    bool stream = (r->rq->flags & KOC__RQ_STREAM) != 0;
    KOC__AUTO_VAL(koc__http_reply) reply = KOC__HTTP_REPLY_INIT;
    KOC__AUTO(koc__exchange) x = NULL;
    int64_t begin = koc__monotonic_ms();

    koc__response_dispose(resp);
    resp->status = 0;
    koc_error *why = NULL;
    int rc = koc__exchange_open(r->host->client->transport, h, stream, r->call, &reply,
                                &resp->failure, &x, &why);
    if (rc != KOC_OK) {
        log_exchange(r, h, koc_error_message(why), koc__monotonic_ms() - begin);
        return koc__error_move(err, &why);
    }
    char text[32];
    snprintf(text, sizeof(text), "%d", reply.status);
    log_exchange(r, h, text, koc__monotonic_ms() - begin);
    resp->status = reply.status;
    resp->headers = reply.headers;
    reply.headers = (koc__headers)KOC__HEADERS_INIT;
    if (!r->elsewhere) {
        koc__host_learn(r->host, h->url->https, reply.address);
        if (reply.expect_expired || reply.status == 417) {
            r->host->no_expect = true;
        }
    }
    show_warnings(r, &resp->headers);
    if (r->rq->cookies) {
        KOC__TRY(koc__cookies_take(r->rq->cookies, h->url, &resp->headers, err));
    }
    KOC__TRY(koc__url_copy(h->url, &resp->url, err));
    bool success = resp->status >= 200 && resp->status < 300;
    resp->failure = KOC__FAIL_LOCAL;
    if (success && (stream || r->rq->max_reply > 0)) {
        KOC__TRY(check_encoding(&resp->headers, err));
    }
    if (success && stream) {
        resp->exchange = koc__steal(&x);
        return KOC_OK;
    }
    resp->body.max = success ? r->rq->max_reply : KOC__ERROR_BODY_MAX;
    return read_body(x, resp->body.max, !success || r->rq->max_reply == 0, r->call, &resp->body,
                     &resp->failure, err);
}

/* --- one request, followed to the reply that counts ---------------------------------------------- */

static int common_headers(run *r, koc__headers *h, koc_error **err)
{
    const koc__request *rq = r->rq;

    KOC__TRY(koc__headers_put(h, "User-Agent", r->host->client->user_agent, err));
    KOC__TRY(koc__headers_put(h, "Accept-Encoding", "identity", err));
    if (rq->accept) {
        KOC__TRY(koc__headers_put(h, "Accept", rq->accept, err));
    }
    if (rq->content_type) {
        KOC__TRY(koc__headers_put(h, "Content-Type", rq->content_type, err));
    }
    if (rq->content_range) {
        KOC__TRY(koc__headers_put(h, "Content-Range", rq->content_range, err));
    }
    return rq->range ? koc__headers_put(h, "Range", rq->range, err) : KOC_OK;
}

static int64_t response_timeout(const run *r)
{
    int64_t own = r->host->client->response_timeout_ms;

    if (own > 0) {
        return own;
    }
    if (r->rq->flags & KOC__RQ_SLOW) {
        return FIRST_BYTE_SLOW_MS;
    }
    return r->host->answered ? FIRST_BYTE_MS : FIRST_BYTE_NEW_MS;
}

static int64_t connect_timeout(const run *r)
{
    int64_t usual = r->host->client->connect_timeout_ms;

    if (!r->guessing) {
        return usual;
    }
    return KOC__MIN(usual, r->host->loopback ? GUESS_LOCAL_MS : GUESS_MS);
}

/* A stream is not held back: what waits for its bytes may hold a place itself. */
static int in_its_place(run *r, const koc__http_request *h, koc_error **err)
{
    if (r->elsewhere || (r->rq->flags & KOC__RQ_STREAM)) {
        return exchange(r, h, err);
    }
    r->resp->status = 0;
    r->resp->failure = KOC__FAIL_LOCAL;
    KOC__TRY(koc__host_take_place(r->host, r->call, err));
    int rc = exchange(r, h, err);
    koc__host_leave_place(r->host, r->resp->status);
    return rc;
}

static void on_quiet(void *self, const char *reason, int64_t left_ms)
{
    run *r = self;

    koc__waiter_wait(&r->waiter, reason, left_ms);
}

static int send_once(run *r, const koc__url *url, koc_error **err)
{
    const koc__request *rq = r->rq;
    koc_client *c = r->host->client;
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;

    KOC__TRY(common_headers(r, &headers, err));
    r->authorized = false;
    for (size_t i = 0; !r->elsewhere && i < r->host->fields.count; i++) {
        const koc__header *f = &r->host->fields.list[i];
        KOC__TRY(koc__headers_put(&headers, f->name, f->value, err));
    }
    if (rq->cookies) {
        KOC__TRY(koc__cookies_put(rq->cookies, url, &headers, err));
    }
    if (!r->elsewhere) {
        KOC__TRY(koc__session_authorize(r->host, rq, r->call, &headers, &r->authorized, err));
    }
    koc__http_request h = {
        .method = rq->method,
        .url = url,
        .headers = &headers,
        .bytes = rq->bytes,
        .blob = rq->blob,
        .blob_offset = rq->blob_offset,
        .blob_size = rq->blob_size,
        .has_body = rq->has_body,
        .fresh = r->fresh || rq->fresh,
        .expect = !r->host->no_expect,
        .reach = r->elsewhere && r->host->kind == (int)KOC__ADDRESS_PUBLIC ? KOC__REACH_PUBLIC
                                                                           : KOC__REACH_ANY,
        .connect_timeout_ms = connect_timeout(r),
        .response_timeout_ms = response_timeout(r),
        .sent = rq->sent,
        .sent_self = rq->sent_self,
        .quiet = on_quiet,
        .quiet_self = r,
    };
    r->fresh = false;
    r->target = r->host;
    if (r->elsewhere) {
        KOC__TRY(koc__client_host_of_url(c, url, &r->target, err));
    }
    koc__client_route(c, r->target, &h);
    return in_its_place(r, &h, err);
}

/* Where a redirect leads; KOC_OK with *out empty: it is no redirect that is followed. */
static int next_hop(const run *r, const koc__url *from, koc__url *out, koc_error **err)
{
    const char *location = koc__headers_get(&r->resp->headers, "Location");
    bool reads = strcmp(r->rq->method, "GET") == 0 || strcmp(r->rq->method, "HEAD") == 0;
    bool keeps = r->resp->status == 307 || r->resp->status == 308;
    KOC__AUTO_VAL(koc__url) to = KOC__URL_INIT;

    switch (r->resp->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: break;
    default: return KOC_OK;
    }
    if (!location || !(reads || keeps)) {
        return KOC_OK;
    }
    int rc = koc__url_resolve(from, koc__str(location), &to, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "redirected to nowhere");
    }
    if (from->https && !to.https) {
        return koc__error(err, KOC_EDENIED,
                          "redirected from https to plain http (http://%s): refused", to.host);
    }
    if (!reads && !koc__url_same_origin(from, &to)) {
        return KOC_OK;
    }
    *out = to;
    to = (koc__url)KOC__URL_INIT;
    return KOC_OK;
}

static int origin_of(const run *r, bool https, koc__url *out, koc_error **err)
{
    const char *target = r->rq->target ? r->rq->target : "/";
    KOC__AUTO_STR moved = NULL;

    if (r->host->prefix && koc__str_starts(koc__str(target), "/v2/")) {
        moved = koc__format("%s%s", r->host->prefix, target + 3);
        if (!moved) {
            return koc__oom(err);
        }
    }
    return koc__url_make(https, r->host->wire, moved ? moved : target, out, err);
}

/* Sends by this scheme, answers a challenge, follows redirects. KOC_OK: there is a status. */
static int send_followed(run *r, bool https, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) origin = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;

    KOC__TRY(origin_of(r, https, &origin, err));
    KOC__TRY(koc__url_copy(r->rq->url ? r->rq->url : &origin, &url, err));
    for (int hops = 0, logins = 0; hops <= REDIRECTS_MAX;) {
        KOC__AUTO_VAL(koc__url) next = KOC__URL_INIT;
        bool again = false;
        r->elsewhere = !koc__url_same_origin(&origin, &url);
        KOC__TRY(send_once(r, &url, err));
        r->resp->failure = KOC__FAIL_LOCAL;
        if (r->resp->status == 401 && !r->elsewhere) {
            KOC__TRY(koc__session_challenged(r->host, r->rq, r->resp, r->authorized, &r->refreshed,
                                             &again, r->call, err));
            if (again && ++logins <= LOGINS_MAX) {
                continue;
            }
        }
        KOC__TRY(next_hop(r, &url, &next, err));
        if (!next.host) {
            return KOC_OK;
        }
        koc__url_dispose(&url);
        url = next;
        next = (koc__url)KOC__URL_INIT;
        hops++;
    }
    return koc__error(err, KOC_ELIMIT, "redirected more than %d times", REDIRECTS_MAX);
}

/* Whether a failed https try on a host that may speak http says "no TLS here": never after a
 * certificate was seen, unless the user allowed http. */
static bool try_other_scheme(const koc__host *h, koc__failure why)
{
    switch (why) {
    case KOC__FAIL_CONNECT:
    case KOC__FAIL_CONNECT_TIMEOUT:
    case KOC__FAIL_TLS:
    case KOC__FAIL_BROKEN:
    case KOC__FAIL_PROTOCOL: return true;
    case KOC__FAIL_RESOLVE: /* http may go through a proxy that knows the name */
    case KOC__FAIL_PROXY:
    case KOC__FAIL_CERT: return h->may_http;
    default: return false;
    }
}

static int send_discovering(run *r, koc_error **err)
{
    bool first = koc__host_first_guess_https(r->host);
    koc_error *error = NULL;

    r->guessing = true;
    int rc = send_followed(r, first, &error);
    r->guessing = false;

    if (rc == KOC_OK || r->host->scheme_known || !try_other_scheme(r->host, r->resp->failure)) {
        return rc == KOC_OK ? KOC_OK : koc__error_move(err, &error);
    }
    koc__failure first_why = r->resp->failure;
    rc = send_followed(r, !first, err);
    if (rc != KOC_OK && !r->host->scheme_known && r->resp->failure == KOC__FAIL_CONNECT &&
        first_why != KOC__FAIL_CONNECT) {
        /* What a server that listens says counts more than "refused". */
        r->resp->failure = first_why;
        return koc__error_move(err, &error);
    }
    koc_error_free(error);
    return rc;
}

static int try_once(run *r, koc_error **err)
{
    koc__host *h = r->host;

    r->resp->failure = KOC__FAIL_LOCAL;
    if (h->client->flags & KOC_CLIENT_OFFLINE) {
        return koc__error(err, KOC_ENET, "not asked: offline");
    }
    if (h->scheme_known) {
        return send_followed(r, h->https, err);
    }
    KOC__TRY(koc__host_enter(h, KOC__GATE_SCHEME, r->call, err));
    bool known = h->scheme_known;
    int rc = known ? KOC_OK : send_discovering(r, err);
    koc__host_leave(h, KOC__GATE_SCHEME);
    return known ? send_followed(r, h->https, err) : rc;
}

/* --- again or not --------------------------------------------------------------------------------- */

static uint32_t random32(void)
{
    uint32_t n = 0;

    if (koc__random(&n, sizeof(n), NULL) != KOC_OK) {
        n = (uint32_t)koc__monotonic_ns();
    }
    return n;
}

/* A pause that a server asked for holds for every request to it. */
static int wait_for_host(run *r, koc_error **err)
{
    koc__host *h = r->host;

    pthread_mutex_lock(&h->mutex);
    int64_t until = h->pause_until_ms;
    pthread_mutex_unlock(&h->mutex);
    int64_t now = koc__monotonic_ms();
    if (until <= now) {
        return KOC_OK;
    }
    return koc__waiter_sleep(&r->waiter, "the registry asked for a pause", until - now, err);
}

static void pause_host(koc__host *h, int64_t ms)
{
    int64_t until = koc__monotonic_ms() + ms;

    pthread_mutex_lock(&h->mutex);
    h->pause_until_ms = KOC__MAX(h->pause_until_ms, until);
    pthread_mutex_unlock(&h->mutex);
}

static koc__retry judge(run *r, bool has_status)
{
    bool idempotent = !(r->rq->flags & KOC__RQ_UNSAFE);

    if (r->rq->flags & KOC__RQ_ONE_TRY) {
        return KOC__RETRY_NO;
    }
    if (!has_status) {
        return koc__retry_of_failure(r->resp->failure, idempotent, r->host->answered);
    }
    if (r->elsewhere && r->resp->status == 403) {
        return KOC__RETRY_ONCE; /* a presigned link that went stale: start again at the registry */
    }
    koc__retry retry = koc__retry_of_status(r->resp->status, r->resp->error.code);
    /* A pause that the server asks for comes before it did anything. */
    return idempotent || retry == KOC__RETRY_THROTTLE ? retry : KOC__RETRY_NO;
}

/* Milliseconds to wait before the next try; negative: no more tries. */
static int64_t next_wait(run *r, bool has_status)
{
    koc__retry retry = judge(r, has_status);
    unsigned limit = r->host->client->max_attempts;
    int64_t seconds = 0, delay;

    if (retry == KOC__RETRY_NO || (retry == KOC__RETRY_ONCE && r->used_once)) {
        return -1;
    }
    if (!has_status && !r->host->answered) {
        bool slow = koc__monotonic_ms() - r->started_ms >= r->host->client->connect_total_ms;
        limit = slow ? 0 : KOC__MIN(limit, (unsigned)NEW_HOST_ATTEMPTS);
    }
    r->used_once = r->used_once || retry == KOC__RETRY_ONCE;
    /* Being told when to come back needs no waits that grow. */
    bool told = has_status && koc__retry_after(koc__headers_get(&r->resp->headers, "Retry-After"),
                                               koc__now(), &seconds);
    delay = koc__retry_delay_ms(told ? 0 : r->attempts - 1, random32());
    if (told) {
        if (seconds > KOC__RETRY_AFTER_MAX) {
            return -1;
        }
        delay += seconds * 1000;
    }
    if (retry == KOC__RETRY_THROTTLE) {
        r->throttled++;
        limit *= 3; /* being slowed down is no failure */
        pause_host(r->host, seconds * 1000);
    }
    if (r->attempts >= limit || r->waited_ms + delay > WAITING_MAX_MS) {
        return -1;
    }
    return delay;
}

/* --- the error that people see -------------------------------------------------------------------- */

/* Takes *why. */
static void hint_at_network(const run *r, koc_error **why)
{
    const koc__host *h = r->host;

    if (r->resp->failure == KOC__FAIL_RESOLVE) {
        koc__error_hint(why, "check the name; where only a proxy knows names: "
                             "HTTPS_PROXY=http://HOST:PORT");
    } else if (r->resp->failure == KOC__FAIL_CONNECT && koc__streq(h->name, "localhost")) {
        koc__error_hint(why, "localhost alone is port 443 or 80; a registry there has another "
                             "one: localhost:PORT");
    }
}

static int network_error(const run *r, koc_error **why, koc_error **err)
{
    koc__host *h = r->host;

    if (r->resp->failure != KOC__FAIL_LOCAL) {
        koc__error_prefix(why, koc_error_code(*why), "%s", r->target ? r->target->name : h->name);
        if (r->attempts > 1) {
            koc__error_suffix(why, " (%u attempts)", r->attempts);
        }
        hint_at_network(r, why);
        koc__error_retryable(why, true);
    }
    koc__error_scrub(why, koc__session_scrub, h);
    return koc__error_move(err, why);
}

/* Not every registry makes a repository when something is pushed to it. */
static void hint_to_create(const run *r, koc_error **err)
{
    const char *repository = r->rq->repository, *name = r->host->name;
    koc_str host = koc__str(name), region;

    if (koc__str_ends(host, ".amazonaws.com") && strstr(name, ".dkr.ecr.")) {
        region = koc__str(strstr(name, ".dkr.ecr.") + strlen(".dkr.ecr."));
        region.len -= strlen(".amazonaws.com");
        koc__error_hint(err, "try: aws ecr create-repository --repository-name %s --region %.*s",
                        repository, (int)region.len, region.ptr);
        return;
    }
    koc__error_hint(err,
                    "this registry makes no repositories by a push: create %s there first, or ask "
                    "who may",
                    repository);
}

static const char *tags_of(const run *r, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", r->host->name, r->rq->repository);
    return out;
}

static int status_error(run *r, koc_error **err)
{
    koc__response *resp = r->resp;
    char where[512];
    int64_t seconds;
    int rc = koc__regerror_make(r->rq->what, resp->status, &resp->error, err);

    if (r->elsewhere) {
        return koc__error_prefix(err, rc, "%s", resp->url.host);
    }
    if (resp->status == 401 && koc__session_is_anonymous(r->host, r->rq->repository)) {
        rc = koc__error(err, KOC_EAUTH, "no credentials for %s", r->host->name);
        koc__error_http(err, 401, resp->error.code[0] ? resp->error.code : NULL);
    }
    bool unknown_name = resp->status == 404 && strcmp(resp->error.code, "NAME_UNKNOWN") == 0;
    bool pushes = r->rq->what == KOC__DO_UPLOAD_OPEN || r->rq->what == KOC__DO_MANIFEST_PUT;
    if (pushes && (unknown_name || (resp->status == 404 && r->rq->what == KOC__DO_UPLOAD_OPEN))) {
        hint_to_create(r, err);
        return rc;
    }
    if (resp->status == 401 || resp->status == 403 || unknown_name) {
        koc__session_explain(r->host, r->rq->repository, err);
        return rc;
    }
    if (resp->status == 404 && r->rq->what == KOC__DO_MANIFEST_GET &&
        !strrchr(r->rq->target, ':')) {
        koc__error_hint_on(err, KOC_HINT_LIST_TAGS, tags_of(r, where, sizeof(where)),
                           "list the tags of %s", where);
    }
    if (koc__retry_after(koc__headers_get(&resp->headers, "Retry-After"), koc__now(), &seconds) &&
        seconds > KOC__RETRY_AFTER_MAX) {
        koc__error_hint(err, "the registry asks to come back in %lld s", (long long)seconds);
    }
    return rc;
}

/* Why the next try has to wait. */
static void reason_to_wait(const run *r, const koc_error *failure, char *out, size_t size)
{
    const koc__response *resp = r->resp;
    int64_t seconds = 0;

    if (failure) {
        snprintf(out, size, "%s", koc_error_message(failure));
        return;
    }
    (void)koc__retry_after(koc__headers_get(&resp->headers, "Retry-After"), koc__now(), &seconds);
    koc__reply_reason(resp->status, &resp->error, seconds, out, size);
}

static int run_tries(run *r, koc_error **err)
{
    koc__response *resp = r->resp;

    for (;;) {
        KOC__AUTO(koc_error) failure = NULL;
        char reason[512];
        KOC__TRY(wait_for_host(r, err));
        resp->status = 0;
        r->waiter.attempt = ++r->attempts;
        int rc = try_once(r, &failure);
        bool has_status = rc == KOC_OK;
        if (has_status && is_wanted(r->rq, resp->status)) {
            return KOC_OK;
        }
        if (has_status) {
            /* Before it is cut, and once more when nothing hides it. */
            if (resp->body.ptr) {
                koc__session_scrub(r->host, resp->body.ptr);
            }
            koc__regerror_read(koc__str(koc__dynbuf_cstr(&resp->body)), &resp->error);
            koc__session_scrub(r->host, resp->error.message);
            koc__session_scrub(r->host, resp->error.code);
        }
        int64_t wait = next_wait(r, has_status);
        if (wait < 0) {
            if (has_status) {
                return status_error(r, err);
            }
            return network_error(r, &failure, err);
        }
        reason_to_wait(r, failure, reason, sizeof(reason));
        r->fresh = !has_status;
        r->refreshed = false;
        r->waited_ms += wait;
        KOC__TRY(koc__waiter_sleep(&r->waiter, reason, wait, err));
    }
}

int koc__request_run_at(const koc__request *rq, koc__call *call, koc__response *resp,
                        koc_error **err)
{
    run r = {.rq = rq,
             .host = rq->host,
             .call = call,
             .resp = resp,
             .started_ms = koc__monotonic_ms(),
             .waiter = {call, rq->host, 0, 1}};
    int rc = run_tries(&r, err);

    koc__waiter_tell(&r.waiter, rc == KOC_OK ? KOC_STATE_FINISHED : KOC_STATE_FAILED);
    return rc;
}
