/* The pool of connections, and the loop that drives one exchange. */
#include "core/common.h"

#include "http/transport_curl.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include "core/run/fork.h"
#include "core/run/timed_wait.h"
#include "core/str.h"
#include "core/text.h"
#include "http/transport.h"

#define IDLE_MAX 32
#define CHECK_MS 50 /* how soon a thread that waits for a connection notices a cancel */

typedef struct origin_use {
    char *key;
    unsigned count;
} origin_use;

struct koc__http_pool {
    koc__fork_mark process;
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    koc__conn *idle; /* the last one used first */
    size_t n_idle;
    origin_use *use;
    size_t n_use, use_capacity;
    unsigned max_per_host;
    koc__hooks hooks;
    CURLSH *share; /* names and TLS sessions; connections stay with their handle */
    pthread_mutex_t share_mutex[CURL_LOCK_DATA_LAST];
};

/* --- libcurl as a whole --- */

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

/* --- the transport --- */

static void share_lock(CURL *easy KOC__UNUSED, curl_lock_data data,
                       curl_lock_access access KOC__UNUSED, void *self)
{
    pthread_mutex_lock(&((koc__http_pool *)self)->share_mutex[data]);
}

static void share_unlock(CURL *easy KOC__UNUSED, curl_lock_data data, void *self)
{
    pthread_mutex_unlock(&((koc__http_pool *)self)->share_mutex[data]);
}

int koc__http_pool_new(unsigned max_per_host, koc__http_pool **out, koc_error **err)
{
    koc__http_pool *t = koc__calloc(1, sizeof(*t));
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

void koc__http_pool_hook(koc__http_pool *t, const koc__hooks *hooks)
{
    t->hooks = *hooks;
    koc_transport_ref(hooks->transport);
}

/* TLS libraries may write to a closed socket. koc must not change how the process handles
 * SIGPIPE, so it blocks the signal in this thread and takes one that came. */
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
        /* Without it libcurl ignores SIGPIPE in the whole process meanwhile; two threads at once
         * can leave it so. */
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

/* Connections that a parent process opened: closing them here would end them for the parent too. */
static _Atomic(koc__conn *) parent_conns;

/* After a fork: forgets the connections and locks of the parent process. */
static void leave_parent(koc__http_pool *t)
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
            c->next = atomic_exchange(&parent_conns, t->idle);
            break;
        }
    }
    t->idle = NULL;
    t->n_idle = 0;
    t->share = NULL;
    koc__fork_done(&t->process);
}

void koc__http_pool_free(koc__http_pool *t)
{
    if (!t) {
        return;
    }
    leave_parent(t);
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
    koc_transport_unref(t->hooks.transport);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++) {
        pthread_mutex_destroy(&t->share_mutex[i]);
    }
    pthread_cond_destroy(&t->freed);
    pthread_mutex_destroy(&t->mutex);
    koc__free(t);
}

/* libcurl is initialised by the first request, so that programs without one do not pay for it. */
static int start_locked(koc__http_pool *t, koc_error **err)
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

static koc__conn *pop_idle_locked(koc__http_pool *t, const char *key)
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

static origin_use *use_of_locked(koc__http_pool *t, const char *key)
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

/* Waits, with the mutex held, until fewer than max_per_host exchanges are open. */
static int wait_for_slot_locked(koc__http_pool *t, const char *key, koc__call *call,
                                koc_error **err)
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
        koc__cond_wait_ms(&t->freed, &t->mutex, CHECK_MS);
    }
}

static char *conn_key(const koc__http_request *rq)
{
    KOC__AUTO_STR origin = koc__url_origin(rq->url);
    /* Each host has its own text of authorities, so its address identifies it. */
    return origin ? koc__format("%s|%s|%s|%s|%p|%d%d", origin, rq->proxy ? rq->proxy : "",
                                rq->unix_socket ? rq->unix_socket : "",
                                rq->client_cert ? rq->client_cert : "",
                                (const void *)rq->ca_pem.ptr, (int)rq->reach, rq->insecure)
                  : NULL;
}

