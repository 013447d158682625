/*
 * Referrers of an image: the API, and the tag that lists them where a registry does not have the
 * API (distribution-spec 1.1, "Listing Referrers", "Referrers Tag Schema").
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/text.h"
#include "registry/host/reported_wait.h"
#include "registry/host/retry.h"
#include "registry/operations.h"

#define UPDATES_MAX     5
#define SILENT_MS       1000 /* updates that take longer are reported */
#define ANNOTATIONS_MAX 256  /* of one referrer; more are not copied */

char *koc__subject_tag(const koc_digest *subject, const char *suffix)
{
    return koc__format("%s-%.64s%s", subject->algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256",
                       koc__digest_hex(subject).s, suffix);
}

int koc__subject_reference(const koc_reference *r, const koc_digest *subject, const char *suffix,
                           koc_reference **out, koc_error **err)
{
    KOC__AUTO(koc_reference) plain = NULL;
    KOC__AUTO_STR tag = koc__subject_tag(subject, suffix);
    if (!tag) {
        return koc__oom(err);
    }
    KOC__TRY(koc_reference_with_digest(r, NULL, &plain, err));
    return koc_reference_with_tag(plain, tag, out, err);
}

typedef struct collect {
    koc_ctx *ctx;
    koc_index_builder *builder;
    const char *type; /* NULL: all */
    bool is_api;      /* the registry has the API */
} collect;

static int add_entries(collect *c, const koc_index *idx, koc_error **err)
{
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        const koc_descriptor *d = koc_index_get(idx, i);
        if (!c->type || koc__streq(c->type, d->artifact_type)) {
            KOC__TRY(koc_index_builder_add_descriptor(c->builder, d, err));
        }
    }
    return KOC_OK;
}

static int add_page(void *self, const koc__response *resp, koc_error **err)
{
    collect *c = self;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc__json) doc = NULL;
    char type[128] = "";
    koc__http_media_type(&resp->headers, type, sizeof(type));
    if (resp->status != 200 || strcmp(type, KOC_MT_OCI_INDEX) != 0) {
        return KOC_OK; /* the registry does not have the API */
    }
    c->is_api = true;
    KOC__TRY(koc__json_parse(koc__dynbuf_view(&resp->body), KOC__MANIFEST_MAX, "list of referrers",
                             &doc, err));
    if (!koc__json_child(koc__json_get(koc__json_root(doc), "manifests"))) {
        return KOC_OK; /* some write an empty list as null */
    }
    KOC__TRY(koc_index_from_bytes(c->ctx, koc__dynbuf_view(&resp->body), &idx, err));
    return add_entries(c, idx, err);
}

static int list_by_api(koc_client *client, const koc_reference *repo, const koc_digest *subject,
                       collect *c, koc__call *call, koc_error **err)
{
    static const int also[] = {400, 403, 404, 405, 501, 0};
    KOC__AUTO_VAL(koc__dynbuf) query = KOC__DYNBUF_INIT(1024);
    KOC__AUTO_STR path = NULL;
    koc__request rq = {.method = "GET", .actions = KOC__ACT_PULL};
    if (c->type) {
        KOC__TRY(koc__dynbuf_puts(&query, "?artifactType=", err));
        KOC__TRY(koc__percent(&query, koc__str(c->type), "", err));
    }
    KOC__TRY(koc__ref_request(&rq, client, repo, &path, err, "referrers/%s%s",
                              koc__digest_str(subject).s, koc__dynbuf_cstr(&query)));
    rq.accept = KOC_MT_OCI_INDEX;
    rq.max_reply = KOC__MANIFEST_MAX;
    rq.also = also;
    return koc__each_page(&rq, add_page, c, call, err);
}

/* The tag may name something else than a list of referrers: then koc leaves it as it is. */
static bool is_foreign(int rc)
{
    return rc == KOC_EFORMAT || rc == KOC_EUNSUPPORTED || rc == KOC_ELIMIT;
}

/* The index that the tag names; *out NULL: there is none. */
static int read_tag(koc_client *c, const koc_reference *ref, koc__call *call, koc_index **out,
                    koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    koc_error *failure = NULL;
    int rc = koc__client_get_manifest(c, ref, call, &bytes, NULL, NULL, &failure);
    if (rc == KOC_ENOTFOUND) {
        koc_error_free(failure);
        return KOC_OK;
    }
    if (rc == KOC_OK) {
        rc = koc_index_from_bytes(c->ctx, koc__str_n(bytes.ptr, bytes.len), out, &failure);
    }
    if (is_foreign(rc)) {
        koc__error_prefix(&failure, rc, "the tag %s is not a list of referrers",
                          koc_reference_string(ref));
    }
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &failure);
}

