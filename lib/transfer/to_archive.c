/* Writes archives: a tar file of an OCI layout, or one as docker save writes it. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/hash/digests.h"
#include "core/io/outfile.h"
#include "core/map.h"
#include "core/str.h"
#include "layer/tar.h"

#define REF_NAME "org.opencontainers.image.ref.name"
enum { MODE = 0644 };

typedef struct entry { /* of index.json */
    koc_descriptor *descriptor;
    char *name; /* or NULL */
} entry;

typedef struct docker_image {
    koc_image *image;
    koc_reference *tag; /* or NULL */
} docker_image;

typedef struct archive_dest {
    koc__dest base;
    koc__outfile file;
    koc__tar_writer tar;
    koc__map *written; /* names of entries */
    entry *entries;
    size_t n_entries, entries_capacity;
    docker_image *images;
    size_t n_images, images_capacity;
} archive_dest;

/* --- the file --- */

static int write_bytes(void *self, const void *data, size_t len, koc_error **err)
{
    archive_dest *t = self;
    return koc__outfile_write(&t->file, data, len, err);
}

static int write_header(archive_dest *t, const char *name, uint64_t size, koc_error **err)
{
    const koc__tar_entry e = {.name = name, .type = KOC__TAR_FILE, .mode = MODE, .size = size};
    return koc__tar_header(&t->tar, &e, err);
}

static int write_entry(archive_dest *t, const char *name, koc_str bytes, koc_error **err)
{
    KOC__TRY(write_header(t, name, bytes.len, err));
    return koc__tar_data(&t->tar, bytes.ptr, bytes.len, err);
}

/* --- OCI --- */

/* Names the entry of d and marks it as written; *first: it was not yet. */
static int mark_written(archive_dest *t, const koc_digest *d, char **name, bool *first,
                        koc_error **err)
{
    *name = koc__format("blobs/%s/%s", d->algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256",
                        koc__digest_hex(d).s);
    if (!*name) {
        return koc__oom(err);
    }
    if (koc__map_count(t->written) == 0) {
        KOC__TRY(write_entry(t, "oci-layout", KOC__STR("{\"imageLayoutVersion\":\"1.0.0\"}"), err));
    }
    *first = !koc__map_get(t->written, koc__str(*name));
    if (koc__map_count(t->written) + 2 >= KOC__CONTENTS_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s would have more than %d entries", t->base.path,
                          KOC__CONTENTS_MAX);
    }
    return *first ? koc__map_set(t->written, koc__str(*name), t, err) : KOC_OK;
}

static int put_blob(koc__dest *base, const koc_place *p KOC__UNUSED, const koc__known_blob *b,
                    koc__call *call, int32_t *state, koc_error **err)
{
    archive_dest *t = (archive_dest *)base;
    const koc_descriptor *d = b->descriptor;
    KOC__AUTO_STR name = NULL;
    bool first = false;
    KOC__TRY(mark_written(t, &d->digest, &name, &first, err));
    *state = KOC_STATE_SKIPPED;
    if (!first) {
        return KOC_OK;
    }
    if (!b->blob) {
        return koc__error(err, KOC_ENOTFOUND, "%s has no content here",
                          koc__digest_str(&d->digest).s);
    }
    const koc_writer to = {koc__tar_data_write, &t->tar};
    KOC__TRY(write_header(t, name, d->size, err));
    *state = KOC_STATE_FINISHED;
    return koc__blob_copy_reported(b->blob, d->size, &d->digest, &to, call, err);
}

static int list_entry(archive_dest *t, const koc__document *d, const char *name, koc_error **err)
{
    const koc_descriptor as = koc__document_descriptor(d);
    if (t->n_entries >= KOC__LISTED_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s would list more than %d images", t->base.path,
                          KOC__LISTED_MAX);
    }
    if (!koc__grow((void **)&t->entries, &t->entries_capacity, t->n_entries + 1,
                   sizeof(t->entries[0]))) {
        return koc__oom(err);
    }
    entry *e = &t->entries[t->n_entries];
    *e = (entry){koc__descriptor_dup(&as), name ? koc__strdup(name) : NULL};
    t->n_entries++;
    return e->descriptor && (!name || e->name) ? KOC_OK : koc__oom(err);
}

static int put_manifest(koc__dest *base, const koc_place *p, const koc__document *d, bool named,
                        bool listed, koc__call *call, koc_error **err)
{
    archive_dest *t = (archive_dest *)base;
    KOC__AUTO_STR name = NULL;
    bool first = false;
    (void)call;
    KOC__TRY(mark_written(t, &d->digest, &name, &first, err));
    if (first) {
        KOC__TRY(write_entry(t, name, koc__document_text(d), err));
    }
    return named || listed ? list_entry(t, d, named ? p->name : NULL, err) : KOC_OK;
}

static int write_index(archive_dest *t, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(KOC__LISTING_MAX);
    koc__jw w;
    koc__index_write_head(&w, &out);
    for (size_t i = 0; i < t->n_entries; i++) {
        koc_descriptor d = *t->entries[i].descriptor;
        const koc_kv name = {REF_NAME, t->entries[i].name};
        d.annotations = name.value ? &name : NULL;
        d.n_annotations = name.value ? 1 : 0;
        koc__descriptor_write(&w, &d);
    }
    KOC__TRY(koc__index_write_end(&w, err));
    return write_entry(t, "index.json", koc__dynbuf_view(&out), err);
}

