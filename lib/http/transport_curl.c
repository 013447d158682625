/* The pool of connections, and the loop that moves one exchange on. */
#include "core/common.h"

#include "http/transport_curl.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include "core/io/io.h"
#include "core/run/fork.h"
#include "core/run/timed_wait.h"
#include "core/str.h"
#include "core/text.h"
#include "http/transport.h"

#define IDLE_MAX 32
/* Slower than this for as long is a stall. */
#define STALL_MS    60000
#define STALL_BYTES (60 * 1024)
/* Silence that the user should hear of. */
#define QUIET_MS 1000
/* A wait for a free connection looks this often whether the call must end. */
#define SLOT_WAIT_MS 50

typedef struct origin_use {
    char *key;
    unsigned count;
} origin_use;

struct koc__transport {
    koc__fork_mark process;
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    koc__conn *idle; /* the last one used first */
    size_t n_idle;
    origin_use *use;
    size_t n_use, use_capacity;
    unsigned max_per_host;
    CURLSH *share; /* names and TLS sessions; connections stay with their handle */
    pthread_mutex_t share_mutex[CURL_LOCK_DATA_LAST];
};

/* --- libcurl as a whole ------------------------------------------------------------------------- */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void global_init(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int koc__curl_global_init(koc_error **err)
{
    pthread_once(&global_once, global_init);
    if (global_result == CURLE_OUT_OF_MEMORY) {
        return koc__oom(err);
    }
    if (global_result != CURLE_OK) {
        return koc__error(err, KOC_ENET, "libcurl could not be initialised: %s",
                          curl_easy_strerror(global_result));
    }
    return KOC_OK;
}

static pthread_once_t version_once = PTHREAD_ONCE_INIT;
static char version_text[160];

static void version_init(void)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

    snprintf(version_text, sizeof(version_text), "libcurl/%s %s", v->version,
             v->ssl_version ? v->ssl_version : "without TLS");
}

const char *koc__curl_version(void)
{
    pthread_once(&version_once, version_init);
    return version_text;
}

bool koc__curl_has_http2(void)
{
    return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) != 0;
}

/* --- the transport ------------------------------------------------------------------------------ */

static void share_lock(CURL *easy KOC__UNUSED, curl_lock_data data,
                       curl_lock_access access KOC__UNUSED, void *self)
{
    pthread_mutex_lock(&((koc__transport *)self)->share_mutex[data]);
}

static void share_unlock(CURL *easy KOC__UNUSED, curl_lock_data data, void *self)
{
    pthread_mutex_unlock(&((koc__transport *)self)->share_mutex[data]);
}

int koc__transport_new(unsigned max_per_host, koc__transport **out, koc_error **err)
{
    koc__transport *t = koc__calloc(1, sizeof(*t));

    if (!t) {
        return koc__oom(err);
    }
    t->max_per_host = max_per_host;
    koc__fork_init(&t->process);
    pthread_mutex_init(&t->mutex, NULL);
    koc__cond_init(&t->freed);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++) {
        pthread_mutex_init(&t->share_mutex[i], NULL);
    }
    *out = t;
    return KOC_OK;
}

/* TLS libraries may write to a closed socket; the process's own SIGPIPE disposition is not ours. */
typedef struct pipe_guard {
    bool active;
    sigset_t old;
} pipe_guard;

static void guard_begin(pipe_guard *g)
{
    sigset_t pipe_set, pending;

    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    g->active = sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE) &&
                pthread_sigmask(SIG_BLOCK, &pipe_set, &g->old) == 0;
}

static void guard_end(pipe_guard *g)
{
    sigset_t pipe_set, pending;
    int number;

    if (!g->active) {
        return;
    }
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    if (sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE)) {
        sigwait(&pipe_set, &number);
    }
    pthread_sigmask(SIG_SETMASK, &g->old, NULL);
}

static void conn_free(koc__conn *c)
{
    pipe_guard guard;

    if (!c) {
        return;
    }
    guard_begin(&guard);
    if (c->easy) {
        /* Else libcurl ignores SIGPIPE for the whole process meanwhile, and two threads at once for good. */
        curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_cleanup(c->easy);
    }
    if (c->multi) {
        curl_multi_cleanup(c->multi);
    }
    guard_end(&guard);
    koc__free(c->key);
    koc__free(c);
}

