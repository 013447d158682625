/*
 * Mirrors: where hosts.toml says that a registry is to be found. Pulls ask the mirrors in order and
 * then the registry; pushes go to the registry unless a mirror says that it takes them. A mirror gets its
 * own credentials, never the registry's, and what it sends is held against the digest like anything else.
 */
#include "core/common.h"

#include "core/env.h"
#include "core/io/fs.h"
#include "registry/host/host_rules.h"
#include "registry/host/hosts_toml.h"
#include "registry/host/request.h"

#define CONFIG_MAX ((size_t)1 << 20)

/* --- the file ---------------------------------------------------------------------------------------- */

/* folder/certs.d/<host>/hosts.toml; containerd writes a port as "_5000_" too, and knows "_default". */
static char *file_in(const char *root, const char *host)
{
    const char *colon = strrchr(host, ':');
    KOC__AUTO_STR other = colon && !strchr(colon, ']')
                              ? koc__format("%.*s_%s_", (int)(colon - host), host, colon + 1)
                              : NULL;
    const char *names[] = {other, host, "_default"};

    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        KOC__AUTO_STR path =
            names[i] ? koc__format("%s/certs.d/%s/hosts.toml", root, names[i]) : NULL;
        if (path && koc__fs_is_file(path)) {
            return koc__steal(&path);
        }
    }
    return NULL;
}

/* The first that is there, or NULL. */
static char *config_file(const char *host)
{
    KOC__AUTO_STR config = koc__xdg("XDG_CONFIG_HOME", ".config");
    KOC__AUTO_STR own = config ? koc__format("%s/containerd", config) : NULL;
    const char *roots[] = {own, "/etc/containerd", "/etc/docker"};
    char *found = NULL;

    if (host[0] == '.') {
        return NULL; /* no name of a host; and ".." would be a folder */
    }
    for (size_t i = 0; i < KOC__COUNT(roots) && !found; i++) {
        found = roots[i] ? file_in(roots[i], host) : NULL;
    }
    return found;
}

/* As people, and the files of others, call it. */
static const char *usual_name(const char *registry)
{
    return strcmp(registry, "index.docker.io") == 0 ? "docker.io" : registry;
}

static int replace(char **slot, const char *value, koc_error **err)
{
    koc__free(koc__steal(slot));
    *slot = koc__strdup(value);
    return *slot ? KOC_OK : koc__oom(err);
}

/* h is found where e says. Takes strings from e. */
static int apply(koc__host *h, koc__endpoint *e, koc_error **err)
{
    if (e->authority) {
        KOC__TRY(replace(&h->wire, e->authority, err));
        h->https = e->https;
        h->scheme_known = true;
        if (strcmp(koc__host_on_wire(h->name), e->authority) != 0) {
            KOC__TRY(replace(&h->login, e->authority, err));
        }
    }
    h->prefix = koc__steal(&e->prefix);
    h->insecure = e->skip_verify;
    h->rate = e->rate ? e->rate : h->rate;
    h->caps = e->caps;
    h->fields = e->fields;
    e->fields = (koc__headers)KOC__HEADERS_INIT;
    for (size_t i = 0; e->ca && i < koc_strlist_count(e->ca); i++) {
        KOC__TRY(koc__fs_read_file(koc_strlist_get(e->ca, i), &h->certs.authorities, err));
        KOC__TRY(koc__dynbuf_putc(&h->certs.authorities, '\n', err));
    }
    if (e->client_cert) {
        h->certs.client_cert = koc__steal(&e->client_cert);
        h->certs.client_key = koc__steal(&e->client_key);
    }
    return KOC_OK;
}

static int add_mirror(koc__host *h, koc__endpoint *e, koc_error **err)
{
    koc__host *m = NULL;

    KOC__TRY(koc__host_make(h->client, e->authority, &m, err));
    h->mirrors[h->n_mirrors++] = m;
    bool other = strcmp(e->authority, koc__host_on_wire(h->name)) != 0;
    if (other) {
        KOC__TRY(replace(&m->mirror_of, usual_name(h->name), err));
    }
    return apply(m, e, err);
}

