/* One request as options of an easy handle; libcurl's callbacks; its failures in our words. */
#include "core/common.h"

#include "http/transport_curl.h"

#include <curl/curl.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/socket.h>

#include "core/env.h"
#include "core/io/fs.h"
#include "core/io/io.h"
#include "core/str.h"
#include "core/text.h"
#include "http/address.h"

#define SPILL_MAX ((size_t)1 << 20)
/* Bodies above this ask first: a refusal then costs nothing. */
#define EXPECT_FROM    ((uint64_t)1 << 20)
#define SPILL_PAUSE    ((size_t)64 << 10)
#define RECEIVE_BUFFER (128L << 10)
#define SEND_BUFFER    (256L << 10)

/* --- callbacks ---------------------------------------------------------------------------------- */

static size_t on_head(char *data, size_t size, size_t count, void *self)
{
    koc__exchange *x = self;
    koc_str line = koc__str_n(data, size * count), name, value;

    x->active_ms = koc__monotonic_ms();
    if (x->head_done) {
        return line.len; /* trailers */
    }
    switch (koc__http_line(line, &x->status, &name, &value)) {
    case KOC__LINE_STATUS: koc__headers_clear(&x->head); break;
    case KOC__LINE_FIELD: {
        int rc = koc__headers_add(&x->head, name, value, &x->error);
        if (rc == KOC_EINVAL) {
            koc__error_clear(&x->error); /* a nonsensical field is as good as none */
        } else if (rc != KOC_OK) {
            x->too_large = rc == KOC_ELIMIT;
            return 0;
        }
        break;
    }
    case KOC__LINE_END: x->head_done = x->status >= 200; break;
    case KOC__LINE_BAD: break;
    }
    return line.len;
}

static size_t on_body(char *data, size_t size, size_t count, void *self)
{
    koc__exchange *x = self;
    size_t len = size * count;
    size_t take = KOC__MIN(len, x->dest_len - x->dest_used);

    if (x->spill.len - x->spill_off >= SPILL_PAUSE) {
        x->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    x->active_ms = koc__monotonic_ms();
    x->received += len;
    if (take > 0 && x->spill.len == x->spill_off) {
        memcpy(x->dest + x->dest_used, data, take);
        x->dest_used += take;
    } else {
        take = 0;
    }
    if (koc__dynbuf_append(&x->spill, data + take, len - take, &x->error) != KOC_OK) {
        return 0;
    }
    return len;
}

static int open_reader(koc__exchange *x)
{
    koc_reader_free(x->reader);
    x->reader = NULL;
    return koc__blob_open(x->blob, x->blob_offset + x->body_sent, x->call, &x->reader, &x->error);
}

static size_t on_send(char *out, size_t size, size_t count, void *self)
{
    koc__exchange *x = self;
    uint64_t left = x->body_size - x->body_sent;
    size_t len = (size_t)KOC__MIN((uint64_t)(size * count), left), n = len;

    x->active_ms = koc__monotonic_ms();
    if (x->first_read_ms == 0) {
        x->first_read_ms = x->active_ms;
    }
    if (len == 0) {
        return 0;
    }
    if (!x->blob) {
        memcpy(out, x->bytes.ptr + x->body_sent, len);
    } else {
        if (!x->reader && open_reader(x) != KOC_OK) {
            return CURL_READFUNC_ABORT;
        }
        if (koc_reader_read(x->reader, out, len, &n, &x->error) != KOC_OK) {
            return CURL_READFUNC_ABORT;
        }
        if (n == 0) {
            koc__error(&x->error, KOC_EIO, "the content ended %llu bytes before its size",
                       (unsigned long long)left);
            return CURL_READFUNC_ABORT;
        }
    }
    x->body_sent += n;
    if (x->sent) {
        x->sent(x->sent_self, x->body_sent);
    }
    return n;
}

static int on_seek(void *self, curl_off_t offset, int origin)
{
    koc__exchange *x = self;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->body_size) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    koc_reader_free(x->reader);
    x->reader = NULL;
    x->body_sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* The address that a name really leads to is judged here, where no second look-up can change it. */
static curl_socket_t on_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    koc__exchange *x = self;
    int type = address->socktype;

    if (purpose == CURLSOCKTYPE_IPCXN && x->reach == KOC__REACH_PUBLIC && !x->proxy &&
        !koc__address_allowed(x->host, &address->addr)) {
        koc__error(&x->error, KOC_EDENIED,
                   "refused to connect to %s: it is an address of this machine or of a private "
                   "network, named by a public registry",
                   x->host);
        return CURL_SOCKET_BAD;
    }
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    return socket(address->family, type, address->protocol);
}

