/* GET with Basic, or OAuth2's POST with a refresh token. */
#include "core/common.h"

#include "registry/host/token_fetch.h"

#include "core/text.h"
#include "http/transport.h"
#include "registry/client.h"
#include "registry/host/reported_wait.h"
#include "registry/host/retry.h"
#include "registry/registry_error.h"

#define TOKEN_REDIRECTS_MAX 3
#define TOKEN_ATTEMPTS      5
#define TOKEN_TIMEOUT_MS    30000

/* One question to a token server, and its last reply. */
typedef struct fetch {
    const koc__token_request *want;
    koc__call *call;
    koc__url realm;
    char *service;
    koc_strlist *scopes;
    koc__http_reply reply;
    koc__dynbuf body;
    koc__waiter waiter; /* reports its waits */
} fetch;

static void fetch_dispose(fetch *f)
{
    koc__url_dispose(&f->realm);
    koc__free(f->service);
    koc_strlist_free(f->scopes);
    koc__http_reply_dispose(&f->reply);
    koc__dynbuf_wipe(&f->body);
}
KOC__DEFINE_AUTO_VAL(fetch, fetch_dispose);

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

/*
 * Behind a proxy koc does not see which address it connects to. Then at least no URL may name an
 * address of this host or its link, unless the registry itself has it.
 */
static int check_address(const fetch *f, const koc__url *url, koc_error **err)
{
    const koc__host *h = f->want->host;
    bool unknown = koc__reach_address(h->reach) == KOC__ADDRESS_NAME;
    koc_str host = koc__str(url->host);
    bool local = koc__address_of_text(host) == KOC__ADDRESS_LOCAL || koc__address_is_loopback(host);
    if (unknown && local && !koc__login_is_origin(h->login, url)) {
        return koc__error(err, KOC_EDENIED, "the token server is said to be at %s: refused",
                          url->host);
    }
    return KOC_OK;
}

static int put_fields(const fetch *f, bool is_form, bool with_secret, koc__headers *headers,
                      koc_error **err)
{
    KOC__TRY(koc__headers_put(headers, "User-Agent", f->want->host->client->user_agent, err));
    KOC__TRY(koc__headers_put(headers, "Accept-Encoding", "identity", err));
    if (is_form) {
        return koc__headers_put(headers, "Content-Type", "application/x-www-form-urlencoded", err);
    }
    return with_secret && f->want->cred ? koc__basic_header(headers, f->want->cred, err) : KOC_OK;
}

static void report_wait(void *self, const char *why, int64_t left_ms)
{
    fetch *f = self;
    char reason[128];
    snprintf(reason, sizeof(reason), "token server: %s", why);
    koc__waiter_report(&f->waiter, reason, left_ms);
}

/* One request. with_secret: this URL may see the credential. */
static int send_once(fetch *f, const koc__url *url, koc_str form, bool with_secret, koc_error **err)
{
    koc__host *h = f->want->host, *target = h;
    koc_client *c = h->client;
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    koc__http_reply_dispose(&f->reply);
    f->reply = (koc__http_reply)KOC__HTTP_REPLY_INIT;
    f->reply.failure = KOC__FAIL_LOCAL;
    koc__dynbuf_clear(&f->body);
    KOC__TRY(check_address(f, url, err));
    KOC__TRY(put_fields(f, form.len > 0, with_secret, &headers, err));
    bool foreign = !koc__login_is_origin(h->login, url);
    koc__http_request rq = {
        .method = form.len > 0 ? "POST" : "GET",
        .url = url,
        .headers = &headers,
        .bytes = form,
        .has_body = form.len > 0,
        .reach = foreign && koc__reach_address(h->reach) == KOC__ADDRESS_PUBLIC ? KOC__REACH_PUBLIC
                                                                                : KOC__REACH_ANY,
        .connect_timeout_ms = c->connect_timeout_ms,
        .response_timeout_ms = c->response_timeout_ms ? c->response_timeout_ms : TOKEN_TIMEOUT_MS,
        .quiet = report_wait,
        .quiet_self = f,
    };
    if (foreign) {
        KOC__TRY(koc__client_host_of_url(c, url, &target, err));
    }
    koc__client_route(c, target, &rq);
    int64_t begin = koc__monotonic_ms();
    int rc = koc__exchange_fetch(c->transport, &rq, f->call, &f->reply, &f->body, err);
    koc__log(c->ctx, KOC_LOG_DEBUG, "registry", "%s token for %s from %s: %d (%lld ms)", rq.method,
             h->name, url->host, rc == KOC_OK ? f->reply.status : 0,
             (long long)(koc__monotonic_ms() - begin));
    return rc;
}

