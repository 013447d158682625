/* koc_copy: copies many pairs of places in parallel. */
#include "core/common.h"

#include "transfer/transfer.h"

#include <stdatomic.h>

#include "core/hash/digests.h"
#include "core/run/context.h"
#include "core/str.h"

enum { JOBS_DEFAULT = 8, JOBS_MAX = 64, WIDTH = 8 };

typedef struct run {
    koc_ctx *ctx;
    koc_client *client;
    koc_strlist *platforms; /* empty: all */
    bool referrers;
    bool keep_going;
    atomic_size_t copied;
    unsigned jobs, width;
    koc__stream *streams; /* archives that came through a pipe */
    size_t n_streams, streams_capacity;
    koc__dest **dests; /* one for each directory or file, one for all registries */
    size_t n_dests, dests_capacity;
} run;

/* One pair. */
typedef struct job {
    run *run;
    koc_place given; /* the pair's source */
    koc_place from;  /* the same, or the copy of a stream */
    koc_place to;    /* the pair's target, with a name if its kind needs one */
    char *label;     /* for messages */
    char *name;      /* or NULL */
    koc__dest *dest;
    uint64_t id;
    koc_copy_result result;
} job;

static void run_dispose(run *r)
{
    for (size_t i = 0; i < r->n_dests; i++) {
        r->dests[i]->vt->release(r->dests[i]);
    }
    koc__free(r->dests);
    for (size_t i = 0; i < r->n_streams; i++) {
        koc__stream_dispose(&r->streams[i]);
    }
    koc__free(r->streams);
    koc_strlist_free(r->platforms);
}
KOC__DEFINE_AUTO_VAL(run, run_dispose);

/* --- one pair --- */

static void report_pair(koc__call *call, const job *j, int32_t state)
{
    koc_progress event = KOC_PROGRESS_INIT;
    event.kind = KOC_PROGRESS_IMAGE;
    event.state = state;
    event.what = j->label;
    event.name = j->label;
    event.digest = &j->result.digest;
    event.done = j->to.kind == KOC_PLACE_REGISTRY ? j->result.bytes : 0;
    event.id = j->id;
    koc__call_progress(call, &event);
}

/* An archive of Docker gets only one platform of an index: the log names it. */
static void log_chosen_platform(const job *j, const koc_source *from, const koc_image *img)
{
    const koc_platform *have = koc_image_platform(img);
    KOC__AUTO_STR name = have ? koc__platform_str(have) : NULL;
    if (koc__mt_is_index(from->top.media_type.ptr) && name) {
        koc__log(
            j->run->ctx, KOC_LOG_WARN, "copy",
            "%s is for several platforms and a docker archive holds one: it gets %s (the platform option names another)",
            from->what, name);
    }
}

/* An archive of Docker holds a whole image, no index. */
static int copy_image(const job *j, koc_source *from, koc__call *call, koc_digest *digest,
                      koc_error **err)
{
    KOC__AUTO(koc_image) img = NULL;
    koc_platform want = KOC_PLATFORM_INIT;
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    const char *platform = koc_strlist_get(j->run->platforms, 0);
    if (koc_strlist_count(j->run->platforms) > 1) {
        return koc__error(err, KOC_EINVAL, "%s: a docker archive holds one platform of an image",
                          j->dest->path);
    }
    if (platform) {
        KOC__TRY(koc_platform_parse(platform, &storage, &want, err));
    }
    KOC__TRY(koc__source_image(from, platform ? &want : NULL, call, &img, err));
    if (!platform) {
        log_chosen_platform(j, from, img);
    }
    *digest = koc_image_descriptor(img)->digest;
    return j->dest->vt->put_image(j->dest, &j->to, img, &j->given, call, err);
}

static int copy_tree(job *j, koc_source *from, koc__document *top, koc__call *call, koc_error **err)
{
    koc__transfer t = {.from = from,
                       .to = j->dest,
                       .place = &j->to,
                       .call = call,
                       .width = j->run->width,
                       .referrers = j->run->referrers};
    bool there = false;
    if (koc_strlist_count(j->run->platforms) > 0) {
        KOC__TRY(koc__select_platforms(from, j->run->platforms, top, call, err));
    }
    j->result.digest = top->digest;
    if (t.to->vt->has_top) {
        KOC__TRY(t.to->vt->has_top(t.to, t.place, &top->digest, call, &there, err));
    }
    if (there && !t.referrers) {
        j->result.unchanged = 1;
        return KOC_OK;
    }
    pthread_mutex_init(&t.mutex, NULL);
    int rc = koc__transfer_tree(&t, top, err);
    pthread_mutex_destroy(&t.mutex);
    t.result.digest = top->digest;
    t.result.unchanged = there && t.result.copied == 0;
    j->result = t.result;
    return rc;
}

