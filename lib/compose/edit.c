/* Opens images to change them, and gives out the result. */
#include "core/common.h"

#include "compose/compose.h"

#include "core/hash/digests.h"
#include "core/options.h"

static int edit_new(koc_ctx *ctx, size_t n, koc_edit **out, koc_error **err)
{
    KOC__AUTO(koc_edit) e = koc__calloc(1, sizeof(*e));
    if (!e) {
        return koc__oom(err);
    }
    e->ctx = koc_ctx_ref(ctx);
    KOC__TRY(koc__strlist_new(&e->selected, err));
    KOC__TRY(koc__strlist_new(&e->warnings, err));
    e->images = koc__calloc(n + 1, sizeof(koc_image *));
    if (!e->images) {
        return koc__oom(err);
    }
    *out = koc__steal(&e);
    return KOC_OK;
}

void koc_edit_free(koc_edit *e)
{
    if (!e) {
        return;
    }
    for (size_t i = 0; i < e->n; i++) {
        koc_image_unref(e->images[i]);
    }
    koc__free(e->images);
    koc_index_unref(e->index);
    koc_strlist_free(e->selected);
    koc_strlist_free(e->warnings);
    koc__free(e->base_name);
    koc_ctx_unref(e->ctx);
    koc__free(e);
}

/* --- opening --- */

/* The platforms that a caller names; empty: all. KOC_EINVAL. */
static int read_platforms(const char *const *platforms, koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) list = NULL;
    KOC__TRY(koc__strlist_new(&list, err));
    for (size_t i = 0; platforms && platforms[i]; i++) {
        KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
        koc_platform p = KOC_PLATFORM_INIT;
        if (koc__streq(platforms[i], "all")) {
            koc__strlist_clear(list);
            break;
        }
        KOC__TRY(koc_platform_parse(platforms[i], &storage, &p, err));
        KOC__TRY(koc__strlist_add(list, platforms[i], err));
    }
    *out = koc__steal(&list);
    return KOC_OK;
}

bool koc__edit_selects(const koc_strlist *platforms, const koc_platform *have)
{
    return koc_strlist_count(platforms) == 0 || koc__platform_wanted(platforms, have);
}

/* Each platform must name an image. */
static int check_platforms(const koc_edit *e, const koc_strlist *platforms, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(platforms); i++) {
        KOC__AUTO(koc_strlist) one = NULL;
        bool found = false;
        KOC__TRY(koc__strlist_new(&one, err));
        KOC__TRY(koc__strlist_add(one, koc_strlist_get(platforms, i), err));
        for (size_t k = 0; k < e->n && !found; k++) {
            found = koc__edit_selects(one, koc_image_platform(e->images[k]));
        }
        if (!found) {
            return koc__error(err, KOC_EPLATFORM, "there is no image for %s",
                              koc_strlist_get(platforms, i));
        }
    }
    return KOC_OK;
}

static int read_image(koc_source *s, const koc_digest *d, koc__call *call, koc_image **out,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__document) m = KOC__DOCUMENT_INIT;
    KOC__TRY(koc__source_manifest(s, d, call, &m, err));
    int rc = koc__source_image_of(s, &m, call, out, err);
    return koc__error_prefix(err, rc, "cannot read %s", s->what);
}

/* Reads an entry of the index. *out NULL: it is not wanted, or not an image (*skipped counts it). */
static int read_entry(koc_source *s, const koc_descriptor *d, const koc_strlist *platforms,
                      koc__call *call, size_t *skipped, koc_image **out, koc_error **err)
{
    KOC__AUTO(koc_error) why = NULL;
    KOC__AUTO(koc_image) img = NULL;
    if (koc__platform_is_unknown(d->platform)) {
        (*skipped)++;
        return KOC_OK;
    }
    if (koc__mt_is_index(d->media_type)) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "cannot change an index in an index: name the inner one by digest");
    }
    if (d->platform && !koc__edit_selects(platforms, d->platform)) {
        return KOC_OK;
    }
    int rc = koc__mt_is_manifest(d->media_type) ? read_image(s, &d->digest, call, &img, &why)
                                                : KOC_EUNSUPPORTED;
    if (rc == KOC_EUNSUPPORTED) {
        (*skipped)++;
        return KOC_OK;
    }
    if (rc != KOC_OK) {
        return koc__error_move(err, &why);
    }
    if (koc__edit_selects(platforms, koc_image_platform(img))) {
        *out = koc__steal(&img);
    }
    return KOC_OK;
}

