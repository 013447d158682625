/*
 * What goes to the registry while others still compile: the layers of a program as soon as they are made, and the
 * whole image once its last platform is. Only names wait for the end: what fails leaves every tag as it was.
 * Nothing goes out before the bases are known to be what was built on, and the target has said what it has.
 */
#include "core/common.h"

#include "publish/publish.h"

#include "core/text.h"
#include "model/model.h"

enum { AT_ONCE = 8 };

int koc__sends_begin(koc__sends *s, koc__run *r, koc__call *call, koc_error **err)
{
    s->run = r;
    KOC__TRY(koc__group_begin(&s->group, call, AT_ONCE, err));
    pthread_mutex_init(&s->mutex, NULL);
    return KOC_OK;
}

void koc__sends_end(koc__sends *s)
{
    if (s->group.live) {
        koc__group_end(&s->group);
        pthread_mutex_destroy(&s->mutex);
    }
}

/* --- sending --- */

/* The first thing of w that is sent. */
static void tell_started(koc__work *w, koc__call *call)
{
    if (!atomic_flag_test_and_set(&w->told)) {
        koc__report_image(w, call, KOC_STATE_STARTED);
    }
}

static int send_layer(koc__work *w, const koc_reference *repository, koc_layer *l,
                      koc__push_result *sum, koc__call *call, koc_error **err)
{
    return l ? koc__client_push_layer(w->plan->client, repository, l, call, sum, err) : KOC_OK;
}

static int send_base_layers(const koc__unit *u, const koc_reference *repository,
                            koc__push_result *sum, koc__call *call, koc_error **err)
{
    koc_image *base = u->on->image;
    for (size_t i = 0; base && i < koc_image_layer_count(base); i++) {
        KOC__TRY(send_layer(u->work, repository, koc_image_layer(base, i), sum, call, err));
    }
    return KOC_OK;
}

static void add_sent(koc__work *w, const koc__push_result *sum)
{
    pthread_mutex_lock(&w->sends->mutex);
    w->pushed.blobs_sent += sum->blobs_sent;
    w->pushed.blobs_mounted += sum->blobs_mounted;
    w->pushed.bytes_sent += sum->bytes_sent;
    pthread_mutex_unlock(&w->sends->mutex);
}

/* The layers of one platform, while others are compiled. */
static int send_unit(void *arg, koc__call *call, koc_error **err)
{
    koc__unit *u = arg;
    koc__work *w = u->work;
    koc__push_result sum = {0};
    KOC__AUTO(koc_reference) repository = NULL;
    KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
    tell_started(w, call);
    KOC__TRY(send_layer(w, repository, u->app, &sum, call, err));
    KOC__TRY(send_layer(w, repository, u->kodata, &sum, call, err));
    KOC__TRY(send_layer(w, repository, u->delve, &sum, call, err));
    KOC__TRY(send_base_layers(u, repository, &sum, call, err));
    add_sent(w, &sum);
    return KOC_OK;
}

/* The bases of images that the target does not have, while the first program is compiled. One after the other: what
 * one repository has got is mounted into the next. */
static int send_bases(void *arg, koc__call *call, koc_error **err)
{
    koc__sends *s = arg;
    for (size_t i = 0; i < s->run->n_works; i++) {
        koc__work *w = &s->run->works[i];
        koc__push_result sum = {0};
        KOC__AUTO(koc_reference) repository = NULL;
        KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
        for (size_t k = 0; k < w->n_units && w->ahead.lacks_image; k++) {
            KOC__TRY(send_base_layers(&w->units[k], repository, &sum, call, err));
        }
        add_sent(w, &sum);
    }
    return KOC_OK;
}

/* A whole image but for its names. */
static int send_work(void *arg, koc__call *call, koc_error **err)
{
    koc__work *w = arg;
    int64_t start = koc__monotonic_ms();
    tell_started(w, call);
    KOC__TRY(koc__assemble(w, call, err));
    KOC__TRY(koc__sboms_make(w, call, err));
    KOC__TRY(koc__early_push_begin(w, call, err));
    w->push_ms = koc__monotonic_ms() - start;
    koc__report_image(w, call, KOC_STATE_WAITING);
    return KOC_OK;
}

/* --- what may go --- */

/* With the mutex held: a work whose last part is there, or a part of one. What was not linked now has most likely
 * been sent before; the whole image asks for it. */
static int send_next(koc__sends *s, koc__work *w, koc__unit *u, koc_error **err)
{
    if (w->parts_left == 0) {
        w->early = s->parts_left > 0;
        return koc__group_add(&s->group, send_work, w, err);
    }
    bool worth = u && u->parts_left == 0 && !u->unchanged;
    return worth ? koc__group_add(&s->group, send_unit, u, err) : KOC_OK;
}

int koc__sends_ready(koc__unit *u, koc_error **err)
{
    koc__work *w = u->work;
    koc__sends *s = w->sends;
    int rc = KOC_OK;
    if (!s) {
        return KOC_OK;
    }
    pthread_mutex_lock(&s->mutex);
    u->parts_left--;
    w->parts_left--;
    s->parts_left--;
    if (s->allowed) {
        rc = send_next(s, w, u, err);
    }
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

static int send_ready_units(koc__sends *s, koc__work *w, koc_error **err)
{
    for (size_t k = 0; k < w->n_units; k++) {
        KOC__TRY(send_next(s, w, &w->units[k], err));
    }
    return KOC_OK;
}

static bool is_any_image_missing(const koc__run *r)
{
    for (size_t i = 0; i < r->n_works; i++) {
        if (r->works[i].ahead.lacks_image) {
            return true;
        }
    }
    return false;
}

/* With the mutex held. Where the target was not asked, the push itself asks for each layer. */
static int begin_bases(koc__sends *s, koc_error **err)
{
    bool worth = s->allowed && s->parts_left > 0 && is_any_image_missing(s->run);
    return worth ? koc__group_add(&s->group, send_bases, s, err) : KOC_OK;
}

int koc__sends_expect(koc__sends *s, koc_error **err)
{
    pthread_mutex_lock(&s->mutex);
    s->parts_left = 0;
    for (size_t i = 0; i < s->run->n_works; i++) {
        koc__work *w = &s->run->works[i];
        w->sends = s;
        w->parts_left = 0;
        for (size_t k = 0; k < w->n_units; k++) {
            koc__unit *u = &w->units[k];
            u->parts_left = koc__debug_fits(s->run->plan, u->on->platform) ? 2 : 1;
            w->parts_left += u->parts_left;
        }
        s->parts_left += w->parts_left;
    }
    int rc = begin_bases(s, err);
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

int koc__sends_allow(koc__sends *s, koc_error **err)
{
    int rc = KOC_OK;
    if (!s->group.live) {
        return KOC_OK;
    }
    pthread_mutex_lock(&s->mutex);
    s->allowed = true;
    rc = begin_bases(s, err);
    for (size_t i = 0; rc == KOC_OK && i < s->run->n_works; i++) {
        koc__work *w = &s->run->works[i];
        if (w->n_units == 0) {
            continue; /* nothing of it was begun */
        }
        rc = w->parts_left == 0 ? send_next(s, w, NULL, err) : send_ready_units(s, w, err);
    }
    pthread_mutex_unlock(&s->mutex);
    return rc;
}
