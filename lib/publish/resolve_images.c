/* koc_resolve: builds what the inputs of a resolver refer to, and replaces the references. */
#include "core/common.h"

#include <koc/ext/publish.h>
#include <koc/resolve.h>

#include "core/dynbuf.h"
#include "core/options.h"
#include "core/str.h"

#define PREFIX "ko://"

typedef struct resolving {
    koc_resolver *resolver;
    const koc_publish_options *user; /* the caller's, for its callback */
    const koc_writer *writer;        /* or NULL */
    koc_error *error;                /* why the callback ended the call */
} resolving;

static int write_ready(const resolving *r, koc_error **err)
{
    bool complete = false;
    return r->writer ? koc_resolver_write_ready(r->resolver, r->writer, &complete, err) : KOC_OK;
}

static int set_image(resolving *r, const char *import_path, const char *image, koc_error **err)
{
    KOC__AUTO_STR name = koc__format(PREFIX "%s", import_path);
    if (!name) {
        return koc__oom(err);
    }
    if (!koc_resolver_place(r->resolver, name)) {
        return KOC_OK; /* the inputs spell the import path differently */
    }
    KOC__TRY(koc_resolver_set(r->resolver, name, image, err));
    return write_ready(r, err);
}

/* A koc_published_fn. */
static int on_published(const char *import_path, const char *image, void *payload)
{
    resolving *r = payload;
    int rc = set_image(r, import_path, image, &r->error);
    if (rc != KOC_OK) {
        return rc;
    }
    return r->user->published ? r->user->published(import_path, image, r->user->published_payload)
                              : KOC_OK;
}

static int publish_all(koc_ctx *ctx, resolving *r, const koc_strlist *references, const koc_op *op,
                       koc_published **out, koc_error **err)
{
    koc_publish_options o = *r->user;
    o.import_paths = koc__strlist_argv(references);
    o.published = on_published;
    o.published_payload = r;
    int rc = koc_publish(ctx, &o, op, out, err);
    koc_resolver_locate(r->resolver, err);
    if (rc != KOC_OK && r->error) {
        return koc__error_move(err, &r->error); /* the cause */
    }
    koc__error_clear(&r->error);
    return rc;
}

int koc_resolve(koc_ctx *ctx, koc_resolver *r, const koc_publish_options *o, const koc_writer *w,
                const koc_op *op, koc_published **out, koc_error **err)
{
    koc_publish_options options;
    if (!ctx || !r || !out) {
        return koc__misuse(err, "koc_resolve: ctx, r or out is NULL");
    }
    KOC__TRY(koc__options_copy(&options, sizeof(options), o, "koc_publish_options", err));
    if (options.import_paths) {
        return koc__misuse(err, "koc_resolve: import_paths is not NULL; r has the packages");
    }
    KOC__AUTO(koc_strlist) references = NULL;
    resolving run = {r, &options, w, NULL};
    KOC__TRY(koc_resolver_references(r, &references, err));
    *out = NULL;
    KOC__TRY(write_ready(&run, err));
    return koc_strlist_count(references) > 0 ? publish_all(ctx, &run, references, op, out, err)
                                             : KOC_OK;
}
