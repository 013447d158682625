/* The layer builder, first half: collects the entries of a layer. It reads no content, only stat(2). */
#include "core/common.h"

#include "core/path.h"
#include "layer/builder.h"
#include "layer/packer.h"

#define XATTR "SCHILY.xattr."

static void item_free(koc__layer_item *i)
{
    if (!i) {
        return;
    }
    koc__free(i->name);
    koc__free(i->link);
    koc__free(i->records);
    koc__free(i->source);
    koc_blob_unref(i->blob);
    koc__free(i->bytes);
    koc__free(i);
}
KOC__DEFINE_AUTO(koc__layer_item, item_free);

int koc_layer_builder_new(koc_ctx *ctx, const koc_layer_options *opts, koc_layer_builder **out,
                          koc_error **err)
{
    if (!ctx || !out) {
        return koc__misuse(err, "koc_layer_builder_new: ctx or out is NULL");
    }
    koc_layer_options filled = KOC_LAYER_OPTIONS_INIT;
    KOC__TRY(koc__layer_options_fill(opts, &filled, err));
    KOC__AUTO(koc_layer_builder) b = koc__calloc(1, sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    b->ctx = koc_ctx_ref(ctx);
    b->opts = filled;
    b->media_type = koc__strdup(filled.media_type);
    b->opts.media_type = b->media_type;
    b->what = koc__strdup("layer");
    b->by_name = koc__map_new(NULL);
    if (!b->media_type || !b->what || !b->by_name) {
        return koc__oom(err);
    }
    *out = koc__steal(&b);
    return KOC_OK;
}

void koc_layer_builder_free(koc_layer_builder *b)
{
    if (!b) {
        return;
    }
    for (size_t i = 0; i < b->n; i++) {
        item_free(b->items[i]);
    }
    koc__free(b->items);
    koc__map_free(b->by_name);
    koc__free(b->media_type);
    koc__free(b->what);
    koc_ctx_unref(b->ctx);
    koc__free(b);
}

int koc__layer_builder_set_name(koc_layer_builder *b, const char *name, koc_error **err)
{
    char *copy = koc__strdup(name);
    if (!copy) {
        return koc__oom(err);
    }
    koc__free(b->what);
    b->what = copy;
    return KOC_OK;
}

static bool verbatim(const koc_layer_builder *b)
{
    return b->opts.flags & KOC_LAYER_VERBATIM;
}

static int append(koc_layer_builder *b, koc__layer_item **item, koc_error **err)
{
    if (!koc__grow((void **)&b->items, &b->capacity, b->n + 1, sizeof(koc__layer_item *))) {
        return koc__oom(err);
    }
    if (!verbatim(b)) {
        KOC__TRY(koc__map_set(b->by_name, koc__str((*item)->name), *item, err));
    }
    b->items[b->n++] = koc__steal(item);
    return KOC_OK;
}

/* --- names --- */

/* An image path without leading slash; "" is the root. ".." is refused rather than resolved. */
static int clean_path(const char *path, char **out, koc_error **err)
{
    koc_str rest = koc__str(path);
    koc_str part = {NULL, 0};
    while (koc__str_split(&rest, '/', &part)) {
        if (koc__str_is(part, "..")) {
            return koc__error(err, KOC_EINVAL, "layer path %s: \"..\" is not allowed", path);
        }
    }
    KOC__AUTO_STR clean = koc__path_clean(path);
    if (!clean) {
        return koc__oom(err);
    }
    const char *below = clean + (clean[0] == '/');
    char *copy = koc__strdup(koc__streq(below, ".") ? "" : below);
    if (!copy) {
        return koc__oom(err);
    }
    *out = copy;
    return KOC_OK;
}

static int add_parents(koc_layer_builder *b, const char *name, koc_error **err)
{
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        koc_str parent = koc__str_n(name, (size_t)(slash - name));
        const koc__layer_item *there = koc__map_get(b->by_name, parent);
        if (there && there->type != KOC__TAR_DIR) {
            return koc__error(err, KOC_EINVAL,
                              "layer path /%s: /%s is not a directory in this "
                              "layer",
                              name, there->name);
        }
        if (there) {
            continue;
        }
        KOC__AUTO(koc__layer_item) i = koc__calloc(1, sizeof(*i));
        if (!i) {
            return koc__oom(err);
        }
        i->name = koc__str_dup(parent);
        i->type = KOC__TAR_DIR;
        i->implied = true;
        i->mode = 0755;
        i->mtime = b->opts.mtime;
        if (!i->name) {
            return koc__oom(err);
        }
        KOC__TRY(append(b, &i, err));
    }
    return KOC_OK;
}

