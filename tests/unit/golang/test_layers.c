/* Layers against the DiffIDs that ko recorded, and what the cache saves. */
#include "core/common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/str.h"
#include "golang/golang.h"
#include "layer/layer.h"
#include "model/model.h"
#include "test.h"

#define KODATA_LINUX   "sha256:02d45ab20a2dc515b03230668459927dda91a063a5f2e5b17bf8f0ba54a35ad5"
#define KODATA_EPOCH   "sha256:e4cc011fd112350e5423188e3e13be66bd7f95a5cd6de8feebca3cd798160b9f"
#define KODATA_WINDOWS "sha256:deb463892d4861d687677715efb2c8a2f304e9c55eccf546f8890c1d36399557"

static const koc_platform linux_amd64 = {
    sizeof(koc_platform), 0, "linux", "amd64", NULL, NULL, NULL};
static const koc_platform windows_amd64 = {
    sizeof(koc_platform), 0, "windows", "amd64", NULL, "10.0.1", NULL};

/* One call with a context of its own; made counts the layers that were not in the cache. */
typedef struct call {
    koc_ctx *ctx;
    koc__call call;
    int made;
    void (*meddle)(int made); /* runs when the content of a layer is about to be read; or NULL */
} call;

static int count(const koc_progress *event, void *payload)
{
    if (event->kind == KOC_PROGRESS_LAYER && event->state == KOC_STATE_STARTED) {
        call *c = payload;
        c->made++;
        if (c->meddle) {
            c->meddle(c->made);
        }
    }
    return 0;
}

static void begin(call *c, bool cached)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_op user = KOC_OP_INIT;
    memset(c, 0, sizeof(*c));
    o.cache_dir = cached ? koc_test_path("cache") : NULL;
    user.progress = count;
    user.payload = c;
    assert_int_equal(koc_ctx_new(&o, &c->ctx, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&c->call, c->ctx, &user, NULL), KOC_OK);
}

static void end(call *c)
{
    koc__call_end(&c->call);
    koc_ctx_unref(c->ctx);
}
KOC__DEFINE_AUTO_VAL(call, end);

/* --- kodata --- */

static void make_kodata(void)
{
    assert_int_equal(koc__fs_mkdirs(koc_test_path("p/kodata/sub"), 0755, NULL), KOC_OK);
    assert_int_equal(koc__fs_mkdirs(koc_test_path("p/kodata/empty"), 0755, NULL), KOC_OK);
    koc_test_write("p/kodata/a.txt", "a\n", 2);
    koc_test_write("p/kodata/sub/b.txt", "b\n", 2);
    assert_int_equal(chmod(koc_test_path("p/kodata/a.txt"), 0600), 0);
    assert_int_equal(symlink("a.txt", koc_test_path("p/kodata/link.txt")), 0);
    assert_int_equal(symlink("sub", koc_test_path("p/kodata/linkdir")), 0);
}

static int kodata(call *c, const koc__go_layer_options *o, koc_layer **out, koc_error **err)
{
    char dir[4096], path[] = "example.com/kohello/cmd/app";
    snprintf(dir, sizeof(dir), "%s", koc_test_path("p"));
    koc__go_target t = {.import_path = path, .package_dir = dir};
    return koc__go_kodata_layer(c->ctx, &t, o, &c->call, out, err);
}

static void check_diff_id(koc_layer *l, const char *want)
{
    koc_digest d;
    assert_int_equal(koc__layer_diff_id(l, NULL, &d, NULL), KOC_OK);
    assert_string_equal(koc__digest_str(&d).s, want);
}

static void check_kodata(const koc_platform *p, int32_t format, const char *diff_id,
                         const char *type)
{
    KOC__AUTO_VAL(call) c;
    KOC__AUTO(koc_layer) l = NULL;
    koc__go_layer_options o = {.platform = p, .format = format};
    begin(&c, false);
    assert_int_equal(kodata(&c, &o, &l, NULL), KOC_OK);
    check_diff_id(l, diff_id);
    assert_string_equal(koc_layer_descriptor(l)->media_type, type);
    assert_int_equal(c.made, 1);
}

