/*
 * Cookies of one upload session: load balancers use them to route a session to the server that
 * opened it (RFC 6265). koc sends them only to the origin that set them, and drops them with the
 * session. No I/O.
 */
#ifndef KOC__COOKIES_H
#define KOC__COOKIES_H

#include "http/http_message.h"

#define KOC__COOKIES_MAX     16
#define KOC__COOKIE_TEXT_MAX ((size_t)4096) /* of one: name and value */

typedef struct koc__cookie {
    koc__url from; /* the URL that set it */
    char *name;
    char *value;
    char *path;
} koc__cookie;
typedef struct koc__cookies {
    koc__cookie list[KOC__COOKIES_MAX];
    size_t count;
} koc__cookies;

/* Reads the Set-Cookie fields of a reply of url. Invalid ones are ignored. */
int koc__cookies_read(koc__cookies *c, const koc__url *url, const koc__headers *reply,
                      koc_error **err);
/* Adds the Cookie field for a request to url, if there are cookies for it. */
int koc__cookies_put(const koc__cookies *c, const koc__url *url, koc__headers *request,
                     koc_error **err);
void koc__cookies_clear(koc__cookies *c);

#endif