static bool same_records(const koc__layer_item *a, const koc__layer_item *b)
{
    if (a->n_records != b->n_records) {
        return false;
    }
    for (size_t i = 0; i < a->n_records; i++) {
        if (!koc__streq(a->records[i].key, b->records[i].key) ||
            !koc__str_eq(a->records[i].value, b->records[i].value)) {
            return false;
        }
    }
    return true;
}

static bool same_directory(const koc__layer_item *a, const koc__layer_item *b)
{
    return a->type == KOC__TAR_DIR && b->type == KOC__TAR_DIR && a->mode == b->mode &&
           a->uid == b->uid && a->gid == b->gid && a->mtime == b->mtime && same_records(a, b);
}

/* Adds item to b; taken on success. */
static int add(koc_layer_builder *b, koc__layer_item **item, koc_error **err)
{
    koc__layer_item *i = *item;
    if (verbatim(b)) {
        return append(b, item, err);
    }
    koc__layer_item *there = koc__map_get(b->by_name, koc__str(i->name));
    if (there && there->implied && i->type == KOC__TAR_DIR) {
        koc__layer_item swapped = *there;
        *there = *i;
        *i = swapped;
        item_free(koc__steal(item));
        /* The map has its own copy of the key. */
        return KOC_OK;
    }
    if (there && same_directory(there, i)) {
        item_free(koc__steal(item));
        return KOC_OK;
    }
    if (there) {
        return koc__error(err, KOC_EEXISTS, "layer path /%s is given twice", i->name);
    }
    KOC__TRY(add_parents(b, i->name, err));
    return append(b, item, err);
}

/* --- metadata --- */

/* Copies records with their keys and values into one allocation. */
static int copy_records(koc__layer_item *i, const koc__tar_record *from, size_t n, koc_error **err)
{
    size_t size = n * sizeof(koc__tar_record);
    for (size_t k = 0; k < n; k++) {
        if (!koc__add_size(size, strlen(from[k].key) + 1, &size) ||
            !koc__add_size(size, from[k].value.len, &size)) {
            return koc__oom(err);
        }
    }
    if (n == 0) {
        return KOC_OK;
    }
    i->records = koc__malloc(size);
    if (!i->records) {
        return koc__oom(err);
    }
    char *p = (char *)(i->records + n);
    for (size_t k = 0; k < n; k++) {
        size_t key = strlen(from[k].key) + 1;
        memcpy(p, from[k].key, key);
        i->records[k].key = p;
        p += key;
        if (from[k].value.len > 0) {
            memcpy(p, from[k].value.ptr, from[k].value.len);
        }
        i->records[k].value = koc__str_n(p, from[k].value.len);
        p += from[k].value.len;
    }
    i->n_records = n;
    return KOC_OK;
}

static int copy_xattrs(koc__layer_item *i, const koc_kv *xattrs, size_t n, koc_error **err)
{
    enum { XATTRS_MAX = 8 };
    koc__tar_record records[XATTRS_MAX] = {{NULL, {NULL, 0}}};
    char *keys[XATTRS_MAX] = {NULL};
    int rc = KOC_OK;
    if (n > XATTRS_MAX) {
        return koc__error(err, KOC_ELIMIT, "layer path %s: more than %d extended attributes",
                          i->name, XATTRS_MAX);
    }
    for (size_t k = 0; k < n && rc == KOC_OK; k++) {
        keys[k] = koc__format(XATTR "%s", xattrs[k].key);
        records[k] = (koc__tar_record){keys[k], koc__str(xattrs[k].value)};
        rc = keys[k] ? KOC_OK : koc__oom(err);
    }
    if (rc == KOC_OK) {
        rc = copy_records(i, records, n, err);
    }
    for (size_t k = 0; k < n; k++) {
        koc__free(keys[k]);
    }
    return rc;
}

