/* Error replies of registries: reads their bodies, and makes koc_errors of them. */
#ifndef KOC__REGERROR_H
#define KOC__REGERROR_H

#include <koc/base.h>

#define KOC__ERROR_BODY_MAX ((size_t)64 << 10)

typedef struct koc__regerror {
    char code[64];      /* "MANIFEST_UNKNOWN": the first specific one of several; or "" */
    char message[1024]; /* of all errors, with details; printable, one line; or "" */
} koc__regerror;

/* The purpose of a request, which decides what a status means. */
typedef enum koc__operation {
    KOC__DO_OTHER,
    KOC__DO_MANIFEST_GET,
    KOC__DO_MANIFEST_PUT,
    KOC__DO_BLOB_GET,
    KOC__DO_UPLOAD_OPEN, /* POST: a session or a mount */
    KOC__DO_UPLOAD_SEND, /* PUT, PATCH and other requests to a session */
    KOC__DO_LIST,        /* tags, referrers */
    KOC__DO_DELETE,
    KOC__DO_TOKEN
} koc__operation;
/* path: what follows "/v2/<name>/", or a format string for it. */
koc__operation koc__operation_of(const char *method, const char *path);

/* Whether list, which ends with NULL, has code. */
bool koc__regerror_code_in(const char *code, const char *const *list);
/* Reads the JSON of the distribution-spec, a bare object, the JSON of OAuth, else printable text
 * (R-190). */
void koc__regerror_read(koc_str body, koc__regerror *out);

/* Why koc waits after a reply: status, message and Retry-After (seconds; 0: not given). Never
 * empty. */
void koc__reply_reason(int status, const koc__regerror *e, int64_t seconds, char *out, size_t size);

/* The error of a status: code, reason, HTTP status and the registry's own code; no hint. */
int koc__regerror_make(koc__operation what, int status, const koc__regerror *e, koc_error **err);

#endif
