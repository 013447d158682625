/* Opens base images: which of the wanted platforms one has, and under which digests. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "core/io/cache.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "model/model.h"
#include "model/walk.h"
#include "registry/registry.h"
#include "store/store.h"
#include "transfer/transfer.h"

KOC__DEFINE_AUTO(koc_client, koc_client_unref);

#define TAGS    "basetag"
#define TAG_MAX ((size_t)256)

/* Sets the kind and the place of a file. A text that does not parse is treated as a reference: koc__base_open reports
 * the error with the setting that holds it. */
static int set_kind(koc__base *b, koc_error **err)
{
    koc_place place = KOC_PLACE_INIT;
    if (koc__str_starts(koc__str(b->name), "ko.local/")) {
        b->kind = KOC__BASE_DAEMON;
        return KOC_OK;
    }
    int rc = koc_place_parse(b->name, KOC_PARSE_NO_PATH, &b->storage, &place, NULL);
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    b->kind = place.path ? KOC__BASE_FILE : KOC__BASE_REMOTE;
    koc_reference_unref(place.reference);
    place.reference = NULL;
    b->place = place;
    return KOC_OK;
}

static int base_new(const char *name, const char *asked_by, bool by_default, koc__base **out,
                    koc_error **err)
{
    KOC__AUTO(koc__base) b = koc__calloc(1, sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    bool prefixed = koc__str_starts(koc__str(name), "docker://");
    b->name = koc__strdup(name + (prefixed ? strlen("docker://") : 0));
    b->asked_by = koc__strdup(asked_by);
    if (!b->name || (asked_by && !b->asked_by)) {
        return koc__oom(err);
    }
    b->by_default = by_default;
    b->kind = KOC__BASE_SCRATCH;
    KOC__TRY(koc__streq(name, "scratch") ? KOC_OK : set_kind(b, err));
    *out = koc__steal(&b);
    return KOC_OK;
}

int koc__base_of(const koc__plan *p, const char *import_path, koc__base **out, koc_error **err)
{
    if (p->o.base_image) {
        return base_new(p->o.base_image, NULL, false, out, err);
    }
    const koc__go_base *asked = koc__go_settings_base(p->settings, import_path);
    KOC__AUTO_STR by =
        koc__format("%s, for %s", asked->where ? asked->where : "the default", import_path);
    return by ? base_new(asked->name, by, !asked->where, out, err) : koc__oom(err);
}

int koc__base_copy_unopened(const koc__base *b, koc__base **out, koc_error **err)
{
    return base_new(b->name, b->asked_by, b->by_default, out, err);
}

void koc__base_free(koc__base *b)
{
    if (!b) {
        return;
    }
    for (size_t i = 0; i < b->n_items; i++) {
        koc__platform_free(b->items[i].platform);
        koc__descriptor_free(b->items[i].entry);
        koc_image_unref(b->items[i].image);
    }
    koc__free(b->items);
    koc_index_unref(b->index);
    koc_source_free(b->source);
    if (b->directory) {
        (void)koc__fs_remove(b->directory, NULL);
    }
    koc__free(b->directory);
    koc_buf_dispose(&b->storage);
    koc__free(b->annotation);
    koc__free(b->asked_by);
    koc__free(b->name);
    koc__free(b);
}

static int add_item(koc__base *b, const koc_platform *platform, const koc_descriptor *entry,
                    koc_image *image, koc_error **err)
{
    size_t capacity = b->n_items;
    const koc_platform spelled = koc__platform_spelled(platform);
    KOC__AUTO(koc_platform) copy = koc__platform_dup(&spelled);
    koc_descriptor named = entry ? *entry : (koc_descriptor)KOC_DESCRIPTOR_INIT;
    named.platform = named.platform ? named.platform : platform;
    KOC__AUTO(koc_descriptor) own = entry ? koc__descriptor_dup(&named) : NULL;
    if (!copy || (entry && !own) ||
        !koc__grow((void **)&b->items, &capacity, b->n_items + 1, sizeof(*b->items))) {
        return koc__oom(err);
    }
    b->items[b->n_items++] =
        (koc__base_item){koc__steal(&copy), koc__steal(&own), koc_image_ref(image)};
    return KOC_OK;
}

/* Scratch has every platform that is named (decisions.md 4). */
static int open_scratch(const koc__plan *p, koc__base *b, koc_error **err)
{
    const koc_strlist *wanted = p->platforms;
    for (size_t i = 0; i < koc_strlist_count(wanted); i++) {
        const char *text = koc_strlist_get(wanted, i);
        KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
        koc_platform platform = KOC_PLATFORM_INIT;
        if (koc__streq(text, "all")) {
            return koc__error_option(
                err, "platforms",
                "the base scratch has no list of platforms: name them instead of \"all\"");
        }
        KOC__TRY(koc_platform_parse(text, &storage, &platform, err));
        if (!platform.os || !platform.arch) {
            return koc__error_option(
                err, "platforms",
                "\"%s\" lacks the os or the architecture, which the base scratch does not give",
                text);
        }
        KOC__TRY(add_item(b, &platform, NULL, NULL, err));
    }
    return KOC_OK;
}

/* have: as in "linux/amd64, linux/arm64". */
static int no_platform(const koc__plan *p, const char *have, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) want = KOC__DYNBUF_INIT(1024);
    for (size_t i = 0; i < koc_strlist_count(p->platforms); i++) {
        koc__dynbuf_printf(&want, NULL, "%s%s", i ? ", " : "", koc_strlist_get(p->platforms, i));
    }
    return koc__error(err, KOC_EPLATFORM, "it has no %s (it has %s)", koc__dynbuf_cstr(&want),
                      have);
}

