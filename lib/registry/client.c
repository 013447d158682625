#include "core/common.h"

#include <koc/version.h>

#include "registry/client.h"
#include "registry/host/host_rules.h"

#include "core/io/cache.h"
#include "core/io/fs.h"
#include "core/run/timed_wait.h"
#include "core/text.h"

#define CONNECTIONS_DEFAULT 8
#define CONNECTIONS_MAX     64
#define ATTEMPTS_DEFAULT    8
#define CONNECT_TRY_MS      10000
#define CONNECT_ALL_MS      30000
#define HOSTS_MAX           4096
#define GATE_LOOK_MS        50
#define CA_MAX              ((size_t)16 << 20)

/* --- options ------------------------------------------------------------------------------------ */

static int copy_hosts(const char *const *from, koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) list = NULL;

    KOC__TRY(koc__strlist_new(&list, err));
    for (size_t i = 0; from && from[i]; i++) {
        koc_str host;
        uint16_t port;
        if (!koc__authority_split(koc__str(from[i]), &host, &port)) {
            return koc__error(err, KOC_EINVAL, "not a host: %s", from[i]);
        }
        KOC__TRY(koc__strlist_add(list, from[i], err));
    }
    *out = koc__steal(&list);
    return KOC_OK;
}

static int fill(koc_client *c, const koc_client_options *o, koc_error **err)
{
    const uint32_t known = KOC_CLIENT_INSECURE | KOC_CLIENT_NO_PROXY_ENV | KOC_CLIENT_OFFLINE;

    if (o->flags & ~known) {
        return koc__misuse(err, "koc_client_new: unknown flags");
    }
    if (o->connect_timeout_ms < 0 || o->response_timeout_ms < 0) {
        return koc__misuse(err, "koc_client_new: negative time limit");
    }
    c->flags = o->flags;
    c->auth = o->auth ? koc_auth_ref(o->auth) : NULL;
    c->max_connections =
        KOC__MIN(o->max_connections ? o->max_connections : CONNECTIONS_DEFAULT, CONNECTIONS_MAX);
    c->rate = o->requests_per_second;
    c->max_attempts = o->max_attempts ? o->max_attempts : ATTEMPTS_DEFAULT;
    c->connect_timeout_ms = o->connect_timeout_ms ? o->connect_timeout_ms : CONNECT_TRY_MS;
    c->connect_total_ms = o->connect_timeout_ms ? o->connect_timeout_ms : CONNECT_ALL_MS;
    c->response_timeout_ms = o->response_timeout_ms;
    c->user_agent =
        o->user_agent ? koc__strdup(o->user_agent) : koc__format("koc/%s", KOC_VERSION_STRING);
    if (!c->user_agent) {
        return koc__oom(err);
    }
    if (strpbrk(c->user_agent, "\r\n")) {
        return koc__error(err, KOC_EINVAL, "a user agent with a line end in it");
    }
    KOC__TRY(copy_hosts(o->allow_http, &c->allow_http, err));
    c->ca_pem.max = CA_MAX;
    if (o->ca_file) {
        KOC__TRY(koc__fs_read_any(o->ca_file, NULL, &c->ca_pem, err));
        if (koc__transport_bundle()) {
            KOC__TRY(koc__dynbuf_putc(&c->ca_pem, '\n', err));
            KOC__TRY(koc__fs_read_file(koc__transport_bundle(), &c->ca_pem, err));
        }
    }
    if (!(o->flags & KOC_CLIENT_NO_PROXY_ENV)) {
        KOC__TRY(koc__proxies_from_env(&c->proxies, err));
    }
    return koc__transport_new(c->max_connections, &c->transport, err);
}

