/* Reads DER (X.690): only what keys and certificates need. */
#ifndef KOC__DER_H
#define KOC__DER_H

#include <koc/base.h>

enum {
    KOC__DER_INTEGER = 0x02,
    KOC__DER_BITS = 0x03,
    KOC__DER_OCTETS = 0x04,
    KOC__DER_OID = 0x06,
    KOC__DER_SEQUENCE = 0x30
};

/* Takes the next element off rest; false: there is none with this tag, or its length is wrong. */
bool koc__der_read(koc_str *rest, uint8_t tag, koc_str *content);

#endif
