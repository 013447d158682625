/* The stand-in for serve_http.c in a build without libmicrohttpd. */
#include "core/common.h"

#include "serve/serve.h"

int koc__httpd_start(koc__server *s, const koc_serve_options *o, koc__httpd **out, char **url,
                     koc_error **err)
{
    (void)s;
    (void)o;
    (void)out;
    (void)url;
    return koc__error(err, KOC_EUNSUPPORTED,
                      "this build has no server: it was compiled without libmicrohttpd");
}

void koc__httpd_tick(koc__httpd *h)
{
    (void)h;
}

void koc__httpd_stop(koc__httpd *h, int grace_ms)
{
    (void)h;
    (void)grace_ms;
}

const char *koc__microhttpd_version(void)
{
    return NULL;
}
