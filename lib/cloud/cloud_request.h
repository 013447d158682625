/* Requests to endpoints of clouds, and which cloud this virtual machine belongs to. */
#ifndef KOC__CLOUD_REQUEST_H
#define KOC__CLOUD_REQUEST_H

#include "core/run/call.h"
#include "core/str.h"
#include "http/http_message.h"
#include "text/json.h"

#define KOC__CLOUD_REPLY_MAX ((size_t)128 << 10)
/* How long a credential is kept when the reply does not say: all of them live longer. */
#define KOC__CLOUD_LIFETIME_MS ((int64_t)45 * 60 * 1000)

typedef struct koc__cloud_query {
    const char *method; /* NULL: POST with a body, else GET */
    const char *url;
    const koc__headers *headers; /* or NULL */
    koc_str body;
    bool local; /* at this host or its link: plain http is allowed, no proxy, no long wait */
} koc__cloud_query;
/* Appends the body of a reply of status 2xx to body. Plain http only to loopback, or if local. */
int koc__cloud_send(const koc__cloud_query *q, koc__call *call, koc__dynbuf *body, koc_error **err);
/* The same for JSON; what names it in errors, which do not quote it. */
int koc__cloud_get_json(const koc__cloud_query *q, const char *what, koc__call *call,
                        koc__json **out, koc_error **err);
/* Appends "name=value" to a form, after a '&' unless it is the first. */
int koc__form_field(koc__dynbuf *form, const char *name, const char *value, koc_error **err);
/* POSTs a form; the reply is JSON. */
int koc__cloud_post_form(const char *url, koc_str form, const char *what, koc__call *call,
                         koc__json **out, koc_error **err);

/* Reads a file that the environment or a profile names, without white space around it. Wipe it. */
int koc__cloud_read(const char *path, koc__dynbuf *out, koc_error **err);

typedef enum koc__machine {
    KOC__MACHINE_OTHER,
    KOC__MACHINE_AMAZON,
    KOC__MACHINE_GOOGLE,
    KOC__MACHINE_AZURE
} koc__machine;
/* The cloud by the firmware's identification below dmi (NULL: the system's own directory).
 * Elsewhere koc must not ask the metadata address, because a stranger might answer. */
koc__machine koc__machine_of(const char *dmi);

#endif
