/*
 * Writes OCI image layouts. Blobs come first, each complete or absent; then index.json is replaced under a
 * lock on the directory, so several processes may write to one layout.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/fs.h"
#include "core/str.h"
#include "model/index.h"
#include "store/layout.h"

enum { PARALLEL = 4, FILE_MODE = 0644, DIR_MODE = 0755 };
enum { INDEX_INDENT = 3 };

/* --- blobs --- */

typedef struct copy {
    const koc_layout *layout;
    koc_blob *blob;
    const koc_digest *digest;
    uint64_t size;
    int32_t state; /* KOC_STATE_FINISHED or _SKIPPED, if put_blob succeeds */
} copy;

static int copy_to_file(const copy *c, const char *path, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__tempfile) t = KOC__TEMPFILE_INIT;
    if (c->digest->algorithm == KOC_DIGEST_SHA512) {
        KOC__AUTO_STR directory = NULL;
        KOC__TRY(koc__formatf(&directory, err, "%s/blobs/sha512", c->layout->dir));
        KOC__TRY(koc__fs_mkdirs(directory, DIR_MODE, err));
    }
    /* Not in blobs/, where every file must be the content of its digest at any time. */
    KOC__TRY(koc__tempfile_lasting(c->layout->dir, &t, err));
    koc__fd_target file = {t.fd, path};
    const koc_writer to = {koc__fd_write, &file};
    KOC__TRY(koc__blob_copy_reported(c->blob, c->size, c->digest, &to, call, err));
    return koc__tempfile_publish(&t, path, FILE_MODE, err);
}

/* A koc__task_fn. */
static int put_blob(void *arg, koc__call *call, koc_error **err)
{
    copy *c = arg;
    KOC__AUTO_STR path = koc__layout_blob_path(c->layout, c->digest);
    bool here = false;
    if (!path) {
        return koc__oom(err);
    }
    KOC__TRY(koc__call_check(call, err));
    KOC__TRY(koc__layout_has(c->layout, path, c->digest, c->size, call, &here, err));
    c->state = here ? KOC_STATE_SKIPPED : KOC_STATE_FINISHED;
    if (here) {
        koc__blob_skipped(c->size, c->digest, call);
        return KOC_OK;
    }
    if (!c->blob) {
        return koc__error(err, KOC_ENOTFOUND, "%s has no content here and is not in the layout %s",
                          koc__digest_str(c->digest).s, c->layout->dir);
    }
    return copy_to_file(c, path, call, err);
}

int koc__layout_put_blob(const koc_layout *l, const koc_descriptor *d, koc_blob *blob,
                         koc__call *call, int32_t *state, koc_error **err)
{
    copy c = {l, blob, &d->digest, d->size, 0};
    KOC__TRY(put_blob(&c, call, err));
    *state = c.state;
    return KOC_OK;
}

int koc__layout_replace_bytes(const koc_layout *l, koc_str bytes, const koc_digest *digest,
                              koc_error **err)
{
    KOC__AUTO_STR path = koc__layout_blob_path(l, digest);
    if (!path) {
        return koc__oom(err);
    }
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__TRY(koc_blob_from_bytes(bytes, &blob, err));
    copy c = {l, blob, digest, bytes.len, 0};
    return copy_to_file(&c, path, NULL, err);
}

int koc__layout_put_bytes(const koc_layout *l, koc_str bytes, const koc_descriptor *d,
                          koc_error **err)
{
    KOC__AUTO_STR path = koc__layout_blob_path(l, &d->digest);
    if (!path) {
        return koc__oom(err);
    }
    bool here = false;
    KOC__TRY(koc__layout_has(l, path, &d->digest, d->size, NULL, &here, err));
    return here ? KOC_OK : koc__layout_replace_bytes(l, bytes, &d->digest, err);
}

static int put_layers(const koc_layout *l, const koc_image *img, koc__call *call, copy *copies,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__group) group = {0};
    KOC__TRY(koc__group_begin(&group, call, PARALLEL, err));
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        const koc_layer *layer = koc_image_layer(img, i);
        const koc_descriptor *d = koc_layer_descriptor(layer);
        if (koc__image_repeats_layer(img, i) ||
            (!layer->blob && koc__mt_is_foreign(d->media_type))) {
            continue;
        }
        copies[i] = (copy){l, layer->blob, &d->digest, d->size, 0};
        KOC__TRY(koc__group_add(&group, put_blob, &copies[i], err));
    }
    return koc__group_wait(&group, err);
}

/* Everything of img except its entry in index.json. */
static int put_content(const koc_layout *l, const koc_image *img, koc__call *call, koc_error **err)
{
    copy *copies = koc__calloc(koc_image_layer_count(img) + 1, sizeof(*copies));
    if (!copies) {
        return koc__oom(err);
    }
    int rc = put_layers(l, img, call, copies, err);
    koc__free(copies);
    if (rc != KOC_OK) {
        return rc;
    }
    KOC__TRY(
        koc__layout_put_bytes(l, koc_image_config(img), koc_image_config_descriptor(img), err));
    return koc__layout_put_bytes(l, koc_image_manifest(img), koc_image_descriptor(img), err);
}

/* --- index.json --- */

static const char *ref_name_of(const koc__jnode *entry)
{
    return koc__json_get_str(koc__json_get(entry, "annotations"), KOC__REF_NAME);
}

typedef struct listing {
    const char *digest;
    const char *ref_name; /* or NULL */
} listing;

/* Whether the new entry replaces this one: it has the same name, or the same digest and no name. */
static bool replaced(const koc__jnode *entry, const listing *add)
{
    const char *name = ref_name_of(entry);
    if (add->ref_name && koc__streq(name, add->ref_name)) {
        return true;
    }
    return !name && koc__streq(koc__json_get_str(entry, "digest"), add->digest);
}

