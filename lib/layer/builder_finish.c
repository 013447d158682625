/* The layer builder, second half: sorts the entries, then writes the layer in one pass over all content. */
#include "core/common.h"

#include <unistd.h>

#include "core/hash/sha256.h"
#include "core/io/io.h"
#include "layer/builder.h"
#include "layer/packer.h"

typedef struct writer {
    koc__packer *packer;
    koc__tar_writer tar;
    koc__call *call;
} writer;

/* --- order --- */

/* Byte order of each component, a directory before its content; hard links last, since their targets must
 * come first. */
static int by_place(const void *left, const void *right)
{
    const koc__layer_item *a = *(koc__layer_item *const *)left;
    const koc__layer_item *b = *(koc__layer_item *const *)right;
    bool a_last = a->type == KOC__TAR_HARDLINK;
    bool b_last = b->type == KOC__TAR_HARDLINK;
    if (a_last != b_last) {
        return a_last ? 1 : -1;
    }
    const unsigned char *x = (const unsigned char *)a->name;
    const unsigned char *y = (const unsigned char *)b->name;
    while (*x && *x == *y) {
        x++;
        y++;
    }
    /* A slash sorts before all: "a/b" comes before "a-b". */
    int cx = *x == '/' ? 1 : *x ? *x + 1 : 0;
    int cy = *y == '/' ? 1 : *y ? *y + 1 : 0;
    return cx - cy;
}

/* A hard link must lead to a file of this layer; a link to a link is changed to the file. */
static int resolve_hardlink(koc_layer_builder *b, koc__layer_item *i, koc_error **err)
{
    const koc__layer_item *to = koc__map_get(b->by_name, koc__str(i->link));
    for (size_t steps = 0; to && to->type == KOC__TAR_HARDLINK && steps <= b->n; steps++) {
        to = koc__map_get(b->by_name, koc__str(to->link));
    }
    if (!to || to->type != KOC__TAR_FILE) {
        return koc__error(err, KOC_EINVAL, "hard link /%s: /%s is not a file of this layer",
                          i->name, i->link);
    }
    char *target = koc__strdup(to->name);
    if (!target) {
        return koc__oom(err);
    }
    koc__free(i->link);
    i->link = target;
    return KOC_OK;
}

static int put_in_order(koc_layer_builder *b, koc_error **err)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->items[i]->type == KOC__TAR_HARDLINK) {
            KOC__TRY(resolve_hardlink(b, b->items[i], err));
        }
    }
    if (b->n > 1) {
        qsort(b->items, b->n, sizeof(koc__layer_item *), by_place);
    }
    return KOC_OK;
}

/* --- content --- */

static int changed(const koc__layer_item *i, koc_error **err)
{
    return koc__error(err, KOC_ECONFLICT, "%s changed while the layer was built", i->source);
}

static int check_stamp(const koc__layer_item *i, int fd, koc_error **err)
{
    struct stat st;
    koc__stamp now;
    if (fstat(fd, &st) != 0) {
        return koc__error_errno(err, errno, "cannot look at %s", i->source);
    }
    koc__stamp_of(&st, &now);
    return koc__stamp_equal(&now, &i->stamp) ? KOC_OK : changed(i, err);
}

/* Counts n bytes of content that were read into the packer's buffer. */
static int passed(writer *w, koc__sha256 *hash, const uint8_t *data, size_t n, koc_error **err)
{
    if (hash) {
        koc__sha256_update(hash, data, n);
    }
    KOC__TRY(koc__packer_commit(w->packer, n, err));
    return koc__tar_passed(&w->tar, n, err);
}

static int write_source(writer *w, const koc__layer_item *i, koc__sha256 *hash, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    KOC__TRY(koc__fs_open_read(i->source, &fd, err));
    KOC__TRY(check_stamp(i, fd, err));
    for (uint64_t left = i->size; left > 0;) {
        uint8_t *space = NULL;
        size_t room = 0;
        size_t n = 0;
        KOC__TRY(koc__packer_space(w->packer, &space, &room, err));
        KOC__TRY(koc__fs_read_fd(fd, space, KOC__MIN(room, left), &n, i->source, err));
        if (n == 0) {
            return changed(i, err);
        }
        KOC__TRY(passed(w, hash, space, n, err));
        left -= n;
    }
    return check_stamp(i, fd, err);
}

