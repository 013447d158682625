/* What core asks of the modules above it; each is implemented beside the library it is about. */
#ifndef KOC__INIT_H
#define KOC__INIT_H

#include <koc/base.h>

/* registry/transport_curl.c. Called under a lock, until it has succeeded once. */
int koc__curl_global_init(koc_error **err);
const char *koc__curl_version(void); /* "libcurl/7.88.1 OpenSSL/3.0.15"; static */
bool koc__curl_has_http2(void);
/* layer/: the names and versions of the encoders; static. */
const char *koc__deflate_version(void); /* "libdeflate/1.14" */
const char *koc__zstd_version(void);    /* "libzstd/1.5.4"; NULL in a build without */
/* serve/: "libmicrohttpd/0.9.75"; NULL in a build without; static. */
const char *koc__microhttpd_version(void);

#endif
