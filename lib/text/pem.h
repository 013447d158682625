/* Private keys in text form. */
#ifndef KOC__PEM_H
#define KOC__PEM_H

#include <koc/base.h>

#include "core/dynbuf.h"

/* The RSAPrivateKey (DER) in a PEM text: "PRIVATE KEY" (PKCS #8, RFC 5208) or "RSA PRIVATE KEY" (PKCS #1),
 * not encrypted. Replaces the content of out, which the caller must wipe. KOC_EFORMAT, whose message quotes
 * nothing. */
int koc__pem_rsa_key(koc_str pem, koc__dynbuf *out, koc_error **err);

#endif
