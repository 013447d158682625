/* Selects the entry of a layout, the platforms of an index, the referrers of a subject. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/hash/digests.h"
#include "core/str.h"

#define REF_NAME   "org.opencontainers.image.ref.name"
#define IMAGE_NAME "io.containerd.image.name"    /* the whole reference, written by Docker */
#define SUBJECT_OF "vnd.docker.reference.digest" /* the subject of an attestation of buildx */

/* --- entries of index.json --- */

/* "app:1" and "1" name "example.com/app:1". */
static bool is_named(const char *have, const char *name)
{
    size_t n = strlen(name), len = have ? strlen(have) : 0;
    return have && len >= n && strcmp(have + len - n, name) == 0 &&
           (len == n || have[len - n - 1] == ':' || have[len - n - 1] == '/');
}

static bool matches(const koc_descriptor *d, const koc_place *p)
{
    if (p->digest && !koc_digest_equal(p->digest, &d->digest)) {
        return false;
    }
    return !p->name || is_named(koc__descriptor_annotation(d, REF_NAME), p->name) ||
           is_named(koc__descriptor_annotation(d, IMAGE_NAME), p->name);
}

/* Some tools write the config's media type of a plain image as its artifact type. */
static bool is_unnamed_artifact(const koc_descriptor *d)
{
    const char *type = d->artifact_type;
    return type && !koc__streq(type, KOC_MT_OCI_CONFIG) &&
           !koc__streq(type, KOC_MT_DOCKER_CONFIG) && !koc__descriptor_annotation(d, REF_NAME);
}

/* A tag that lists referrers, or holds one. */
static bool is_tag_of_subject(const koc_descriptor *d)
{
    const char *name = koc__descriptor_annotation(d, REF_NAME);
    return name && strncmp(name, "sha256-", 7) == 0;
}

/* "v1, v2, sha256:…" */
static void list_names(const koc_index *list, koc__dynbuf *out)
{
    for (size_t i = 0; i < koc_index_count(list); i++) {
        const koc_descriptor *d = koc_index_get(list, i);
        const char *name = koc__descriptor_annotation(d, REF_NAME);
        (void)koc__dynbuf_printf(out, NULL, "%s%s%s", out->len ? ", " : "", name ? "" : "@",
                                 name ? name : koc__digest_str(&d->digest).s);
    }
}

/* What p names, of the entries that are artifacts or of the others. A place without a name and a digest has no tags of
 * subjects. */
static const koc_descriptor *find_entry(const koc_index *list, const koc_place *p, bool artifacts,
                                        bool *several)
{
    const koc_descriptor *found = NULL;
    bool any = p->name || p->digest;
    for (size_t i = 0; i < koc_index_count(list); i++) {
        const koc_descriptor *d = koc_index_get(list, i);
        if (!matches(d, p) ||
            (!any && (is_tag_of_subject(d) || is_unnamed_artifact(d) != artifacts))) {
            continue;
        }
        *several |= found && !koc_digest_equal(&found->digest, &d->digest);
        found = found && p->name ? found : d;
    }
    return found;
}

int koc__select_entry(const koc_index *list, const koc_place *p, const char *what,
                      const koc_descriptor **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) have = KOC__DYNBUF_INIT(2048);
    bool several = false;
    /* Beside an image an artifact only refers to it; alone it is what the layout holds. */
    const koc_descriptor *found = find_entry(list, p, false, &several);
    found = found ? found : find_entry(list, p, true, &several);
    list_names(list, &have);
    if (!found && (p->name || !p->digest)) {
        return have.len == 0 ? koc__error(err, KOC_ENOTFOUND, "there is no image in it")
                             : koc__error(err, KOC_ENOTFOUND, "it has no %s (it has %s)",
                                          p->name ? p->name : "image", koc__dynbuf_cstr(&have));
    }
    if (several && !p->name) {
        koc__error(err, KOC_EINVAL, "it holds several images: %s", koc__dynbuf_cstr(&have));
        koc__error_hint(err, "name one of them: oci:%s:NAME or oci:%s@DIGEST", what, what);
        return KOC_EINVAL;
    }
    *out = found;
    return KOC_OK;
}

/* --- referrers --- */

