/* NaCl's crypto_secretbox (XSalsa20 and Poly1305), in which cosign keeps private keys. */
#ifndef KOC__SECRETBOX_H
#define KOC__SECRETBOX_H

#include <koc/base.h>

enum { KOC__SECRETBOX_NONCE = 24, KOC__SECRETBOX_TAG = 16 };

/* Poly1305 (RFC 8439, 2.5) with a key that is used once. */
void koc__poly1305(const uint8_t key[32], const uint8_t *data, size_t len, uint8_t tag[16]);
/* out: the tag and then as many bytes as message has. */
void koc__secretbox_seal(const uint8_t key[32], const uint8_t nonce[KOC__SECRETBOX_NONCE],
                         koc_str message, uint8_t *out);
/* The opposite: out has box.len - KOC__SECRETBOX_TAG bytes. false: box was not made with this key, or was changed;
 * nothing is written. */
bool koc__secretbox_open(const uint8_t key[32], const uint8_t nonce[KOC__SECRETBOX_NONCE],
                         koc_str box, uint8_t *out);

#endif
