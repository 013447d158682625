#include "core/common.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/run/context.h"
#include "serve/serve.h"
#include "text/json_write.h"

enum { ERROR_MAX = 16 * 1024, RETRY_S = 1 };

void koc__server_log(koc__server *s, int32_t level, const char *line)
{
    if (koc__log_wants(s->ctx, level)) {
        koc__call_log(s->call, level, "serve", line);
    }
}

static void reset(koc__served_reply *r)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        koc__free(r->values[i]);
    }
    r->n_headers = 0;
    koc__dynbuf_dispose(&r->body);
    if (r->fd >= 0) {
        close(r->fd);
    }
    r->fd = -1;
}

void koc__served_reply_dispose(koc__served_reply *r)
{
    reset(r);
}

void koc__served_reply_header(koc__served_reply *r, const char *name, const char *fmt, ...)
{
    KOC__AUTO_VAL(koc__dynbuf) value = KOC__DYNBUF_INIT(ERROR_MAX);
    va_list args;
    va_start(args, fmt);
    int rc = koc__dynbuf_vprintf(&value, NULL, fmt, args);
    va_end(args);
    char *text = rc == KOC_OK ? koc__dynbuf_steal(&value) : NULL;
    if (!text || r->n_headers == KOC__REPLY_HEADERS) {
        koc__free(text);
        reset(r);
        r->status = 500;
        return;
    }
    r->names[r->n_headers] = name;
    r->values[r->n_headers++] = text;
}

void koc__served_reply_error(koc__served_reply *r, int status, const char *code, const char *fmt,
                             ...)
{
    char message[1024];
    koc__jw w;
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    reset(r);
    r->status = status;
    r->body = (koc__dynbuf)KOC__DYNBUF_INIT(ERROR_MAX);
    koc__jw_begin(&w, &r->body, 0, 0);
    koc__jw_object(&w);
    koc__jw_key(&w, "errors");
    koc__jw_array(&w);
    koc__jw_object(&w);
    koc__jw_kv(&w, "code", code);
    koc__jw_kv(&w, "message", message);
    koc__jw_object_end(&w);
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    if (koc__jw_end(&w, NULL) != KOC_OK) {
        koc__dynbuf_dispose(&r->body); /* the status says enough */
        return;
    }
    koc__served_reply_header(r, "Content-Type", "application/json");
}

/* 507: a retry does not help while the disk is full. */
static void reply_full(koc__served_reply *r)
{
    koc__served_reply_error(r, 507, "UNKNOWN", "there is no space left on the disk of the server");
}

void koc__served_reply_busy(koc__served_reply *r)
{
    koc__served_reply_error(r, 503, "TOOMANYREQUESTS", "too many connections are open");
    koc__served_reply_header(r, "Retry-After", "%d", RETRY_S);
    koc__served_reply_header(r, "Connection", "close");
}

void koc__served_reply_failure(koc__served_reply *r, koc__server *s, koc_error **why)
{
    koc_code code = koc_error_code(*why);
    if (code == KOC_ELIMIT) {
        koc__served_reply_error(r, 429, "TOOMANYREQUESTS", "%s", koc_error_message(*why));
        koc__served_reply_header(r, "Retry-After", "%d", RETRY_S);
    } else if (code == KOC_ECONFLICT) {
        koc__served_reply_error(r, 409, "BLOB_UPLOAD_INVALID", "%s", koc_error_message(*why));
    } else if (code == KOC_ECANCELLED) {
        koc__served_reply_error(r, 503, "UNKNOWN", "the server is stopping");
        koc__served_reply_header(r, "Retry-After", "%d", RETRY_S);
    } else {
        koc__server_log(s, KOC_LOG_ERROR, koc_error_message(*why));
        if (koc__error_is_full(*why)) {
            reply_full(r);
        } else {
            koc__served_reply_error(r, 500, "UNKNOWN", "the server failed; its log says why");
        }
    }
    koc__error_clear(why);
}

void koc__served_reply_unknown(koc__served_reply *r, koc__server *s, const char *code,
                               koc_error **why)
{
    koc_code kind = koc_error_code(*why);
    if (kind != KOC_ENOTFOUND && kind != KOC_EFORMAT && kind != KOC_EDIGEST) {
        koc__served_reply_failure(r, s, why);
        return;
    }
    if (kind != KOC_ENOTFOUND) {
        koc__server_log(s, KOC_LOG_WARN, koc_error_message(*why));
    }
    koc__served_reply_error(r, 404, code, "%s", koc_error_message(*why));
    koc__error_clear(why);
}
