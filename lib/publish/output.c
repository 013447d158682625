/* The destinations of images: registry, OCI layout, tarball or none; and the reference that is printed for each. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "core/io/outfile.h"
#include "core/text.h"
#include "model/model.h"
#include "registry/registry.h"
#include "store/store.h"

static int printed_name(koc__work *w, bool pushed, koc_error **err)
{
    koc__name_result r = {
        .repository = w->name,
        .tags = koc__strlist_argv(w->plan->tags),
        .digest = &koc__work_descriptor(w)->digest,
        .tag_only = w->plan->o.flags & KOC_PUBLISH_TAG_ONLY,
        .pushed = pushed,
    };
    koc__free(w->printed);
    w->printed = NULL;
    return koc__name_printed(&r, &w->printed, err);
}

/* --- layout --- */

static int to_layout(koc__work *w, koc__call *call, koc_error **err)
{
    koc__plan *p = w->plan;
    bool is_default = !p->o.oci_layout_path;
    KOC__AUTO(koc_layout) layout = NULL;
    KOC__TRY(koc_layout_open(p->ctx, p->layout_path, KOC_LAYOUT_CREATE, &layout, err));
    const char *ref_name = is_default ? w->app : NULL;
    if (w->index) {
        KOC__TRY(koc__layout_put_index(layout, w->index, ref_name, call, err));
    } else {
        KOC__TRY(koc__layout_put_image(layout, w->units[0].image, ref_name, call, err));
    }
    w->printed = koc__format("%s%s@%s", is_default ? "oci:" : "", p->layout_path,
                             koc__digest_str(&koc__work_descriptor(w)->digest).s);
    w->state = KOC__WORK_WRITTEN;
    return w->printed ? KOC_OK : koc__oom(err);
}

/* --- registry --- */

static int send_image(void *arg, koc__call *call, koc_error **err)
{
    koc__work *w = arg;
    koc_push_options o = KOC_PUSH_OPTIONS_INIT;
    o.extra_tags = koc__strlist_argv(w->plan->tags) + 1; /* the first is the target's own */
    if (koc__target_has_image(w)) {
        return KOC_OK;
    }
    koc__push_source what = {w->index ? NULL : w->units[0].image, w->index};
    KOC__TRY(koc__push_new(w->plan->client, w->to, &what, &o, call, &w->push, err));
    KOC__TRY(koc__push_content(w->push, err));
    return w->early ? koc__push_unnamed(w->push, err) : KOC_OK;
}

static int send_sboms(void *arg, koc__call *call, koc_error **err)
{
    return koc__sboms_push_begin(arg, call, err);
}

/* The image and its SBOMs in parallel. */
static int run_both(koc__work *w, koc__task_fn image, koc__task_fn sboms, koc__call *call,
                    koc_error **err)
{
    KOC__AUTO_VAL(koc__group) group = {0};
    if (w->n_sboms == 0) {
        return image(w, call, err);
    }
    KOC__TRY(koc__group_begin(&group, call, 2, err));
    KOC__TRY(koc__group_add(&group, image, w, err));
    KOC__TRY(koc__group_add(&group, sboms, w, err));
    return koc__group_wait(&group, err);
}

int koc__output_content(koc__work *w, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_reference) repository = NULL;
    KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
    KOC__TRY(koc_reference_with_tag(repository, koc_strlist_get(w->plan->tags, 0), &w->to, err));
    return run_both(w, send_image, send_sboms, call, err);
}

static int name_image(void *arg, koc__call *call, koc_error **err)
{
    koc__work *w = arg;
    (void)call;
    return w->push ? koc__push_names(w->push, w->early, err) : KOC_OK;
}

static int name_sboms(void *arg, koc__call *call, koc_error **err)
{
    (void)call;
    return koc__sboms_push_names(arg, err);
}

/* Names what koc__output_content sent. */
static int to_registry(koc__work *w, koc__call *call, koc_error **err)
{
    KOC__TRY(run_both(w, name_image, name_sboms, call, err));
    w->pushed.digest = koc__work_descriptor(w)->digest;
    w->pushed.unchanged = true;
    if (w->push) {
        koc__push_add_result(w->push, &w->pushed);
    }
    w->state = w->pushed.unchanged ? KOC__WORK_UNCHANGED : KOC__WORK_PUSHED;
    return printed_name(w, true, err);
}

