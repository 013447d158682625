/*
 * Push: what is there is asked first, blobs go side by side, manifests after all they name, tags last. A
 * push that is cut short leaves nothing that can be seen; doing it again is safe.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/io.h"
#include "core/map.h"
#include "registry/operations.h"

#define REPAIRS_MAX    2
#define REPAIR_WAIT_MS 300
#define PROBE_AFTER    32
#define PROBE_EACH     16
#define SMALL          ((uint64_t)1 << 20)

typedef struct koc__push push;

/* One blob on its way. Borrows from the images. */
typedef struct blob_job {
    push *push;
    const koc_descriptor *descriptor;
    koc_blob *blob;              /* owned; NULL: its content is not here */
    const koc_reference *origin; /* where it came from, or NULL */
    uint64_t id;
    int32_t state; /* KOC_STATE_*, once done */
} blob_job;

/* One manifest below an index. */
typedef struct child_job {
    push *push;
    const koc_descriptor *descriptor;
    koc_image *image; /* borrowed; NULL: it must be at the target */
    bool there;
} child_job;

/* A name that the manifest gets. */
typedef struct name_job {
    push *push;
    koc_reference *ref;
    bool there;
} name_job;

struct koc__push {
    koc_client *client;
    koc__host *host;
    const koc_reference *repo; /* as the caller wrote it: its tag or digest is the first name */
    koc__call *call;
    koc_image *image;          /* or ... */
    koc_index *index;          /* ... this; both borrowed */
    const koc_descriptor *top; /* the manifest or index that gets the names */
    koc_str bytes;
    blob_job *blobs;
    size_t n_blobs, blobs_capacity;
    child_job *children;
    size_t n_children;
    name_job *names;
    size_t n_names;
};

static void push_dispose(push *p)
{
    for (size_t i = 0; i < p->n_blobs; i++) {
        koc_blob_unref(p->blobs[i].blob);
    }
    for (size_t i = 0; i < p->n_names; i++) {
        koc_reference_unref(p->names[i].ref);
    }
    koc__free(p->blobs);
    koc__free(p->children);
    koc__free(p->names);
}
KOC__DEFINE_AUTO_VAL(push, push_dispose);

static void tell(push *p, int32_t kind, int32_t state, const koc_descriptor *d, const char *what,
                 uint64_t id)
{
    koc_progress event = KOC_PROGRESS_INIT;
    koc__digest_text text = koc__digest_str(&d->digest);

    event.kind = kind;
    event.state = state;
    event.what = what ? what : text.s;
    event.digest = &d->digest;
    event.done = state == KOC_STATE_STARTED ? 0 : d->size;
    event.total = d->size;
    event.id = id;
    koc__call_progress(p->call, &event);
}

/* Runs fn on each of n elements side by side. */
static int each(push *p, koc__task_fn fn, void *list, size_t n, size_t size, koc_error **err)
{
    KOC__AUTO_VAL(koc__group) g = {0};

    if (n == 1) {
        return fn(list, p->call, err);
    }
    if (n == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc__group_begin(&g, p->call, p->client->max_connections, err));
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(koc__group_add(&g, fn, (char *)list + i * size, err));
    }
    return koc__group_wait(&g, err);
}

/* --- blobs ------------------------------------------------------------------------------------------------- */

static int add_blob(push *p, const koc_descriptor *d, koc_blob *blob, const koc_reference *origin,
                    koc_error **err)
{
    for (size_t i = 0; i < p->n_blobs; i++) {
        if (koc_digest_equal(&p->blobs[i].descriptor->digest, &d->digest)) {
            if (!p->blobs[i].blob && blob) {
                p->blobs[i].blob = koc_blob_ref(blob);
            }
            return KOC_OK;
        }
    }
    if (!koc__grow((void **)&p->blobs, &p->blobs_capacity, p->n_blobs + 1, sizeof(p->blobs[0]))) {
        return koc__oom(err);
    }
    p->blobs[p->n_blobs++] =
        (blob_job){p, d, blob ? koc_blob_ref(blob) : NULL, origin, koc__call_new_id(p->call), 0};
    return KOC_OK;
}

