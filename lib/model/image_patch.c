/*
 * Applies the builder's changes to the documents of the base. Unknown members stay in place and numbers keep
 * their text; new members are appended in the order of this file.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "core/text.h"
#include "model/image_builder.h"

#define GO_ZERO_TIME "0001-01-01T00:00:00Z"

int koc__build_need(koc__jnode *object, const char *name, int type, koc__jnode **out,
                    koc_error **err)
{
    koc__jnode *n = koc__json_get(object, name);
    if (n && !koc__json_is(n, KOC__JSON_NULL)) {
        *out = n;
        return koc__json_is(n, type)
                   ? KOC_OK
                   : koc__error(err, KOC_EFORMAT, "cannot build on this base: its \"%s\" is not %s",
                                name, type == KOC__JSON_ARRAY ? "a list" : "an object");
    }
    koc__jnode *new = type == KOC__JSON_ARRAY ? koc__json_make_array() : koc__json_make_object();
    KOC__TRY(koc__json_put(object, name, new, err));
    *out = new;
    return KOC_OK;
}

static int put_str(koc__jnode *object, const char *name, const char *value, koc_error **err)
{
    return koc__json_put(object, name, koc__json_make_str(value), err);
}

/* value NULL or "": removes the member. */
static int put_or_drop(koc__jnode *object, const char *name, const char *value, koc_error **err)
{
    if (!value || !value[0]) {
        koc__json_drop(object, name);
        return KOC_OK;
    }
    return put_str(object, name, value, err);
}

static int put_time(koc__jnode *object, const char *name, int64_t seconds, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(64);
    KOC__TRY(koc__rfc3339(&text, seconds, err));
    return put_str(object, name, koc__dynbuf_cstr(&text), err);
}

static int put_list(koc__jnode *object, const char *name, const koc_strlist *list, koc_error **err)
{
    if (!list) {
        koc__json_drop(object, name);
        return KOC_OK;
    }
    koc__jnode *array = koc__json_make_array();
    KOC__TRY(koc__json_put(object, name, array, err));
    for (size_t i = 0; i < koc_strlist_count(list); i++) {
        KOC__TRY(koc__json_push(array, koc__json_make_str(koc_strlist_get(list, i)), err));
    }
    return KOC_OK;
}

/* Objects of strings: labels, annotations. An object that was created and stays empty is removed. */
static int put_settings(koc__jnode *parent, const char *name, const koc__settings *s,
                        koc_error **err)
{
    if (s->n == 0) {
        return KOC_OK;
    }
    koc__jnode *map = NULL;
    KOC__TRY(koc__build_need(parent, name, KOC__JSON_OBJECT, &map, err));
    for (size_t i = 0; i < s->n; i++) {
        if (s->items[i].value) {
            KOC__TRY(put_str(map, s->items[i].key, s->items[i].value, err));
        } else {
            koc__json_drop(map, s->items[i].key);
        }
    }
    if (koc__json_count(map) == 0) {
        koc__json_drop(parent, name);
    }
    return KOC_OK;
}

/* Objects of empty objects: ports, volumes. */
static int put_set(koc__jnode *parent, const char *name, const koc__settings *s, koc_error **err)
{
    koc__jnode *map = NULL;
    if (s->n == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc__build_need(parent, name, KOC__JSON_OBJECT, &map, err));
    for (size_t i = 0; i < s->n; i++) {
        if (s->items[i].value) {
            KOC__TRY(koc__json_put(map, s->items[i].key, koc__json_make_object(), err));
        } else {
            koc__json_drop(map, s->items[i].key);
        }
    }
    if (koc__json_count(map) == 0) {
        koc__json_drop(parent, name);
    }
    return KOC_OK;
}

int koc__build_annotate(koc__jnode *root, const koc__settings *annotations, koc_error **err)
{
    return put_settings(root, "annotations", annotations, err);
}

/* --- the environment --- */

static bool is_variable(const koc__jnode *item, const char *name)
{
    const char *text = koc__json_str(item);
    size_t n = strlen(name);
    return text && strncmp(text, name, n) == 0 && text[n] == '=';
}

