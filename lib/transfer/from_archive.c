/*
 * Reads archives in place: tar files of an OCI layout and those of docker save. An archive that is both, as newer
 * versions of Docker write them, is read as a layout: only the layout has the original bytes of manifests.
 */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/hash/digests.h"
#include "core/str.h"

/* --- OCI --- */

static int entry_name(const koc_digest *d, char out[160])
{
    const char *algorithm = d->algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256";
    return snprintf(out, 160, "blobs/%s/%s", algorithm, koc__digest_hex(d).s);
}

static int oci_manifest(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                        koc_error **err)
{
    KOC__AUTO(koc_blob) found = NULL;
    char name[160];
    entry_name(d, name);
    out->digest = *d;
    KOC__TRY(koc__contents_blob(s->contents, name, d, &found, err));
    KOC__TRY(koc__blob_read_all(found, KOC__MANIFEST_MAX, call, &out->bytes, err));
    return koc__document_describe(out, "manifest", err);
}

static int oci_list(koc_source *s, koc__call *call, koc_index **out, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    KOC__TRY(koc__contents_read(s->contents, "index.json", KOC__LISTING_MAX, call, &bytes, err));
    int rc = koc__index_make_listing(s->ctx, &bytes, out, err);
    return koc__error_prefix(err, rc, "index.json");
}

static int oci_top(koc_source *s, const koc_place *p, koc__call *call, koc__document *out,
                   koc_error **err)
{
    KOC__AUTO(koc_index) list = NULL;
    const koc_descriptor *d = NULL;
    KOC__TRY(oci_list(s, call, &list, err));
    KOC__TRY(koc__select_entry(list, p, s->what, &d, err));
    return oci_manifest(s, d ? &d->digest : p->digest, call, out, err);
}

static int oci_blob(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err)
{
    char name[160];
    entry_name(&d->digest, name);
    *out = NULL;
    if (!koc__contents_has(s->contents, name)) {
        return KOC_OK;
    }
    return koc__contents_blob(s->contents, name, &d->digest, out, err);
}

static int oci_referrers(koc_source *s, const koc_digest *subject, const char *type,
                         koc__call *call, koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index) list = NULL;
    KOC__TRY(oci_list(s, call, &list, err));
    return koc__listed_referrers(s, list, subject, type, call, out, err);
}

static const koc__source_vt oci_vt = {oci_top, oci_manifest, oci_blob, oci_referrers};

/* --- Docker --- */

static int docker_manifest(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                           koc_error **err)
{
    const koc_descriptor *have = koc_image_descriptor(s->image);
    (void)call;
    if (!koc_digest_equal(d, &have->digest)) {
        return koc__error(err, KOC_ENOTFOUND, "the archive's image has the digest %s",
                          koc__digest_str(&have->digest).s);
    }
    out->digest = have->digest;
    KOC__TRY(koc_buf_set(&out->media_type, koc__str(have->media_type), err));
    return koc_buf_set(&out->bytes, koc_image_manifest(s->image), err);
}

static int docker_top(koc_source *s, const koc_place *p, koc__call *call, koc__document *out,
                      koc_error **err)
{
    KOC__TRY(koc__archive_read_named(s->ctx, p->path, p->name, call, &s->image, err));
    return docker_manifest(s, p->digest ? p->digest : &koc_image_descriptor(s->image)->digest, call,
                           out, err);
}

static int docker_blob(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err)
{
    *out = NULL;
    if (koc_digest_equal(&koc_image_config_descriptor(s->image)->digest, &d->digest)) {
        return koc_blob_from_bytes(koc_image_config(s->image), out, err);
    }
    for (size_t i = 0; i < koc_image_layer_count(s->image); i++) {
        const koc_layer *l = koc_image_layer(s->image, i);
        if (l->blob && koc_digest_equal(&l->descriptor->digest, &d->digest)) {
            *out = koc_blob_ref(l->blob);
            return KOC_OK;
        }
    }
    return KOC_OK;
}

static int docker_referrers(koc_source *s, const koc_digest *subject, const char *type,
                            koc__call *call, koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index_builder) none = NULL;
    (void)subject;
    (void)type;
    (void)call;
    KOC__TRY(koc_index_builder_new(s->ctx, KOC_FORMAT_OCI, &none, err));
    return koc_index_builder_finish(none, out, err);
}

static const koc__source_vt docker_vt = {docker_top, docker_manifest, docker_blob,
                                         docker_referrers};

/* --- choice of the format --- */

int koc__source_archive(koc_source *s, const koc_place *p, koc__call *call, koc_error **err)
{
    KOC__TRY(koc__contents_open(p->path, call, &s->contents, err));
    bool oci = koc__contents_has(s->contents, "oci-layout") &&
               koc__contents_has(s->contents, "index.json");
    bool docker = koc__contents_has(s->contents, "manifest.json");
    if (p->kind == KOC_PLACE_OCI_ARCHIVE || (p->kind == KOC_PLACE_ARCHIVE && oci)) {
        s->vt = &oci_vt;
        return oci ? KOC_OK
                   : koc__error(err, KOC_EFORMAT,
                                "%s is not an archive of an OCI layout: it has no oci-layout",
                                p->path);
    }
    s->vt = &docker_vt;
    return docker ? KOC_OK
                  : koc__error(
                        err, KOC_EFORMAT,
                        "%s is not an image archive: it has neither oci-layout nor manifest.json",
                        p->path);
}
