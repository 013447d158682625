#include "core/common.h"

#include "cloud/sigv4.h"

#include "core/hash/crypto.h"
#include "core/hash/sha256.h"
#include "core/str.h"
#include "core/text.h"

#define REQUEST_MAX ((size_t)64 << 10)

static void hex_digest(koc_str data, char out[65])
{
    koc_digest d;
    koc__sha256_of(data.ptr, data.len, &d);
    koc__hex(d.bytes, 32, out);
}

/* "content-type;host;x-amz-date" */
static int put_names(koc__dynbuf *out, const koc__headers *h, koc_error **err)
{
    for (size_t i = 0; i < h->count; i++) {
        KOC__TRY(koc__dynbuf_printf(out, err, "%s%s", i ? ";" : "", h->list[i].name));
    }
    return KOC_OK;
}

static int put_canonical(const koc__sigv4 *in, const char *names, koc__dynbuf *out, koc_error **err)
{
    char body[65];
    hex_digest(in->body, body);
    KOC__TRY(koc__dynbuf_printf(out, err, "%s\n%s\n%s\n", in->method, in->path, in->query));
    for (size_t i = 0; i < in->headers->count; i++) {
        KOC__TRY(koc__dynbuf_printf(out, err, "%s:%s\n", in->headers->list[i].name,
                                    in->headers->list[i].value));
    }
    return koc__dynbuf_printf(out, err, "\n%s\n%s", names, body);
}

/* Derives the key from date, region and service, so that a leaked one is worth little. */
static int signing_key(const koc__sigv4 *in, uint8_t key[32], koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) secret = KOC__DYNBUF_INIT(REQUEST_MAX);
    koc_str parts[] = {koc__str_n(in->time, 8), koc__str(in->region), koc__str(in->service),
                       KOC__STR("aws4_request")};

    KOC__TRY(koc__dynbuf_printf(&secret, err, "AWS4%s", in->secret_key));
    int rc = koc__hmac_sha256(koc__dynbuf_view(&secret), parts[0], key, err);
    koc__dynbuf_wipe(&secret);
    for (size_t i = 1; i < KOC__COUNT(parts) && rc == KOC_OK; i++) {
        uint8_t next[32];
        rc = koc__hmac_sha256(koc__str_n((const char *)key, 32), parts[i], next, err);
        memcpy(key, next, 32);
        koc__wipe(next, sizeof(next));
    }
    return rc;
}

int koc__sigv4_sign(const koc__sigv4 *in, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(REQUEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) request = KOC__DYNBUF_INIT(REQUEST_MAX);
    KOC__AUTO_STR scope = koc__format("%.8s/%s/%s/aws4_request", in->time, in->region, in->service);
    uint8_t key[32], signature[32];
    char digest[65], text[65];
    if (!scope) {
        return koc__oom(err);
    }
    KOC__TRY(put_names(&names, in->headers, err));
    KOC__TRY(put_canonical(in, koc__dynbuf_cstr(&names), &request, err));
    hex_digest(koc__dynbuf_view(&request), digest);
    KOC__AUTO_STR to_sign = koc__format("AWS4-HMAC-SHA256\n%s\n%s\n%s", in->time, scope, digest);
    if (!to_sign) {
        return koc__oom(err);
    }
    KOC__TRY(signing_key(in, key, err));
    int rc = koc__hmac_sha256(koc__str_n((const char *)key, 32), koc__str(to_sign), signature, err);
    koc__wipe(key, sizeof(key));
    KOC__TRY(rc);
    koc__hex(signature, 32, text);
    *out = koc__format("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                       in->access_key, scope, koc__dynbuf_cstr(&names), text);
    return *out ? KOC_OK : koc__oom(err);
}
