/* The layer builder: names, order, parents, content, refusals. */
#include "helper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>

enum { MEDDLED = 8 << 20 };

static koc_layer_builder *builder(koc_ctx *ctx, uint32_t flags)
{
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_layer_builder *b = NULL;
    koc_error *err = NULL;
    o.flags = flags;
    ok(koc_layer_builder_new(ctx, &o, &b, &err), err);
    return b;
}

/* One line an entry: type, mode, name, link, size. */
static void list(koc_layer *l, koc__dynbuf *out)
{
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc_error *err = NULL;
    out->max = TEST_MAX;
    ok(koc_layer_open_tar(l, NULL, &in, &err), err);
    ok(koc__tar_reader_new(in, "layer", &r, &err), err);
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        ok(koc__tar_next(r, &e, &more, &err), err);
        if (!more) {
            return;
        }
        ok(koc__dynbuf_printf(out, &err, "%c %o %s%s%s %d\n", e.type, e.mode, e.name,
                              e.link ? ">" : "", e.link ? e.link : "", (int)e.size),
           err);
    }
}

static void finishes_as(koc_layer_builder *b, const char *expect)
{
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
    list(l, &out);
    assert_string_equal(koc__dynbuf_cstr(&out), expect);
    fails(koc_layer_builder_finish(b, NULL, &l, &err), KOC_EMISUSE, &err);
}

KOC_TEST(options_are_checked_when_the_builder_is_made)
{
    static const struct {
        int32_t compression, level;
        const char *message;
    } wrong[] = {
        {KOC_COMPRESS_GZIP, 77, "gzip level 77: levels are 1 to 12"},
        {KOC_COMPRESS_GZIP, 13, "gzip level 13: levels are 1 to 12"},
        {KOC_COMPRESS_GZIP, -1, "gzip level -1: levels are 1 to 12"},
        {3, 0, "layer compression 3: it must be one of KOC_COMPRESS_*"},
        {-1, 0, "layer compression -1: it must be one of KOC_COMPRESS_*"},
    };
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_error *err = NULL;
    for (size_t i = 0; i < KOC__COUNT(wrong); i++) {
        koc_layer_builder *b = NULL;
        o.compression = wrong[i].compression;
        o.level = wrong[i].level;
        assert_int_equal(koc_layer_builder_new(ctx, &o, &b, NULL), KOC_EINVAL);
        assert_int_equal(koc_layer_builder_new(ctx, &o, &b, &err), KOC_EINVAL);
        assert_string_equal(koc_error_message(err), wrong[i].message);
        koc_error_free(err);
        err = NULL;
        assert_null(b);
    }
    if (koc_features() & KOC_FEATURE_ZSTD) {
        koc_layer_builder *b = NULL;
        o.compression = KOC_COMPRESS_ZSTD;
        o.level = 77;
        fails(koc_layer_builder_new(ctx, &o, &b, &err), KOC_EINVAL, &err);
    }
}

KOC_TEST(a_layer_media_type_is_checked_when_the_builder_is_made)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_layer_builder *b = NULL;
    o.media_type = "not a type";
    assert_int_equal(koc_layer_builder_new(ctx, &o, &b, NULL), KOC_EINVAL);
    assert_null(b);
    o.media_type = "application/x.y+z";
    assert_int_equal(koc_layer_builder_new(ctx, &o, &b, NULL), KOC_OK);
    koc_layer_builder_free(b);
}

/* File names are bytes, and files older than 1970 exist. */
KOC_TEST(names_of_any_bytes_and_times_before_1970_come_back_as_they_were)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    koc_layer_builder *b = builder(ctx, 0);
    koc_entry e = KOC_ENTRY_INIT;
    koc__tar_entry got = {0};
    bool more = false;
    koc_error *err = NULL;
    e.mtime = -5;
    ok(koc_layer_builder_add_symlink(b, "/\xff", "\xfe", &e, &err), err);
    ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
    ok(koc_layer_open_tar(l, NULL, &in, &err), err);
    ok(koc__tar_reader_new(in, "layer", &r, &err), err);
    ok(koc__tar_next(r, &got, &more, &err), err);
    assert_string_equal(got.name, "\xff");
    assert_string_equal(got.link, "\xfe");
    assert_int_equal(got.mtime, -5);
    koc_layer_builder_free(b);
}

