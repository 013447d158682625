#include "core/common.h"

#include "cloud/cloud_request.h"

#include "core/io/fs.h"
#include "core/text.h"
#include "http/address.h"
#include "http/proxy.h"
#include "http/transport.h"

#define CONNECT_MS       10000
#define LOCAL_CONNECT_MS 1000
#define ANSWER_MS        30000
#define FILE_MAX         ((size_t)1 << 20)
#define ATTEMPTS         3
#define RETRY_MS         200

/* --- waits --- */

/* One query, which may wait several times. */
typedef struct waiter {
    koc__call *call;
    const char *host;
    uint64_t id;      /* of its progress events; 0 until it waits */
    unsigned attempt; /* from 1 */
} waiter;

static void send_event(const waiter *w, int32_t state, const char *reason, int64_t ms)
{
    koc__call_report_wait(w->call, w->id, w->host, state, reason, ms, w->attempt);
}

static void report_wait(void *self, const char *why, int64_t left_ms)
{
    waiter *w = self;
    char reason[128];
    if (!w->call || left_ms <= 0) {
        return; /* a local endpoint has one second to accept the connection: the query ends now */
    }
    snprintf(reason, sizeof(reason), "credentials of the cloud: %s", why);
    koc__log(w->call->ctx, KOC_LOG_INFO, "registry", "%s: %s; attempt %u, waiting %lld ms", w->host,
             reason, w->attempt, (long long)left_ms);
    w->id = w->id ? w->id : koc__call_new_id(w->call);
    send_event(w, KOC_STATE_WAITING, reason, left_ms);
}

/* --- requests --- */

/* *again: the endpoint is busy or broken, which may pass. */
static int send_once(koc__http_pool *t, const koc__http_request *rq, koc__call *call,
                     koc__dynbuf *body, bool *again, koc_error **err)
{
    KOC__AUTO(koc__exchange) x = NULL;
    KOC__AUTO_VAL(koc__http_reply) reply = KOC__HTTP_REPLY_INIT;
    int rc = koc__exchange_open(t, rq, call, &reply, &x, err);
    *again = rc == KOC_OK ? reply.status == 429 || reply.status >= 500
                          : reply.failure == KOC__FAIL_BROKEN;
    KOC__TRY(rc);
    if (reply.status < 200 || reply.status > 299) {
        return koc__error(err, KOC_EAUTH, "it answered %d", reply.status);
    }
    return koc__exchange_read_all(x, call, false, body, &reply.failure, err);
}

static int send_retried(const koc__http_request *rq, waiter *w, koc__dynbuf *body, koc_error **err)
{
    KOC__AUTO(koc__http_pool) t = NULL;
    KOC__TRY(koc__http_pool_new(1, &t, err));
    for (w->attempt = 1;; w->attempt++) {
        koc_error *failure = NULL;
        bool again = false;
        int rc = send_once(t, rq, w->call, body, &again, &failure);
        if (rc == KOC_OK || !again || w->attempt == ATTEMPTS) {
            return rc == KOC_OK ? KOC_OK : koc__error_move(err, &failure);
        }
        koc_error_free(failure);
        KOC__TRY(koc__call_sleep(w->call, RETRY_MS << w->attempt, err));
    }
}