/* --- options ------------------------------------------------------------------------------------ */

static int add_field(koc__exchange *x, const char *name, const char *value, koc_error **err)
{
    /* libcurl wants "Name;" for a field without a value. */
    KOC__AUTO_STR line = *value ? koc__format("%s: %s", name, value) : koc__format("%s;", name);
    struct curl_slist *list = line ? curl_slist_append(x->fields, line) : NULL;

    if (line) {
        koc__wipe(line, strlen(line));
    }
    if (!list) {
        return koc__oom(err);
    }
    x->fields = list;
    return KOC_OK;
}

static int set_fields(koc__exchange *x, const koc__http_request *rq, koc_error **err)
{
    for (size_t i = 0; i < rq->headers->count; i++) {
        KOC__TRY(add_field(x, rq->headers->list[i].name, rq->headers->list[i].value, err));
    }
    if (!koc__headers_get(rq->headers, "Accept")) {
        struct curl_slist *list = curl_slist_append(x->fields, "Accept:");
        if (!list) {
            return koc__oom(err);
        }
        x->fields = list;
    }
    if (rq->has_body && !(rq->expect && x->body_size > EXPECT_FROM)) {
        struct curl_slist *list = curl_slist_append(x->fields, "Expect:");
        if (!list) {
            return koc__oom(err);
        }
        x->fields = list;
    }
    curl_easy_setopt(x->conn->easy, CURLOPT_HTTPHEADER, x->fields);
    return KOC_OK;
}

static void set_method(koc__exchange *x, const koc__http_request *rq)
{
    CURL *e = x->conn->easy;

    if (rq->has_body) {
        curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method);
        curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body_size);
        curl_easy_setopt(e, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(e, CURLOPT_READDATA, x);
        curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(e, CURLOPT_SEEKDATA, x);
        curl_easy_setopt(e, CURLOPT_EXPECT_100_TIMEOUT_MS, 1000L);
        if (x->body_size > (uint64_t)(64 << 10)) {
            curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
        }
    } else if (strcmp(rq->method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method);
    }
}

/* Reading the whole bundle of authorities costs OpenSSL 40 ms for each connection; a folder with a file
 * for each, named by hash, is looked into only for the one that is needed. */
static pthread_once_t trust_once = PTHREAD_ONCE_INIT;
static const char *trust_folder;
static const char *trust_bundle;

static bool is_hashed(const char *folder)
{
    KOC__AUTO(DIR) dir = opendir(folder);

    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (strlen(entry->d_name) == 10 && strspn(entry->d_name, "0123456789abcdef") == 8 &&
            strcmp(entry->d_name + 8, ".0") == 0) {
            return true;
        }
    }
    return false;
}

static void find_trust(void)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    const char *folder = koc__env_nonempty("SSL_CERT_DIR");
    const char *file = koc__env_nonempty("SSL_CERT_FILE"), *usual = NULL, *ssl = v->ssl_version;

#if LIBCURL_VERSION_NUM >= 0x074600
    usual = v->cainfo;
    folder = folder ? folder : v->capath;
#endif
    bool own_file = file && !koc__streq(file, usual);
    bool openssl = ssl && (strncmp(ssl, "OpenSSL", 7) == 0 || strncmp(ssl, "LibreSSL", 8) == 0);
    if (openssl && folder && !own_file && is_hashed(folder)) {
        trust_folder = folder;
    } else {
        trust_bundle = own_file ? file : usual;
    }
}

const char *koc__transport_bundle(void)
{
    pthread_once(&trust_once, find_trust);
    return trust_bundle;
}

static void set_trust(CURL *e)
{
    const char *bundle = koc__transport_bundle();

    if (trust_folder) {
        curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(e, CURLOPT_CAPATH, trust_folder);
    } else if (bundle) {
        curl_easy_setopt(e, CURLOPT_CAINFO, bundle);
    }
}

