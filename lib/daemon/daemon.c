/* The public face of the engine: koc/ext/daemon.h. */
#include "core/common.h"

#include "daemon/daemon.h"

#include "core/run/context.h"
#include "model/model.h"

struct koc_daemon {
    koc_ctx *ctx;
    koc__engine *engine;
    koc_platform platform;
};

void koc_daemon_free(koc_daemon *d)
{
    if (!d) {
        return;
    }
    koc__engine_free(d->engine);
    koc_ctx_unref(d->ctx);
    koc__free(d);
}
KOC__DEFINE_AUTO(koc_daemon, koc_daemon_free);

int koc_daemon_open(koc_ctx *ctx, const koc_op *user, koc_daemon **out, koc_error **err)
{
    if (!ctx || !out) {
        return koc__misuse(err, "koc_daemon_open: ctx and out must be given");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO(koc_daemon) d = koc__calloc(1, sizeof(*d));
    if (!d) {
        return koc__oom(err);
    }
    d->ctx = koc_ctx_ref(ctx);
    KOC__TRY(koc__call_begin(&call, ctx, user, err));
    KOC__TRY(koc__engine_open(&call, &d->engine, err));
    d->platform = (koc_platform)KOC_PLATFORM_INIT;
    d->platform.os = d->engine->os;
    d->platform.arch = d->engine->arch;
    d->platform.variant = d->engine->variant;
    *out = koc__steal(&d);
    return KOC_OK;
}

const char *koc_daemon_address(const koc_daemon *d)
{
    return d ? d->engine->at->address : NULL;
}

const char *koc_daemon_source(const koc_daemon *d)
{
    return d ? d->engine->at->source : NULL;
}

const char *koc_daemon_engine(const koc_daemon *d)
{
    return !d ? NULL : d->engine->is_podman ? "podman" : "docker";
}

const char *koc_daemon_version(const koc_daemon *d)
{
    return d ? d->engine->version : NULL;
}

const koc_platform *koc_daemon_platform(const koc_daemon *d)
{
    return d ? &d->platform : NULL;
}

/* A name in an archive has a tag and no digest. */
static int parse_names(const char *const *names, size_t n, koc_reference **list, koc_error **err)
{
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(koc_reference_parse(names[i], 0, &list[i], err));
        if (!koc_reference_tag(list[i]) || koc_reference_digest(list[i])) {
            return koc__error(err, KOC_EINVAL, "%s: in a daemon an image is named by a tag",
                              names[i]);
        }
    }
    return KOC_OK;
}

int koc_daemon_load(koc_daemon *d, koc_image *img, const char *const *names, const koc_op *user,
                    uint64_t *bytes_sent, koc_error **err)
{
    size_t n = 0;
    while (names && names[n]) {
        n++;
    }
    if (!d || !img || n == 0) {
        return koc__misuse(err, "koc_daemon_load: d or img is NULL, or names is NULL or empty");
    }
    koc_reference **list = koc__calloc(n, sizeof(koc_reference *));
    if (!list) {
        return koc__oom(err);
    }
    koc__local_result result = {0};
    int rc = parse_names(names, n, list, err);
    if (rc == KOC_OK) {
        KOC__AUTO_VAL(koc__call) call = {0};
        rc = koc__call_begin(&call, d->ctx, user, err);
        rc = rc == KOC_OK ? koc__engine_load(d->engine, img, list, n, &call, &result, err) : rc;
    }
    for (size_t i = 0; i < n; i++) {
        koc_reference_unref(list[i]);
    }
    koc__free(list);
    if (rc == KOC_OK && bytes_sent) {
        *bytes_sent = result.bytes_sent;
    }
    return rc;
}
