/*
 * Reads one file of an image's file system: from the top layer down, until one decides what the path is. A layer is
 * read to its end before its content is used, so that it is verified.
 */
#include "core/common.h"

#include <koc/ext/edit.h>

#include "core/path.h"
#include "core/str.h"
#include "layer/layer.h"
#include "layer/tar.h"

enum { HOPS_MAX = 40, MEMORY_MAX = 1 << 20, CHUNK = 64 * 1024 };

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

/* What one layer says about the path. */
typedef struct finding {
    char type;      /* KOC__TAR_*, or 0: nothing */
    char *link;     /* of a link */
    koc_blob *file; /* of a file */
    bool gone;      /* lower layers do not count */
    char *detour;   /* a directory on the way is a symbolic link: the path that it leads to */
} finding;

static void finding_dispose(finding *f)
{
    koc__free(f->link);
    koc_blob_unref(f->file);
    koc__free(f->detour);
}
KOC__DEFINE_AUTO_VAL(finding, finding_dispose);

typedef struct search {
    koc_image *image;
    koc__call *call;
    char *path;   /* clean, absolute: "/etc/passwd" */
    size_t below; /* only layers below this number count */
    unsigned hops;
} search;

/* --- paths --- */

/* "/a/b" of "./a//b/" and of "a/../a/b"; ".." does not leave the root. */
static int clean(const char *base, const char *name, char **out, koc_error **err)
{
    KOC__AUTO_STR joined = koc__format("/%s/%s", name[0] == '/' ? "" : base, name);
    *out = joined ? koc__path_clean(joined) : NULL;
    return *out ? KOC_OK : koc__oom(err);
}

/* Whether path is below directory: "/a/b" of "/a", everything of "/". */
static bool is_below(const char *path, koc_str directory)
{
    if (directory.len <= 1) {
        return true;
    }
    return strncmp(path, directory.ptr, directory.len) == 0 && path[directory.len] == '/';
}

static koc_str directory_of(const char *path)
{
    return koc__str_n(path, (size_t)(strrchr(path, '/') - path));
}

/* --- one layer --- */

static int read_content(koc__tar_reader *tar, uint64_t size, koc_blob **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) memory = KOC__DYNBUF_INIT(MEMORY_MAX);
    KOC__AUTO_VAL(koc__tempfile) file = KOC__TEMPFILE_INIT;
    char chunk[CHUNK];
    bool small = size <= MEMORY_MAX;
    KOC__TRY(small ? KOC_OK : koc__tempfile_nameless(&file, err));
    for (uint64_t left = size; left > 0;) {
        size_t n = 0;
        KOC__TRY(koc__tar_read(tar, chunk, (size_t)KOC__MIN(left, (uint64_t)CHUNK), &n, err));
        if (n == 0) {
            return koc__error(err, KOC_EFORMAT, "a layer ends in the middle of a file");
        }
        KOC__TRY(small ? koc__dynbuf_append(&memory, chunk, n, err)
                       : koc__fs_write_fd(file.fd, chunk, n, "a temporary file", err));
        left -= n;
    }
    koc_blob_unref(*out);
    *out = NULL;
    return small ? koc_blob_from_bytes(koc__dynbuf_view(&memory), out, err)
                 : koc__blob_from_nameless(&file, size, NULL, out, err);
}

/* The entry of the path itself; a later one in the layer replaces it. */
static int note_match(koc__tar_reader *tar, const koc__tar_entry *e, finding *f, koc_error **err)
{
    f->type = e->type;
    koc__free(f->link);
    f->link = koc__strdup(e->link);
    if (e->link && !f->link) {
        return koc__oom(err);
    }
    return e->type == KOC__TAR_FILE ? read_content(tar, e->size, &f->file, err) : KOC_OK;
}

/* The entry of a directory on the way to the path. */
static int note_ancestor(const search *s, const koc__tar_entry *e, const char *name, finding *f,
                         koc_error **err)
{
    if (e->type == KOC__TAR_DIR) {
        return KOC_OK;
    }
    f->gone = true;
    koc__free(koc__steal(&f->detour));
    if (e->type != KOC__TAR_SYMLINK || !e->link) {
        return KOC_OK;
    }
    KOC__AUTO_STR base = koc__str_dup(directory_of(name));
    KOC__AUTO_STR target = NULL;
    KOC__TRY(base ? clean(base, e->link, &target, err) : koc__oom(err));
    return clean(target, s->path + strlen(name) + 1, &f->detour, err);
}

