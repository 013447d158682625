/*
 * The only file that uses libmicrohttpd. Each connection has a thread, so handlers may block on the disk. The
 * number of connections, the memory of each and the time without a byte are limited.
 */
#include "core/common.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include <microhttpd.h>

#include "core/clean.h"
#include "core/io/fs.h"
#include "core/run/thread.h"
#include "core/text.h"
#include "serve/connections.h"
#include "serve/serve.h"

enum {
    HEAD_MEMORY = 64 * 1024, /* per connection: the head and a piece of the body */
    IDLE_S = 60,             /* without a byte; connections.c has stricter limits */
    SURPLUS = 32,            /* connections above the limit, which get 503 */
    BACKLOG = 128,
    DRAIN_MAX =
        16 * 1024 * 1024, /* of a rejected body: read, so that the client receives the reply */
    PEM_MAX = 256 * 1024,
    LINE_MAX_LEN = 400
};

struct koc__httpd {
    koc__server *server;
    struct MHD_Daemon *daemon;
    koc__connections *connections;
    int fd; /* listens */
    char *cert, *key;
};

static pthread_once_t version_once = PTHREAD_ONCE_INIT;
static char version_text[48];

static void version_init(void)
{
    snprintf(version_text, sizeof(version_text), "libmicrohttpd/%s", MHD_get_version());
}

const char *koc__microhttpd_version(void)
{
    pthread_once(&version_once, version_init);
    return version_text;
}

/* --- a request --- */

/* One request: con_cls of libmicrohttpd. */
typedef struct conversation {
    koc__served_exchange *exchange;
    char *target; /* for the log */
    bool begun, replied;
} conversation;

static koc__connection *place_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void on_connection(void *payload, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    koc__httpd *h = payload;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        koc__connection_drop(*context); /* before its socket is closed */
        *context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = info ? koc__connection_add(h->connections, info->connect_fd) : NULL;
}

static void *on_uri(void *payload, const char *uri, struct MHD_Connection *connection)
{
    koc__httpd *h = payload;
    conversation *c = koc__calloc(1, sizeof(*c));
    koc__connection_state(place_of(connection), KOC__WAITS);
    if (c) {
        c->exchange = koc__served_exchange_new(h->server, uri);
        c->target = koc__strdup(uri);
    }
    return c;
}

static void on_end(void *payload, struct MHD_Connection *connection, void **con_cls,
                   enum MHD_RequestTerminationCode why)
{
    conversation *c = *con_cls;
    (void)payload;
    (void)why;
    koc__connection_state(place_of(connection), KOC__WAITS);
    if (c) {
        koc__served_exchange_free(c->exchange);
        koc__free(c->target);
        koc__free(c);
    }
    *con_cls = NULL;
}

static struct MHD_Response *make_response(koc__served_reply *r)
{
    if (r->fd >= 0) {
        struct MHD_Response *response =
            MHD_create_response_from_fd_at_offset64(r->length, r->fd, r->start);
        if (response) {
            r->fd = -1; /* it is closed with the response */
        }
        return response;
    }
    size_t len = r->body.len;
    char *body = len > 0 ? koc__steal(&r->body.ptr) : NULL;
    if (!body) {
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(len, body, koc__free);
    if (!response) {
        koc__free(body);
    }
    return response;
}

static void log_request(conversation *c, const char *method, const koc__served_reply *r)
{
    char line[LINE_MAX_LEN];
    snprintf(line, sizeof(line), "%d %s %.300s", r->status, method, c->target ? c->target : "");
    koc__str_printable(line);
    koc__server_log(c->exchange->server, KOC_LOG_INFO, line);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, conversation *c,
                                  const char *method)
{
    koc__served_reply *r = &c->exchange->reply;
    struct MHD_Response *response = make_response(r);
    if (!response) {
        return MHD_NO;
    }
    bool whole = true;
    for (size_t i = 0; i < r->n_headers; i++) {
        whole = MHD_add_response_header(response, r->names[i], r->values[i]) == MHD_YES && whole;
    }
    MHD_add_response_header(response, "Docker-Distribution-API-Version", "registry/2.0");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    log_request(c, method, r);
    c->replied = true;
    enum MHD_Result rc =
        whole ? MHD_queue_response(connection, (unsigned)r->status, response) : MHD_NO;
    MHD_destroy_response(response);
    return rc;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* How often the headers occur that must not be repeated. */
typedef struct occurrences {
    unsigned host, length, encoding;
} occurrences;

static enum MHD_Result count_header(void *payload, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    occurrences *o = payload;
    koc_str key = koc__str(name);
    (void)kind;
    (void)value;
    o->host += koc__str_ieq(key, KOC__STR(MHD_HTTP_HEADER_HOST));
    o->length += koc__str_ieq(key, KOC__STR(MHD_HTTP_HEADER_CONTENT_LENGTH));
    o->encoding += koc__str_ieq(key, KOC__STR(MHD_HTTP_HEADER_TRANSFER_ENCODING));
    return MHD_YES;
}

static void begin_exchange(struct MHD_Connection *connection, conversation *c, const char *method)
{
    occurrences o = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &o);
    koc__head head = {
        .method = method,
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .content_range = header(connection, MHD_HTTP_HEADER_CONTENT_RANGE),
        .content_length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH),
        .transfer_encoding = header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING),
        .range = header(connection, MHD_HTTP_HEADER_RANGE),
        .host = header(connection, MHD_HTTP_HEADER_HOST),
        .origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
        .fetch_site = header(connection, "Sec-Fetch-Site"),
        .repeated = o.host > 1 || o.length > 1 || o.encoding > 1,
    };
    c->begun = true;
    if (koc__connection_is_surplus(place_of(connection))) {
        koc__served_reply_busy(&c->exchange->reply);
        return;
    }
    koc__served_exchange_begin(c->exchange, &head);
}

