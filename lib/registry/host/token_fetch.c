/* Asking a token server: GET with Basic, or OAuth2's POST with a refresh token. */
#include "core/common.h"

#include "core/text.h"
#include "registry/host/request.h"
#include "registry/host/retry.h"

#define TOKEN_REDIRECTS_MAX 3
#define TOKEN_ATTEMPTS      5
#define TOKEN_TIMEOUT_MS    30000

typedef struct ask {
    koc__host *host;
    koc__call *call;
    const koc_credential *cred;
    koc__url realm;
    char *service;
    koc_strlist *scopes;
} ask;

static void ask_dispose(ask *a)
{
    koc__url_dispose(&a->realm);
    koc__free(a->service);
    koc_strlist_free(a->scopes);
}

int koc__basic_header(koc__headers *h, const koc_credential *cred, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) plain = KOC__DYNBUF_INIT(64 << 10);
    KOC__AUTO_VAL(koc__dynbuf) line = KOC__DYNBUF_INIT(128 << 10);

    int rc = koc__dynbuf_printf(&plain, err, "%s:%s", cred->username ? cred->username : "",
                                cred->secret);
    if (rc == KOC_OK) {
        rc = koc__dynbuf_puts(&line, "Basic ", err);
    }
    if (rc == KOC_OK) {
        rc = koc__base64(&line, koc__dynbuf_view(&plain), false, err);
    }
    if (rc == KOC_OK) {
        rc = koc__headers_add(h, KOC__STR("Authorization"), koc__dynbuf_view(&line), err);
    }
    koc__dynbuf_wipe(&plain);
    koc__dynbuf_wipe(&line);
    return rc;
}

/* Behind a proxy nobody sees which address is connected to: then at least none that is written out may be
 * of this machine or its link, unless the registry is there itself. */
static int check_place(const ask *a, const koc__url *url, koc_error **err)
{
    bool unknown = a->host->kind == (int)KOC__ADDRESS_NAME;
    koc__address place = koc__address_of_text(koc__str(url->host));
    bool inside = place == KOC__ADDRESS_LOCAL || koc__address_is_loopback(koc__str(url->host));

    if (unknown && inside && !koc__url_same_origin(url, &a->host->challenged_at)) {
        return koc__error(err, KOC_EDENIED, "the token server is said to be at %s: refused",
                          url->host);
    }
    return KOC_OK;
}