static int set_tls(koc__exchange *x, const koc__http_request *rq, koc_error **err)
{
    CURL *e = x->conn->easy;

    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, rq->insecure ? 0L : 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, rq->insecure ? 0L : 2L);
    set_trust(e);
    if (rq->client_cert && rq->client_key) {
        curl_easy_setopt(e, CURLOPT_SSLCERT, rq->client_cert);
        curl_easy_setopt(e, CURLOPT_SSLKEY, rq->client_key);
    }
    if (rq->ca_pem.len > 0) {
#if LIBCURL_VERSION_NUM >= 0x074d00
        struct curl_blob blob = {(void *)(uintptr_t)rq->ca_pem.ptr, rq->ca_pem.len,
                                 CURL_BLOB_NOCOPY};
        curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &blob);
#else
        return koc__error(err, KOC_EUNSUPPORTED,
                          "certificate authorities of one's own need libcurl 7.77 or newer");
#endif
    }
    return KOC_OK;
}

static void set_limits(koc__exchange *x, const koc__http_request *rq)
{
    CURL *e = x->conn->easy;

    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)rq->connect_timeout_ms);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    /* "" turns off libcurl's own reading of the environment: hosts.c has decided. */
    curl_easy_setopt(e, CURLOPT_PROXY, rq->proxy ? rq->proxy : "");
    curl_easy_setopt(e, CURLOPT_NOPROXY, "");
    if (rq->unix_socket) {
        curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, rq->unix_socket);
    }
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

int koc__easy_prepare(koc__exchange *x, const koc__http_request *rq, void *share, koc_error **err)
{
    CURL *e = x->conn->easy;
    KOC__AUTO_STR url = koc__url_string(rq->url);

    if (!url) {
        return koc__oom(err);
    }
    curl_easy_reset(e);
    curl_easy_setopt(e, CURLOPT_SHARE, share);
    if (curl_easy_setopt(e, CURLOPT_URL, url) != CURLE_OK) {
        return koc__oom(err);
    }
    curl_easy_setopt(e, CURLOPT_PRIVATE, x);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error_text);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, x);
    set_limits(x, rq);
    set_method(x, rq);
    KOC__TRY(set_tls(x, rq, err));
    x->spill.max = SPILL_MAX;
    return set_fields(x, rq, err);
}

/* --- failures ----------------------------------------------------------------------------------- */

/* Under TLS 1.3 the handshake is over when the server finds that the client showed no certificate. */
static bool wants_client_certificate(const koc__exchange *x)
{
    return strstr(x->error_text, "certificate required") ||
           strstr(x->error_text, "alert bad certificate");
}

