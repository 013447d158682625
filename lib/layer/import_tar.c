/*
 * Makes a layer of an existing tar. Runtimes unpack gzip, zstd and plain tars; they reject or skip others
 * only when the image is run, so the whole tar is checked first.
 */
#include "core/common.h"

#include "core/path.h"
#include "layer/layer.h"

/* --- the entries --- */

static bool leads_out(const char *name)
{
    KOC__AUTO_STR clean = koc__path_clean(name);
    return clean && (koc__streq(clean, "..") || koc__str_starts(koc__str(clean), "../"));
}

static int check_entry(const koc__tar_entry *e, const char *what, koc_error **err)
{
    bool link = e->type == KOC__TAR_HARDLINK && e->link;
    if (leads_out(e->name) || (link && leads_out(e->link))) {
        return koc__error(err, KOC_EFORMAT, "%s: %s leads out of the root, which Docker rejects",
                          what, leads_out(e->name) ? e->name : e->link);
    }
    return KOC_OK;
}

int koc__layer_check(koc_layer *l, const char *what, bool whole, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) tar = NULL;
    KOC__TRY(koc__layer_open_tar(l, call, &in, err));
    KOC__TRY(koc__tar_reader_new(in, what, &tar, err));
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc__tar_next(tar, &e, &more, err));
        if (!more) {
            break;
        }
        KOC__TRY(check_entry(&e, what, err));
    }
    if (whole && koc__tar_trailing(tar)) {
        return koc__error(err, KOC_EFORMAT,
                          "%s continues after the end of its tar: runtimes would unpack only the "
                          "first of joined archives",
                          what);
    }
    return KOC_OK;
}

/* --- what it is --- */

enum { HEAD = KOC__TAR_BLOCK, MAGIC_AT = 257 };

typedef struct kind {
    const char *magic;
    size_t len;
    const char *name;   /* "compressed with xz" */
    const char *unpack; /* the command that writes its content to stdout, or NULL */
} kind;

static const kind kinds[] = {
    {"\xfd"
     "7zXZ",
     5, "compressed with xz", "xz -dc"},
    {"BZh", 3, "compressed with bzip2", "bzip2 -dc"},
    {"\x04\x22\x4d\x18", 4, "compressed with lz4", "lz4 -dc"},
    {"LZIP", 4, "compressed with lzip", "lzip -dc"},
    {"\x1f\x9d", 2, "compressed with compress", "gzip -dc"},
    {"PK\x03\x04", 4, "a zip archive", NULL},
    {"PK\x05\x06", 4, "a zip archive", NULL},
    {"7z\xbc\xaf", 4, "a 7-Zip archive", NULL},
    {"!<arch>\n", 8, "an ar archive (a Debian package?)", NULL},
    {"070701", 6, "a cpio archive", NULL},
    {"\x7f"
     "ELF",
     4, "a program", NULL},
    {"\xed\xab\xee\xdb", 4, "an RPM package", NULL},
};

static bool is_text(const uint8_t *head, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (head[i] < 0x20 && !strchr("\t\r\n\f\x1b", head[i])) {
            return false;
        }
    }
    return true;
}

static int refuse(const uint8_t *head, size_t len, const char *what, koc_error **err)
{
    for (size_t i = 0; i < KOC__COUNT(kinds); i++) {
        const kind *k = &kinds[i];
        if (len < k->len || memcmp(head, k->magic, k->len) != 0) {
            continue;
        }
        koc__error(err, KOC_EFORMAT, "%s is %s, not a tar%s", what, k->name,
                   k->unpack ? " in gzip, zstd or plain" : "");
        if (k->unpack) {
            koc__error_hint(err, "unpack it first: %s %s >layer.tar", k->unpack,
                            koc__streq(what, "stdin") ? "FILE" : what);
        }
        return KOC_EFORMAT;
    }
    return koc__error(err, KOC_EFORMAT, "%s is %s, not a tar", what,
                      len == 0             ? "empty"
                      : is_text(head, len) ? "text"
                                           : "of no known format");
}