/* The first item of that name gets the value; later ones are removed, since a runtime uses the last. ko keeps
 * them, so compat does as well. */
static int set_variable(koc__jnode *env, const koc__setting *s, bool keep_later, koc_error **err)
{
    KOC__AUTO_STR text = NULL;
    KOC__TRY(koc__formatf(&text, err, "%s=%s", s->key, s->value ? s->value : ""));
    bool placed = s->value == NULL;
    koc__jnode *next = NULL;
    for (koc__jnode *item = koc__json_child(env); item; item = next) {
        next = koc__json_next(item);
        if (!is_variable(item, s->key)) {
            continue;
        }
        if (!placed) {
            KOC__TRY(koc__json_replace(env, item, koc__json_make_str(text), err));
            placed = true;
        } else if (!keep_later || !s->value) {
            koc__json_remove(env, item);
        }
    }
    return placed ? KOC_OK : koc__json_push(env, koc__json_make_str(text), err);
}

static int put_env(const koc_image_builder *b, koc__jnode *config, koc_error **err)
{
    koc__jnode *env = NULL;
    if (b->env.n == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc__build_need(config, "Env", KOC__JSON_ARRAY, &env, err));
    for (size_t i = 0; i < b->env.n; i++) {
        const koc__setting *s = &b->env.items[i];
        if (s->append) {
            KOC__TRY(koc__json_push(env, koc__json_make_str(s->value), err));
        } else {
            KOC__TRY(set_variable(env, s, b->compat, err));
        }
    }
    if (koc__json_count(env) == 0) {
        koc__json_drop(config, "Env");
    }
    return KOC_OK;
}

/* --- the config --- */

static int put_text(const koc_image_builder *b, int32_t field, koc__jnode *object, const char *name,
                    koc_error **err)
{
    return b->has_text[field] ? put_or_drop(object, name, b->text[field], err) : KOC_OK;
}

static int put_created(const koc_image_builder *b, koc__jnode *root, koc_error **err)
{
    if (b->has_created) {
        return put_time(root, "created", b->created, err);
    }
    return b->base ? KOC_OK : put_time(root, "created", 0, err);
}

static int put_platform(const koc_image_builder *b, koc__jnode *root, koc_error **err)
{
    const koc_platform *p = b->platform;
    if (!p) {
        return KOC_OK;
    }
    KOC__TRY(put_str(root, "architecture", p->arch ? p->arch : "", err));
    KOC__TRY(put_str(root, "os", p->os ? p->os : "", err));
    KOC__TRY(put_or_drop(root, "variant", p->variant, err));
    KOC__TRY(put_or_drop(root, "os.version", p->os_version, err));
    koc__json_drop(root, "os.features");
    if (!p->os_features || !p->os_features[0]) {
        return KOC_OK;
    }
    koc__jnode *features = koc__json_make_array();
    KOC__TRY(koc__json_put(root, "os.features", features, err));
    for (size_t i = 0; p->os_features[i]; i++) {
        KOC__TRY(koc__json_push(features, koc__json_make_str(p->os_features[i]), err));
    }
    return KOC_OK;
}

static int put_config(const koc_image_builder *b, koc__jnode *root, koc_error **err)
{
    koc__jnode *config = NULL;
    KOC__TRY(koc__build_need(root, "config", KOC__JSON_OBJECT, &config, err));
    KOC__TRY(put_text(b, KOC_CFG_USER, config, "User", err));
    KOC__TRY(put_set(config, "ExposedPorts", &b->ports, err));
    KOC__TRY(put_env(b, config, err));
    if (b->has_entrypoint) {
        KOC__TRY(put_list(config, "Entrypoint", b->entrypoint, err));
    }
    if (b->has_cmd) {
        KOC__TRY(put_list(config, "Cmd", b->cmd, err));
    }
    KOC__TRY(put_set(config, "Volumes", &b->volumes, err));
    KOC__TRY(put_text(b, KOC_CFG_WORKDIR, config, "WorkingDir", err));
    KOC__TRY(put_settings(config, "Labels", &b->labels, err));
    return put_text(b, KOC_CFG_STOPSIGNAL, config, "StopSignal", err);
}