/* Connections of a parent process: closing them would say good-bye in its name. */
static _Atomic(koc__conn *) of_parents;

static void start_anew(koc__transport *t)
{
    if (!koc__fork_happened(&t->process)) {
        return;
    }
    pthread_mutex_init(&t->mutex, NULL);
    koc__cond_init(&t->freed);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++) {
        pthread_mutex_init(&t->share_mutex[i], NULL);
    }
    for (size_t i = 0; i < t->n_use; i++) {
        t->use[i].count = 0;
    }
    for (koc__conn *c = t->idle; c; c = c->next) {
        if (!c->next) {
            c->next = atomic_exchange(&of_parents, t->idle);
            break;
        }
    }
    t->idle = NULL;
    t->n_idle = 0;
    t->share = NULL;
    koc__fork_done(&t->process);
}

void koc__transport_free(koc__transport *t)
{
    if (!t) {
        return;
    }
    start_anew(t);
    while (t->idle) {
        koc__conn *c = t->idle;
        t->idle = c->next;
        conn_free(c);
    }
    if (t->share) {
        curl_share_cleanup(t->share);
    }
    for (size_t i = 0; i < t->n_use; i++) {
        koc__free(t->use[i].key);
    }
    koc__free(t->use);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++) {
        pthread_mutex_destroy(&t->share_mutex[i]);
    }
    pthread_cond_destroy(&t->freed);
    pthread_mutex_destroy(&t->mutex);
    koc__free(t);
}

