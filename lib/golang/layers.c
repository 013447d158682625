/*
 * The two layers of an image in ko's tar dialect (docs/ko.md, layers). The cache knows earlier layers by
 * everything that determines their bytes; to reuse one, koc reads no source and compresses nothing.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/path.h"
#include "core/text.h"
#include "golang/go_build.h"
#include "golang/golang.h"
#include "golang/kodata.h"
#include "layer/layer.h"
#include "model/model.h"

#define RECORD       "layer" /* kind of the cache's records */
#define RECORD_MAX   1024
#define LAYER_FORMAT "koc-layer-1"
#define MODE         0555
#define TRIES_MAX    10
#define RACY_SECONDS 2 /* a file younger than this may change again without a new time stamp */

/* Owner and group BUILTIN\Users in a security descriptor, as Windows wants it on files. */
#define RAWSD_KEY   "MSWINDOWS.rawsd"
#define RAWSD_VALUE "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA=="

typedef struct maker {
    koc_ctx *ctx;
    const koc__go_layer_options *o;
    bool windows;
    int64_t mtime;
    char *app;           /* the program's name */
    const uint8_t *caps; /* of the program's file; NULL: none */
    koc__sha256 key;     /* over everything that determines the layer's bytes */
    koc_layer_builder *builder;
} maker;

static void maker_dispose(maker *m)
{
    koc_layer_builder_free(m->builder);
    koc__free(m->app);
}
KOC__DEFINE_AUTO_VAL(maker, maker_dispose);

/* --- the cache --- */

static void key_text(maker *m, const char *text)
{
    koc__sha256_update(&m->key, text, strlen(text) + 1);
}

static void key_number(maker *m, int64_t number)
{
    koc__sha256_update(&m->key, &number, sizeof(number));
}

static const char *encoder_version(int32_t compression)
{
    const char *version = compression == KOC_COMPRESS_NONE   ? NULL
                          : compression == KOC_COMPRESS_ZSTD ? koc__zstd_version()
                                                             : koc__deflate_version();
    return version ? version : "none";
}

static void begin_key(maker *m, const char *kind)
{
    m->windows = koc__streq(m->o->platform->os, "windows");
    koc__sha256_init(&m->key);
    key_text(m, LAYER_FORMAT);
    key_text(m, kind);
    key_text(m, encoder_version(m->o->compression));
    key_number(m, m->o->compression);
    key_number(m, m->o->level);
    key_number(m, m->o->format);
    key_number(m, m->windows);
    key_number(m, m->mtime);
}

static bool read_record(koc_str text, koc_digest *diff_id, koc_digest *digest, uint64_t *size,
                        uint64_t *tar_size)
{
    koc_str word[4];
    for (size_t i = 0; i < KOC__COUNT(word); i++) {
        if (!koc__str_word(&text, &word[i])) {
            return false;
        }
    }
    return koc__digest_read(word[0], diff_id) && koc__digest_read(word[1], digest) &&
           koc__str_u64(word[2], size) && koc__str_u64(word[3], tar_size);
}

/* *out stays NULL: there is no such layer, or its bytes are gone. */
static int find_layer(const maker *m, koc_str key, koc_layer **out, koc_error **err)
{
    koc__cache *cache = m->ctx->cache;
    KOC__AUTO_VAL(koc_buf) record = KOC_BUF_INIT;
    KOC__AUTO(koc_blob) blob = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_digest diff_id;
    uint64_t tar_size;
    bool found = false;
    if (!cache) {
        return KOC_OK;
    }
    KOC__TRY(koc__cache_get(cache, RECORD, key, RECORD_MAX, &found, &record, err));
    if (!found ||
        !read_record(koc__str_n(record.ptr, record.len), &diff_id, &d.digest, &d.size, &tar_size) ||
        koc__cache_blob(cache, &d.digest, d.size, &blob, NULL) != KOC_OK) {
        return KOC_OK;
    }
    d.media_type = koc__mt_layer(m->o->format, m->o->compression);
    return koc__layer_new(&d, &diff_id, tar_size, blob, NULL, out, err);
}