static int collect_blobs(push *p, koc_image *img, koc_error **err)
{
    const koc_descriptor *config = koc_image_config_descriptor(img);
    KOC__AUTO(koc_blob) bytes = NULL;

    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        koc_layer *l = koc_image_layer(img, i);
        if (koc__mt_is_foreign(l->descriptor->media_type) && !l->blob) {
            continue; /* named by URL, never sent */
        }
        KOC__TRY(add_blob(p, l->descriptor, l->blob, l->origin, err));
    }
    KOC__TRY(koc_blob_from_bytes(koc_image_config(img), &bytes, err));
    return add_blob(p, config, bytes, NULL, err);
}

/* Whether j came from a repository of the same registry. */
static bool has_origin_there(const blob_job *j)
{
    const koc_reference *o = j->origin, *to = j->push->repo;

    return o && strcmp(koc_reference_registry(o), koc_reference_registry(to)) == 0 &&
           strcmp(koc_reference_repository(o), koc_reference_repository(to)) != 0;
}

/* A repository of the same registry to mount from, or NULL. Owned by the caller. */
static char *mount_source(const blob_job *j)
{
    const push *p = j->push;

    if (has_origin_there(j)) {
        return koc__strdup(koc_reference_repository(j->origin));
    }
    return koc__claim_elsewhere(p->host, koc_reference_repository(p->repo), &j->descriptor->digest);
}

static int no_content(const blob_job *j, koc_error **err)
{
    return koc__error(err, KOC_ENOTFOUND,
                      "layer %s is not at the target, and its content is not here",
                      koc__digest_str(&j->descriptor->digest).s);
}

/* Where one blob after the other is new, asking first only costs: then every PROBE_EACH-th is asked for, and
 * one that is there brings the questions back. Sending something small
 * that is there already is harmless. */
static bool worth_asking(koc__host *h)
{
    return h->misses < PROBE_AFTER || h->misses % PROBE_EACH == 0;
}

static int ask(const blob_job *j, koc__call *call, bool *there, koc_error **err)
{
    const push *p = j->push;
    if (worth_asking(p->host) || !j->blob || j->descriptor->size > SMALL) {
        KOC__TRY(koc__client_has_blob(p->client, p->repo, &j->descriptor->digest, true, call, there,
                                      err));
    }
    p->host->misses = *there ? 0 : p->host->misses + 1;
    return KOC_OK;
}

/* Sees to it that the target has the blob. *state: how it came there. */
static int transfer(blob_job *j, koc__call *call, int32_t *state, koc_error **err)
{
    push *p = j->push;
    KOC__AUTO_VAL(koc__url) session = KOC__URL_INIT;
    KOC__AUTO_STR from = mount_source(j);
    const koc_digest *d = &j->descriptor->digest;
    bool there = false;

    *state = KOC_STATE_SKIPPED;
    if (from && d->algorithm == KOC_DIGEST_SHA256) {
        KOC__TRY(koc__mount(p->client, p->repo, from, d, call, &there, &session, err));
        *state = there ? KOC_STATE_MOUNTED : *state;
    }
    if (!there && !session.host) {
        KOC__TRY(ask(j, call, &there, err));
    }
    if (there) {
        return KOC_OK;
    }
    if (!j->blob) {
        return no_content(j, err);
    }
    *state = KOC_STATE_FINISHED;
    tell(p, KOC_PROGRESS_BLOB, KOC_STATE_STARTED, j->descriptor, NULL, j->id);
    return koc__upload(p->client, p->repo, j->blob, d, &session, call, j->id, err);
}