KOC_TEST(layers_kodata_has_ko_s_diff_ids)
{
    static char epoch[] = "KO_DATA_DATE_EPOCH=1600000000";
    make_kodata();
    check_kodata(&linux_amd64, KOC_FORMAT_OCI, KODATA_LINUX, KOC_MT_OCI_LAYER_GZIP);
    check_kodata(&windows_amd64, KOC_FORMAT_DOCKER, KODATA_WINDOWS, KOC_MT_DOCKER_LAYER_GZIP);
    putenv(epoch);
    check_kodata(&linux_amd64, KOC_FORMAT_OCI, KODATA_EPOCH, KOC_MT_OCI_LAYER_GZIP);
    unsetenv("KO_DATA_DATE_EPOCH");
}

KOC_TEST(layers_kodata_refuses_an_epoch_that_is_none)
{
    static char epoch[] = "KO_DATA_DATE_EPOCH=yesterday";
    KOC__AUTO_VAL(call) c;
    KOC__AUTO(koc_layer) l = NULL;
    koc__go_layer_options o = {.platform = &linux_amd64, .format = KOC_FORMAT_OCI};
    make_kodata();
    begin(&c, false);
    putenv(epoch);
    int rc = kodata(&c, &o, &l, NULL);
    unsetenv("KO_DATA_DATE_EPOCH");
    assert_int_equal(rc, KOC_EINVAL);
}

/* Makes the layer with a context of its own. Returns how many layers were compressed for it. */
static int kodata_again(const koc__go_layer_options *o, char diff_id[KOC_DIGEST_TEXT_MAX])
{
    KOC__AUTO_VAL(call) c;
    KOC__AUTO(koc_layer) l = NULL;
    koc_digest d;
    begin(&c, true);
    assert_int_equal(kodata(&c, o, &l, NULL), KOC_OK);
    assert_int_equal(koc__layer_diff_id(l, &c.call, &d, NULL), KOC_OK);
    snprintf(diff_id, KOC_DIGEST_TEXT_MAX, "%s", koc__digest_str(&d).s);
    return c.made;
}

/* Each option is a part of the key: with another value the layer is made, and kept beside the first. */
static void check_kodata_options(const koc__go_layer_options *usual)
{
    static char epoch[] = "KO_DATA_DATE_EPOCH=1600000000";
    static const koc__go_layer_options others[] = {
        {&linux_amd64, KOC_FORMAT_OCI, KOC_COMPRESS_NONE, 0},
        {&linux_amd64, KOC_FORMAT_OCI, KOC_COMPRESS_GZIP, 1},
        {&linux_amd64, KOC_FORMAT_OCI, KOC_COMPRESS_ZSTD, 0},
        {&linux_amd64, KOC_FORMAT_DOCKER, KOC_COMPRESS_GZIP, 0},
        {&windows_amd64, KOC_FORMAT_OCI, KOC_COMPRESS_GZIP, 0},
    };
    char ignored[KOC_DIGEST_TEXT_MAX];
    for (size_t i = 0; i < KOC__COUNT(others); i++) {
        assert_int_equal(kodata_again(&others[i], ignored), 1);
        assert_int_equal(kodata_again(&others[i], ignored), 0);
        assert_int_equal(kodata_again(usual, ignored), 0);
    }
    putenv(epoch);
    int first = kodata_again(usual, ignored), second = kodata_again(usual, ignored);
    unsetenv("KO_DATA_DATE_EPOCH");
    assert_int_equal(first, 1);
    assert_int_equal(second, 0);
    assert_string_equal(ignored, KODATA_EPOCH);
    assert_int_equal(kodata_again(usual, ignored), 0);
}

static void edit_content(void)
{
    koc_test_write("p/kodata/sub/b.txt", "c\n", 2); /* of the same size */
}

/* Same size, same mtime: only ctime tells. */
static void edit_in_secret(void)
{
    struct stat st;
    assert_int_equal(stat(koc_test_path("p/kodata/a.txt"), &st), 0);
    koc_test_write("p/kodata/a.txt", "z\n", 2);
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, koc_test_path("p/kodata/a.txt"), times, 0), 0);
}

static void rename_file(void)
{
    assert_int_equal(rename(koc_test_path("p/kodata/a.txt"), koc_test_path("p/kodata/c.txt")), 0);
    assert_int_equal(unlink(koc_test_path("p/kodata/link.txt")), 0);
}

static void rename_dir(void)
{
    assert_int_equal(rename(koc_test_path("p/kodata/empty"), koc_test_path("p/kodata/vacant")), 0);
}

static void remove_dir(void)
{
    assert_int_equal(rmdir(koc_test_path("p/kodata/vacant")), 0);
}

