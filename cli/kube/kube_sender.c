/*
 * Without streaming, kubectl runs once, at the end. With streaming, a thread runs one kubectl after the other, each with
 * the documents that arrived in the meantime: `kubectl apply` reads its whole input before it does anything, so a
 * single one could not start before the last build.
 */
#include "kube/kube_sender.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "kube/kubectl.h"

struct sender {
    sender_options o;
    documents known; /* the content of the cluster, from earlier rounds */
    text_sink round; /* everything written in this one ... */
    size_t flushed;  /* ... and the length of its flushed part */
    text_sink sent;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows while the thread runs */
    pthread_cond_t more;
    text_sink waiting;
    bool running, closed;
    int code; /* of the first kubectl that failed; nothing is sent after it */
};

sender *sender_new(const sender_options *o)
{
    sender *s = calloc(1, sizeof(*s));
    if (s) {
        s->o = *o;
        pthread_mutex_init(&s->mutex, NULL);
        pthread_cond_init(&s->more, NULL);
    }
    return s;
}

void sender_free(sender *s)
{
    if (!s) {
        return;
    }
    documents_free(&s->known);
    text_sink_free(&s->round);
    text_sink_free(&s->sent);
    text_sink_free(&s->waiting);
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->more);
    free(s);
}

const text_sink *sender_sent(const sender *s)
{
    return &s->sent;
}

/* --- sending --- */

/* Appends the documents of text that kubectl has not got; all of them, unchanged, if it has got none. */
static bool select_new(const sender *s, const text_sink *text, text_sink *out)
{
    CLI_AUTO_VAL(documents) all = {0};
    bool good = documents_read(&all, text->text ? text->text : "", text->len);
    for (size_t i = 0; good && i < all.count; i++) {
        const document *d = &all.items[i];
        if (!documents_have(&s->known, d)) {
            bool marked = strncmp(d->text, "---", 3) == 0;
            good = (marked || out->len == 0 || text_sink_write(out, "---\n", 4, NULL) == KOC_OK) &&
                   text_sink_write(out, d->text, d->len, NULL) == KOC_OK;
        }
    }
    return good;
}

static int run_kubectl(sender *s, const text_sink *text)
{
    if (text_sink_write(&s->sent, text->text ? text->text : "", text->len, NULL) != KOC_OK) {
        return cli_no_memory(s->o.c);
    }
    return kubectl_feed(s->o.c, s->o.argv, text->text, text->len);
}

static int send_documents(sender *s, const text_sink *text)
{
    CLI_AUTO_VAL(text_sink) part = {0};
    if (!s->o.changes && !s->o.stream) {
        return run_kubectl(s, text);
    }
    if (!select_new(s, text, &part)) {
        return cli_no_memory(s->o.c);
    }
    return part.len > 0 ? run_kubectl(s, &part) : EXIT_OK;
}

/* --- streaming --- */

static void *send_arrived(void *arg)
{
    sender *s = arg;
    pthread_mutex_lock(&s->mutex);
    for (;;) {
        while (s->waiting.len == 0 && !s->closed) {
            pthread_cond_wait(&s->more, &s->mutex);
        }
        if (s->waiting.len == 0 || s->code != EXIT_OK) {
            break;
        }
        text_sink text = s->waiting;
        s->waiting = (text_sink){0};
        pthread_mutex_unlock(&s->mutex);
        int code = send_documents(s, &text);
        text_sink_free(&text);
        pthread_mutex_lock(&s->mutex);
        s->code = code;
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

/* Signals must go to the main thread, since they interrupt its waits. */
static int start_thread(sender *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, send_arrived, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->running = rc == 0;
    return rc;
}

/* --- a round --- */

int sender_begin(sender *s, koc_error **err)
{
    text_sink_free(&s->round);
    text_sink_free(&s->sent);
    text_sink_free(&s->waiting);
    s->flushed = 0;
    s->closed = false;
    s->code = EXIT_OK;
    if (s->o.stream && start_thread(s) != 0) {
        return cli_fail(err, KOC_ENOMEM, "cannot start a thread");
    }
    return KOC_OK;
}

int sender_write(void *self, const void *data, size_t len, koc_error **err)
{
    sender *s = self;
    return text_sink_write(&s->round, data, len, err);
}

int sender_flush(void *self, koc_error **err)
{
    sender *s = self;
    size_t len = s->round.len - s->flushed;
    if (!s->running || len == 0) {
        return KOC_OK;
    }
    pthread_mutex_lock(&s->mutex);
    int failed = s->code;
    int rc = text_sink_write(&s->waiting, s->round.text + s->flushed, len, err);
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->mutex);
    s->flushed = s->round.len;
    if (rc == KOC_OK && failed != EXIT_OK) { /* building more would be useless */
        rc = cli_fail(err, KOC_EUSER, "kubectl failed");
    }
    return rc;
}

/* Waits for the thread. Even an empty result is passed to kubectl, which reports it. */
static void finish_stream(sender *s, bool complete)
{
    pthread_mutex_lock(&s->mutex);
    s->closed = true;
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    s->running = false;
    if (complete && s->code == EXIT_OK && s->sent.len == 0 && !s->o.changes) {
        s->code = run_kubectl(s, &s->round);
    }
}

int sender_end(sender *s, bool complete)
{
    if (s->running) {
        finish_stream(s, complete);
    } else if (complete) {
        s->code = send_documents(s, &s->round);
    }
    bool good = complete && s->code == EXIT_OK;
    if (s->o.changes && good && s->sent.len == 0) {
        cli_verb(s->o.c, "Unchanged", "nothing to send to kubectl");
    }
    if (good && s->o.changes) {
        good = documents_keep(&s->known, s->round.text ? s->round.text : "", s->round.len);
    }
    if (!good && (s->sent.len > 0 || s->code != EXIT_OK)) {
        documents_free(&s->known); /* the content of the cluster is unknown */
    }
    return s->code;
}
