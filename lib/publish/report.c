/* The JSON report of a build (docs/json.md). */
#include "core/common.h"

#include <koc/version.h>

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "layer/layer.h"
#include "model/model.h"
#include "text/json_write.h"

#define REPORT_MAX ((size_t)64 << 20)

static void write_digest(koc__jw *w, const char *name, const koc_digest *d)
{
    koc__jw_kv(w, name, koc__digest_str(d).s);
}

static void write_list(koc__jw *w, const char *name, const koc_strlist *items)
{
    koc__jw_key(w, name);
    koc__jw_array(w);
    for (size_t i = 0; i < koc_strlist_count(items); i++) {
        koc__jw_str(w, koc_strlist_get(items, i));
    }
    koc__jw_array_end(w);
}

static void write_u64(koc__jw *w, const char *name, uint64_t value)
{
    koc__jw_key(w, name);
    koc__jw_u64(w, value);
}

static void write_layer(koc__jw *w, const char *content, const koc_layer *l)
{
    const koc_descriptor *d = koc_layer_descriptor(l);
    koc__jw_object(w);
    koc__jw_kv(w, "content", content);
    koc__jw_kv(w, "mediaType", d->media_type);
    write_digest(w, "digest", &d->digest);
    write_u64(w, "size", d->size);
    koc__jw_object_end(w);
}

static void write_unit(koc__jw *w, const koc__unit *u)
{
    const koc_descriptor *d = koc_image_descriptor(u->image);
    char *platform = koc__platform_str(u->on->platform);
    koc__jw_object(w);
    koc__jw_kv(w, "platform", platform);
    write_digest(w, "digest", &d->digest);
    write_u64(w, "size", d->size);
    write_digest(w, "config", &koc_image_config_descriptor(u->image)->digest);
    koc__jw_key(w, "compiled");
    koc__jw_bool(w, !u->unchanged);
    koc__jw_key(w, "goStarted");
    koc__jw_bool(w, !u->binary->go_skipped);
    koc__jw_key(w, "layers");
    koc__jw_array(w);
    write_layer(w, "kodata", u->kodata);
    write_layer(w, "binary", u->app);
    koc__jw_array_end(w);
    koc__jw_object_end(w);
    koc__free(platform);
}

static void write_base(koc__jw *w, const koc__base *b)
{
    koc__jw_key(w, "base");
    koc__jw_object(w);
    koc__jw_kv(w, "name", b->name);
    if (b->kind != KOC__BASE_SCRATCH) {
        write_digest(w, "digest", &b->digest);
    }
    koc__jw_object_end(w);
}

static const char *const state_names[] = {
    [KOC__WORK_OPEN] = NULL,         [KOC__WORK_BUILT] = "built",
    [KOC__WORK_PUSHED] = "pushed",   [KOC__WORK_UNCHANGED] = "unchanged",
    [KOC__WORK_WRITTEN] = "written", [KOC__WORK_LOADED] = "loaded",
};

static void write_result(koc__jw *w, const koc__work *x)
{
    const koc_descriptor *d = koc__work_descriptor(x);
    koc__jw_object(w);
    koc__jw_kv(w, "importPath", x->target->import_path);
    koc__jw_kv(w, "reference", x->printed);
    koc__jw_kv(w, "repository", x->name);
    write_digest(w, "digest", &d->digest);
    koc__jw_kv(w, "mediaType", d->media_type);
    koc__jw_kv(w, "state", state_names[x->state]);
    write_list(w, "tags", x->plan->tags);
    write_base(w, x->base);
    koc__jw_key(w, "images");
    koc__jw_array(w);
    for (size_t i = 0; i < x->n_units; i++) {
        write_unit(w, &x->units[i]);
    }
    koc__jw_array_end(w);
    koc__jw_key(w, "push");
    koc__jw_object(w);
    write_u64(w, "blobs", x->pushed.blobs);
    write_u64(w, "blobsSent", x->pushed.blobs_sent);
    write_u64(w, "blobsMounted", x->pushed.blobs_mounted);
    write_u64(w, "bytesSent", x->pushed.bytes_sent);
    koc__jw_object_end(w);
    koc__jw_key(w, "timings");
    koc__jw_object(w);
    write_u64(w, "buildMs", (uint64_t)x->build_ms);
    write_u64(w, "layersMs", (uint64_t)x->layers_ms);
    write_u64(w, "pushMs", (uint64_t)x->push_ms);
    koc__jw_object_end(w);
    koc__jw_object_end(w);
}

int koc__report(const koc__plan *p, const koc__work *works, size_t n, int64_t total_ms,
                koc_buf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(REPORT_MAX);
    koc__jw w;
    koc__jw_begin(&w, &text, 2, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "schema", "koc-build-1");
    koc__jw_kv(&w, "version", KOC_VERSION_STRING);
    koc__jw_kv(&w, "encoder", koc__deflate_version());
    write_u64(&w, "totalMs", (uint64_t)total_ms);
    koc__jw_key(&w, "timings");
    koc__jw_object(&w);
    write_u64(&w, "settingsUs", (uint64_t)p->times.settings / 1000);
    write_u64(&w, "packagesUs", (uint64_t)p->times.packages / 1000);
    write_u64(&w, "basesUs", (uint64_t)p->times.bases / 1000);
    write_u64(&w, "buildUs", (uint64_t)p->times.build / 1000);
    write_u64(&w, "imagesUs", (uint64_t)p->times.images / 1000);
    koc__jw_object_end(&w);
    koc__jw_key(&w, "results");
    koc__jw_array(&w);
    for (size_t i = 0; i < n; i++) {
        write_result(&w, &works[i]);
    }
    koc__jw_array_end(&w);
    write_list(&w, "warnings", p->warnings);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    KOC__TRY(koc__dynbuf_putc(&text, '\n', err));
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}