static int add_if_refers(koc_source *s, const koc_descriptor *d, const koc_digest *subject,
                         const char *type, koc__call *call, koc_index_builder *b, koc_error **err)
{
    KOC__AUTO_VAL(koc__document) m = KOC__DOCUMENT_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    koc_descriptor entry = *d;
    koc_digest about;
    KOC__TRY(koc__source_manifest(s, &d->digest, call, &m, err));
    KOC__TRY(koc__json_parse(koc__document_text(&m), KOC__MANIFEST_MAX, s->what, &doc, err));
    const koc__jnode *root = koc__json_root(doc);
    const char *text = koc__json_get_str(koc__json_get(root, "subject"), "digest");
    if (!text || !koc__digest_read(koc__str(text), &about) || !koc_digest_equal(&about, subject)) {
        return KOC_OK;
    }
    entry.artifact_type = koc__json_get_str(root, "artifactType");
    if (!entry.artifact_type) {
        entry.artifact_type = koc__json_get_str(koc__json_get(root, "config"), "mediaType");
    }
    return !type || koc__streq(type, entry.artifact_type)
               ? koc_index_builder_add_descriptor(b, &entry, err)
               : KOC_OK;
}

/* The index of the tag schema (distribution-spec, "Referrers Tag Schema"). */
static int add_tagged(koc_source *s, const koc_descriptor *d, const char *type, koc__call *call,
                      koc_index_builder *b, koc_error **err)
{
    KOC__AUTO_VAL(koc__document) m = KOC__DOCUMENT_INIT;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__TRY(koc__source_manifest(s, &d->digest, call, &m, err));
    KOC__TRY(koc_index_from_bytes(s->ctx, koc__document_text(&m), &idx, err));
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        const koc_descriptor *e = koc_index_get(idx, i);
        if (!type || koc__streq(type, e->artifact_type)) {
            KOC__TRY(koc_index_builder_add_descriptor(b, e, err));
        }
    }
    return KOC_OK;
}

int koc__listed_referrers(koc_source *s, const koc_index *list, const koc_digest *subject,
                          const char *type, koc__call *call, koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__AUTO_STR tag = koc__subject_tag(subject, "");
    if (!tag) {
        return koc__oom(err);
    }
    KOC__TRY(koc_index_builder_new(s->ctx, KOC_FORMAT_OCI, &b, err));
    for (size_t i = 0; i < koc_index_count(list); i++) {
        const koc_descriptor *d = koc_index_get(list, i);
        if (koc__mt_is_index(d->media_type) &&
            koc__streq(koc__descriptor_annotation(d, REF_NAME), tag)) {
            KOC__TRY(add_tagged(s, d, type, call, b, err));
        } else if (koc__mt_is_manifest(d->media_type)) {
            KOC__TRY(add_if_refers(s, d, subject, type, call, b, err));
        }
    }
    return koc_index_builder_finish(b, out, err);
}

/* --- platforms --- */

/* The images of the wanted platforms. */
typedef struct chosen {
    koc__source_walk way; /* first: the walk takes it for its self */
    const koc_strlist *wanted;
    const koc_index *top;
    koc_descriptor **items;
    size_t n, capacity;
    bool nested; /* some are in an index below top */
} chosen;

static void chosen_dispose(chosen *c)
{
    for (size_t i = 0; i < c->n; i++) {
        koc__descriptor_free(c->items[i]);
    }
    koc__free(c->items);
}
KOC__DEFINE_AUTO_VAL(chosen, chosen_dispose);

static bool is_wanted(void *self, const koc_platform *p)
{
    const chosen *c = self;
    return koc__platform_wanted(c->wanted, p);
}

static bool lists(const koc_index *idx, const koc_digest *digest)
{
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        if (koc_digest_equal(&koc_index_get(idx, i)->digest, digest)) {
            return true;
        }
    }
    return false;
}

static int add_chosen(void *self, const koc_descriptor *d, const koc_platform *p,
                      koc_image *img KOC__UNUSED, bool *over KOC__UNUSED, koc_error **err)
{
    chosen *c = self;
    koc_descriptor named = *d;
    named.platform = p;
    if (!koc__grow((void **)&c->items, &c->capacity, c->n + 1, sizeof(*c->items))) {
        return koc__oom(err);
    }
    c->items[c->n] = koc__descriptor_dup(&named);
    if (!c->items[c->n]) {
        return koc__oom(err);
    }
    c->n++;
    c->nested = c->nested || !lists(c->top, &d->digest);
    return KOC_OK;
}

