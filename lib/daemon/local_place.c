/* Local places for images: one interface to the daemon and to nodes, and the public calls. */
#include "core/common.h"

#include "daemon/daemon.h"

#include "daemon/nodes.h"

struct koc__local {
    koc__engine *engine; /* or nodes */
    koc__nodes *nodes;
    koc_platform platform; /* strings are of engine or nodes */
    char *where;
};

static const struct {
    koc__local_kind kind;
    const char *word, *domain;
} kinds[] = {
    {KOC__LOCAL_DOCKER, "docker", "ko.local"},
    {KOC__LOCAL_KIND, "kind", "kind.local"},
    {KOC__LOCAL_K3D, "k3d", "k3d.local"},
    {KOC__LOCAL_MINIKUBE, "minikube", "minikube.local"},
    {KOC__LOCAL_CONTAINERD, "containerd", "containerd.local"},
};

/* Compares the whole first component of repository, not only its beginning (ko's quirk Q15). */
static bool is_domain(const char *repository, const char *domain)
{
    size_t n = strlen(domain);
    return strncmp(repository, domain, n) == 0 && (repository[n] == '\0' || repository[n] == '/');
}

int koc__local_choose(const char *into, const char *repository, koc__local_kind *kind,
                      const char **rest, koc_error **err)
{
    *kind = KOC__LOCAL_NONE;
    *rest = NULL;
    size_t len = into ? strcspn(into, ":") : 0;
    for (size_t i = 0; i < KOC__COUNT(kinds); i++) {
        bool fits = into ? strlen(kinds[i].word) == len && strncmp(into, kinds[i].word, len) == 0
                         : is_domain(repository, kinds[i].domain);
        if (fits) {
            *kind = kinds[i].kind;
            *rest = into && into[len] && into[len + 1] ? into + len + 1 : NULL;
        }
    }
    if (into && (*kind == KOC__LOCAL_NONE || (*kind == KOC__LOCAL_DOCKER && *rest))) {
        return koc__error_option(err, "into",
                                 "\"%s\" is not docker, kind[:CLUSTER], k3d[:CLUSTER], "
                                 "minikube[:PROFILE] or containerd[:SOCKET]",
                                 into);
    }
    return KOC_OK;
}

const char *koc__local_domain(koc__local_kind kind)
{
    for (size_t i = 0; i < KOC__COUNT(kinds); i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].domain;
        }
    }
    return "";
}

void koc__local_free(koc__local *l)
{
    if (!l) {
        return;
    }
    koc__engine_free(l->engine);
    koc__nodes_free(l->nodes);
    koc__free(l->where);
    koc__free(l);
}

static char *format_place(const koc__local *l, koc__local_kind kind)
{
    if (l->engine) {
        return koc__format("%s at %s", l->engine->is_podman ? "podman" : "Docker",
                           koc__engine_where(l->engine));
    }
    size_t n = koc_strlist_count(l->nodes->list);
    switch (kind) {
    case KOC__LOCAL_CONTAINERD: return koc__format("containerd at %s", l->nodes->name);
    case KOC__LOCAL_MINIKUBE: return koc__format("minikube profile %s", l->nodes->name);
    default:
        return koc__format("%s cluster %s (%zu node%s)", kind == KOC__LOCAL_KIND ? "kind" : "k3d",
                           l->nodes->name, n, n == 1 ? "" : "s");
    }
}

int koc__local_open(koc__local_kind kind, const char *rest, koc__call *call, koc__local **out,
                    koc_error **err)
{
    KOC__AUTO(koc__local) l = koc__calloc(1, sizeof(*l));
    if (!l) {
        return koc__oom(err);
    }
    l->platform = (koc_platform)KOC_PLATFORM_INIT;
    if (kind == KOC__LOCAL_DOCKER) {
        KOC__TRY(koc__engine_open(call, &l->engine, err));
        l->platform.os = l->engine->os;
        l->platform.arch = l->engine->arch;
        l->platform.variant = l->engine->variant;
    } else {
        KOC__TRY(koc__nodes_open(kind, rest, call, &l->nodes, err));
        l->platform.os = l->nodes->os;
        l->platform.arch = l->nodes->arch;
    }
    l->where = format_place(l, kind);
    if (!l->where) {
        return koc__oom(err);
    }
    *out = koc__steal(&l);
    return KOC_OK;
}

const koc_platform *koc__local_platform(const koc__local *l)
{
    return &l->platform;
}

const char *koc__local_where(const koc__local *l)
{
    return l->where;
}

int koc__local_put(koc__local *l, koc_image *img, koc_reference *const *names, size_t n,
                   koc__call *call, koc__local_result *out, koc_error **err)
{
    return l->engine ? koc__engine_load(l->engine, img, names, n, call, out, err)
                     : koc__nodes_load(l->nodes, img, names, n, call, out, err);
}
