/* The table of contents of a tar file. Nothing is unpacked: names are keys, never paths on disk. */
#include "core/common.h"

#include "store/tar_contents.h"

#include "core/dynbuf.h"
#include "core/map.h"
#include "core/path.h"
#include "core/str.h"
#include "layer/tar.h"

enum { LINKS_MAX = 8 };

/* The offset of an entry's content, or the target of its link. */
typedef struct place {
    uint64_t start, size;
    char *link; /* clean name of the target, or NULL */
} place;

struct koc__contents {
    char *path;
    koc_blob *file;
    koc__map *places; /* by clean name */
};

static void place_free(void *value)
{
    place *p = value;
    koc__free(p->link);
    koc__free(p);
}

void koc__contents_free(koc__contents *a)
{
    if (a) {
        koc_blob_unref(a->file);
        koc__map_free(a->places);
        koc__free(a->path);
        koc__free(a);
    }
}

/* The target of a link in the directory of `name`, as a clean name. */
static char *link_target(const char *name, const koc__tar_entry *e)
{
    if (e->type == KOC__TAR_HARDLINK) {
        return koc__path_clean(e->link);
    }
    koc_str directory = koc__path_dir(koc__str(name));
    KOC__AUTO_STR joined = koc__format("%.*s/%s", KOC__FMT(directory), e->link);
    return joined ? koc__path_clean(joined) : NULL;
}

static int note(koc__contents *a, const koc__tar_entry *e, uint64_t start, koc_error **err)
{
    bool link = (e->type == KOC__TAR_SYMLINK || e->type == KOC__TAR_HARDLINK) && e->link;
    if (e->type != KOC__TAR_FILE && !link) {
        return KOC_OK;
    }
    if (koc__map_count(a->places) >= KOC__CONTENTS_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s has more than %d entries", a->path,
                          KOC__CONTENTS_MAX);
    }
    KOC__AUTO_STR name = koc__path_clean(e->name);
    place *p = koc__calloc(1, sizeof(*p));
    if (!name || !p) {
        koc__free(p);
        return koc__oom(err);
    }
    p->start = start;
    p->size = e->size;
    p->link = link ? link_target(name, e) : NULL;
    int rc = link && !p->link ? koc__oom(err) : koc__map_set(a->places, koc__str(name), p, err);
    if (rc != KOC_OK) {
        place_free(p);
    }
    return rc;
}

static int refuse_compressed(const koc__contents *a, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_reader) in = NULL;
    uint8_t head[4] = {0};
    size_t n = 0;
    KOC__TRY(koc__blob_open(a->file, 0, call, &in, err));
    KOC__TRY(koc__reader_fill(in, head, sizeof(head), &n, err));
    if ((head[0] == 0x1f && head[1] == 0x8b) || memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) {
        return koc__error(
            err, KOC_EUNSUPPORTED,
            "%s is compressed as a whole: decompress it first (its layers may stay so)", a->path);
    }
    return KOC_OK;
}

static int read_contents(koc__contents *a, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__tar_reader) tar = NULL;
    KOC__TRY(koc_blob_from_file(a->path, NULL, &a->file, err));
    KOC__TRY(refuse_compressed(a, call, err));
    a->places = koc__map_new(place_free);
    if (!a->places) {
        return koc__oom(err);
    }
    KOC__TRY(koc__tar_reader_open(a->file, a->path, call, &tar, err));
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc__tar_next(tar, &e, &more, err));
        if (!more) {
            return KOC_OK;
        }
        KOC__TRY(note(a, &e, koc__tar_content_offset(tar), err));
    }
}

int koc__contents_open(const char *path, koc__call *call, koc__contents **out, koc_error **err)
{
    KOC__AUTO(koc__contents) a = koc__calloc(1, sizeof(*a));
    if (!a) {
        return koc__oom(err);
    }
    a->path = koc__strdup(path);
    if (!a->path) {
        return koc__oom(err);
    }
    KOC__TRY(read_contents(a, call, err));
    *out = koc__steal(&a);
    return KOC_OK;
}

bool koc__contents_has(const koc__contents *a, const char *name)
{
    return koc__map_get(a->places, koc__str(name)) != NULL;
}

int koc__contents_find(const koc__contents *a, const char *name, koc__extent *out, char **clean,
                       koc_error **err)
{
    KOC__AUTO_STR at = koc__path_clean(name);
    for (int i = 0; at && i < LINKS_MAX; i++) {
        const place *p = koc__map_get(a->places, koc__str(at));
        if (!p) {
            return koc__error(err, KOC_EFORMAT, "%s: there is no %s in it", a->path, name);
        }
        if (!p->link) {
            *out = (koc__extent){p->start, p->size};
            if (clean) {
                *clean = koc__steal(&at);
            }
            return KOC_OK;
        }
        koc__free(at);
        at = koc__strdup(p->link);
    }
    return at ? koc__error(err, KOC_EFORMAT, "%s: %s leads through too many links", a->path, name)
              : koc__oom(err);
}

int koc__contents_blob(const koc__contents *a, const char *name, const koc_digest *expect,
                       koc_blob **out, koc_error **err)
{
    koc__extent p = {0};
    KOC__TRY(koc__contents_find(a, name, &p, NULL, err));
    return koc__blob_from_file_part(a->path, p.start, p.size, expect, out, err);
}

int koc__contents_read(const koc__contents *a, const char *name, size_t max, koc__call *call,
                       koc_buf *out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__TRY(koc__contents_blob(a, name, NULL, &blob, err));
    if (koc_blob_size(blob) > max) {
        return koc__error(err, KOC_ELIMIT, "%s: %s has %llu bytes, more than %zu", a->path, name,
                          (unsigned long long)koc_blob_size(blob), max);
    }
    return koc__blob_read_all(blob, max, call, out, err);
}