/* One try over the wire. with_secret: this hop may see it. */
static int ask_hop(const ask *a, const koc__url *url, koc_str form, bool with_secret,
                   koc__http_reply *reply, koc__dynbuf *body, koc__failure *why, koc_error **err)
{
    koc_client *c = a->host->client;
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    bool same = koc__url_same_origin(url, &a->host->challenged_at);

    *why = KOC__FAIL_LOCAL;
    KOC__TRY(check_place(a, url, err));
    KOC__TRY(koc__headers_put(&headers, "User-Agent", c->user_agent, err));
    KOC__TRY(koc__headers_put(&headers, "Accept-Encoding", "identity", err));
    if (form.len > 0) {
        KOC__TRY(
            koc__headers_put(&headers, "Content-Type", "application/x-www-form-urlencoded", err));
    } else if (with_secret && a->cred) {
        KOC__TRY(koc__basic_header(&headers, a->cred, err));
    }
    koc__http_request h = {
        .method = form.len > 0 ? "POST" : "GET",
        .url = url,
        .headers = &headers,
        .bytes = form,
        .has_body = form.len > 0,
        .reach =
            !same && a->host->kind == (int)KOC__ADDRESS_PUBLIC ? KOC__REACH_PUBLIC : KOC__REACH_ANY,
        .connect_timeout_ms = c->connect_timeout_ms,
        .response_timeout_ms = c->response_timeout_ms ? c->response_timeout_ms : TOKEN_TIMEOUT_MS,
    };
    koc__host *target = a->host;
    if (!same) {
        KOC__TRY(koc__client_host_of_url(c, url, &target, err));
    }
    koc__client_route(c, target, &h);
    int64_t begin = koc__monotonic_ms();
    int rc = koc__send_plain(c, &h, KOC__TOKEN_REPLY_MAX, a->call, reply, body, why, err);
    koc__log(c->ctx, KOC_LOG_DEBUG, "registry", "%s token for %s from %s: %d (%lld ms)", h.method,
             a->host->name, url->host, rc == KOC_OK ? reply->status : 0,
             (long long)(koc__monotonic_ms() - begin));
    return rc;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* GET or POST with redirects: at most three, and the secret stays with the origin that was named. */
static int ask_followed(const ask *a, const koc__url *start, koc_str form, koc__http_reply *reply,
                        koc__dynbuf *body, koc__failure *why, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;

    *why = KOC__FAIL_LOCAL;
    KOC__TRY(koc__url_copy(start, &url, err));
    for (int hop = 0; hop <= TOKEN_REDIRECTS_MAX; hop++) {
        KOC__AUTO_VAL(koc__url) next = KOC__URL_INIT;
        const char *location;
        koc__http_reply_dispose(reply);
        koc__dynbuf_clear(body);
        KOC__TRY(ask_hop(a, &url, form, koc__url_same_origin(&url, start), reply, body, why, err));
        location = koc__headers_get(&reply->headers, "Location");
        if (!is_redirect(reply->status) || !location) {
            return KOC_OK;
        }
        *why = KOC__FAIL_LOCAL;
        KOC__TRY(koc__url_resolve(&url, koc__str(location), &next, err));
        if ((url.https && !next.https) || (form.len > 0 && !koc__url_same_origin(&url, &next))) {
            return koc__error(err, KOC_EDENIED,
                              "the token server redirects to http%s://%s: refused",
                              next.https ? "s" : "", next.host);
        }
        koc__url_dispose(&url);
        url = next;
        next = (koc__url)KOC__URL_INIT;
    }
    return koc__error(err, KOC_ELIMIT, "the token server redirects more than %d times",
                      TOKEN_REDIRECTS_MAX);
}

/* failure NULL: the server answered with status, and wants us back in so many seconds. */
static int wait_for_server(koc__waiter *w, int status, int64_t seconds, const koc_error *failure,
                           koc_error **err)
{
    static const koc__regerror nothing = {"", ""};
    char reason[512] = "token server: ";
    size_t used = strlen(reason);

    if (failure) {
        snprintf(reason + used, sizeof(reason) - used, "%s", koc_error_message(failure));
    } else {
        koc__reply_reason(status, &nothing, seconds, reason + used, sizeof(reason) - used);
    }
    int64_t wait = koc__retry_delay_ms(w->attempt - 1, (uint32_t)koc__monotonic_ns());
    return koc__waiter_sleep(w, reason, wait + seconds * 1000, err);
}

/* The ordinary retry policy round it; refused credentials are never tried twice. */
static int ask_retried(const ask *a, const koc__url *url, koc_str form, int *status,
                       koc__dynbuf *body, koc_error **err)
{
    koc__waiter waiter = {a->call, a->host, 0, 1};

    for (unsigned attempt = 0;; attempt++) {
        KOC__AUTO_VAL(koc__http_reply) reply = KOC__HTTP_REPLY_INIT;
        koc_error *failure = NULL;
        koc__failure why;
        int64_t seconds = 0;
        int rc = ask_followed(a, url, form, &reply, body, &why, &failure);
        koc__retry retry = rc == KOC_OK ? koc__retry_of_status(reply.status, "")
                                        : koc__retry_of_failure(why, true, attempt == 0);
        bool wants =
            koc__retry_after(koc__headers_get(&reply.headers, "Retry-After"), koc__now(), &seconds);
        if (retry == KOC__RETRY_NO || attempt + 1 >= TOKEN_ATTEMPTS ||
            (wants && seconds > KOC__RETRY_AFTER_MAX)) {
            koc__waiter_tell(&waiter, rc == KOC_OK ? KOC_STATE_FINISHED : KOC_STATE_FAILED);
            if (rc == KOC_OK) {
                *status = reply.status;
                return KOC_OK;
            }
            koc__error_prefix(&failure, rc, "token server %s", url->host);
            return koc__error_move(err, &failure);
        }
        waiter.attempt = attempt + 1;
        rc = wait_for_server(&waiter, reply.status, wants ? seconds : 0, failure, err);
        koc__error_clear(&failure);
        KOC__TRY(rc);
    }
}

static int ask_by_post(const ask *a, int *status, koc__dynbuf *body, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(256 << 10);

    int rc = koc__token_form(&form, a->service, a->scopes, a->cred->secret, NULL, NULL, err);
    if (rc == KOC_OK) {
        rc = ask_retried(a, &a->realm, koc__dynbuf_view(&form), status, body, err);
    }
    koc__dynbuf_wipe(&form);
    return rc;
}

static int ask_by_get(const ask *a, int *status, koc__dynbuf *body, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;

    KOC__TRY(koc__url_copy(&a->realm, &url, err));
    KOC__TRY(
        koc__token_query(&url, a->service, a->scopes, a->cred ? a->cred->username : NULL, err));
    return ask_retried(a, &url, (koc_str){"", 0}, status, body, err);
}

/* The token server said no. */
static int refused(const ask *a, int status, koc_str body, koc_error **err)
{
    koc__regerror e;
    int rc = KOC_EAUTH;

    koc__regerror_read(body, &e);
    koc__session_scrub(a->host, e.message);
    koc__session_scrub(a->host, e.code);
    if (status == 401 || status == 403 || (status == 400 && a->cred)) {
        koc__error(err, rc, "%s%s%s%s",
                   a->cred ? "the credentials were not accepted" : "it wants a login",
                   e.message[0] ? " (" : "", e.message, e.message[0] ? ")" : "");
    } else {
        rc = koc__regerror_make(KOC__DO_TOKEN, status, &e, err);
        koc__error_prefix(err, rc, "token server %s", a->realm.host);
    }
    koc__error_http(err, status, e.code[0] ? e.code : NULL);
    return rc;
}

static int ask_for_token(const ask *a, koc__token_reply *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) body = KOC__DYNBUF_INIT(KOC__TOKEN_REPLY_MAX);
    bool identity = a->cred && a->cred->kind == KOC_CRED_IDENTITY_TOKEN;
    int status = 0;

    if (identity) {
        KOC__TRY(ask_by_post(a, &status, &body, err));
    }
    if (!identity ||
        koc__token_post_unsupported(status, a->cred->username && a->cred->username[0])) {
        KOC__TRY(ask_by_get(a, &status, &body, err));
    }
    if (status < 200 || status >= 300) {
        return refused(a, status, koc__dynbuf_view(&body), err);
    }
    int rc = koc__token_reply_read(koc__dynbuf_view(&body), out, err);
    koc__dynbuf_wipe(&body);
    return rc;
}

