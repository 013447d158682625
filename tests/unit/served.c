#include "served.h"

#include <pthread.h>

#include <koc/ext/serve.h>

#include "store/helper.h"

static struct {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    koc_cancel *cancel;
    uint32_t flags;
    bool ready;
    char host[64];
} server = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int on_ready(const char *url, void *payload)
{
    (void)payload;
    pthread_mutex_lock(&server.mutex);
    snprintf(server.host, sizeof(server.host), "%s", strstr(url, "//") + 2);
    server.ready = true;
    pthread_cond_signal(&server.changed);
    pthread_mutex_unlock(&server.mutex);
    return 0;
}

static void *serve(void *unused)
{
    (void)unused;
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) l = NULL;
    KOC__AUTO(koc_error) err = NULL;
    koc_serve_options o = KOC_SERVE_OPTIONS_INIT;
    koc_op op = KOC_OP_INIT;
    o.flags = server.flags;
    o.ready = on_ready;
    op.cancel = server.cancel;
    if (koc_layout_open(ctx, koc_test_path("served"), KOC_LAYOUT_CREATE, &l, NULL) != KOC_OK ||
        koc_serve(ctx, l, &o, &op, &err) != KOC_ECANCELLED) {
        on_ready("//none", NULL);
    }
    return NULL;
}

const char *serve_begin(uint32_t flags)
{
    server.flags = flags;
    server.ready = false;
    assert_int_equal(koc_cancel_new(&server.cancel, NULL), KOC_OK);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
    pthread_mutex_lock(&server.mutex);
    while (!server.ready) {
        pthread_cond_wait(&server.changed, &server.mutex);
    }
    pthread_mutex_unlock(&server.mutex);
    assert_string_not_equal(server.host, "none");
    return server.host;
}

void serve_end(void)
{
    koc_cancel_trigger(server.cancel);
    pthread_join(server.thread, NULL);
    koc_cancel_unref(server.cancel);
}
