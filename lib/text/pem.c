#include "core/common.h"

#include "text/pem.h"

#include "core/str.h"
#include "core/text.h"

#define DER_MAX ((size_t)16 << 10)

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

static int decode(koc_str base64, koc__dynbuf *out, koc_error **err)
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
    return rc == KOC_ENOMEM ? koc__oom(err) : rc == KOC_OK ? KOC_OK : bad(err);
}

/* Reads one element of DER (X.690, 8.1) from rest; false: there is none with this tag. */
static bool read_element(koc_str *rest, uint8_t tag, koc_str *content)
{
    const uint8_t *p = (const uint8_t *)rest->ptr;
    size_t len, head = 2;
    if (rest->len < 2 || p[0] != tag) {
        return false;
    }
    len = p[1];
    if (len & 0x80) {
        size_t digits = len & 0x7f;
        if (digits < 1 || digits > 4 || rest->len < 2 + digits) {
            return false;
        }
        len = 0;
        for (size_t i = 0; i < digits; i++) {
            len = len << 8 | p[2 + i];
        }
        head += digits;
    }
    if (len > rest->len - head) {
        return false;
    }
    *content = koc__str_n(rest->ptr + head, len);
    *rest = koc__str_from(*rest, head + len);
    return true;
}

/* PrivateKeyInfo: version, algorithm, the key in an octet string. */
static bool unwrap(koc_str der, koc_str *key)
{
    static const uint8_t rsa[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x01, 0x01}; /* 1.2.840.113549.1.1.1 */
    koc_str info, version, algorithm;

    return read_element(&der, 0x30, &info) && read_element(&info, 0x02, &version) &&
           read_element(&info, 0x30, &algorithm) && algorithm.len >= sizeof(rsa) &&
           memcmp(algorithm.ptr, rsa, sizeof(rsa)) == 0 && read_element(&info, 0x04, key);
}

int koc__pem_rsa_key(koc_str pem, koc__dynbuf *out, koc_error **err)
{
    koc_str plain = between(pem, "RSA PRIVATE KEY"), wrapped = between(pem, "PRIVATE KEY"), key;
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(DER_MAX);
    koc__dynbuf_clear(out);
    if (plain.len > 0) {
        return decode(plain, out, err);
    }
    if (wrapped.len == 0) {
        return bad(err);
    }
    int rc = decode(wrapped, &der, err);
    if (rc == KOC_OK) {
        rc = unwrap(koc__dynbuf_view(&der), &key) ? koc__dynbuf_put(out, key, err) : bad(err);
    }
    koc__dynbuf_wipe(&der);
    return rc;
}
