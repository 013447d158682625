#include "core/common.h"

#include "registry/operations.h"

static int read_location(const koc__host *h, const koc__response *resp, koc__url *out,
                         koc_error **err)
{
    const char *location = koc__headers_get(&resp->headers, "Location");
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    if (!location || !location[0]) {
        return koc__error(err, KOC_EFORMAT, "the registry opened an upload without a Location");
    }
    int rc = koc__url_resolve(&resp->url, koc__str(location), &u, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "the Location of the upload");
    }
    if (resp->url.https && !u.https) {
        bool same_port = u.port == resp->url.port || (u.port == 80 && resp->url.port == 443);
        if (strcmp(u.host, resp->url.host) != 0 || !same_port) {
            koc__error(err, KOC_EDENIED,
                       "the registry (https) names a plain http URL for the upload, at %s: refused",
                       u.host);
            koc__error_hint(err,
                            "the proxy in front of %s should keep Host and set X-Forwarded-Proto",
                            h->name);
            return KOC_EDENIED;
        }
        u.https = true;
        u.port = resp->url.port;
    }
    *out = u;
    u = (koc__url)KOC__URL_INIT;
    return KOC_OK;
}

int koc__upload_location(koc__host *h, const koc__response *resp, koc__url *out, koc_error **err)
{
    koc_error *failure = NULL;
    int rc = read_location(h, resp, out, &failure);
    koc__error_scrub(&failure, koc__login_scrub, h->login); /* it quotes the server */
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &failure);
}