/* A cache that cannot be written must not fail the build. */
static void record_layer(const maker *m, koc_str key, koc_layer *l, koc__call *call)
{
    koc_digest diff_id;
    const koc_descriptor *d = koc_layer_descriptor(l);
    if (!m->ctx->cache || koc__layer_diff_id(l, call, &diff_id, NULL) != KOC_OK) {
        return;
    }
    KOC__AUTO_STR record = koc__format("%s %s %llu %llu\n", koc__digest_str(&diff_id).s,
                                       koc__digest_str(&d->digest).s, (unsigned long long)d->size,
                                       (unsigned long long)koc_layer_uncompressed_size(l));
    if (record) {
        (void)koc__cache_put(m->ctx->cache, RECORD, key, koc__str(record), NULL);
    }
}

/* --- entries --- */

static int open_builder(maker *m, const char *what, koc_error **err)
{
    koc_layer_options lo = KOC_LAYER_OPTIONS_INIT;
    KOC__AUTO_STR name = koc__format("%s %s", m->app, what);
    if (!name) {
        return koc__oom(err);
    }
    lo.flags =
        KOC_LAYER_VERBATIM | (m->o->format == KOC_FORMAT_DOCKER ? KOC_LAYER_DOCKER_TYPES : 0);
    lo.compression = m->o->compression;
    lo.level = m->o->level;
    KOC__TRY(koc_layer_builder_new(m->ctx, &lo, &m->builder, err));
    return koc__layer_builder_set_name(m->builder, name, err);
}

static int add_dir(maker *m, const char *name, koc_error **err)
{
    koc__layer_entry e = {.name = name, .type = KOC__TAR_DIR, .mode = MODE, .mtime = m->mtime};
    return koc__layer_builder_add_raw(m->builder, &e, err);
}

/* caps NULL: none. digest (or NULL) receives the content's when the layer is built. */
static int add_file(maker *m, const char *name, const char *source, const uint8_t *caps,
                    koc_digest *digest, koc_error **err)
{
    koc__tar_record records[2];
    size_t n = 0;
    if (m->windows) {
        records[n++] = (koc__tar_record){RAWSD_KEY, KOC__STR(RAWSD_VALUE)};
    }
    if (caps) {
        records[n++] =
            (koc__tar_record){KOC__CAPS_RECORD, koc__str_n((const char *)caps, KOC__CAPS_SIZE)};
    }
    koc__layer_entry e = {.name = name,
                          .type = KOC__TAR_FILE,
                          .mode = MODE,
                          .mtime = m->mtime,
                          .records = records,
                          .n_records = n,
                          .source = source,
                          .digest = digest};
    return koc__layer_builder_add_raw(m->builder, &e, err);
}

static int add_dirs(maker *m, const char *const *names, koc_error **err)
{
    for (; *names; names++) {
        KOC__TRY(add_dir(m, *names, err));
    }
    return KOC_OK;
}

/* --- the program --- */

/* The last element of the import path, as ko names programs. Owned. */
static char *app_name(const koc__go_target *t)
{
    koc_str base = koc__path_base(koc__str(t->import_path));
    bool none = koc__str_is(base, ".") || koc__str_is(base, "/");
    return none ? koc__strdup("ko-app") : koc__str_dup(base);
}

/* The capabilities of the program's file; *any false: none. Linux only. */
static int encode_capabilities(const maker *m, const koc__go_target *t, bool *any,
                               uint8_t caps[KOC__CAPS_SIZE], koc_error **err)
{
    *any = false;
    if (!t->config || !koc__streq(m->o->platform->os, "linux")) {
        return KOC_OK;
    }
    return koc__caps_encode(t->config->capabilities, any, caps, err);
}