static int put_diff_ids(const koc_image_builder *b, const koc_digest *diff_ids, koc__jnode *root,
                        koc_error **err)
{
    koc__jnode *rootfs = NULL;
    koc__jnode *list = NULL;
    KOC__TRY(koc__build_need(root, "rootfs", KOC__JSON_OBJECT, &rootfs, err));
    if (!koc__json_get(rootfs, "type")) {
        KOC__TRY(put_str(rootfs, "type", "layers", err));
    }
    KOC__TRY(koc__build_need(rootfs, "diff_ids", KOC__JSON_ARRAY, &list, err));
    for (size_t i = 0; i < b->n_additions; i++) {
        KOC__TRY(koc__json_push(list, koc__json_make_str(koc__digest_str(&diff_ids[i]).s), err));
    }
    return KOC_OK;
}

/* The creation time of a layer: its own, else that of the image. ko writes only a given time. */
static int put_layer_time(const koc_image_builder *b, const koc__addition *a,
                          const koc__jnode *root, koc__jnode *entry, koc_error **err)
{
    if (a->has_created) {
        return put_time(entry, "created", a->created, err);
    }
    if (b->compat && !b->has_created) {
        return put_str(entry, "created", GO_ZERO_TIME, err);
    }
    const char *created = koc__json_get_str(root, "created");
    return created ? put_str(entry, "created", created, err) : KOC_OK;
}

static int put_history(const koc_image_builder *b, koc__jnode *root, koc_error **err)
{
    koc__jnode *history = NULL;
    if (b->n_additions == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc__build_need(root, "history", KOC__JSON_ARRAY, &history, err));
    for (size_t i = 0; i < b->n_additions; i++) {
        const koc__addition *a = &b->additions[i];
        koc__jnode *entry = koc__json_make_object();
        KOC__TRY(koc__json_push(history, entry, err));
        KOC__TRY(put_layer_time(b, a, root, entry, err));
        KOC__TRY(put_or_drop(entry, "author", a->author, err));
        KOC__TRY(put_or_drop(entry, "created_by", a->created_by, err));
        KOC__TRY(put_or_drop(entry, "comment", a->comment, err));
    }
    return KOC_OK;
}

int koc__build_config(const koc_image_builder *b, const koc_digest *diff_ids, koc__json **out,
                      koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(b->base ? koc__json_copy(koc__json_root(b->base->config_doc), &doc, err)
                     : koc__json_new(&doc, err));
    koc__jnode *root = koc__json_root(doc);
    KOC__TRY(put_created(b, root, err));
    KOC__TRY(put_text(b, KOC_CFG_AUTHOR, root, "author", err));
    KOC__TRY(put_platform(b, root, err));
    KOC__TRY(put_config(b, root, err));
    KOC__TRY(koc__build_put_members(root, &b->members, err));
    KOC__TRY(put_diff_ids(b, diff_ids, root, err));
    KOC__TRY(put_history(b, root, err));
    *out = koc__steal(&doc);
    return KOC_OK;
}

/* --- the manifest --- */

bool koc__build_is_docker(const koc_image_builder *b)
{
    if (b->format == KOC_FORMAT_SAME_AS_BASE) {
        return b->base && koc__image_is_docker(b->base);
    }
    return b->format == KOC_FORMAT_DOCKER;
}

/* A descriptor as a JSON document. */
static int descriptor_document(const koc_descriptor *d, koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    koc__jw w;
    koc__jw_begin(&w, &text, 0, 0);
    koc__descriptor_write(&w, d);
    KOC__TRY(koc__jw_end(&w, err));
    return koc__json_parse(koc__dynbuf_view(&text), KOC__MANIFEST_MAX, "descriptor", out, err);
}

