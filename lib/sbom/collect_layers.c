/* Adds what an image holds besides the program: files of kodata, and the debugger. */
#include "core/common.h"

#include "core/hash/crypto.h"
#include "core/hash/sha256.h"
#include "core/path.h"
#include "core/str.h"
#include "goexe/goexe.h"
#include "layer/layer.h"
#include "sbom/bom.h"

#define PIECE ((size_t)64 << 10)

KOC__DEFINE_AUTO(koc__sha512_state, koc__sha512_free);

static int hash_entry(koc__tar_reader *tar, koc__sbom_hashes *out, koc_error **err)
{
    KOC__AUTO(koc__sha512_state) big = NULL;
    KOC__AUTO_STR piece = koc__malloc(PIECE);
    koc__sha256 small;
    size_t n = 1;
    if (!piece) {
        return koc__oom(err);
    }
    KOC__TRY(koc__sha512_new(&big, err));
    koc__sha256_init(&small);
    while (n > 0) {
        KOC__TRY(koc__tar_read(tar, piece, PIECE, &n, err));
        koc__sha256_update(&small, piece, n);
        KOC__TRY(koc__sha512_update(big, piece, n, err));
    }
    koc__sha256_final(&small, out->sha256);
    return koc__sha512_finish(big, out->sha512, err);
}

static void add_hashes(koc__bom *b, size_t i, const koc__sbom_hashes *h)
{
    koc__bom_hash_add(b, i, KOC__BOM_SHA256, h->sha256, sizeof(h->sha256));
    koc__bom_hash_add(b, i, KOC__BOM_SHA512, h->sha512, sizeof(h->sha512));
}

static int add_file(koc__bom *b, size_t image, const koc__tar_entry *e, koc__tar_reader *tar,
                    koc_error **err)
{
    koc__sbom_hashes hashes;
    const char *name = e->name[0] == '/' ? e->name + 1 : e->name;
    size_t i = koc__bom_add(b, KOC__BOM_FILE, koc__bom_text(b, "File-%s", name), name);
    koc__bom_component *c = koc__bom_get(b, i);
    c->file_path = koc__bom_text(b, "/%s", name);
    c->file_name = koc__bom_take(b, koc__str_dup(koc__path_base(koc__str(name))));
    c->file = e->mode & 0111 ? KOC__BOM_EXECUTABLE : 0;
    KOC__TRY(hash_entry(tar, &hashes, err));
    add_hashes(b, i, &hashes);
    koc__bom_link(b, image, KOC__BOM_CONTAINS, i);
    return KOC_OK;
}

int koc__bom_add_files(koc__bom *b, size_t image, koc_layer *layer, koc__call *call,
                       koc_error **err)
{
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) tar = NULL;
    koc__tar_entry e;
    bool more = true;
    if (!layer) {
        return KOC_OK;
    }
    KOC__TRY(koc__layer_open_tar(layer, call, &in, err));
    KOC__TRY(koc__tar_reader_new(in, "the layer with kodata", &tar, err));
    for (;;) {
        KOC__TRY(koc__tar_next(tar, &e, &more, err));
        if (!more) {
            return KOC_OK;
        }
        if (e.type == KOC__TAR_FILE) {
            KOC__TRY(add_file(b, image, &e, tar, err));
        }
    }
}

int koc__bom_add_debugger(koc__bom *b, size_t image, const char *path, const char *build_id,
                          koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    koc__sbom_hashes hashes;
    if (!path) {
        return KOC_OK;
    }
    int rc = koc__exe_info_read(path, &info, NULL);
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    const char *name = info && info->main.path ? info->main.path : "dlv";
    const char *version =
        info && info->main.path && *info->main.version ? info->main.version : NULL;
    size_t i = koc__bom_add(b, KOC__BOM_APPLICATION, koc__bom_text(b, "Go-%s", name), name);
    koc__bom_component *c = koc__bom_get(b, i);
    c->version = version ? koc__bom_text(b, "%s", version) : NULL;
    c->purl = info && info->main.path ? koc__bom_take(b, koc__purl_go(name, version)) : NULL;
    c->go_sum = version && *info->main.sum ? koc__bom_text(b, "%s", info->main.sum) : NULL;
    c->source = "the debugger that --debug adds; its modules are not listed";
    c->file_name = "dlv";
    c->file_path = "/ko-app/dlv";
    c->file = KOC__BOM_EXECUTABLE | KOC__BOM_STRUCTURED;
    KOC__TRY(koc__sbom_hash_file(path, build_id, call, &hashes, err));
    add_hashes(b, i, &hashes);
    koc__bom_link(b, image, KOC__BOM_CONTAINS, i);
    return KOC_OK;
}