static int copy_pair(job *j, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_source) from = NULL;
    KOC__AUTO_VAL(koc__document) top = KOC__DOCUMENT_INIT;
    j->id = koc__call_new_id(call);
    report_pair(call, j, KOC_STATE_STARTED);
    KOC__TRY(koc__source_open(j->run->ctx, j->run->client, &j->from, call, &from, err));
    KOC__TRY(koc__document_copy(&from->top, &top, err));
    int rc = j->dest->vt->put_image ? copy_image(j, from, call, &j->result.digest, err)
                                    : copy_tree(j, from, &top, call, err);
    if (rc != KOC_OK) {
        report_pair(call, j, KOC_STATE_FAILED);
        return j->given.kind == KOC_PLACE_MEMORY
                   ? koc__error_prefix(err, rc, "cannot write %s", j->label)
                   : koc__error_prefix(err, rc, "cannot copy %s to %s", from->what, j->label);
    }
    report_pair(call, j, j->result.unchanged ? KOC_STATE_SKIPPED : KOC_STATE_FINISHED);
    return KOC_OK;
}

/* A koc__task_fn. */
static int run_pair(void *arg, koc__call *call, koc_error **err)
{
    job *j = arg;
    koc_error *why = NULL;
    int rc = copy_pair(j, call, &why);
    if (rc == KOC_OK) {
        atomic_fetch_add(&j->run->copied, 1);
        return KOC_OK;
    }
    if (!j->run->keep_going || koc__call_check(call, NULL) != KOC_OK) {
        return koc__error_move(err, &why);
    }
    koc__log(j->run->ctx, KOC_LOG_WARN, "copy", "%s",
             why ? koc_error_message(why) : koc_code_name(rc));
    koc__error_clear(&why);
    j->result = (koc_copy_result)KOC_COPY_RESULT_INIT;
    return KOC_OK;
}

/* --- all pairs --- */

static int dest_for(run *r, const koc_place *p, koc__call *call, koc__dest **out, koc_error **err)
{
    koc__dest *dest = NULL;
    for (size_t i = 0; i < r->n_dests; i++) {
        const koc__dest *d = r->dests[i];
        if (d->kind == p->kind && (!d->path || strcmp(d->path, p->path) == 0)) {
            *out = r->dests[i];
            return KOC_OK;
        }
    }
    if (!koc__grow((void **)&r->dests, &r->dests_capacity, r->n_dests + 1, sizeof(koc__dest *))) {
        return koc__oom(err);
    }
    switch (p->kind) {
    case KOC_PLACE_REGISTRY: KOC__TRY(koc__dest_registry(r->ctx, r->client, &dest, err)); break;
    case KOC_PLACE_LAYOUT: KOC__TRY(koc__dest_layout(r->ctx, p->path, &dest, err)); break;
    case KOC_PLACE_OCI_ARCHIVE:
        KOC__TRY(koc__dest_oci_archive(r->ctx, p->path, call, &dest, err));
        break;
    case KOC_PLACE_DOCKER_ARCHIVE:
        KOC__TRY(koc__dest_docker_archive(r->ctx, p->path, call, &dest, err));
        break;
    default:
        return koc__misuse(err,
                           "koc_copy: a target cannot be KOC_PLACE_ARCHIVE or KOC_PLACE_MEMORY");
    }
    r->dests[r->n_dests++] = dest;
    *out = dest;
    return KOC_OK;
}

