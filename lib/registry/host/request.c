#include "core/common.h"

#include "registry/host/request.h"

#include "core/clean.h"
#include "core/hash/crypto.h"
#include "core/text.h"
#include "registry/client.h"
#include "registry/host/reported_wait.h"
#include "registry/host/retry.h"
#include "registry/host/session.h"

#define REDIRECTS_MAX      10
#define LOGINS_MAX         3 /* challenges answered in one attempt */
#define FIRST_BYTE_NEW_MS  30000
#define FIRST_BYTE_MS      60000
#define FIRST_BYTE_SLOW_MS 300000
/* A plain HTTP server may wait for the rest of a request when it gets a TLS greeting. */
#define GUESS_LOCAL_MS    1000
#define GUESS_MS          5000
#define NEW_HOST_ATTEMPTS 3
#define WAITING_MAX_MS    120000
#define WARNINGS_MAX      4096 /* bytes of Warning texts looked at in one reply */

/* One request, over all its attempts. */
typedef struct run {
    const koc__request *rq;
    koc__host *host;
    koc__host *target; /* of the last exchange: host, or the host that a redirect named */
    koc__call *call;
    koc__response *resp;
    koc__session session; /* its login */
    koc__waiter waiter;   /* reports its waits */
    unsigned attempts;    /* made so far */
    int64_t started_ms;
    int64_t waited_ms;     /* between attempts, in all */
    bool used_once;        /* the one retry that KOC__RETRY_ONCE allows was made */
    bool fresh_connection; /* the next attempt takes a new connection */
    bool redirected;       /* the last exchange was with another origin than host */
    bool guessing_scheme;  /* the scheme of this attempt is a guess; the other one comes next */
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

/* --- one exchange --- */

static void log_exchange(run *r, const koc__http_request *h, const char *outcome, int64_t ms)
{
    koc_ctx *ctx = r->host->client->ctx;
    if (!koc__log_wants(ctx, KOC_LOG_DEBUG)) {
        return;
    }
    KOC__AUTO_STR url = koc__url_redacted(h->url);
    if (url) {
        koc__login_scrub(r->host->login, url); /* a redirect may lead anywhere */
    }
    koc__log(ctx, KOC_LOG_DEBUG, "registry", "%s %s: %s (%lld ms)", h->method, url ? url : "",
             outcome, (long long)ms);
}

static int check_encoding(const koc__headers *h, koc_error **err)
{
    const char *encoding = koc__headers_get(h, "Content-Encoding");
    if (encoding && encoding[0] && !koc__str_ieq(koc__str(encoding), KOC__STR("identity"))) {
        return koc__error(err, KOC_EFORMAT,
                          "the reply has a Content-Encoding that koc did not ask for");
    }
    return KOC_OK;
}

/* Logs each text once; koc never acts upon them. */
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
        koc__login_scrub(r->host->login, text);
        if (koc__client_note_warning(c, text)) {
            koc__log(c->ctx, KOC_LOG_WARN, "registry", "%s says: %s", r->target->name, text);
        }
    }
}

static int run_exchange(run *r, const koc__http_request *h, koc_error **err)
{
    koc__response *resp = r->resp;
    bool stream = (r->rq->flags & KOC__RQ_STREAM) != 0;
    KOC__AUTO_VAL(koc__http_reply) reply = KOC__HTTP_REPLY_INIT;
    KOC__AUTO(koc__exchange) x = NULL;
    int64_t begin = koc__monotonic_ms();
    koc__response_dispose(resp);
    resp->status = 0;
    koc_error *why = NULL;
    int rc = koc__exchange_open(r->host->client->transport, h, r->call, &reply, &x, &why);
    if (rc != KOC_OK) {
        resp->failure = reply.failure;
        log_exchange(r, h, koc_error_message(why), koc__monotonic_ms() - begin);
        return koc__error_move(err, &why);
    }
    char text[32];
    snprintf(text, sizeof(text), "%d", reply.status);
    log_exchange(r, h, text, koc__monotonic_ms() - begin);
    resp->status = reply.status;
    resp->headers = reply.headers;
    reply.headers = (koc__headers)KOC__HEADERS_INIT;
    if (!r->redirected) {
        koc__reach_learn(r->host->reach, h->url->https, reply.address);
        if (reply.expect_expired || reply.status == 417) {
            koc__reach_drop_expect(r->host->reach);
        }
    }
    show_warnings(r, &resp->headers);
    if (r->rq->cookies) {
        KOC__TRY(koc__cookies_read(r->rq->cookies, h->url, &resp->headers, err));
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
    bool may_cut = !success || r->rq->max_reply == 0;
    return koc__exchange_read_all(x, r->call, may_cut, &resp->body, &resp->failure, err);
}

/* --- one attempt, through challenges and redirects --- */

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
    return koc__reach_answered(r->host->reach) ? FIRST_BYTE_MS : FIRST_BYTE_NEW_MS;
}

