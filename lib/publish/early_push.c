/*
 * Pushes while other packages still compile: the layers of a program as soon as they are built, and the whole image
 * once its last platform is complete. Only names wait for the end, so that a failure leaves every tag as it was.
 * Nothing is pushed before the bases are confirmed and the target has answered which images it has.
 */
#include "core/common.h"

#include "publish/publish.h"

#include "core/text.h"
#include "model/model.h"

enum { AT_ONCE = 8 };

int koc__early_pushes_begin(koc__early_pushes *s, koc__run *r, koc__call *call, koc_error **err)
{
    s->run = r;
    KOC__TRY(koc__group_begin(&s->group, call, AT_ONCE, err));
    pthread_mutex_init(&s->mutex, NULL);
    return KOC_OK;
}

void koc__early_pushes_end(koc__early_pushes *s)
{
    if (s->group.live) {
        koc__group_end(&s->group);
        pthread_mutex_destroy(&s->mutex);
    }
}

/* --- sending --- */

/* The bases are still being sent when a program is complete. */
static uint64_t sent_so_far(koc__work *w)
{
    pthread_mutex_lock(&w->pushes->mutex);
    uint64_t sent = w->pushed.bytes_sent;
    pthread_mutex_unlock(&w->pushes->mutex);
    return sent;
}

/* Once for each work: several of its parts are pushed in parallel. */
static void report_started(koc__work *w, koc__call *call)
{
    if (!atomic_flag_test_and_set(&w->push_reported)) {
        koc__report_image(w, sent_so_far(w), call, KOC_STATE_STARTED);
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
    pthread_mutex_lock(&w->pushes->mutex);
    w->pushed.blobs_sent += sum->blobs_sent;
    w->pushed.blobs_mounted += sum->blobs_mounted;
    w->pushed.bytes_sent += sum->bytes_sent;
    pthread_mutex_unlock(&w->pushes->mutex);
}

/* The layers of one platform. */
static int send_unit(void *arg, koc__call *call, koc_error **err)
{
    koc__unit *u = arg;
    koc__work *w = u->work;
    koc__push_result sum = {0};
    KOC__AUTO(koc_reference) repository = NULL;
    KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
    report_started(w, call);
    KOC__TRY(send_layer(w, repository, u->app, &sum, call, err));
    KOC__TRY(send_layer(w, repository, u->kodata, &sum, call, err));
    KOC__TRY(send_layer(w, repository, u->delve, &sum, call, err));
    KOC__TRY(send_base_layers(u, repository, &sum, call, err));
    add_sent(w, &sum);
    return KOC_OK;
}

/* The layers of the bases, for images that the target lacks, while the first program compiles. One repository after the
 * other: a layer that one has is mounted into the next. */
static int send_bases(void *arg, koc__call *call, koc_error **err)
{
    koc__early_pushes *s = arg;
    for (size_t i = 0; i < s->run->n_works; i++) {
        koc__work *w = &s->run->works[i];
        koc__push_result sum = {0};
        KOC__AUTO(koc_reference) repository = NULL;
        KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
        for (size_t k = 0; k < w->n_units && w->target_state.lacks_image; k++) {
            KOC__TRY(send_base_layers(&w->units[k], repository, &sum, call, err));
        }
        add_sent(w, &sum);
    }
    return KOC_OK;
}

/* A whole image without its names. */
static int send_work(void *arg, koc__call *call, koc_error **err)
{
    koc__work *w = arg;
    int64_t start = koc__monotonic_ms();
    report_started(w, call);
    KOC__TRY(koc__assemble(w, call, err));
    KOC__TRY(koc__sboms_create(w, call, err));
    KOC__TRY(koc__output_content(w, call, err));
    w->push_ms = koc__monotonic_ms() - start;
    koc__report_image(w, sent_so_far(w), call, KOC_STATE_WAITING);
    return KOC_OK;
}

/* --- scheduling --- */

/* Needs the mutex. Adds the push of a work that is complete, or of a unit that is. The layers of a program that was not
 * linked now are probably in the registry already: only the push of the whole image looks for them. */
static int send_next(koc__early_pushes *s, koc__work *w, koc__unit *u, koc_error **err)
{
    if (w->parts_left == 0) {
        w->early = s->parts_left > 0;
        return koc__group_add(&s->group, send_work, w, err);
    }
    bool worth = u && u->parts_left == 0 && !u->unchanged;
    return worth ? koc__group_add(&s->group, send_unit, u, err) : KOC_OK;
}

int koc__early_pushes_part_ready(koc__unit *u, koc_error **err)
{
    koc__work *w = u->work;
    koc__early_pushes *s = w->pushes;
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

static int send_ready_units(koc__early_pushes *s, koc__work *w, koc_error **err)
{
    for (size_t k = 0; k < w->n_units; k++) {
        KOC__TRY(send_next(s, w, &w->units[k], err));
    }
    return KOC_OK;
}

static bool is_any_image_missing(const koc__run *r)
{
    for (size_t i = 0; i < r->n_works; i++) {
        if (r->works[i].target_state.lacks_image) {
            return true;
        }
    }
    return false;
}

/* Needs the mutex. Does nothing unless the target said that an image is missing. */
static int add_bases(koc__early_pushes *s, koc_error **err)
{
    bool worth = s->allowed && s->parts_left > 0 && is_any_image_missing(s->run);
    return worth ? koc__group_add(&s->group, send_bases, s, err) : KOC_OK;
}

int koc__early_pushes_expect(koc__early_pushes *s, koc_error **err)
{
    pthread_mutex_lock(&s->mutex);
    s->parts_left = 0;
    for (size_t i = 0; i < s->run->n_works; i++) {
        koc__work *w = &s->run->works[i];
        w->pushes = s;
        w->parts_left = 0;
        for (size_t k = 0; k < w->n_units; k++) {
            koc__unit *u = &w->units[k];
            u->parts_left = koc__debug_supports(s->run->plan, u->on->platform) ? 2 : 1;
            w->parts_left += u->parts_left;
        }
        s->parts_left += w->parts_left;
    }
    int rc = add_bases(s, err);
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

int koc__early_pushes_allow(koc__early_pushes *s, koc_error **err)
{
    int rc = KOC_OK;
    if (!s->group.live) {
        return KOC_OK;
    }
    pthread_mutex_lock(&s->mutex);
    s->allowed = true;
    rc = add_bases(s, err);
    for (size_t i = 0; rc == KOC_OK && i < s->run->n_works; i++) {
        koc__work *w = &s->run->works[i];
        if (w->n_units == 0) {
            continue; /* not compiled yet */
        }
        rc = w->parts_left == 0 ? send_next(s, w, NULL, err) : send_ready_units(s, w, err);
    }
    pthread_mutex_unlock(&s->mutex);
    return rc;
}
