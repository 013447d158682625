/* DER forms of keys (RFC 5280, 5915, 5958, 8017) and of ECDSA signatures. */
#include "core/common.h"

#include "sign/sign.h"

#include "core/str.h"
#include "text/der.h"

#define OID_EC      "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256    "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384    "\x2b\x81\x04\x00\x22"
#define OID_P521    "\x2b\x81\x04\x00\x23"
#define OID_RSA     "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_EDWARDS "\x2b\x65" /* 1.3.101: Ed25519 and its relatives */

#define RSA_MIN 256 /* bytes of a modulus */
#define RSA_MAX 1024

static int malformed(koc_error **err, const char *what)
{
    return koc__error(err, KOC_EFORMAT, "the %s key is malformed", what);
}

static int other_kind(koc_str oid, koc_error **err)
{
    return koc__error(err, KOC_EUNSUPPORTED, "it is %s; koc %s",
                      koc__str_starts(oid, OID_EDWARDS) ? "an Ed25519 key"
                                                        : "a key of another kind",
                      "signs with ECDSA on P-256, and verifies with P-256, P-384, P-521 and RSA");
}

/* The algorithm and, for ECDSA, the curve. */
static bool read_algorithm(koc_str *rest, koc_str *oid, koc_str *curve)
{
    koc_str algorithm;
    *curve = KOC__STR("");
    if (!koc__der_read(rest, KOC__DER_SEQUENCE, &algorithm) ||
        !koc__der_read(&algorithm, KOC__DER_OID, oid)) {
        return false;
    }
    return !koc__str_eq(*oid, KOC__STR(OID_EC)) || koc__der_read(&algorithm, KOC__DER_OID, curve);
}

static int read_point(koc_str oid, koc_str curve, koc__public_key *out, koc_error **err)
{
    static const struct {
        koc_str oid;
        int kind;
        size_t width;
    } curves[] = {
        {{OID_P256, sizeof(OID_P256) - 1}, KOC__CRYPTO_P256, 32},
        {{OID_P384, sizeof(OID_P384) - 1}, KOC__CRYPTO_P384, 48},
        {{OID_P521, sizeof(OID_P521) - 1}, KOC__CRYPTO_P521, 66},
    };
    for (size_t i = 0; i < KOC__COUNT(curves); i++) {
        if (koc__str_eq(curve, curves[i].oid)) {
            out->kind = curves[i].kind;
            out->width = curves[i].width;
            return out->bytes.len == 1 + 2 * out->width && out->bytes.ptr[0] == 4
                       ? KOC_OK
                       : malformed(err, "public");
        }
    }
    return other_kind(oid, err);
}

static int check_rsa(koc_str key, koc_error **err)
{
    koc_str numbers, modulus;
    if (!koc__der_read(&key, KOC__DER_SEQUENCE, &numbers) ||
        !koc__der_read(&numbers, KOC__DER_INTEGER, &modulus)) {
        return malformed(err, "public");
    }
    size_t zero = modulus.len > 0 && modulus.ptr[0] == 0;
    size_t bytes = modulus.len - zero;
    return bytes >= RSA_MIN && bytes <= RSA_MAX
               ? KOC_OK
               : koc__error(err, KOC_EUNSUPPORTED,
                            "it is an RSA key of %zu bits; 2048 to 8192 are supported", 8 * bytes);
}

int koc__public_key_read(koc_str spki, koc__public_key *out, koc_error **err)
{
    koc_str info, oid, curve, bits;
    if (!koc__der_read(&spki, KOC__DER_SEQUENCE, &info) || spki.len > 0 ||
        !read_algorithm(&info, &oid, &curve) || !koc__der_read(&info, KOC__DER_BITS, &bits) ||
        info.len > 0 || bits.len < 2 || bits.ptr[0] != 0) {
        return malformed(err, "public");
    }
    *out = (koc__public_key){0, 0, koc__str_from(bits, 1)};
    if (koc__str_eq(oid, KOC__STR(OID_RSA))) {
        out->kind = KOC__CRYPTO_RSA;
        return check_rsa(out->bytes, err);
    }
    return curve.len > 0 ? read_point(oid, curve, out, err) : other_kind(oid, err);
}

int koc__public_key_write(koc__dynbuf *out, const uint8_t point[KOC__P256_POINT], koc_error **err)
{
    static const uint8_t head[] =
        "\x30\x59\x30\x13\x06\x07" OID_EC "\x06\x08" OID_P256 "\x03\x42\x00";
    KOC__TRY(koc__dynbuf_append(out, head, sizeof(head) - 1, err));
    return koc__dynbuf_append(out, point, KOC__P256_POINT, err);
}

