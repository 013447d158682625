/*
 * Layouts of others: index.json, as koc reads it and as koc serve makes repositories of it. The first part of
 * the input is index.json, the others are its blobs.
 */
#include "directory.h"
#include "parts.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "serve/serve.h"
#include "store/layout.h"

enum { BLOBS_MAX = 16 };

static koc_ctx *ctx;
static koc_layout *layout;
static koc__call call;

static void begin(void)
{
    koc_error *err = NULL;
    if (ctx) {
        return;
    }
    FUZZ_CHECK(koc_ctx_new(NULL, &ctx, &err) == KOC_OK);
    FUZZ_CHECK(koc_layout_open(ctx, fuzz_directory(), KOC_LAYOUT_CREATE, &layout, &err) == KOC_OK);
    FUZZ_CHECK(koc__call_begin(&call, ctx, NULL, &err) == KOC_OK);
}

/* The names of what was written, so that it can be taken away again. */
static size_t write_blobs(koc_str rest, char *paths[BLOBS_MAX])
{
    size_t n = 0;
    while (rest.len > 0 && n < BLOBS_MAX) {
        koc_str part = next_part(&rest);
        koc_digest d;
        koc__sha256_of(part.ptr, part.len, &d);
        paths[n] = koc__layout_blob_path(layout, &d);
        FUZZ_CHECK(paths[n]);
        fuzz_write(paths[n++], part);
    }
    return n;
}

static void read_as_koc(void)
{
    KOC__AUTO(koc_index) list = NULL;
    koc_error *err = NULL;
    if (!fuzz_ok(koc_layout_list(layout, &list, &err), &err)) {
        return;
    }
    for (size_t i = 0; i < koc_index_count(list) && i < 8; i++) {
        koc_image *img = NULL;
        koc_index *idx = NULL;
        const koc_digest *d = &koc_index_get(list, i)->digest;
        fuzz_ok(koc_layout_get_image(layout, d, &img, &err), &err);
        fuzz_ok(koc_layout_get_index(layout, d, &idx, &err), &err);
        koc_image_unref(img);
        koc_index_unref(idx);
    }
}

/* What is asked for by GET; its status. */
static int get(koc__server *s, const char *target)
{
    koc__served_exchange *x = koc__served_exchange_new(s, target);
    koc__head head = {.method = "GET", .target = target};
    FUZZ_CHECK(x);
    koc__served_exchange_begin(x, &head);
    koc__served_exchange_end(x);
    int status = x->reply.status;
    koc__served_exchange_free(x);
    return status;
}

/* What the server lists can be asked for. */
static void read_as_server(void)
{
    KOC__AUTO_VAL(koc__server) s = {0};
    KOC__AUTO(koc_strlist) names = NULL;
    koc_serve_options o = KOC_SERVE_OPTIONS_INIT;
    koc_error *err = NULL;
    bool more = false;
    o.repository = "home";
    FUZZ_CHECK(fuzz_ok(koc__server_init(&s, ctx, layout, &o, &call, &err), &err));
    if (!fuzz_ok(koc__names_list(s.names, NULL, NULL, 4, &names, &more, &err), &err)) {
        FUZZ_CHECK(get(&s, "/v2/_catalog") == 500);
        return;
    }
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        KOC__AUTO_STR tags = koc__format("/v2/%s/tags/list", koc_strlist_get(names, i));
        KOC__AUTO_STR about =
            koc__format("/v2/%s/referrers/sha256:%064d", koc_strlist_get(names, i), 0);
        FUZZ_CHECK(tags && get(&s, tags) == 200);
        FUZZ_CHECK(about && get(&s, about) == 200);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *paths[BLOBS_MAX];
    koc_str rest = fuzz_str(data, size);
    begin();
    KOC__AUTO_STR index = koc__format("%s/index.json", fuzz_directory());
    FUZZ_CHECK(index);
    fuzz_write(index, next_part(&rest));
    size_t n = write_blobs(rest, paths);
    read_as_koc();
    read_as_server();
    for (size_t i = 0; i < n; i++) {
        (void)unlink(paths[i]);
        koc__free(paths[i]);
    }
    return 0;
}