KOC_TEST(builder_orders_and_adds_parents)
{
    KOC__AUTO(koc_ctx) ctx = context(2, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    koc_error *err = NULL;
    koc_entry exe = KOC_ENTRY_INIT;
    exe.mode = 0755;
    ok(koc_layer_builder_add_hardlink(b, "/app/0hard", "app/server", &err), err);
    ok(koc_layer_builder_add_bytes(b, "/app-data/x", KOC__STR("12"), NULL, &err), err);
    ok(koc_layer_builder_add_bytes(b, "app/server", KOC__STR("123"), &exe, &err), err);
    ok(koc_layer_builder_add_bytes(b, "/app/./a//z", KOC__STR(""), NULL, &err), err);
    ok(koc_layer_builder_add_symlink(b, "/app/link", "../etc/x", NULL, &err), err);
    ok(koc_layer_builder_add_dir(b, "/", NULL, &err), err);
    finishes_as(b, "5 755 app/ 0\n"
                   "5 755 app/a/ 0\n"
                   "0 644 app/a/z 0\n"
                   "2 777 app/link>../etc/x 0\n"
                   "0 755 app/server 3\n"
                   "5 755 app-data/ 0\n"
                   "0 644 app-data/x 2\n"
                   "1 644 app/0hard>app/server 0\n");
}

KOC_TEST(builder_gives_the_same_bytes_in_any_order)
{
    static const char *const names[] = {"a/b", "a-b", "a.b", "a/b-c", "z", "a0/1", "\xc3\xbc", "Z"};
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    koc_digest first = {0};
    koc_error *err = NULL;
    for (size_t turn = 0; turn < KOC__COUNT(names); turn++) {
        KOC__AUTO(koc_layer_builder) b = builder(ctx, KOC_LAYER_IN_MEMORY);
        KOC__AUTO(koc_layer) l = NULL;
        for (size_t i = 0; i < KOC__COUNT(names); i++) {
            const char *name = names[(i * 3 + turn) % KOC__COUNT(names)];
            ok(koc_layer_builder_add_bytes(b, name, koc__str(name), NULL, &err), err);
        }
        ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
        if (turn == 0) {
            first = koc_layer_descriptor(l)->digest;
        }
        assert_true(koc_digest_equal(&first, &koc_layer_descriptor(l)->digest));
    }
}

KOC_TEST(builder_refuses_bad_paths_and_conflicts)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    koc_error *err = NULL;
    koc_entry mode = KOC_ENTRY_INIT;
    mode.mode = 0700;
    fails(koc_layer_builder_add_bytes(b, "../x", KOC__STR(""), NULL, &err), KOC_EINVAL, &err);
    fails(koc_layer_builder_add_bytes(b, "/a/../x", KOC__STR(""), NULL, &err), KOC_EINVAL, &err);
    fails(koc_layer_builder_add_bytes(b, "/", KOC__STR(""), NULL, &err), KOC_EINVAL, &err);
    fails(koc_layer_builder_add_bytes(b, "", KOC__STR(""), NULL, &err), KOC_EINVAL, &err);
    ok(koc_layer_builder_add_bytes(b, "/a/b", KOC__STR("1"), NULL, &err), err);
    fails(koc_layer_builder_add_bytes(b, "/a/b", KOC__STR("1"), NULL, &err), KOC_EEXISTS, &err);
    fails(koc_layer_builder_add_bytes(b, "/a", KOC__STR("1"), NULL, &err), KOC_EEXISTS, &err);
    fails(koc_layer_builder_add_bytes(b, "/a/b/c", KOC__STR("1"), NULL, &err), KOC_EINVAL, &err);
    /* A parent may be described later, and twice the same way, but not in two ways. */
    ok(koc_layer_builder_add_dir(b, "/a", &mode, &err), err);
    ok(koc_layer_builder_add_dir(b, "/a/", &mode, &err), err);
    fails(koc_layer_builder_add_dir(b, "/a", NULL, &err), KOC_EEXISTS, &err);
    finishes_as(b, "5 700 a/ 0\n0 644 a/b 1\n");
}