/* ko: the platform of a single image is its config's, without the variant; empty is linux/amd64. */
static int open_single(const koc__plan *p, koc__base *b, koc_image *image, koc_error **err)
{
    const koc_platform *have = koc_image_platform(image);
    koc_platform platform = KOC_PLATFORM_INIT;
    platform.os = have && have->os && *have->os ? have->os : "linux";
    platform.arch = have && have->arch && *have->arch ? have->arch : "amd64";
    platform.os_version = have ? have->os_version : NULL;
    b->digest = koc_image_descriptor(image)->digest;
    b->docker = koc__image_is_docker(image);
    if (!koc__platform_wanted(p->platforms, &platform)) {
        KOC__AUTO_STR text = koc__platform_str(&platform);
        return no_platform(p, text ? text : "?", err);
    }
    return add_item(b, &platform, NULL, image, err);
}

/* --- an index --- */

typedef struct choice {
    koc__source_walk way; /* first: the walk of a source takes it for its self */
    const koc__plan *plan;
    koc__base *base;
    koc_client *client; /* of a remote base */
    koc_reference *ref;
} choice;

static bool choice_wanted(void *self, const koc_platform *p)
{
    const choice *c = self;
    return koc__platform_wanted(c->plan->platforms, p);
}

static int choice_found(void *self, const koc_descriptor *d, const koc_platform *p, koc_image *img,
                        bool *over KOC__UNUSED, koc_error **err)
{
    const choice *c = self;
    return add_item(c->base, p, d, img, err);
}

static int open_index(const choice *c, koc__walk *walk, koc_index *index, koc_error **err)
{
    koc__base *b = c->base;
    walk->wanted = choice_wanted;
    walk->found = choice_found;
    b->index = koc_index_ref(index);
    b->digest = koc_index_descriptor(index)->digest;
    b->docker = koc__index_is_docker(index);
    KOC__TRY(koc__walk_run(walk, index, err));
    return b->n_items ? KOC_OK : no_platform(c->plan, koc__walk_others(walk), err);
}

/* --- a registry --- */

static int remote_index(void *self, const koc_descriptor *d, koc__call *call, koc_index **out,
                        koc_error **err)
{
    const choice *c = self;
    return koc__client_get_index_by(c->client, c->ref, d, call, out, err);
}

static int remote_image(void *self, const koc_descriptor *d, koc__call *call, koc_image **out,
                        koc_error **err)
{
    const choice *c = self;
    KOC__AUTO(koc_reference) by_digest = NULL;
    KOC__TRY(koc_reference_with_digest(c->ref, &d->digest, &by_digest, err));
    return koc__client_get_image(c->client, by_digest, NULL, call, out, err);
}

