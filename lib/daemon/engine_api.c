/* The Docker Engine API: requests, errors, versions. podman speaks it too. */
#include "core/common.h"

#include "daemon/daemon.h"

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "http/url.h"

#define ANSWER_MAX         ((size_t)32 << 20)
#define ERROR_MAX          ((size_t)64 << 10)
#define CONNECT_MS         10000
#define RESPONSE_MS        60000
#define CONNECTIONS        8
#define CERTIFICATES_MAX   ((size_t)4 << 20)
#define CONTAINERD_DRIVERS "io.containerd.snapshotter.v1"

void koc__engine_free(koc__engine *e)
{
    if (!e) {
        return;
    }
    koc__http_pool_free(e->transport);
    koc__endpoint_free(e->at);
    koc__free(e->ca_pem);
    koc__free(e->version);
    koc__free(e->os);
    koc__free(e->arch);
    koc__free(e->variant);
    koc__free(e);
}

const char *koc__engine_where(const koc__engine *e)
{
    return e->at->address;
}

/* --- one request --- */

static void hint_at_tls(koc_error **err)
{
    koc__error_hint(err, "the daemon may require TLS: put ca.pem, cert.pem and key.pem into a "
                         "directory and name it in DOCKER_CERT_PATH");
}

static int no_answer(const koc__engine_call *c, koc__failure why, koc_error **inner,
                     koc_error **err)
{
    const koc__engine *e = c->engine;
    int code = koc_error_code(*inner);
    if (why == KOC__FAIL_LOCAL || code == KOC_ECANCELLED || code == KOC_ENOMEM) {
        return koc__error_move(err, inner);
    }
    koc__error_prefix(inner, code, "the daemon at %s did not answer", koc__engine_where(e));
    if (why == KOC__FAIL_CERT && !e->at->cert_file) {
        hint_at_tls(inner);
    } else if (why == KOC__FAIL_CERT) {
        koc__error_hint(inner, "the certificates in DOCKER_CERT_PATH are not those of this daemon");
    } else if (why == KOC__FAIL_TLS) {
        koc__error_hint(inner, "if the daemon does not use TLS, unset DOCKER_TLS_VERIFY and "
                               "DOCKER_CERT_PATH");
    } else {
        koc__error_hint(inner, "is it running? docker version connects to it, too");
    }
    return koc__error_move(err, inner);
}

static int make_url(const koc__engine_call *c, koc__url *url, koc_error **err)
{
    const koc__engine *e = c->engine;
    KOC__AUTO_STR target =
        e->api ? koc__format("/v1.%u%s", e->api, c->target) : koc__strdup(c->target);
    if (!target) {
        return koc__oom(err);
    }
    return koc__url_make(e->at->tls, e->at->socket ? "localhost" : e->at->authority, target, url,
                         err);
}

int koc__engine_call_open(koc__engine_call *c, koc__call *call, koc_error **err)
{
    const koc__endpoint *at = c->engine->at;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    koc_error *inner = NULL;
    KOC__TRY(make_url(c, &url, err));
    if (c->body) {
        KOC__TRY(koc__headers_put(&headers, "Content-Type", "application/x-tar", err));
    }
    const koc__http_request rq = {
        .method = c->method,
        .url = &url,
        .headers = &headers,
        .blob = c->body,
        .blob_size = c->body ? koc_blob_size(c->body) : 0,
        .has_body = c->body || koc__streq(c->method, "POST"),
        .fresh = !koc__streq(c->method, "GET"), /* a POST is not sent twice */
        .insecure = at->insecure,
        .unix_socket = at->socket,
        .no_timeout = c->no_timeout,
        .ca_pem = koc__str(c->engine->ca_pem),
        .client_cert = at->cert_file,
        .client_key = at->key_file,
        .connect_timeout_ms = CONNECT_MS,
        .response_timeout_ms = RESPONSE_MS,
        .sent = c->sent,
        .sent_self = c->sent_self,
    };
    int rc = koc__exchange_open(c->engine->transport, &rq, call, &c->reply, &c->exchange, &inner);
    return rc == KOC_OK ? KOC_OK : no_answer(c, c->reply.failure, &inner, err);
}