/* Whether the first header is that of a tar; an empty archive is one, too. Other faults are reported when the
 * tar is read. */
static bool begins_as_tar(koc_blob *blob, const uint8_t *head, size_t len, koc__call *call)
{
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) tar = NULL;
    koc__tar_entry e = {0};
    bool more = false;
    if (len < HEAD || memcmp(head + MAGIC_AT, "ustar", 5) == 0) {
        return len == HEAD;
    }
    return koc__blob_open(blob, 0, call, &in, NULL) == KOC_OK &&
           koc__tar_reader_new(in, "", &tar, NULL) == KOC_OK &&
           koc__tar_next(tar, &e, &more, NULL) == KOC_OK;
}

static int32_t compression_of(const uint8_t *head, size_t len)
{
    if (len >= 2 && head[0] == 0x1f && head[1] == 0x8b) {
        return KOC_COMPRESS_GZIP;
    }
    return len >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0 ? KOC_COMPRESS_ZSTD
                                                                : KOC_COMPRESS_NONE;
}

static int find_compression(koc_blob *blob, const char *what, koc__call *call, int32_t *out,
                            koc_error **err)
{
    KOC__AUTO(koc_reader) in = NULL;
    uint8_t head[HEAD] = {0};
    size_t len = 0;
    KOC__TRY(koc__blob_open(blob, 0, call, &in, err));
    KOC__TRY(koc__reader_fill(in, head, sizeof(head), &len, err));
    *out = compression_of(head, len);
    if (*out == KOC_COMPRESS_NONE && !begins_as_tar(blob, head, len, call)) {
        KOC__TRY(koc__call_check(call, err));
        return refuse(head, len, what, err);
    }
    return KOC_OK;
}

/* --- the layer --- */

/* A compressed tar: its bytes stay unchanged. */
static int keep(koc_ctx *ctx, koc_blob *blob, const char *what, const char *media_type,
                koc__call *call, koc_layer **out, koc_error **err)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_digest diff_id;
    d.media_type = media_type;
    d.size = koc_blob_size(blob);
    if (!media_type) {
        return koc__error(err, KOC_EUNSUPPORTED, "%s: Docker has no media type for layers in zstd",
                          what);
    }
    KOC__TRY(koc__blob_digest(blob, call, &d.digest, err));
    KOC__TRY(koc_layer_from_blob(ctx, &d, NULL, blob, out, err));
    int rc = koc__layer_diff_id(*out, call, &diff_id, err);
    return koc__error_prefix(err, rc, "%s", what);
}

int koc_layer_import(koc_ctx *ctx, koc_blob *tar, const char *name, const koc_layer_options *opts,
                     const koc_op *user, koc_layer **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO(koc_layer) layer = NULL;
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    int32_t compression = 0;
    if (!ctx || !tar || !name || !out) {
        return koc__misuse(err, "koc_layer_import: ctx, tar, name or out is NULL");
    }
    KOC__TRY(koc__layer_options_fill(opts, &o, err));
    KOC__TRY(koc__call_begin(&call, ctx, user, err));
    KOC__TRY(find_compression(tar, name, &call, &compression, err));
    if (compression == KOC_COMPRESS_NONE) {
        KOC__TRY(koc__layer_from_tar(ctx, tar, opts, &call, &layer, err));
    } else {
        int32_t format = o.flags & KOC_LAYER_DOCKER_TYPES ? KOC_FORMAT_DOCKER : KOC_FORMAT_OCI;
        KOC__TRY(keep(ctx, tar, name, koc__mt_layer(format, compression), &call, &layer, err));
    }
    /* Checks the layer, not the file, which may change meanwhile. */
    KOC__TRY(koc__layer_check(layer, name, true, &call, err));
    *out = koc__steal(&layer);
    return KOC_OK;
}