/* As read_tag; something foreign is ignored with a warning. */
static int read_tag_leniently(koc_client *c, const koc_reference *ref, koc__call *call,
                              koc_index **out, koc_error **err)
{
    koc_error *failure = NULL;
    int rc = read_tag(c, ref, call, out, &failure);
    if (rc == KOC_OK || !is_foreign(rc)) {
        return rc == KOC_OK ? KOC_OK : koc__error_move(err, &failure);
    }
    koc__log(c->ctx, KOC_LOG_WARN, "registry", "%s; ignoring it", koc_error_message(failure));
    koc_error_free(failure);
    return KOC_OK;
}

int koc__client_list_referrers(koc_client *c, const koc_reference *subject, const char *type,
                               koc__call *call, koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__AUTO(koc_reference) tag = NULL;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__TRY(koc_index_builder_new(c->ctx, KOC_FORMAT_OCI, &b, err));
    collect state = {c->ctx, b, type, false};
    KOC__TRY(list_by_api(c, subject, koc_reference_digest(subject), &state, call, err));
    if (!state.is_api) {
        KOC__TRY(koc__subject_reference(subject, koc_reference_digest(subject), "", &tag, err));
        KOC__TRY(read_tag_leniently(c, tag, call, &idx, err));
        KOC__TRY(idx ? add_entries(&state, idx, err) : KOC_OK);
    }
    return koc_index_builder_finish(b, out, err);
}

int koc_client_list_referrers(koc_client *c, const koc_reference *subject,
                              const char *artifact_type, const koc_op *user, koc_index **out,
                              koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!c || !subject || !koc_reference_digest(subject) || !out) {
        return koc__misuse(
            err, "koc_client_list_referrers: c, subject or out is NULL, or subject has no digest");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    int rc = koc__client_list_referrers(c, subject, artifact_type, &call, out, err);
    return koc__error_prefix(err, rc, "cannot list the referrers of %s",
                             koc_reference_string(subject));
}

/* --- after a manifest with a subject was written --- */

/* The entry of a manifest in the list; its type is the artifactType, else the media type of the
 * config. */
static void make_entry(const koc__jnode *manifest, const char *media_type, koc_str bytes,
                       const koc_digest *digest, koc_kv *annotations, koc_descriptor *out)
{
    const char *type = koc__json_get_str(manifest, "artifactType");
    size_t n = 0;
    if (!type) {
        type = koc__json_get_str(koc__json_get(manifest, "config"), "mediaType");
    }
    *out = (koc_descriptor)KOC_DESCRIPTOR_INIT;
    const koc__jnode *first = koc__json_child(koc__json_get(manifest, "annotations"));
    for (const koc__jnode *a = first; a && n < ANNOTATIONS_MAX; a = koc__json_next(a)) {
        if (koc__json_str(a)) {
            annotations[n++] = (koc_kv){koc__json_name(a), koc__json_str(a)};
        }
    }
    out->media_type = media_type;
    out->digest = *digest;
    out->size = bytes.len;
    out->artifact_type = type;
    out->annotations = annotations;
    out->n_annotations = n;
}

static bool has_entry(const koc_index *idx, const koc_digest *d)
{
    for (size_t i = 0; idx && i < koc_index_count(idx); i++) {
        if (koc_digest_equal(&koc_index_get(idx, i)->digest, d)) {
            return true;
        }
    }
    return false;
}

/* The old entries and the new one, sorted by digest: the order of pushes does not matter. */
static int add_entry(koc_client *c, const koc_index *old, const koc_descriptor *entry,
                     koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    bool added = false;
    KOC__TRY(koc_index_builder_new(c->ctx, KOC_FORMAT_OCI, &b, err));
    for (size_t i = 0; old && i < koc_index_count(old); i++) {
        const koc_descriptor *d = koc_index_get(old, i);
        if (!added && memcmp(entry->digest.bytes, d->digest.bytes, sizeof(d->digest.bytes)) < 0) {
            KOC__TRY(koc_index_builder_add_descriptor(b, entry, err));
            added = true;
        }
        KOC__TRY(koc_index_builder_add_descriptor(b, d, err));
    }
    if (!added) {
        KOC__TRY(koc_index_builder_add_descriptor(b, entry, err));
    }
    return koc_index_builder_finish(b, out, err);
}

/* Waits before the result of an update is checked. The first wait is part of every update. */
static int wait_to_check(koc__waiter *w, int64_t begin_ms, koc_error **err)
{
    int64_t ms = koc__retry_delay_ms(w->attempt - 1, (uint32_t)koc__monotonic_ns());
    if (w->attempt > 1 && !w->waiting && koc__monotonic_ms() - begin_ms + ms > SILENT_MS) {
        koc__waiter_report(w, "other clients keep changing the list of referrers", 0);
    }
    return koc__call_sleep(w->call, ms, err);
}

/* Another client may write the same tag between read and write: checks the result, and repeats a
 * few times. */
