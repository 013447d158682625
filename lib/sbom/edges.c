/* The graph of the modules in a program, by their go.mod files. */
#include "core/common.h"

#include "sbom/bom.h"
#include "sbom/module.h"

void koc__bom_edges_dispose(koc__bom_edges *e)
{
    for (size_t i = 0; i < e->n; i++) {
        koc_strlist_free(e->ends[i].requires);
    }
    koc__free(e->ends);
    koc__map_free(e->by_path);
    *e = (koc__bom_edges){0};
}

int koc__bom_edges_add(koc__bom_edges *e, const char *path, size_t component,
                       koc_strlist **requires, koc_error **err)
{
    if (!koc__grow((void **)&e->ends, &e->capacity, e->n + 1, sizeof(*e->ends))) {
        return koc__oom(err);
    }
    e->ends[e->n++] = (koc__bom_edge_end){component, koc__steal(requires)};
    return koc__map_set(e->by_path, koc__str(path), (void *)(uintptr_t)e->n, err);
}

int koc__bom_edges_begin(koc__bom_edges *e, size_t program, const char *dir, koc_error **err)
{
    KOC__AUTO(koc_strlist) requires = NULL;
    e->by_path = koc__map_new(NULL);
    if (!e->by_path) {
        return koc__oom(err);
    }
    KOC__TRY(dir ? koc__module_requires_of_dir(dir, &requires, err) : KOC_OK);
    return koc__bom_edges_add(e, "", program, &requires, err);
}

/* The end that go.mod files call so, or NULL. */
static koc__bom_edge_end *find(const koc__bom_edges *e, const char *path)
{
    uintptr_t number = (uintptr_t)koc__map_get(e->by_path, koc__str(path));
    return number > 1 ? &e->ends[number - 1] : NULL;
}

/* Marks what can be reached from number i. todo has room for all. */
static void reach(const koc__bom_edges *e, size_t i, bool *reached, size_t *todo)
{
    size_t n = 0;
    reached[i] = true;
    todo[n++] = i;
    while (n > 0) {
        const koc_strlist *requires = e->ends[todo[--n]].requires;
        for (size_t k = 0; k < koc_strlist_count(requires); k++) {
            const koc__bom_edge_end *to = find(e, koc_strlist_get(requires, k));
            if (to && !reached[to - e->ends]) {
                reached[to - e->ends] = true;
                todo[n++] = (size_t)(to - e->ends);
            }
        }
    }
}

static void link_requirements(const koc__bom_edges *e, koc__bom *b, size_t i)
{
    const koc_strlist *requires = e->ends[i].requires;
    for (size_t k = 0; k < koc_strlist_count(requires); k++) {
        const koc__bom_edge_end *to = find(e, koc_strlist_get(requires, k));
        if (to && to != &e->ends[i]) {
            koc__bom_link(b, e->ends[i].component, KOC__BOM_DEPENDS_ON, to->component);
        }
    }
    koc__bom_get(b, e->ends[i].component)->edges_known = requires != NULL;
}

int koc__bom_edges_link(koc__bom_edges *e, koc__bom *b, koc_error **err)
{
    bool *reached = koc__calloc(e->n, sizeof(*reached));
    size_t *todo = koc__calloc(e->n, sizeof(*todo));
    if (reached && todo) {
        reach(e, 0, reached, todo);
        for (size_t i = 0; i < e->n; i++) {
            if (!reached[i]) {
                koc__bom_link(b, e->ends[0].component, KOC__BOM_DEPENDS_ON, e->ends[i].component);
                reach(e, i, reached, todo);
            }
            link_requirements(e, b, i);
        }
    }
    bool failed = !reached || !todo;
    koc__free(reached);
    koc__free(todo);
    return failed ? koc__oom(err) : KOC_OK;
}
