#include "core/common.h"

#include "registry/host/host.h"

#include "core/io/fs.h"
#include "http/transport.h"
#include "registry/client.h"
#include "registry/host/host_rules.h"
#include "registry/host/hosts_toml.h"

void koc__host_free(koc__host *h)
{
    if (!h) {
        return;
    }
    for (size_t i = 0; i < h->mirrors.count; i++) {
        koc__host_free(h->mirrors.list[i].host);
        koc__free(h->mirrors.list[i].registry);
    }
    koc__free(h->mirrors.list);
    koc__reach_free(h->reach);
    koc__pace_free(h->pace);
    koc__login_free(h->login);
    koc__claims_free(h->claims);
    koc__free(h->name);
    koc__free(h->wire);
    koc__free(h->auth_name);
    koc__free(h->prefix);
    koc__headers_dispose(&h->fields);
    koc__certs_dispose(&h->certs);
    koc__free(h);
}

/* Docker Hub's files are named after docker.io. */
static const char *file_name(const char *registry)
{
    return strcmp(registry, "index.docker.io") == 0 ? "docker.io" : registry;
}

/* Takes strings from e. */
static int set_names(koc__host *h, const char *name, koc__host_endpoint *e, koc_error **err)
{
    const char *usual = koc__host_on_wire(name);
    bool moved = e->authority && strcmp(usual, e->authority) != 0;
    h->name = koc__strdup(name);
    h->wire = koc__strdup(e->authority ? e->authority : usual);
    h->auth_name = koc__strdup(moved ? e->authority : name);
    h->prefix = koc__steal(&e->prefix);
    h->fields = e->fields;
    e->fields = (koc__headers)KOC__HEADERS_INIT;
    return h->name && h->wire && h->auth_name ? KOC_OK : koc__oom(err);
}

/* libcurl takes one text of authorities: certs.d, hosts.toml, the client's own and the system's. */
static int set_certs(koc__host *h, koc__host_endpoint *e, koc_error **err)
{
    koc_client *c = h->client;
    koc__dynbuf *pem = &h->certs.authorities;
    h->insecure = e->skip_verify || (c->flags & KOC_CLIENT_INSECURE) != 0;
    for (size_t i = 0; e->ca && i < koc_strlist_count(e->ca); i++) {
        KOC__TRY(koc__fs_read_file(koc_strlist_get(e->ca, i), pem, err));
        KOC__TRY(koc__dynbuf_putc(pem, '\n', err));
    }
    if (e->client_cert) {
        h->certs.client_cert = koc__steal(&e->client_cert);
        h->certs.client_key = koc__steal(&e->client_key);
    }
    KOC__TRY(koc__certs_of(h->auth_name, &h->certs, err));
    if (pem->len == 0) {
        return KOC_OK;
    }
    if (c->ca_pem.len > 0) {
        return koc__dynbuf_put(pem, koc__dynbuf_view(&c->ca_pem), err);
    }
    return koc__http_bundle() ? koc__fs_read_file(koc__http_bundle(), pem, err) : KOC_OK;
}

static int make_pieces(koc__host *h, const koc__host_endpoint *e, koc_error **err)
{
    koc_client *c = h->client;
    bool may_http = (c->flags & KOC_CLIENT_INSECURE) || koc__host_listed(c->allow_http, h->name);
    h->reach = koc__reach_new(c->ctx->cache, h->wire, may_http);
    h->pace = koc__pace_new(e->rate ? e->rate : c->rate, c->max_connections);
    h->login = koc__login_new();
    h->claims = koc__claims_new();
    if (!h->reach || !h->pace || !h->login || !h->claims) {
        return koc__oom(err);
    }
    if (e->authority) {
        koc__reach_set_scheme(h->reach, e->https);
    }
    return KOC_OK;
}

/* Takes strings from e. */
static int make_host(koc_client *c, const char *name, koc__host_endpoint *e, koc__host **out,
                     koc_error **err)
{
    koc__host *h = koc__calloc(1, sizeof(*h));
    if (!h) {
        return koc__oom(err);
    }
    h->client = c;
    h->certs = (koc__certs)KOC__CERTS_INIT;
    int rc = set_names(h, name, e, err);
    rc = rc == KOC_OK ? set_certs(h, e, err) : rc;
    rc = rc == KOC_OK ? make_pieces(h, e, err) : rc;
    if (rc != KOC_OK) {
        koc__host_free(h);
        return rc;
    }
    *out = h;
    return KOC_OK;
}

static int add_mirror(koc__host *h, koc__host_endpoint *e, koc_error **err)
{
    koc__mirror *m = &h->mirrors.list[h->mirrors.count];
    KOC__AUTO_STR name = koc__strdup(e->authority);
    if (!name) {
        return koc__oom(err);
    }
    KOC__TRY(make_host(h->client, name, e, &m->host, err));
    h->mirrors.count++;
    m->caps = e->caps;
    if (strcmp(name, koc__host_on_wire(h->name)) != 0) {
        m->registry = koc__strdup(file_name(h->name));
        return m->registry ? KOC_OK : koc__oom(err);
    }
    return KOC_OK;
}

static int add_mirrors(koc__host *h, koc__host_config *config, koc_error **err)
{
    if (config->n_mirrors == 0) {
        return KOC_OK;
    }
    h->mirrors.list = koc__calloc(config->n_mirrors, sizeof(h->mirrors.list[0]));
    if (!h->mirrors.list) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < config->n_mirrors; i++) {
        KOC__TRY(add_mirror(h, &config->mirrors[i], err));
    }
    return KOC_OK;
}

int koc__host_new(koc_client *c, const char *registry, koc__host **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__host_config) config = KOC__HOST_CONFIG_INIT;
    koc__host *h = NULL;
    KOC__TRY(koc__host_config_load(file_name(registry), &config, err));
    KOC__TRY(make_host(c, registry, &config.origin, &h, err));
    int rc = add_mirrors(h, &config, err);
    if (rc != KOC_OK) {
        koc__host_free(h);
        return rc;
    }
    *out = h;
    return KOC_OK;
}