static int finish_oci(koc__dest *base, koc__call *call, koc_error **err)
{
    archive_dest *t = (archive_dest *)base;
    (void)call;
    KOC__TRY(write_index(t, err));
    KOC__TRY(koc__tar_end(&t->tar, err));
    return koc__outfile_finish(&t->file, err);
}

/* --- Docker --- */

/* The tag to record: the name of the target, else that of the source. *out NULL: none. */
static int tag_of(const koc_place *p, const koc_place *from, koc_reference **out, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__AUTO(koc_reference) plain = NULL;
    const char *name = p->name ? p->name : from->name;
    if (name && (p->name || strpbrk(name, ":/"))) {
        KOC__TRY(koc_reference_parse(name, 0, &r, err));
    } else if (from->kind == KOC_PLACE_REGISTRY) {
        r = koc_reference_ref(from->reference);
    }
    if (!r || (koc_reference_digest(r) && !koc_reference_tag(r))) {
        return KOC_OK;
    }
    KOC__TRY(koc_reference_with_digest(r, NULL, &plain, err));
    const char *tag = koc_reference_tag(plain);
    return koc_reference_with_tag(plain, tag ? tag : "latest", out, err);
}

static int put_image(koc__dest *base, const koc_place *p, koc_image *img, const koc_place *from,
                     koc__call *call, koc_error **err)
{
    archive_dest *t = (archive_dest *)base;
    koc_reference *tag = NULL;
    (void)call;
    KOC__TRY(tag_of(p, from, &tag, err));
    if (!koc__grow((void **)&t->images, &t->images_capacity, t->n_images + 1,
                   sizeof(t->images[0]))) {
        koc_reference_unref(tag);
        return koc__oom(err);
    }
    t->images[t->n_images++] = (docker_image){koc_image_ref(img), tag};
    return KOC_OK;
}

static int finish_docker(koc__dest *base, koc__call *call, koc_error **err)
{
    archive_dest *t = (archive_dest *)base;
    const koc_writer w = {write_bytes, t};
    koc_archive_image *list = koc__calloc(t->n_images + 1, sizeof(*list));
    int rc = list ? KOC_OK : koc__oom(err);
    for (size_t i = 0; rc == KOC_OK && i < t->n_images; i++) {
        list[i] = (koc_archive_image){sizeof(koc_archive_image), 0, t->images[i].image,
                                      &t->images[i].tag, t->images[i].tag ? 1 : 0};
    }
    rc = rc == KOC_OK ? koc__archive_write(list, t->n_images, &w, call, err) : rc;
    koc__free(list);
    return rc == KOC_OK ? koc__outfile_finish(&t->file, err) : rc;
}

/* --- life --- */

static void release(koc__dest *base)
{
    archive_dest *t = (archive_dest *)base;
    for (size_t i = 0; i < t->n_entries; i++) {
        koc__descriptor_free(t->entries[i].descriptor);
        koc__free(t->entries[i].name);
    }
    for (size_t i = 0; i < t->n_images; i++) {
        koc_image_unref(t->images[i].image);
        koc_reference_unref(t->images[i].tag);
    }
    koc__free(t->entries);
    koc__free(t->images);
    koc__map_free(t->written);
    koc__outfile_dispose(&t->file);
    koc__free(base->path);
    koc__free(t);
}

static const koc__dest_vt oci_vt = {
    .put_blob = put_blob, .put_manifest = put_manifest, .finish = finish_oci, .release = release};
static const koc__dest_vt docker_vt = {
    .put_image = put_image, .finish = finish_docker, .release = release};

static int create_dest(koc_ctx *ctx, const char *path, int32_t kind, const koc__dest_vt *vt,
                       koc__call *call, koc__dest **out, koc_error **err)
{
    archive_dest *t = koc__calloc(1, sizeof(*t));
    if (!t) {
        return koc__oom(err);
    }
    t->base = (koc__dest){.vt = vt, .ctx = ctx, .kind = kind, .path = koc__strdup(path)};
    t->file = (koc__outfile)KOC__OUTFILE_INIT;
    t->tar = (koc__tar_writer)KOC__TAR_WRITER_INIT(write_bytes, t);
    t->written = koc__map_new(NULL);
    if (!t->base.path || !t->written) {
        release(&t->base);
        return koc__oom(err);
    }
    int rc = koc__outfile_open(path, MODE, call->user.cancel, &t->file, err);
    if (rc != KOC_OK) {
        release(&t->base);
        return rc;
    }
    *out = &t->base;
    return KOC_OK;
}

int koc__dest_oci_archive(koc_ctx *ctx, const char *path, koc__call *call, koc__dest **out,
                          koc_error **err)
{
    return create_dest(ctx, path, KOC_PLACE_OCI_ARCHIVE, &oci_vt, call, out, err);
}

int koc__dest_docker_archive(koc_ctx *ctx, const char *path, koc__call *call, koc__dest **out,
                             koc_error **err)
{
    return create_dest(ctx, path, KOC_PLACE_DOCKER_ARCHIVE, &docker_vt, call, out, err);
}