/* Fills realm, service and scopes from what the host is known to want. */
static int prepare(ask *a, const koc__request *rq, const char *demanded, bool with_mount,
                   koc_error **err)
{
    koc__host *h = a->host;

    KOC__TRY(koc__strlist_new(&a->scopes, err));
    if (rq->repository) {
        KOC__TRY(koc__scope_add(a->scopes, rq->repository, rq->actions, err));
    }
    if (rq->mount_from && with_mount) {
        KOC__TRY(koc__scope_add(a->scopes, rq->mount_from, KOC__ACT_PULL, err));
    }
    if (demanded) {
        KOC__TRY(koc__scope_demand(&a->scopes, demanded, err));
    }
    pthread_mutex_lock(&h->mutex);
    int rc = koc__realm_resolve(&h->challenged_at, h->realm, &a->realm, err);
    a->service = h->service ? koc__strdup(h->service) : NULL;
    bool oom = h->service && !a->service;
    pthread_mutex_unlock(&h->mutex);
    KOC__TRY(rc);
    return oom ? koc__oom(err) : KOC_OK;
}

int koc__token_fetch(koc__host *h, const koc__request *rq, const koc_credential *cred,
                     const char *demanded, bool with_mount, koc__call *call, koc__token_reply *out,
                     koc_error **err)
{
    ask a = {.host = h, .call = call, .cred = cred};
    int rc = prepare(&a, rq, demanded, with_mount, err);

    if (rc == KOC_OK) {
        rc = ask_for_token(&a, out, err);
    }
    ask_dispose(&a);
    return rc;
}
