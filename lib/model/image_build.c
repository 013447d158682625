/*
 * The image builder, first half: setters only record changes. finish applies them in koc's own order, so the
 * order of the calls does not change the bytes (except for Env and layers, where it has a meaning).
 */
#include "core/common.h"

#include "core/str.h"
#include "core/text.h"
#include "model/image_builder.h"

/* --- settings --- */

static int insert_setting(koc__settings *s, size_t at, const char *key, const char *value,
                          bool append, koc_error **err)
{
    void *items = s->items;
    if (!koc__grow(&items, &s->capacity, s->n + 1, sizeof(*s->items))) {
        return koc__oom(err);
    }
    s->items = items;
    koc__setting new = {koc__strdup(key), koc__strdup(value), append};
    if (!new.key || (value && !new.value)) {
        koc__free(new.key);
        koc__free(new.value);
        return koc__oom(err);
    }
    memmove(&s->items[at + 1], &s->items[at], (s->n - at) * sizeof(*s->items));
    s->items[at] = new;
    s->n++;
    return KOC_OK;
}

int koc__settings_put(koc__settings *s, const char *key, const char *value, koc_error **err)
{
    size_t at = 0;
    while (at < s->n && strcmp(s->items[at].key, key) < 0) {
        at++;
    }
    if (at == s->n || strcmp(s->items[at].key, key) != 0) {
        return insert_setting(s, at, key, value, false, err);
    }
    char *copy = koc__strdup(value);
    if (value && !copy) {
        return koc__oom(err);
    }
    koc__free(s->items[at].value);
    s->items[at].value = copy;
    return KOC_OK;
}

void koc__settings_dispose(koc__settings *s)
{
    for (size_t i = 0; i < s->n; i++) {
        koc__free(s->items[i].key);
        koc__free(s->items[i].value);
    }
    koc__free(s->items);
    *s = (koc__settings){0};
}

/* --- life --- */

