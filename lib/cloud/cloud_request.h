/* Questions to the endpoints of clouds: one exchange each, and what tells whose machine this is. */
#ifndef KOC__CLOUD_ASK_H
#define KOC__CLOUD_ASK_H

#include "core/run/call.h"
#include "core/str.h"
#include "http/http_message.h"
#include "text/json.h"

#define KOC__CLOUD_REPLY_MAX ((size_t)128 << 10)
/* How long a secret of a cloud is kept where its reply does not say more: all of them live longer. */
#define KOC__CLOUD_LIFETIME_MS ((int64_t)45 * 60 * 1000)

typedef struct koc__cloud_question {
    const char *method; /* NULL: GET, with a body POST */
    const char *url;
    const koc__headers *headers; /* or NULL */
    koc_str body;
    bool local; /* of the machine or its link: plain http is fine, no proxy, no long wait */
} koc__cloud_question;
/* Appends a reply of status 2xx to body. Plain http only to loopback and where local. */
int koc__cloud_ask(const koc__cloud_question *q, koc__call *call, koc__dynbuf *body,
                   koc_error **err);
/* The same for a JSON object; what names it in errors, which quote nothing of it. */
int koc__cloud_ask_json(const koc__cloud_question *q, const char *what, koc__call *call,
                        koc__json **out, koc_error **err);
/* A form: "name=value", with '&' before all but the first; POSTed with its content type. */
int koc__form_field(koc__dynbuf *form, const char *name, const char *value, koc_error **err);
int koc__cloud_post_form(const char *url, koc_str form, const char *what, koc__call *call,
                         koc__json **out, koc_error **err);

/* The text of a file that the environment or a profile names, without white space around it. Wipe it. */
int koc__cloud_read(const char *path, koc__dynbuf *out, koc_error **err);

typedef enum koc__machine {
    KOC__MACHINE_OTHER,
    KOC__MACHINE_AMAZON,
    KOC__MACHINE_GOOGLE,
    KOC__MACHINE_AZURE
} koc__machine;
/* By what the firmware says below dmi (NULL: the system's own place), so that no address is asked for
 * metadata where nobody can answer, and a stranger might. */
koc__machine koc__machine_of(const char *dmi);

#endif
