/* The reply, as libcurl hands it over. */
#include "core/common.h"

#include "http/transport_curl.h"

#include <curl/curl.h>

#include "core/str.h"

#define SPILL_MAX   ((size_t)1 << 20)
#define SPILL_PAUSE ((size_t)64 << 10) /* libcurl waits when the caller left so much */

static size_t on_head(char *data, size_t size, size_t count, void *self)
{
    koc__exchange *x = self;
    koc__receiving *r = &x->receiving;
    koc_str line = koc__str_n(data, size * count), name, value;
    koc__watch_note_activity(&x->watch);
    if (r->head_done) {
        return line.len; /* trailers */
    }
    switch (koc__http_line(line, &r->status, &name, &value)) {
    case KOC__LINE_STATUS: koc__headers_clear(&r->head); break;
    case KOC__LINE_FIELD: {
        int rc = koc__headers_add(&r->head, name, value, &x->error);
        if (rc == KOC_EINVAL) {
            koc__error_clear(&x->error); /* an invalid field is ignored */
        } else if (rc != KOC_OK) {
            r->too_large = rc == KOC_ELIMIT;
            return 0;
        }
        break;
    }
    case KOC__LINE_END: r->head_done = r->status >= 200; break;
    case KOC__LINE_BAD: break;
    }
    return line.len;
}

static size_t on_body(char *data, size_t size, size_t count, void *self)
{
    koc__exchange *x = self;
    koc__receiving *r = &x->receiving;
    size_t len = size * count;
    size_t direct = KOC__MIN(len, r->dest_len - r->dest_used);
    if (r->spill.len - r->spill_off >= SPILL_PAUSE) {
        r->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    koc__watch_note_activity(&x->watch);
    r->count += len;
    if (direct > 0 && r->spill.len == r->spill_off) {
        memcpy(r->dest + r->dest_used, data, direct);
        r->dest_used += direct;
    } else {
        direct = 0;
    }
    if (koc__dynbuf_append(&r->spill, data + direct, len - direct, &x->error) != KOC_OK) {
        return 0;
    }
    return len;
}

void koc__receiving_attach(koc__exchange *x)
{
    CURL *e = x->conn->easy;
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
    x->receiving.spill.max = SPILL_MAX;
}

void koc__receiving_end(koc__receiving *r)
{
    koc__headers_dispose(&r->head);
    koc__dynbuf_dispose(&r->spill);
}

uint64_t koc__receiving_count(const koc__receiving *r)
{
    return r->count;
}

bool koc__receiving_has_head(const koc__receiving *r)
{
    return r->head_done;
}

bool koc__receiving_is_too_large(const koc__receiving *r)
{
    return r->too_large;
}

void koc__receiving_move_head(koc__receiving *r, koc__http_reply *reply)
{
    koc__headers_dispose(&reply->headers);
    reply->status = r->status;
    reply->headers = r->head;
    r->head = (koc__headers)KOC__HEADERS_INIT;
}

static size_t take_spill(koc__receiving *r, void *buf, size_t len)
{
    size_t n = KOC__MIN(len, r->spill.len - r->spill_off);
    if (n > 0) {
        memcpy(buf, r->spill.ptr + r->spill_off, n);
    }
    r->spill_off += n;
    if (r->spill_off == r->spill.len) {
        koc__dynbuf_clear(&r->spill);
        r->spill_off = 0;
    }
    return n;
}

void koc__receiving_open(koc__receiving *r, void *buf, size_t len)
{
    r->dest_used = take_spill(r, buf, len);
    r->dest = buf;
    r->dest_len = len;
}

size_t koc__receiving_filled(const koc__receiving *r)
{
    return r->dest_used;
}

size_t koc__receiving_close(koc__receiving *r)
{
    size_t n = r->dest_used;
    r->dest = NULL;
    r->dest_len = r->dest_used = 0;
    return n;
}

void koc__receiving_resume(koc__exchange *x)
{
    if (x->receiving.paused) {
        x->receiving.paused = false;
        curl_easy_pause(x->conn->easy, CURLPAUSE_CONT);
    }
}