/* Whether the new entry is already listed. */
static bool listed(const koc__jnode *manifests, const listing *add)
{
    bool found = false;
    for (const koc__jnode *e = koc__json_child(manifests); e; e = koc__json_next(e)) {
        bool same = koc__streq(koc__json_get_str(e, "digest"), add->digest);
        bool named = koc__streq(ref_name_of(e), add->ref_name);
        if (add->ref_name && named && !same) {
            return false;
        }
        found |= same && (named || !add->ref_name);
    }
    return found;
}

static void write_entry(koc__jw *w, const koc_descriptor *d, const char *ref_name)
{
    koc_descriptor entry = *d;
    koc_kv name = {KOC__REF_NAME, ref_name};
    entry.annotations = ref_name ? &name : NULL;
    entry.n_annotations = ref_name ? 1 : 0;
    koc__descriptor_write(w, &entry);
}

static int rewrite(const koc__json *doc, const koc_descriptor *d, const listing *add,
                   koc__dynbuf *out, koc_error **err)
{
    koc__jw w;
    koc__jw_begin(&w, out, INDEX_INDENT, 0);
    koc__jw_object(&w);
    size_t kept = 0;
    for (const koc__jnode *m = koc__json_child(koc__json_root(doc)); m; m = koc__json_next(m)) {
        koc__jw_key(&w, koc__json_name(m));
        if (!koc__streq(koc__json_name(m), "manifests")) {
            koc__jw_node(&w, m);
            continue;
        }
        koc__jw_array(&w);
        for (const koc__jnode *e = koc__json_child(m); e; e = koc__json_next(e)) {
            if (!replaced(e, add)) {
                koc__jw_node(&w, e);
                kept++;
            }
        }
        write_entry(&w, d, add->ref_name);
        koc__jw_array_end(&w);
    }
    koc__jw_object_end(&w);
    if (kept >= KOC__LISTED_MAX) {
        return koc__error(err, KOC_ELIMIT, "index.json lists %zu images, and may list no more",
                          kept);
    }
    return koc__jw_end(&w, err);
}

/* Readers would still reject such a list after the put, which must not succeed then. */
static int check_listing(const koc_layout *l, koc_buf *bytes, koc_error **err)
{
    koc_index *list = NULL;
    int rc = koc__index_make_listing(l->ctx, bytes, &list, err);
    koc_index_unref(list);
    return koc__error_prefix(err, rc, "index.json of %s", l->dir);
}

int koc__layout_put_entry(const koc_layout *l, const koc_descriptor *d, const char *ref_name,
                          koc__call *call, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(KOC__LISTING_MAX);
    KOC__AUTO_STR path = NULL;
    KOC__TRY(koc__formatf(&path, err, "%s/index.json", l->dir));
    KOC__TRY(koc__layout_lock(l, call, &fd, err));
    KOC__TRY(koc__layout_read_index(l, &bytes, &doc, err));
    KOC__TRY(check_listing(l, &bytes, err));
    const koc__digest_text digest = koc__digest_str(&d->digest);
    const listing add = {digest.s, ref_name};
    if (listed(koc__json_get(koc__json_root(doc), "manifests"), &add)) {
        return KOC_OK;
    }
    int rc = rewrite(doc, d, &add, &out, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "%s", l->dir);
    }
    return koc__fs_replace_file(path, koc__dynbuf_view(&out), FILE_MODE, err);
}

/* --- public --- */

int koc_layout_put_image(koc_layout *l, koc_image *img, const char *ref_name, const koc_op *op,
                         koc_error **err)
{
    if (!l || !img) {
        return koc__misuse(err, "koc_layout_put_image: l or img is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, l->ctx, op, err));
    return koc__layout_put_image(l, img, ref_name, &call, err);
}

int koc__layout_put_image(koc_layout *l, koc_image *img, const char *ref_name, koc__call *call,
                          koc_error **err)
{
    KOC__TRY(put_content(l, img, call, err));
    return koc__layout_put_entry(l, koc_image_descriptor(img), ref_name, call, err);
}

/* Writes the images that idx holds; the layout must already have its other entries. */
static int put_children(const koc_layout *l, const koc_index *idx, koc__call *call, koc_error **err)
{
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        const koc_image *img = koc_index_image(idx, i);
        const koc_descriptor *d = koc_index_get(idx, i);
        if (img) {
            KOC__TRY(put_content(l, img, call, err));
            continue;
        }
        KOC__AUTO_STR path = koc__layout_blob_path(l, &d->digest);
        if (!path) {
            return koc__oom(err);
        }
        bool here = false;
        KOC__TRY(koc__layout_has(l, path, &d->digest, d->size, call, &here, err));
        if (!here) {
            return koc__error(err, KOC_ENOTFOUND,
                              "the index names %s, which is not in the layout %s",
                              koc__digest_str(&d->digest).s, l->dir);
        }
    }
    return KOC_OK;
}

int koc__layout_put_index(koc_layout *l, koc_index *idx, const char *ref_name, koc__call *call,
                          koc_error **err)
{
    KOC__TRY(put_children(l, idx, call, err));
    KOC__TRY(koc__layout_put_bytes(l, koc_index_bytes(idx), koc_index_descriptor(idx), err));
    return koc__layout_put_entry(l, koc_index_descriptor(idx), ref_name, call, err);
}

int koc_layout_put_index(koc_layout *l, koc_index *idx, const char *ref_name, const koc_op *op,
                         koc_error **err)
{
    if (!l || !idx) {
        return koc__misuse(err, "koc_layout_put_index: l or idx is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, l->ctx, op, err));
    return koc__layout_put_index(l, idx, ref_name, &call, err);
}