static int get_conn(koc__http_pool *t, const koc__http_request *rq, koc__exchange *x,
                    koc__call *call, koc_error **err)
{
    x->key = conn_key(rq);
    if (!x->key) {
        return koc__oom(err);
    }
    leave_parent(t);
    pthread_mutex_lock(&t->mutex);
    int rc = start_locked(t, err);
    if (rc == KOC_OK && !rq->uncounted) {
        rc = wait_for_slot_locked(t, x->key, call, err);
        x->counted = rc == KOC_OK;
    }
    if (rc == KOC_OK && !rq->fresh) {
        x->conn = pop_idle_locked(t, x->key);
    }
    pthread_mutex_unlock(&t->mutex);
    KOC__TRY(rc);
    if (!x->conn) {
        x->conn = conn_new(x->key);
    }
    return x->conn ? KOC_OK : koc__oom(err);
}

static void release_conn(koc__http_pool *t, koc__exchange *x)
{
    koc__conn *c = x->conn, *extra = NULL;
    /* A connection that failed is not reused. */
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

/* --- one step --- */

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
    return koc__watch_saw_activity(&x->watch) ||
           (curl_easy_getinfo(x->conn->easy, CURLINFO_PRETRANSFER_TIME_T, &ready) == CURLE_OK &&
            ready > 0);
}

static koc__watch_state watch_state(const koc__exchange *x)
{
    return (koc__watch_state){
        .connected = is_connected(x),
        .sent = koc__sending_count(&x->sending) >= koc__sending_size(&x->sending),
        .head_done = koc__receiving_has_head(&x->receiving),
        .moved = koc__sending_count(&x->sending) + koc__receiving_count(&x->receiving)};
}

static int step(koc__exchange *x, koc__failure *why, koc_error **err)
{
    struct pollfd fds[2];
    struct curl_waitfd extra[2];
    int running = 0;
    koc__watch_state before = watch_state(x);
    *why = KOC__FAIL_LOCAL;
    koc__receiving_resume(x);
    if (curl_multi_perform(x->conn->multi, &running) != CURLM_OK) {
        return koc__oom(err);
    }
    collect_result(x);
    KOC__TRY(koc__call_check(x->call, err));
    koc__watch_state now = watch_state(x);
    if (x->done || now.head_done != before.head_done || now.moved != before.moved) {
        return KOC_OK;
    }
    KOC__TRY(koc__watch_check(&x->watch, &now, why, err));
    size_t n = koc__call_fds(x->call, fds);
    for (size_t i = 0; i < n; i++) {
        extra[i] = (struct curl_waitfd){fds[i].fd, CURL_WAIT_POLLIN, 0};
    }
    curl_multi_poll(x->conn->multi, extra, (unsigned)n, koc__call_timeout(x->call, 1000), NULL);
    return KOC_OK;
}

/* --- exchanges --- */

