/* Keys of Amazon Web Services, and calls that are signed with them. */
#include "core/common.h"

#include "cloud/cloud_aws.h"

#include "cloud/sigv4.h"
#include "core/env.h"
#include "core/text.h"

void koc__aws_keys_dispose(koc__aws_keys *k)
{
    char *all[] = {k->access, k->secret, k->session};
    for (size_t i = 0; i < KOC__COUNT(all); i++) {
        if (all[i]) {
            koc__wipe(all[i], strlen(all[i]));
            koc__free(all[i]);
        }
    }
    *k = (koc__aws_keys)KOC__AWS_KEYS_INIT;
}

int koc__aws_keys_set(koc__aws_keys *k, koc_str access, koc_str secret, koc_str session,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__aws_keys) keys = KOC__AWS_KEYS_INIT;
    if (access.len == 0 || secret.len == 0) {
        return KOC_OK;
    }
    keys.access = koc__str_dup(access);
    keys.secret = koc__str_dup(secret);
    keys.session = session.len > 0 ? koc__str_dup(session) : NULL;
    if (!keys.access || !keys.secret || (session.len > 0 && !keys.session)) {
        return koc__oom(err);
    }
    *k = keys;
    keys = (koc__aws_keys)KOC__AWS_KEYS_INIT;
    return KOC_OK;
}

/* "20150830T123600Z" */
static int amazon_time(char out[17], koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(64);
    size_t n = 0;
    KOC__TRY(koc__rfc3339(&text, koc__now(), err));
    for (size_t i = 0; i < text.len && n < 16; i++) {
        if (text.ptr[i] != '-' && text.ptr[i] != ':') {
            out[n++] = text.ptr[i];
        }
    }
    out[n] = '\0';
    return KOC_OK;
}

/* Signed fields in the order that signing wants: by name. */
static int signed_fields(koc__headers *h, const koc__url *url, const koc__aws_call *args,
                         const char *time, koc_error **err)
{
    KOC__AUTO_STR origin = koc__url_origin(url);
    if (!origin) {
        return koc__oom(err);
    }
    KOC__TRY(koc__headers_put(h, "content-type", args->content_type, err));
    KOC__TRY(koc__headers_put(h, "host", origin + (url->https ? 8 : 7), err));
    KOC__TRY(koc__headers_put(h, "x-amz-date", time, err));
    if (args->keys->session) {
        KOC__TRY(koc__headers_put(h, "x-amz-security-token", args->keys->session, err));
    }
    return args->target ? koc__headers_put(h, "x-amz-target", args->target, err) : KOC_OK;
}

int koc__aws_post(const koc__aws_call *args, koc__call *call, koc__dynbuf *reply, koc_error **err)
{
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__AUTO_STR authorization = NULL;
    char time[17];
    KOC__TRY(koc__url_parse(koc__str(args->url), &url, err));
    KOC__TRY(amazon_time(time, err));
    KOC__TRY(signed_fields(&headers, &url, args, time, err));
    koc__sigv4 s = {.access_key = args->keys->access,
                    .secret_key = args->keys->secret,
                    .region = args->region,
                    .service = args->service,
                    .time = time,
                    .method = "POST",
                    .path = url.target,
                    .query = "",
                    .headers = &headers,
                    .body = args->body};
    KOC__TRY(koc__sigv4_sign(&s, &authorization, err));
    KOC__TRY(koc__headers_put(&headers, "Authorization", authorization, err));
    koc__cloud_query q = {.url = args->url, .headers = &headers, .body = args->body};
    return koc__cloud_send(&q, call, reply, err);
}

bool koc__aws_is_region(const char *text)
{
    return text[0] && strlen(text) < 32 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

int koc__aws_endpoint(const char *variable, const char *host, koc__aws_place place, char **out,
                      koc_error **err)
{
    KOC__AUTO_STR name = koc__format("AWS_ENDPOINT_URL_%s", variable);
    const char *given = name ? koc__env_nonempty(name) : NULL;
    if (!name) {
        return koc__oom(err);
    }
    if (!given && !koc__aws_is_region(place.region)) {
        return koc__error(err, KOC_EINVAL, "this is not the name of an Amazon region");
    }
    *out = given ? koc__strdup(given)
                 : koc__format("https://%s.%s.amazonaws.com%s", host, place.region,
                               place.china ? ".cn" : "");
    return *out ? KOC_OK : koc__oom(err);
}
