/* Descriptors: copies, reading and writing (OCI image-spec, descriptor.md). */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "model/model.h"
#include "model/pack.h"

#define MEDIA_TYPE_MAX 255

/* --- copies --- */

static koc_descriptor *pack_descriptor(koc__pack *p, const koc_descriptor *d)
{
    koc_descriptor *block = koc__pack_take(p, sizeof(*block));
    koc_descriptor copy = *d;
    copy.struct_size = sizeof(copy);
    copy.flags = 0;
    copy.media_type = koc__pack_str(p, d->media_type);
    copy.artifact_type = koc__pack_str(p, d->artifact_type);
    copy.platform = koc__pack_platform(p, d->platform);
    copy.urls = koc__pack_list(p, d->urls);
    koc_kv *annotations =
        d->n_annotations ? koc__pack_take(p, d->n_annotations * sizeof(*annotations)) : NULL;
    for (size_t i = 0; i < d->n_annotations; i++) {
        koc_kv kv = {koc__pack_str(p, d->annotations[i].key),
                     koc__pack_str(p, d->annotations[i].value)};
        if (annotations) {
            annotations[i] = kv;
        }
    }
    copy.annotations = annotations;
    if (block) {
        *block = copy;
    }
    return block;
}

koc_descriptor *koc__descriptor_dup(const koc_descriptor *d)
{
    koc__pack pack = {0};
    pack_descriptor(&pack, d);
    pack = (koc__pack){.base = koc__malloc(pack.used)};
    return pack.base ? pack_descriptor(&pack, d) : NULL;
}

void koc__descriptor_free(koc_descriptor *d)
{
    koc__free(d);
}

/* --- reading --- */

/* The strings are borrowed from the JSON document; the arrays must be freed. */
typedef struct reading {
    koc_descriptor d;
    koc_kv *annotations;
    const char **urls;
    koc_platform *platform;
} reading;

static void reading_dispose(reading *r)
{
    koc__free(r->annotations);
    koc__free(r->urls);
    koc__platform_free(r->platform);
}
KOC__DEFINE_AUTO_VAL(reading, reading_dispose);

static bool is_absent(const koc__jnode *n)
{
    return !n || koc__json_is(n, KOC__JSON_NULL);
}

/* A media type becomes part of HTTP headers, so its characters are checked rather than its grammar. */
static bool is_media_type(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= ' ' || s[i] > '~' || s[i] == ',' || s[i] == ';') {
            return false;
        }
    }
    return n > 0 && n <= MEDIA_TYPE_MAX && strchr(s, '/') != NULL;
}

static int read_type(const koc__jnode *n, const char *name, const char *what, const char **out,
                     koc_error **err)
{
    const char *s = koc__json_get_str(n, name);
    if (!s || !is_media_type(s)) {
        return koc__error(err, KOC_EFORMAT, "%s: \"%s\" is %s", what, name,
                          koc__json_get(n, name) ? "not a media type" : "missing");
    }
    *out = s;
    return KOC_OK;
}

static int read_content(const koc__jnode *n, const char *what, koc_descriptor *d, koc_error **err)
{
    const char *digest = koc__json_get_str(n, "digest");
    if (!digest || !koc__digest_read(koc__str(digest), &d->digest)) {
        return koc__error(err, KOC_EFORMAT, "%s: the digest \"%s\" is not valid", what,
                          digest ? digest : "");
    }
    if (!koc__json_u64(koc__json_get(n, "size"), &d->size)) {
        const char *size = koc__json_number(koc__json_get(n, "size"));
        return koc__error(err, KOC_EFORMAT, "%s: the size %s is not a whole number of bytes", what,
                          size ? size : "is missing or");
    }
    return KOC_OK;
}

static int read_annotations(const koc__jnode *n, const char *what, reading *r, koc_error **err)
{
    const koc__jnode *map = koc__json_get(n, "annotations");
    size_t count = koc__json_count(map);
    if (is_absent(map) || (count == 0 && koc__json_is(map, KOC__JSON_OBJECT))) {
        return KOC_OK;
    }
    r->annotations = koc__calloc(count + 1, sizeof(*r->annotations));
    if (!r->annotations) {
        return koc__oom(err);
    }
    bool good = koc__json_is(map, KOC__JSON_OBJECT);
    for (const koc__jnode *c = koc__json_child(map); c && good; c = koc__json_next(c)) {
        good = koc__json_str(c) != NULL;
        r->annotations[r->d.n_annotations++] = (koc_kv){koc__json_name(c), koc__json_str(c)};
    }
    r->d.annotations = r->annotations;
    return good ? KOC_OK
                : koc__error(err, KOC_EFORMAT, "%s: \"annotations\" does not map names to strings",
                             what);
}

