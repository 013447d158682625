/* One request as options of an easy handle, and the failures of libcurl as errors. */
#include "core/common.h"

#include "http/transport_curl.h"

#include <curl/curl.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/env.h"
#include "core/io/fs.h"
#include "core/str.h"
#include "core/text.h"
#include "http/address.h"

#define EXPECT_FROM    ((uint64_t)1 << 20) /* a longer body waits for 100 Continue */
#define RECEIVE_BUFFER (128L << 10)

/* --- options --- */

/* Checks the address that a name resolved to, here, where no second look-up can change it. */
static curl_socket_t on_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    koc__exchange *x = self;
    int type = address->socktype;
    if (purpose == CURLSOCKTYPE_IPCXN && x->peer.reach == KOC__REACH_PUBLIC && !x->peer.proxy &&
        !koc__address_allowed(x->peer.host, &address->addr)) {
        koc__error(&x->error, KOC_EDENIED,
                   "refused to connect to %s: a public registry named this address of the local "
                   "host or of a private network",
                   x->peer.host);
        return CURL_SOCKET_BAD;
    }
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    return socket(address->family, type, address->protocol);
}

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
    if (rq->has_body && !(rq->expect && koc__sending_size(&x->sending) > EXPECT_FROM)) {
        struct curl_slist *list = curl_slist_append(x->fields, "Expect:");
        if (!list) {
            return koc__oom(err);
        }
        x->fields = list;
    }
    curl_easy_setopt(x->conn->easy, CURLOPT_HTTPHEADER, x->fields);
    return KOC_OK;
}

/* OpenSSL reads a whole bundle of authorities for each connection, which takes 40 ms. From a
 * directory with one file per authority, named by hash, it reads only the file that it needs. */
static pthread_once_t trust_once = PTHREAD_ONCE_INIT;
static const char *trust_directory;
static const char *trust_bundle;
static bool trust_in_files; /* not in a store of the system */

static bool is_hashed(const char *directory)
{
    KOC__AUTO(DIR) dir = opendir(directory);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (strlen(entry->d_name) == 10 && strspn(entry->d_name, "0123456789abcdef") == 8 &&
            strcmp(entry->d_name + 8, ".0") == 0) {
            return true;
        }
    }
    return false;
}

/* Where systems keep their bundle: a libcurl may have been built on another one. */
static const char *const usual_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine, Arch */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Red Hat */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/etc/ssl/cert.pem",                                 /* BSD, macOS */
};

static const char *find_bundle(const char *usual)
{
    if (usual && access(usual, R_OK) == 0) {
        return usual;
    }
    for (size_t i = 0; i < KOC__COUNT(usual_bundles); i++) {
        if (access(usual_bundles[i], R_OK) == 0) {
            return usual_bundles[i];
        }
    }
    return NULL;
}

static void find_trust(void)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    const char *directory = koc__env_nonempty("SSL_CERT_DIR");
    const char *file = koc__env_nonempty("SSL_CERT_FILE"), *usual = NULL, *ssl = v->ssl_version;
#if LIBCURL_VERSION_NUM >= 0x074600
    usual = v->cainfo;
    directory = directory ? directory : v->capath;
#endif
    bool own_file = file && !koc__streq(file, usual);
    bool openssl = ssl && (strncmp(ssl, "OpenSSL", 7) == 0 || strncmp(ssl, "LibreSSL", 8) == 0);
    trust_in_files = usual || (ssl && strncmp(ssl, "mbedTLS", 7) == 0);
    if (openssl && directory && !own_file && is_hashed(directory)) {
        trust_directory = directory;
    } else if (own_file) {
        trust_bundle = file;
    } else if (trust_in_files) {
        trust_bundle = find_bundle(usual);
    }
}

const char *koc__http_bundle(void)
{
    pthread_once(&trust_once, find_trust);
    return trust_bundle;
}

bool koc__easy_has_no_trust(void)
{
    return !koc__http_bundle() && trust_in_files && !trust_directory;
}

