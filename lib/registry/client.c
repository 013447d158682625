#include "core/common.h"

#include <koc/version.h>

#include "registry/client.h"

#include "core/io/fs.h"
#include "registry/host/hosts_toml.h"

#define CONNECTIONS_DEFAULT 8
#define CONNECTIONS_MAX     64
#define ATTEMPTS_DEFAULT    8
#define CONNECT_TRY_MS      10000
#define CONNECT_ALL_MS      30000
#define HOSTS_MAX           4096
#define WARNED_MAX          64
#define CA_MAX              ((size_t)16 << 20)

/* --- options --- */

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

static int copy_fields(const koc_client_options *o, koc__headers *out, koc_error **err)
{
    if (o->n_headers > 0 && !o->headers) {
        return koc__misuse(err, "koc_client_new: headers is NULL");
    }
    for (size_t i = 0; i < o->n_headers; i++) {
        const char *name = o->headers[i].key;
        if (!name || !o->headers[i].value) {
            return koc__misuse(err, "koc_client_new: a header's name or value is NULL");
        }
        KOC__TRY(koc__hosts_check_field(name, err));
        KOC__TRY(koc__headers_put(out, o->headers[i].key, o->headers[i].value, err));
    }
    return KOC_OK;
}

static int set_options(koc_client *c, const koc_client_options *o, koc_error **err)
{
    const uint32_t known = KOC_CLIENT_INSECURE | KOC_CLIENT_NO_PROXY_ENV | KOC_CLIENT_OFFLINE;
    if (o->flags & ~known || o->reserved) {
        return koc__misuse(err, "koc_client_new: unknown flags, or reserved is not 0");
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
        return koc__error(err, KOC_EINVAL, "the user agent contains a line end");
    }
    KOC__TRY(copy_fields(o, &c->fields, err));
    KOC__TRY(copy_hosts(o->allow_http, &c->allow_http, err));
    c->ca_pem.max = CA_MAX;
    if (o->ca_file) {
        KOC__TRY(koc__fs_read_any(o->ca_file, NULL, &c->ca_pem, err));
        if (koc__http_bundle()) {
            KOC__TRY(koc__dynbuf_putc(&c->ca_pem, '\n', err));
            KOC__TRY(koc__fs_read_file(koc__http_bundle(), &c->ca_pem, err));
        }
    }
    if (!(o->flags & KOC_CLIENT_NO_PROXY_ENV)) {
        KOC__TRY(koc__proxies_from_env(&c->proxies, err));
    }
    const koc__hooks hooks = {o->transport, o->trace, o->trace_payload};
    KOC__TRY(koc__http_pool_new(c->max_connections, &c->transport, err));
    koc__http_pool_hook(c->transport, &hooks);
    return KOC_OK;
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
    KOC__TRY(set_options(c, &o, err));
    c->trace_release = o.trace_release; /* now that nothing can fail */
    c->trace_payload = o.trace_payload;
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

void koc_client_unref(koc_client *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < c->n_hosts; i++) {
        koc__host_free(c->hosts[i]);
    }
    koc__free(c->hosts);
    koc__http_pool_free(c->transport);
    if (c->trace_release) {
        c->trace_release(c->trace_payload);
    }
    koc__headers_dispose(&c->fields);
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

/* --- hosts --- */

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
    KOC__TRY(koc__host_new(c, registry, &c->hosts[c->n_hosts], err));
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

bool koc__client_note_warning(koc_client *c, const char *text)
{
    pthread_mutex_lock(&c->mutex);
    c->warned = c->warned ? c->warned : koc__map_new(NULL);
    bool news = c->warned && koc__map_count(c->warned) < WARNED_MAX &&
                !koc__map_get(c->warned, koc__str(text)) &&
                koc__map_set(c->warned, koc__str(text), c, NULL) == KOC_OK;
    pthread_mutex_unlock(&c->mutex);
    return news;
}