int koc__cloud_send(const koc__cloud_query *q, koc__call *call, koc__dynbuf *body, koc_error **err)
{
    static const koc__headers none = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    koc__proxies proxies = KOC__PROXIES_INIT;
    KOC__TRY(koc__url_parse(koc__str(q->url), &url, err));
    if (!url.https && !q->local && !koc__address_is_loopback(koc__str(url.host))) {
        return koc__error(err, KOC_EDENIED, "koc does not ask %s for a login by plain http",
                          url.host);
    }
    const char *method = q->method ? q->method : q->body.len > 0 ? "POST" : "GET";
    waiter w = {.call = call, .host = url.host};
    koc__http_request rq = {
        .method = method,
        .url = &url,
        .headers = q->headers ? q->headers : &none,
        .bytes = q->body,
        .has_body = strcmp(method, "GET") != 0,
        .uncounted = true,
        .connect_timeout_ms = q->local ? LOCAL_CONNECT_MS : CONNECT_MS,
        .response_timeout_ms = ANSWER_MS,
        .quiet = report_wait,
        .quiet_self = &w,
    };
    int rc = q->local ? KOC_OK : koc__proxies_from_env(&proxies, err);
    if (rc == KOC_OK) {
        const koc__proxy *proxy = q->local ? NULL : koc__proxies_for(&proxies, &url);
        rq.proxy = proxy ? proxy->url : NULL;
        rq.proxy_from = proxy ? proxy->variable : NULL;
        rc = send_retried(&rq, &w, body, err);
        if (w.id) {
            send_event(&w, rc == KOC_OK ? KOC_STATE_FINISHED : KOC_STATE_FAILED, NULL, 0);
        }
    }
    koc__proxies_dispose(&proxies);
    return koc__error_prefix(err, rc, "%s", url.host);
}

int koc__cloud_get_json(const koc__cloud_query *q, const char *what, koc__call *call,
                        koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) body = KOC__DYNBUF_INIT(KOC__CLOUD_REPLY_MAX);
    int rc = koc__cloud_send(q, call, &body, err);
    if (rc == KOC_OK &&
        koc__json_parse(koc__dynbuf_view(&body), KOC__CLOUD_REPLY_MAX, what, out, NULL) != KOC_OK) {
        rc = koc__error(err, KOC_EFORMAT, "the reply of %s is not JSON", what);
    }
    koc__dynbuf_wipe(&body);
    return rc;
}

/* --- forms and files --- */

int koc__form_field(koc__dynbuf *form, const char *name, const char *value, koc_error **err)
{
    KOC__TRY(koc__dynbuf_printf(form, err, "%s%s=", form->len > 0 ? "&" : "", name));
    return koc__percent(form, koc__str(value), "", err);
}

int koc__cloud_post_form(const char *url, koc_str form, const char *what, koc__call *call,
                         koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    koc__cloud_query q = {.url = url, .headers = &headers, .body = form};
    KOC__TRY(koc__headers_put(&headers, "Content-Type", "application/x-www-form-urlencoded", err));
    return koc__cloud_get_json(&q, what, call, out, err);
}

int koc__cloud_read(const char *path, koc__dynbuf *out, koc_error **err)
{
    out->max = FILE_MAX;
    KOC__TRY(koc__fs_read_file(path, out, err));
    koc_str text = koc__str_trim(koc__dynbuf_view(out));
    if (text.len > 0) {
        memmove(out->ptr, text.ptr, text.len);
        out->ptr[text.len] = '\0';
    }
    out->len = text.len;
    return KOC_OK;
}

/* --- the cloud of this virtual machine --- */

static bool dmi_starts_with(const char *dmi, const char *name, const char *prefix)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_STR path = koc__format("%s/%s", dmi, name);
    return path && koc__fs_is_file(path) && koc__fs_read_file(path, &text, NULL) == KOC_OK &&
           koc__str_starts(koc__dynbuf_view(&text), prefix);
}

koc__machine koc__machine_of(const char *dmi)
{
    static const struct {
        const char *name, *prefix;
        koc__machine machine;
    } signs[] = {
        {"sys_vendor", "Amazon EC2", KOC__MACHINE_AMAZON},
        {"bios_vendor", "Amazon EC2", KOC__MACHINE_AMAZON},
        {"product_name", "Google", KOC__MACHINE_GOOGLE},
        {"chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", KOC__MACHINE_AZURE},
    };

    for (size_t i = 0; i < KOC__COUNT(signs); i++) {
        if (dmi_starts_with(dmi ? dmi : "/sys/class/dmi/id", signs[i].name, signs[i].prefix)) {
            return signs[i].machine;
        }
    }
    return KOC__MACHINE_OTHER;
}