static void report_done(const koc__work *w, koc__call *call)
{
    if (w->state != KOC__WORK_BUILT) {
        bool unchanged = w->state == KOC__WORK_UNCHANGED;
        koc__report_image(w, w->pushed.bytes_sent, call,
                          unchanged ? KOC_STATE_SKIPPED : KOC_STATE_FINISHED);
    }
}

int koc__output(koc__work *w, koc__call *call, koc_error **err)
{
    koc__plan *p = w->plan;
    int64_t start = koc__monotonic_ms();
    KOC__TRY(koc__sboms_write(w, err));
    if (p->local) {
        KOC__TRY(koc__output_local(w, call, err));
    }
    if (p->layout_path) {
        KOC__TRY(to_layout(w, call, err));
    }
    if (p->to_registry) {
        KOC__TRY(to_registry(w, call, err));
    }
    if (!w->printed || (p->o.tarball && !p->to_registry)) {
        /* Only the tarball, which is written at the end, or no destination. */
        KOC__TRY(printed_name(w, p->o.tarball != NULL, err));
        w->state = p->o.tarball ? KOC__WORK_WRITTEN : KOC__WORK_BUILT;
    }
    w->push_ms += koc__monotonic_ms() - start;
    report_done(w, call);
    return KOC_OK;
}

/* --- tarball --- */

typedef struct tarball {
    koc_archive_image *images;
    koc_reference **tags; /* n * n_tags, those of each image together */
    size_t n, n_tags;
} tarball;

static void tarball_dispose(tarball *t)
{
    for (size_t i = 0; t->tags && i < t->n * t->n_tags; i++) {
        koc_reference_unref(t->tags[i]);
    }
    koc__free(t->tags);
    koc__free(t->images);
}
KOC__DEFINE_AUTO_VAL(tarball, tarball_dispose);

static int add_to_tarball(tarball *t, size_t i, const koc__work *w, koc_error **err)
{
    const koc_strlist *tags = w->plan->tags;
    for (size_t k = 0; k < t->n_tags; k++) {
        KOC__AUTO(koc_reference) repository = NULL;
        KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
        KOC__TRY(koc_reference_with_tag(repository, koc_strlist_get(tags, k),
                                        &t->tags[i * t->n_tags + k], err));
    }
    t->images[i] = (koc_archive_image){sizeof(koc_archive_image), 0, w->units[0].image,
                                       &t->tags[i * t->n_tags], t->n_tags};
    return KOC_OK;
}

static int write_file(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__outfile_write(self, data, len, err);
}

static int write_tarball(koc__plan *p, koc__work *works, size_t n, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(tarball) t = {.n = n, .n_tags = koc_strlist_count(p->tags)};
    t.images = koc__calloc(n, sizeof(*t.images));
    t.tags = koc__calloc(n * t.n_tags, sizeof(koc_reference *));
    if (!t.images || !t.tags) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(add_to_tarball(&t, i, &works[i], err));
    }
    KOC__AUTO_VAL(koc__outfile) file = KOC__OUTFILE_INIT;
    KOC__TRY(koc__outfile_open(p->o.tarball, 0644, call->user.cancel, &file, err));
    koc_writer w = {write_file, &file};
    KOC__TRY(koc__archive_write(t.images, n, &w, call, err));
    return koc__outfile_finish(&file, err);
}

/* --- the list of references (ko 12.4) --- */

static int list_work(const koc__work *w, koc__dynbuf *out, koc_error **err)
{
    if (!w->index) {
        return koc__dynbuf_printf(out, err, "%s\n", w->printed);
    }
    KOC__TRY(koc__dynbuf_printf(out, err, "%s@%s\n", w->name,
                                koc__digest_str(&koc_index_descriptor(w->index)->digest).s));
    for (size_t i = 0; i < w->n_units; i++) {
        const koc_descriptor *d = koc_image_descriptor(w->units[i].image);
        KOC__TRY(koc__dynbuf_printf(out, err, "%s@%s\n", w->name, koc__digest_str(&d->digest).s));
    }
    return KOC_OK;
}

static int write_references(koc__plan *p, koc__work *works, size_t n, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT((size_t)16 << 20);
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(list_work(&works[i], &text, err));
    }
    return koc__fs_replace_file(p->o.image_refs, koc__dynbuf_view(&text), 0644, err);
}

int koc__output_together(koc__plan *p, koc__work *works, size_t n, koc__call *call, koc_error **err)
{
    if (p->o.tarball) {
        KOC__TRY(write_tarball(p, works, n, call, err));
    }
    return p->o.image_refs ? write_references(p, works, n, err) : KOC_OK;
}