/* Keeps the images of the index that were read, in order. */
static int adopt_entries(koc_edit *e, koc_index *index, koc_image **entries, bool few,
                         koc_error **err)
{
    for (size_t i = 0; i < koc_index_count(index); i++) {
        if (entries[i]) {
            e->images[e->n++] = koc_image_ref(entries[i]);
        }
    }
    if (few && e->n == 1) {
        return KOC_OK;
    }
    return koc_index_with_images(index, entries, NULL, 0, &e->index, err);
}

static int open_index(koc_edit *e, koc_source *s, koc_index *index, const koc_strlist *platforms,
                      koc__call *call, koc_error **err)
{
    size_t n = koc_index_count(index);
    size_t skipped = 0;
    int rc = KOC_OK;
    koc_image **entries = koc__calloc(n + 1, sizeof(koc_image *));
    if (!entries) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n && rc == KOC_OK; i++) {
        rc = read_entry(s, koc_index_get(index, i), platforms, call, &skipped, &entries[i], err);
    }
    if (rc == KOC_OK) {
        rc = adopt_entries(e, index, entries, koc_strlist_count(platforms) > 0, err);
    }
    for (size_t i = 0; i < n; i++) {
        koc_image_unref(entries[i]);
    }
    koc__free(entries);
    if (rc == KOC_OK && skipped > 0) {
        rc = koc__strlist_addf(
            e->warnings, err,
            "dropped %zu entr%s of the index about the old images (attestations and the like)",
            skipped, skipped == 1 ? "y" : "ies");
    }
    return rc;
}

static int open_source(koc_edit **e, koc_source *s, const koc_strlist *platforms, koc__call *call,
                       koc_error **err)
{
    KOC__AUTO(koc_index) index = NULL;
    if (koc__mt_is_index(s->top.media_type.ptr)) {
        KOC__TRY(koc_index_from_bytes(s->ctx, koc__document_text(&s->top), &index, err));
    }
    KOC__TRY(edit_new(s->ctx, index ? koc_index_count(index) : 1, e, err));
    if (index) {
        KOC__TRY(open_index(*e, s, index, platforms, call, err));
    } else {
        int rc = koc__source_image_of(s, &s->top, call, &(*e)->images[0], err);
        KOC__TRY(koc__error_prefix(err, rc, "cannot read %s", s->what));
        (*e)->n = 1;
    }
    return check_platforms(*e, platforms, err);
}

int koc__edit_open(koc_ctx *ctx, koc_client *client, const koc_place *from,
                   const char *const *platforms, koc__call *call, koc_edit **out, koc_error **err)
{
    KOC__AUTO(koc_source) s = NULL;
    KOC__AUTO(koc_edit) e = NULL;
    KOC__AUTO(koc_strlist) list = NULL;
    KOC__TRY(read_platforms(platforms, &list, err));
    KOC__TRY(koc__source_open(ctx, client, from, call, &s, err));
    KOC__TRY(open_source(&e, s, list, call, err));
    e->has_base = true;
    e->base_digest = s->top.digest;
    if (from->kind == KOC_PLACE_REGISTRY) {
        e->base_name = koc__strdup(koc_reference_string(from->reference));
        KOC__TRY(e->base_name ? KOC_OK : koc__oom(err));
    }
    *out = koc__steal(&e);
    return KOC_OK;
}