/* Follows at most three redirects; only the origin of start sees the secret. */
static int send_followed(fetch *f, const koc__url *start, koc_str form, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    f->reply.failure = KOC__FAIL_LOCAL;
    KOC__TRY(koc__url_copy(start, &url, err));
    for (int hop = 0; hop <= TOKEN_REDIRECTS_MAX; hop++) {
        KOC__AUTO_VAL(koc__url) next = KOC__URL_INIT;
        KOC__TRY(send_once(f, &url, form, koc__url_same_origin(&url, start), err));
        const char *location = koc__headers_get(&f->reply.headers, "Location");
        if (!koc__http_is_redirect(f->reply.status) || !location) {
            return KOC_OK;
        }
        f->reply.failure = KOC__FAIL_LOCAL;
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

/* failure NULL: the server answered, and asks to wait so many seconds. */
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

/* Retries by the ordinary policy, which never repeats credentials that were rejected.
 * KOC_OK: there is a reply. */
static int send_retried(fetch *f, const koc__url *url, koc_str form, koc_error **err)
{
    f->waiter = (koc__waiter){.call = f->call, .host = f->want->host, .attempt = 1};

    for (unsigned attempt = 0;; attempt++) {
        koc_error *failure = NULL;
        int64_t seconds = 0;
        int rc = send_followed(f, url, form, &failure);
        koc__retry retry = rc == KOC_OK
                               ? koc__retry_of_status(f->reply.status, "")
                               : koc__retry_of_failure(f->reply.failure, true, attempt == 0);
        bool asks_to_wait = koc__retry_after(koc__headers_get(&f->reply.headers, "Retry-After"),
                                             koc__now(), &seconds);
        if (retry == KOC__RETRY_NO || attempt + 1 >= TOKEN_ATTEMPTS ||
            (asks_to_wait && seconds > KOC__RETRY_AFTER_MAX)) {
            koc__waiter_finish(&f->waiter, rc == KOC_OK);
            if (rc == KOC_OK) {
                return KOC_OK;
            }
            koc__error_prefix(&failure, rc, "token server %s", url->host);
            return koc__error_move(err, &failure);
        }
        f->waiter.attempt = attempt + 1;
        rc = wait_for_server(&f->waiter, f->reply.status, asks_to_wait ? seconds : 0, failure, err);
        koc_error_free(failure);
        KOC__TRY(rc);
    }
}

static int send_post(fetch *f, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(256 << 10);
    int rc = koc__token_form(&form, f->service, f->scopes, f->want->cred->secret, err);
    if (rc == KOC_OK) {
        rc = send_retried(f, &f->realm, koc__dynbuf_view(&form), err);
    }
    koc__dynbuf_wipe(&form);
    return rc;
}

static int send_get(fetch *f, koc_error **err)
{
    const koc_credential *cred = f->want->cred;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__TRY(koc__url_copy(&f->realm, &url, err));
    KOC__TRY(koc__token_query(&url, f->service, f->scopes, cred ? cred->username : NULL, err));
    return send_retried(f, &url, (koc_str){"", 0}, err);
}

static int refusal_error(const fetch *f, koc_error **err)
{
    koc__login_state *login = f->want->host->login;
    bool with_cred = f->want->cred != NULL;
    int status = f->reply.status, rc = KOC_EAUTH;
    koc__regerror e;
    koc__regerror_read(koc__dynbuf_view(&f->body), &e);
    koc__login_scrub(login, e.message);
    koc__login_scrub(login, e.code);
    if (status == 401 || status == 403 || (status == 400 && with_cred)) {
        koc__error(err, rc, "%s%s%s%s",
                   with_cred ? "the credentials were not accepted" : "it requires a login",
                   e.message[0] ? " (" : "", e.message, e.message[0] ? ")" : "");
    } else {
        rc = koc__regerror_make(KOC__DO_TOKEN, status, &e, err);
        koc__error_prefix(err, rc, "token server %s", f->realm.host);
    }
    koc__error_http(err, status, e.code[0] ? e.code : NULL);
    return rc;
}

static int get_token(fetch *f, koc__token_reply *out, koc_error **err)
{
    const koc_credential *cred = f->want->cred;
    bool by_post = cred && cred->kind == KOC_CRED_IDENTITY_TOKEN;
    if (by_post) {
        KOC__TRY(send_post(f, err));
        bool has_user = cred->username && cred->username[0];
        by_post = !koc__token_post_unsupported(f->reply.status, has_user);
    }
    if (!by_post) {
        KOC__TRY(send_get(f, err));
    }
    if (f->reply.status < 200 || f->reply.status >= 300) {
        return refusal_error(f, err);
    }
    return koc__token_reply_read(koc__dynbuf_view(&f->body), out, err);
}

/* Finds realm, service and scopes. */
static int prepare(fetch *f, koc_error **err)
{
    const koc__token_request *want = f->want;
    KOC__TRY(koc__strlist_new(&f->scopes, err));
    if (want->repository) {
        KOC__TRY(koc__scope_add(f->scopes, want->repository, want->actions, err));
    }
    if (want->mount_from) {
        KOC__TRY(koc__scope_add(f->scopes, want->mount_from, KOC__ACT_PULL, err));
    }
    if (want->demanded) {
        KOC__TRY(koc__scope_demand(&f->scopes, want->demanded, err));
    }
    return koc__login_realm(want->host->login, &f->realm, &f->service, err);
}

int koc__token_fetch(const koc__token_request *want, koc__call *call, koc__token_reply *out,
                     koc_error **err)
{
    KOC__AUTO_VAL(fetch)
    f = {.want = want,
         .call = call,
         .reply = KOC__HTTP_REPLY_INIT,
         .body = KOC__DYNBUF_INIT(KOC__TOKEN_REPLY_MAX)};

    KOC__TRY(prepare(&f, err));
    return get_token(&f, out, err);
}