static koc__failure kind_of(const koc__exchange *x)
{
    curl_off_t connected = 0;

    switch (x->result) {
    case CURLE_COULDNT_RESOLVE_HOST: return KOC__FAIL_RESOLVE;
    case CURLE_COULDNT_RESOLVE_PROXY: return KOC__FAIL_PROXY;
#if LIBCURL_VERSION_NUM >= 0x074900
    case CURLE_PROXY: return KOC__FAIL_PROXY;
#endif
    case CURLE_COULDNT_CONNECT: return KOC__FAIL_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        curl_easy_getinfo(x->conn->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
        return connected > 0 ? KOC__FAIL_BROKEN : KOC__FAIL_CONNECT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
        return wants_client_certificate(x) ? KOC__FAIL_CERT : KOC__FAIL_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return KOC__FAIL_CERT;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: {
        long code = 0;
        if (x->proxy &&
            curl_easy_getinfo(x->conn->easy, CURLINFO_HTTP_CONNECTCODE, &code) == CURLE_OK &&
            code >= 300) {
            return KOC__FAIL_PROXY;
        }
        return wants_client_certificate(x) ? KOC__FAIL_CERT : KOC__FAIL_BROKEN;
    }
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return KOC__FAIL_BROKEN;
    default: return KOC__FAIL_PROTOCOL;
    }
}

static int proxy_failure(koc__exchange *x, koc_error **err)
{
    long code = 0;

    curl_easy_getinfo(x->conn->easy, CURLINFO_HTTP_CONNECTCODE, &code);
    if (code == 407) {
        koc__error(err, KOC_EAUTH, "the proxy %s wants credentials (407)", x->proxy);
        koc__error_hint(err, "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT has them");
        return KOC_EAUTH;
    }
    if (code >= 300) {
        koc__error(err, KOC_ENET, "the proxy %s refused to connect to it (%ld)", x->proxy, code);
    } else {
        koc__error(err, KOC_ENET, "the proxy %s: no such host", x->proxy);
    }
    koc__error_hint(err, "NO_PROXY=%s connects without the proxy", x->host);
    return KOC_ENET;
}

static int connect_failure(koc__exchange *x, koc_error **err)
{
    koc_error *cause = NULL;
    long number = 0;

    curl_easy_getinfo(x->conn->easy, CURLINFO_OS_ERRNO, &number);
    if (number == ECONNREFUSED || number == 0) {
        return koc__error(err, KOC_ENET, "%s", number ? "connection refused" : "could not connect");
    }
    koc__error_errno(&cause, (int)number, "could not connect");
    koc__error(err, KOC_ENET, "%s", koc_error_message(cause));
    koc_error_free(cause);
    return KOC_ENET;
}

/* What the TLS libraries say when the other side speaks plain HTTP. */
static bool is_plain_http(const char *text)
{
    static const char *const words[] = {"wrong version number", "packet length too long",
                                        "unexpected TLS packet", "invalid SSL record",
                                        "record overflow"};
    for (size_t i = 0; i < KOC__COUNT(words); i++) {
        if (strcasestr(text, words[i])) {
            return true;
        }
    }
    return false;
}

static int handshake_failure(const koc__exchange *x, koc_error **err)
{
    if (!is_plain_http(x->error_text)) {
        return koc__error(err, KOC_ETLS, "the TLS handshake failed");
    }
    koc__error(err, KOC_ETLS, "it does not speak TLS");
    koc__error_hint_on(err, KOC_HINT_ALLOW_HTTP, x->authority,
                       "if it is a registry on plain HTTP, allow that for %s", x->authority);
    return KOC_ETLS;
}

/* What could not be reached is the proxy then, not the registry. */
static int by_way_of_proxy(const koc__exchange *x, int rc, koc_error **err)
{
    if (x->proxy) {
        koc__error_prefix(err, rc, "the proxy %s", x->proxy);
        koc__error_hint(err, "NO_PROXY=%s connects without the proxy", x->host);
    }
    return rc;
}

static int broken(const koc__exchange *x, koc_error **err)
{
    if (x->result == CURLE_PARTIAL_FILE) {
        return koc__error(err, KOC_ENET, "the reply ended before its Content-Length");
    }
    if (x->head_done) {
        return koc__error(err, KOC_ENET, "the connection broke in the middle of the reply");
    }
    return koc__error(err, KOC_ENET, "the connection was closed without a reply");
}

int koc__easy_failure(koc__exchange *x, koc__failure *why, koc_error **err)
{
    if (x->error) {
        *why = x->too_large ? KOC__FAIL_PROTOCOL : KOC__FAIL_LOCAL;
        return koc__error_move(err, &x->error);
    }
    if (x->result == CURLE_OUT_OF_MEMORY) {
        *why = KOC__FAIL_LOCAL;
        return koc__oom(err);
    }
    *why = kind_of(x);
    switch (*why) {
    case KOC__FAIL_RESOLVE: return koc__error(err, KOC_ENET, "no such host");
    case KOC__FAIL_CONNECT: return by_way_of_proxy(x, connect_failure(x, err), err);
    case KOC__FAIL_CONNECT_TIMEOUT:
        return by_way_of_proxy(x, koc__error(err, KOC_ETIMEOUT, "connection timed out"), err);
    case KOC__FAIL_TLS: return handshake_failure(x, err);
    case KOC__FAIL_CERT: return koc__easy_certificate(x, wants_client_certificate(x), err);
    case KOC__FAIL_PROXY: return proxy_failure(x, err);
    case KOC__FAIL_BROKEN: return broken(x, err);
    default:
        return koc__error(err, KOC_ENET, "not an HTTP reply (%s)",
                          x->error_text[0] ? x->error_text
                                           : curl_easy_strerror((CURLcode)x->result));
    }
}