static int64_t connect_timeout(const run *r)
{
    int64_t usual = r->host->client->connect_timeout_ms;
    if (!r->guessing_scheme) {
        return usual;
    }
    return KOC__MIN(usual, koc__reach_is_loopback(r->host->reach) ? GUESS_LOCAL_MS : GUESS_MS);
}

static void report_wait(void *self, const char *reason, int64_t left_ms)
{
    run *r = self;
    koc__waiter_report(&r->waiter, reason, left_ms);
}

/* Keeps the pace of the host. A stream is exempt: the thread that reads it may be inside another
 * request. */
static int exchange_paced(run *r, const koc__http_request *h, koc_error **err)
{
    if (r->redirected || (r->rq->flags & KOC__RQ_STREAM)) {
        return run_exchange(r, h, err);
    }
    r->resp->status = 0;
    r->resp->failure = KOC__FAIL_LOCAL;
    KOC__TRY(koc__pace_acquire(r->host->pace, report_wait, r, r->call, err));
    koc__waiter_resume(&r->waiter);
    int rc = run_exchange(r, h, err);
    koc__pace_release(r->host->pace, r->resp->status);
    return rc;
}

static int put_all(koc__headers *to, const koc__headers *from, koc_error **err)
{
    for (size_t i = 0; i < from->count; i++) {
        KOC__TRY(koc__headers_put(to, from->list[i].name, from->list[i].value, err));
    }
    return KOC_OK;
}

static int send_once(run *r, const koc__url *url, koc_error **err)
{
    const koc__request *rq = r->rq;
    koc_client *c = r->host->client;
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__TRY(common_headers(r, &headers, err));
    r->session.sent = false;
    if (!r->redirected) {
        KOC__TRY(put_all(&headers, &c->fields, err));
        KOC__TRY(put_all(&headers, &r->host->fields, err));
    }
    if (rq->cookies) {
        KOC__TRY(koc__cookies_put(rq->cookies, url, &headers, err));
    }
    if (!r->redirected) {
        KOC__TRY(koc__session_authorize(&r->session, &headers, err));
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
        .fresh = r->fresh_connection || rq->fresh,
        .expect = koc__reach_expects(r->host->reach),
        .uncounted = (rq->flags & KOC__RQ_STREAM) != 0,
        .reach = r->redirected && koc__reach_address(r->host->reach) == KOC__ADDRESS_PUBLIC
                     ? KOC__REACH_PUBLIC
                     : KOC__REACH_ANY,
        .connect_timeout_ms = connect_timeout(r),
        .response_timeout_ms = response_timeout(r),
        .sent = rq->sent,
        .sent_self = rq->sent_self,
        .quiet = report_wait,
        .quiet_self = r,
    };
    r->fresh_connection = false;
    r->target = r->host;
    if (r->redirected) {
        KOC__TRY(koc__client_host_of_url(c, url, &r->target, err));
    }
    koc__client_route(c, r->target, &h);
    return exchange_paced(r, &h, err);
}

/* The target of a redirect; KOC_OK with *out empty: the reply is not a redirect that koc
 * follows. */
