/* Layers and config edits become an image; the images of several platforms an index. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "model/model.h"

#define BASE_NAME   "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"

/* The author that images name: ko in compatibility mode. */
typedef struct identity {
    const char *author, *history_author, *verb;
} identity;
static const identity ours = {"koc", "koc", "koc build"};
static const identity theirs = {"github.com/ko-build/ko", "ko", "ko build"};

static const identity *identity_of(const koc__plan *p)
{
    return p->compat ? &theirs : &ours;
}

static int add_layer(const koc__unit *u, koc_image_builder *b, koc_layer *layer,
                     const char *comment, bool dated, int64_t created, koc_error **err)
{
    const koc__plan *p = u->work->plan;
    KOC__AUTO_STR by = koc__format("%s %s", identity_of(p)->verb, u->work->target->reference);
    if (!by) {
        return koc__oom(err);
    }
    koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
    o.author = identity_of(p)->history_author;
    o.created_by = by;
    o.comment = comment;
    o.flags = dated || p->compat ? KOC_ADD_LAYER_CREATED : 0;
    o.created = dated ? created : KOC__GO_ZERO_TIME;
    return koc_image_builder_add_layer(b, layer, &o, err);
}

static int add_layers(const koc__unit *u, koc_image_builder *b, koc_error **err)
{
    const koc__plan *p = u->work->plan;
    KOC__AUTO_STR comment = koc__format("go build output, at /ko-app/%s", u->work->app);
    if (!comment) {
        return koc__oom(err);
    }
    KOC__TRY(add_layer(u, b, u->kodata, "kodata contents, at $KO_DATA_PATH", p->has_data_epoch,
                       p->data_epoch, err));
    KOC__TRY(add_layer(u, b, u->app, comment, p->has_epoch, p->epoch, err));
    if (!u->delve) {
        return KOC_OK;
    }
    return add_layer(u, b, u->delve, "Delve debugger, at /ko-app/dlv", p->has_epoch, p->epoch, err);
}

/* PATH gets the directory of the binary; ko joins with a colon even on Windows (its quirk Q12). */
static int set_path(const koc__unit *u, koc_image_builder *b, bool windows, koc_error **err)
{
    const char *directory = windows ? "C:\\ko-app" : "/ko-app";
    const char *separator = windows && !u->work->plan->compat ? ";" : ":";
    const char *name = "PATH";
    const char *old = u->on->image ? koc_image_env(u->on->image, name) : NULL;
    if (!old && windows && !u->work->plan->compat && u->on->image) {
        old = koc_image_env(u->on->image, "Path");
        name = old ? "Path" : name;
    }
    KOC__AUTO_STR value =
        old ? koc__format("%s%s%s", old, separator, directory) : koc__strdup(directory);
    if (!value) {
        return koc__oom(err);
    }
    return koc_image_builder_set_env(b, name, value, err);
}

static int set_environment(const koc__unit *u, koc_image_builder *b, bool windows, koc_error **err)
{
    const char *data = windows ? "C:\\var\\run\\ko" : "/var/run/ko";
    KOC__TRY(set_path(u, b, windows, err));
    if (u->work->plan->compat) { /* appended even if it is set already: quirk Q13 */
        KOC__AUTO_STR item = koc__format("KO_DATA_PATH=%s", data);
        if (!item) {
            return koc__oom(err);
        }
        return koc__image_builder_append_env(b, item, err);
    }
    return koc_image_builder_set_env(b, "KO_DATA_PATH", data, err);
}

static int set_entrypoint(const koc__unit *u, koc_image_builder *b, bool windows, koc_error **err)
{
    KOC__AUTO_STR program = koc__format(windows ? "C:\\ko-app\\%s" : "/ko-app/%s", u->work->app);
    if (!program) {
        return koc__oom(err);
    }
    const char *argv[] = {program, NULL};
    const char *under_delve[] = {
        "/ko-app/dlv",     "exec", "--listen=:40000", "--headless", "--log", "--accept-multiclient",
        "--api-version=2", "--",   program,           NULL};
    KOC__TRY(koc_image_builder_set_entrypoint(b, u->delve ? under_delve : argv, err));
    return koc_image_builder_set_cmd(b, NULL, err);
}

/* The user's annotations, then those that name the base: of an index, its entry for this platform. */
static int set_annotations(const koc__unit *u, koc_image_builder *b, koc_error **err)
{
    const koc__plan *p = u->work->plan;
    const koc__base *base = u->work->base;
    for (size_t i = 0; i < p->n_annotations; i++) {
        KOC__TRY(koc_image_builder_set_annotation(b, p->annotations[i].key, p->annotations[i].value,
                                                  err));
    }
    if (!base->annotation) {
        return KOC_OK;
    }
    const koc_digest *digest = u->on->entry ? &u->on->entry->digest : &base->digest;
    KOC__TRY(koc_image_builder_set_annotation(b, BASE_NAME, base->annotation, err));
    return koc_image_builder_set_annotation(b, BASE_DIGEST, koc__digest_str(digest).s, err);
}