int koc_image_builder_new(koc_ctx *ctx, koc_image *base, koc_image_builder **out, koc_error **err)
{
    if (!out) {
        return koc__misuse(err, "koc_image_builder_new: out is NULL");
    }
    koc_image_builder *b = koc__calloc(1, sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    b->ctx = koc_ctx_ref(ctx);
    b->base = koc_image_ref(base);
    *out = b;
    return KOC_OK;
}

static void addition_dispose(koc__addition *a)
{
    koc_layer_unref(a->layer);
    koc__descriptor_free(a->descriptor);
    koc__free(a->created_by);
    koc__free(a->comment);
    koc__free(a->author);
}
KOC__DEFINE_AUTO_VAL(koc__addition, addition_dispose);

void koc_image_builder_free(koc_image_builder *b)
{
    if (!b) {
        return;
    }
    for (size_t i = 0; i < b->n_additions; i++) {
        addition_dispose(&b->additions[i]);
    }
    koc__free(b->additions);
    koc__settings_dispose(&b->env);
    koc__settings_dispose(&b->labels);
    koc__settings_dispose(&b->annotations);
    koc__settings_dispose(&b->ports);
    koc__settings_dispose(&b->volumes);
    koc__settings_dispose(&b->members);
    for (size_t i = 0; i < KOC__COUNT(b->text); i++) {
        koc__free(b->text[i]);
    }
    koc_strlist_free(b->entrypoint);
    koc_strlist_free(b->cmd);
    koc__platform_free(b->platform);
    koc__descriptor_free(b->subject);
    koc_image_unref(b->base);
    koc_ctx_unref(b->ctx);
    koc__free(b);
}

int koc__builder_check(const char *missing, bool finished, const char *function, koc_error **err)
{
    if (missing) {
        return koc__error(err, KOC_EMISUSE, "%s: %s is NULL", function, missing);
    }
    if (finished) {
        return koc__error(err, KOC_EMISUSE, "%s: the builder is finished", function);
    }
    return KOC_OK;
}

/* Every setter calls this first. missing: the name of an argument that is NULL, or NULL. */
static int check_usable(const koc_image_builder *b, const char *missing, const char *function,
                        koc_error **err)
{
    return koc__builder_check(b ? missing : "b", b && b->finished, function, err);
}

/* --- layers --- */

/* The layer's descriptor; given annotations replace its own. */
static int describe_addition(koc__addition *a, const koc_add_layer_options *o, koc_error **err)
{
    koc_descriptor d = *a->layer->descriptor;
    if (o->n_annotations > 0) {
        d.annotations = o->annotations;
        d.n_annotations = o->n_annotations;
    }
    a->descriptor = koc__descriptor_dup(&d);
    return a->descriptor ? KOC_OK : koc__oom(err);
}

static int copy_text(const char *from, char **to, koc_error **err)
{
    *to = koc__strdup(from);
    return from && !*to ? koc__oom(err) : KOC_OK;
}

static int keep_addition(koc_image_builder *b, koc__addition *a, koc_error **err)
{
    if (b->n_additions >= KOC__DESCRIPTORS_MAX) {
        return koc__error(err, KOC_ELIMIT, "cannot add more than %d layers to an image",
                          KOC__DESCRIPTORS_MAX);
    }
    void *additions = b->additions;
    if (!koc__grow(&additions, &b->capacity, b->n_additions + 1, sizeof(*a))) {
        return koc__oom(err);
    }
    b->additions = additions;
    b->additions[b->n_additions++] = *a;
    *a = (koc__addition){0};
    return KOC_OK;
}

int koc_image_builder_add_layer(koc_image_builder *b, koc_layer *layer,
                                const koc_add_layer_options *opts, koc_error **err)
{
    KOC__TRY(check_usable(b, layer ? NULL : "layer", "koc_image_builder_add_layer", err));
    koc_add_layer_options o;
    KOC__TRY(koc__options_copy(&o, sizeof(o), opts, "koc_add_layer_options", err));
    if (o.flags & ~KOC_ADD_LAYER_CREATED) {
        return koc__misuse(err, "koc_image_builder_add_layer: unknown flags");
    }
    KOC__AUTO_VAL(koc__addition) a = {.layer = koc_layer_ref(layer)};
    a.has_created = o.created != 0 || (o.flags & KOC_ADD_LAYER_CREATED);
    a.created = o.created;
    KOC__TRY(copy_text(o.created_by, &a.created_by, err));
    KOC__TRY(copy_text(o.comment, &a.comment, err));
    KOC__TRY(copy_text(o.author, &a.author, err));
    KOC__TRY(describe_addition(&a, &o, err));
    return keep_addition(b, &a, err);
}

/* --- configuration --- */

static int copy_argv(const char *const *argv, koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) copy = NULL;
    if (argv) {
        KOC__TRY(koc__strlist_new(&copy, err));
    }
    for (size_t i = 0; argv && argv[i]; i++) {
        KOC__TRY(koc__image_config_check_utf8("an argument", argv[i], err));
        KOC__TRY(koc__strlist_add(copy, argv[i], err));
    }
    koc_strlist_free(*out);
    *out = koc__steal(&copy);
    return KOC_OK;
}

int koc_image_builder_set_entrypoint(koc_image_builder *b, const char *const *argv, koc_error **err)
{
    KOC__TRY(check_usable(b, NULL, "koc_image_builder_set_entrypoint", err));
    KOC__TRY(copy_argv(argv, &b->entrypoint, err));
    b->has_entrypoint = true;
    return KOC_OK;
}

int koc_image_builder_set_cmd(koc_image_builder *b, const char *const *argv, koc_error **err)
{
    KOC__TRY(check_usable(b, NULL, "koc_image_builder_set_cmd", err));
    KOC__TRY(copy_argv(argv, &b->cmd, err));
    b->has_cmd = true;
    return KOC_OK;
}

int koc_image_builder_set_env(koc_image_builder *b, const char *name, const char *value,
                              koc_error **err)
{
    KOC__TRY(check_usable(b, name ? NULL : "name", "koc_image_builder_set_env", err));
    if (!name[0] || strchr(name, '=')) {
        return koc__error(err, KOC_EINVAL, "\"%s\" is not the name of an environment variable",
                          name);
    }
    KOC__TRY(koc__image_config_check_utf8("an environment variable", name, err));
    KOC__TRY(koc__image_config_check_utf8(name, value, err));
    return insert_setting(&b->env, b->env.n, name, value, false, err);
}