KOC_TEST(builder_takes_one_directory_twice_only_if_all_of_it_is_equal)
{
    static const koc_kv one[] = {{"user.x", "1"}}, other[] = {{"user.x", "2"}};
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    koc_error *err = NULL;
    koc_entry first = KOC_ENTRY_INIT;
    first.mode = 0750;
    first.uid = 1;
    first.gid = 2;
    first.mtime = 3;
    first.xattrs = one;
    first.n_xattrs = 1;
    koc_entry differ[] = {first, first, first, first, first, first};
    differ[0].mode = 0755;
    differ[1].uid = 9;
    differ[2].gid = 9;
    differ[3].mtime = 9;
    differ[4].xattrs = other;
    differ[5].n_xattrs = 0;
    ok(koc_layer_builder_add_dir(b, "/a", &first, &err), err);
    ok(koc_layer_builder_add_dir(b, "/a", &first, &err), err);
    for (size_t i = 0; i < KOC__COUNT(differ); i++) {
        fails(koc_layer_builder_add_dir(b, "/a", &differ[i], &err), KOC_EEXISTS, &err);
    }
}

KOC_TEST(builder_hardlinks_lead_to_files_of_the_layer)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    KOC__AUTO(koc_layer_builder) lost = builder(ctx, 0);
    KOC__AUTO(koc_layer_builder) circle = builder(ctx, 0);
    koc_layer *l = NULL;
    koc_error *err = NULL;
    ok(koc_layer_builder_add_hardlink(b, "/1", "/2", &err), err);
    ok(koc_layer_builder_add_hardlink(b, "/2", "/3", &err), err);
    ok(koc_layer_builder_add_bytes(b, "/3", KOC__STR("x"), NULL, &err), err);
    finishes_as(b, "0 644 3 1\n1 644 1>3 0\n1 644 2>3 0\n");
    ok(koc_layer_builder_add_hardlink(lost, "/1", "/2", &err), err);
    fails(koc_layer_builder_finish(lost, NULL, &l, &err), KOC_EINVAL, &err);
    ok(koc_layer_builder_add_hardlink(circle, "/1", "/2", &err), err);
    ok(koc_layer_builder_add_hardlink(circle, "/2", "/1", &err), err);
    fails(koc_layer_builder_finish(circle, NULL, &l, &err), KOC_EINVAL, &err);
}

KOC_TEST(builder_adds_trees)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    KOC__AUTO(koc_layer_builder) followed = builder(ctx, 0);
    koc_tree_options o = KOC_TREE_OPTIONS_INIT;
    koc_error *err = NULL;
    ok(koc__fs_mkdirs(koc_test_path("t/sub"), 0755, &err), err);
    koc_test_write("t/a.txt", "a\n", 2);
    koc_test_write("t/sub/run", "b", 1);
    assert_int_equal(chmod(koc_test_path("t/a.txt"), 0600), 0);
    assert_int_equal(chmod(koc_test_path("t/sub/run"), 0700), 0);
    assert_int_equal(symlink("sub", koc_test_path("t/dirlink")), 0);
    ok(koc_layer_builder_add_tree(b, "/data", koc_test_path("t"), NULL, &err), err);
    finishes_as(b, "5 755 data/ 0\n"
                   "0 644 data/a.txt 2\n"
                   "2 777 data/dirlink>sub 0\n"
                   "5 755 data/sub/ 0\n"
                   "0 755 data/sub/run 1\n");
    o.flags = KOC_TREE_FOLLOW_LINKS_INSIDE;
    ok(koc_layer_builder_add_tree(followed, "/", koc_test_path("t"), &o, &err), err);
    finishes_as(followed, "0 644 a.txt 2\n"
                          "5 755 dirlink/ 0\n"
                          "0 755 dirlink/run 1\n"
                          "5 755 sub/ 0\n"
                          "0 755 sub/run 1\n");
}