int koc__host_configure(koc__host *h, koc_error **err)
{
    KOC__AUTO_STR path = config_file(usual_name(h->name));
    KOC__AUTO_VAL(koc__host_config) c = KOC__HOST_CONFIG_INIT;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(CONFIG_MAX);

    if (!path) {
        return KOC_OK;
    }
    KOC__AUTO_STR folder = koc__strdup(path);
    if (!folder) {
        return koc__oom(err);
    }
    *strrchr(folder, '/') = '\0';
    KOC__TRY(koc__fs_read_file(path, &text, err));
    KOC__TRY(koc__hosts_toml_read(koc__dynbuf_view(&text), path, folder, &c, err));
    h->mirrors = koc__calloc(c.n_mirrors ? c.n_mirrors : 1, sizeof(koc__host *));
    if (!h->mirrors) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < c.n_mirrors; i++) {
        KOC__TRY(add_mirror(h, &c.mirrors[i], err));
    }
    return apply(h, &c.origin, err);
}

/* --- where a request goes ------------------------------------------------------------------------------- */

static bool writes(const koc__request *rq)
{
    return (rq->actions & (KOC__ACT_PUSH | KOC__ACT_DELETE)) != 0;
}

/* What a mirror must be trusted with to answer; 0: it is never asked. */
static uint32_t needed(const koc__request *rq)
{
    const char *target = rq->target;
    const char *manifest = target ? strstr(target, "/manifests/") : NULL;
    bool reads = strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0;

    if (!target || rq->url || !reads || (rq->flags & KOC__RQ_ORIGIN)) {
        return 0;
    }
    if (manifest) {
        return strchr(manifest, ':') ? KOC__CAP_PULL : KOC__CAP_RESOLVE;
    }
    return strstr(target, "/blobs/") ? KOC__CAP_PULL : 0;
}

/* *answered: resp is the reply. Else the next place is asked, whatever went wrong here. */
static int ask(koc__host *m, const koc__request *rq, koc__call *call, koc__response *resp,
               bool *answered, koc_error **err)
{
    koc__request copy = *rq;
    koc_error *failure = NULL;
    KOC__AUTO_STR target =
        m->mirror_of ? koc__format("%s?ns=%s", rq->target, m->mirror_of) : koc__strdup(rq->target);

    if (!target) {
        return koc__oom(err);
    }
    copy.host = m;
    copy.target = target;
    copy.also = NULL;
    copy.flags |= KOC__RQ_ONE_TRY;
    int rc = koc__request_run_at(&copy, call, resp, &failure);
    *answered = rc == KOC_OK;
    if (*answered) {
        return KOC_OK;
    }
    m->down =
        resp->status == 0 && resp->failure != KOC__FAIL_LOCAL && resp->failure != KOC__FAIL_BROKEN;
    koc__log(m->client->ctx, KOC_LOG_INFO, "registry", "mirror %s: %s; asking the next", m->name,
             koc_error_message(failure));
    koc__error_clear(&failure);
    koc__response_dispose(resp);
    *resp = (koc__response)KOC__RESPONSE_INIT;
    return koc__call_check(call, err);
}

int koc__request_run(const koc__request *rq, koc__call *call, koc__response *resp, koc_error **err)
{
    const koc__host *h = rq->host;
    uint32_t need = needed(rq);
    koc__request copy = *rq;
    bool answered = false;

    for (size_t i = 0; i < h->n_mirrors && writes(rq); i++) {
        if (h->mirrors[i]->caps & KOC__CAP_PUSH) {
            copy.host = h->mirrors[i];
            return koc__request_run_at(&copy, call, resp, err);
        }
    }
    for (size_t i = 0; i < h->n_mirrors && need && !writes(rq) && !h->distrusted; i++) {
        koc__host *m = h->mirrors[i];
        if ((m->caps & need) && !m->down) {
            KOC__TRY(ask(m, rq, call, resp, &answered, err));
            if (answered) {
                return KOC_OK;
            }
        }
    }
    return koc__request_run_at(rq, call, resp, err);
}
