/*
 * Writes the file system of an image as one tar. The first pass reads the names of all layers and decides
 * which entries are left at the end; the second copies those, layer by layer, so that directories come before
 * their content and links after their targets.
 */
#include "core/common.h"

#include <fcntl.h>

#include <koc/ext/edit.h>

#include "core/hash/digests.h"
#include "core/io/fs_open.h"
#include "core/map.h"
#include "core/path.h"
#include "layer/layer.h"

enum { NAMES_MAX = 2000000, COPY = 256 * 1024, LAYER_SHIFT = 40 };

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

/* The position of an entry: the layer in the high bits, the number of the entry in the low bits. 0 is before
 * everything. */
typedef uint64_t position;

/* The state of one path. */
typedef struct node {
    position at;      /* of the last entry; 0: there is none */
    position content; /* of the file whose content it has */
    position wiped;   /* earlier entries of this path and below are removed */
    position emptied; /* earlier entries below this path are removed */
    char type;
    char name[]; /* its path */
} node;

typedef struct flattening {
    koc_image *image;
    koc__call *call;
    koc__map *nodes;   /* path -> node */
    koc__map *primary; /* position of content -> the node that gets it if its own name is removed */
    koc__tar_writer out;
    char *buf;
    koc_layer **layers; /* the layers of the image, each readable twice */
    char *dir;          /* for copies of layers that are not local; or NULL */
} flattening;

static void dispose(flattening *f)
{
    koc__map_free(f->nodes);
    koc__map_free(f->primary);
    koc__free(f->buf);
    for (size_t i = 0; f->layers && i < koc_image_layer_count(f->image); i++) {
        koc_layer_unref(f->layers[i]);
    }
    koc__free(f->layers);
    if (f->dir) {
        (void)koc__fs_remove(f->dir, NULL);
    }
    koc__free(f->dir);
}
KOC__DEFINE_AUTO_VAL(flattening, dispose);

static void free_node(void *value)
{
    koc__free(value);
}

/* --- paths --- */

/* "./a//b/../c/" and "/a/c" are "a/c"; ".." does not leave the root, which is "". */
static char *clean(const char *name)
{
    KOC__AUTO_STR rooted = koc__format("/%s", name);
    KOC__AUTO_STR path = rooted ? koc__path_clean(rooted) : NULL;
    return path ? koc__strdup(path + 1) : NULL;
}

static int need_node(flattening *f, koc_str path, node **out, koc_error **err)
{
    node *n = koc__map_get(f->nodes, path);
    if (!n) {
        if (koc__map_count(f->nodes) >= NAMES_MAX) {
            return koc__error(err, KOC_ELIMIT, "the image has more than %d names", NAMES_MAX);
        }
        n = koc__calloc(1, sizeof(*n) + path.len + 1);
        if (!n) {
            return koc__oom(err);
        }
        if (path.len > 0) {
            memcpy(n->name, path.ptr, path.len);
        }
        int rc = koc__map_set(f->nodes, path, n, err);
        if (rc != KOC_OK) {
            koc__free(n);
            return rc;
        }
    }
    *out = n;
    return KOC_OK;
}

/* Whether the entry of this path at position `at` is left. */
static bool is_live(const flattening *f, const char *path, position at)
{
    const node *n = koc__map_get(f->nodes, koc__str(path));
    if (at == 0 || (n && n->wiped > at)) {
        return false;
    }
    koc_str rest = koc__str(path);
    koc_str last = {0};
    while (koc__str_rcut(rest, '/', &rest, &last)) {
        n = koc__map_get(f->nodes, rest);
        if (n && (n->wiped > at || n->emptied > at)) {
            return false;
        }
    }
    n = koc__map_get(f->nodes, KOC__STR(""));
    return !n || n->emptied <= at;
}

/* --- layers --- */

static int copy_blob(flattening *f, const koc_layer *l, const char *path, koc_error **err)
{
    const koc_descriptor *d = koc_layer_descriptor(l);
    KOC__AUTO_FD fd = koc__fs_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    koc__fd_target file = {fd, path};
    const koc_writer to = {koc__fd_write, &file};
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot make %s", path);
    }
    return koc__blob_copy(l->blob, d->size, &d->digest, &to, NULL, f->call, err);
}

