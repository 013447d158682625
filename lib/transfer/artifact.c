/* Manifests of what is not an image (OCI image-spec 1.1, manifest.md, "Guidelines for Artifact Usage"). */
#include "core/common.h"

#include <stdatomic.h>

#include "transfer/transfer.h"

#include "core/options.h"
#include "core/str.h"

#define TITLE "org.opencontainers.image.title"

typedef struct part {
    koc_descriptor *descriptor;
    koc_blob *blob;
} part;

struct koc_artifact {
    atomic_uint refs;
    koc_buf manifest;
    koc_descriptor *descriptor;
    part config;
    part *files;
    size_t n_files;
};

KOC__DEFINE_AUTO(koc_artifact, koc_artifact_unref);

static void part_dispose(part *p)
{
    koc__descriptor_free(p->descriptor);
    koc_blob_unref(p->blob);
}

koc_artifact *koc_artifact_ref(koc_artifact *a)
{
    if (a) {
        atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    }
    return a;
}

void koc_artifact_unref(koc_artifact *a)
{
    if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < a->n_files; i++) {
        part_dispose(&a->files[i]);
    }
    koc__free(a->files);
    part_dispose(&a->config);
    koc__descriptor_free(a->descriptor);
    koc_buf_dispose(&a->manifest);
    koc__free(a);
}

const koc_descriptor *koc_artifact_descriptor(const koc_artifact *a)
{
    return a ? a->descriptor : NULL;
}

koc_str koc_artifact_manifest(const koc_artifact *a)
{
    return a ? koc__str_n(a->manifest.ptr, a->manifest.len) : koc__str("");
}

koc_blob *koc__artifact_blob(const koc_artifact *a, const koc_digest *d)
{
    for (size_t i = 0; i < a->n_files; i++) {
        if (koc_digest_equal(&a->files[i].descriptor->digest, d)) {
            return a->files[i].blob;
        }
    }
    return koc_digest_equal(&a->config.descriptor->digest, d) ? a->config.blob : NULL;
}

/* --- building --- */

static int check_type(const char *option, const char *type, koc_error **err)
{
    return koc__mt_is_valid(type)
               ? KOC_OK
               : koc__error_option(err, option, "\"%.200s\" is not a media type", type ? type : "");
}

static int make_part(koc_blob *blob, const char *type, const koc_kv *annotations, size_t n,
                     part *out, koc_error **err)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    KOC__TRY(koc_blob_digest(blob, NULL, &d.digest, err));
    d.size = koc_blob_size(blob);
    d.media_type = type;
    d.annotations = annotations;
    d.n_annotations = n;
    out->descriptor = koc__descriptor_dup(&d);
    out->blob = koc_blob_ref(blob);
    return out->descriptor ? KOC_OK : koc__oom(err);
}

/* The annotations of a file with its title before them. */
static int make_file(const koc_artifact_file *f, part *out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    size_t titled = f->title ? 1 : 0;
    KOC__TRY(check_type("media_type", f->media_type, err));
    if ((f->n_annotations > 0 && !f->annotations) || (f->source && f->content.ptr) || f->flags) {
        return koc__misuse(err,
                           "koc_artifact_file: annotations is NULL, source and content are both "
                           "set, or flags are unknown");
    }
    KOC__TRY(f->source ? koc_blob_from_file(f->source, NULL, &blob, err)
                       : koc_blob_from_bytes(f->content, &blob, err));
    koc_kv *all = koc__calloc(f->n_annotations + 1, sizeof(koc_kv));
    if (!all) {
        return koc__oom(err);
    }
    all[0] = (koc_kv){TITLE, f->title};
    for (size_t i = 0; i < f->n_annotations; i++) {
        all[titled + i] = f->annotations[i];
    }
    int rc = make_part(blob, f->media_type, all, titled + f->n_annotations, out, err);
    koc__free(all);
    return rc;
}

static int make_config(const koc_artifact_options *o, part *out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    const char *type = o->config_media_type ? o->config_media_type : KOC_MT_OCI_EMPTY;
    KOC__TRY(check_type("config_media_type", type, err));
    KOC__TRY(koc_blob_from_bytes(o->config.ptr ? o->config : KOC__STR("{}"), &blob, err));
    return make_part(blob, type, NULL, 0, out, err);
}

/* manifest.md: an artifact without content has the empty descriptor as its only layer. */
static int make_files(koc_artifact *a, const koc_artifact_options *o,
                      const koc_artifact_file *files, koc_error **err)
{
    koc_artifact_file empty = KOC_ARTIFACT_FILE_INIT;
    empty.media_type = KOC_MT_OCI_EMPTY;
    empty.content = KOC__STR("{}");
    size_t n = o->n_files > 0 ? o->n_files : 1;
    if (n > KOC__DESCRIPTORS_MAX) {
        return koc__error(err, KOC_ELIMIT, "an artifact has at most %d files",
                          KOC__DESCRIPTORS_MAX);
    }
    a->files = koc__calloc(n, sizeof(part));
    if (!a->files) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        a->n_files++;
        KOC__TRY(make_file(o->n_files > 0 ? &files[i] : &empty, &a->files[i], err));
    }
    return KOC_OK;
}