static int check_builder(const koc_layer_builder *b, const char *path, koc_error **err)
{
    if (!b || !path) {
        return koc__misuse(err, "koc_layer_builder: b or path is NULL");
    }
    return b->finished ? koc__misuse(err, "koc_layer_builder: it is finished already") : KOC_OK;
}

/* A new item with the metadata of e (or NULL). */
static int new_item(const koc_layer_builder *b, const char *path, char type, const koc_entry *from,
                    koc__layer_item **out, koc_error **err)
{
    koc_entry e = KOC_ENTRY_INIT;
    KOC__TRY(check_builder(b, path, err));
    KOC__TRY(koc__options_copy(&e, sizeof(e), from, "koc_entry", err));
    if (e.flags || e.reserved || e.mode > 07777) {
        return koc__misuse(err, "koc_entry: unknown flags or mode bits");
    }
    KOC__AUTO(koc__layer_item) i = koc__calloc(1, sizeof(*i));
    if (!i) {
        return koc__oom(err);
    }
    if (verbatim(b)) {
        i->name = koc__strdup(path);
        if (!i->name) {
            return koc__oom(err);
        }
    } else {
        KOC__TRY(clean_path(path, &i->name, err));
    }
    if (!*i->name && type != KOC__TAR_DIR) {
        return koc__error(err, KOC_EINVAL, "layer path \"%s\" names no file", path);
    }
    i->type = type;
    i->mode = e.mode                     ? e.mode
              : type == KOC__TAR_DIR     ? 0755
              : type == KOC__TAR_SYMLINK ? 0777
                                         : 0644;
    i->uid = e.uid;
    i->gid = e.gid;
    i->mtime = e.mtime ? e.mtime : b->opts.mtime;
    KOC__TRY(copy_xattrs(i, e.xattrs, e.n_xattrs, err));
    *out = koc__steal(&i);
    return KOC_OK;
}

/* --- content --- */

static int set_source(koc__layer_item *i, const char *source, koc_error **err)
{
    KOC__TRY(koc__fs_stamp(source, true, &i->stamp, err));
    if (!S_ISREG(i->stamp.mode)) {
        return koc__error(err, KOC_EINVAL, "%s is not a regular file", source);
    }
    i->source = koc__strdup(source);
    i->size = i->stamp.size;
    return i->source ? KOC_OK : koc__oom(err);
}

static int set_bytes(koc__layer_item *i, koc_str data, koc_error **err)
{
    i->bytes = koc__malloc(data.len + 1);
    if (!i->bytes) {
        return koc__oom(err);
    }
    if (data.len > 0) {
        memcpy(i->bytes, data.ptr, data.len);
    }
    i->size = data.len;
    return KOC_OK;
}

static void set_blob(koc__layer_item *i, koc_blob *blob)
{
    i->blob = koc_blob_ref(blob);
    i->size = koc_blob_size(blob);
}

static int set_link(koc__layer_item *i, const char *target, koc_error **err)
{
    i->link = koc__strdup(target);
    return i->link ? KOC_OK : koc__oom(err);
}

int koc_layer_builder_add_file(koc_layer_builder *b, const char *path, const char *source,
                               const koc_entry *e, koc_error **err)
{
    KOC__AUTO(koc__layer_item) i = NULL;
    if (!source) {
        return koc__misuse(err, "koc_layer_builder_add_file: source is NULL");
    }
    KOC__TRY(new_item(b, path, KOC__TAR_FILE, e, &i, err));
    KOC__TRY(set_source(i, source, err));
    return add(b, &i, err);
}