/* ECPrivateKey: version 1, the scalar, perhaps curve and point. */
static bool read_sec1(koc_str der, koc_str *scalar, koc_str *curve)
{
    koc_str key, version, tagged;
    *curve = KOC__STR("");
    if (!koc__der_read(&der, KOC__DER_SEQUENCE, &key) || der.len > 0 ||
        !koc__der_read(&key, KOC__DER_INTEGER, &version) ||
        !koc__str_eq(version, KOC__STR("\x01")) || !koc__der_read(&key, KOC__DER_OCTETS, scalar)) {
        return false;
    }
    return !koc__der_read(&key, 0xa0, &tagged) || koc__der_read(&tagged, KOC__DER_OID, curve);
}

int koc__private_key_read(koc_str der, bool pkcs8, uint8_t secret[KOC__P256_SECRET],
                          koc_error **err)
{
    koc_str info, version, oid = {0}, curve = KOC__STR(""), inner = der, scalar, own;
    if (pkcs8 &&
        (!koc__der_read(&der, KOC__DER_SEQUENCE, &info) ||
         !koc__der_read(&info, KOC__DER_INTEGER, &version) ||
         !read_algorithm(&info, &oid, &curve) || !koc__der_read(&info, KOC__DER_OCTETS, &inner))) {
        return malformed(err, "private");
    }
    if (pkcs8 && !koc__str_eq(oid, KOC__STR(OID_EC))) {
        return other_kind(oid, err);
    }
    if (!read_sec1(inner, &scalar, &own)) {
        return malformed(err, "private");
    }
    curve = curve.len > 0 ? curve : own;
    if (!koc__str_eq(curve, KOC__STR(OID_P256))) {
        return other_kind(curve, err);
    }
    if (scalar.len != KOC__P256_SECRET) {
        return malformed(err, "private");
    }
    memcpy(secret, scalar.ptr, scalar.len);
    return KOC_OK;
}

int koc__private_key_write(koc__dynbuf *out, const uint8_t secret[KOC__P256_SECRET],
                           const uint8_t point[KOC__P256_POINT], koc_error **err)
{
    static const uint8_t head[] = "\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07" OID_EC
                                  "\x06\x08" OID_P256 "\x04\x6d\x30\x6b\x02\x01\x01\x04\x20";
    KOC__TRY(koc__dynbuf_append(out, head, sizeof(head) - 1, err));
    KOC__TRY(koc__dynbuf_append(out, secret, KOC__P256_SECRET, err));
    KOC__TRY(koc__dynbuf_append(out, "\xa1\x44\x03\x42\x00", 5, err));
    return koc__dynbuf_append(out, point, KOC__P256_POINT, err);
}

/* --- signatures --- */

/* Appends a positive number as an INTEGER. */
static int write_number(koc__dynbuf *out, const uint8_t *bytes, size_t len, koc_error **err)
{
    while (len > 1 && bytes[0] == 0) {
        bytes++;
        len--;
    }
    bool high = bytes[0] & 0x80;
    KOC__TRY(koc__dynbuf_putc(out, KOC__DER_INTEGER, err));
    KOC__TRY(koc__dynbuf_putc(out, (char)(len + high), err));
    KOC__TRY(high ? koc__dynbuf_putc(out, 0, err) : KOC_OK);
    return koc__dynbuf_append(out, bytes, len, err);
}

int koc__signature_to_der(koc__dynbuf *out, const uint8_t *pair, size_t width, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) numbers = KOC__DYNBUF_INIT(256);
    KOC__TRY(write_number(&numbers, pair, width, err));
    KOC__TRY(write_number(&numbers, pair + width, width, err));
    KOC__TRY(koc__dynbuf_putc(out, KOC__DER_SEQUENCE, err));
    KOC__TRY(numbers.len > 127 ? koc__dynbuf_putc(out, (char)0x81, err) : KOC_OK);
    KOC__TRY(koc__dynbuf_putc(out, (char)numbers.len, err));
    return koc__dynbuf_put(out, koc__dynbuf_view(&numbers), err);
}

/* A positive number without needless zeros (X.690, 8.3.2), to width bytes. */
static bool read_number(koc_str *rest, size_t width, uint8_t *out)
{
    koc_str n;
    if (!koc__der_read(rest, KOC__DER_INTEGER, &n) || n.len == 0 || (uint8_t)n.ptr[0] & 0x80 ||
        (n.len > 1 && n.ptr[0] == 0 && !((uint8_t)n.ptr[1] & 0x80))) {
        return false;
    }
    n = n.ptr[0] == 0 ? koc__str_from(n, 1) : n;
    if (n.len > width) {
        return false;
    }
    memset(out, 0, width - n.len);
    memcpy(out + width - n.len, n.ptr, n.len);
    return true;
}

bool koc__signature_from_der(koc_str der, size_t width, uint8_t *pair)
{
    koc_str numbers;
    return koc__der_read(&der, KOC__DER_SEQUENCE, &numbers) && der.len == 0 &&
           read_number(&numbers, width, pair) && read_number(&numbers, width, pair + width) &&
           numbers.len == 0;
}