static int push_blob(void *arg, koc__call *call, koc_error **err)
{
    blob_job *j = arg;
    push *p = j->push;
    const char *repository = koc_reference_repository(p->repo);
    const koc_digest *d = &j->descriptor->digest;
    int32_t state = KOC_STATE_SKIPPED;
    /* What several repositories get is sent to the first alone: a large layer of a base is worth the wait. */
    bool to_mount =
        j->descriptor->size > SMALL && d->algorithm == KOC_DIGEST_SHA256 && !has_origin_there(j);
    koc__claim claim;

    KOC__TRY(koc__claim_begin(p->host, repository, d, to_mount, call, &claim, err));
    if (claim == KOC__CLAIM_MINE) {
        int rc = transfer(j, call, &state, err);
        koc__claim_end(p->host, repository, d, rc == KOC_OK);
        if (rc != KOC_OK) {
            tell(p, KOC_PROGRESS_BLOB, KOC_STATE_FAILED, j->descriptor, NULL, j->id);
            return rc;
        }
    }
    j->state = state;
    tell(p, KOC_PROGRESS_BLOB, state, j->descriptor, NULL, j->id);
    return KOC_OK;
}

/* The failure of a step, if it is one. */
static int cannot_push(const push *p, int rc, koc_error **err)
{
    return koc__error_prefix(err, rc, "cannot push %s", koc_reference_string(p->repo));
}

static void add_blob_result(const blob_job *j, koc__push_result *sum)
{
    bool sent = j->state == KOC_STATE_FINISHED;

    sum->blobs_sent += sent;
    sum->blobs_mounted += j->state == KOC_STATE_MOUNTED;
    sum->bytes_sent += sent ? j->descriptor->size : 0;
}

int koc__client_push_layer(koc_client *c, const koc_reference *repo, koc_layer *l, koc__call *call,
                           koc__push_result *sum, koc_error **err)
{
    KOC__AUTO_VAL(push) p = {.client = c, .repo = repo, .call = call};

    if (koc__mt_is_foreign(l->descriptor->media_type) && !l->blob) {
        return KOC_OK;
    }
    KOC__TRY(koc__client_host(c, koc_reference_registry(repo), &p.host, err));
    KOC__TRY(add_blob(&p, l->descriptor, l->blob, l->origin, err));
    int rc = push_blob(&p.blobs[0], call, err);
    if (rc == KOC_OK) {
        add_blob_result(&p.blobs[0], sum);
    }
    return cannot_push(&p, rc, err);
}

/* --- names ------------------------------------------------------------------------------------------------- */

static int add_name(push *p, koc_reference *ref, koc_error **err)
{
    for (size_t i = 0; i < p->n_names; i++) {
        if (strcmp(koc_reference_string(p->names[i].ref), koc_reference_string(ref)) == 0) {
            koc_reference_unref(ref);
            return KOC_OK;
        }
    }
    p->names[p->n_names++] = (name_job){p, ref, false};
    return KOC_OK;
}

/* r's tag, else the digest; then the extra tags. */
static int collect_names(push *p, const koc_reference *r, const koc_push_options *o,
                         koc_error **err)
{
    KOC__AUTO(koc_reference) plain = NULL;
    koc_reference *name = NULL;
    size_t n = 1;

    for (size_t i = 0; o->extra_tags && o->extra_tags[i]; i++) {
        n++;
    }
    p->names = koc__calloc(n, sizeof(p->names[0]));
    if (!p->names) {
        return koc__oom(err);
    }
    const koc_digest *wanted = koc_reference_digest(r);
    if (wanted && !koc_digest_equal(wanted, &p->top->digest)) {
        return koc__error(err, KOC_EDIGEST, "the image has the digest %s",
                          koc__digest_str(&p->top->digest).s);
    }
    KOC__TRY(koc_reference_with_digest(r, NULL, &plain, err));
    if (koc_reference_tag(r)) {
        KOC__TRY(add_name(p, koc_reference_ref(plain), err));
    } else {
        KOC__TRY(koc_reference_with_digest(r, &p->top->digest, &name, err));
        KOC__TRY(add_name(p, name, err));
    }
    for (size_t i = 0; o->extra_tags && o->extra_tags[i]; i++) {
        KOC__TRY(koc_reference_with_tag(plain, o->extra_tags[i], &name, err));
        KOC__TRY(add_name(p, name, err));
    }
    return KOC_OK;
}