/* In a layout an image from a registry keeps its whole reference, any other image its name. */
static int name_target(job *j, koc_error **err)
{
    const koc_place *from = &j->given;
    bool holds_names = j->to.kind == KOC_PLACE_LAYOUT || j->to.kind == KOC_PLACE_OCI_ARCHIVE;
    j->label = j->to.kind == KOC_PLACE_REGISTRY
                   ? koc__strdup(koc_reference_string(j->to.reference))
                   : koc__format("%s%s%s", j->to.path, j->to.name ? ":" : "",
                                 j->to.name ? j->to.name : "");
    if (!j->label) {
        return koc__oom(err);
    }
    if (!holds_names || j->to.name) {
        return KOC_OK;
    }
    if (from->kind != KOC_PLACE_REGISTRY) {
        j->to.name = from->name;
        return KOC_OK;
    }
    KOC__AUTO(koc_reference) plain = NULL;
    const char *tag = koc_reference_tag(from->reference);
    if (!tag && koc_reference_digest(from->reference)) {
        return KOC_OK;
    }
    KOC__TRY(koc_reference_with_digest(from->reference, NULL, &plain, err));
    j->name = koc__format("%s%s", koc_reference_string(plain), tag ? "" : ":latest");
    j->to.name = j->name;
    return j->name ? KOC_OK : koc__oom(err);
}

static bool is_archive(const koc_place *p)
{
    return p->kind == KOC_PLACE_OCI_ARCHIVE || p->kind == KOC_PLACE_DOCKER_ARCHIVE;
}

static int read_pair(const koc_copy_pair *p, koc_client *client, job *j, koc_error **err)
{
    if (!p->from || !p->to || p->flags) {
        return koc__misuse(err, "koc_copy_pair: from or to is NULL, or flags are unknown");
    }
    KOC__TRY(koc__place_check(p->from, client, &j->given, err));
    KOC__TRY(koc__place_check(p->to, client, &j->to, err));
    j->from = j->given;
    return KOC_OK;
}

/* A stream can be read only once, but several pairs may read it: keeps a copy. */
static int keep_stream(run *r, koc_place *from, koc__call *call, koc_error **err)
{
    if (!koc__place_is_stream(from)) {
        return KOC_OK;
    }
    for (size_t i = 0; i < r->n_streams; i++) {
        if (koc__streq(r->streams[i].name, from->path)) {
            from->path = r->streams[i].file;
            return KOC_OK;
        }
    }
    if (!koc__grow((void **)&r->streams, &r->streams_capacity, r->n_streams + 1,
                   sizeof(r->streams[0]))) {
        return koc__oom(err);
    }
    koc__stream *s = &r->streams[r->n_streams++];
    *s = (koc__stream){0};
    KOC__TRY(koc__stream_keep(from->path, call, s, err));
    from->path = s->file;
    return KOC_OK;
}

static int prepare(run *r, const koc_copy_options *o, const koc_copy_pair *pairs, size_t n,
                   job *jobs, koc__call *call, koc_error **err)
{
    bool archive = false;
    KOC__TRY(koc__strlist_new(&r->platforms, err));
    for (size_t i = 0; o->platforms && o->platforms[i]; i++) {
        KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
        koc_platform p = KOC_PLATFORM_INIT;
        if (strcmp(o->platforms[i], "all") != 0) {
            KOC__TRY(koc_platform_parse(o->platforms[i], &storage, &p, err));
            KOC__AUTO_STR text = koc__platform_str(&p);
            KOC__TRY(text ? koc__strlist_add(r->platforms, text, err) : koc__oom(err));
        }
    }
    for (size_t i = 0; i < n; i++) {
        jobs[i] = (job){.run = r, .result = KOC_COPY_RESULT_INIT};
        KOC__TRY(read_pair(&pairs[i], r->client, &jobs[i], err));
        KOC__TRY(keep_stream(r, &jobs[i].from, call, err));
        KOC__TRY(name_target(&jobs[i], err));
        KOC__TRY(dest_for(r, &jobs[i].to, call, &jobs[i].dest, err));
        archive |= is_archive(&jobs[i].to);
    }
    /* An archive is written from start to end, and the same images must give the same bytes. */
    r->jobs = archive ? 1 : KOC__MIN(o->jobs ? o->jobs : JOBS_DEFAULT, JOBS_MAX);
    r->width = archive ? 1 : n >= WIDTH ? 1 : WIDTH / (unsigned)n;
    return KOC_OK;
}

