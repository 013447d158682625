/*
 * Loads an image into a daemon. If the daemon has the image, only its names are sent. A store that keeps
 * layers by chain gets an archive without the layers that it has (dockerd opens the file of a layer only if
 * it lacks the chain that ends in it).
 */
#include "core/common.h"

#include "daemon/daemon.h"

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/text.h"
#include "model/model.h"
#include "store/store.h"

/* This many images are searched for common layers, those of the same repository first. */
enum { LOOK_AT = 24, LINE_MAX_BYTES = 1 << 20 };

typedef struct loading {
    koc__engine *engine;
    koc_image *image;
    koc_reference *const *names;
    size_t n_names;
    koc__call *call;
    koc_progress event;
} loading;

/* The ID of the image in the daemon. */
static const koc_digest *id_of(const loading *l)
{
    return l->engine->store == KOC__STORE_CONTAINERD
               ? &koc_image_descriptor(l->image)->digest
               : &koc_image_config_descriptor(l->image)->digest;
}

static int inspect(const loading *l, const char *id, koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) target = KOC__DYNBUF_INIT(4096);
    KOC__TRY(koc__dynbuf_puts(&target, "/images/", err));
    KOC__TRY(koc__percent(&target, koc__str(id), ":/@", err));
    KOC__TRY(koc__dynbuf_puts(&target, "/json", err));
    return koc__engine_get(l->engine, koc__dynbuf_cstr(&target), "look for the image", l->call, out,
                           err);
}

/* --- names --- */

static bool has_name(const koc__jnode *image, const char *name)
{
    for (const koc__jnode *t = koc__json_child(koc__json_get(image, "RepoTags")); t;
         t = koc__json_next(t)) {
        if (koc__streq(koc__json_str(t), name)) {
            return true;
        }
    }
    return false;
}

static int add_name(const loading *l, const koc_reference *name, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) target = KOC__DYNBUF_INIT(8192);
    KOC__AUTO_VAL(koc__engine_call) c = KOC__CALL_INIT;
    KOC__TRY(koc__dynbuf_printf(&target, err, "/images/%s/tag?repo=", koc__digest_str(id_of(l)).s));
    KOC__TRY(koc__percent(&target, koc__str(koc__reference_context(name)), "", err));
    KOC__TRY(koc__dynbuf_puts(&target, "&tag=", err));
    KOC__TRY(koc__percent(&target, koc__str(koc_reference_tag(name)), "", err));
    c.engine = l->engine;
    c.method = "POST";
    c.target = koc__dynbuf_cstr(&target);
    KOC__TRY(koc__engine_call_open(&c, l->call, err));
    if (c.reply.status / 100 != 2) {
        KOC__AUTO_STR what = koc__format("tag %s", koc_reference_string(name));
        return what ? koc__engine_call_failed(&c, what, l->call, err) : koc__oom(err);
    }
    return KOC_OK;
}

/* Adds the missing names to the image that the daemon has. */
static int add_names(const loading *l, const koc__jnode *image, koc_error **err)
{
    for (size_t i = 0; i < l->n_names; i++) {
        if (!has_name(image, koc_reference_string(l->names[i]))) {
            KOC__TRY(add_name(l, l->names[i], err));
        }
    }
    return KOC_OK;
}

/* --- layers in common --- */

/* The number of leading DiffIDs that an image shares with ours. */
static size_t common_layers(const loading *l, const koc__jnode *layers)
{
    const koc__jnode *root = koc__json_root(koc__image_config_json(l->image));
    const koc__jnode *ours = koc__json_child(koc__json_at(root, "/rootfs/diff_ids"));
    const koc__jnode *theirs = koc__json_child(layers);
    size_t n = 0;
    while (ours && theirs && koc__json_str(ours) &&
           koc__streq(koc__json_str(ours), koc__json_str(theirs))) {
        ours = koc__json_next(ours);
        theirs = koc__json_next(theirs);
        n++;
    }
    return n;
}

/* Inspects the images of a list; ends when all layers but the last are found. */
static int look_at(const loading *l, const char *filter, size_t *known, koc_error **err)
{
    KOC__AUTO(koc__json) list = NULL;
    KOC__AUTO_STR target = koc__format("/images/json%s", filter);
    size_t n_layers = koc_image_layer_count(l->image);
    int left = LOOK_AT;
    if (*known + 1 >= n_layers) {
        return KOC_OK;
    }
    if (!target) {
        return koc__oom(err);
    }
    KOC__TRY(koc__engine_get(l->engine, target, "list the images", l->call, &list, err));
    for (const koc__jnode *i = koc__json_child(koc__json_root(list));
         i && left > 0 && *known + 1 < n_layers; i = koc__json_next(i), left--) {
        KOC__AUTO(koc__json) image = NULL;
        const char *id = koc__json_get_str(i, "Id");
        if (!id || inspect(l, id, &image, NULL) != KOC_OK || !image) {
            continue; /* removed meanwhile */
        }
        size_t n = common_layers(l, koc__json_at(koc__json_root(image), "/RootFS/Layers"));
        *known = KOC__MAX(*known, n);
    }
    return koc__call_check(l->call, err);
}

static int known_layers(const loading *l, size_t *known, koc_error **err)
{
    *known = 0;
    if (l->engine->store != KOC__STORE_GRAPH) {
        return KOC_OK;
    }
    KOC__AUTO_VAL(koc__dynbuf) filter = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_STR json =
        koc__format("{\"reference\":[\"%s\"]}", koc__reference_context(l->names[0]));
    if (!json) {
        return koc__oom(err);
    }
    KOC__TRY(koc__dynbuf_puts(&filter, "?filters=", err));
    KOC__TRY(koc__percent(&filter, koc__str(json), "", err));
    KOC__TRY(look_at(l, koc__dynbuf_cstr(&filter), known, err));
    return look_at(l, "", known, err);
}