int koc_client_new(koc_ctx *ctx, const koc_client_options *opts, koc_client **out, koc_error **err)
{
    koc_client_options o;
    KOC__AUTO(koc_client) c = NULL;

    if (!ctx || !out) {
        return koc__misuse(err, "koc_client_new: ctx or out is NULL");
    }
    KOC__TRY(koc__options_copy(&o, sizeof(o), opts, "koc_client_options", err));
    c = koc__calloc(1, sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    atomic_init(&c->refs, 1);
    pthread_mutex_init(&c->mutex, NULL);
    c->ctx = koc_ctx_ref(ctx);
    KOC__TRY(fill(c, &o, err));
    *out = koc__steal(&c);
    return KOC_OK;
}

koc_client *koc_client_ref(koc_client *c)
{
    if (c) {
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    }
    return c;
}

static void free_secret(char *s)
{
    if (s) {
        koc__wipe(s, strlen(s));
        koc__free(s);
    }
}

void koc__host_free(koc__host *h)
{
    for (size_t i = 0; i < h->n_tokens; i++) {
        free_secret(h->tokens[i].value);
        koc__free(h->tokens[i].key);
    }
    for (size_t i = 0; i < h->n_logins; i++) {
        koc_credential_free(h->logins[i].cred);
        koc__free(h->logins[i].repository);
    }
    koc__free(h->tokens);
    koc__free(h->logins);
    koc__map_free(h->blobs);
    koc__free(h->realm);
    koc__free(h->service);
    koc__url_dispose(&h->challenged_at);
    koc__free(h->name);
    koc__free(h->wire);
    koc__free(h->login);
    koc__free(h->prefix);
    koc__free(h->mirror_of);
    koc__headers_dispose(&h->fields);
    for (size_t i = 0; i < h->n_mirrors; i++) {
        koc__host_free(h->mirrors[i]);
    }
    koc__free(h->mirrors);
    koc__certs_dispose(&h->certs);
    pthread_mutex_destroy(&h->mutex);
    pthread_cond_destroy(&h->left);
    koc__free(h);
}

void koc_client_unref(koc_client *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < c->n_hosts; i++) {
        koc__host_free(c->hosts[i]);
    }
    koc__free(c->hosts);
    koc__transport_free(c->transport);
    koc__dynbuf_dispose(&c->ca_pem);
    koc__proxies_dispose(&c->proxies);
    koc_strlist_free(c->allow_http);
    koc__map_free(c->warned);
    koc_auth_unref(c->auth);
    koc_ctx_unref(c->ctx);
    pthread_mutex_destroy(&c->mutex);
    koc__free(c->user_agent);
    koc__free(c);
}

/* --- hosts -------------------------------------------------------------------------------------- */

/* All that is trusted beside the system's authorities, in one text: libcurl takes one. */
static int join_authorities(koc_client *c, koc__host *h, koc_error **err)
{
    if (h->certs.authorities.len == 0) {
        return KOC_OK;
    }
    if (c->ca_pem.len > 0) {
        return koc__dynbuf_put(&h->certs.authorities, koc__dynbuf_view(&c->ca_pem), err);
    }
    return koc__transport_bundle()
               ? koc__fs_read_file(koc__transport_bundle(), &h->certs.authorities, err)
               : KOC_OK;
}

/* What follows from the name on the wire, unless hosts.toml said so. */
static void settle_scheme(koc_client *c, koc__host *h)
{
    koc_str host = {"", 0};
    uint16_t port;

    koc__authority_split(koc__str(h->wire), &host, &port);
    h->loopback = koc__address_is_loopback(host);
    h->insecure = h->insecure || (c->flags & KOC_CLIENT_INSECURE) != 0;
    h->may_http = (c->flags & KOC_CLIENT_INSECURE) != 0 || koc__host_listed(c->allow_http, h->name);
    h->kind = (int)koc__address_of_text(host);
    if (!h->scheme_known) {
        h->https = !h->loopback && !h->may_http;
        h->scheme_known = h->https;
    }
}

static int fill_host(koc__host *h, const char *name, bool configured, koc_error **err)
{
    h->name = koc__strdup(name);
    h->login = koc__strdup(name);
    h->wire = koc__strdup(koc__host_on_wire(name));
    if (!h->name || !h->login || !h->wire) {
        return koc__oom(err);
    }
    KOC__TRY(configured ? koc__host_configure(h, err) : KOC_OK);
    return koc__certs_of(h->login, &h->certs, err);
}

static int host_new(koc_client *c, const char *name, bool configured, koc__host **out,
                    koc_error **err)
{
    koc__host *h = koc__calloc(1, sizeof(*h));

    if (!h) {
        return koc__oom(err);
    }
    h->certs = (koc__certs)KOC__CERTS_INIT;
    h->client = c;
    h->rate = c->rate;
    h->window_256ths = c->max_connections * 256;
    pthread_mutex_init(&h->mutex, NULL);
    koc__cond_init(&h->left);
    int rc = fill_host(h, name, configured, err);
    if (rc == KOC_OK && configured) {
        rc = join_authorities(c, h, err);
    }
    if (rc != KOC_OK) {
        koc__host_free(h);
        return rc;
    }
    settle_scheme(c, h);
    *out = h;
    return KOC_OK;
}