/* host/repo:tag with ":latest" made explicit, or host/repo@digest (ko 10.6: a tag beside a digest is lost). */
static int annotation_name(koc__base *b, const koc_reference *ref, koc_error **err)
{
    KOC__AUTO(koc_reference) named = NULL;
    const char *tag = koc_reference_tag(ref);
    if (koc_reference_digest(ref)) {
        KOC__TRY(koc_reference_with_tag(ref, NULL, &named, err));
    } else {
        KOC__TRY(koc_reference_with_tag(ref, tag ? tag : "latest", &named, err));
    }
    b->annotation = koc__strdup(koc_reference_string(named));
    return b->annotation ? KOC_OK : koc__oom(err);
}

/* --- tags that earlier builds resolved --- */

static void remember_tag(const koc__plan *p, const koc__base *b)
{
    koc__digest_text digest = koc__digest_str(&b->digest);
    KOC__AUTO_VAL(koc_buf) kept = KOC_BUF_INIT;
    koc_str key = koc__str(b->annotation);
    bool found = false;
    if (!p->ctx->cache ||
        koc__cache_get(p->ctx->cache, TAGS, key, TAG_MAX, &found, &kept, NULL) != KOC_OK ||
        (found && koc__str_is(koc__str_n(kept.ptr, kept.len), digest.s))) {
        return;
    }
    (void)koc__cache_put(p->ctx->cache, TAGS, key, koc__str(digest.s), NULL);
}

/* Replaces the tag by the digest that it had at the last lookup. */
static int recall_tag(const koc__plan *p, const koc__base *b, koc_reference **ref, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) kept = KOC_BUF_INIT;
    KOC__AUTO(koc_reference) exact = NULL;
    koc_digest digest;
    bool found = false;
    if (koc_reference_digest(*ref)) {
        return KOC_OK;
    }
    KOC__TRY(
        koc__cache_get(p->ctx->cache, TAGS, koc__str(b->annotation), TAG_MAX, &found, &kept, err));
    if (!found || !koc__digest_read(koc__str_n(kept.ptr, kept.len), &digest)) {
        return koc__error(err, KOC_ENOTFOUND,
                          "not in the cache, and an offline build does not ask for it");
    }
    KOC__TRY(koc_reference_with_digest(*ref, &digest, &exact, err));
    koc_reference *tagged = *ref;
    *ref = koc__steal(&exact);
    koc_reference_unref(tagged);
    return KOC_OK;
}

static int open_at(koc__plan *p, koc__base *b, koc_client *client, koc_reference *ref,
                   koc__call *call, koc_error **err)
{
    choice c = {.plan = p, .base = b, .client = client, .ref = ref};
    KOC__AUTO_VAL(koc__walk)
    walk = {.self = &c, .index = remote_index, .image = remote_image, .call = call};
    KOC__AUTO(koc_index) index = NULL;
    KOC__AUTO(koc_image) image = NULL;
    KOC__TRY(koc__client_get_either(client, ref, call, &index, &image, err));
    return index ? open_index(&c, &walk, index, err) : open_single(p, b, image, err);
}

static int open_remote(koc__plan *p, koc__base *b, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_reference) ref = NULL;
    KOC__TRY(koc_reference_parse(b->name, 0, &ref, err));
    KOC__TRY(annotation_name(b, ref, err));
    bool offline = p->o.flags & KOC_PUBLISH_OFFLINE;
    if (offline) {
        KOC__TRY(recall_tag(p, b, &ref, err));
    }
    KOC__TRY(open_at(p, b, p->client, ref, call, err));
    if (!offline && !koc_reference_digest(ref)) {
        remember_tag(p, b);
    }
    return KOC_OK;
}

/* --- files --- */