/* Both passes read all layers, so a remote layer is copied to a file first. */
static int bring_here(flattening *f, size_t i, koc_error **err)
{
    koc_layer *l = koc_image_layer(f->image, i);
    KOC__AUTO(koc_blob) copy = NULL;
    if (!l->blob || koc__blob_path(l->blob)) {
        f->layers[i] = koc_layer_ref(l);
        return KOC_OK;
    }
    if (!f->dir) {
        KOC__TRY(koc__fs_tempdir("koc-export-", &f->dir, err));
    }
    KOC__AUTO_STR path = NULL;
    KOC__TRY(koc__formatf(&path, err, "%s/%zu", f->dir, i));
    KOC__TRY(copy_blob(f, l, path, err));
    KOC__TRY(koc_blob_from_file(path, &l->descriptor->digest, &copy, err));
    return koc__layer_twin(l, l->descriptor, copy, NULL, &f->layers[i], err);
}

/* --- first pass --- */

/* ".wh.x" removes x of the layers below; ".wh..wh..opq" removes everything in this directory. */
static int note_whiteout(flattening *f, koc_str directory, koc_str base, position layer,
                         koc_error **err)
{
    node *n = NULL;
    if (koc__str_is(base, OPAQUE)) {
        KOC__TRY(need_node(f, directory, &n, err));
        n->emptied = layer;
        return KOC_OK;
    }
    koc_str name = koc__str_from(base, strlen(WHITEOUT));
    if (koc__str_starts(name, WHITEOUT) || name.len == 0) {
        return KOC_OK; /* metadata of aufs */
    }
    KOC__AUTO_STR path = directory.len > 0 ? koc__format("%.*s/%.*s", (int)directory.len,
                                                         directory.ptr, (int)name.len, name.ptr)
                                           : koc__str_dup(name);
    if (!path) {
        return koc__oom(err);
    }
    KOC__TRY(need_node(f, koc__str(path), &n, err));
    n->wiped = layer;
    return KOC_OK;
}

/* A hard link shares the current content of its target. */
static int content_of(flattening *f, const koc__tar_entry *e, position at, position *out,
                      koc_error **err)
{
    *out = at;
    if (e->type != KOC__TAR_HARDLINK || !e->link) {
        return KOC_OK;
    }
    KOC__AUTO_STR target = clean(e->link);
    if (!target) {
        return koc__oom(err);
    }
    const node *n = koc__map_get(f->nodes, koc__str(target));
    if (!n || !is_live(f, target, n->at) || n->type == KOC__TAR_DIR) {
        return koc__error(err, KOC_EFORMAT, "%s is a hard link to %s, which is not there", e->name,
                          e->link);
    }
    *out = n->content;
    return KOC_OK;
}

static int note_entry(flattening *f, const koc__tar_entry *e, position layer, position at,
                      koc_error **err)
{
    KOC__AUTO_STR path = clean(e->name);
    koc_str directory = {0};
    node *n = NULL;
    position content = 0;
    if (!path) {
        return koc__oom(err);
    }
    koc_str base = koc__str(path);
    (void)koc__str_rcut(base, '/', &directory, &base);
    if (koc__str_starts(base, WHITEOUT)) {
        return note_whiteout(f, directory, base, layer, err);
    }
    if (!*path) {
        return KOC_OK; /* the root itself */
    }
    KOC__TRY(content_of(f, e, at, &content, err));
    KOC__TRY(need_node(f, koc__str(path), &n, err));
    n->at = at;
    n->content = content;
    n->type = e->type;
    if (e->type != KOC__TAR_DIR) {
        n->wiped = at; /* the content of an earlier directory of this name */
    }
    return KOC_OK;
}

typedef int (*entry_fn)(flattening *f, koc__tar_reader *tar, const koc__tar_entry *e,
                        position layer, position at, koc_error **err);

static int each_entry(flattening *f, size_t i, entry_fn fn, koc_error **err)
{
    koc_layer *layer = f->layers[i];
    const koc__digest_text name = koc__digest_str(&koc_layer_descriptor(layer)->digest);
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) tar = NULL;
    const position first = (position)(i + 1) << LAYER_SHIFT;
    KOC__TRY(koc__layer_open_tar(layer, f->call, &in, err));
    KOC__TRY(koc__tar_reader_new(in, name.s, &tar, err));
    for (position at = first + 1;; at++) {
        koc__tar_entry e = {0};
        bool more = false;
        KOC__TRY(koc__call_check(f->call, err));
        KOC__TRY(koc__tar_next(tar, &e, &more, err));
        if (!more) {
            return KOC_OK;
        }
        KOC__TRY(fn(f, tar, &e, first, at, err));
    }
}