int koc__host_make(koc_client *c, const char *authority, koc__host **out, koc_error **err)
{
    return host_new(c, authority, false, out, err);
}

static int find_or_add_locked(koc_client *c, const char *registry, koc__host **out, koc_error **err)
{
    for (size_t i = 0; i < c->n_hosts; i++) {
        if (strcmp(c->hosts[i]->name, registry) == 0) {
            *out = c->hosts[i];
            return KOC_OK;
        }
    }
    if (c->n_hosts >= HOSTS_MAX) {
        return koc__error(err, KOC_ELIMIT, "more than %d registries in one client", HOSTS_MAX);
    }
    if (!koc__grow((void **)&c->hosts, &c->hosts_capacity, c->n_hosts + 1, sizeof(*c->hosts))) {
        return koc__oom(err);
    }
    KOC__TRY(host_new(c, registry, true, &c->hosts[c->n_hosts], err));
    *out = c->hosts[c->n_hosts++];
    return KOC_OK;
}

int koc__client_host(koc_client *c, const char *registry, koc__host **out, koc_error **err)
{
    pthread_mutex_lock(&c->mutex);
    int rc = find_or_add_locked(c, registry, out, err);
    pthread_mutex_unlock(&c->mutex);
    return rc;
}

int koc__client_host_of_url(koc_client *c, const koc__url *u, koc__host **out, koc_error **err)
{
    KOC__AUTO_STR origin = koc__url_origin(u);

    if (!origin) {
        return koc__oom(err);
    }
    return koc__client_host(c, origin + (u->https ? 8 : 7), out, err);
}

void koc__client_route(koc_client *c, const koc__host *target, koc__http_request *rq)
{
    const koc__dynbuf *own = &target->certs.authorities;

    const koc__proxy *proxy = koc__proxies_for(&c->proxies, rq->url);
    rq->proxy = proxy ? proxy->url : NULL;
    rq->proxy_from = proxy ? proxy->variable : NULL;
    rq->ca_pem = koc__dynbuf_view(own->len > 0 ? own : &c->ca_pem);
    rq->client_cert = target->certs.client_cert;
    rq->client_key = target->certs.client_key;
    rq->insecure = target->insecure;
}

void koc__host_wait_locked(koc__host *h)
{
    koc__cond_wait_ms(&h->left, &h->mutex, GATE_LOOK_MS);
}

int koc__host_enter(koc__host *h, int gate, koc__call *call, koc_error **err)
{
    int rc = KOC_OK;

    pthread_mutex_lock(&h->mutex);
    while (rc == KOC_OK && h->busy[gate]) {
        koc__host_wait_locked(h);
        rc = koc__call_check(call, err);
    }
    if (rc == KOC_OK) {
        h->busy[gate] = true;
    }
    pthread_mutex_unlock(&h->mutex);
    return rc;
}

void koc__host_leave(koc__host *h, int gate)
{
    pthread_mutex_lock(&h->mutex);
    h->busy[gate] = false;
    pthread_cond_broadcast(&h->left);
    pthread_mutex_unlock(&h->mutex);
}

bool koc__host_first_guess_https(koc__host *h)
{
    koc_buf record = KOC_BUF_INIT;
    bool found = false, https = true;

    if (h->client->ctx->cache &&
        koc__cache_get(h->client->ctx->cache, "hosts", koc__str(h->wire), 16, &found, &record,
                       NULL) == KOC_OK &&
        found) {
        https = !koc__str_is(koc__str_n(record.ptr, record.len), "http");
    }
    koc_buf_dispose(&record);
    return https;
}

void koc__host_learn(koc__host *h, bool https, const char *address)
{
    bool news;

    if (address[0]) {
        h->kind = (int)koc__address_of_text(koc__str(address));
    }
    h->answered = true;
    h->https = https;
    news = !atomic_exchange(&h->scheme_known, true);
    if (news && h->client->ctx->cache && koc__host_first_guess_https(h) != https) {
        /* Only a guess for the next run; not being able to keep it is no failure. */
        (void)koc__cache_put(h->client->ctx->cache, "hosts", koc__str(h->wire),
                             https ? KOC__STR("https") : KOC__STR("http"), NULL);
    }
}
