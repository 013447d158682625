/* The body of a request, as libcurl asks for it. */
#include "core/common.h"

#include "http/transport_curl.h"

#include <curl/curl.h>

#include "core/io/io.h"

#define SEND_BUFFER      (256L << 10)
#define SEND_BUFFER_FROM ((uint64_t)64 << 10) /* a shorter body does without the long buffer */
#define EXPECT_WAIT_MS   1000L

void koc__sending_begin(koc__sending *s, const koc__http_request *rq)
{
    s->bytes = rq->bytes;
    s->blob = rq->blob ? koc_blob_ref(rq->blob) : NULL;
    s->blob_offset = rq->blob_offset;
    s->size = rq->blob ? rq->blob_size : rq->bytes.len;
    s->sent = rq->sent;
    s->sent_self = rq->sent_self;
}

void koc__sending_end(koc__sending *s)
{
    koc_reader_free(s->reader);
    koc_blob_unref(s->blob);
}

uint64_t koc__sending_size(const koc__sending *s)
{
    return s->size;
}

uint64_t koc__sending_count(const koc__sending *s)
{
    return s->count;
}

static int read_blob(koc__exchange *x, char *out, size_t len, size_t *n)
{
    koc__sending *s = &x->sending;
    if (!s->reader) {
        KOC__TRY(
            koc__blob_open(s->blob, s->blob_offset + s->count, x->call, &s->reader, &x->error));
    }
    KOC__TRY(koc_reader_read(s->reader, out, len, n, &x->error));
    return *n > 0 ? KOC_OK
                  : koc__error(&x->error, KOC_EIO, "the content ended %llu bytes before its size",
                               (unsigned long long)(s->size - s->count));
}

static size_t on_send(char *out, size_t size, size_t count, void *self)
{
    koc__exchange *x = self;
    koc__sending *s = &x->sending;
    size_t len = (size_t)KOC__MIN((uint64_t)(size * count), s->size - s->count), n = len;
    koc__watch_note_body(&x->watch);
    if (len == 0) {
        return 0;
    }
    if (!s->blob) {
        memcpy(out, s->bytes.ptr + s->count, len);
    } else if (read_blob(x, out, len, &n) != KOC_OK) {
        return CURL_READFUNC_ABORT;
    }
    s->count += n;
    if (s->sent) {
        s->sent(s->sent_self, s->count);
    }
    return n;
}

static int on_seek(void *self, curl_off_t offset, int origin)
{
    koc__sending *s = &((koc__exchange *)self)->sending;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > s->size) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    koc_reader_free(s->reader);
    s->reader = NULL;
    s->count = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

void koc__sending_attach(koc__exchange *x, const koc__http_request *rq)
{
    CURL *e = x->conn->easy;
    if (rq->has_body) {
        curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method);
        curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->sending.size);
        curl_easy_setopt(e, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(e, CURLOPT_READDATA, x);
        curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(e, CURLOPT_SEEKDATA, x);
        curl_easy_setopt(e, CURLOPT_EXPECT_100_TIMEOUT_MS, EXPECT_WAIT_MS);
        if (x->sending.size > SEND_BUFFER_FROM) {
            curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
        }
    } else if (strcmp(rq->method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method);
    }
}
