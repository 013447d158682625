/* The SBOMs of a work's images: pushed as ko does, written to files. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/path.h"
#include "model/model.h"
#include "registry/registry.h"
#include "sbom/sbom.h"

static int push_one(koc__work *w, koc__sbom_doc *doc, koc__call *call, koc_error **err)
{
    KOC__TRY(koc__sbom_artifact(w->plan->ctx, koc__str_n(doc->text.ptr, doc->text.len), doc->format,
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
        if (w->sboms[i].format == w->plan->sbom_formats[0]) {
            KOC__TRY(push_one(w, &w->sboms[i], call, err));
        }
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

int koc__work_list_sbom(const koc__work *w, koc_strlist *list, koc_error **err)
{
    const char *dir = w->plan->o.sbom_dir;
    for (size_t i = 0; dir && i < w->n_sboms; i++) {
        if (koc_digest_equal(w->sboms[i].subject, &koc__work_descriptor(w)->digest)) {
            KOC__AUTO_STR path = koc__path_join(dir, w->sboms[i].file_name);
            return path ? koc__strlist_add(list, path, err) : koc__oom(err);
        }
    }
    return koc__strlist_add(list, "", err);
}