static int put_manifest_type(const koc_image_builder *b, koc__jnode *root, koc_error **err)
{
    bool same = b->format == KOC_FORMAT_SAME_AS_BASE;
    if (b->compat && b->base && same && !koc__json_get(root, "mediaType")) {
        return KOC_OK; /* ko writes none if the base has none */
    }
    return put_str(root, "mediaType",
                   koc__build_is_docker(b) ? KOC_MT_DOCKER_MANIFEST : KOC_MT_OCI_MANIFEST, err);
}

/* If the manifest of the base embeds its config, the manifest of the image does, too. */
static int put_config_data(koc__jnode *config, koc_str data, koc_error **err)
{
    const koc__jnode *old = koc__json_get(config, "data");
    if (!old || koc__json_is(old, KOC__JSON_NULL)) {
        return KOC_OK;
    }
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(2 * KOC__CONFIG_MAX);
    KOC__TRY(koc__base64(&text, data, false, err));
    return put_str(config, "data", koc__dynbuf_cstr(&text), err);
}

static int put_config_descriptor(const koc_image_builder *b, koc__jnode *root, koc_str data,
                                 koc_error **err)
{
    koc__jnode *config = NULL;
    koc_digest digest = {0};
    KOC__TRY(koc_digest_of(data, &digest, err));
    KOC__TRY(koc__build_need(root, "config", KOC__JSON_OBJECT, &config, err));
    if (!b->base || b->format != KOC_FORMAT_SAME_AS_BASE) {
        const char *type = koc__build_is_docker(b) ? KOC_MT_DOCKER_CONFIG : KOC_MT_OCI_CONFIG;
        KOC__TRY(put_str(config, "mediaType", type, err));
    }
    KOC__TRY(koc__json_put(config, "size", koc__json_make_u64(data.len), err));
    KOC__TRY(put_str(config, "digest", koc__digest_str(&digest).s, err));
    return put_config_data(config, data, err);
}

static int put_layers(const koc_image_builder *b, koc_layer *const *layers, size_t n_layers,
                      koc__jnode *root, koc_error **err)
{
    koc__jnode *list = NULL;
    KOC__TRY(koc__build_need(root, "layers", KOC__JSON_ARRAY, &list, err));
    size_t i = 0;
    /* The entries of the base stay unchanged, except for the type in a conversion. */
    for (koc__jnode *n = koc__json_child(list); n; n = koc__json_next(n)) {
        KOC__TRY(put_str(n, "mediaType", layers[i++]->descriptor->media_type, err));
    }
    for (; i < n_layers; i++) {
        KOC__AUTO(koc__json) doc = NULL;
        KOC__TRY(descriptor_document(layers[i]->descriptor, &doc, err));
        KOC__TRY(koc__json_push(list, koc__json_make_copy(koc__json_root(doc)), err));
    }
    return KOC_OK;
}

static int put_subject(const koc_image_builder *b, koc__jnode *root, koc_error **err)
{
    koc__json_drop(root, "subject"); /* the subject of the base is not that of this image */
    if (!b->subject) {
        return KOC_OK;
    }
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(descriptor_document(b->subject, &doc, err));
    return koc__json_put(root, "subject", koc__json_make_copy(koc__json_root(doc)), err);
}

int koc__build_manifest(const koc_image_builder *b, koc_layer *const *layers, size_t n_layers,
                        koc_str config, koc__json **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(b->base ? koc__json_copy(koc__json_root(b->base->manifest_doc), &doc, err)
                     : koc__json_new(&doc, err));
    koc__jnode *root = koc__json_root(doc);
    KOC__TRY(koc__json_put(root, "schemaVersion", koc__json_make_u64(2), err));
    KOC__TRY(put_manifest_type(b, root, err));
    KOC__TRY(put_config_descriptor(b, root, config, err));
    KOC__TRY(put_layers(b, layers, n_layers, root, err));
    KOC__TRY(put_subject(b, root, err));
    KOC__TRY(koc__build_annotate(root, &b->annotations, err));
    *out = koc__steal(&doc);
    return KOC_OK;
}