static int build_program_layer(maker *m, const char *source, koc__call *call, koc_digest *digest,
                               koc_layer **out, koc_error **err)
{
    static const char *const windows[] = {"Hives", "Files", "Files/ko-app", NULL};
    static const char *const others[] = {"ko-app", NULL};
    KOC__AUTO_STR name = koc__format(m->windows ? "Files/ko-app/%s" : "/ko-app/%s", m->app);
    KOC__AUTO_STR platform = koc__platform_str(m->o->platform);
    if (!name || !platform) {
        return koc__oom(err);
    }
    KOC__TRY(open_builder(m, platform, err));
    KOC__TRY(add_dirs(m, m->windows ? windows : others, err));
    KOC__TRY(add_file(m, name, source, m->caps, digest, err));
    return koc__layer_builder_finish(m->builder, call, out, err);
}

/*
 * The layer's key. The program's content is in it as Go's build ID, whose last part is a hash of the
 * whole file, so that the file need not be read; or as its SHA-256, if a flag removed the build ID.
 */
static bool binary_key(const maker *m, const koc__go_binary *b, const koc_digest *content,
                       koc__digest_text *out)
{
    koc__sha256 key = m->key;
    koc_digest d;
    if (b->build_id) {
        koc__sha256_update(&key, b->build_id, strlen(b->build_id) + 1);
        koc__sha256_update(&key, &b->stamp.size, sizeof(b->stamp.size));
    } else if (content->algorithm != KOC_DIGEST_NONE) {
        koc__sha256_update(&key, content->bytes, sizeof(content->bytes));
    } else {
        return false;
    }
    koc__sha256_digest(&key, &d);
    *out = koc__digest_hex(&d);
    return true;
}

/* Whether the file still is the program that go linked. A chmod, or a backup that makes hard links,
 * changes its stamp but not its content. */
static bool is_same_program(const koc__go_binary *b)
{
    KOC__AUTO_STR id = NULL;
    koc__stamp now;
    return b->build_id && koc__fs_stamp(b->path, false, &now, NULL) == KOC_OK &&
           now.size == b->stamp.size && koc__exe_build_id(b->path, &id, NULL) == KOC_OK &&
           koc__streq(id, b->build_id);
}

/* Builds the layer again if the stamp of the file changed while it was read. */
static int build_until_settled(maker *m, koc__go_binary *b, koc__call *call, koc_digest *content,
                               koc_layer **out, koc_error **err)
{
    for (int left = TRIES_MAX;; left--) {
        koc_error *why = NULL;
        int rc = build_program_layer(m, b->path, call, content, out, &why);
        if (rc != KOC_ECONFLICT || left == 1 || !is_same_program(b)) {
            return rc == KOC_OK ? KOC_OK : koc__error_move(err, &why);
        }
        koc_error_free(why);
        koc_layer_builder_free(koc__steal(&m->builder));
    }
}

static int build_and_record(maker *m, koc__go_binary *b, koc__call *call, koc_layer **out,
                            koc_error **err)
{
    koc_digest content = b->digest;
    koc__digest_text key;
    KOC__TRY(build_until_settled(m, b, call, b->build_id ? NULL : &content, out, err));
    if (!b->build_id) {
        KOC__TRY(koc__go_binary_set_digest(m->ctx, b, &content, err));
    }
    if (binary_key(m, b, &content, &key)) {
        record_layer(m, koc__str(key.s), *out, call);
    }
    return KOC_OK;
}

static int binary_layer(maker *m, const koc__go_target *t, koc__go_binary *b, koc__call *call,
                        koc_layer **out, koc_error **err)
{
    KOC__AUTO(koc_layer) made = NULL;
    uint8_t caps[KOC__CAPS_SIZE];
    bool any;
    koc__digest_text key;
    m->app = app_name(t);
    if (!m->app) {
        return koc__oom(err);
    }
    begin_key(m, "program");
    key_text(m, m->app);
    KOC__TRY(encode_capabilities(m, t, &any, caps, err));
    m->caps = any ? caps : NULL;
    koc__sha256_update(&m->key, caps, any ? sizeof(caps) : 0);
    if (binary_key(m, b, &b->digest, &key)) {
        KOC__TRY(find_layer(m, koc__str(key.s), &made, err));
    }
    if (!made) {
        KOC__TRY(build_and_record(m, b, call, &made, err));
    }
    *out = koc__steal(&made);
    return KOC_OK;
}