/* The source stays open with the base: it may hold the only copy of the layers. */
static int open_file(koc__plan *p, koc__base *b, const koc_place *place, koc__call *call,
                     koc_error **err)
{
    KOC__AUTO(koc_index) index = NULL;
    KOC__AUTO(koc_image) image = NULL;
    KOC__TRY(koc__source_open(p->ctx, NULL, place, call, &b->source, err));
    const koc__document *top = &b->source->top;
    if (!koc__mt_is_index(top->media_type.ptr)) {
        KOC__TRY(koc__source_image_of(b->source, top, call, &image, err));
        return open_single(p, b, image, err);
    }
    choice c = {.way = {b->source}, .plan = p, .base = b};
    KOC__AUTO_VAL(koc__walk) walk = koc__source_walk_init(&c.way, call);
    KOC__TRY(koc_index_from_bytes(p->ctx, koc__document_text(top), &index, err));
    return open_index(&c, &walk, index, err);
}

/* ko.local/…: exported from the daemon into a temporary file. */
static int open_daemon(koc__plan *p, koc__base *b, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__engine) engine = NULL;
    koc_place place = KOC_PLACE_INIT;
    KOC__TRY(koc__engine_open(call, &engine, err));
    KOC__TRY(koc__fs_tempdir("koc-base-", &b->directory, err));
    KOC__AUTO_STR file = koc__path_join(b->directory, "image.tar");
    if (!file) {
        return koc__oom(err);
    }
    KOC__TRY(koc__engine_export(engine, b->name, file, call, err));
    place.kind = KOC_PLACE_DOCKER_ARCHIVE;
    place.path = file;
    return open_file(p, b, &place, call, err);
}

static int open_by_kind(koc__plan *p, koc__base *b, koc__call *call, koc_error **err)
{
    switch (b->kind) {
    case KOC__BASE_FILE: return open_file(p, b, &b->place, call, err);
    case KOC__BASE_DAEMON: return open_daemon(p, b, call, err);
    default: return open_remote(p, b, call, err);
    }
}

/* --- layers of an offline build --- */

/* Whether the bytes of a layer are local, or are not needed. */
static bool is_local(const koc__plan *p, const koc_descriptor *d)
{
    KOC__AUTO(koc_blob) blob = NULL;
    if (koc__mt_is_foreign(d->media_type) ||
        (p->ctx->cache &&
         koc__cache_blob(p->ctx->cache, &d->digest, d->size, &blob, NULL) == KOC_OK)) {
        return true;
    }
    if (!p->layout_path || p->o.tarball || p->local) {
        return false;
    }
    KOC__AUTO_STR path =
        koc__format("%s/blobs/sha256/%s", p->layout_path, koc__digest_hex(&d->digest).s);
    return path && koc__fs_exists(path);
}

/* A layout or an archive holds the base's layers too. Fails before the compile, not after it. */
static int check_layers(const koc__plan *p, const koc__base *b, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) missing = KOC__DYNBUF_INIT(4096);
    bool offline = p->o.flags & KOC_PUBLISH_OFFLINE;
    bool needed = p->layout_path || p->o.tarball || p->local;
    for (size_t i = 0; offline && needed && i < b->n_items; i++) {
        for (size_t k = 0; k < koc_image_layer_count(b->items[i].image); k++) {
            const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(b->items[i].image, k));
            if (!is_local(p, d)) {
                (void)koc__dynbuf_printf(&missing, NULL, "%s%s (%llu bytes)",
                                         missing.len ? ", " : "", koc__digest_str(&d->digest).s,
                                         (unsigned long long)d->size);
            }
        }
    }
    if (missing.len == 0) {
        return KOC_OK;
    }
    int rc = koc__error(err, KOC_ENOTFOUND,
                        "not in the cache, and an offline build does not ask for it: layer %s",
                        koc__dynbuf_cstr(&missing));
    koc__error_hint_on(err, KOC_HINT_OPTION, "offline",
                       "layers of bases are not kept: build once without offline into the same "
                       "OCI layout, or on a base in a layout (oci:DIR)");
    return rc;
}

static void report_resolved(const koc__base *b, koc__call *call)
{
    KOC__AUTO_STR text = NULL;
    if (!koc__call_wants_progress(call)) {
        return;
    }
    text =
        koc__format("%s → sha256:%.12s… (%zu platform%s)", b->annotation ? b->annotation : b->name,
                    koc__digest_hex(&b->digest).s, b->n_items, b->n_items == 1 ? "" : "s");
    koc__report_base(call, KOC_STATE_FINISHED, b->name, text);
}

