/* Writes one image as a tar of an OCI layout (image-layout.md), for runtimes that keep manifests unchanged.
 * */
#include "core/common.h"

#include "core/hash/digests.h"
#include "layer/tar.h"
#include "model/model.h"
#include "store/store.h"
#include "store/tar_parts.h"

enum { MODE = 0644 };

typedef struct layout_tar {
    koc__parts parts;
    koc__tar_writer tar;
} layout_tar;

static void dispose(layout_tar *t)
{
    koc__parts_dispose(&t->parts);
}
KOC__DEFINE_AUTO_VAL(layout_tar, dispose);

static int put(layout_tar *t, const char *name, koc_str data, koc_error **err)
{
    const koc__tar_entry e = {.name = name, .type = KOC__TAR_FILE, .mode = MODE, .size = data.len};
    KOC__TRY(koc__tar_header(&t->tar, &e, err));
    return koc__tar_data(&t->tar, data.ptr, data.len, err);
}

static char *blob_name(const koc_digest *digest)
{
    return koc__format("blobs/sha256/%s", koc__digest_hex(digest).s);
}

static int put_blob(layout_tar *t, const koc_digest *digest, koc_str data, koc_error **err)
{
    KOC__AUTO_STR name = blob_name(digest);
    return name ? put(t, name, data, err) : koc__oom(err);
}

static int put_layer(layout_tar *t, koc_layer *layer, koc_error **err)
{
    const koc_descriptor *d = koc_layer_descriptor(layer);
    KOC__AUTO_STR name = blob_name(&d->digest);
    if (!name) {
        return koc__oom(err);
    }
    if (!layer->blob) {
        return koc__layer_missing(layer, err);
    }
    const koc__tar_entry e = {.name = name, .type = KOC__TAR_FILE, .mode = MODE, .size = d->size};
    KOC__TRY(koc__tar_header(&t->tar, &e, err));
    KOC__TRY(koc__parts_add(&t->parts, layer->blob, err));
    return koc__tar_passed(&t->tar, d->size, err);
}

/* index.json: the image once for each of its names. */
static int put_index(layout_tar *t, const koc_archive_image *image, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    koc__jw w;
    koc__index_write_head(&w, &out);
    for (size_t i = 0; i < image->n_tags; i++) {
        const koc_kv names[] = {
            {"io.containerd.image.name", koc_reference_string(image->tags[i])},
            {"org.opencontainers.image.ref.name", koc_reference_tag(image->tags[i])},
        };
        koc_descriptor d = *koc_image_descriptor(image->image);
        d.annotations = names;
        d.n_annotations = KOC__COUNT(names);
        koc__descriptor_write(&w, &d);
    }
    KOC__TRY(koc__index_write_end(&w, err));
    return put(t, "index.json", koc__dynbuf_view(&out), err);
}

int koc__layout_blob(const koc_archive_image *image, size_t skip, koc_blob **out, koc_error **err)
{
    koc_image *img = image->image;
    KOC__AUTO_VAL(layout_tar) t = {.parts = KOC__PARTS_INIT};
    t.tar = (koc__tar_writer)KOC__TAR_WRITER_INIT(koc__parts_put, &t.parts);
    KOC__TRY(put(&t, "oci-layout", KOC__STR("{\"imageLayoutVersion\":\"1.0.0\"}"), err));
    KOC__TRY(put_index(&t, image, err));
    KOC__TRY(put_blob(&t, &koc_image_descriptor(img)->digest, koc_image_manifest(img), err));
    KOC__TRY(put_blob(&t, &koc_image_config_descriptor(img)->digest, koc_image_config(img), err));
    for (size_t i = skip; i < koc_image_layer_count(img); i++) {
        if (!koc__image_repeats_layer(img, i)) {
            KOC__TRY(put_layer(&t, koc_image_layer(img, i), err));
        }
    }
    KOC__TRY(koc__tar_end(&t.tar, err));
    return koc__parts_blob(&t.parts, out, err);
}
