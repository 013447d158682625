/* AWS Signature Version 4 (docs.aws.amazon.com, "Create a signed AWS API request"). No I/O. */
#ifndef KOC__SIGV4_H
#define KOC__SIGV4_H

#include "http/http_message.h"

typedef struct koc__sigv4 {
    const char *access_key;
    const char *secret_key;
    const char *region;
    const char *service;
    const char *time; /* "20150830T123600Z" */
    const char *method;
    const char *path;
    const char *query;           /* canonical already; "" for none */
    const koc__headers *headers; /* lower-case names in byte order, values trimmed */
    koc_str body;
} koc__sigv4;

/* The value of Authorization. Owned by the caller. */
int koc__sigv4_sign(const koc__sigv4 *in, char **out, koc_error **err);

#endif