/* Whether the cache has the tag and the manifests of the last lookup. */
static bool is_cached(koc__plan *p, const koc__base *b, koc__call *call)
{
    KOC__AUTO(koc__base) again = NULL;
    return p->ctx->cache && koc__base_copy_unopened(b, &again, NULL) == KOC_OK &&
           koc__base_recall(p, again, call, NULL) == KOC_OK;
}

/* Adds the hint that fits the cause; the registry client gives hints of its own. Scratch is proposed only if no option
 * or setting names the base: who names one may need its CA certificates. */
static void add_hint(koc__plan *p, const koc__base *b, int rc, koc__call *call, koc_error **why)
{
    bool offline = p->o.flags & KOC_PUBLISH_OFFLINE;
    bool network = rc == KOC_ENET || rc == KOC_ETIMEOUT || rc == KOC_ETLS || rc == KOC_EHTTP;
    if (koc_error_hint_kind(*why) == KOC_HINT_OPTION) {
        return; /* check_layers gave a better one */
    }
    if (offline && (network || rc == KOC_ENOTFOUND)) {
        koc__error_hint_on(why, KOC_HINT_ONLINE, NULL,
                           "one build that is not offline brings it into the cache");
    } else if (network && koc__base_is_remote(b) && is_cached(p, b, call)) {
        koc__error_hint_on(why, KOC_HINT_OFFLINE, NULL, "an offline build takes it from the cache");
    } else if (rc == KOC_ENOTFOUND && koc_error_hint_kind(*why) == KOC_HINT_LIST_TAGS) {
        KOC__AUTO_STR repository = koc__strdup(koc_error_hint_argument(*why));
        koc__error_hint_on(why, KOC_HINT_NO_SUCH_BASE, repository,
                           "list the tags of %s; a build on scratch needs no base image",
                           repository ? repository : "it");
    } else if (network && b->by_default) {
        koc__error_hint_on(why, KOC_HINT_SCRATCH_BASE, NULL,
                           "a build on scratch needs no base image");
    }
}

int koc__base_open(koc__plan *p, koc__base *b, koc__call *call, koc_error **err)
{
    if (b->kind == KOC__BASE_SCRATCH) {
        return open_scratch(p, b, err);
    }
    koc_error *why = NULL;
    koc__report_base(call, KOC_STATE_STARTED, b->name, NULL);
    int rc = open_by_kind(p, b, call, &why);
    if (rc == KOC_OK && koc__base_is_remote(b)) {
        rc = check_layers(p, b, &why);
    }
    if (rc == KOC_OK) {
        report_resolved(b, call);
        return KOC_OK;
    }
    if (rc == KOC_ECANCELLED || rc == KOC_ENOMEM) {
        return koc__error_move(err, &why);
    }
    koc__error_prefix(&why, rc, "base image %s", b->name);
    if (b->asked_by) {
        koc__error_suffix(&why, " (%s)", b->asked_by);
    }
    add_hint(p, b, rc, call, &why);
    return koc__error_move(err, &why);
}

bool koc__base_is_remote(const koc__base *b)
{
    return b->kind == KOC__BASE_REMOTE;
}

int koc__base_recall(koc__plan *p, koc__base *b, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_client) cache_only = NULL;
    KOC__AUTO(koc_reference) ref = NULL;
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    o.flags = KOC_CLIENT_OFFLINE;
    KOC__TRY(koc_client_new(p->ctx, &o, &cache_only, err));
    KOC__TRY(koc_reference_parse(b->name, 0, &ref, err));
    KOC__TRY(annotation_name(b, ref, err));
    KOC__TRY(recall_tag(p, b, &ref, err));
    KOC__TRY(open_at(p, b, cache_only, ref, call, err));
    for (size_t i = 0; i < b->n_items; i++) { /* layers may have to be fetched */
        KOC__TRY(koc__client_attach_layers(p->client, ref, b->items[i].image, err));
    }
    return KOC_OK;
}