static void lead_link_elsewhere(void)
{
    assert_int_equal(unlink(koc_test_path("p/kodata/linkdir")), 0);
    assert_int_equal(symlink("sub/b.txt", koc_test_path("p/kodata/linkdir")), 0);
}

/* And so is everything about the files. A layer of the time before is never taken. */
static void check_kodata_files(const koc__go_layer_options *usual)
{
    static void (*const changes[])(void) = {edit_content, edit_in_secret, rename_file,
                                            rename_dir,   remove_dir,     lead_link_elsewhere};
    char before[KOC_DIGEST_TEXT_MAX], after[KOC_DIGEST_TEXT_MAX];
    assert_int_equal(kodata_again(usual, before), 0);
    for (size_t i = 0; i < KOC__COUNT(changes); i++) {
        changes[i]();
        assert_int_equal(kodata_again(usual, after), 1);
        assert_string_not_equal(before, after);
        memcpy(before, after, sizeof(before));
    }
}

KOC_TEST(layers_kodata_is_found_again_once_its_files_are_old_enough)
{
    char one[KOC_DIGEST_TEXT_MAX], two[KOC_DIGEST_TEXT_MAX];
    koc__go_layer_options o = {.platform = &linux_amd64, .format = KOC_FORMAT_OCI};
    make_kodata();
    assert_int_equal(kodata_again(&o, one), 1);
    assert_int_equal(kodata_again(&o, one), 1); /* too young: their stamps cannot be trusted yet */
    sleep(4);
    assert_int_equal(kodata_again(&o, one), 1);
    assert_int_equal(kodata_again(&o, two), 0);
    assert_string_equal(one, two);
    assert_string_equal(one, KODATA_LINUX);

    check_kodata_options(&o);
    check_kodata_files(&o);
}

/* --- the program --- */

static koc__go_config config;

static int program(call *c, const koc__go_layer_options *o, const char *import_path,
                   koc__go_binary *b, koc_layer **out)
{
    char path[256];
    snprintf(path, sizeof(path), "%s", import_path);
    koc__go_target t = {.import_path = path, .config = &config};
    return koc__go_binary_layer(c->ctx, &t, b, o, &c->call, out, NULL);
}

static koc__go_binary *new_binary(const char *content)
{
    koc__go_binary *b = koc__calloc(1, sizeof(*b));
    assert_non_null(b);
    b->refs = 1;
    b->path = koc__strdup(koc_test_write("program", content, strlen(content)));
    b->key = koc__strdup("00");
    b->package_path = koc__strdup("example.com/x/app");
    return b;
}

/* Names in the layer with type, mode, size and extra records. */
static void listing(koc_layer *l, koc__call *running, koc__dynbuf *out)
{
    KOC__AUTO(koc_reader) tar = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    assert_int_equal(koc__layer_open_tar(l, running, &tar, NULL), KOC_OK);
    assert_int_equal(koc__tar_reader_new(tar, "layer", &r, NULL), KOC_OK);
    for (;;) {
        koc__tar_entry e;
        bool more;
        assert_int_equal(koc__tar_next(r, &e, &more, NULL), KOC_OK);
        if (!more) {
            break;
        }
        koc__dynbuf_printf(out, NULL, "%s %c %o %lld %lld", e.name, e.type, (unsigned)e.mode,
                           (long long)e.mtime, (long long)e.size);
        for (size_t i = 0; i < e.n_records; i++) {
            koc__dynbuf_printf(out, NULL, " %s/%zu", e.records[i].key, e.records[i].value.len);
        }
        koc__dynbuf_putc(out, '\n', NULL);
    }
}