int koc__image_builder_append_env(koc_image_builder *b, const char *item, koc_error **err)
{
    KOC__TRY(check_usable(b, item ? NULL : "item", "koc__image_builder_append_env", err));
    return insert_setting(&b->env, b->env.n, "", item, true, err);
}

static int put_named(koc__settings *s, const char *key, const char *value, const char *what,
                     koc_error **err)
{
    if (!key[0]) {
        return koc__error(err, KOC_EINVAL, "%s needs a name", what);
    }
    KOC__TRY(koc__image_config_check_utf8(what, key, err));
    KOC__TRY(koc__image_config_check_utf8(key, value, err));
    return koc__settings_put(s, key, value, err);
}

int koc_image_builder_set_label(koc_image_builder *b, const char *key, const char *value,
                                koc_error **err)
{
    KOC__TRY(check_usable(b, key ? NULL : "key", "koc_image_builder_set_label", err));
    return put_named(&b->labels, key, value, "a label", err);
}

int koc_image_builder_set_annotation(koc_image_builder *b, const char *key, const char *value,
                                     koc_error **err)
{
    KOC__TRY(check_usable(b, key ? NULL : "key", "koc_image_builder_set_annotation", err));
    return put_named(&b->annotations, key, value, "an annotation", err);
}

int koc_image_builder_set_str(koc_image_builder *b, int32_t field, const char *value,
                              koc_error **err)
{
    KOC__TRY(check_usable(b, NULL, "koc_image_builder_set_str", err));
    if (field < KOC_CFG_USER || field > KOC_CFG_AUTHOR) {
        return koc__misuse(err, "koc_image_builder_set_str: unknown field");
    }
    KOC__TRY(koc__image_config_check_text(field, value, err));
    char *copy = NULL;
    KOC__TRY(copy_text(value, &copy, err));
    koc__free(b->text[field]);
    b->text[field] = copy;
    b->has_text[field] = true;
    return KOC_OK;
}

static int put_in_set(koc_image_builder *b, int32_t field, const char *name, bool remove,
                      const char *function, koc_error **err)
{
    KOC__TRY(check_usable(b, name ? NULL : "value", function, err));
    if (field != KOC_CFG_PORT && field != KOC_CFG_VOLUME) {
        return koc__error(err, KOC_EMISUSE, "%s: unknown field", function);
    }
    const char *value = remove ? NULL : "";
    if (field == KOC_CFG_PORT) {
        KOC__TRY(remove ? KOC_OK : koc__image_config_check_port(name, err));
        return put_named(&b->ports, name, value, "an exposed port", err);
    }
    KOC__TRY(remove ? KOC_OK : koc__image_config_check_volume(name, err));
    return put_named(&b->volumes, name, value, "a volume", err);
}

int koc_image_builder_add_str(koc_image_builder *b, int32_t field, const char *value,
                              koc_error **err)
{
    return put_in_set(b, field, value, false, "koc_image_builder_add_str", err);
}

int koc_image_builder_remove_str(koc_image_builder *b, int32_t field, const char *value,
                                 koc_error **err)
{
    return put_in_set(b, field, value, true, "koc_image_builder_remove_str", err);
}

int koc_image_builder_set_config(koc_image_builder *b, const char *json_pointer, const char *json,
                                 koc_error **err)
{
    KOC__TRY(
        check_usable(b, json_pointer ? NULL : "json_pointer", "koc_image_builder_set_config", err));
    KOC__TRY(koc__build_check_member(json_pointer, json, err));
    return insert_setting(&b->members, b->members.n, json_pointer, json, false, err);
}

int koc_image_builder_set_created(koc_image_builder *b, int64_t epoch_seconds, koc_error **err)
{
    KOC__TRY(check_usable(b, NULL, "koc_image_builder_set_created", err));
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(64);
    KOC__TRY(koc__rfc3339(&text, epoch_seconds, err)); /* years 0 to 9999 */
    b->has_created = true;
    b->created = epoch_seconds;
    return KOC_OK;
}

