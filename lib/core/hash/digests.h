/* Small helpers over koc_digest. */
#ifndef KOC__DIGESTS_H
#define KOC__DIGESTS_H

#include <koc/digest.h>

typedef struct koc__digest_text {
    char s[KOC_DIGEST_TEXT_MAX];
} koc__digest_text;
/* "sha256:…" by value, for printf arguments: koc__digest_str(&d).s; "" for none. */
koc__digest_text koc__digest_str(const koc_digest *d);
/* The hex part alone. */
koc__digest_text koc__digest_hex(const koc_digest *d);
/* Parses a view; no error object, false when it is not a digest. */
bool koc__digest_read(koc_str text, koc_digest *out);

#endif