static int first_pass(flattening *f, koc__tar_reader *tar, const koc__tar_entry *e, position layer,
                      position at, koc_error **err)
{
    (void)tar;
    return note_entry(f, e, layer, at, err);
}

/* --- between --- */

static koc_str key_of(const position *p)
{
    return koc__str_n((const char *)p, sizeof(*p));
}

/* Chooses the name of each content: that of the file itself, else that of its first link. */
static int choose_names(flattening *f, koc_error **err)
{
    koc_str path = {0};
    void *value = NULL;
    for (size_t cursor = 0; koc__map_next(f->nodes, &cursor, &path, &value);) {
        node *n = value;
        if (n->type == KOC__TAR_DIR || !is_live(f, n->name, n->at)) {
            continue;
        }
        const node *other = koc__map_get(f->primary, key_of(&n->content));
        if (!other || n->at < other->at) {
            KOC__TRY(koc__map_set(f->primary, key_of(&n->content), n, err));
        }
    }
    return KOC_OK;
}

/* --- second pass --- */

static int copy_content(flattening *f, koc__tar_reader *tar, uint64_t left, koc_error **err)
{
    while (left > 0) {
        size_t n = 0;
        KOC__TRY(koc__call_check(f->call, err));
        KOC__TRY(koc__tar_read(tar, f->buf, (size_t)KOC__MIN(left, (uint64_t)COPY), &n, err));
        if (n == 0) {
            return koc__error(err, KOC_EFORMAT, "a layer ends in the middle of a file");
        }
        KOC__TRY(koc__tar_data(&f->out, f->buf, n, err));
        left -= n;
    }
    return KOC_OK;
}

static int write_entry(flattening *f, koc__tar_reader *tar, const koc__tar_entry *from,
                       const char *name, koc_error **err)
{
    koc__tar_entry e = *from;
    KOC__AUTO_STR directory = e.type == KOC__TAR_DIR ? koc__format("%s/", name) : NULL;
    if (e.type == KOC__TAR_DIR && !directory) {
        return koc__oom(err);
    }
    e.name = directory ? directory : name;
    KOC__TRY(koc__tar_header(&f->out, &e, err));
    return copy_content(f, tar, e.size, err);
}

static int second_pass(flattening *f, koc__tar_reader *tar, const koc__tar_entry *e, position layer,
                       position at, koc_error **err)
{
    KOC__AUTO_STR path = clean(e->name);
    (void)layer;
    if (!path) {
        return koc__oom(err);
    }
    const node *n = koc__map_get(f->nodes, koc__str(path));
    bool own = n && n->at == at && is_live(f, path, at);
    if (e->type == KOC__TAR_DIR) {
        return own ? write_entry(f, tar, e, path, err) : KOC_OK;
    }
    const node *primary = koc__map_get(f->primary, key_of(own ? &n->content : &at));
    if (primary && e->type != KOC__TAR_HARDLINK) {
        return write_entry(f, tar, e, primary->name, err);
    }
    if (!own || !primary || primary == n) {
        return KOC_OK; /* removed, or written at the position of its content */
    }
    koc__tar_entry link = *e;
    link.link = primary->name;
    return write_entry(f, tar, &link, path, err);
}

static int sink(void *self, const void *data, size_t len, koc_error **err)
{
    const koc_writer *w = self;
    return w->write(w->self, data, len, err);
}

static int flatten(flattening *f, koc_error **err)
{
    size_t n = koc_image_layer_count(f->image);
    f->nodes = koc__map_new(free_node);
    f->primary = koc__map_new(NULL);
    f->buf = koc__malloc(COPY);
    f->layers = koc__calloc(n + 1, sizeof(koc_layer *));
    if (!f->nodes || !f->primary || !f->buf || !f->layers) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(bring_here(f, i, err));
        KOC__TRY(each_entry(f, i, first_pass, err));
    }
    KOC__TRY(choose_names(f, err));
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(each_entry(f, i, second_pass, err));
    }
    return koc__tar_end(&f->out, err);
}

int koc_image_flatten(koc_image *img, const koc_writer *w, const koc_op *op, koc_error **err)
{
    if (!img || !w || !w->write) {
        return koc__misuse(err, "koc_image_flatten: img or w is NULL");
    }
    koc_writer to = *w;
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, NULL, op, err));
    KOC__AUTO_VAL(flattening)
    f = {.image = img, .call = &call, .out = KOC__TAR_WRITER_INIT(sink, &to)};
    return flatten(&f, err);
}