/* libcurl starts with the first request, so that programs that make none do not pay for it. */
static int start_locked(koc__transport *t, koc_error **err)
{
    if (t->share) {
        return KOC_OK;
    }
    KOC__TRY(koc__curl_global_init(err));
    t->share = curl_share_init();
    if (!t->share) {
        return koc__oom(err);
    }
    curl_share_setopt(t->share, CURLSHOPT_LOCKFUNC, share_lock);
    curl_share_setopt(t->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
    curl_share_setopt(t->share, CURLSHOPT_USERDATA, t);
    curl_share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return KOC_OK;
}

static koc__conn *conn_new(const char *key)
{
    koc__conn *c = koc__calloc(1, sizeof(*c));

    if (!c) {
        return NULL;
    }
    c->easy = curl_easy_init();
    c->multi = curl_multi_init();
    c->key = koc__strdup(key);
    if (!c->easy || !c->multi || !c->key) {
        conn_free(c);
        return NULL;
    }
    return c;
}

static koc__conn *take_idle_locked(koc__transport *t, const char *key)
{
    for (koc__conn **p = &t->idle; *p; p = &(*p)->next) {
        if (strcmp((*p)->key, key) == 0) {
            koc__conn *c = *p;
            *p = c->next;
            t->n_idle--;
            return c;
        }
    }
    return NULL;
}

static origin_use *use_of_locked(koc__transport *t, const char *key)
{
    for (size_t i = 0; i < t->n_use; i++) {
        if (strcmp(t->use[i].key, key) == 0) {
            return &t->use[i];
        }
    }
    if (!koc__grow((void **)&t->use, &t->use_capacity, t->n_use + 1, sizeof(t->use[0]))) {
        return NULL;
    }
    char *copy = koc__strdup(key);
    if (!copy) {
        return NULL;
    }
    t->use[t->n_use] = (origin_use){copy, 0};
    return &t->use[t->n_use++];
}

/* Waits, with the mutex held, for a place among max_per_host. */
static int take_place_locked(koc__transport *t, const char *key, koc__call *call, koc_error **err)
{
    for (;;) {
        origin_use *use = use_of_locked(t, key);
        if (!use) {
            return koc__oom(err);
        }
        if (use->count < t->max_per_host) {
            use->count++;
            return KOC_OK;
        }
        KOC__TRY(koc__call_check(call, err));
        koc__cond_wait_ms(&t->freed, &t->mutex, SLOT_WAIT_MS);
    }
}

static char *conn_key(const koc__http_request *rq)
{
    KOC__AUTO_STR origin = koc__url_origin(rq->url);

    /* The authorities' text is one per host, so its address tells it apart. */
    return origin ? koc__format("%s|%s|%s|%s|%p|%d%d", origin, rq->proxy ? rq->proxy : "",
                                rq->unix_socket ? rq->unix_socket : "",
                                rq->client_cert ? rq->client_cert : "",
                                (const void *)rq->ca_pem.ptr, (int)rq->reach, rq->insecure)
                  : NULL;
}

static int take_conn(koc__transport *t, const koc__http_request *rq, koc__exchange *x,
                     koc__call *call, koc_error **err)
{
    x->key = conn_key(rq);
    if (!x->key) {
        return koc__oom(err);
    }
    start_anew(t);
    pthread_mutex_lock(&t->mutex);
    int rc = start_locked(t, err);
    if (rc == KOC_OK && !x->uncounted) {
        rc = take_place_locked(t, x->key, call, err);
        x->counted = rc == KOC_OK;
    }
    if (rc == KOC_OK && !rq->fresh) {
        x->conn = take_idle_locked(t, x->key);
    }
    pthread_mutex_unlock(&t->mutex);
    KOC__TRY(rc);
    if (!x->conn) {
        x->conn = conn_new(x->key);
    }
    return x->conn ? KOC_OK : koc__oom(err);
}

static void give_conn(koc__transport *t, koc__exchange *x)
{
    koc__conn *c = x->conn, *extra = NULL;
    /* After a failure the connection is not trusted again. */
    bool keep = c && (!x->done || x->result == CURLE_OK);

    pthread_mutex_lock(&t->mutex);
    if (x->counted) {
        origin_use *use = use_of_locked(t, x->key);
        if (use && use->count > 0) {
            use->count--;
        }
    }
    if (keep) {
        c->next = t->idle;
        t->idle = c;
        t->n_idle++;
        if (t->n_idle > IDLE_MAX) {
            koc__conn **p = &t->idle;
            while ((*p)->next) {
                p = &(*p)->next;
            }
            extra = *p;
            *p = NULL;
            t->n_idle--;
        }
    }
    pthread_cond_broadcast(&t->freed);
    pthread_mutex_unlock(&t->mutex);
    conn_free(keep ? extra : c);
}

/* --- one step ----------------------------------------------------------------------------------- */

static void collect_result(koc__exchange *x)
{
    int left;
    CURLMsg *m;

    do {
        m = curl_multi_info_read(x->conn->multi, &left);
        if (m && m->msg == CURLMSG_DONE) {
            x->done = true;
            x->result = (int)m->data.result;
        }
    } while (m && left > 0);
}

static bool is_connected(const koc__exchange *x)
{
    curl_off_t ready = 0;

    return x->first_read_ms != 0 || x->active_ms != x->opened_ms ||
           (curl_easy_getinfo(x->conn->easy, CURLINFO_PRETRANSFER_TIME_T, &ready) == CURLE_OK &&
            ready > 0);
}

static void tell_quiet(koc__exchange *x, bool connected, bool sending, int64_t now)
{
    int64_t silent = now - x->active_ms;
    int64_t limit = !connected ? x->connect_timeout_ms
                    : sending  ? STALL_MS
                               : x->response_timeout_ms;

    if (!x->quiet || x->head_done || silent < QUIET_MS) {
        return;
    }
    x->quiet(x->quiet_self,
             !connected ? "no connection yet"
             : sending  ? "the connection takes no more bytes"
                        : "no answer yet",
             KOC__MAX(limit - silent, (int64_t)0));
    x->quiet = NULL;
}

/* KOC_OK while all is well; a failure when nothing has happened for too long. */
static int watch(koc__exchange *x, koc__failure *why, koc_error **err)
{
    int64_t now = koc__monotonic_ms();
    bool sending = x->first_read_ms != 0 && x->body_sent < x->body_size;
    bool connected = is_connected(x);

    tell_quiet(x, connected, sending, now);
    if (x->patient && connected) {
        return KOC_OK;
    }
    if (!x->head_done && !sending) {
        if (connected && now - x->active_ms > x->response_timeout_ms) {
            *why = KOC__FAIL_SILENT;
            return koc__error(err, KOC_ETIMEOUT, "no answer within %lld s",
                              (long long)(x->response_timeout_ms / 1000));
        }
        x->window_ms = now;
        return KOC_OK;
    }
    if (now - x->window_ms < STALL_MS) {
        return KOC_OK;
    }
    uint64_t moved = x->body_sent + x->received;
    if (moved - x->window_bytes < STALL_BYTES) {
        *why = KOC__FAIL_BROKEN;
        return koc__error(err, KOC_ETIMEOUT, "stalled: less than 1 KiB a second for %d s",
                          STALL_MS / 1000);
    }
    x->window_ms = now;
    x->window_bytes = moved;
    return KOC_OK;
}

static int step(koc__exchange *x, koc__failure *why, koc_error **err)
{
    struct pollfd fds[2];
    struct curl_waitfd extra[2];
    int running = 0;
    uint64_t before = x->body_sent + x->received;
    bool had_head = x->head_done;

    *why = KOC__FAIL_LOCAL;
    if (x->paused) {
        x->paused = false;
        curl_easy_pause(x->conn->easy, CURLPAUSE_CONT);
    }
    if (curl_multi_perform(x->conn->multi, &running) != CURLM_OK) {
        return koc__oom(err);
    }
    collect_result(x);
    KOC__TRY(koc__call_check(x->call, err));
    if (x->done || x->head_done != had_head || x->body_sent + x->received != before) {
        return KOC_OK;
    }
    KOC__TRY(watch(x, why, err));
    size_t n = koc__call_fds(x->call, fds);
    for (size_t i = 0; i < n; i++) {
        extra[i] = (struct curl_waitfd){fds[i].fd, CURL_WAIT_POLLIN, 0};
    }
    curl_multi_poll(x->conn->multi, extra, (unsigned)n, koc__call_timeout(x->call, 1000), NULL);
    return KOC_OK;
}

/* --- exchanges ---------------------------------------------------------------------------------- */

static void exchange_free(koc__exchange *x)
{
    if (x->attached) {
        curl_multi_remove_handle(x->conn->multi, x->conn->easy);
    }
    if (x->conn) {
        /* No pointer of ours may stay in a handle that somebody else will use. */
        curl_easy_reset(x->conn->easy);
        curl_easy_setopt(x->conn->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(x->conn->easy, CURLOPT_SHARE, NULL);
    }
    if (x->conn || x->counted) {
        give_conn(x->transport, x);
    }
    for (struct curl_slist *f = x->fields; f; f = f->next) {
        koc__wipe(f->data, strlen(f->data));
    }
    curl_slist_free_all(x->fields);
    koc_reader_free(x->reader);
    koc_blob_unref(x->blob);
    koc__headers_dispose(&x->head);
    koc__dynbuf_dispose(&x->spill);
    koc_error_free(x->error);
    koc__free(x->host);
    koc__free(x->authority);
    koc__free(x->proxy);
    koc__free(x->key);
    koc__free(x);
}

void koc__exchange_close(koc__exchange *x)
{
    pipe_guard guard;

    if (!x) {
        return;
    }
    guard_begin(&guard);
    exchange_free(x);
    guard_end(&guard);
}

/* "http://proxy:3128" of "http://user:password@proxy:3128/"; NULL without a proxy. */
static char *proxy_name(const char *url, const char *variable)
{
    const char *scheme = url ? strstr(url, "://") : NULL;
    const char *start = scheme ? scheme + 3 : url;
    koc_str host = start ? koc__str_n(start, strcspn(start, "/")) : (koc_str){0}, user;

    (void)koc__str_rcut(host, '@', &user, &host);
    return url ? koc__format("%.*s%.*s%s%s%s", (int)(start - url), url, KOC__FMT(host),
                             variable ? " (" : "", variable ? variable : "", variable ? ")" : "")
               : NULL;
}

static koc__exchange *exchange_new(koc__transport *t, const koc__http_request *rq, bool uncounted,
                                   koc__call *call)
{
    koc__exchange *x = koc__calloc(1, sizeof(*x));

    if (!x) {
        return NULL;
    }
    x->transport = t;
    x->call = call;
    x->uncounted = uncounted;
    x->reach = rq->reach;
    x->insecure = rq->insecure;
    x->proxy = proxy_name(rq->proxy, rq->proxy_from);
    x->patient = rq->patient;
    x->bytes = rq->bytes;
    x->blob = rq->blob ? koc_blob_ref(rq->blob) : NULL;
    x->blob_offset = rq->blob_offset;
    x->body_size = rq->blob ? rq->blob_size : rq->bytes.len;
    x->sent = rq->sent;
    x->sent_self = rq->sent_self;
    x->connect_timeout_ms = rq->connect_timeout_ms;
    x->response_timeout_ms = rq->response_timeout_ms;
    x->quiet = rq->quiet;
    x->quiet_self = rq->quiet_self;
    x->opened_ms = x->active_ms = x->window_ms = koc__monotonic_ms();
    KOC__AUTO_STR origin = koc__url_origin(rq->url);
    x->host = koc__strdup(rq->url->host);
    x->authority = origin ? koc__strdup(strstr(origin, "://") + 3) : NULL;
    if (!x->host || !x->authority || (rq->proxy && !x->proxy)) {
        exchange_free(x);
        return NULL;
    }
    return x;
}

static void fill_reply(koc__exchange *x, koc__http_reply *reply)
{
    const char *address = NULL;
    curl_off_t ready_us = 0;

    koc__headers_dispose(&reply->headers);
    reply->status = x->status;
    reply->headers = x->head;
    x->head = (koc__headers)KOC__HEADERS_INIT;
    curl_easy_getinfo(x->conn->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    reply->expect_expired = x->first_read_ms - x->opened_ms - ready_us / 1000 >= 950;
    reply->address[0] = '\0';
    if (!x->proxy && curl_easy_getinfo(x->conn->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK &&
        address) {
        snprintf(reply->address, sizeof(reply->address), "%s", address);
    }
}

static int run_to_head(koc__exchange *x, const koc__http_request *rq, koc__failure *why,
                       koc_error **err)
{
    *why = KOC__FAIL_LOCAL;
    KOC__TRY(koc__call_check(x->call, err));
    KOC__TRY(take_conn(x->transport, rq, x, x->call, err));
    KOC__TRY(koc__easy_prepare(x, rq, x->transport->share, err));
    if (curl_multi_add_handle(x->conn->multi, x->conn->easy) != CURLM_OK) {
        return koc__oom(err);
    }
    x->attached = true;
    while (!x->head_done && !x->done) {
        KOC__TRY(step(x, why, err));
    }
    return x->head_done ? KOC_OK : koc__easy_failure(x, why, err);
}

int koc__exchange_open(koc__transport *t, const koc__http_request *rq, bool uncounted,
                       koc__call *call, koc__http_reply *reply, koc__failure *why,
                       koc__exchange **out, koc_error **err)
{
    pipe_guard guard;
    koc__exchange *x = exchange_new(t, rq, uncounted, call);

    *why = KOC__FAIL_LOCAL;
    if (!x) {
        return koc__oom(err);
    }
    guard_begin(&guard);
    int rc = run_to_head(x, rq, why, err);
    if (rc == KOC_OK) {
        fill_reply(x, reply);
        *out = x;
    } else {
        exchange_free(x);
    }
    guard_end(&guard);
    return rc;
}

static size_t take_spill(koc__exchange *x, void *buf, size_t len)
{
    size_t n = KOC__MIN(len, x->spill.len - x->spill_off);

    if (n > 0) {
        memcpy(buf, x->spill.ptr + x->spill_off, n);
    }
    x->spill_off += n;
    if (x->spill_off == x->spill.len) {
        koc__dynbuf_clear(&x->spill);
        x->spill_off = 0;
    }
    return n;
}

static int read_some(koc__exchange *x, void *buf, size_t len, size_t *n, koc__failure *why,
                     koc_error **err)
{
    size_t got = take_spill(x, buf, len);

    x->dest = buf;
    x->dest_len = len;
    x->dest_used = got;
    x->window_ms = x->active_ms = koc__monotonic_ms();
    int rc = KOC_OK;
    while (rc == KOC_OK && x->dest_used == 0 && !x->done) {
        rc = step(x, why, err);
    }
    got = x->dest_used;
    x->dest = NULL;
    x->dest_len = x->dest_used = 0;
    KOC__TRY(rc);
    if (got == 0 && x->result != CURLE_OK) {
        return koc__easy_failure(x, why, err);
    }
    *n = got;
    return KOC_OK;
}

int koc__exchange_read(koc__exchange *x, koc__call *call, void *buf, size_t len, size_t *n,
                       koc__failure *why, koc_error **err)
{
    pipe_guard guard;

    x->call = call;
    guard_begin(&guard);
    int rc = read_some(x, buf, len, n, why, err);
    guard_end(&guard);
    return rc;
}
