/* koc_serve: a server from its first request to its last. */
#include "core/common.h"

#include <poll.h>

#include "serve/serve.h"

enum { CONNECTIONS = 128, GRACE_MS = 5000, TICK_MS = 1000 };
#define MAX_BLOB ((uint64_t)64 << 30)

static int check_options(const koc_serve_options *o, koc_error **err)
{
    const uint32_t known = KOC_SERVE_READ_ONLY | KOC_SERVE_DELETE | KOC_SERVE_REMOTE;
    if (o->flags & ~known || o->reserved) {
        return koc__misuse(err, "koc_serve: unknown flags, or reserved is not 0");
    }
    if (o->repository && !koc__is_repository(koc__str(o->repository))) {
        return koc__error(err, KOC_EINVAL, "\"%.300s\" is not a repository name", o->repository);
    }
    if (!o->tls_cert != !o->tls_key) {
        return koc__error(err, KOC_EINVAL, "TLS needs a certificate and its key");
    }
    return KOC_OK;
}

int koc__server_init(koc__server *s, koc_ctx *ctx, koc_layout *l, const koc_serve_options *o,
                     koc__call *call, koc_error **err)
{
    s->ctx = ctx;
    s->layout = l;
    s->call = call;
    s->flags = o->flags;
    s->max_blob = o->max_blob ? o->max_blob : MAX_BLOB;
    atomic_init(&s->running, 0);
    s->allow_hosts = o->allow_hosts && o->allow_hosts[0] ? o->allow_hosts : NULL;
    KOC__TRY(koc__content_new(l, &s->content, err));
    KOC__TRY(koc__names_new(l, s->content, o->repository, &s->names, err));
    KOC__TRY(koc__graph_new(s->content, s->names, &s->graph, err));
    return koc__served_uploads_new(l, s->content, &s->uploads, err);
}

void koc__server_dispose(koc__server *s)
{
    koc__graph_free(s->graph);
    koc__names_free(s->names);
    koc__content_free(s->content);
    koc__served_uploads_free(s->uploads);
}

/* The calling thread: runs the callbacks that other threads queue, until the call ends. */
static int wait_for_end(koc__call *call, koc__httpd *httpd, koc_error **err)
{
    for (;;) {
        struct pollfd fds[3];
        size_t n = koc__call_fds(call, fds);
        fds[n++] = (struct pollfd){.fd = call->wake.fd, .events = POLLIN};
        KOC__TRY(koc__call_check(call, err));
        (void)poll(fds, (nfds_t)n, koc__call_timeout(call, TICK_MS));
        koc__wake_clear(&call->wake);
        koc__call_drain(call);
        koc__httpd_tick(httpd);
    }
}

static int report_ready(const koc_serve_options *o, const char *url, koc_error **err)
{
    int code = o->ready ? o->ready(url, o->payload) : 0;
    return code == 0 ? KOC_OK
                     : koc__error(err, KOC_EUSER,
                                  "the callback of koc_serve ended it (it returned %d)", code);
}

int koc_serve(koc_ctx *ctx, koc_layout *l, const koc_serve_options *options, const koc_op *op,
              koc_error **err)
{
    if (!ctx || !l) {
        return koc__misuse(err, "koc_serve: ctx or l is NULL");
    }
    koc_serve_options o = KOC_SERVE_OPTIONS_INIT;
    KOC__TRY(koc__options_copy(&o, sizeof(o), options, "koc_serve_options", err));
    KOC__TRY(check_options(&o, err));
    o.max_connections = o.max_connections ? o.max_connections : CONNECTIONS;
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__server) server = {0};
    KOC__AUTO_STR url = NULL;
    koc__httpd *httpd = NULL;
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    KOC__TRY(koc__server_init(&server, ctx, l, &o, &call, err));
    KOC__TRY(koc__httpd_start(&server, &o, &httpd, &url, err));
    int rc = report_ready(&o, url, err);
    if (rc == KOC_OK) {
        rc = wait_for_end(&call, httpd, err);
    }
    koc__httpd_stop(httpd, GRACE_MS);
    koc__call_drain(&call);
    return rc;
}