int koc_layer_builder_add_bytes(koc_layer_builder *b, const char *path, koc_str data,
                                const koc_entry *e, koc_error **err)
{
    KOC__AUTO(koc__layer_item) i = NULL;
    if (!data.ptr && data.len > 0) {
        return koc__misuse(err, "koc_layer_builder_add_bytes: data is NULL");
    }
    KOC__TRY(new_item(b, path, KOC__TAR_FILE, e, &i, err));
    KOC__TRY(set_bytes(i, data, err));
    return add(b, &i, err);
}

int koc_layer_builder_add_blob(koc_layer_builder *b, const char *path, koc_blob *data,
                               const koc_entry *e, koc_error **err)
{
    KOC__AUTO(koc__layer_item) i = NULL;
    if (!data) {
        return koc__misuse(err, "koc_layer_builder_add_blob: data is NULL");
    }
    KOC__TRY(new_item(b, path, KOC__TAR_FILE, e, &i, err));
    set_blob(i, data);
    return add(b, &i, err);
}

int koc_layer_builder_add_dir(koc_layer_builder *b, const char *path, const koc_entry *e,
                              koc_error **err)
{
    KOC__AUTO(koc__layer_item) i = NULL;
    KOC__TRY(new_item(b, path, KOC__TAR_DIR, e, &i, err));
    return *i->name ? add(b, &i, err) : KOC_OK; /* every image has the root */
}

int koc_layer_builder_add_symlink(koc_layer_builder *b, const char *path, const char *target,
                                  const koc_entry *e, koc_error **err)
{
    KOC__AUTO(koc__layer_item) i = NULL;
    if (!target || !*target) {
        return koc__misuse(err, "koc_layer_builder_add_symlink: target is NULL or empty");
    }
    KOC__TRY(new_item(b, path, KOC__TAR_SYMLINK, e, &i, err));
    KOC__TRY(set_link(i, target, err));
    return add(b, &i, err);
}

int koc_layer_builder_add_hardlink(koc_layer_builder *b, const char *path, const char *target,
                                   koc_error **err)
{
    KOC__AUTO(koc__layer_item) i = NULL;
    KOC__AUTO_STR clean = NULL;
    if (!target || !*target) {
        return koc__misuse(err, "koc_layer_builder_add_hardlink: target is NULL or empty");
    }
    KOC__TRY(new_item(b, path, KOC__TAR_HARDLINK, NULL, &i, err));
    if (!verbatim(b)) {
        KOC__TRY(clean_path(target, &clean, err));
    }
    KOC__TRY(set_link(i, clean ? clean : target, err));
    return add(b, &i, err);
}

int koc__layer_builder_add_raw(koc_layer_builder *b, const koc__layer_entry *e, koc_error **err)
{
    KOC__AUTO(koc__layer_item) i = koc__calloc(1, sizeof(*i));
    KOC__TRY(check_builder(b, e->name, err));
    if (!verbatim(b)) {
        return koc__misuse(err,
                           "koc__layer_builder_add_raw: the builder is not KOC_LAYER_VERBATIM");
    }
    if (!i) {
        return koc__oom(err);
    }
    i->type = e->type;
    i->mode = e->mode;
    i->uid = e->uid;
    i->gid = e->gid;
    i->mtime = e->mtime;
    i->digest = e->digest;
    i->name = koc__strdup(e->name);
    if (!i->name) {
        return koc__oom(err);
    }
    KOC__TRY(copy_records(i, e->records, e->n_records, err));
    if (e->link) {
        KOC__TRY(set_link(i, e->link, err));
    }
    if (e->source) {
        KOC__TRY(set_source(i, e->source, err));
    } else if (e->blob) {
        set_blob(i, e->blob);
    } else if (e->type == KOC__TAR_FILE) {
        KOC__TRY(set_bytes(i, e->bytes, err));
    }
    return append(b, &i, err);
}