/* --- the answer to a load: JSON documents, one per line, with status 200 even when it failed --- */

static int load_failed(const loading *l, const char *why, koc_error **err)
{
    const char *name = koc_reference_string(l->names[0]);
    koc__error(err, KOC_EIO, "cannot load %s: the daemon at %s says: %.*s", name,
               koc__engine_where(l->engine), (int)KOC__MIN(strcspn(why, "\r\n"), (size_t)600), why);
    if (strstr(why, "no space left")) {
        koc__error_hint(err, "its disk is full: docker system df shows the usage, docker image "
                             "prune removes images without a name");
    }
    return KOC_EIO;
}

static int read_line(const loading *l, koc_str line, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    line = koc__str_trim(line);
    if (line.len == 0) {
        return KOC_OK;
    }
    KOC__AUTO_STR what =
        koc__format("reply of the daemon at %s to a load", koc__engine_where(l->engine));
    if (!what) {
        return koc__oom(err);
    }
    KOC__TRY(koc__json_parse(line, LINE_MAX_BYTES, what, &doc, err));
    const koc__jnode *root = koc__json_root(doc);
    const char *why = koc__json_str(koc__json_at(root, "/errorDetail/message"));
    const char *stream = koc__json_get_str(root, "stream");
    why = why ? why : koc__json_get_str(root, "error");
    /* The containerd store reports an image that it could not unpack as progress, not as an error. */
    if (!why && stream && strncmp(stream, "Error ", 6) == 0) {
        why = stream;
    }
    return why ? load_failed(l, why, err) : KOC_OK;
}

static int read_answer(loading *l, koc__engine_call *c, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(LINE_MAX_BYTES);
    for (;;) {
        char chunk[16384];
        size_t n = 0;
        KOC__TRY(koc__engine_call_read(c, l->call, chunk, sizeof(chunk), &n, err));
        koc_str rest = koc__str_n(chunk, n), line, after;
        while (koc__str_cut(rest, '\n', &line, &after)) {
            KOC__TRY(koc__dynbuf_put(&text, line, err));
            KOC__TRY(read_line(l, koc__dynbuf_view(&text), err));
            koc__dynbuf_clear(&text);
            rest = after;
        }
        KOC__TRY(koc__dynbuf_put(&text, rest, err));
        if (n == 0) {
            return read_line(l, koc__dynbuf_view(&text), err);
        }
    }
}

/* --- loading --- */

static void report_progress(loading *l, int32_t state, uint64_t done)
{
    l->event.state = state;
    l->event.done = done;
    koc__call_progress(l->call, &l->event);
}

static void on_sent(void *self, uint64_t bytes)
{
    report_progress(self, KOC_STATE_ACTIVE, bytes);
}

static int send_archive(loading *l, size_t skip, koc__local_result *out, koc_error **err)
{
    const koc_archive_image image = {sizeof(koc_archive_image), 0, l->image, l->names, l->n_names};
    KOC__AUTO(koc_blob) body = NULL;
    KOC__AUTO_VAL(koc__engine_call) c = KOC__CALL_INIT;
    if (l->engine->store == KOC__STORE_CONTAINERD) {
        KOC__TRY(koc__layout_blob(&image, skip, &body, err));
    } else {
        KOC__TRY(koc__archive_blob(&image, skip, l->call, &body, err));
    }
    l->event.total = koc_blob_size(body);
    report_progress(l, KOC_STATE_STARTED, 0);
    c.engine = l->engine;
    c.method = "POST";
    c.target = "/images/load?quiet=0";
    c.body = body;
    c.no_timeout = true;
    c.sent = on_sent;
    c.sent_self = l;
    KOC__TRY(koc__engine_call_open(&c, l->call, err));
    if (c.reply.status != 200) {
        KOC__AUTO_STR what = koc__format("load %s", koc_reference_string(l->names[0]));
        return what ? koc__engine_call_failed(&c, what, l->call, err) : koc__oom(err);
    }
    KOC__TRY(read_answer(l, &c, err));
    out->bytes_sent += koc_blob_size(body);
    return KOC_OK;
}

static int load(loading *l, koc__local_result *out, koc_error **err)
{
    KOC__AUTO(koc__json) there = NULL;
    KOC__TRY(inspect(l, koc__digest_str(id_of(l)).s, &there, err));
    if (there) {
        out->unchanged = true;
        return add_names(l, koc__json_root(there), err);
    }
    size_t skip = 0;
    KOC__TRY(known_layers(l, &skip, err));
    if (skip > 0 && send_archive(l, skip, out, NULL) == KOC_OK) {
        return KOC_OK;
    }
    KOC__TRY(koc__call_check(l->call, err));
    /* The whole image: the layers that were found before may have been removed since. */
    return send_archive(l, 0, out, err);
}

int koc__engine_load(koc__engine *e, koc_image *img, koc_reference *const *names, size_t n,
                     koc__call *call, koc__local_result *out, koc_error **err)
{
    loading l = {.engine = e, .image = img, .names = names, .n_names = n, .call = call};
    koc__local_result result = {0};
    l.event = (koc_progress)KOC_PROGRESS_INIT;
    l.event.kind = KOC_PROGRESS_BLOB;
    l.event.what = koc_reference_string(names[0]);
    l.event.id = koc__call_new_id(call);
    int rc = load(&l, &result, err);
    report_progress(&l, rc == KOC_OK ? KOC_STATE_FINISHED : KOC_STATE_FAILED, result.bytes_sent);
    KOC__TRY(rc);
    *out = result;
    return KOC_OK;
}
