/* Records what koc itself puts into an image, so that koc explain can name what changed. lib/golang/record has the inputs
 * of go. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/path.h"
#include "core/text.h"
#include "model/model.h"

#define KIND       "imagefacts"
#define RECORD_MAX ((size_t)1 << 20)

/* Values are hashed: they may contain spaces and are only compared. */
static int add(koc_strlist *lines, const char *what, const char *name, const char *value,
               koc_error **err)
{
    koc_digest d;
    koc__sha256_of(value, strlen(value), &d);
    return koc__strlist_addf(lines, err, "%s%s%s %.24s", what, *name ? " " : "", name,
                             koc__digest_hex(&d).s);
}

static int add_number(koc_strlist *lines, const char *what, int64_t n, koc_error **err)
{
    return koc__strlist_addf(lines, err, "%s %lld", what, (long long)n);
}

static int add_pairs(koc_strlist *lines, const char *what, const koc_kv *list, size_t n,
                     koc_error **err)
{
    for (size_t i = 0; i < n; i++) {
        if (!strchr(list[i].key, '\n')) {
            KOC__TRY(add(lines, what, list[i].key, list[i].value, err));
        }
    }
    return KOC_OK;
}

static int list_lines(const koc__plan *p, const koc__base *base, const koc__base_item *on,
                      koc_layer *kodata, koc__call *call, koc_strlist *lines, koc_error **err)
{
    koc_digest diff_id;
    const koc_digest *digest = on->entry ? &on->entry->digest : &base->digest;
    KOC__TRY(add(lines, "base image", "", base->name, err));
    if (base->kind != KOC__BASE_SCRATCH) {
        KOC__TRY(add(lines, "digest of the base image", "", koc__digest_str(digest).s, err));
    }
    KOC__TRY(koc__layer_diff_id(kodata, call, &diff_id, err));
    KOC__TRY(add(lines, "kodata", "", koc__digest_str(&diff_id).s, err));
    KOC__TRY(add_pairs(lines, "label", p->labels, p->n_labels, err));
    KOC__TRY(add_pairs(lines, "annotation", p->annotations, p->n_annotations, err));
    for (size_t i = 0; i < koc_strlist_count(p->tags); i++) {
        KOC__TRY(add(lines, "tag", koc_strlist_get(p->tags, i), "", err));
    }
    KOC__TRY(add(lines, "repository", "", p->repository, err));
    KOC__TRY(add(lines, "user", "", p->o.user ? p->o.user : "", err));
    KOC__TRY(add_number(lines, "SOURCE_DATE_EPOCH", p->has_epoch ? p->epoch : -1, err));
    KOC__TRY(add_number(lines, "compression", p->o.compression * 100 + p->o.level, err));
    KOC__TRY(add_number(lines, "SBOM", p->o.sbom, err));
    KOC__TRY(add_number(lines, "--compat", p->compat, err));
    return add_number(lines, "--debug", p->debug, err);
}

static char *key_of(const koc__go_target *t, const koc_platform *platform)
{
    KOC__AUTO_STR dir = NULL;
    KOC__AUTO_STR text = koc__platform_str(platform);
    if (!text || koc__path_abs(t->work_dir ? t->work_dir : ".", &dir, NULL) != KOC_OK) {
        return NULL;
    }
    return koc__format("%s\n%s\n%s", dir, text, t->import_path);
}

void koc__fingerprint_record(const koc__unit *u, koc__call *call)
{
    const koc__work *w = u->work;
    KOC__AUTO(koc_strlist) lines = NULL;
    KOC__AUTO_STR key = key_of(w->target, u->on->platform);
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(RECORD_MAX);
    if (!w->plan->ctx->cache || !key || koc__strlist_new(&lines, NULL) != KOC_OK ||
        list_lines(w->plan, w->base, u->on, u->kodata, call, lines, NULL) != KOC_OK) {
        return;
    }
    for (size_t i = 0; i < koc_strlist_count(lines); i++) {
        if (koc__dynbuf_printf(&text, NULL, "%s\n", koc_strlist_get(lines, i)) != KOC_OK) {
            return;
        }
    }
    koc__cache *cache = w->plan->ctx->cache;
    KOC__AUTO_VAL(koc_buf) then = KOC_BUF_INIT;
    bool found = false;
    int rc = koc__cache_get(cache, KIND, koc__str(key), RECORD_MAX, &found, &then, NULL);
    if (rc != KOC_OK || !found ||
        !koc__str_eq(koc__str_n(then.ptr, then.len), koc__dynbuf_view(&text))) {
        (void)koc__cache_put(cache, KIND, koc__str(key), koc__dynbuf_view(&text), NULL);
    }
}

/* --- explain --- */

static int recall(const koc__plan *p, const char *key, koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) list = NULL;
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    bool found = false;
    KOC__TRY(koc__cache_get(p->ctx->cache, KIND, koc__str(key), RECORD_MAX, &found, &text, err));
    if (!found) {
        return KOC_OK;
    }
    KOC__TRY(koc__strlist_new(&list, err));
    koc_str rest = koc__str_n(text.ptr, text.len), line;
    while (koc__str_split(&rest, '\n', &line)) {
        if (line.len > 0) {
            KOC__TRY(koc__strlist_addf(list, err, "%.*s", KOC__FMT(line)));
        }
    }
    *out = koc__steal(&list);
    return KOC_OK;
}

/* The item of b for wanted, or NULL. */
static const koc__base_item *item_for(const koc__base *b, const koc_platform *wanted)
{
    for (size_t i = 0; i < b->n_items; i++) {
        if (koc__platform_equal(b->items[i].platform, wanted)) {
            return &b->items[i];
        }
    }
    return NULL;
}

int koc__fingerprint_explain(koc__plan *p, koc__go_target *t, const koc_platform *platform,
                             koc__call *call, koc_strlist *lines, koc_error **err)
{
    KOC__AUTO(koc__base) base = NULL;
    KOC__AUTO(koc_strlist) then = NULL;
    KOC__AUTO(koc_strlist) now = NULL;
    KOC__AUTO(koc_layer) kodata = NULL;
    KOC__AUTO_STR key = key_of(t, platform);
    if (!key) {
        return koc__oom(err);
    }
    KOC__TRY(recall(p, key, &then, err));
    if (!then) {
        return KOC_OK;
    }
    KOC__TRY(koc__base_of(p, t->import_path, &base, err));
    KOC__AUTO(koc_error) why = NULL;
    if (koc__base_open(p, base, call, &why) != KOC_OK) {
        KOC__TRY(koc__call_check(call, err));
        return koc__strlist_addf(lines, err, "not known: %s", koc_error_message(why));
    }
    const koc__base_item *on = item_for(base, platform);
    if (!on) {
        return koc__strlist_add(lines, "changed: the base image has no such platform", err);
    }
    const koc__go_layer_options o = {.platform = platform,
                                     .format = base->docker ? KOC_FORMAT_DOCKER : KOC_FORMAT_OCI,
                                     .compression = p->o.compression,
                                     .level = p->o.level};
    KOC__TRY(koc__go_package_dir(p->ctx, t, call, err));
    KOC__TRY(koc__go_kodata_layer(p->ctx, t, &o, call, &kodata, err));
    KOC__TRY(koc__strlist_new(&now, err));
    KOC__TRY(list_lines(p, base, on, kodata, call, now, err));
    return koc__go_compare_fingerprints(then, now, lines, err);
}