int koc_edit_open(koc_ctx *ctx, koc_client *client, const koc_place *from,
                  const char *const *platforms, const koc_op *op, koc_edit **out, koc_error **err)
{
    if (!ctx || !from || !out) {
        return koc__misuse(err, "koc_edit_open: ctx, from or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    return koc__edit_open(ctx, client, from, platforms, &call, out, err);
}

/* --- from scratch --- */

static int add_empty(koc_edit *e, const char *platform, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    KOC__AUTO(koc_image_builder) b = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    KOC__TRY(koc_platform_parse(platform, &storage, &p, err));
    KOC__TRY(koc_image_builder_new(e->ctx, NULL, &b, err));
    KOC__TRY(koc_image_builder_set_platform(b, &p, err));
    KOC__TRY(koc__image_builder_finish(b, NULL, &e->images[e->n], err));
    e->n++;
    return KOC_OK;
}

static int put_in_index(koc_edit *e, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__TRY(koc_index_builder_new(e->ctx, KOC_FORMAT_OCI, &b, err));
    for (size_t i = 0; i < e->n; i++) {
        KOC__TRY(koc_index_builder_add_image(b, e->images[i], NULL, err));
    }
    return koc_index_builder_finish(b, &e->index, err);
}

int koc_edit_new(koc_ctx *ctx, const char *const *platforms, koc_edit **out, koc_error **err)
{
    static const char *const usual[] = {"linux/amd64", NULL};
    if (!ctx || !out) {
        return koc__misuse(err, "koc_edit_new: ctx or out is NULL");
    }
    const char *const *list = platforms && platforms[0] ? platforms : usual;
    KOC__AUTO(koc_edit) e = NULL;
    size_t n = 0;
    while (list[n]) {
        n++;
    }
    KOC__TRY(edit_new(ctx, n, &e, err));
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(add_empty(e, list[i], err));
    }
    if (n > 1) {
        KOC__TRY(put_in_index(e, err));
    }
    *out = koc__steal(&e);
    return KOC_OK;
}

/* --- selecting --- */

/* Only those who run an unchanged platform would notice that it was not changed. */
static int warn_of_unchanged(koc_edit *e, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(64 * 1024);
    for (size_t i = 0; i < e->n; i++) {
        const koc_platform *have = koc_image_platform(e->images[i]);
        if (!koc__edit_selects(e->selected, have)) {
            KOC__AUTO_STR name = koc__platform_str(have);
            KOC__TRY(name ? koc__dynbuf_printf(&names, err, "%s%s", names.len ? ", " : "", name)
                          : koc__oom(err));
        }
    }
    return names.len > 0
               ? koc__strlist_addf(e->warnings, err, "not changed: %s", koc__dynbuf_cstr(&names))
               : KOC_OK;
}

int koc_edit_select(koc_edit *e, const char *const *platforms, koc_error **err)
{
    KOC__AUTO(koc_strlist) list = NULL;
    if (!e) {
        return koc__misuse(err, "koc_edit_select: e is NULL");
    }
    KOC__TRY(read_platforms(platforms, &list, err));
    KOC__TRY(check_platforms(e, list, err));
    koc_strlist_free(e->selected);
    e->selected = koc__steal(&list);
    return warn_of_unchanged(e, err);
}

/* --- results --- */

size_t koc_edit_count(const koc_edit *e)
{
    return e ? e->n : 0;
}

koc_image *koc_edit_image(const koc_edit *e, size_t i)
{
    return e && i < e->n ? e->images[i] : NULL;
}

const koc_strlist *koc_edit_warnings(const koc_edit *e)
{
    return e ? e->warnings : NULL;
}

const koc_descriptor *koc_edit_descriptor(const koc_edit *e)
{
    return !e         ? NULL
           : e->index ? koc_index_descriptor(e->index)
                      : koc_image_descriptor(e->images[0]);
}

static void write_image(koc__jw *w, const koc_image *img)
{
    KOC__AUTO_STR platform = koc__platform_str(koc_image_platform(img));
    koc__jw_object(w);
    koc__jw_kv(w, "platform", platform);
    koc__jw_kv(w, "digest", koc__digest_str(&koc_image_descriptor(img)->digest).s);
    koc__jw_kv(w, "config", koc__digest_str(&koc_image_config_descriptor(img)->digest).s);
    koc__jw_key(w, "layers");
    koc__jw_u64(w, koc_image_layer_count(img));
    koc__jw_object_end(w);
}

int koc_edit_report(const koc_edit *e, const char *reference, koc_buf *out, koc_error **err)
{
    if (!e || !out) {
        return koc__misuse(err, "koc_edit_report: e or out is NULL");
    }
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    const koc_descriptor *d = koc_edit_descriptor(e);
    koc__jw w;
    koc__jw_begin(&w, &text, 2, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "schema", "koc-edit-1");
    koc__jw_kv(&w, "reference", reference);
    koc__jw_kv(&w, "digest", koc__digest_str(&d->digest).s);
    koc__jw_kv(&w, "mediaType", d->media_type);
    koc__jw_key(&w, "images");
    koc__jw_array(&w);
    for (size_t i = 0; i < e->n; i++) {
        write_image(&w, e->images[i]);
    }
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}

int koc_edit_place(const koc_edit *e, koc_place *out, koc_error **err)
{
    koc_place p = KOC_PLACE_INIT;
    if (!e || !out) {
        return koc__misuse(err, "koc_edit_place: e or out is NULL");
    }
    koc_place check;
    KOC__TRY(koc__options_copy(&check, sizeof(check), out, "koc_place", err));
    p.kind = KOC_PLACE_MEMORY;
    p.index = e->index;
    p.image = e->index ? NULL : e->images[0];
    koc__options_give(out, sizeof(p), &p);
    return KOC_OK;
}