static int read_urls(const koc__jnode *n, const char *what, reading *r, koc_error **err)
{
    const koc__jnode *list = koc__json_get(n, "urls");
    size_t count = koc__json_count(list);
    if (is_absent(list) || (count == 0 && koc__json_is(list, KOC__JSON_ARRAY))) {
        return KOC_OK;
    }
    r->urls = koc__calloc(count + 1, sizeof(*r->urls));
    if (!r->urls) {
        return koc__oom(err);
    }
    bool good = koc__json_is(list, KOC__JSON_ARRAY);
    size_t i = 0;
    for (const koc__jnode *c = koc__json_child(list); c && good; c = koc__json_next(c)) {
        r->urls[i] = koc__json_str(c);
        good = r->urls[i++] != NULL;
    }
    r->d.urls = r->urls;
    return good ? KOC_OK
                : koc__error(err, KOC_EFORMAT, "%s: \"urls\" is not a list of strings", what);
}

static int read_platform(const koc__jnode *n, const char *what, reading *r, koc_error **err)
{
    const koc__jnode *platform = koc__json_get(n, "platform");
    if (is_absent(platform)) {
        return KOC_OK;
    }
    int code = koc__platform_read(platform, &r->platform, err);
    if (code != KOC_OK) {
        return koc__error_prefix(err, code, "%s", what);
    }
    r->d.platform = r->platform;
    return KOC_OK;
}

int koc__descriptor_read(const koc__jnode *n, const char *what, koc_descriptor **out,
                         koc_error **err)
{
    if (!koc__json_is(n, KOC__JSON_OBJECT)) {
        return koc__error(err, KOC_EFORMAT, "%s is not a descriptor", what);
    }
    KOC__AUTO_VAL(reading) r = {.d = KOC_DESCRIPTOR_INIT};
    KOC__TRY(read_type(n, "mediaType", what, &r.d.media_type, err));
    KOC__TRY(read_content(n, what, &r.d, err));
    const char *artifact_type = koc__json_get_str(n, "artifactType");
    if (artifact_type && artifact_type[0]) {
        KOC__TRY(read_type(n, "artifactType", what, &r.d.artifact_type, err));
    }
    KOC__TRY(read_annotations(n, what, &r, err));
    KOC__TRY(read_urls(n, what, &r, err));
    KOC__TRY(read_platform(n, what, &r, err));
    koc_descriptor *copy = koc__descriptor_dup(&r.d);
    if (!copy) {
        return koc__oom(err);
    }
    *out = copy;
    return KOC_OK;
}

/* --- writing --- */

static int compare_keys(const void *a, const void *b)
{
    const koc_kv *x = a;
    const koc_kv *y = b;
    return strcmp(x->key, y->key);
}

static void write_annotations(koc__jw *w, const koc_descriptor *d)
{
    koc_kv *sorted = koc__calloc(d->n_annotations, sizeof(*sorted));
    if (!sorted) {
        w->status = KOC_ENOMEM;
        return;
    }
    memcpy(sorted, d->annotations, d->n_annotations * sizeof(*sorted));
    qsort(sorted, d->n_annotations, sizeof(*sorted), compare_keys);
    koc__jw_key(w, "annotations");
    koc__jw_object(w);
    for (size_t i = 0; i < d->n_annotations; i++) {
        koc__jw_kv(w, sorted[i].key, sorted[i].value ? sorted[i].value : "");
    }
    koc__jw_object_end(w);
    koc__free(sorted);
}

void koc__descriptor_write(koc__jw *w, const koc_descriptor *d)
{
    koc__jw_object(w);
    koc__jw_kv(w, "mediaType", d->media_type);
    koc__jw_key(w, "size");
    koc__jw_u64(w, d->size);
    koc__jw_kv(w, "digest", koc__digest_str(&d->digest).s);
    if (d->urls && d->urls[0]) {
        koc__jw_key(w, "urls");
        koc__jw_array(w);
        for (size_t i = 0; d->urls[i]; i++) {
            koc__jw_str(w, d->urls[i]);
        }
        koc__jw_array_end(w);
    }
    if (d->n_annotations > 0) {
        write_annotations(w, d);
    }
    if (d->platform) {
        koc__jw_key(w, "platform");
        koc__platform_write(w, d->platform);
    }
    koc__jw_kv(w, "artifactType", d->artifact_type);
    koc__jw_object_end(w);
}

const char *koc__descriptor_annotation(const koc_descriptor *d, const char *key)
{
    for (size_t i = 0; i < d->n_annotations; i++) {
        if (koc__streq(d->annotations[i].key, key)) {
            return d->annotations[i].value;
        }
    }
    return NULL;
}