/* A chosen image, or an attestation of one. */
static bool is_kept(const chosen *c, const koc_descriptor *d)
{
    const char *about = koc__descriptor_annotation(d, SUBJECT_OF);
    for (size_t i = 0; i < c->n; i++) {
        const koc_digest *digest = &c->items[i]->digest;
        if (koc_digest_equal(digest, &d->digest) ||
            (about && koc__streq(about, koc__digest_str(digest).s))) {
            return true;
        }
    }
    return false;
}

/* Removes the other entries from d and keeps its other members. */
static int remove_others(const chosen *c, koc__document *d, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    koc__jw w;
    KOC__TRY(koc__json_parse(koc__document_text(d), KOC__MANIFEST_MAX, "index", &doc, err));
    koc__jnode *list = koc__json_get(koc__json_root(doc), "manifests");
    koc__jnode *e = koc__json_child(list);
    for (size_t i = 0; e; i++) {
        koc__jnode *next = koc__json_next(e);
        if (!is_kept(c, koc_index_get(c->top, i))) {
            koc__json_remove(list, e);
        }
        e = next;
    }
    koc__jw_begin(&w, &out, 0, 0);
    koc__jw_node(&w, koc__json_root(doc));
    KOC__TRY(koc__jw_end(&w, err));
    koc__dynbuf_give(&out, &d->bytes);
    d->digest = (koc_digest){0};
    return koc__document_describe(d, "index", err);
}

/* Puts images of several indexes into one. */
static int merge_indexes(koc_source *s, const chosen *c, koc__document *d, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__AUTO(koc_index) idx = NULL;
    int32_t format = koc__index_is_docker(c->top) ? KOC_FORMAT_DOCKER : KOC_FORMAT_OCI;
    KOC__TRY(koc_index_builder_new(s->ctx, format, &b, err));
    for (size_t i = 0; i < c->n; i++) {
        KOC__TRY(koc_index_builder_add_descriptor(b, c->items[i], err));
    }
    KOC__TRY(koc_index_builder_finish(b, &idx, err));
    KOC__TRY(koc_buf_set(&d->bytes, koc_index_bytes(idx), err));
    d->digest = (koc_digest){0};
    return koc__document_describe(d, "index", err);
}

static int check_image(koc_source *s, const koc_strlist *wanted, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_image) img = NULL;
    KOC__TRY(koc__source_image(s, NULL, call, &img, err));
    const koc_platform *have = koc_image_platform(img);
    if (have && koc__platform_wanted(wanted, have)) {
        return KOC_OK;
    }
    KOC__AUTO_STR text = have ? koc__platform_str(have) : NULL;
    return koc__error(err, KOC_EPLATFORM, "%s is an image for %s alone", s->what,
                      text ? text : "no platform");
}

/* Replaces d by its entry e. */
static int replace_by_entry(koc_source *s, const koc_descriptor *e, koc__document *d,
                            koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__document) child = KOC__DOCUMENT_INIT;
    KOC__TRY(koc__source_manifest(s, &e->digest, call, &child, err));
    koc__document old = *d;
    *d = child;
    child = old;
    return KOC_OK;
}

int koc__select_platforms(koc_source *s, const koc_strlist *wanted, koc__document *d,
                          koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_index) top = NULL;
    if (!koc__mt_is_index(d->media_type.ptr)) {
        return check_image(s, wanted, call, err);
    }
    KOC__TRY(koc_index_from_bytes(s->ctx, koc__document_text(d), &top, err));
    KOC__AUTO_VAL(chosen) c = {.way = {s}, .wanted = wanted, .top = top};
    KOC__AUTO_VAL(koc__walk) walk = koc__source_walk_init(&c.way, call);
    walk.wanted = is_wanted;
    walk.found = add_chosen;
    KOC__TRY(koc__walk_run(&walk, top, err));
    if (c.n == 0) {
        return koc__error(err, KOC_EPLATFORM, "%s has no %s (it has %s)", s->what,
                          koc_strlist_get(wanted, 0), koc__walk_others(&walk));
    }
    if (c.n == 1 && koc_strlist_count(wanted) == 1) {
        return replace_by_entry(s, c.items[0], d, call, err);
    }
    return c.nested ? merge_indexes(s, &c, d, err) : remove_others(&c, d, err);
}