static int set_config(const koc__unit *u, koc_image_builder *b, koc_error **err)
{
    const koc__plan *p = u->work->plan;
    bool windows = u->on->platform->os && koc__streq(u->on->platform->os, "windows");
    KOC__TRY(set_entrypoint(u, b, windows, err));
    KOC__TRY(set_environment(u, b, windows, err));
    for (size_t i = 0; i < p->n_labels; i++) {
        KOC__TRY(koc_image_builder_set_label(b, p->labels[i].key, p->labels[i].value, err));
    }
    if (p->o.user && *p->o.user) {
        KOC__TRY(koc_image_builder_set_str(b, KOC_CFG_USER, p->o.user, err));
    }
    KOC__TRY(koc_image_builder_set_str(b, KOC_CFG_AUTHOR, identity_of(p)->author, err));
    if (p->has_epoch) {
        KOC__TRY(koc_image_builder_set_created(b, p->epoch, err));
    }
    if (!u->on->image) {
        KOC__TRY(koc_image_builder_set_platform(b, u->on->platform, err));
    }
    return KOC_OK;
}

static int assemble_unit(koc__unit *u, koc__call *call, koc_error **err)
{
    koc__plan *p = u->work->plan;
    KOC__AUTO(koc_image_builder) b = NULL;
    KOC__TRY(koc_image_builder_new(p->ctx, u->on->image, &b, err));
    if (p->compat) {
        koc__image_builder_set_compat(b);
    }
    KOC__TRY(add_layers(u, b, err));
    KOC__TRY(set_config(u, b, err));
    KOC__TRY(set_annotations(u, b, err));
    return koc__image_builder_finish(b, call, &u->image, err);
}

/* For an OCI index as base ko writes a digest that differs from the index's own (its quirk Q1). */
static int index_base_digest(const koc__work *w, koc_digest *out, koc_error **err)
{
    const koc__plan *p = w->plan;
    *out = w->base->digest;
    if (!p->compat || w->base->docker) {
        return KOC_OK;
    }
    koc_kv *all = koc__calloc(p->n_annotations + 2, sizeof(*all));
    if (!all) {
        return koc__oom(err);
    }
    koc__digest_text real = koc__digest_str(&w->base->digest);
    size_t n = 0;
    for (; n < p->n_annotations; n++) {
        all[n] = p->annotations[n];
    }
    all[n++] = (koc_kv){BASE_NAME, w->base->annotation};
    all[n++] = (koc_kv){BASE_DIGEST, real.s};
    int rc = koc__index_ko_digest(w->base->index, all, n, out, err);
    koc__free(all);
    return rc;
}

static int index_annotations(koc__work *w, koc_index_builder *b, koc_error **err)
{
    const koc__plan *p = w->plan;
    for (size_t i = 0; i < p->n_annotations; i++) {
        KOC__TRY(koc_index_builder_set_annotation(b, p->annotations[i].key, p->annotations[i].value,
                                                  err));
    }
    if (!w->base->annotation) {
        return KOC_OK;
    }
    koc_digest digest;
    KOC__TRY(index_base_digest(w, &digest, err));
    KOC__TRY(koc_index_builder_set_annotation(b, BASE_NAME, w->base->annotation, err));
    return koc_index_builder_set_annotation(b, BASE_DIGEST, koc__digest_str(&digest).s, err);
}

static int assemble_index(koc__work *w, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    int32_t format = w->base->docker ? KOC_FORMAT_DOCKER : KOC_FORMAT_OCI;
    KOC__TRY(koc_index_builder_new(w->plan->ctx, format, &b, err));
    for (size_t i = 0; i < w->n_units; i++) {
        koc__unit *u = &w->units[i];
        if (u->on->entry) {
            KOC__TRY(koc__index_builder_add_like(b, u->image, u->on->entry, w->plan->compat, err));
        } else {
            KOC__TRY(koc_index_builder_add_image(b, u->image, u->on->platform, err));
        }
    }
    KOC__TRY(index_annotations(w, b, err));
    return koc_index_builder_finish(b, &w->index, err);
}

int koc__assemble(koc__work *w, koc__call *call, koc_error **err)
{
    for (size_t i = 0; i < w->n_units; i++) {
        KOC__TRY(assemble_unit(&w->units[i], call, err));
    }
    return w->n_units > 1 ? assemble_index(w, err) : KOC_OK;
}