static int skip_sub(const char *path, koc_entry *e, void *payload)
{
    e->mode = 0444;
    return strcmp(path, payload) == 0;
}

static int give_up(const char *path KOC__UNUSED, koc_entry *e KOC__UNUSED,
                   void *payload KOC__UNUSED)
{
    return -1;
}

KOC_TEST(builder_asks_the_filter)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    koc_tree_options o = KOC_TREE_OPTIONS_INIT;
    koc_error *err = NULL;
    char sub[] = "sub";
    ok(koc__fs_mkdirs(koc_test_path("t/sub"), 0755, &err), err);
    koc_test_write("t/a.txt", "a\n", 2);
    koc_test_write("t/sub/run", "b", 1);
    o.filter = give_up;
    fails(koc_layer_builder_add_tree(b, "/x", koc_test_path("t"), &o, &err), KOC_EUSER, &err);
    o.filter = skip_sub;
    o.payload = sub;
    ok(koc_layer_builder_add_tree(b, "/x", koc_test_path("t"), &o, &err), err);
    finishes_as(b, "5 755 x/ 0\n0 444 x/a.txt 2\n");
}

/* --- content --- */

KOC_TEST(builder_reads_files_blobs_and_bytes)
{
    enum { SIZE = 2500000 };
    KOC__AUTO(koc_ctx) ctx = context(2, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, KOC_LAYER_VERBATIM);
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    koc_digest digests[3] = {{0}};
    koc_digest expect = {0};
    uint8_t *data = koc__malloc(SIZE);
    noise(data, SIZE, 1, true);
    koc__sha256_of(data, SIZE, &expect);
    const char *path = koc_test_write("source", data, SIZE);
    ok(koc_blob_from_file(path, NULL, &blob, &err), err);
    koc__layer_entry e = {
        .name = "f", .type = KOC__TAR_FILE, .source = path, .digest = &digests[0]};
    ok(koc__layer_builder_add_raw(b, &e, &err), err);
    e = (koc__layer_entry){.name = "b", .type = KOC__TAR_FILE, .blob = blob, .digest = &digests[1]};
    ok(koc__layer_builder_add_raw(b, &e, &err), err);
    e = (koc__layer_entry){.name = "m",
                           .type = KOC__TAR_FILE,
                           .digest = &digests[2],
                           .bytes = koc__str_n((char *)data, SIZE)};
    ok(koc__layer_builder_add_raw(b, &e, &err), err);
    ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
    layer_tar(l, &tar);
    size_t each = 512 + (SIZE + 511) / 512 * 512;
    assert_int_equal(tar.len, 3 * each + 1024);
    for (size_t i = 0; i < 3; i++) {
        assert_memory_equal(tar.ptr + i * each + 512, data, SIZE);
        assert_true(koc_digest_equal(&digests[i], &expect));
    }
    koc__free(data);
}

static int touch_open(void *self, uint64_t offset KOC__UNUSED, const koc_op *op KOC__UNUSED,
                      koc_reader **out, koc_error **err KOC__UNUSED)
{
    FILE *f = fopen(self, "a");
    fputs("more", f);
    fclose(f);
    *out = trickle("x", 1, 1);
    return KOC_OK;
}

/* A blob that changes the next file when it is opened: so in the middle of the build. */
KOC_TEST(builder_notices_a_source_that_changes)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    KOC__AUTO(koc_blob) blob = NULL;
    koc_layer *l = NULL;
    koc_error *err = NULL;
    koc_blob_ops ops = {.struct_size = sizeof(ops), .open = touch_open};
    KOC__AUTO_STR path = koc__strdup(koc_test_write("source", "data", 4));
    ok(koc_blob_new(&ops, path, 1, NULL, &blob, &err), err);
    ok(koc_layer_builder_add_blob(b, "/a", blob, NULL, &err), err);
    ok(koc_layer_builder_add_file(b, "/b", path, NULL, &err), err);
    fails(koc_layer_builder_finish(b, NULL, &l, &err), KOC_ECONFLICT, &err);
    assert_null(l);
}