static int write_blob(writer *w, const koc__layer_item *i, koc__sha256 *hash, koc_error **err)
{
    KOC__AUTO(koc_reader) raw = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    KOC__TRY(koc__blob_open(i->blob, 0, w->call, &raw, err));
    KOC__TRY(koc__reader_verify(raw, i->size, NULL, &in, err));
    koc__steal(&raw);
    for (;;) {
        uint8_t *space = NULL;
        size_t room = 0;
        size_t n = 0;
        KOC__TRY(koc__packer_space(w->packer, &space, &room, err));
        KOC__TRY(koc_reader_read(in, space, room, &n, err));
        if (n == 0) {
            return KOC_OK;
        }
        KOC__TRY(passed(w, hash, space, n, err));
    }
}

static int write_content(writer *w, const koc__layer_item *i, koc_error **err)
{
    koc__sha256 state;
    koc__sha256 *hash = i->digest ? &state : NULL;
    koc__sha256_init(&state);
    if (i->source) {
        KOC__TRY(write_source(w, i, hash, err));
    } else if (i->blob) {
        KOC__TRY(write_blob(w, i, hash, err));
    } else if (i->size > 0) {
        KOC__TRY(koc__tar_data(&w->tar, i->bytes, (size_t)i->size, err));
        koc__sha256_update(&state, i->bytes, (size_t)i->size);
    }
    if (hash) {
        koc__sha256_digest(hash, i->digest);
    }
    return KOC_OK;
}

static int write_item(writer *w, const koc_layer_builder *b, const koc__layer_item *i,
                      koc_error **err)
{
    KOC__AUTO_STR directory = NULL;
    if (!(b->opts.flags & KOC_LAYER_VERBATIM) && i->type == KOC__TAR_DIR) {
        KOC__TRY(koc__formatf(&directory, err, "%s/", i->name));
    }
    const koc__tar_entry e = {.name = directory ? directory : i->name,
                              .link = i->link,
                              .type = i->type,
                              .mode = i->mode,
                              .uid = i->uid,
                              .gid = i->gid,
                              .mtime = i->mtime,
                              .size = i->size,
                              .records = i->records,
                              .n_records = i->n_records};
    KOC__TRY(koc__call_check(w->call, err));
    KOC__TRY(koc__tar_header(&w->tar, &e, err));
    return write_content(w, i, err);
}

/* About how long the tar will be: extended headers are not counted. */
static uint64_t estimate(const koc_layer_builder *b)
{
    uint64_t total = 2 * KOC__TAR_BLOCK;
    for (size_t i = 0; i < b->n; i++) {
        uint64_t size = b->items[i]->size;
        total += KOC__TAR_BLOCK + size + -size % KOC__TAR_BLOCK;
    }
    return total;
}

int koc__layer_builder_finish(koc_layer_builder *b, koc__call *call, koc_layer **out,
                              koc_error **err)
{
    if (b->finished) {
        return koc__misuse(err, "koc_layer_builder_finish: it is finished already");
    }
    b->finished = true;
    if (!(b->opts.flags & KOC_LAYER_VERBATIM)) {
        KOC__TRY(put_in_order(b, err));
    }
    KOC__AUTO(koc__packer) packer = NULL;
    KOC__TRY(koc__packer_new(b->ctx, &b->opts, b->what, estimate(b), call, &packer, err));
    writer w = {packer, KOC__TAR_WRITER_INIT(koc__packer_write, packer), call};
    for (size_t i = 0; i < b->n; i++) {
        KOC__TRY(write_item(&w, b, b->items[i], err));
    }
    KOC__TRY(koc__tar_end(&w.tar, err));
    return koc__packer_finish(packer, out, err);
}

int koc_layer_builder_finish(koc_layer_builder *b, const koc_op *op, koc_layer **out,
                             koc_error **err)
{
    if (!b || !out) {
        return koc__misuse(err, "koc_layer_builder_finish: b or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, b->ctx, op, err));
    return koc__layer_builder_finish(b, &call, out, err);
}
