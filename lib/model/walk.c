/* Walks from an index to its images. */
#include "core/common.h"

#include "model/walk.h"

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/str.h"

enum { NESTING_MAX = 4, LOOKS_MAX = 256 };

void koc__walk_dispose(koc__walk *w)
{
    koc_image_unref(w->first);
    koc__map_free(w->seen);
    koc__dynbuf_dispose(&w->others);
}

const char *koc__walk_others(const koc__walk *w)
{
    return w->others.len > 0 ? koc__dynbuf_cstr(&w->others) : "no image";
}

/* --- what is passed over --- */

/* Notes the platform of an entry, or its kind if it has none. If the text is full, the entry is left out. */
static void note(koc__walk *w, const koc_platform *p, const char *kind)
{
    KOC__AUTO_STR platform = p ? koc__platform_str(p) : NULL;
    const char *text = platform && *platform ? platform : kind;
    if (text && w->others.len + strlen(text) + 2 < KOC__WALK_TEXT_MAX) {
        (void)koc__dynbuf_printf(&w->others, NULL, "%s%s", w->others.len ? ", " : "", text);
    }
}

static void note_kind(koc__walk *w, const koc_descriptor *d, const char *kind)
{
    KOC__AUTO_STR platform = d->platform ? koc__platform_str(d->platform) : NULL;
    KOC__AUTO_STR text = platform ? koc__format("%s for %s", kind, platform) : koc__strdup(kind);
    note(w, NULL, text);
}

/* Several indexes may name the same one. */
static int mark_seen(koc__walk *w, const koc_descriptor *d, bool *first, koc_error **err)
{
    koc_str key = koc__str_n((const char *)d->digest.bytes, d->digest.len);
    *first = !koc__map_get(w->seen, key);
    return *first ? koc__map_set(w->seen, key, w, err) : KOC_OK;
}

static int count_opened(koc__walk *w, koc_error **err)
{
    if (w->looks++ >= LOOKS_MAX) {
        return koc__error(err, KOC_ELIMIT,
                          "more than %d entries have to be opened to find an image", LOOKS_MAX);
    }
    return KOC_OK;
}

/* --- entries --- */

/* The artifact type of an entry. Some tools write the config type of an image there. */
static bool is_artifact(const koc_descriptor *d)
{
    return d->artifact_type && *d->artifact_type && !koc__mt_is_config(d->artifact_type);
}

static bool is_wanted(const koc__walk *w, const koc_platform *p)
{
    return w->want ? koc_platform_matches(w->want, p) : w->wanted(w->self, p);
}

static int report_image(koc__walk *w, const koc_descriptor *d, const koc_platform *p,
                        koc_image *img, koc_error **err)
{
    if (w->want) {
        w->first = koc_image_ref(img);
        w->over = true;
        return KOC_OK;
    }
    return w->found(w->self, d, p, img, &w->over, err);
}

static int on_image(koc__walk *w, const koc_descriptor *d, koc_error **err)
{
    KOC__AUTO(koc_image) img = NULL;
    koc_error *why = NULL;
    if (d->platform && !is_wanted(w, d->platform)) {
        note(w, d->platform, "");
        return KOC_OK;
    }
    KOC__TRY(d->platform ? KOC_OK : count_opened(w, err));
    int rc = w->image(w->self, d, w->call, &img, &why);
    if (rc == KOC_EUNSUPPORTED) {
        koc_error_free(why);
        note_kind(w, d, d->artifact_type ? d->artifact_type : "an artifact");
        return KOC_OK;
    }
    if (rc != KOC_OK) {
        return koc__error_move(err, &why);
    }
    const koc_platform *p = d->platform ? d->platform : koc_image_platform(img);
    if (!p || (!d->platform && !is_wanted(w, p))) {
        note(w, p, "an image without a platform");
        return KOC_OK;
    }
    return report_image(w, d, p, img, err);
}

static int run(koc__walk *w, const koc_index *index, koc_error **err);

static int on_index(koc__walk *w, const koc_descriptor *d, koc_error **err)
{
    KOC__AUTO(koc_index) below = NULL;
    bool first = false;
    if (d->platform && !is_wanted(w, d->platform)) {
        note(w, d->platform, "");
        return KOC_OK;
    }
    if (w->depth == NESTING_MAX) {
        return koc__error(err, KOC_ELIMIT, "indexes are nested more than %d deep", NESTING_MAX);
    }
    KOC__TRY(mark_seen(w, d, &first, err));
    if (!first) {
        return KOC_OK;
    }
    KOC__TRY(count_opened(w, err));
    KOC__TRY(w->index(w->self, d, w->call, &below, err));
    w->depth++;
    int rc = run(w, below, err);
    w->depth--;
    return rc;
}

static int on_entry(koc__walk *w, const koc_descriptor *d, koc_error **err)
{
    if (koc__mt_is_index(d->media_type)) {
        return on_index(w, d, err);
    }
    if (koc__mt_is_manifest(d->media_type) && (d->platform || !is_artifact(d))) {
        return on_image(w, d, err);
    }
    note_kind(w, d, is_artifact(d) ? d->artifact_type : d->media_type);
    return KOC_OK;
}

static int run(koc__walk *w, const koc_index *index, koc_error **err)
{
    for (int below = 0; below < 2; below++) { /* images first */
        for (size_t i = 0; i < koc_index_count(index) && !w->over; i++) {
            const koc_descriptor *d = koc_index_get(index, i);
            if (koc__mt_is_index(d->media_type) == (below == 1) &&
                !koc__platform_is_unknown(d->platform)) {
                KOC__TRY(on_entry(w, d, err));
            }
        }
    }
    return KOC_OK;
}

int koc__walk_run(koc__walk *w, const koc_index *top, koc_error **err)
{
    w->others = (koc__dynbuf)KOC__DYNBUF_INIT(KOC__WALK_TEXT_MAX);
    w->seen = koc__map_new(NULL);
    return w->seen ? run(w, top, err) : koc__oom(err);
}

int koc__walk_first(koc__walk *w, const koc_index *top, const koc_platform *want, koc_image **out,
                    koc_error **err)
{
    w->want = want;
    KOC__TRY(koc__walk_run(w, top, err));
    *out = koc__steal(&w->first);
    return KOC_OK;
}
