/* Loads images into the Docker daemon or cluster nodes under ko's names: repo:<digest>, then the tags. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "model/model.h"

int koc__output_local_prepare(koc__plan *p, koc__call *call, koc_error **err)
{
    if (p->local_kind == KOC__LOCAL_NONE) {
        return KOC_OK;
    }
    KOC__TRY(koc__local_open(p->local_kind, p->local_rest, call, &p->local, err));
    if (!p->default_platform) {
        return KOC_OK;
    }
    /* No platform is configured: build for the one that runs there. */
    const koc_platform *there = koc__local_platform(p->local);
    koc__strlist_clear(p->platforms);
    return koc__strlist_addf(p->platforms, err, "%s/%s", there->os, there->arch);
}

/* The unit that can run there. If none matches exactly, the variant is ignored. NULL: none can. */
static koc__unit *find_runnable(const koc__work *w)
{
    koc_platform want = *koc__local_platform(w->plan->local);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < w->n_units; i++) {
            if (koc_platform_matches(&want, w->units[i].on->platform)) {
                return &w->units[i];
            }
        }
        want.variant = NULL;
    }
    return NULL;
}

static int not_runnable(const koc__work *w, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) have = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_STR there = koc__platform_str(koc__local_platform(w->plan->local));
    for (size_t i = 0; i < w->n_units; i++) {
        KOC__AUTO_STR one = koc__platform_str(w->units[i].on->platform);
        koc__dynbuf_printf(&have, NULL, "%s%s", i ? ", " : "", one ? one : "?");
    }
    int rc =
        koc__error(err, KOC_EPLATFORM, "cannot load %s: %s runs %s, the image is for %s", w->app,
                   koc__local_where(w->plan->local), there ? there : "?", koc__dynbuf_cstr(&have));
    koc__error_hint_on(err, KOC_HINT_OPTION, "platforms",
                       "leave platforms out: koc then builds for the platform that runs there");
    return rc;
}

/* Only one platform is loaded, so the others are not built. An image with a single platform is loaded even if another
 * one runs there: emulation may run it. */
int koc__output_local_choose(koc__work *w, koc_error **err)
{
    if (!w->plan->local) {
        return KOC_OK;
    }
    koc__unit *unit = find_runnable(w);
    const koc_platform *there = koc__local_platform(w->plan->local);
    if (!unit && (w->n_units != 1 || !koc__streq(w->units[0].on->platform->os, there->os))) {
        return not_runnable(w, err);
    }
    if (!unit) {
        KOC__AUTO_STR have = koc__platform_str(w->units[0].on->platform);
        KOC__AUTO_STR want = koc__platform_str(there);
        return koc__strlist_addf(
            w->plan->warnings, err, "%s is for %s, and %s runs %s: it starts only under emulation",
            w->app, have ? have : "?", koc__local_where(w->plan->local), want ? want : "?");
    }
    w->units[0] = *unit;
    w->n_units = 1;
    return KOC_OK;
}

typedef struct name_list {
    koc_reference **list;
    size_t n;
} name_list;

static void name_list_dispose(name_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        koc_reference_unref(l->list[i]);
    }
    koc__free(l->list);
}
KOC__DEFINE_AUTO_VAL(name_list, name_list_dispose);

static int list_names(const koc__work *w, name_list *out, koc_error **err)
{
    const koc_strlist *tags = w->plan->tags;
    const koc__digest_text hex = koc__digest_hex(&koc__work_descriptor(w)->digest);
    KOC__AUTO(koc_reference) repository = NULL;
    KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
    out->list = koc__calloc(koc_strlist_count(tags) + 1, sizeof(koc_reference *));
    if (!out->list) {
        return koc__oom(err);
    }
    KOC__TRY(koc_reference_with_tag(repository, hex.s, &out->list[out->n], err));
    out->n++;
    for (size_t i = 0; i < koc_strlist_count(tags); i++) {
        KOC__TRY(
            koc_reference_with_tag(repository, koc_strlist_get(tags, i), &out->list[out->n], err));
        out->n++;
    }
    return KOC_OK;
}

int koc__output_local(koc__work *w, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(name_list) names = {0};
    koc__local_result result = {0};
    KOC__TRY(list_names(w, &names, err));
    KOC__TRY(
        koc__local_put(w->plan->local, w->units[0].image, names.list, names.n, call, &result, err));
    w->printed = koc__format("%s:%s", w->name, koc__digest_hex(&koc__work_descriptor(w)->digest).s);
    w->state = result.unchanged ? KOC__WORK_UNCHANGED : KOC__WORK_LOADED;
    w->pushed.bytes_sent = result.bytes_sent;
    return w->printed ? KOC_OK : koc__oom(err);
}