int koc__go_binary_layer(koc_ctx *ctx, const koc__go_target *t, koc__go_binary *b,
                         const koc__go_layer_options *o, koc__call *call, koc_layer **out,
                         koc_error **err)
{
    KOC__AUTO_VAL(maker) m = {.ctx = ctx, .o = o};
    return binary_layer(&m, t, b, call, out, err);
}

/* --- kodata --- */

/* Adds names and stamps to the key. Returns whether all files are old enough to trust their stamps. */
static bool key_tree(maker *m, const koc__kodata *k)
{
    int64_t newest = INT64_MIN, now = koc__now();
    for (size_t i = 0; i < k->count; i++) {
        const koc__kodata_entry *e = &k->entries[i];
        bool dir = koc__kodata_is_dir(e);
        key_text(m, e->name);
        key_number(m, dir);
        if (!dir) {
            koc__sha256_update(&m->key, &e->stamp, sizeof(e->stamp));
            newest = KOC__MAX(newest, e->stamp.ctime_ns / 1000000000);
        }
    }
    return newest < now - RACY_SECONDS;
}

static int add_tree(maker *m, const koc__kodata *k, const char *prefix, koc_error **err)
{
    for (size_t i = 0; i < k->count; i++) {
        const koc__kodata_entry *e = &k->entries[i];
        KOC__AUTO_STR name = koc__format("%s/%s", prefix, e->name);
        KOC__AUTO_STR source =
            e->source ? koc__strdup(e->source) : koc__format("%s/%s", k->root, e->name);
        if (!name || !source) {
            return koc__oom(err);
        }
        KOC__TRY(koc__kodata_is_dir(e) ? add_dir(m, name, err)
                                       : add_file(m, name, source, NULL, NULL, err));
    }
    return KOC_OK;
}

static int build_kodata_layer(maker *m, const koc__kodata *k, koc__call *call, koc_layer **out,
                              koc_error **err)
{
    static const char *const windows[] = {
        "Hives", "Files", "Files/var", "Files/var/run", "Files/var/run/ko", NULL};
    static const char *const others[] = {"/var", "/var/run", "/var/run/ko", NULL};
    KOC__TRY(open_builder(m, "kodata", err));
    KOC__TRY(add_dirs(m, m->windows ? windows : others, err));
    KOC__TRY(add_tree(m, k, m->windows ? "Files/var/run/ko" : "/var/run/ko", err));
    return koc__layer_builder_finish(m->builder, call, out, err);
}

static int kodata_layer(maker *m, const koc__go_target *t, koc__call *call, koc_layer **out,
                        koc_error **err)
{
    KOC__AUTO(koc__kodata) k = NULL;
    KOC__AUTO(koc_layer) made = NULL;
    koc_digest d;
    bool found;
    m->app = app_name(t);
    if (!m->app) {
        return koc__oom(err);
    }
    KOC__TRY(koc__go_epoch("KO_DATA_DATE_EPOCH", &found, &m->mtime, err));
    begin_key(m, "kodata");
    KOC__TRY(koc__kodata_walk(m->ctx, t->package_dir, m->windows, call, &k, err));
    bool settled = key_tree(m, k);
    koc__sha256_digest(&m->key, &d);
    koc__digest_text key = koc__digest_hex(&d);
    KOC__TRY(find_layer(m, koc__str(key.s), &made, err));
    if (!made) {
        KOC__TRY(build_kodata_layer(m, k, call, &made, err));
        if (settled) {
            record_layer(m, koc__str(key.s), made, call);
        }
    }
    *out = koc__steal(&made);
    return KOC_OK;
}

int koc__go_kodata_layer(koc_ctx *ctx, const koc__go_target *t, const koc__go_layer_options *o,
                         koc__call *call, koc_layer **out, koc_error **err)
{
    KOC__AUTO_VAL(maker) m = {.ctx = ctx, .o = o};
    return kodata_layer(&m, t, call, out, err);
}