/* --- the manifest --- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const koc_kv *)a)->key, ((const koc_kv *)b)->key);
}

static int write_annotations(koc__jw *w, const koc_artifact_options *o, koc_error **err)
{
    koc_kv *sorted = koc__calloc(o->n_annotations + 1, sizeof(koc_kv));
    if (!sorted) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < o->n_annotations; i++) {
        sorted[i] = o->annotations[i];
    }
    qsort(sorted, o->n_annotations, sizeof(koc_kv), compare_keys);
    koc__jw_key(w, "annotations");
    koc__jw_object(w);
    for (size_t i = 0; i < o->n_annotations; i++) {
        koc__jw_kv(w, sorted[i].key, sorted[i].value);
    }
    koc__jw_object_end(w);
    koc__free(sorted);
    return KOC_OK;
}

static int write_members(koc__jw *w, const koc_artifact *a, const koc_artifact_options *o,
                         koc_error **err)
{
    koc__jw_object(w);
    koc__jw_key(w, "schemaVersion");
    koc__jw_u64(w, 2);
    koc__jw_kv(w, "mediaType", KOC_MT_OCI_MANIFEST);
    koc__jw_kv(w, "artifactType", o->artifact_type);
    koc__jw_key(w, "config");
    koc__descriptor_write(w, a->config.descriptor);
    koc__jw_key(w, "layers");
    koc__jw_array(w);
    for (size_t i = 0; i < a->n_files; i++) {
        koc__descriptor_write(w, a->files[i].descriptor);
    }
    koc__jw_array_end(w);
    if (o->subject) {
        koc_descriptor subject = KOC_DESCRIPTOR_INIT;
        subject.media_type = o->subject->media_type;
        subject.digest = o->subject->digest;
        subject.size = o->subject->size;
        koc__jw_key(w, "subject");
        koc__descriptor_write(w, &subject);
    }
    int rc = o->n_annotations > 0 ? write_annotations(w, o, err) : KOC_OK;
    koc__jw_object_end(w);
    return rc;
}

static int write_manifest(koc_artifact *a, const koc_artifact_options *o, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc__jw w;
    koc__jw_begin(&w, &text, 0, 0);
    int rc = write_members(&w, a, o, err);
    int ended = koc__jw_end(&w, rc == KOC_OK ? err : NULL);
    KOC__TRY(rc);
    KOC__TRY(ended);
    KOC__TRY(koc_digest_of(koc__dynbuf_view(&text), &d.digest, err));
    d.media_type = KOC_MT_OCI_MANIFEST;
    d.size = text.len;
    d.artifact_type = o->artifact_type;
    a->descriptor = koc__descriptor_dup(&d);
    koc__dynbuf_give(&text, &a->manifest);
    return a->descriptor ? KOC_OK : koc__oom(err);
}

static int check_options(const koc_artifact_options *o, koc_error **err)
{
    bool subject =
        !o->subject || (o->subject->media_type && o->subject->digest.algorithm != KOC_DIGEST_NONE);
    if (o->flags || !subject || (o->n_files > 0 && !o->files) ||
        (o->n_annotations > 0 && !o->annotations)) {
        return koc__misuse(err,
                           "koc_artifact_options: flags are unknown, files or annotations is NULL, "
                           "or subject is not a descriptor");
    }
    for (size_t i = 0; i < o->n_annotations; i++) {
        if (!o->annotations[i].key || !o->annotations[i].value) {
            return koc__misuse(err, "koc_artifact_options: a key or value of annotations is NULL");
        }
    }
    return check_type("artifact_type", o->artifact_type, err);
}

int koc_artifact_new(koc_ctx *ctx, const koc_artifact_options *options, koc_artifact **out,
                     koc_error **err)
{
    koc_artifact_options o;
    void *files = NULL;
    if (!ctx || !options || !out) {
        return koc__misuse(err, "koc_artifact_new: ctx, o or out is NULL");
    }
    KOC__TRY(koc__options_copy(&o, sizeof(o), options, "koc_artifact_options", err));
    KOC__TRY(check_options(&o, err));
    KOC__AUTO(koc_artifact) a = koc__calloc(1, sizeof(*a));
    if (!a) {
        return koc__oom(err);
    }
    atomic_init(&a->refs, 1);
    KOC__TRY(o.n_files > 0 ? koc__options_list(o.files, o.n_files, sizeof(koc_artifact_file),
                                               "koc_artifact_file", &files, err)
                           : KOC_OK);
    int rc = make_config(&o, &a->config, err);
    rc = rc == KOC_OK ? make_files(a, &o, files, err) : rc;
    rc = rc == KOC_OK ? write_manifest(a, &o, err) : rc;
    koc__free(files);
    *out = rc == KOC_OK ? koc__steal(&a) : *out;
    return rc;
}