static int repeat_update(koc_client *c, const koc_reference *tag, const koc_descriptor *entry,
                         koc__waiter *w, koc_error **err)
{
    koc__call *call = w->call;
    int64_t begin = koc__monotonic_ms();
    for (w->attempt = 1; w->attempt <= UPDATES_MAX; w->attempt++) {
        KOC__AUTO(koc_index) old = NULL;
        KOC__AUTO(koc_index) new = NULL;
        koc__stored stored;
        KOC__TRY(read_tag(c, tag, call, &old, err));
        if (has_entry(old, &entry->digest)) {
            return KOC_OK;
        }
        KOC__TRY(add_entry(c, old, entry, &new, err));
        KOC__TRY(
            koc__manifest_put(c, tag, KOC_MT_OCI_INDEX, koc_index_bytes(new), call, &stored, err));
        KOC__TRY(wait_to_check(w, begin, err));
    }
    return koc__error(err, KOC_ECONFLICT, "other clients keep changing the list of referrers");
}

static int update_tag(koc_client *c, const koc_reference *tag, const koc_descriptor *entry,
                      koc__call *call, koc_error **err)
{
    koc__waiter waiter = {.call = call};
    KOC__TRY(koc__client_host(c, koc_reference_registry(tag), &waiter.host, err));
    int rc = repeat_update(c, tag, entry, &waiter, err);
    koc__waiter_finish(&waiter, rc == KOC_OK);
    return rc;
}

/* The subject whose list koc must maintain: *out NULL when doc has none, or the registry has the
 * API. */
static int find_subject(koc_client *c, const koc_reference *r, const koc__json *doc,
                        koc__call *call, koc_descriptor **out, koc_error **err)
{
    KOC__AUTO(koc_descriptor) subject = NULL;
    KOC__AUTO(koc_index_builder) b = NULL;
    const koc__jnode *node = koc__json_get(koc__json_root(doc), "subject");
    if (!node) {
        return KOC_OK;
    }
    KOC__TRY(koc__descriptor_read(node, "subject of the manifest", &subject, err));
    KOC__TRY(koc_index_builder_new(c->ctx, KOC_FORMAT_OCI, &b, err));
    collect probe = {c->ctx, b, NULL, false};
    KOC__TRY(list_by_api(c, r, &subject->digest, &probe, call, err));
    if (!probe.is_api) {
        *out = koc__steal(&subject);
    }
    return KOC_OK;
}

int koc__referrers_add(koc_client *c, const koc_reference *r, const char *media_type, koc_str bytes,
                       const koc_digest *digest, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_descriptor) subject = NULL;
    KOC__AUTO(koc_reference) tag = NULL;
    koc_kv annotations[ANNOTATIONS_MAX];
    koc_descriptor entry;
    KOC__TRY(koc__json_parse(bytes, KOC__MANIFEST_MAX, "manifest", &doc, err));
    KOC__TRY(find_subject(c, r, doc, call, &subject, err));
    if (!subject) {
        return KOC_OK;
    }
    KOC__TRY(koc__subject_reference(r, &subject->digest, "", &tag, err));
    make_entry(koc__json_root(doc), media_type, bytes, digest, annotations, &entry);
    int rc = update_tag(c, tag, &entry, call, err);
    return koc__error_prefix(err, rc, "the image was written, but not added to the referrers of %s",
                             koc__digest_str(&subject->digest).s);
}

static int remove_entry(koc_client *c, const koc_index *old, const koc_digest *gone,
                        koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__TRY(koc_index_builder_new(c->ctx, KOC_FORMAT_OCI, &b, err));
    for (size_t i = 0; i < koc_index_count(old); i++) {
        const koc_descriptor *d = koc_index_get(old, i);
        if (!koc_digest_equal(&d->digest, gone)) {
            KOC__TRY(koc_index_builder_add_descriptor(b, d, err));
        }
    }
    return koc_index_builder_finish(b, out, err);
}

int koc__referrers_remove(koc_client *c, const koc_reference *r, koc_str bytes,
                          const koc_digest *digest, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_descriptor) subject = NULL;
    KOC__AUTO(koc_reference) tag = NULL;
    KOC__AUTO(koc_index) old = NULL;
    KOC__AUTO(koc_index) new = NULL;
    koc__stored stored;
    KOC__TRY(koc__json_parse(bytes, KOC__MANIFEST_MAX, "manifest", &doc, err));
    KOC__TRY(find_subject(c, r, doc, call, &subject, err));
    if (!subject) {
        return KOC_OK;
    }
    KOC__TRY(koc__subject_reference(r, &subject->digest, "", &tag, err));
    KOC__TRY(read_tag_leniently(c, tag, call, &old, err));
    if (!has_entry(old, digest)) {
        return KOC_OK;
    }
    KOC__TRY(remove_entry(c, old, digest, &new, err));
    return koc__manifest_put(c, tag, KOC_MT_OCI_INDEX, koc_index_bytes(new), call, &stored, err);
}