int koc__engine_call_read(koc__engine_call *c, koc__call *call, void *buf, size_t len, size_t *n,
                          koc_error **err)
{
    koc_error *inner = NULL;
    koc__failure why = KOC__FAIL_NONE;
    int rc = koc__exchange_read(c->exchange, call, buf, len, n, &why, &inner);
    if (rc != KOC_OK && why != KOC__FAIL_LOCAL) {
        koc__error_prefix(&inner, rc, "the daemon at %s closed the connection",
                          koc__engine_where(c->engine));
    }
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &inner);
}

void koc__engine_call_close(koc__engine_call *c)
{
    koc__exchange_close(c->exchange);
    c->exchange = NULL;
    koc__http_reply_dispose(&c->reply);
}

static int read_all(koc__engine_call *c, koc__call *call, koc__dynbuf *out, koc_error **err)
{
    for (;;) {
        char chunk[16384];
        size_t n = 0;
        KOC__TRY(koc__engine_call_read(c, call, chunk, sizeof(chunk), &n, err));
        if (n == 0) {
            return KOC_OK;
        }
        KOC__TRY(koc__dynbuf_append(out, chunk, n, err));
    }
}

int koc__engine_call_failed(koc__engine_call *c, const char *what, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(ERROR_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    int status = c->reply.status;
    const char *message = NULL;
    KOC__TRY(koc__call_check(call, err));
    if (read_all(c, call, &text, NULL) == KOC_OK &&
        koc__json_parse(koc__dynbuf_view(&text), ERROR_MAX, "answer", &doc, NULL) == KOC_OK) {
        message = koc__json_get_str(koc__json_root(doc), "message");
    }
    koc_code code = status == 404 ? KOC_ENOTFOUND : status == 403 ? KOC_EDENIED : KOC_EHTTP;
    if (message) {
        koc__error(err, code, "cannot %s: the daemon at %s says: %.*s", what,
                   koc__engine_where(c->engine),
                   (int)KOC__MIN(strcspn(message, "\r\n"), (size_t)600), message);
    } else {
        koc__error(err, code, "cannot %s: the daemon at %s answered with status %d", what,
                   koc__engine_where(c->engine), status);
    }
    koc__error_http(err, status, NULL);
    return code;
}

int koc__engine_get(koc__engine *e, const char *target, const char *what, koc__call *call,
                    koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__engine_call) c = KOC__CALL_INIT;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(ANSWER_MAX);
    c.engine = e;
    c.method = "GET";
    c.target = target;
    KOC__TRY(koc__engine_call_open(&c, call, err));
    if (c.reply.status == 404) {
        *out = NULL;
        return KOC_OK;
    }
    if (c.reply.status != 200) {
        return koc__engine_call_failed(&c, what, call, err);
    }
    KOC__TRY(read_all(&c, call, &text, err));
    KOC__AUTO_STR name = koc__format("reply of the daemon at %s", koc__engine_where(e));
    return name ? koc__json_parse(koc__dynbuf_view(&text), ANSWER_MAX, name, out, err)
                : koc__oom(err);
}

/* --- what it is --- */

/* A TLS server answers plain HTTP with status 400. */
static int not_a_daemon(const koc__engine *e, long status, koc_error **err)
{
    koc__error(err, KOC_EFORMAT, "%s is not a Docker daemon: unexpected reply to /_ping",
               koc__engine_where(e));
    if (status == 400 && !e->at->socket && !e->at->tls) {
        hint_at_tls(err);
    } else {
        koc__error_hint(err, "DOCKER_HOST names the daemon to use");
    }
    return KOC_EFORMAT;
}

/* "1.41" */
static bool api_version(const char *text, unsigned *out)
{
    koc_str major, minor;
    uint64_t a, b;
    if (!text || !koc__str_cut(koc__str(text), '.', &major, &minor) || !koc__str_u64(major, &a) ||
        !koc__str_u64(minor, &b) || a != 1 || b > 9999) {
        return false;
    }
    *out = (unsigned)b;
    return true;
}

