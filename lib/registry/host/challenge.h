/* WWW-Authenticate (RFC 9110, 11.6.1), as registries write it. No I/O. */
#ifndef KOC__CHALLENGE_H
#define KOC__CHALLENGE_H

#include <koc/base.h>

#include "core/cleanup.h"
#include "http/http_message.h"

typedef enum koc__scheme {
    KOC__SCHEME_NONE,
    KOC__SCHEME_BASIC,
    KOC__SCHEME_BEARER,
    KOC__SCHEME_OTHER
} koc__scheme;

/* The union of all challenges of a reply. Strings are owned; NULL: not given. */
typedef struct koc__challenge {
    bool basic;
    bool bearer; /* with a realm */
    char *realm; /* of the bearer challenge, as are the next three */
    char *service;
    char *scope;
    char *error;
    char *others; /* names of unsupported schemes: "Negotiate, Digest" */
} koc__challenge;
/* clang-format off */
#define KOC__CHALLENGE_INIT { false, false, NULL, NULL, NULL, NULL, NULL }
/* clang-format on */
void koc__challenge_dispose(koc__challenge *c);
KOC__DEFINE_AUTO_VAL(koc__challenge, koc__challenge_dispose);

/* Adds the challenges of one field value; invalid text adds nothing. KOC_ENOMEM only. */
int koc__challenge_read(koc_str value, koc__challenge *c, koc_error **err);
/* All WWW-Authenticate fields of a reply. */
int koc__challenge_of(const koc__headers *h, koc__challenge *c, koc_error **err);

#endif