/* Adds to an error how many pairs were copied. */
static int add_counts(run *r, size_t n, int rc, koc_error **err)
{
    size_t copied = atomic_load(&r->copied);
    if (rc == KOC_OK && copied < n) {
        return koc__error(err, KOC_EIO, "%zu of %zu images could not be copied", n - copied, n);
    }
    if (rc != KOC_OK && rc != KOC_ECANCELLED && n > 1 && !r->keep_going) {
        koc__error_hint_on(err, KOC_HINT_OPTION, "keep_going",
                           "%zu of %zu images were copied; keep_going copies all that it can",
                           copied, n);
    }
    return rc;
}

static int copy_all(run *r, job *jobs, size_t n, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__group) g = {0};
    if (n == 1 || r->jobs == 1) {
        for (size_t i = 0; i < n; i++) {
            KOC__TRY(run_pair(&jobs[i], call, err));
        }
    } else {
        KOC__TRY(koc__group_begin(&g, call, r->jobs, err));
        for (size_t i = 0; i < n; i++) {
            KOC__TRY(koc__group_add(&g, run_pair, &jobs[i], err));
        }
        KOC__TRY(koc__group_wait(&g, err));
    }
    for (size_t i = 0; i < r->n_dests; i++) {
        koc__dest *d = r->dests[i];
        KOC__TRY(d->vt->finish ? d->vt->finish(d, call, err) : KOC_OK);
    }
    return KOC_OK;
}

static int check_results(const koc_copy_result *results, size_t n, koc_error **err)
{
    void *copy = NULL;
    if (!results) {
        return KOC_OK;
    }
    KOC__TRY(koc__options_list(results, n, sizeof(*results), "koc_copy_result", &copy, err));
    koc__free(copy);
    return KOC_OK;
}

/* results may be NULL. */
static void store_results(koc_copy_result *results, const job *jobs, size_t n)
{
    char *at = (char *)results;
    for (size_t i = 0; at && i < n; i++, at += results->struct_size) {
        koc__options_give(at, sizeof(*results), &jobs[i].result);
    }
}

static int copy_pairs(run *r, const koc_copy_options *o, const koc_copy_pair *pairs, size_t n,
                      koc_copy_result *results, koc__call *call, koc_error **err)
{
    job *jobs = koc__calloc(n, sizeof(*jobs));
    if (!jobs) {
        return koc__oom(err);
    }
    int rc = prepare(r, o, pairs, n, jobs, call, err);
    rc = rc == KOC_OK ? add_counts(r, n, copy_all(r, jobs, n, call, err), err) : rc;
    if (rc == KOC_OK || r->keep_going) {
        store_results(results, jobs, n);
    }
    for (size_t i = 0; i < n; i++) {
        koc__free(jobs[i].label);
        koc__free(jobs[i].name);
    }
    koc__free(jobs);
    return rc;
}

int koc__copy(koc_ctx *ctx, koc_client *client, const koc_copy_pair *pairs, size_t n,
              const koc_copy_options *o, koc_copy_result *results, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(run)
    r = {.ctx = ctx,
         .client = client,
         .referrers = o->flags & KOC_COPY_REFERRERS,
         .keep_going = o->flags & KOC_COPY_KEEP_GOING};
    return copy_pairs(&r, o, pairs, n, results, call, err);
}

int koc_copy(koc_ctx *ctx, koc_client *client, const koc_copy_pair *pairs, size_t n,
             const koc_copy_options *opts, const koc_op *user, koc_copy_result *results,
             koc_error **err)
{
    koc_copy_options o;
    void *list = NULL;
    if (!ctx || !pairs || n == 0) {
        return koc__misuse(err, "koc_copy: ctx or pairs is NULL, or n is 0");
    }
    KOC__TRY(koc__options_copy(&o, sizeof(o), opts, "koc_copy_options", err));
    if (o.flags & ~(uint32_t)(KOC_COPY_REFERRERS | KOC_COPY_KEEP_GOING) || o.reserved) {
        return koc__misuse(err, "koc_copy_options: unknown flags");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, user, err));
    KOC__TRY(check_results(results, n, err));
    KOC__TRY(koc__options_list(pairs, n, sizeof(*pairs), "koc_copy_pair", &list, err));
    int rc = koc__copy(ctx, client, list, n, &o, results, &call, err);
    koc__free(list);
    return rc;
}