static int next_hop(const run *r, const koc__url *from, koc__url *out, koc_error **err)
{
    const char *location = koc__headers_get(&r->resp->headers, "Location");
    bool reads = strcmp(r->rq->method, "GET") == 0 || strcmp(r->rq->method, "HEAD") == 0;
    bool keeps = r->resp->status == 307 || r->resp->status == 308;
    KOC__AUTO_VAL(koc__url) to = KOC__URL_INIT;
    if (!koc__http_is_redirect(r->resp->status) || !location || !(reads || keeps)) {
        return KOC_OK;
    }
    int rc = koc__url_resolve(from, koc__str(location), &to, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "invalid redirect target");
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

/* Sends by this scheme, answers challenges, follows redirects. KOC_OK: there is a status. */
static int send_followed(run *r, bool https, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) origin = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__TRY(origin_of(r, https, &origin, err));
    KOC__TRY(koc__url_copy(r->rq->url ? r->rq->url : &origin, &url, err));
    for (int hops = 0, logins = 0; hops <= REDIRECTS_MAX;) {
        KOC__AUTO_VAL(koc__url) next = KOC__URL_INIT;
        bool again = false;
        r->redirected = !koc__url_same_origin(&origin, &url);
        KOC__TRY(send_once(r, &url, err));
        r->resp->failure = KOC__FAIL_LOCAL;
        if (r->resp->status == 401 && !r->redirected) {
            KOC__TRY(koc__session_challenged(&r->session, &r->resp->headers, &r->resp->url, &again,
                                             err));
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

/* Whether the failure of one scheme leaves the other one possible: never after a
 * certificate was seen, unless the user allowed http. */
static bool try_other_scheme(const koc__host *h, koc__failure why)
{
    switch (why) {
    case KOC__FAIL_CONNECT:
    case KOC__FAIL_CONNECT_TIMEOUT:
    case KOC__FAIL_TLS:
    case KOC__FAIL_BROKEN:
    case KOC__FAIL_PROTOCOL: return true;
    case KOC__FAIL_RESOLVE: /* http may go through a proxy, which resolves the name */
    case KOC__FAIL_PROXY:
    case KOC__FAIL_CERT: return koc__reach_may_http(h->reach);
    default: return false;
    }
}

/* The scheme of the host is not known yet: tries the likely one, then the other one. */
static int send_discovering(run *r, koc_error **err)
{
    koc__host_reach *reach = r->host->reach;
    bool first = koc__reach_first_guess_https(reach), https;
    koc_error *error = NULL;
    r->guessing_scheme = true;
    int rc = send_followed(r, first, &error);
    r->guessing_scheme = false;
    if (rc == KOC_OK || koc__reach_scheme(reach, &https) ||
        !try_other_scheme(r->host, r->resp->failure)) {
        return rc == KOC_OK ? KOC_OK : koc__error_move(err, &error);
    }
    koc__failure first_why = r->resp->failure;
    rc = send_followed(r, !first, err);
    if (rc != KOC_OK && !koc__reach_scheme(reach, &https) &&
        r->resp->failure == KOC__FAIL_CONNECT && first_why != KOC__FAIL_CONNECT) {
        /* The first failure came from a server that listens: it says more than "refused". */
        r->resp->failure = first_why;
        return koc__error_move(err, &error);
    }
    koc_error_free(error);
    return rc;
}

static int attempt_once(run *r, koc_error **err)
{
    koc__host_reach *reach = r->host->reach;
    bool https;
    r->resp->failure = KOC__FAIL_LOCAL;
    if (r->host->client->flags & KOC_CLIENT_OFFLINE) {
        return koc__error(err, KOC_ENET, "not asked: offline");
    }
    if (koc__reach_scheme(reach, &https)) {
        return send_followed(r, https, err);
    }
    KOC__TRY(koc__reach_enter(reach, r->call, err));
    bool known = koc__reach_scheme(reach, &https);
    int rc = known ? KOC_OK : send_discovering(r, err);
    koc__reach_leave(reach);
    return known ? send_followed(r, https, err) : rc;
}

/* --- retries --- */

static uint32_t random32(void)
{
    uint32_t n = 0;
    if (koc__random(&n, sizeof(n), NULL) != KOC_OK) {
        n = (uint32_t)koc__monotonic_ns();
    }
    return n;
}

/* A pause that the server asked for applies to every request to it. */
static int wait_for_host(run *r, koc_error **err)
{
    int64_t left = koc__pace_pause_left(r->host->pace);
    return left > 0 ? koc__waiter_sleep(&r->waiter, "the registry asked for a pause", left, err)
                    : KOC_OK;
}

static koc__retry choose_retry(const run *r, bool has_status)
{
    bool idempotent = !(r->rq->flags & KOC__RQ_UNSAFE);
    if (r->rq->flags & KOC__RQ_ONE_TRY) {
        return KOC__RETRY_NO;
    }
    if (!has_status) {
        return koc__retry_of_failure(r->resp->failure, idempotent,
                                     koc__reach_answered(r->host->reach));
    }
    if (r->redirected && r->resp->status == 403) {
        return KOC__RETRY_ONCE; /* a presigned link expired: the registry gives a new one */
    }
    koc__retry retry = koc__retry_of_status(r->resp->status, r->resp->error.code);
    /* A server that asks for a pause has not done anything yet. */
    return idempotent || retry == KOC__RETRY_THROTTLE ? retry : KOC__RETRY_NO;
}

/* Milliseconds to wait before the next attempt; negative: there is none. */
static int64_t next_wait(run *r, bool has_status)
{
    koc__retry retry = choose_retry(r, has_status);
    unsigned limit = r->host->client->max_attempts;
    int64_t seconds = 0, delay;
    if (retry == KOC__RETRY_NO || (retry == KOC__RETRY_ONCE && r->used_once)) {
        return -1;
    }
    if (!has_status && !koc__reach_answered(r->host->reach)) {
        bool slow = koc__monotonic_ms() - r->started_ms >= r->host->client->connect_total_ms;
        limit = slow ? 0 : KOC__MIN(limit, (unsigned)NEW_HOST_ATTEMPTS);
    }
    r->used_once = r->used_once || retry == KOC__RETRY_ONCE;
    /* When the server says how long to wait, the wait need not grow with each attempt. */
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
        limit *= 3; /* a request that is slowed down has not failed */
        koc__pace_pause(r->host->pace, seconds * 1000);
    }
    if (r->attempts >= limit || r->waited_ms + delay > WAITING_MAX_MS) {
        return -1;
    }
    return delay;
}

/* --- errors --- */

/* Takes *why. */
static void hint_at_network(const run *r, koc_error **why)
{
    const koc__host *h = r->host;
    if (r->resp->failure == KOC__FAIL_RESOLVE) {
        koc__error_hint(why, "check the name; if only a proxy resolves names, set "
                             "HTTPS_PROXY=http://HOST:PORT");
    } else if (r->resp->failure == KOC__FAIL_CONNECT && koc__streq(h->name, "localhost")) {
        koc__error_hint(why, "localhost without a port means 443 or 80; a registry there "
                             "usually has another one: localhost:PORT");
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
    koc__error_scrub(why, koc__login_scrub, h->login);
    return koc__error_move(err, why);
}

/* Some registries do not create a repository on the first push. */
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
                    "this registry does not create repositories on push: create %s there first, "
                    "or ask its administrator",
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
    if (r->redirected) {
        return koc__error_prefix(err, rc, "%s", resp->url.host);
    }
    if (resp->status == 401 && koc__login_is_anonymous(r->host->login, r->rq->repository)) {
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
        koc__error_hint(err, "the registry asks to retry in %lld s", (long long)seconds);
    }
    return rc;
}

/* Why the next attempt has to wait. */
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

static int run_attempts(run *r, koc_error **err)
{
    koc__response *resp = r->resp;
    for (;;) {
        KOC__AUTO(koc_error) failure = NULL;
        char reason[512];
        KOC__TRY(wait_for_host(r, err));
        resp->status = 0;
        r->waiter.attempt = ++r->attempts;
        int rc = attempt_once(r, &failure);
        bool has_status = rc == KOC_OK;
        if (has_status && is_wanted(r->rq, resp->status)) {
            return KOC_OK;
        }
        if (has_status) {
            /* Once before the text is cut, which could leave half a secret, and once after
             * escapes are gone. */
            if (resp->body.ptr) {
                koc__login_scrub(r->host->login, resp->body.ptr);
            }
            koc__regerror_read(koc__str(koc__dynbuf_cstr(&resp->body)), &resp->error);
            koc__login_scrub(r->host->login, resp->error.message);
            koc__login_scrub(r->host->login, resp->error.code);
        }
        int64_t wait = next_wait(r, has_status);
        if (wait < 0) {
            if (has_status) {
                return status_error(r, err);
            }
            return network_error(r, &failure, err);
        }
        reason_to_wait(r, failure, reason, sizeof(reason));
        r->fresh_connection = !has_status;
        r->session.renewed = false;
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
             .session = {.host = rq->host,
                         .call = call,
                         .repository = rq->repository,
                         .actions = rq->actions,
                         .mount_from = rq->mount_from},
             .waiter = {.call = call, .host = rq->host, .attempt = 1},
             .started_ms = koc__monotonic_ms()};
    int rc = run_attempts(&r, err);

    koc__waiter_finish(&r.waiter, rc == KOC_OK);
    return rc;
}