static int ask_name(void *arg, koc__call *call, koc_error **err)
{
    name_job *j = arg;
    koc__found f;

    KOC__TRY(koc__client_head_manifest(j->push->client, j->ref, true, call, &f, err));
    j->there = f.found && koc_digest_equal(&f.digest, &j->push->top->digest);
    return KOC_OK;
}

/* A manifest; where the registry lost or has not yet seen a blob of it, that is sent again. */
static int put_repaired(push *p, const koc_reference *ref, const char *media_type, koc_str bytes,
                        koc__call *call, koc_error **err)
{
    for (int attempt = 0;; attempt++) {
        koc_error *failure = NULL;
        int rc = koc__client_put_manifest(p->client, ref, media_type, bytes, call, NULL, &failure);
        const char *code = koc_error_registry_code(failure);
        bool lost = code && (strcmp(code, "MANIFEST_BLOB_UNKNOWN") == 0 ||
                             strcmp(code, "BLOB_UNKNOWN") == 0);
        if (rc == KOC_OK || !lost || attempt >= REPAIRS_MAX) {
            return rc == KOC_OK ? KOC_OK : koc__error_move(err, &failure);
        }
        char reason[256];
        snprintf(reason, sizeof(reason), "%s", koc_error_message(failure));
        koc__error_clear(&failure);
        KOC__TRY(koc__host_wait(p->host, call, (unsigned)attempt + 1, reason, REPAIR_WAIT_MS, err));
        for (size_t i = 0; i < p->n_blobs; i++) {
            koc__claim_end(p->host, koc_reference_repository(p->repo),
                           &p->blobs[i].descriptor->digest, false);
            KOC__TRY(push_blob(&p->blobs[i], call, err));
        }
    }
}

static int put_name(void *arg, koc__call *call, koc_error **err)
{
    name_job *j = arg;
    push *p = j->push;

    if (j->there) {
        return KOC_OK;
    }
    uint64_t id = koc__call_new_id(call);
    tell(p, KOC_PROGRESS_MANIFEST, KOC_STATE_STARTED, p->top, koc_reference_string(j->ref), id);
    KOC__TRY(put_repaired(p, j->ref, p->top->media_type, p->bytes, call, err));
    tell(p, KOC_PROGRESS_MANIFEST, KOC_STATE_FINISHED, p->top, koc_reference_string(j->ref), id);
    return KOC_OK;
}

/* --- children of an index ------------------------------------------------------------------------------------ */

static int child_reference(const child_job *j, koc_reference **out, koc_error **err)
{
    KOC__AUTO(koc_reference) plain = NULL;

    KOC__TRY(koc_reference_with_tag(j->push->repo, NULL, &plain, err));
    return koc_reference_with_digest(plain, &j->descriptor->digest, out, err);
}

static int ask_child(void *arg, koc__call *call, koc_error **err)
{
    child_job *j = arg;
    KOC__AUTO(koc_reference) ref = NULL;
    koc__found f;

    KOC__TRY(child_reference(j, &ref, err));
    KOC__TRY(koc__client_head_manifest(j->push->client, ref, true, call, &f, err));
    j->there = f.found;
    if (!f.found && !j->image) {
        return koc__error(
            err, KOC_ENOTFOUND,
            "%s, which the index lists, is not at the target, and its content is not here",
            koc__digest_str(&j->descriptor->digest).s);
    }
    return KOC_OK;
}

static int put_child(void *arg, koc__call *call, koc_error **err)
{
    child_job *j = arg;
    push *p = j->push;
    KOC__AUTO(koc_reference) ref = NULL;

    if (j->there) {
        return KOC_OK;
    }
    uint64_t id = koc__call_new_id(call);
    KOC__TRY(child_reference(j, &ref, err));
    tell(p, KOC_PROGRESS_MANIFEST, KOC_STATE_STARTED, j->descriptor, NULL, id);
    KOC__TRY(
        put_repaired(p, ref, j->descriptor->media_type, koc_image_manifest(j->image), call, err));
    tell(p, KOC_PROGRESS_MANIFEST, KOC_STATE_FINISHED, j->descriptor, NULL, id);
    return KOC_OK;
}

