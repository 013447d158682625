/* koc_published_inputs: the paths that a build has read. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/map.h"
#include "core/path.h"

typedef struct gathering {
    koc_strlist *paths;
    koc__map *seen; /* platforms share nearly all of their inputs */
} gathering;

static void gathering_dispose(gathering *g)
{
    koc_strlist_free(g->paths);
    koc__map_free(g->seen);
}
KOC__DEFINE_AUTO_VAL(gathering, gathering_dispose);

static int add(gathering *g, const char *path, koc_error **err)
{
    static char yes;
    if (koc__map_get(g->seen, koc__str(path))) {
        return KOC_OK;
    }
    KOC__TRY(koc__map_set(g->seen, koc__str(path), &yes, err));
    return koc__strlist_add(g->paths, path, err);
}

/* The settings file, or the names that koc would look for. */
static int add_settings(gathering *g, const koc__plan *p, koc_error **err)
{
    static const char *const names[] = {".ko.json", ".ko.toml", ".ko.yaml", ".ko.yml"};
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        KOC__AUTO_STR path = NULL;
        KOC__TRY(koc__path_abs(p->settings->path ? p->settings->path : names[i], &path, err));
        KOC__TRY(add(g, path, err));
    }
    return KOC_OK;
}

static int add_work(gathering *g, const koc__work *w, bool *known, koc_error **err)
{
    KOC__AUTO_STR kodata =
        w->target->package_dir ? koc__format("%s/kodata/", w->target->package_dir) : NULL;
    *known = *known && w->target->package_dir;
    if (w->target->package_dir) {
        KOC__TRY(kodata ? add(g, kodata, err) : koc__oom(err));
    }
    for (size_t i = 0; i < w->n_units; i++) {
        const koc__go_binary *b = w->units[i].binary;
        *known = *known && b->inputs_known;
        for (size_t k = 0; k < koc_strlist_count(b->inputs); k++) {
            KOC__TRY(add(g, koc_strlist_get(b->inputs, k), err));
        }
    }
    return KOC_OK;
}

int koc__published_paths(const koc__plan *p, const koc__work *works, size_t n, koc_strlist **out,
                         koc_error **err)
{
    KOC__AUTO_VAL(gathering) g = {.seen = koc__map_new(NULL)};
    bool known = true;
    if (!g.seen) {
        return koc__oom(err);
    }
    KOC__TRY(koc__strlist_new(&g.paths, err));
    KOC__TRY(add_settings(&g, p, err));
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(add_work(&g, &works[i], &known, err));
    }
    if (known) {
        *out = koc__steal(&g.paths);
    }
    return KOC_OK;
}
