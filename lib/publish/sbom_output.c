/* The SBOMs of a work's images: created once for each digest, pushed as ko does, written to files. */
#include "core/common.h"

#include <koc/version.h>

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "core/io/cache.h"
#include "core/path.h"
#include "model/model.h"
#include "registry/registry.h"
#include "sbom/sbom.h"

#define SBOM_MAX ((size_t)64 << 20)

/* Everything that decides the document; the image's digest covers its content. */
static char *record_key(const koc__work *w, const koc__sbom_options *o, const koc_digest *subject)
{
    return koc__format("%s|%s|%s|%d|%d %lld|%s|%s|%s", KOC_VERSION_STRING,
                       koc__digest_str(subject).s, o->repository ? o->repository : "", o->compat,
                       o->has_epoch, (long long)o->epoch, o->module_proxy ? o->module_proxy : "",
                       o->module_private ? o->module_private : "", w->target->import_path);
}

/* unit NULL: the index. */
static int create_text(koc__work *w, const koc__unit *unit, const koc__sbom_options *o,
                       koc__call *call, koc_buf *out, koc_error **err)
{
    if (!unit) {
        return koc__sbom_index(o, w->index, call, out, err);
    }
    KOC__AUTO(koc__exe_info) info = NULL;
    koc_error *why = NULL;
    int rc = koc__exe_info_read(unit->binary->path, &info, &why);
    if (rc == KOC_ENOTFOUND) { /* stripped: an SBOM without modules is still correct */
        koc__error_clear(&why);
        koc__log(w->plan->ctx, KOC_LOG_WARN, "sbom",
                 "the SBOM of %s names no modules: its program holds no build info",
                 w->target->import_path);
        rc = KOC_OK;
    }
    if (rc != KOC_OK) {
        return koc__error_move(err, &why);
    }
    return koc__sbom_image(o, unit->image, info, call, out, err);
}

static int create_one(koc__work *w, const koc__unit *unit, const koc__sbom_options *o,
                      koc__call *call, koc__sbom_doc *doc, koc_error **err)
{
    koc__cache *cache = w->plan->ctx->cache;
    const koc_descriptor *d =
        unit ? koc_image_descriptor(unit->image) : koc_index_descriptor(w->index);
    doc->subject = &d->digest;
    doc->file_name = koc__sbom_file_name(w->app, unit ? unit->on->platform : NULL);
    KOC__AUTO_STR key = record_key(w, o, doc->subject);
    if (!doc->file_name || !key) {
        return koc__oom(err);
    }
    bool found = false;
    if (cache) {
        KOC__TRY(koc__cache_get(cache, "sbom", koc__str(key), SBOM_MAX, &found, &doc->text, err));
    }
    if (found) {
        return KOC_OK;
    }
    KOC__TRY(create_text(w, unit, o, call, &doc->text, err));
    if (cache) { /* a failed write costs time, not the build */
        koc__cache_put(cache, "sbom", koc__str(key), koc__str_n(doc->text.ptr, doc->text.len),
                       NULL);
    }
    return KOC_OK;
}

/* The module proxy and the private modules. ko always takes the default proxy of the toolchain. */
static int find_sources(const koc__plan *p, char **proxy, char **private, koc_error **err)
{
    KOC__AUTO_STR list = NULL;
    KOC__TRY(koc__go_variable(p->settings, "GOPROXY", p->compat, &list, err));
    KOC__TRY(koc__sbom_proxy(list, proxy, err));
    KOC__TRY(koc__go_variable(p->settings, "GONOPROXY", false, private, err));
    return *private ? KOC_OK : koc__go_variable(p->settings, "GOPRIVATE", false, private, err);
}

int koc__sboms_create(koc__work *w, koc__call *call, koc_error **err)
{
    const koc__plan *p = w->plan;
    bool wanted = p->to_registry || p->o.sbom_dir;
    if (p->o.sbom == KOC_SBOM_NONE || !wanted) {
        return KOC_OK;
    }
    KOC__AUTO_STR proxy = NULL;
    KOC__AUTO_STR private = NULL;
    KOC__AUTO_STR binary_name = koc__format("/ko-app/%s", w->app);
    KOC__TRY(find_sources(p, &proxy, &private, err));
    w->sboms = koc__calloc(w->n_units + 1, sizeof(*w->sboms));
    if (!w->sboms || !binary_name) {
        return koc__oom(err);
    }
    koc__sbom_options o = {
        .compat = p->compat,
        .has_epoch = p->has_epoch,
        .epoch = p->epoch,
        .repository = *w->name ? w->name : NULL,
        .import_path = w->target->import_path,
        .binary_name = binary_name,
        .module_proxy = proxy,
        .module_private = private,
    };
    for (size_t i = 0; i < w->n_units; i++) {
        /* o.binary stays unset: hashing the file again would cost more than everything else here. */
        KOC__TRY(create_one(w, &w->units[i], &o, call, &w->sboms[i], err));
        w->n_sboms++;
    }
    if (w->index) {
        KOC__TRY(create_one(w, NULL, &o, call, &w->sboms[w->n_sboms], err));
        w->n_sboms++;
    }
    return KOC_OK;
}

static int push_one(koc__work *w, koc__sbom_doc *doc, koc__call *call, koc_error **err)
{
    KOC__TRY(koc__sbom_artifact(w->plan->ctx, koc__str_n(doc->text.ptr, doc->text.len),
                                &doc->artifact, err));
    if (koc__target_has_sbom(w, doc->subject, &koc_image_descriptor(doc->artifact)->digest)) {
        return KOC_OK;
    }
    KOC__TRY(koc__work_sbom_reference(w, doc->subject, &doc->target, err));
    koc__push_source what = {.image = doc->artifact};
    KOC__TRY(koc__push_new(w->plan->client, doc->target, &what, NULL, call, &doc->push, err));
    return koc__push_content(doc->push, err);
}

int koc__sboms_push_begin(koc__work *w, koc__call *call, koc_error **err)
{
    for (size_t i = 0; i < w->n_sboms; i++) {
        KOC__TRY(push_one(w, &w->sboms[i], call, err));
    }
    return KOC_OK;
}

int koc__sboms_push_names(koc__work *w, koc_error **err)
{
    for (size_t i = 0; i < w->n_sboms; i++) {
        if (w->sboms[i].push) {
            KOC__TRY(koc__push_names(w->sboms[i].push, w->early, err));
        }
    }
    return KOC_OK;
}

int koc__sboms_write(koc__work *w, koc_error **err)
{
    const char *dir = w->plan->o.sbom_dir;
    if (!dir || w->n_sboms == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc__fs_mkdirs(dir, 0777, err));
    for (size_t i = 0; i < w->n_sboms; i++) {
        KOC__AUTO_STR path = koc__path_join(dir, w->sboms[i].file_name);
        if (!path) {
            return koc__oom(err);
        }
        koc_str text = koc__str_n(w->sboms[i].text.ptr, w->sboms[i].text.len);
        KOC__TRY(koc__fs_replace_file(path, text, 0644, err));
    }
    return KOC_OK;
}