static void set_trust(CURL *e)
{
    const char *bundle = koc__http_bundle();
    if (trust_directory) {
        curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(e, CURLOPT_CAPATH, trust_directory);
    } else if (bundle || trust_in_files) {
        /* NULL too: a bundle that is not there would fail every connection, also unverified ones. */
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
                          "additional certificate authorities need libcurl 7.77 or newer");
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
    /* "" keeps libcurl from reading the environment itself: proxy.c has decided. */
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
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, x);
    set_limits(x, rq);
    koc__sending_attach(x, rq);
    koc__receiving_attach(x);
    KOC__TRY(set_tls(x, rq, err));
    return set_fields(x, rq, err);
}

/* --- failures --- */

/* Under TLS 1.3 the server rejects a client without a certificate only after the handshake. */
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
        if (x->peer.proxy &&
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
        koc__error(err, KOC_EAUTH, "the proxy %s requires credentials (407)", x->peer.proxy);
        koc__error_hint(err, "set them in HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT");
        return KOC_EAUTH;
    }
    if (code >= 300) {
        koc__error(err, KOC_ENET, "the proxy %s refused to connect to it (%ld)", x->peer.proxy,
                   code);
    } else {
        koc__error(err, KOC_ENET, "the proxy %s: no such host", x->peer.proxy);
    }
    koc__error_hint(err, "NO_PROXY=%s connects without the proxy", x->peer.host);
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

/* Whether a TLS library's message means that the peer speaks plain HTTP. */
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
    koc__error_hint_on(err, KOC_HINT_ALLOW_HTTP, x->peer.authority,
                       "if it is a registry on plain HTTP, allow that for %s", x->peer.authority);
    return KOC_ETLS;
}

/* With a proxy, the proxy could not be reached, not the registry. */
static int blame_proxy(const koc__exchange *x, int rc, koc_error **err)
{
    if (x->peer.proxy) {
        koc__error_prefix(err, rc, "the proxy %s", x->peer.proxy);
        koc__error_hint(err, "NO_PROXY=%s connects without the proxy", x->peer.host);
    }
    return rc;
}

static int broken_failure(const koc__exchange *x, koc_error **err)
{
    if (x->result == CURLE_PARTIAL_FILE) {
        return koc__error(err, KOC_ENET, "the reply ended before its Content-Length");
    }
    if (koc__receiving_has_head(&x->receiving)) {
        return koc__error(err, KOC_ENET, "the connection broke in the middle of the reply");
    }
    return koc__error(err, KOC_ENET, "the connection was closed without a reply");
}

/* libcurl reports a line of the head that is longer than its buffer as a lack of memory. */
static bool is_long_line(const koc__exchange *x)
{
    curl_off_t first_byte = 0;
    return x->result == CURLE_OUT_OF_MEMORY && !koc__receiving_has_head(&x->receiving) &&
           curl_easy_getinfo(x->conn->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte) ==
               CURLE_OK &&
           first_byte > 0;
}

int koc__easy_failure(koc__exchange *x, koc__failure *why, koc_error **err)
{
    if (x->error) {
        *why = koc__receiving_is_too_large(&x->receiving) ? KOC__FAIL_PROTOCOL : KOC__FAIL_LOCAL;
        return koc__error_move(err, &x->error);
    }
    if (is_long_line(x)) {
        *why = KOC__FAIL_PROTOCOL;
        return koc__error(err, KOC_ELIMIT, "a line of the reply's head is too long");
    }
    if (x->result == CURLE_OUT_OF_MEMORY) {
        *why = KOC__FAIL_LOCAL;
        return koc__oom(err);
    }
    *why = kind_of(x);
    switch (*why) {
    case KOC__FAIL_RESOLVE: return koc__error(err, KOC_ENET, "no such host");
    case KOC__FAIL_CONNECT: return blame_proxy(x, connect_failure(x, err), err);
    case KOC__FAIL_CONNECT_TIMEOUT:
        return blame_proxy(x, koc__error(err, KOC_ETIMEOUT, "connection timed out"), err);
    case KOC__FAIL_TLS: return handshake_failure(x, err);
    case KOC__FAIL_CERT: return koc__easy_certificate(x, wants_client_certificate(x), err);
    case KOC__FAIL_PROXY: return proxy_failure(x, err);
    case KOC__FAIL_BROKEN: return broken_failure(x, err);
    default:
        return koc__error(err, KOC_ENET, "not an HTTP reply (%s)",
                          x->error_text[0] ? x->error_text
                                           : curl_easy_strerror((CURLcode)x->result));
    }
}
