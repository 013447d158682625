/* koc_build_image: base, layers, settings, targets in one call. */
#include "core/common.h"

#include "compose/compose.h"

#include "auth/auth.h"
#include "core/hash/digests.h"
#include "core/options.h"
#include "core/run/context.h"
#include "registry/registry.h"

/* A target, and the same place under each tag. */
typedef struct target {
    koc_place *places; /* 1 + n_tags; the references and names are owned */
    koc_buf storage;
} target;

struct koc_built {
    koc_edit *edit;
    koc_strlist *references;
    koc_buf report;
};

typedef struct building {
    koc_image_spec spec;
    koc_image_file *files; /* copies of the caller's */
    koc_client *client;
    target *targets;
    size_t n_targets, n_places; /* n_places: of each target */
    koc_built *built;
} building;

void koc_built_free(koc_built *b)
{
    if (!b) {
        return;
    }
    koc_edit_free(b->edit);
    koc_strlist_free(b->references);
    koc_buf_dispose(&b->report);
    koc__free(b);
}

static void building_dispose(building *b)
{
    for (size_t i = 0; i < b->n_targets; i++) {
        for (size_t k = 0; b->targets[i].places && k < b->n_places; k++) {
            koc_reference_unref(b->targets[i].places[k].reference);
        }
        koc__free(b->targets[i].places);
        koc_buf_dispose(&b->targets[i].storage);
    }
    koc__free(b->targets);
    koc__free(b->files);
    koc_client_unref(b->client);
    koc_built_free(b->built);
}
KOC__DEFINE_AUTO_VAL(building, building_dispose);

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n]) {
        n++;
    }
    return n;
}

/* --- the spec --- */

static int read_spec(building *b, const koc_image_spec *spec, koc_error **err)
{
    void *files = NULL;
    KOC__TRY(koc__options_copy(&b->spec, sizeof(b->spec), spec, "koc_image_spec", err));
    const koc_image_spec *s = &b->spec;
    if (s->flags & ~KOC_SPEC_NO_BASE_RECORD || (s->n_layers > 0 && !s->layers) ||
        (s->n_files > 0 && !s->files)) {
        return koc__misuse(err, "koc_image_spec: unknown flags, or layers or files is NULL");
    }
    if (s->n_files > 0) {
        KOC__TRY(koc__options_list(s->files, s->n_files, sizeof(koc_image_file), "koc_image_file",
                                   &files, err));
        b->files = files;
    }
    return KOC_OK;
}

static bool is_scratch(const building *b)
{
    return !b->spec.base || koc__streq(b->spec.base, "scratch");
}

/* --- targets --- */

/* The place of target under another tag or name. */
static int name_place(const koc_place *place, const char *tag, koc_place *out, koc_error **err)
{
    *out = *place;
    out->reference = NULL;
    if (place->kind == KOC_PLACE_REGISTRY) {
        return koc_reference_with_tag(place->reference, tag, &out->reference, err);
    }
    if (place->kind == KOC_PLACE_DOCKER_ARCHIVE) {
        return koc__error_option(err, "tags", "%s holds one name of an image", place->path);
    }
    out->name = tag;
    return KOC_OK;
}

static int read_target(building *b, const char *text, target *t, koc_error **err)
{
    t->places = koc__calloc(b->n_places, sizeof(koc_place));
    if (!t->places) {
        return koc__oom(err);
    }
    KOC__TRY(koc_place_parse(text, 0, &t->storage, &t->places[0], err));
    if (t->places[0].kind == KOC_PLACE_ARCHIVE) {
        t->places[0].kind = KOC_PLACE_OCI_ARCHIVE;
    }
    for (size_t k = 1; k < b->n_places; k++) {
        KOC__TRY(name_place(&t->places[0], b->spec.tags[k - 1], &t->places[k], err));
    }
    return KOC_OK;
}

static int read_targets(building *b, koc_error **err)
{
    size_t n = count(b->spec.targets);
    b->n_places = 1 + count(b->spec.tags);
    b->targets = koc__calloc(n + 1, sizeof(target));
    if (!b->targets) {
        return koc__oom(err);
    }
    for (; b->n_targets < n; b->n_targets++) {
        int rc = read_target(b, b->spec.targets[b->n_targets], &b->targets[b->n_targets], err);
        if (rc != KOC_OK) {
            b->n_targets++;
            return rc;
        }
    }
    return KOC_OK;
}

/* --- the client --- */

/* A caller without a client gets docker's credentials, as koc_publish gives them. */
static int need_client(building *b, koc_ctx *ctx, koc_error **err)
{
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    KOC__AUTO(koc_auth) auth = NULL;
    if (b->client) {
        return KOC_OK;
    }
    if (b->spec.client) {
        b->client = koc_client_ref(b->spec.client);
        return KOC_OK;
    }
    KOC__TRY(koc_auth_docker(NULL, &auth, err));
    o.auth = auth;
    return koc_client_new(ctx, &o, &b->client, err);
}

/* --- building --- */

static int open_base(building *b, koc_ctx *ctx, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    KOC__AUTO(koc_reference) reference = NULL;
    koc_place from = KOC_PLACE_INIT;
    if (is_scratch(b)) {
        return koc_edit_new(ctx, b->spec.platforms, &b->built->edit, err);
    }
    KOC__TRY(koc_place_parse(b->spec.base, 0, &storage, &from, err));
    reference = from.reference;
    if (from.kind == KOC_PLACE_REGISTRY) {
        KOC__TRY(need_client(b, ctx, err));
    }
    KOC__TRY(koc__edit_open(ctx, b->client, &from, b->spec.platforms, call, &b->built->edit, err));
    return b->spec.flags & KOC_SPEC_NO_BASE_RECORD
               ? KOC_OK
               : koc__edit_record_base(b->built->edit, call, err);
}