static int push_children(push *p, koc_index *idx, koc_error **err)
{
    size_t n = koc_index_count(idx);

    p->children = koc__calloc(n ? n : 1, sizeof(p->children[0]));
    if (!p->children) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        p->children[i] = (child_job){p, koc_index_get(idx, i), koc_index_image(idx, i), false};
    }
    p->n_children = n;
    KOC__TRY(each(p, ask_child, p->children, n, sizeof(p->children[0]), err));
    for (size_t i = 0; i < n; i++) {
        if (!p->children[i].there) {
            KOC__TRY(collect_blobs(p, p->children[i].image, err));
        }
    }
    KOC__TRY(each(p, push_blob, p->blobs, p->n_blobs, sizeof(p->blobs[0]), err));
    return each(p, put_child, p->children, n, sizeof(p->children[0]), err);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static bool has_all_names(const push *p)
{
    for (size_t i = 0; i < p->n_names; i++) {
        if (!p->names[i].there) {
            return false;
        }
    }
    return true;
}

static bool has_a_name(const push *p)
{
    for (size_t i = 0; i < p->n_names; i++) {
        if (p->names[i].there) {
            return true;
        }
    }
    return false;
}

static int begin(push *p, const koc_push_options *user, koc_error **err)
{
    koc_push_options o;

    KOC__TRY(koc__options_copy(&o, sizeof(o), user, "koc_push_options", err));
    if (o.flags) {
        return koc__misuse(err, "koc_push_options: unknown flags");
    }
    p->top = p->index ? koc_index_descriptor(p->index) : koc_image_descriptor(p->image);
    p->bytes = p->index ? koc_index_bytes(p->index) : koc_image_manifest(p->image);
    int rc = koc__client_host(p->client, koc_reference_registry(p->repo), &p->host, err);
    rc = rc == KOC_OK ? collect_names(p, p->repo, &o, err) : rc;
    return cannot_push(p, rc, err);
}

static int content(push *p, koc_error **err)
{
    KOC__TRY(each(p, ask_name, p->names, p->n_names, sizeof(p->names[0]), err));
    if (has_all_names(p)) {
        tell(p, KOC_PROGRESS_MANIFEST, KOC_STATE_SKIPPED, p->top, koc_reference_string(p->repo),
             koc__call_new_id(p->call));
        return KOC_OK;
    }
    if (has_a_name(p)) {
        return KOC_OK;
    }
    if (p->index) {
        return push_children(p, p->index, err);
    }
    KOC__TRY(collect_blobs(p, p->image, err));
    return each(p, push_blob, p->blobs, p->n_blobs, sizeof(p->blobs[0]), err);
}

int koc__push_content(koc__push *p, koc_error **err)
{
    return cannot_push(p, content(p, err), err);
}

int koc__push_unnamed(koc__push *p, koc_error **err)
{
    KOC__AUTO(koc_reference) plain = NULL;
    name_job j = {.push = p};

    if (has_a_name(p)) {
        return KOC_OK;
    }
    KOC__TRY(koc_reference_with_tag(p->repo, NULL, &plain, err));
    KOC__TRY(koc_reference_with_digest(plain, &p->top->digest, &j.ref, err));
    int rc = put_name(&j, p->call, err);
    koc_reference_unref(j.ref);
    return cannot_push(p, rc, err);
}

static int names(push *p, bool again, koc_error **err)
{
    for (size_t i = 0; again && i < p->n_names; i++) {
        if (p->names[i].there) {
            KOC__TRY(ask_name(&p->names[i], p->call, err));
        }
    }
    return each(p, put_name, p->names, p->n_names, sizeof(p->names[0]), err);
}

int koc__push_names(koc__push *p, bool again, koc_error **err)
{
    return cannot_push(p, names(p, again, err), err);
}

void koc__push_add_result(const koc__push *p, koc__push_result *sum)
{
    sum->digest = p->top->digest;
    sum->unchanged = has_all_names(p);
    sum->blobs += (unsigned)p->n_blobs;
    for (size_t i = 0; i < p->n_blobs; i++) {
        add_blob_result(&p->blobs[i], sum);
    }
}