static void exchange_free(koc__exchange *x)
{
    if (x->user) {
        koc__user_exchange_close(x->user, x->call);
        koc__free(x->user);
    }
    if (x->attached) {
        curl_multi_remove_handle(x->conn->multi, x->conn->easy);
    }
    if (x->conn) {
        /* The next exchange must not find pointers to this one in the handle. */
        curl_easy_reset(x->conn->easy);
        curl_easy_setopt(x->conn->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(x->conn->easy, CURLOPT_SHARE, NULL);
    }
    if (x->conn || x->counted) {
        release_conn(x->transport, x);
    }
    for (struct curl_slist *f = x->fields; f; f = f->next) {
        koc__wipe(f->data, strlen(f->data));
    }
    curl_slist_free_all(x->fields);
    koc__sending_end(&x->sending);
    koc__receiving_end(&x->receiving);
    koc_error_free(x->error);
    koc__free(x->peer.host);
    koc__free(x->peer.authority);
    koc__free(x->peer.proxy);
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

static koc__exchange *exchange_new(koc__http_pool *t, const koc__http_request *rq, koc__call *call)
{
    koc__exchange *x = koc__calloc(1, sizeof(*x));
    if (!x) {
        return NULL;
    }
    x->transport = t;
    x->call = call;
    koc__sending_begin(&x->sending, rq);
    koc__watch_begin(&x->watch, rq);
    KOC__AUTO_STR origin = koc__url_origin(rq->url);
    x->peer = (koc__peer){.host = koc__strdup(rq->url->host),
                          .authority = origin ? koc__strdup(strstr(origin, "://") + 3) : NULL,
                          .proxy = proxy_name(rq->proxy, rq->proxy_from),
                          .reach = rq->reach};
    if (!x->peer.host || !x->peer.authority || (rq->proxy && !x->peer.proxy)) {
        exchange_free(x);
        return NULL;
    }
    return x;
}

static void fill_reply(koc__exchange *x, koc__http_reply *reply)
{
    const char *address = NULL;
    curl_off_t ready_us = 0;
    koc__receiving_move_head(&x->receiving, reply);
    reply->failure = KOC__FAIL_NONE;
    curl_easy_getinfo(x->conn->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    reply->expect_expired = koc__watch_expect_expired(&x->watch, ready_us / 1000);
    reply->address[0] = '\0';
    if (!x->peer.proxy &&
        curl_easy_getinfo(x->conn->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address) {
        snprintf(reply->address, sizeof(reply->address), "%s", address);
    }
}

static int run_to_head(koc__exchange *x, const koc__http_request *rq, koc__failure *why,
                       koc_error **err)
{
    *why = KOC__FAIL_LOCAL;
    KOC__TRY(koc__call_check(x->call, err));
    KOC__TRY(get_conn(x->transport, rq, x, x->call, err));
    KOC__TRY(koc__easy_prepare(x, rq, x->transport->share, err));
    if (curl_multi_add_handle(x->conn->multi, x->conn->easy) != CURLM_OK) {
        return koc__oom(err);
    }
    x->attached = true;
    while (!koc__receiving_has_head(&x->receiving) && !x->done) {
        KOC__TRY(step(x, why, err));
    }
    return koc__receiving_has_head(&x->receiving) ? KOC_OK : koc__easy_failure(x, why, err);
}

static int open_user(koc__exchange *x, const koc__http_request *rq, koc__http_reply *reply,
                     koc_error **err)
{
    x->user = koc__calloc(1, sizeof(*x->user));
    return x->user ? koc__user_exchange_open(x->transport->hooks.transport, rq, x->call, reply,
                                             x->user, err)
                   : koc__oom(err);
}

static int open_curl(koc__exchange *x, const koc__http_request *rq, koc__http_reply *reply,
                     koc_error **err)
{
    KOC__TRY(run_to_head(x, rq, &reply->failure, err));
    fill_reply(x, reply);
    return KOC_OK;
}

/* The exchange, between the two events of a trace. */
static int open_traced(koc__exchange *x, const koc__http_request *rq, koc__http_reply *reply,
                       koc_error **err)
{
    const koc__hooks *hooks = &x->transport->hooks;
    koc__traced at = {0, 0};
    KOC__TRY(koc__trace_exchange(hooks, KOC_TRACE_REQUEST, rq, rq->headers, &at, x->call, err));
    int64_t begin = hooks->trace ? koc__monotonic_ms() : 0;
    int rc = hooks->transport ? open_user(x, rq, reply, err) : open_curl(x, rq, reply, err);
    at.ms = hooks->trace ? koc__monotonic_ms() - begin : 0;
    if (rc != KOC_OK) {
        (void)koc__trace_exchange(hooks, KOC_TRACE_FAILURE, rq, &reply->headers, &at, x->call,
                                  NULL);
        return rc;
    }
    at.status = reply->status;
    rc = koc__trace_exchange(hooks, KOC_TRACE_REPLY, rq, &reply->headers, &at, x->call, err);
    reply->failure = rc == KOC_OK ? KOC__FAIL_NONE : KOC__FAIL_LOCAL;
    return rc;
}

int koc__exchange_open(koc__http_pool *t, const koc__http_request *rq, koc__call *call,
                       koc__http_reply *reply, koc__exchange **out, koc_error **err)
{
    pipe_guard guard;
    koc__exchange *x = exchange_new(t, rq, call);
    reply->failure = KOC__FAIL_LOCAL;
    if (!x) {
        return koc__oom(err);
    }
    guard_begin(&guard);
    int rc = open_traced(x, rq, reply, err);
    if (rc == KOC_OK) {
        *out = x;
    } else {
        exchange_free(x);
    }
    guard_end(&guard);
    return rc;
}

static int read_some(koc__exchange *x, void *buf, size_t len, size_t *n, koc__failure *why,
                     koc_error **err)
{
    int rc = KOC_OK;
    koc__receiving_open(&x->receiving, buf, len);
    koc__watch_restart(&x->watch);
    while (rc == KOC_OK && koc__receiving_filled(&x->receiving) == 0 && !x->done) {
        rc = step(x, why, err);
    }
    size_t got = koc__receiving_close(&x->receiving);
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
    if (x->user) {
        return koc__user_exchange_read(x->user, call, buf, len, n, why, err);
    }
    guard_begin(&guard);
    int rc = read_some(x, buf, len, n, why, err);
    guard_end(&guard);
    return rc;
}