static int build(building *b, koc__call *call, koc_error **err)
{
    koc_edit *e = b->built->edit;
    koc_add_layer_options history = KOC_ADD_LAYER_OPTIONS_INIT;
    koc_layer_options layer = KOC_LAYER_OPTIONS_INIT;
    history.created_by = b->spec.created_by ? b->spec.created_by : "koc";
    history.created = layer.mtime = b->spec.mtime;
    history.flags = KOC_ADD_LAYER_CREATED;
    layer.compression = b->spec.compression;
    layer.level = b->spec.level;
    if (b->spec.n_layers > 0) {
        KOC__TRY(koc__edit_add_layers(e, b->spec.layers, b->spec.n_layers, &history, call, err));
    }
    KOC__TRY(koc__edit_add_files(e, b->files, b->spec.n_files, &layer, &history, call, err));
    return b->spec.changes ? koc__edit_change(e, b->spec.changes, call, err) : KOC_OK;
}

/* --- writing --- */

static int write_targets(building *b, koc_ctx *ctx, koc__call *call, koc_error **err)
{
    koc_place from = KOC_PLACE_INIT;
    size_t n = b->n_targets * b->n_places;
    if (n == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc_edit_place(b->built->edit, &from, err));
    koc_copy_pair *pairs = koc__calloc(n, sizeof(koc_copy_pair));
    if (!pairs) {
        return koc__oom(err);
    }
    int rc = KOC_OK;
    for (size_t i = 0; i < b->n_targets && rc == KOC_OK; i++) {
        for (size_t k = 0; k < b->n_places; k++) {
            pairs[i * b->n_places + k] =
                (koc_copy_pair){sizeof(koc_copy_pair), 0, &from, &b->targets[i].places[k]};
        }
        if (b->targets[i].places[0].kind == KOC_PLACE_REGISTRY) {
            rc = need_client(b, ctx, err);
        }
    }
    if (rc == KOC_OK) {
        koc_copy_options o = KOC_COPY_OPTIONS_INIT;
        rc = koc__copy(ctx, b->client, pairs, n, &o, NULL, call, err);
    }
    koc__free(pairs);
    return rc;
}

static int add_reference(koc_strlist *list, const koc_place *at, const koc_digest *d,
                         koc_error **err)
{
    const koc__digest_text digest = koc__digest_str(d);
    if (at->kind == KOC_PLACE_REGISTRY) {
        return koc__strlist_addf(list, err, "%s@%s", koc__reference_context(at->reference),
                                 digest.s);
    }
    const char *prefix = at->kind == KOC_PLACE_LAYOUT        ? "oci"
                         : at->kind == KOC_PLACE_OCI_ARCHIVE ? "oci-archive"
                                                             : "docker-archive";
    return koc__strlist_addf(list, err, "%s:%s@%s", prefix, at->path, digest.s);
}

static int list_references(building *b, koc_error **err)
{
    const koc_digest *d = &koc_edit_descriptor(b->built->edit)->digest;
    for (size_t i = 0; i < b->n_targets; i++) {
        KOC__TRY(add_reference(b->built->references, &b->targets[i].places[0], d, err));
    }
    return KOC_OK;
}

/* --- the call --- */

static int built_new(koc_built **out, koc_error **err)
{
    koc_built *b = koc__calloc(1, sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    *out = b;
    return koc__strlist_new(&b->references, err);
}

int koc_build_image(koc_ctx *ctx, const koc_image_spec *spec, const koc_op *op, koc_built **out,
                    koc_error **err)
{
    if (!ctx || !spec) {
        return koc__misuse(err, "koc_build_image: ctx or spec is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(building) b = {0};
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    KOC__TRY(read_spec(&b, spec, err));
    KOC__TRY(read_targets(&b, err));
    KOC__TRY(built_new(&b.built, err));
    KOC__TRY(open_base(&b, ctx, &call, err));
    KOC__TRY(build(&b, &call, err));
    KOC__TRY(write_targets(&b, ctx, &call, err));
    KOC__TRY(list_references(&b, err));
    KOC__TRY(koc_edit_report(b.built->edit, koc_strlist_get(b.built->references, 0),
                             &b.built->report, err));
    if (out) {
        *out = koc__steal(&b.built);
    }
    return KOC_OK;
}

const koc_descriptor *koc_built_descriptor(const koc_built *b)
{
    return b ? koc_edit_descriptor(b->edit) : NULL;
}

const char *koc_built_reference(const koc_built *b, size_t i)
{
    return b ? koc_strlist_get(b->references, i) : NULL;
}

size_t koc_built_count(const koc_built *b)
{
    return b ? koc_edit_count(b->edit) : 0;
}

koc_image *koc_built_image(const koc_built *b, size_t i)
{
    return b ? koc_edit_image(b->edit, i) : NULL;
}

koc_str koc_built_report(const koc_built *b)
{
    return b ? koc__str_n(b->report.ptr, b->report.len) : koc__str("");
}

const koc_strlist *koc_built_warnings(const koc_built *b)
{
    return b ? koc_edit_warnings(b->edit) : NULL;
}
