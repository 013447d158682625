#include "core/common.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/json_write.h"
#include "serve/serve.h"

enum { ERROR_MAX = 16 * 1024, RETRY_S = 1 };

static void reset(koc__reply *r)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        koc__free(r->values[i]);
    }
    r->n_headers = 0;
    koc__buf_dispose(&r->body);
    if (r->fd >= 0) {
        close(r->fd);
    }
    r->fd = -1;
}

void koc__reply_dispose(koc__reply *r)
{
    reset(r);
}

void koc__reply_header(koc__reply *r, const char *name, const char *fmt, ...)
{
    KOC__AUTO_VAL(koc__buf) value = KOC__BUF_INIT(ERROR_MAX);
    va_list args;
    va_start(args, fmt);
    int rc = koc__buf_vprintf(&value, NULL, fmt, args);
    va_end(args);
    char *text = rc == KOC_OK ? koc__buf_steal(&value) : NULL;
    if (!text || r->n_headers == KOC__REPLY_HEADERS) {
        koc__free(text);
        reset(r);
        r->status = 500;
        return;
    }
    r->names[r->n_headers] = name;
    r->values[r->n_headers++] = text;
}

void koc__reply_error(koc__reply *r, int status, const char *code, const char *fmt, ...)
{
    char message[1024];
    koc__jw w;
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    reset(r);
    r->status = status;
    r->body = (koc__buf)KOC__BUF_INIT(ERROR_MAX);
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
        koc__buf_dispose(&r->body); /* the status says enough */
        return;
    }
    koc__reply_header(r, "Content-Type", "application/json");
}

/* A disk that is full is nothing that trying again would mend. */
static void reply_full(koc__reply *r)
{
    koc__reply_error(r, 507, "UNKNOWN", "there is no space left on the disk of the server");
}

void koc__reply_busy(koc__reply *r)
{
    koc__reply_error(r, 503, "TOOMANYREQUESTS", "too many connections are open");
    koc__reply_header(r, "Retry-After", "%d", RETRY_S);
    koc__reply_header(r, "Connection", "close");
}

void koc__reply_failure(koc__reply *r, koc__server *s, koc_error **why)
{
    koc_code code = koc_error_code(*why);
    if (code == KOC_ELIMIT) {
        koc__reply_error(r, 429, "TOOMANYREQUESTS", "%s", koc_error_message(*why));
        koc__reply_header(r, "Retry-After", "%d", RETRY_S);
    } else if (code == KOC_ECONFLICT) {
        koc__reply_error(r, 409, "BLOB_UPLOAD_INVALID", "%s", koc_error_message(*why));
    } else if (code == KOC_ECANCELLED) {
        koc__reply_error(r, 503, "UNKNOWN", "the server is stopping");
        koc__reply_header(r, "Retry-After", "%d", RETRY_S);
    } else {
        koc__server_log(s, KOC_LOG_ERROR, koc_error_message(*why));
        if (koc__error_is_full(*why)) {
            reply_full(r);
        } else {
            koc__reply_error(r, 500, "UNKNOWN", "the server failed; its log says why");
        }
    }
    koc__error_clear(why);
}

void koc__reply_unknown(koc__reply *r, koc__server *s, const char *code, koc_error **why)
{
    koc_code kind = koc_error_code(*why);
    if (kind != KOC_ENOTFOUND && kind != KOC_EFORMAT && kind != KOC_EDIGEST) {
        koc__reply_failure(r, s, why);
        return;
    }
    if (kind != KOC_ENOTFOUND) {
        koc__server_log(s, KOC_LOG_WARN, koc_error_message(*why));
    }
    koc__reply_error(r, 404, code, "%s", koc_error_message(*why));
    koc__error_clear(why);
}
