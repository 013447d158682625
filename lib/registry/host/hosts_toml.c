#include "core/common.h"

#include "registry/host/hosts_toml.h"

#include "core/dynbuf.h"
#include "text/toml.h"

#define MIRRORS_MAX 16
#define RATE_MAX    100000

typedef struct reading {
    koc__host_config *config;
    const char *directory;
} reading;

static void endpoint_dispose(koc__host_endpoint *e)
{
    koc__free(e->url);
    koc__free(e->authority);
    koc__free(e->prefix);
    koc_strlist_free(e->ca);
    koc__free(e->client_cert);
    koc__free(e->client_key);
    koc__headers_dispose(&e->fields);
}

void koc__host_config_dispose(koc__host_config *c)
{
    endpoint_dispose(&c->origin);
    for (size_t i = 0; i < c->n_mirrors; i++) {
        endpoint_dispose(&c->mirrors[i]);
    }
    koc__free(c->mirrors);
    *c = (koc__host_config)KOC__HOST_CONFIG_INIT;
}

/* --- members --- */

static int check_kind(const koc__toml_item *item, koc__toml_kind kind, koc_error **err)
{
    static const char *const names[] = {"a string", "true or false", "a number"};
    return item->kind == kind
               ? KOC_OK
               : koc__error(err, KOC_EFORMAT, "%s must be %s", item->key, names[kind]);
}

/* "https://host[:port][/path]", or without a scheme. set_prefix completes the path. */
static int set_url(koc__host_endpoint *e, const char *text, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    KOC__AUTO_STR full = koc__format("%s%s", strstr(text, "://") ? "" : "https://", text);
    if (!full) {
        return koc__oom(err);
    }
    int rc = koc__url_parse(koc__str(full), &u, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "not the address of a registry");
    }
    KOC__AUTO_STR origin = koc__url_origin(&u);
    koc_str path = koc__str(u.target);
    while (path.len > 0 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    e->https = u.https;
    e->url = koc__strdup(text);
    e->authority = origin ? koc__strdup(origin + (u.https ? 8 : 7)) : NULL;
    e->prefix = path.len > 0 ? koc__str_dup(path) : NULL;
    return e->url && e->authority && (path.len == 0 || e->prefix) ? KOC_OK : koc__oom(err);
}

static int add_capability(koc__host_endpoint *e, const koc__toml_item *item, koc_error **err)
{
    static const char *const names[] = {"pull", "resolve", "push"};
    KOC__TRY(check_kind(item, KOC__TOML_STRING, err));
    if (item->index[0] == 0) {
        e->caps = 0;
    }
    for (unsigned i = 0; i < KOC__COUNT(names); i++) {
        if (strcmp(item->text, names[i]) == 0) {
            e->caps |= 1u << i;
            return KOC_OK;
        }
    }
    return koc__error(err, KOC_EFORMAT, "capabilities are pull, resolve and push, not \"%s\"",
                      item->text);
}

static char *path_of(const reading *r, const char *text)
{
    return text[0] == '/' ? koc__strdup(text) : koc__format("%s/%s", r->directory, text);
}

static int add_ca(const reading *r, koc__host_endpoint *e, const koc__toml_item *item,
                  koc_error **err)
{
    KOC__TRY(check_kind(item, KOC__TOML_STRING, err));
    KOC__AUTO_STR path = path_of(r, item->text);
    if (!path) {
        return koc__oom(err);
    }
    if (!e->ca) {
        KOC__TRY(koc__strlist_new(&e->ca, err));
    }
    return koc__strlist_add(e->ca, path, err);
}

/* "both.pem", ["both.pem"] or [["cert.pem", "key.pem"]]; one pair. */
static int set_client(const reading *r, koc__host_endpoint *e, const koc__toml_item *item,
                      koc_error **err)
{
    bool is_key = item->index[1] == 1;
    KOC__TRY(check_kind(item, KOC__TOML_STRING, err));
    if (item->index[0] > 0 || item->index[1] > 1) {
        return koc__error(err, KOC_EUNSUPPORTED, "more than one client certificate for a host");
    }
    char **slot = is_key ? &e->client_key : &e->client_cert;
    koc__free(koc__steal(slot));
    *slot = path_of(r, item->text);
    if (*slot && !is_key) {
        koc__free(koc__steal(&e->client_key));
        e->client_key = koc__strdup(*slot);
        slot = &e->client_key;
    }
    return *slot ? KOC_OK : koc__oom(err);
}

/* Fields that koc sets itself, or that belong to one connection. */
static bool is_reserved(const char *name)
{
    static const char *const list[] = {
        "Authorization", "Host",   "Content-Length",    "Content-Type", "Content-Range",
        "Range",         "Accept", "Accept-Encoding",   "Connection",   "Keep-Alive",
        "Proxy-",        "TE",     "Transfer-Encoding", "Trailer",      "Upgrade",
        "Expect",        "Cookie", "User-Agent",
    };

    for (size_t i = 0; i < KOC__COUNT(list); i++) {
        size_t n = strlen(list[i]);
        koc_str head = koc__str_n(name, KOC__MIN(strlen(name), n));
        bool family = list[i][n - 1] == '-';
        if (koc__str_ieq(head, koc__str(list[i])) && (family || name[n] == '\0')) {
            return true;
        }
    }
    return false;
}