int koc__push_new(koc_client *c, const koc_reference *r, koc_image *img, koc_index *idx,
                  const koc_push_options *o, koc__call *call, koc__push **out, koc_error **err)
{
    KOC__AUTO(koc__push) p = koc__calloc(1, sizeof(*p));

    if (!p) {
        return koc__oom(err);
    }
    *p = (push){.client = c, .repo = r, .call = call, .image = img, .index = idx};
    KOC__TRY(begin(p, o, err));
    *out = koc__steal(&p);
    return KOC_OK;
}

void koc__push_free(koc__push *p)
{
    if (p) {
        push_dispose(p);
        koc__free(p);
    }
}

static int push_any(koc_client *c, const koc_reference *r, koc_image *img, koc_index *idx,
                    const koc_push_options *user, koc__call *call, koc__push_result *out,
                    koc_error **err)
{
    KOC__AUTO_VAL(push) p = {.client = c, .repo = r, .call = call, .image = img, .index = idx};

    KOC__TRY(begin(&p, user, err));
    KOC__TRY(koc__push_content(&p, err));
    if (out) { /* what had its names before is what counts as unchanged */
        *out = (koc__push_result){0};
        koc__push_add_result(&p, out);
    }
    return koc__push_names(&p, false, err);
}

int koc__client_push_image(koc_client *c, const koc_reference *r, koc_image *img,
                           const koc_push_options *o, koc__call *call, koc__push_result *out,
                           koc_error **err)
{
    return push_any(c, r, img, NULL, o, call, out, err);
}

int koc__client_push_index(koc_client *c, const koc_reference *r, koc_index *idx,
                           const koc_push_options *o, koc__call *call, koc__push_result *out,
                           koc_error **err)
{
    return push_any(c, r, NULL, idx, o, call, out, err);
}

int koc__client_copy_blob(koc_client *c, const koc_reference *repo, const koc_descriptor *d,
                          koc_blob *b, const koc_reference *origin, koc__call *call, int32_t *state,
                          koc_error **err)
{
    KOC__AUTO_VAL(push) p = {.client = c, .repo = repo, .call = call};

    KOC__TRY(koc__client_host(c, koc_reference_registry(repo), &p.host, err));
    KOC__TRY(add_blob(&p, d, b, origin, err));
    KOC__TRY(push_blob(&p.blobs[0], call, err));
    *state = p.blobs[0].state;
    return KOC_OK;
}

int koc__client_put_blob(koc_client *c, const koc_reference *repo, koc_blob *b, koc__call *call,
                         koc_error **err)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    int32_t state;

    KOC__TRY(koc__blob_digest(b, call, &d.digest, err));
    d.size = koc_blob_size(b);
    int rc = koc__client_copy_blob(c, repo, &d, b, NULL, call, &state, err);
    return koc__error_prefix(err, rc, "cannot push a blob to %s", koc__reference_context(repo));
}

int koc_client_push_image(koc_client *c, const koc_reference *r, koc_image *img,
                          const koc_push_options *o, const koc_op *user, koc_digest *out,
                          koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc__push_result result;

    if (!c || !r || !img) {
        return koc__misuse(err, "koc_client_push_image: c, r or img is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__client_push_image(c, r, img, o, &call, &result, err));
    if (out) {
        *out = result.digest;
    }
    return KOC_OK;
}

int koc_client_push_index(koc_client *c, const koc_reference *r, koc_index *idx,
                          const koc_push_options *o, const koc_op *user, koc_digest *out,
                          koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc__push_result result;

    if (!c || !r || !idx) {
        return koc__misuse(err, "koc_client_push_index: c, r or idx is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__client_push_index(c, r, idx, o, &call, &result, err));
    if (out) {
        *out = result.digest;
    }
    return KOC_OK;
}

int koc_client_put_blob(koc_client *c, const koc_reference *repo, koc_blob *b, const koc_op *user,
                        koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};

    if (!c || !repo || !b) {
        return koc__misuse(err, "koc_client_put_blob: c, repo or b is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    return koc__client_put_blob(c, repo, b, &call, err);
}