static int ping(koc__engine *e, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__engine_call) c = KOC__CALL_INIT;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(ERROR_MAX);
    unsigned api = 0;
    c.engine = e;
    c.method = "GET";
    c.target = "/_ping";
    KOC__TRY(koc__engine_call_open(&c, call, err));
    const char *version = koc__headers_get(&c.reply.headers, "Api-Version");
    if (c.reply.status != 200 && version) {
        return koc__engine_call_failed(&c, "use the daemon", call, err);
    }
    if (c.reply.status != 200 || !api_version(version, &api)) {
        return not_a_daemon(e, c.reply.status, err);
    }
    if (api < KOC__DAEMON_API_MIN) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "the daemon at %s is too old: it has API 1.%u, koc needs 1.%d (Docker "
                          "1.12)",
                          koc__engine_where(e), api, KOC__DAEMON_API_MIN);
    }
    e->is_podman = koc__headers_get(&c.reply.headers, "Libpod-Api-Version") != NULL;
    KOC__TRY(read_all(&c, call, &text, err)); /* the connection is reused */
    e->api = KOC__MIN(api, (unsigned)KOC__DAEMON_API_MAX);
    return KOC_OK;
}

/* The architecture names of uname, which /info returns, and those of Go. */
static const struct {
    const char *machine, *arch, *variant;
} machines[] = {
    {"x86_64", "amd64", NULL}, {"aarch64", "arm64", NULL},       {"armv7l", "arm", "v7"},
    {"armv6l", "arm", "v6"},   {"armv8l", "arm", "v7"},          {"i386", "386", NULL},
    {"i686", "386", NULL},     {"loongarch64", "loong64", NULL}, {"mips64", "mips64le", NULL},
    {"arm", "arm", "v7"},
};

static int set_platform(koc__engine *e, const char *os, const char *machine, koc_error **err)
{
    const char *arch = machine, *variant = NULL;
    for (size_t i = 0; i < KOC__COUNT(machines); i++) {
        if (koc__streq(machine, machines[i].machine)) {
            arch = machines[i].arch;
            variant = machines[i].variant;
        }
    }
    e->os = koc__strdup(os);
    e->arch = koc__strdup(arch);
    e->variant = variant ? koc__strdup(variant) : NULL;
    return e->os && e->arch && (!variant || e->variant) ? KOC_OK : koc__oom(err);
}

static bool has_containerd_store(const koc__jnode *info)
{
    for (const koc__jnode *pair = koc__json_child(koc__json_get(info, "DriverStatus")); pair;
         pair = koc__json_next(pair)) {
        const koc__jnode *key = koc__json_child(pair);
        if (koc__streq(koc__json_str(key), "driver-type") &&
            koc__streq(koc__json_str(koc__json_next(key)), CONTAINERD_DRIVERS)) {
            return true;
        }
    }
    return false;
}

static int ask_info(koc__engine *e, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__engine_get(e, "/info", "ask the daemon what it is", call, &doc, err));
    const koc__jnode *info = koc__json_root(doc);
    const char *os = koc__json_get_str(info, "OSType");
    const char *machine = koc__json_get_str(info, "Architecture");
    const char *version = koc__json_get_str(info, "ServerVersion");
    if (!os || !*os || !machine || !*machine) {
        return not_a_daemon(e, 0, err);
    }
    e->store = e->is_podman                 ? KOC__STORE_PODMAN
               : has_containerd_store(info) ? KOC__STORE_CONTAINERD
                                            : KOC__STORE_GRAPH;
    e->version = koc__strdup(version ? version : "");
    return e->version ? set_platform(e, os, machine, err) : koc__oom(err);
}

static int read_authorities(koc__engine *e, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(CERTIFICATES_MAX);
    if (!e->at->ca_file) {
        return KOC_OK;
    }
    KOC__TRY(koc__fs_read_file(e->at->ca_file, &text, err));
    e->ca_pem = koc__dynbuf_steal(&text);
    return e->ca_pem ? KOC_OK : koc__oom(err);
}

int koc__engine_open(koc__call *call, koc__engine **out, koc_error **err)
{
    KOC__AUTO(koc__engine) e = koc__calloc(1, sizeof(*e));
    if (!e) {
        return koc__oom(err);
    }
    KOC__TRY(koc__endpoint_find(&e->at, err));
    KOC__TRY(read_authorities(e, err));
    KOC__TRY(koc__http_pool_new(CONNECTIONS, &e->transport, err));
    KOC__TRY(ping(e, call, err));
    KOC__TRY(ask_info(e, call, err));
    *out = koc__steal(&e);
    return KOC_OK;
}