/* Changes a source once its first bytes have been read. */
typedef struct meddler {
    const char *path;
    int how;
    bool done;
} meddler;
enum { GROW, SHRINK, WRITE, TOUCH, LEAVE };

static int meddle(const koc_progress *event, void *payload)
{
    meddler *m = payload;
    if (m->done || event->done < 4096) {
        return 0;
    }
    m->done = true;
    KOC__AUTO_FD fd = open(m->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    switch (m->how) {
    case GROW: assert_int_equal(pwrite(fd, "x", 1, MEDDLED), 1); break;
    case SHRINK: assert_int_equal(ftruncate(fd, 4096), 0); break;
    case WRITE: assert_int_equal(pwrite(fd, "x", 1, MEDDLED - 1), 1); break;
    case TOUCH: assert_int_equal(futimens(fd, NULL), 0); break;
    default: break;
    }
    return 0;
}

KOC_TEST(builder_notices_a_source_that_changes_while_it_is_read)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO_STR data = koc__calloc(1, MEDDLED);
    for (int how = GROW; how <= LEAVE; how++) {
        KOC__AUTO_STR path = koc__strdup(koc_test_write("source", data, MEDDLED));
        /* Old, so that a change has other times however coarse the clock is. */
        const struct timespec old[2] = {{1, 0}, {1, 0}};
        assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
        KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
        meddler m = {path, how, false};
        koc_layer *l = NULL;
        koc_error *err = NULL;
        koc_op op = KOC_OP_INIT;
        op.progress = meddle;
        op.payload = &m;
        ok(koc_layer_builder_add_file(b, "/f", path, NULL, &err), err);
        int rc = koc_layer_builder_finish(b, &op, &l, &err);
        assert_true(m.done);
        if (how == LEAVE) {
            ok(rc, err);
            koc_layer_unref(l);
        } else {
            assert_non_null(strstr(koc_error_message(err), "changed while the layer was built"));
            fails(rc, KOC_ECONFLICT, &err);
            assert_null(l);
        }
    }
}

KOC_TEST(builder_names_missing_and_odd_sources)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    koc_error *err = NULL;
    fails(koc_layer_builder_add_file(b, "/a", koc_test_path("none"), NULL, &err), KOC_ENOTFOUND,
          &err);
    fails(koc_layer_builder_add_file(b, "/a", koc_test_dir(), NULL, &err), KOC_EINVAL, &err);
    fails(koc_layer_builder_add_tree(b, "/a", koc_test_path("none"), NULL, &err), KOC_ENOTFOUND,
          &err);
}

KOC_TEST(builder_stores_extended_attributes)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    koc_kv xattr = {"user.colour", "blue"};
    koc_entry e = KOC_ENTRY_INIT;
    e.xattrs = &xattr;
    e.n_xattrs = 1;
    e.uid = 65532;
    e.mtime = 1700000000;
    ok(koc_layer_builder_add_bytes(b, "f", KOC__STR("x"), &e, &err), err);
    ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
    layer_tar(l, &tar);
    assert_non_null(strstr(tar.ptr + 512, "33 SCHILY.xattr.user.colour=blue\n"));
    assert_memory_equal(tar.ptr + 1024 + 108, "0177774", 8);
    assert_memory_equal(tar.ptr + 1024 + 136, "14524770400", 12);
}

/* --- where layers go --- */