/* Whether the reply must be sent before the body is read: there is one, and the body is too long to drain. */
static bool is_hopeless(struct MHD_Connection *connection, const koc__served_exchange *x)
{
    uint64_t length = 0;
    const char *text = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (!x->reply.status) {
        return false;
    }
    if (header(connection, MHD_HTTP_HEADER_EXPECT)) {
        return true; /* the client waits for the reply before it sends the body */
    }
    for (size_t i = 0; i < x->reply.n_headers; i++) {
        if (strcmp(x->reply.names[i], MHD_HTTP_HEADER_CONNECTION) == 0) {
            return true; /* the connection is closed after the reply */
        }
    }
    return header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
           (text && (!koc__str_u64(koc__str(text), &length) || length > DRAIN_MAX));
}

static enum MHD_Result answer(struct MHD_Connection *connection, conversation *c,
                              const char *method, const char *data, size_t *size)
{
    if (!c->begun) {
        begin_exchange(connection, c, method);
        return is_hopeless(connection, c->exchange) ? send_reply(connection, c, method) : MHD_YES;
    }
    if (*size > 0) {
        koc__served_exchange_body(c->exchange, data, *size);
        *size = 0;
        return MHD_YES;
    }
    koc__served_exchange_end(c->exchange);
    return send_reply(connection, c, method);
}

static enum MHD_Result on_request(void *payload, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **con_cls)
{
    conversation *c = *con_cls;
    koc__connection *place = place_of(connection);
    const size_t came = *size;
    (void)payload;
    (void)url;
    (void)version;
    if (!c || !c->exchange) {
        return MHD_NO; /* out of memory: the connection is closed */
    }
    if (came > 0) {
        koc__connection_moved(place, came);
        return answer(connection, c, method, data, size);
    }
    bool first = !c->begun;
    koc__connection_state(place, KOC__WORKED_ON);
    enum MHD_Result rc = answer(connection, c, method, data, size);
    if (first && !c->replied) {
        koc__connection_state(place, KOC__SENDS);
    }
    return rc;
}

/* --- the address --- */

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)a;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *in = (const void *)a;
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
}

/* "host:port", "[::1]:port", ":port". The host is an address or localhost: no name is looked up. */
static int parse_address(const char *text, struct addrinfo **out, koc_error **err)
{
    koc_str host = {0};
    koc_str port = {0};
    uint64_t number = 0;
    bool bad = !koc__str_rcut(koc__str(text), ':', &host, &port) || !koc__str_u64(port, &number) ||
               number > 65535;
    if (host.len > 1 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        host = koc__str_n(host.ptr + 1, host.len - 2);
    }
    if (host.len == 0 || koc__str_is(host, "localhost")) {
        host = KOC__STR("127.0.0.1");
    }
    KOC__AUTO_STR node = koc__str_dup(host);
    KOC__AUTO_STR service = koc__format("%u", (unsigned)number);
    if (!node || !service) {
        return koc__oom(err);
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    if (bad || getaddrinfo(node, service, &hints, out) != 0) {
        return koc__error(err, KOC_EINVAL,
                          "\"%.300s\" is not an address like 127.0.0.1:5000 or [::1]:0", text);
    }
    return KOC_OK;
}

static int check_loopback(const koc_serve_options *o, const struct addrinfo *a, koc_error **err)
{
    if (is_loopback(a->ai_addr) || o->flags & KOC_SERVE_REMOTE) {
        return KOC_OK;
    }
    return koc__error(err, KOC_EINVAL,
                      "other hosts can reach %s, and the server asks for no password", o->address);
}

static int open_socket(const struct addrinfo *a, const char *text, int *out, koc_error **err)
{
    int yes = 1;
    KOC__AUTO_FD fd = socket(a->ai_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot listen on %s", text);
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        return koc__error_errno(err, errno, "cannot listen on %s", text);
    }
    *out = koc__steal_fd(&fd);
    return KOC_OK;
}

static int listen_on(koc__httpd *h, const koc_serve_options *o, koc_error **err)
{
    const char *text = o->address ? o->address : "127.0.0.1:0";
    struct addrinfo *a = NULL;
    KOC__TRY(parse_address(text, &a, err));
    int rc = check_loopback(o, a, err);
    if (rc == KOC_OK) {
        h->server->loopback = is_loopback(a->ai_addr);
        rc = open_socket(a, text, &h->fd, err);
    }
    freeaddrinfo(a);
    return rc;
}

static int url_of(int fd, bool tls, char **out, koc_error **err)
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);
    char host[128];
    char port[16];
    if (getsockname(fd, (struct sockaddr *)&a, &len) != 0 ||
        getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return koc__error(err, KOC_EIO, "cannot determine the listening address");
    }
    bool v6 = strchr(host, ':') != NULL;
    return koc__formatf(out, err, "%s://%s%s%s:%s", tls ? "https" : "http", v6 ? "[" : "", host,
                        v6 ? "]" : "", port);
}