int koc__hosts_check_field(const char *name, koc_error **err)
{
    return is_reserved(name)
               ? koc__error(err, KOC_EDENIED, "the header field %s cannot be set here", name)
               : KOC_OK;
}

static int add_field(koc__host_endpoint *e, const koc__toml_item *item, koc_error **err)
{
    KOC__TRY(check_kind(item, KOC__TOML_STRING, err));
    KOC__TRY(koc__hosts_check_field(item->key, err));
    return koc__headers_put(&e->fields, item->key, item->text, err);
}

static int set_rate(koc__host_endpoint *e, const koc__toml_item *item, koc_error **err)
{
    KOC__TRY(check_kind(item, KOC__TOML_INTEGER, err));
    if (item->number < 1 || item->number > RATE_MAX) {
        return koc__error(err, KOC_EFORMAT, "requests_per_second must be from 1 to %d", RATE_MAX);
    }
    e->rate = (uint32_t)item->number;
    return KOC_OK;
}

/* override_path: the path is the whole prefix, not only the part before /v2. */
static int override_path(koc__host_endpoint *e, const koc__toml_item *item, koc_error **err)
{
    KOC__TRY(check_kind(item, KOC__TOML_BOOL, err));
    e->overrides = item->truth;
    return KOC_OK;
}

static int set_member(const reading *r, koc__host_endpoint *e, const koc__toml_item *item,
                      koc_error **err)
{
    if (strcmp(item->key, "capabilities") == 0) {
        return add_capability(e, item, err);
    }
    if (strcmp(item->key, "ca") == 0) {
        return add_ca(r, e, item, err);
    }
    if (strcmp(item->key, "client") == 0) {
        return set_client(r, e, item, err);
    }
    if (strcmp(item->key, "requests_per_second") == 0) {
        return set_rate(e, item, err);
    }
    if (strcmp(item->key, "override_path") == 0) {
        return override_path(e, item, err);
    }
    if (strcmp(item->key, "skip_verify") == 0) {
        KOC__TRY(check_kind(item, KOC__TOML_BOOL, err));
        e->skip_verify = item->truth;
    }
    return KOC_OK;
}

/* --- the document --- */

static int find_or_add_mirror(koc__host_config *c, const char *url, koc__host_endpoint **out,
                              koc_error **err)
{
    for (size_t i = 0; i < c->n_mirrors; i++) {
        if (strcmp(c->mirrors[i].url, url) == 0) {
            *out = &c->mirrors[i];
            return KOC_OK;
        }
    }
    if (c->n_mirrors >= MIRRORS_MAX) {
        return koc__error(err, KOC_ELIMIT, "more than %d hosts", MIRRORS_MAX);
    }
    if (!koc__grow((void **)&c->mirrors, &c->capacity, c->n_mirrors + 1, sizeof(c->mirrors[0]))) {
        return koc__oom(err);
    }
    koc__host_endpoint e = {.caps = KOC__CAP_PULL | KOC__CAP_RESOLVE};
    int rc = set_url(&e, url, err);
    if (rc != KOC_OK) {
        endpoint_dispose(&e);
        return rc;
    }
    c->mirrors[c->n_mirrors] = e;
    *out = &c->mirrors[c->n_mirrors++];
    return KOC_OK;
}

static int on_item(void *self, const koc__toml_item *item, koc_error **err)
{
    reading *r = self;
    koc__host_endpoint *e = &r->config->origin;
    bool in_host = item->depth >= 2 && strcmp(item->table[0], "host") == 0;
    bool in_header = item->depth > 0 && strcmp(item->table[item->depth - 1], "header") == 0;
    if (item->depth == 0 && koc__streq(item->key, "server")) {
        KOC__TRY(check_kind(item, KOC__TOML_STRING, err));
        return e->url ? koc__error(err, KOC_EFORMAT, "server is set twice")
                      : set_url(e, item->text, err);
    }
    if (in_host) {
        KOC__TRY(find_or_add_mirror(r->config, item->table[1], &e, err));
    }
    if (!item->key) {
        return KOC_OK;
    }
    if (in_header && item->depth == (in_host ? 3 : 1)) {
        return add_field(e, item, err);
    }
    return item->depth == (in_host ? 2 : 0) ? set_member(r, e, item, err) : KOC_OK;
}

/* Appends /v2 to the path of the address, unless override_path is set. */
static int set_prefix(koc__host_endpoint *e, koc_error **err)
{
    if (e->prefix && !e->overrides && !koc__str_ends(koc__str(e->prefix), "/v2")) {
        char *whole = koc__format("%s/v2", e->prefix);
        if (!whole) {
            return koc__oom(err);
        }
        koc__free(e->prefix);
        e->prefix = whole;
    } else if (!e->prefix && e->overrides && e->authority) {
        e->prefix = koc__strdup("");
        return e->prefix ? KOC_OK : koc__oom(err);
    }
    return KOC_OK;
}

int koc__hosts_toml_read(koc_str text, const char *file, const char *directory,
                         koc__host_config *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__host_config) c = KOC__HOST_CONFIG_INIT;
    reading r = {&c, directory};
    KOC__TRY(koc__toml_read(text, file, on_item, &r, err));
    KOC__TRY(set_prefix(&c.origin, err));
    for (size_t i = 0; i < c.n_mirrors; i++) {
        KOC__TRY(set_prefix(&c.mirrors[i], err));
    }
    *out = c;
    c = (koc__host_config)KOC__HOST_CONFIG_INIT;
    return KOC_OK;
}