KOC_TEST(layers_have_the_same_bytes_wherever_they_go)
{
    KOC__AUTO_STR cache = koc__strdup(koc_test_path("cache"));
    KOC__AUTO(koc_ctx) bare = context(1, NULL);
    KOC__AUTO(koc_ctx) cached = context(1, cache);
    koc_ctx *ctxs[] = {bare, bare, cached};
    uint32_t flags[] = {0, KOC_LAYER_IN_MEMORY, 0};
    KOC__AUTO_VAL(koc__dynbuf) first = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    for (size_t i = 0; i < 3; i++) {
        KOC__AUTO(koc_layer_builder) b = builder(ctxs[i], flags[i]);
        KOC__AUTO(koc_layer) l = NULL;
        KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT(TEST_MAX);
        ok(koc_layer_builder_add_bytes(b, "f", KOC__STR("content"), NULL, &err), err);
        ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
        layer_bytes(l, i == 0 ? &first : &bytes);
        if (i > 0) {
            assert_int_equal(bytes.len, first.len);
            assert_memory_equal(bytes.ptr, first.ptr, first.len);
        }
        assert_string_equal(koc_layer_descriptor(l)->media_type, KOC_MT_OCI_LAYER_GZIP);
        assert_int_equal(koc__blob_path(l->blob) != NULL, i == 2);
    }
}

/* Every allocation on the way may fail: the build fails, nothing leaks, nothing is half there. */
KOC_TEST(builder_survives_running_out_of_memory)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    koc_entry e = KOC_ENTRY_INIT;
    koc_kv xattr = {"user.x", "y"};
    e.xattrs = &xattr;
    e.n_xattrs = 1;
    for (uint64_t n = 1;; n++) {
        KOC__AUTO(koc_layer_builder) b = NULL;
        KOC__AUTO(koc_layer) l = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int rc = koc_layer_builder_new(ctx, NULL, &b, &err);
        if (rc == KOC_OK) {
            rc = koc_layer_builder_add_bytes(b, "/\xc3\xbc/file", KOC__STR("x"), &e, &err);
        }
        if (rc == KOC_OK) {
            rc = koc_layer_builder_add_hardlink(b, "/hard", "/\xc3\xbc/file", &err);
        }
        if (rc == KOC_OK) {
            rc = koc_layer_builder_finish(b, NULL, &l, &err);
        }
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            assert_true(n > 20);
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
        assert_null(l);
        koc__error_clear(&err);
    }
}

typedef struct seen {
    unsigned started, finished, other;
    uint64_t last, total;
    char what[32];
} seen;

static int watch(const koc_progress *event, void *payload)
{
    seen *s = payload;
    assert_int_equal(event->kind, KOC_PROGRESS_LAYER);
    assert_true(event->done >= s->last && event->done <= event->total);
    s->last = event->done;
    s->total = event->total;
    snprintf(s->what, sizeof(s->what), "%s", event->what);
    s->started += event->state == KOC_STATE_STARTED;
    s->finished += event->state == KOC_STATE_FINISHED && event->digest;
    s->other += event->state == KOC_STATE_FAILED;
    return 0;
}

KOC_TEST(builder_tells_how_far_it_is)
{
    enum { SIZE = 3 << 20 };
    KOC__AUTO(koc_ctx) ctx = context(2, NULL);
    KOC__AUTO(koc_layer_builder) b = builder(ctx, 0);
    KOC__AUTO(koc_layer) l = NULL;
    koc_error *err = NULL;
    koc_op op = KOC_OP_INIT;
    seen s = {0};
    op.progress = watch;
    op.payload = &s;
    char *data = koc__calloc(1, SIZE);
    ok(koc_layer_builder_add_bytes(b, "f", koc__str_n(data, SIZE), NULL, &err), err);
    koc__free(data);
    ok(koc__layer_builder_set_name(b, "app linux/amd64", &err), err);
    ok(koc_layer_builder_finish(b, &op, &l, &err), err);
    assert_int_equal(s.started, 1);
    assert_int_equal(s.finished, 1);
    assert_int_equal(s.other, 0);
    assert_int_equal(s.last, koc_layer_uncompressed_size(l));
    assert_int_equal(s.last, s.total);
    assert_string_equal(s.what, "app linux/amd64");
}