/* --- the daemon --- */

static int read_pem(const char *path, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(PEM_MAX);
    KOC__TRY(koc__fs_read_file(path, &text, err));
    *out = koc__dynbuf_steal(&text);
    return *out ? KOC_OK : koc__oom(err);
}

static int read_tls(koc__httpd *h, const koc_serve_options *o, koc_error **err)
{
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
        return koc__error(err, KOC_EUNSUPPORTED, "this libmicrohttpd has no TLS");
    }
    KOC__TRY(read_pem(o->tls_cert, &h->cert, err));
    return read_pem(o->tls_key, &h->key, err);
}

/* libmicrohttpd's messages contain bytes from clients: none is printed. */
static void discard_message(void *payload, const char *fmt, va_list args)
{
    (void)payload;
    (void)fmt;
    (void)args;
}

static int start_daemon(koc__httpd *h, const koc_serve_options *o, koc_error **err)
{
    const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                           MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG |
                           (h->cert ? MHD_USE_TLS : 0);
    const struct MHD_OptionItem tls[] = {
        {h->cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, h->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, h->key},
        {MHD_OPTION_END, 0, NULL},
    };
    sigset_t all, before;
    koc__thread_signals(&all);
    /* The threads inherit the mask: signal handlers of the program never run on them. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, discard_message, NULL,
        MHD_OPTION_LISTEN_SOCKET, h->fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
        MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)o->max_connections + SURPLUS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!h->daemon && h->cert) {
        return koc__error(err, KOC_EINVAL,
                          "cannot serve with %s and %s: they are not a PEM "
                          "certificate and its key",
                          o->tls_cert, o->tls_key);
    }
    return h->daemon ? KOC_OK : koc__error(err, KOC_EIO, "the HTTP server cannot be started");
}

int koc__httpd_start(koc__server *s, const koc_serve_options *o, koc__httpd **out, char **url,
                     koc_error **err)
{
    koc__httpd *h = koc__calloc(1, sizeof(*h));
    if (!h) {
        return koc__oom(err);
    }
    h->server = s;
    h->fd = -1;
    h->connections = koc__connections_new(o->max_connections);
    int rc = h->connections ? KOC_OK : koc__oom(err);
    if (rc == KOC_OK && o->tls_cert) {
        rc = read_tls(h, o, err);
    }
    if (rc == KOC_OK) {
        rc = listen_on(h, o, err);
    }
    if (rc == KOC_OK) {
        rc = url_of(h->fd, h->cert != NULL, url, err);
    }
    if (rc == KOC_OK) {
        rc = start_daemon(h, o, err);
    }
    if (rc != KOC_OK) {
        koc__httpd_stop(h, 0);
        return rc;
    }
    *out = h;
    return KOC_OK;
}

static void wait_for_requests(const koc__server *s, int grace_ms)
{
    const struct timespec step = {0, 20 * 1000 * 1000};
    int64_t end = koc__monotonic_ms() + grace_ms;
    while (atomic_load(&s->running) > 0 && koc__monotonic_ms() < end) {
        nanosleep(&step, NULL);
    }
}

void koc__httpd_tick(koc__httpd *h)
{
    koc__connections_tick(h->connections, koc__monotonic_ms());
}

void koc__httpd_stop(koc__httpd *h, int grace_ms)
{
    if (!h) {
        return;
    }
    if (h->daemon) {
        MHD_socket fd = MHD_quiesce_daemon(h->daemon);
        wait_for_requests(h->server, grace_ms);
        koc__content_stop(h->server->content);
        MHD_stop_daemon(h->daemon);
        h->fd = fd == MHD_INVALID_SOCKET ? -1 : fd;
    }
    if (h->fd >= 0) {
        close(h->fd);
    }
    koc__connections_free(h->connections);
    koc__free(h->cert);
    koc__free(h->key);
    koc__free(h);
}
