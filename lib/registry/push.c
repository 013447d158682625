/*
 * Push: checks what the target has, uploads blobs in parallel, then manifests after everything they
 * reference, tags last. An interrupted push leaves no visible image, and can be repeated.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/io.h"
#include "registry/host/reported_wait.h"
#include "registry/operations.h"

#define REPAIRS_MAX    2
#define REPAIR_WAIT_MS 300
#define SMALL                                                                                      \
    ((uint64_t)1 << 20) /* uploading such a blob again costs about as much as asking for it */

typedef struct koc__push push;

/* One blob on its way. Borrows from the images. */
typedef struct blob_job {
    push *push;
    const koc_descriptor *descriptor;
    koc_blob *blob;              /* owned; NULL: there is no local content */
    const koc_reference *origin; /* the repository that it was read from, or NULL */
    uint64_t id;
    int32_t state; /* KOC_STATE_* when it is over */
} blob_job;

/* One manifest below an index. */
typedef struct child_job {
    push *push;
    const koc_descriptor *descriptor;
    koc_image *image; /* borrowed; NULL: there is no local content */
    bool there;       /* the target has it */
} child_job;

/* A name that the manifest gets. */
typedef struct name_job {
    push *push;
    koc_reference *ref;
    bool there; /* it names this digest already */
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

static void report(push *p, int32_t kind, int32_t state, const koc_descriptor *d, const char *what,
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

/* Runs fn on each of n elements in parallel. */
static int run_each(push *p, koc__task_fn fn, void *list, size_t n, size_t size, koc_error **err)
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

/* --- blobs --- */

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
    return koc__claim_find_other(p->host->claims, koc_reference_repository(p->repo),
                                 &j->descriptor->digest);
}

static int no_content(const blob_job *j, koc_error **err)
{
    return koc__error(err, KOC_ENOTFOUND,
                      "layer %s is not at the target, and there is no local content",
                      koc__digest_str(&j->descriptor->digest).s);
}

/* Asks for the blob, unless the HEAD is a wasted round trip because blob after blob is missing. */
static int find_at_target(const blob_job *j, koc__call *call, bool *there, koc_error **err)
{
    const push *p = j->push;
    if (koc__claims_should_ask(p->host->claims) || !j->blob || j->descriptor->size > SMALL) {
        KOC__TRY(koc__client_has_blob(p->client, p->repo, &j->descriptor->digest, true, call, there,
                                      err));
    }
    koc__claims_note_answer(p->host->claims, *there);
    return KOC_OK;
}

/* Mounts or uploads the blob unless the target has it. *state says which. */
static int bring_blob(blob_job *j, koc__call *call, int32_t *state, koc_error **err)
{
    push *p = j->push;
    KOC__AUTO_STR from = mount_source(j);
    const koc_digest *d = &j->descriptor->digest;
    koc__blob_upload b = {p->client, p->repo, j->blob, d, j->id, KOC__URL_INIT};
    bool there = false;
    *state = KOC_STATE_SKIPPED;
    if (from && d->algorithm == KOC_DIGEST_SHA256) {
        KOC__TRY(koc__mount(&b, from, call, &there, err));
        *state = there ? KOC_STATE_MOUNTED : *state;
    }
    if (!there && !b.session.host) {
        KOC__TRY(find_at_target(j, call, &there, err));
    }
    if (there) {
        return KOC_OK;
    }
    if (!j->blob) {
        koc__url_dispose(&b.session);
        return no_content(j, err);
    }
    *state = KOC_STATE_FINISHED;
    report(p, KOC_PROGRESS_BLOB, KOC_STATE_STARTED, j->descriptor, NULL, j->id);
    int rc = koc__upload(&b, call, err);
    koc__url_dispose(&b.session);
    return rc;
}

static int push_blob(void *arg, koc__call *call, koc_error **err)
{
    blob_job *j = arg;
    push *p = j->push;
    const char *repository = koc_reference_repository(p->repo);
    const koc_digest *d = &j->descriptor->digest;
    int32_t state = KOC_STATE_SKIPPED;
    /* A large blob goes only once to the registry; other repositories wait, and mount it. */
    bool to_mount =
        j->descriptor->size > SMALL && d->algorithm == KOC_DIGEST_SHA256 && !has_origin_there(j);
    koc__claim claim;

    KOC__TRY(koc__claim_begin(p->host->claims, repository, d, to_mount, call, &claim, err));
    if (claim == KOC__CLAIM_MINE) {
        int rc = bring_blob(j, call, &state, err);
        koc__claim_end(p->host->claims, repository, d, rc == KOC_OK);
        if (rc != KOC_OK) {
            report(p, KOC_PROGRESS_BLOB, KOC_STATE_FAILED, j->descriptor, NULL, j->id);
            return rc;
        }
    }
    j->state = state;
    report(p, KOC_PROGRESS_BLOB, state, j->descriptor, NULL, j->id);
    return KOC_OK;
}

/* Prefixes the failure of a step, if it is one. */
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

/* --- names --- */

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

static int find_name(void *arg, koc__call *call, koc_error **err)
{
    name_job *j = arg;
    koc__found f;
    KOC__TRY(koc__client_head_manifest(j->push->client, j->ref, true, call, &f, err));
    j->there = f.found && koc_digest_equal(&f.digest, &j->push->top->digest);
    return KOC_OK;
}

/* Writes a manifest. If the registry does not know a blob of it, the blobs are pushed again
 * (R-161). */
static int put_manifest(push *p, const koc_reference *ref, const char *media_type, koc_str bytes,
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
            koc__claim_end(p->host->claims, koc_reference_repository(p->repo),
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
    report(p, KOC_PROGRESS_MANIFEST, KOC_STATE_STARTED, p->top, koc_reference_string(j->ref), id);
    KOC__TRY(put_manifest(p, j->ref, p->top->media_type, p->bytes, call, err));
    report(p, KOC_PROGRESS_MANIFEST, KOC_STATE_FINISHED, p->top, koc_reference_string(j->ref), id);
    return KOC_OK;
}

/* --- children of an index --- */

static int child_reference(const child_job *j, koc_reference **out, koc_error **err)
{
    KOC__AUTO(koc_reference) plain = NULL;
    KOC__TRY(koc_reference_with_tag(j->push->repo, NULL, &plain, err));
    return koc_reference_with_digest(plain, &j->descriptor->digest, out, err);
}

static int find_child(void *arg, koc__call *call, koc_error **err)
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
            "%s, which the index lists, is not at the target, and there is no local content",
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
    report(p, KOC_PROGRESS_MANIFEST, KOC_STATE_STARTED, j->descriptor, NULL, id);
    KOC__TRY(
        put_manifest(p, ref, j->descriptor->media_type, koc_image_manifest(j->image), call, err));
    report(p, KOC_PROGRESS_MANIFEST, KOC_STATE_FINISHED, j->descriptor, NULL, id);
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
    KOC__TRY(run_each(p, find_child, p->children, n, sizeof(p->children[0]), err));
    for (size_t i = 0; i < n; i++) {
        if (!p->children[i].there) {
            KOC__TRY(collect_blobs(p, p->children[i].image, err));
        }
    }
    KOC__TRY(run_each(p, push_blob, p->blobs, p->n_blobs, sizeof(p->blobs[0]), err));
    return run_each(p, put_child, p->children, n, sizeof(p->children[0]), err);
}

/* --- steps --- */

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

static int prepare(push *p, const koc_push_options *user, koc_error **err)
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

static int push_content(push *p, koc_error **err)
{
    KOC__TRY(run_each(p, find_name, p->names, p->n_names, sizeof(p->names[0]), err));
    if (has_all_names(p)) {
        report(p, KOC_PROGRESS_MANIFEST, KOC_STATE_SKIPPED, p->top, koc_reference_string(p->repo),
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
    return run_each(p, push_blob, p->blobs, p->n_blobs, sizeof(p->blobs[0]), err);
}

int koc__push_content(koc__push *p, koc_error **err)
{
    return cannot_push(p, push_content(p, err), err);
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

static int push_names(push *p, bool again, koc_error **err)
{
    for (size_t i = 0; again && i < p->n_names; i++) {
        if (p->names[i].there) {
            KOC__TRY(find_name(&p->names[i], p->call, err));
        }
    }
    return run_each(p, put_name, p->names, p->n_names, sizeof(p->names[0]), err);
}

int koc__push_names(koc__push *p, bool again, koc_error **err)
{
    return cannot_push(p, push_names(p, again, err), err);
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

int koc__push_new(koc_client *c, const koc_reference *r, const koc__push_source *what,
                  const koc_push_options *o, koc__call *call, koc__push **out, koc_error **err)
{
    KOC__AUTO(koc__push) p = koc__calloc(1, sizeof(*p));
    if (!p) {
        return koc__oom(err);
    }
    *p = (push){.client = c, .repo = r, .call = call, .image = what->image, .index = what->index};
    KOC__TRY(prepare(p, o, err));
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

static int push_all(koc_client *c, const koc_reference *r, const koc__push_source *what,
                    const koc_push_options *user, koc__call *call, koc__push_result *out,
                    koc_error **err)
{
    KOC__AUTO_VAL(push)
    p = {.client = c, .repo = r, .call = call, .image = what->image, .index = what->index};

    KOC__TRY(prepare(&p, user, err));
    KOC__TRY(koc__push_content(&p, err));
    *out = (koc__push_result){0};
    koc__push_add_result(&p, out); /* before the names are written, which "unchanged" is about */
    return koc__push_names(&p, false, err);
}

int koc__client_copy_blob(koc_client *c, const koc_reference *repo, const koc__known_blob *copy,
                          koc__call *call, int32_t *state, koc_error **err)
{
    KOC__AUTO_VAL(push) p = {.client = c, .repo = repo, .call = call};
    KOC__TRY(koc__client_host(c, koc_reference_registry(repo), &p.host, err));
    KOC__TRY(add_blob(&p, copy->descriptor, copy->blob, copy->origin, err));
    KOC__TRY(push_blob(&p.blobs[0], call, err));
    *state = p.blobs[0].state;
    return KOC_OK;
}

static int put_blob(koc_client *c, const koc_reference *repo, koc_blob *b, koc__call *call,
                    koc_error **err)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc__known_blob copy = {.descriptor = &d, .blob = b};
    int32_t state;
    KOC__TRY(koc__blob_digest(b, call, &d.digest, err));
    d.size = koc_blob_size(b);
    int rc = koc__client_copy_blob(c, repo, &copy, call, &state, err);
    return koc__error_prefix(err, rc, "cannot push a blob to %s", koc__reference_context(repo));
}

int koc_client_push_image(koc_client *c, const koc_reference *r, koc_image *img,
                          const koc_push_options *o, const koc_op *user, koc_digest *out,
                          koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc__push_source what = {.image = img};
    koc__push_result result;
    if (!c || !r || !img) {
        return koc__misuse(err, "koc_client_push_image: c, r or img is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(push_all(c, r, &what, o, &call, &result, err));
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
    koc__push_source what = {.index = idx};
    koc__push_result result;
    if (!c || !r || !idx) {
        return koc__misuse(err, "koc_client_push_index: c, r or idx is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(push_all(c, r, &what, o, &call, &result, err));
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
    return put_blob(c, repo, b, &call, err);
}