static void note_whiteout(const search *s, const char *name, const char *base, finding *f)
{
    koc_str directory = directory_of(name);
    if (strcmp(base, OPAQUE) == 0) {
        f->gone |= is_below(s->path, directory);
        return;
    }
    const char *hidden = base + strlen(WHITEOUT);
    size_t n = strlen(hidden);
    const char *rest = s->path + directory.len + 1;
    if (n > 0 && strncmp(s->path, directory.ptr, directory.len) == 0 &&
        s->path[directory.len] == '/' && strncmp(rest, hidden, n) == 0) {
        f->gone |= rest[n] == '\0' || rest[n] == '/';
    }
}

static int note_entry(const search *s, koc__tar_reader *tar, const koc__tar_entry *e, finding *f,
                      koc_error **err)
{
    KOC__AUTO_STR name = NULL;
    KOC__TRY(clean("", e->name, &name, err));
    const char *base = strrchr(name, '/') + 1;
    if (strncmp(base, WHITEOUT, strlen(WHITEOUT)) == 0) {
        note_whiteout(s, name, base, f);
        return KOC_OK;
    }
    if (strcmp(name, s->path) == 0) {
        return note_match(tar, e, f, err);
    }
    return name[1] && is_below(s->path, koc__str(name)) ? note_ancestor(s, e, name, f, err)
                                                        : KOC_OK;
}

static int read_layer(const search *s, size_t i, finding *f, koc_error **err)
{
    koc_layer *layer = koc_image_layer(s->image, i);
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) tar = NULL;
    KOC__TRY(koc__layer_open_tar(layer, s->call, &in, err));
    KOC__TRY(koc__tar_reader_new(in, "a layer of the image", &tar, err));
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        KOC__TRY(koc__call_check(s->call, err));
        KOC__TRY(koc__tar_next(tar, &e, &more, err));
        if (!more) {
            return KOC_OK;
        }
        KOC__TRY(note_entry(s, tar, &e, f, err));
    }
}

/* --- the search --- */

/* Continues with another path: all layers count again, but for the target of a hard link. */
static int follow(search *s, char *path, size_t below, koc_error **err)
{
    koc__free(s->path);
    s->path = path;
    s->below = below;
    return ++s->hops <= HOPS_MAX
               ? KOC_OK
               : koc__error(err, KOC_ELIMIT, "more than %d links lead to each other", HOPS_MAX);
}

static int follow_link(search *s, const finding *f, size_t layer, koc_error **err)
{
    bool hard = f->type == KOC__TAR_HARDLINK;
    KOC__AUTO_STR base = hard ? koc__strdup("") : koc__str_dup(directory_of(s->path));
    char *target = NULL;
    KOC__TRY(base ? clean(base, f->link ? f->link : "", &target, err) : koc__oom(err));
    return follow(s, target, hard ? layer + 1 : koc_image_layer_count(s->image), err);
}

/* Looks at the layers until one decides. *out NULL, *again: the path has changed. */
static int look_down(search *s, bool *again, koc_blob **out, koc_error **err)
{
    *again = false;
    for (size_t i = s->below; i-- > 0;) {
        KOC__AUTO_VAL(finding) f = {0};
        KOC__TRY(read_layer(s, i, &f, err));
        if (f.type == KOC__TAR_FILE) {
            *out = koc__steal(&f.file);
            return KOC_OK;
        }
        if (f.type == KOC__TAR_SYMLINK || f.type == KOC__TAR_HARDLINK || f.detour) {
            *again = true;
            return f.detour ? follow(s, koc__steal(&f.detour), koc_image_layer_count(s->image), err)
                            : follow_link(s, &f, i, err);
        }
        if (f.type) {
            return koc__error(err, KOC_EINVAL, "%s is not a file", s->path);
        }
        if (f.gone) {
            break;
        }
    }
    return koc__error(err, KOC_ENOTFOUND, "there is no %s in the image", s->path);
}

int koc_image_get_file(koc_image *img, const char *path, const koc_op *op, koc_blob **out,
                       koc_error **err)
{
    if (!img || !path || !out) {
        return koc__misuse(err, "koc_image_get_file: img, path or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_blob *blob = NULL;
    search s = {.image = img, .call = &call, .below = koc_image_layer_count(img)};
    KOC__TRY(koc__call_begin(&call, NULL, op, err));
    KOC__TRY(clean("", path, &s.path, err));
    int rc = KOC_OK;
    for (bool again = true; again && rc == KOC_OK;) {
        rc = look_down(&s, &again, &blob, err);
    }
    koc__free(s.path);
    *out = rc == KOC_OK ? blob : *out;
    return rc;
}