int koc_image_builder_set_platform(koc_image_builder *b, const koc_platform *p, koc_error **err)
{
    KOC__TRY(check_usable(b, p ? NULL : "p", "koc_image_builder_set_platform", err));
    KOC__TRY(koc__platform_check(p, err));
    koc_platform *copy = koc__platform_dup(p);
    if (!copy) {
        return koc__oom(err);
    }
    koc__platform_free(b->platform);
    b->platform = copy;
    return KOC_OK;
}

int koc_image_builder_set_format(koc_image_builder *b, int32_t format, koc_error **err)
{
    KOC__TRY(check_usable(b, NULL, "koc_image_builder_set_format", err));
    if (format < KOC_FORMAT_SAME_AS_BASE || format > KOC_FORMAT_DOCKER) {
        return koc__misuse(err, "koc_image_builder_set_format: unknown format");
    }
    b->format = format;
    return KOC_OK;
}

int koc_image_builder_set_subject(koc_image_builder *b, const koc_descriptor *subject,
                                  koc_error **err)
{
    bool good = subject && subject->media_type && subject->digest.algorithm != KOC_DIGEST_NONE;
    KOC__TRY(check_usable(b, good ? NULL : "subject, its media_type or its digest",
                          "koc_image_builder_set_subject", err));
    koc_descriptor *copy = koc__descriptor_dup(subject);
    if (!copy) {
        return koc__oom(err);
    }
    koc__descriptor_free(b->subject);
    b->subject = copy;
    return KOC_OK;
}

void koc__image_builder_set_compat(koc_image_builder *b)
{
    b->compat = true;
}

/* --- finish --- */

typedef struct result {
    koc_layer **layers;
    size_t n_layers;
    koc_digest *diff_ids; /* of the additions */
    koc__dynbuf config;
    koc__dynbuf manifest;
} result;

static void result_dispose(result *r)
{
    for (size_t i = 0; i < r->n_layers; i++) {
        koc_layer_unref(r->layers[i]);
    }
    koc__free(r->layers);
    koc__free(r->diff_ids);
    koc__dynbuf_dispose(&r->config);
    koc__dynbuf_dispose(&r->manifest);
}
KOC__DEFINE_AUTO_VAL(result, result_dispose);

/* The media type of a layer in the family of this image; an unknown type stays. */
static int family_type(const koc_image_builder *b, const koc_descriptor *d, bool convert,
                       const char **out, koc_error **err)
{
    *out = d->media_type;
    bool docker = koc__build_is_docker(b);
    int32_t compression = koc__mt_compression(d->media_type);
    if (!convert || compression < 0 || koc__mt_is_docker(d->media_type) == docker) {
        return KOC_OK;
    }
    *out = koc__mt_is_foreign(d->media_type)
               ? NULL
               : koc__mt_layer(docker ? KOC_FORMAT_DOCKER : KOC_FORMAT_OCI, compression);
    if (!*out) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "%s manifests have no media type for a layer of type %s",
                          docker ? "Docker" : "OCI", d->media_type);
    }
    return KOC_OK;
}

/* l itself, or a twin with another descriptor. */
static int layer_with(koc_layer *l, const koc_descriptor *d, const char *media_type,
                      koc_layer **out, koc_error **err)
{
    bool same = d == l->descriptor || (d->n_annotations == 0 && l->descriptor->n_annotations == 0);
    if (same && koc__streq(media_type, l->descriptor->media_type)) {
        *out = koc_layer_ref(l);
        return KOC_OK;
    }
    koc_descriptor changed = *d;
    changed.media_type = media_type;
    return koc__layer_twin(l, &changed, l->blob, l->origin, out, err);
}

static int collect_layer(const koc_image_builder *b, koc_layer *l, const koc_descriptor *d,
                         bool convert, result *r, koc_error **err)
{
    const char *media_type = NULL;
    KOC__TRY(family_type(b, d, convert, &media_type, err));
    KOC__TRY(layer_with(l, d, media_type, &r->layers[r->n_layers], err));
    r->n_layers++;
    return KOC_OK;
}

