/* Keys in text form (RFC 7468). */
#ifndef KOC__PEM_H
#define KOC__PEM_H

#include <koc/base.h>

#include "core/dynbuf.h"

/* The RSAPrivateKey (DER) in a PEM text: "PRIVATE KEY" (PKCS #8, RFC 5208) or "RSA PRIVATE KEY" (PKCS #1),
 * not encrypted. Replaces the content of out, which the caller must wipe. KOC_EFORMAT, whose message quotes
 * nothing. */
int koc__pem_rsa_key(koc_str pem, koc__dynbuf *out, koc_error **err);
/* Whether there is a block with this label: "PUBLIC KEY". */
bool koc__pem_has(koc_str pem, const char *label);
/* The content of the first block with this label; otherwise as koc__pem_rsa_key. */
int koc__pem_read(koc_str pem, const char *label, koc__dynbuf *out, koc_error **err);
/* Appends a block. The caller wipes out if der is secret. */
int koc__pem_write(koc__dynbuf *out, const char *label, koc_str der, koc_error **err);

#endif