static void check_program(const koc_platform *p, const char *import_path, const char *want)
{
    KOC__AUTO_VAL(call) c;
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO(koc__go_binary) b = new_binary("hello\n");
    KOC__AUTO_VAL(koc__dynbuf) got = KOC__DYNBUF_INIT(1 << 16);
    koc__go_layer_options o = {.platform = p, .format = KOC_FORMAT_OCI};
    begin(&c, false);
    assert_int_equal(program(&c, &o, import_path, b, &l), KOC_OK);
    listing(l, &c.call, &got);
    assert_string_equal(koc__dynbuf_cstr(&got), want);
    assert_string_equal(koc__digest_str(&b->digest).s,
                        "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
}

KOC_TEST(layers_program_is_named_as_ko_names_it)
{
    static char epoch[] = "KO_DATA_DATE_EPOCH=1600000000"; /* not for the program */
    assert_int_equal(koc__strlist_new(&config.capabilities, NULL), KOC_OK);
    putenv(epoch);
    check_program(&linux_amd64, "example.com/x/app", "ko-app 5 555 0 0\n/ko-app/app 0 555 0 6\n");
    unsetenv("KO_DATA_DATE_EPOCH");
    check_program(&linux_amd64, ".", "ko-app 5 555 0 0\n/ko-app/ko-app 0 555 0 6\n");
    check_program(&windows_amd64, "example.com/x/app",
                  "Hives 5 555 0 0\nFiles 5 555 0 0\nFiles/ko-app 5 555 0 0\n"
                  "Files/ko-app/app 0 555 0 6 MSWINDOWS.rawsd/72\n");
    koc_strlist_free(koc__steal(&config.capabilities));
}

KOC_TEST(layers_program_has_capabilities_on_linux_alone)
{
    assert_int_equal(koc__strlist_new(&config.capabilities, NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(config.capabilities, "net_bind_service", NULL), KOC_OK);
    check_program(&linux_amd64, "x/app",
                  "ko-app 5 555 0 0\n/ko-app/app 0 555 0 6 SCHILY.xattr.security.capability/20\n");
    check_program(&windows_amd64, "x/app",
                  "Hives 5 555 0 0\nFiles 5 555 0 0\nFiles/ko-app 5 555 0 0\n"
                  "Files/ko-app/app 0 555 0 6 MSWINDOWS.rawsd/72\n");
    koc_strlist_free(koc__steal(&config.capabilities));
}

KOC_TEST(layers_program_is_not_read_when_it_is_known)
{
    koc__go_layer_options o = {.platform = &linux_amd64, .format = KOC_FORMAT_OCI};
    KOC__AUTO(koc__go_binary) b = new_binary("hello\n");
    KOC__AUTO(koc_layer) one = NULL;
    KOC__AUTO(koc_layer) two = NULL;
    KOC__AUTO(koc_layer) three = NULL;
    KOC__AUTO_VAL(call) c;
    KOC__AUTO_VAL(call) d;
    assert_int_equal(koc__strlist_new(&config.capabilities, NULL), KOC_OK);
    begin(&c, true);
    assert_int_equal(program(&c, &o, "x/app", b, &one), KOC_OK);
    assert_int_equal(c.made, 1);
    unlink(b->path);
    begin(&d, true);
    assert_int_equal(program(&d, &o, "x/app", b, &two), KOC_OK);
    assert_int_equal(d.made, 0);
    assert_true(
        koc_digest_equal(&koc_layer_descriptor(one)->digest, &koc_layer_descriptor(two)->digest));
    assert_int_equal(koc_layer_uncompressed_size(one), koc_layer_uncompressed_size(two));
    /* Under another name it is another layer. */
    assert_int_not_equal(program(&d, &o, "x/other", b, &three), KOC_OK);
    koc_strlist_free(koc__steal(&config.capabilities));
}

KOC_TEST(layers_program_is_made_again_when_its_blob_is_gone)
{
    koc__go_layer_options o = {.platform = &linux_amd64, .format = KOC_FORMAT_OCI};
    KOC__AUTO(koc__go_binary) b = new_binary("hello\n");
    KOC__AUTO(koc_layer) one = NULL;
    KOC__AUTO(koc_layer) two = NULL;
    KOC__AUTO_VAL(call) c;
    assert_int_equal(koc__strlist_new(&config.capabilities, NULL), KOC_OK);
    begin(&c, true);
    assert_int_equal(program(&c, &o, "x/app", b, &one), KOC_OK);
    assert_int_equal(koc__fs_remove(koc_test_path("cache/v1/blobs"), NULL), KOC_OK);
    assert_int_equal(program(&c, &o, "x/app", b, &two), KOC_OK);
    assert_int_equal(c.made, 2);
    koc_strlist_free(koc__steal(&config.capabilities));
}

/* What the key of a program's layer is made of. */
typedef struct ingredients {
    koc__go_layer_options o;
    const char *import_path, *capability; /* capability NULL: none */
    const char *build_id;                 /* NULL: the content counts by its digest */
    const char *content;
} ingredients;

/* Makes the layer with a context of its own. Returns how many layers were compressed for it. */
static int program_again(const ingredients *x)
{
    KOC__AUTO_VAL(call) c;
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO(koc__go_binary) b = new_binary(x->content);
    b->build_id = koc__strdup(x->build_id);
    assert_int_equal(koc__fs_stamp(b->path, false, &b->stamp, NULL), KOC_OK);
    koc__sha256_of(x->content, x->build_id ? 0 : strlen(x->content), &b->digest);
    assert_int_equal(koc__strlist_new(&config.capabilities, NULL), KOC_OK);
    if (x->capability) {
        assert_int_equal(koc__strlist_add(config.capabilities, x->capability, NULL), KOC_OK);
    }
    begin(&c, true);
    int rc = program(&c, &x->o, x->import_path, b, &l);
    koc_strlist_free(koc__steal(&config.capabilities));
    assert_int_equal(rc, KOC_OK);
    assert_string_equal(koc_layer_descriptor(l)->media_type,
                        koc__mt_layer(x->o.format, x->o.compression));
    return c.made;
}

#define LINUX(format_, compression_, level_)                                                       \
    {                                                                                              \
        &linux_amd64, KOC_FORMAT_##format_, KOC_COMPRESS_##compression_, level_                    \
    }

/* Each row differs from the first in one ingredient. */
KOC_TEST(layers_program_is_made_again_for_each_part_of_its_key)
{
    static const ingredients rows[] = {
        {LINUX(OCI, GZIP, 0), "x/app", NULL, "a/b/c/d", "hello\n"},
        {LINUX(DOCKER, GZIP, 0), "x/app", NULL, "a/b/c/d", "hello\n"},
        {LINUX(OCI, NONE, 0), "x/app", NULL, "a/b/c/d", "hello\n"},
        {LINUX(OCI, ZSTD, 0), "x/app", NULL, "a/b/c/d", "hello\n"},
        {LINUX(OCI, GZIP, 1), "x/app", NULL, "a/b/c/d", "hello\n"},
        {{&windows_amd64, KOC_FORMAT_OCI, KOC_COMPRESS_GZIP, 0},
         "x/app",
         NULL,
         "a/b/c/d",
         "hello\n"},
        {LINUX(OCI, GZIP, 0), "x/other", NULL, "a/b/c/d", "hello\n"},
        {LINUX(OCI, GZIP, 0), "x/app", "net_bind_service", "a/b/c/d", "hello\n"},
        {LINUX(OCI, GZIP, 0), "x/app", "net_admin", "a/b/c/d", "hello\n"},
        {LINUX(OCI, GZIP, 0), "x/app", NULL, "a/b/c/e", "hello\n"},
        {LINUX(OCI, GZIP, 0), "x/app", NULL, "a/b/c/d", "hello!\n"}, /* another size */
        {LINUX(OCI, GZIP, 0), "x/app", NULL, NULL, "hello\n"},
        {LINUX(OCI, GZIP, 0), "x/app", NULL, NULL, "jello\n"},
    };
    for (size_t i = 0; i < KOC__COUNT(rows); i++) {
        if (program_again(&rows[i]) != 1) {
            fail_msg("row %zu has the key of another", i);
        }
        assert_int_equal(program_again(&rows[i]), 0);
    }
    for (size_t i = 0; i < KOC__COUNT(rows); i++) {
        assert_int_equal(program_again(&rows[i]), 0);
    }
}

/* The name that a record of a layer has in the cache: that of the only one. */
static const char *only_record(void)
{
    static char path[4096];
    KOC__AUTO(koc_strlist) names = NULL;
    assert_int_equal(koc__fs_list(koc_test_path("cache/v1/records/layer"), &names, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(names), 1);
    snprintf(path, sizeof(path), "%s/%s", koc_test_path("cache/v1/records/layer"),
             koc_strlist_get(names, 0));
    return path;
}

KOC_TEST(layers_program_is_made_again_when_its_record_is_damaged)
{
    static const ingredients usual = {LINUX(OCI, GZIP, 0), "x/app", NULL, "a/b/c/d", "hello\n"};
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(4096);
    assert_int_equal(program_again(&usual), 1);
    assert_int_equal(program_again(&usual), 0);
    assert_int_equal(koc__fs_read_file(only_record(), &text, NULL), KOC_OK);
    text.ptr[text.len / 2] ^= 1;
    assert_int_equal(koc__fs_write_file(only_record(), koc__dynbuf_view(&text), 0644, NULL),
                     KOC_OK);
    assert_int_equal(program_again(&usual), 1);
    assert_int_equal(program_again(&usual), 0);
}

/* --- a program that changes while it is read --- */

#define PROGRAM "MZ \xff Go build ID: \"a/b/c/%c\"\n \xff"

static void touch_once(int made)
{
    if (made == 1) {
        assert_int_equal(chmod(koc_test_path("program"), 0600), 0);
    }
}

static void touch_always(int made)
{
    assert_int_equal(chmod(koc_test_path("program"), made % 2 ? 0600 : 0640), 0);
}

static void link_again(int made)
{
    char text[64];
    snprintf(text, sizeof(text), PROGRAM, made == 1 ? 'e' : 'd');
    koc_test_write("program", text, strlen(text));
}

static int meddled(void (*meddle)(int made), bool with_id, int *made, koc_error **err)
{
    char text[64], path[] = "x/app";
    KOC__AUTO_VAL(call) c;
    KOC__AUTO(koc_layer) l = NULL;
    snprintf(text, sizeof(text), PROGRAM, 'd');
    KOC__AUTO(koc__go_binary) b = new_binary(text);
    const koc__go_target t = {.import_path = path};
    const koc__go_layer_options o = {.platform = &linux_amd64, .format = KOC_FORMAT_OCI};
    b->build_id = with_id ? koc__strdup("a/b/c/d") : NULL;
    assert_int_equal(chmod(b->path, 0640), 0);
    assert_int_equal(koc__fs_stamp(b->path, false, &b->stamp, NULL), KOC_OK);
    begin(&c, false);
    c.meddle = meddle;
    int rc = koc__go_binary_layer(c.ctx, &t, b, &o, &c.call, &l, err);
    *made = c.made;
    return rc;
}

KOC_TEST(layers_program_that_is_touched_while_it_is_read_is_read_again)
{
    static const struct {
        void (*meddle)(int made);
        bool with_id;
        int rc, made;
    } table[] = {
        {NULL, true, KOC_OK, 1},
        {touch_once, true, KOC_OK, 2},
        {touch_always, true, KOC_ECONFLICT, 10}, /* it never settles */
        {touch_once, false, KOC_ECONFLICT, 1},   /* nothing shows that the content is the same */
        {link_again, true, KOC_ECONFLICT, 1},    /* another program */
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_error) err = NULL;
        int made = 0;
        assert_int_equal(meddled(table[i].meddle, table[i].with_id, &made, &err), table[i].rc);
        assert_int_equal(made, table[i].made);
        assert_true(table[i].rc == KOC_OK || strstr(koc_error_message(err), "program changed"));
    }
}

/* --- short of memory: the right layer, or none --- */

KOC_TEST(layers_are_right_or_an_error)
{
    static char path[] = "x/app";
    char dir[4096];
    make_kodata();
    snprintf(dir, sizeof(dir), "%s", koc_test_path("p"));
    for (int i = 0; i < 2; i++) {
        const koc__go_layer_options o = {.platform = i ? &windows_amd64 : &linux_amd64};
        koc_digest want[2];
        for (int kind = 0; kind < 2; kind++) {
            int rc = KOC_ENOMEM;
            for (uint64_t n = 0; n < 2000 && (n < 2 || rc != KOC_OK); n++) {
                KOC__AUTO_VAL(call) c;
                KOC__AUTO(koc_layer) l = NULL;
                KOC__AUTO(koc__go_binary) b = new_binary("hello\n");
                koc__go_target t = {.import_path = path, .package_dir = dir};
                koc_digest got;
                begin(&c, false);
                koc__alloc_fail_after(n); /* 0: never */
                rc = kind ? koc__go_kodata_layer(c.ctx, &t, &o, &c.call, &l, NULL)
                          : koc__go_binary_layer(c.ctx, &t, b, &o, &c.call, &l, NULL);
                koc__alloc_fail_after(0);
                assert_true(rc == KOC_OK || (rc == KOC_ENOMEM && !l));
                if (rc == KOC_OK) {
                    assert_int_equal(koc__layer_diff_id(l, NULL, n ? &got : &want[kind], NULL),
                                     KOC_OK);
                    assert_true(n == 0 || koc_digest_equal(&got, &want[kind]));
                }
            }
            assert_int_equal(rc, KOC_OK);
        }
    }
}
