/*
 * Pulls ask the mirrors in order, then the registry; pushes go to the registry unless a mirror
 * accepts them. A mirror gets its own credentials, never the registry's, and its content is
 * verified like any other.
 */
#include "core/common.h"

#include "registry/host/mirrors.h"

#include "registry/client.h"
#include "registry/host/hosts_toml.h"

static bool is_write(const koc__request *rq)
{
    return (rq->actions & (KOC__ACT_PUSH | KOC__ACT_DELETE)) != 0;
}

/* The capability that a mirror needs to serve rq; 0: only the registry may. */
static uint32_t needed_cap(const koc__request *rq)
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

/* *answered: resp is the reply. Else the next host is asked, whatever went wrong at this one. */
static int try_mirror(koc__mirror *m, const koc__request *rq, koc__call *call, koc__response *resp,
                      bool *answered, koc_error **err)
{
    koc__request copy = *rq;
    koc_error *failure = NULL;
    KOC__AUTO_STR target =
        m->registry ? koc__format("%s?ns=%s", rq->target, m->registry) : koc__strdup(rq->target);

    if (!target) {
        return koc__oom(err);
    }
    copy.host = m->host;
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
    koc__log(m->host->client->ctx, KOC_LOG_INFO, "registry", "mirror %s: %s; trying the next host",
             m->host->name, koc_error_message(failure));
    koc_error_free(failure);
    koc__response_dispose(resp);
    *resp = (koc__response)KOC__RESPONSE_INIT;
    return koc__call_check(call, err);
}

static int write_to(const koc__request *rq, koc__call *call, koc__response *resp, koc_error **err)
{
    const koc__mirrors *mirrors = &rq->host->mirrors;
    koc__request copy = *rq;
    for (size_t i = 0; i < mirrors->count; i++) {
        if (mirrors->list[i].caps & KOC__CAP_PUSH) {
            copy.host = mirrors->list[i].host;
            break;
        }
    }
    return koc__request_run_at(&copy, call, resp, err);
}

int koc__request_run(const koc__request *rq, koc__call *call, koc__response *resp, koc_error **err)
{
    const koc__mirrors *mirrors = &rq->host->mirrors;
    bool answered = false;
    if (is_write(rq)) {
        return write_to(rq, call, resp, err);
    }
    uint32_t need = needed_cap(rq);
    for (size_t i = 0; i < mirrors->count && need && !mirrors->distrusted; i++) {
        koc__mirror *m = &mirrors->list[i];
        if ((m->caps & need) && !m->down) {
            KOC__TRY(try_mirror(m, rq, call, resp, &answered, err));
            if (answered) {
                return KOC_OK;
            }
        }
    }
    return koc__request_run_at(rq, call, resp, err);
}

bool koc__mirrors_distrust(koc__host *h)
{
    h->mirrors.distrusted = true;
    return h->mirrors.count > 0;
}