static int collect_layers(const koc_image_builder *b, koc__call *call, result *r, koc_error **err)
{
    size_t n_base = koc_image_layer_count(b->base);
    r->layers = koc__calloc(n_base + b->n_additions + 1, sizeof(koc_layer *));
    r->diff_ids = koc__calloc(b->n_additions + 1, sizeof(*r->diff_ids));
    if (!r->layers || !r->diff_ids) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n_base; i++) {
        koc_layer *l = koc_image_layer(b->base, i);
        bool convert = b->format != KOC_FORMAT_SAME_AS_BASE;
        KOC__TRY(collect_layer(b, l, l->descriptor, convert, r, err));
    }
    for (size_t i = 0; i < b->n_additions; i++) {
        const koc__addition *a = &b->additions[i];
        KOC__TRY(koc__layer_diff_id(a->layer, call, &r->diff_ids[i], err));
        KOC__TRY(collect_layer(b, a->layer, a->descriptor, true, r, err));
    }
    return KOC_OK;
}

static int write_document(const koc_image_builder *b, const koc__json *doc,
                          void (*compat)(koc__jw *w, const koc__jnode *root), koc__dynbuf *out,
                          koc_error **err)
{
    koc__jw w;
    koc__jw_begin(&w, out, 0, b->compat ? KOC__JW_GO : 0);
    (b->compat ? compat : koc__jw_node)(&w, koc__json_root(doc));
    return koc__jw_end(&w, err);
}

/* An unchanged config keeps the bytes of the base's config, white space included. */
static int keep_config(const koc_image_builder *b, result *r, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) same = KOC__DYNBUF_INIT(KOC__CONFIG_MAX);
    if (!b->base || b->compat || b->n_additions > 0) {
        return KOC_OK;
    }
    KOC__TRY(write_document(b, b->base->config_doc, NULL, &same, err));
    if (!koc__str_eq(koc__dynbuf_view(&same), koc__dynbuf_view(&r->config))) {
        return KOC_OK;
    }
    koc__dynbuf_clear(&r->config);
    return koc__dynbuf_put(&r->config, koc_image_config(b->base), err);
}

static int write_config(const koc_image_builder *b, result *r, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__build_config(b, r->diff_ids, &doc, err));
    r->config = (koc__dynbuf)KOC__DYNBUF_INIT(KOC__CONFIG_MAX);
    KOC__TRY(write_document(b, doc, koc__compat_write_config, &r->config, err));
    return keep_config(b, r, err);
}

static int write_manifest(const koc_image_builder *b, result *r, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(
        koc__build_manifest(b, r->layers, r->n_layers, koc__dynbuf_view(&r->config), &doc, err));
    r->manifest = (koc__dynbuf)KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    return write_document(b, doc, koc__compat_write_manifest, &r->manifest, err);
}

int koc__image_builder_finish(koc_image_builder *b, koc__call *call, koc_image **out,
                              koc_error **err)
{
    KOC__TRY(check_usable(b, out ? NULL : "out", "koc_image_builder_finish", err));
    b->finished = true;
    if (!b->base && !b->platform) {
        return koc__error(err, KOC_EINVAL, "an image without a base needs a platform");
    }
    KOC__AUTO_VAL(result) r = {0};
    KOC__TRY(collect_layers(b, call, &r, err));
    KOC__TRY(write_config(b, &r, err));
    KOC__TRY(write_manifest(b, &r, err));
    KOC__AUTO_VAL(koc_buf) manifest = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) config = KOC_BUF_INIT;
    koc__dynbuf_give(&r.manifest, &manifest);
    koc__dynbuf_give(&r.config, &config);
    return koc__image_make(b->ctx, &manifest, &config, r.layers, out, err);
}

int koc_image_builder_finish(koc_image_builder *b, const koc_op *op, koc_image **out,
                             koc_error **err)
{
    KOC__TRY(check_usable(b, out ? NULL : "out", "koc_image_builder_finish", err));
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, b->ctx, op, err));
    return koc__image_builder_finish(b, &call, out, err);
}
