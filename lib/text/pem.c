#include "core/common.h"

#include "text/pem.h"

#include "core/str.h"
#include "core/text.h"
#include "text/der.h"

#define DER_MAX ((size_t)16 << 10)
#define LINE    64 /* characters of base64 in a line: RFC 7468, 2 */

static int bad(koc_error **err)
{
    return koc__error(err, KOC_EFORMAT, "not an RSA private key in PEM");
}

/* The base64 between the BEGIN and END lines of label; empty: there is none. */
static koc_str between(koc_str pem, const char *label)
{
    char mark[64];
    for (koc_str rest = pem, line; koc__str_split(&rest, '\n', &line);) {
        snprintf(mark, sizeof(mark), "-----BEGIN %s-----", label);
        if (!koc__str_is(koc__str_trim(line), mark)) {
            continue;
        }
        const char *start = rest.ptr;
        snprintf(mark, sizeof(mark), "-----END %s-----", label);
        while (koc__str_split(&rest, '\n', &line)) {
            if (koc__str_is(koc__str_trim(line), mark)) {
                return koc__str_n(start, (size_t)(line.ptr - start));
            }
        }
        break;
    }
    return (koc_str){"", 0};
}

/* KOC_EFORMAT has no message: the caller knows what it reads. */
static int decode(koc_str base64, koc__dynbuf *out)
{
    KOC__AUTO_VAL(koc__dynbuf) joined = KOC__DYNBUF_INIT(2 * DER_MAX);
    koc_str word;
    int rc = KOC_OK;
    while (rc == KOC_OK && koc__str_word(&base64, &word)) {
        rc = koc__dynbuf_put(&joined, word, NULL);
    }
    if (rc == KOC_OK) {
        rc = koc__unbase64(out, koc__dynbuf_view(&joined), NULL);
    }
    koc__dynbuf_wipe(&joined);
    return rc;
}

/* Of a code of decode. */
static int reported(int rc, koc_error **err)
{
    return rc == KOC_OK ? KOC_OK : rc == KOC_ENOMEM ? koc__oom(err) : bad(err);
}

/* PrivateKeyInfo: version, algorithm, the key in an octet string. */
static bool unwrap(koc_str der, koc_str *key)
{
    static const uint8_t rsa[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x01, 0x01}; /* 1.2.840.113549.1.1.1 */
    koc_str info, version, algorithm;

    return koc__der_read(&der, KOC__DER_SEQUENCE, &info) &&
           koc__der_read(&info, KOC__DER_INTEGER, &version) &&
           koc__der_read(&info, KOC__DER_SEQUENCE, &algorithm) && algorithm.len >= sizeof(rsa) &&
           memcmp(algorithm.ptr, rsa, sizeof(rsa)) == 0 &&
           koc__der_read(&info, KOC__DER_OCTETS, key);
}

int koc__pem_rsa_key(koc_str pem, koc__dynbuf *out, koc_error **err)
{
    koc_str plain = between(pem, "RSA PRIVATE KEY"), wrapped = between(pem, "PRIVATE KEY"), key;
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(DER_MAX);
    koc__dynbuf_clear(out);
    if (plain.len > 0) {
        return reported(decode(plain, out), err);
    }
    if (wrapped.len == 0) {
        return bad(err);
    }
    int rc = reported(decode(wrapped, &der), err);
    if (rc == KOC_OK) {
        rc = unwrap(koc__dynbuf_view(&der), &key) ? koc__dynbuf_put(out, key, err) : bad(err);
    }
    koc__dynbuf_wipe(&der);
    return rc;
}

bool koc__pem_has(koc_str pem, const char *label)
{
    return between(pem, label).len > 0;
}

int koc__pem_read(koc_str pem, const char *label, koc__dynbuf *out, koc_error **err)
{
    koc__dynbuf_clear(out);
    int rc = decode(between(pem, label), out);
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    return rc == KOC_OK && out->len > 0
               ? KOC_OK
               : koc__error(err, KOC_EFORMAT, "the PEM block \"%s\" is malformed", label);
}

int koc__pem_write(koc__dynbuf *out, const char *label, koc_str der, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(2 * DER_MAX);
    int rc = koc__base64(&text, der, false, err);
    rc = rc == KOC_OK ? koc__dynbuf_printf(out, err, "-----BEGIN %s-----\n", label) : rc;
    for (koc_str rest = koc__dynbuf_view(&text); rc == KOC_OK && rest.len > 0;) {
        size_t n = KOC__MIN(rest.len, LINE);
        rc = koc__dynbuf_append(out, rest.ptr, n, err);
        rc = rc == KOC_OK ? koc__dynbuf_putc(out, '\n', err) : rc;
        rest = koc__str_from(rest, n);
    }
    koc__dynbuf_wipe(&text);
    return rc == KOC_OK ? koc__dynbuf_printf(out, err, "-----END %s-----\n", label) : rc;
}
