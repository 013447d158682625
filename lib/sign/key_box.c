/* Private keys as cosign encrypts them: scrypt makes a key of the password, NaCl's secretbox has the PKCS #8 form. */
#include "core/common.h"

#include "sign/sign.h"

#include "core/hash/crypto.h"
#include "core/str.h"
#include "core/text.h"
#include "sign/scrypt.h"
#include "sign/secretbox.h"
#include "text/json.h"

#define BOX_MAX  ((size_t)64 << 10)
#define SALT_MAX 64

/* Appends a member whose value is base64. */
static int put_base64(koc__dynbuf *out, const char *before, koc_str data, koc_error **err)
{
    KOC__TRY(koc__dynbuf_puts(out, before, err));
    KOC__TRY(koc__base64(out, data, false, err));
    return koc__dynbuf_puts(out, "\"", err);
}

static int write_box(koc__dynbuf *out, koc_str salt, koc_str nonce, koc_str box, koc_error **err)
{
    KOC__TRY(koc__dynbuf_printf(
        out, err, "{\"kdf\":{\"name\":\"scrypt\",\"params\":{\"N\":%d,\"r\":8,\"p\":1},",
        KOC__BOX_COST));
    KOC__TRY(put_base64(out, "\"salt\":\"", salt, err));
    KOC__TRY(put_base64(out, "},\"cipher\":{\"name\":\"nacl/secretbox\",\"nonce\":\"", nonce, err));
    KOC__TRY(put_base64(out, "},\"ciphertext\":\"", box, err));
    return koc__dynbuf_puts(out, "}", err);
}

int koc__box_seal(koc_str secret, koc_str password, koc__dynbuf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) box = KOC__DYNBUF_INIT(BOX_MAX);
    const koc__scrypt_cost cost = {KOC__BOX_COST, 8, 1};
    uint8_t salt[32], nonce[KOC__SECRETBOX_NONCE], key[32];
    KOC__TRY(koc__random(salt, sizeof(salt), err));
    KOC__TRY(koc__random(nonce, sizeof(nonce), err));
    KOC__TRY(koc__dynbuf_reserve(&box, secret.len + KOC__SECRETBOX_TAG, err));
    KOC__TRY(koc__scrypt(password, koc__str_n((char *)salt, sizeof(salt)), &cost, key, sizeof(key),
                         err));
    koc__secretbox_seal(key, nonce, secret, (uint8_t *)box.ptr);
    koc__wipe(key, sizeof(key));
    box.len = secret.len + KOC__SECRETBOX_TAG;
    return write_box(out, koc__str_n((char *)salt, sizeof(salt)),
                     koc__str_n((char *)nonce, sizeof(nonce)), koc__dynbuf_view(&box), err);
}

/* What a box says about itself. */
typedef struct box_parts {
    koc__scrypt_cost cost;
    koc__dynbuf salt, nonce, box;
} box_parts;

static void box_parts_dispose(box_parts *p)
{
    koc__dynbuf_dispose(&p->salt);
    koc__dynbuf_dispose(&p->nonce);
    koc__dynbuf_dispose(&p->box);
}
KOC__DEFINE_AUTO_VAL(box_parts, box_parts_dispose);

static bool read_number(const koc__jnode *n, uint32_t *out)
{
    uint64_t value;
    bool good = koc__json_u64(n, &value) && value <= UINT32_MAX;
    *out = good ? (uint32_t)value : 0;
    return good;
}

static bool read_base64(const koc__jnode *n, koc__dynbuf *out)
{
    const char *text = koc__json_str(n);
    return text && koc__unbase64(out, koc__str(text), NULL) == KOC_OK;
}

/* The costs that cosign and securesystemslib write; others would let a file choose how long koc computes. */
static bool is_known_cost(const koc__scrypt_cost *c)
{
    return (c->n == 32768 || c->n == 65536 || c->n == 131072) && c->r == 8 && c->p == 1;
}

static int read_box(koc_str text, box_parts *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(text, BOX_MAX, "encrypted key", &doc, err));
    const koc__jnode *root = koc__json_root(doc);
    const koc__jnode *kdf = koc__json_get(root, "kdf"), *cipher = koc__json_get(root, "cipher");
    const koc__jnode *params = koc__json_get(kdf, "params");
    if (!koc__streq(koc__json_get_str(kdf, "name"), "scrypt") ||
        !koc__streq(koc__json_get_str(cipher, "name"), "nacl/secretbox") ||
        !read_number(koc__json_get(params, "N"), &out->cost.n) ||
        !read_number(koc__json_get(params, "r"), &out->cost.r) ||
        !read_number(koc__json_get(params, "p"), &out->cost.p) || !is_known_cost(&out->cost)) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "it is not encrypted with scrypt (N 32768, 65536 or 131072, r 8, p 1) "
                          "and nacl/secretbox");
    }
    return read_base64(koc__json_get(kdf, "salt"), &out->salt) &&
                   read_base64(koc__json_get(cipher, "nonce"), &out->nonce) &&
                   read_base64(koc__json_get(root, "ciphertext"), &out->box) &&
                   out->nonce.len == KOC__SECRETBOX_NONCE && out->box.len > KOC__SECRETBOX_TAG
               ? KOC_OK
               : koc__error(err, KOC_EFORMAT, "the encrypted key is malformed");
}

int koc__box_open(koc_str text, koc_str password, koc__dynbuf *out, koc_error **err)
{
    KOC__AUTO_VAL(box_parts)
    p = {{0, 0, 0}, KOC__DYNBUF_INIT(SALT_MAX), KOC__DYNBUF_INIT(64), KOC__DYNBUF_INIT(BOX_MAX)};
    uint8_t key[32];
    KOC__TRY(read_box(text, &p, err));
    size_t len = p.box.len - KOC__SECRETBOX_TAG;
    koc__dynbuf_clear(out);
    KOC__TRY(koc__dynbuf_reserve(out, len, err));
    KOC__TRY(koc__scrypt(password, koc__dynbuf_view(&p.salt), &p.cost, key, sizeof(key), err));
    bool opened = koc__secretbox_open(key, (const uint8_t *)p.nonce.ptr, koc__dynbuf_view(&p.box),
                                      (uint8_t *)out->ptr);
    koc__wipe(key, sizeof(key));
    if (!opened) {
        return koc__error(err, KOC_EAUTH, "the password is wrong, or the file was changed");
    }
    out->len = len;
    return KOC_OK;
}
