/*
 * Public functions without memory: each allocation of each case fails once alone, and once with all after it. A call
 * may go on without what it could not allocate, but then its result is right; otherwise it fails with KOC_ENOMEM, and
 * nothing leaks (LeakSanitizer). A new public function that allocates gets a case here, or a test of its own
 * (..._survives_every_failing_allocation).
 */
#include "core/common.h"
#undef setenv
#include <stdlib.h>

#include <koc/auth.h>
#include <koc/ext/cache.h>
#include <koc/ext/edit.h>
#include <koc/ext/transfer.h>
#include <koc/image.h>
#include <koc/io.h>
#include <koc/layer.h>
#include <koc/registry.h>
#include <koc/resolve.h>
#include <koc/store.h>

#include "auth/auth.h"
#include "core/alloc_faults.h"
#include "core/hash/digests.h"
#include "core/io/fs.h"
#include "core/io/io.h"
#include "core/str.h"
#include "layer/layer.h"
#include "model/model.h"
#include "store/store.h"
#include "test.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* What the cases find; made with memory. */
typedef struct things {
    koc_ctx *ctx;
    koc_client *client; /* offline */
    koc_layer *layer;
    koc_image *image;
    koc_index *index;
    koc_layout *layout;
    koc_digest digest; /* of the image */
    const char *dir;   /* of the layout */
    const char *tar;   /* a tar file */
} things;

/* Does its work with the functions and returns the first failure. A wrong result fails the test. */
typedef int case_fn(const things *t, koc_error **err);

/* --- core --- */

static int digest_case(const things *t KOC__UNUSED, koc_error **err)
{
    koc_digest d;
    koc_hasher *h = NULL;
    KOC__TRY(koc_hasher_new(KOC_DIGEST_SHA512, &h, err));
    koc_hasher_update(h, koc__str("x"));
    int rc = koc_hasher_finish(h, &d, err);
    koc_hasher_free(h);
    return rc == KOC_OK ? koc_digest_parse(DIGEST, &d, err) : rc;
}

static int file_case(const things *t KOC__UNUSED, koc_error **err)
{
    const char *path = koc_test_write("file", "old", 3);
    koc_file *f = NULL;
    KOC__TRY(koc_file_new(path, 0644, NULL, &f, err));
    int rc = koc_file_write(f, "new", 3, err);
    rc = rc == KOC_OK ? koc_file_finish(f, err) : rc;
    koc_file_free(f);
    return rc;
}

static int read_blob(koc_blob *b, const char *wanted, koc_error **err)
{
    koc_reader *r = NULL;
    koc_buf bytes = KOC_BUF_INIT;
    koc_digest d;
    char space[64];
    size_t n = 0;
    KOC__TRY(koc_blob_digest(b, NULL, &d, err));
    KOC__TRY(koc_blob_open(b, 1, NULL, &r, err));
    int rc = koc_reader_read(r, space, sizeof(space), &n, err);
    koc_reader_free(r);
    KOC__TRY(rc);
    assert_int_equal(n, strlen(wanted) - 1);
    KOC__TRY(koc_blob_read_all(b, 100, NULL, &bytes, err));
    assert_int_equal(bytes.len, strlen(wanted));
    assert_memory_equal(bytes.ptr, wanted, bytes.len);
    koc_buf_dispose(&bytes);
    return KOC_OK;
}

static int blob_case(const things *t KOC__UNUSED, koc_error **err)
{
    KOC__AUTO(koc_blob) bytes = NULL;
    KOC__AUTO(koc_blob) file = NULL;
    KOC__AUTO(koc_blob) stream = NULL;
    const char *path = koc_test_write("blob", "blob", 4);
    KOC__TRY(koc_blob_from_bytes(koc__str("bytes"), &bytes, err));
    KOC__TRY(read_blob(bytes, "bytes", err));
    KOC__TRY(koc_blob_from_file(path, NULL, &file, err));
    KOC__TRY(read_blob(file, "blob", err));
    KOC__TRY(koc_blob_from_stream(path, NULL, &stream, err));
    return read_blob(stream, "blob", err);
}

static int text_case(const things *t KOC__UNUSED, koc_error **err)
{
    koc_buf out = KOC_BUF_INIT;
    int rc = koc_printable(koc__str("a\x1b[31mb\x01"), true, &out, err);
    koc_buf_dispose(&out);
    return rc;
}

static int count_area(const char *kind KOC__UNUSED, uint64_t entries KOC__UNUSED,
                      uint64_t bytes KOC__UNUSED, void *payload)
{
    ++*(int *)payload;
    return 0;
}

static int cache_case(const things *t, koc_error **err)
{
    uint64_t freed = 0;
    int areas = 0;
    KOC__TRY(koc_cache_usage(t->ctx, count_area, &areas, err));
    KOC__TRY(koc_cache_prune(t->ctx, 1, &freed, err));
    return koc_cache_clear(t->ctx, err);
}

/* --- references, platforms, credentials --- */

static int reference_case(const things *t, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__AUTO(koc_reference) tagged = NULL;
    KOC__AUTO(koc_reference) pinned = NULL;
    KOC__TRY(koc_reference_parse("registry.example:5000/a/b:c@" DIGEST, 0, &r, err));
    KOC__TRY(koc_reference_with_tag(r, "v2", &tagged, err));
    KOC__TRY(koc_reference_with_digest(r, &t->digest, &pinned, err));
    assert_string_equal(koc_reference_tag(tagged), "v2");
    return KOC_OK;
}

static int platform_case(const things *t KOC__UNUSED, koc_error **err)
{
    koc_platform p = KOC_PLATFORM_INIT;
    koc_buf storage = KOC_BUF_INIT;
    koc_buf text = KOC_BUF_INIT;
    int rc = koc_platform_parse("windows/amd64:10.0.1", &storage, &p, err);
    rc = rc == KOC_OK ? koc_platform_format(&p, &text, err) : rc;
    if (rc == KOC_OK) {
        assert_string_equal(text.ptr, "windows/amd64:10.0.1");
    }
    koc_buf_dispose(&storage);
    koc_buf_dispose(&text);
    return rc;
}

static int look_up(koc_auth *a, koc_error **err)
{
    koc_credential *found = NULL;
    KOC__TRY(koc_auth_lookup(a, "r.example", "app", NULL, &found, err));
    assert_non_null(found); /* without memory is no reason to go on without the credential */
    assert_string_equal(koc_credential_secret(found), "p");
    koc_credential_free(found);
    return KOC_OK;
}

static int auth_case(const things *t KOC__UNUSED, koc_error **err)
{
    KOC__AUTO(koc_credential) cred = NULL;
    KOC__AUTO(koc_auth) fixed = NULL;
    KOC__AUTO(koc_auth) chain = NULL;
    koc_buf name = KOC_BUF_INIT;
    KOC__TRY(koc_credential_new(KOC_CRED_BASIC, "u", "p", &cred, err));
    KOC__TRY(koc_auth_static("r.example", cred, &fixed, err));
    KOC__TRY(koc_auth_chain(&fixed, 1, &chain, err));
    KOC__TRY(koc_auth_registry("r.example/", &name, err));
    koc_buf_dispose(&name);
    return look_up(chain, err);
}

/* The file that the user named, and the one that is found. */
static int auth_docker_case(const things *t KOC__UNUSED, koc_error **err)
{
    KOC__AUTO(koc_auth) named = NULL;
    KOC__AUTO(koc_auth) found = NULL;
    static const char text[] = "{\"auths\": {\"r.example\": {\"auth\": \"dTpw\"}}}";
    const char *path = koc_test_write("config.json", text, sizeof(text) - 1);
    KOC__TRY(koc_auth_docker(path, &named, err));
    KOC__TRY(look_up(named, err));
    setenv("DOCKER_CONFIG", koc_test_dir(), 1);
    KOC__TRY(koc_auth_docker(NULL, &found, err));
    return look_up(found, err);
}

static int auth_store_case(const things *t KOC__UNUSED, koc_error **err)
{
    KOC__AUTO(koc_credential) cred = NULL;
    static const char text[] =
        "{\"auths\": {\"other.example\": {\"auth\": \"dTpw\"}}, \"mine\": 1}";
    const char *path = koc_test_write("config.json", text, sizeof(text) - 1);
    koc_buf where = KOC_BUF_INIT;
    KOC__TRY(koc_credential_new(KOC_CRED_BASIC, "u", "p", &cred, err));
    KOC__TRY(koc_auth_docker_store(path, "r.example", cred, NULL, &where, err));
    koc_buf_dispose(&where);
    return koc_auth_docker_erase(path, "r.example", NULL, NULL, err);
}

/* --- layers and images --- */

static int layer_case(const things *t, koc_error **err)
{
    KOC__AUTO(koc_layer_builder) b = NULL;
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO(koc_blob) data = NULL;
    koc_digest diff_id;
    const char *path = koc_test_write("one/file", "f", 1);
    KOC__TRY(koc_layer_builder_new(t->ctx, NULL, &b, err));
    KOC__TRY(koc_layer_builder_add_file(b, "/f", path, NULL, err));
    KOC__TRY(koc_layer_builder_add_bytes(b, "/b", koc__str("b"), NULL, err));
    KOC__TRY(koc_blob_from_bytes(koc__str("blob"), &data, err));
    KOC__TRY(koc_layer_builder_add_blob(b, "/blob", data, NULL, err));
    KOC__TRY(koc_layer_builder_add_dir(b, "/d", NULL, err));
    KOC__TRY(koc_layer_builder_add_symlink(b, "/s", "f", NULL, err));
    KOC__TRY(koc_layer_builder_add_hardlink(b, "/h", "/f", err));
    KOC__TRY(koc_layer_builder_add_tree(b, "/t", koc_test_path("one"), NULL, err));
    KOC__TRY(koc_layer_builder_finish(b, NULL, &l, err));
    KOC__TRY(koc_layer_diff_id(l, NULL, &diff_id, err));
    static koc_digest first;
    first = first.algorithm ? first : diff_id;
    assert_true(koc_digest_equal(&first, &diff_id));
    return KOC_OK;
}

static int layer_tar_case(const things *t, koc_error **err)
{
    KOC__AUTO(koc_blob) tar = NULL;
    KOC__AUTO(koc_layer) made = NULL;
    KOC__AUTO(koc_layer) imported = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    char space[512];
    size_t n = 0;
    KOC__TRY(koc_blob_from_file(t->tar, NULL, &tar, err));
    KOC__TRY(koc_layer_from_tar(t->ctx, tar, NULL, NULL, &made, err));
    KOC__TRY(koc_layer_import(t->ctx, tar, "x.tar", NULL, NULL, &imported, err));
    KOC__TRY(koc_layer_open_tar(made, NULL, &r, err));
    return koc_reader_read(r, space, sizeof(space), &n, err);
}

static int image_case(const things *t, koc_error **err)
{
    static const char *const words[] = {"/app", "serve", NULL};
    KOC__AUTO(koc_image_builder) b = NULL;
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO(koc_image) back = NULL;
    koc_buf value = KOC_BUF_INIT;
    KOC__TRY(koc_image_builder_new(t->ctx, t->image, &b, err));
    KOC__TRY(koc_image_builder_add_layer(b, t->layer, NULL, err));
    KOC__TRY(koc_image_builder_set_entrypoint(b, words, err));
    KOC__TRY(koc_image_builder_set_cmd(b, words, err));
    KOC__TRY(koc_image_builder_set_env(b, "A", "b", err));
    KOC__TRY(koc_image_builder_set_label(b, "k", "v", err));
    KOC__TRY(koc_image_builder_set_annotation(b, "k", "v", err));
    KOC__TRY(koc_image_builder_set_str(b, KOC_CFG_USER, "nobody", err));
    KOC__TRY(koc_image_builder_add_str(b, KOC_CFG_PORT, "80/tcp", err));
    KOC__TRY(koc_image_builder_set_format(b, KOC_FORMAT_DOCKER, err));
    KOC__TRY(koc_image_builder_finish(b, NULL, &img, err));
    assert_string_equal(koc_image_env(img, "A"), "b");
    assert_string_equal(koc_image_label(img, "k"), "v");
    KOC__TRY(
        koc_image_from_bytes(t->ctx, koc_image_manifest(img), koc_image_config(img), &back, err));
    int rc = koc_image_config_get(back, "/config/User", &value, err);
    koc_buf_dispose(&value);
    return rc;
}

static int index_case(const things *t, koc_error **err)
{
    KOC__AUTO(koc_index) changed = NULL;
    KOC__AUTO(koc_index) back = NULL;
    KOC__AUTO(koc_image) rebased = NULL;
    const koc_kv note = {"k", "v"};
    KOC__TRY(koc_index_from_bytes(t->ctx, koc_index_bytes(t->index), &back, err));
    KOC__TRY(koc_index_with_images(t->index, &t->image, &note, 1, &changed, err));
    return koc_image_rebase(t->image, t->image, t->image, &note, 1, &rebased, err);
}

static int count_bytes(void *self, const void *data KOC__UNUSED, size_t len,
                       koc_error **err KOC__UNUSED)
{
    *(size_t *)self += len;
    return 0;
}

static int flatten_case(const things *t, koc_error **err)
{
    size_t n = 0;
    const koc_writer w = {count_bytes, &n};
    KOC__TRY(koc_image_flatten(t->image, &w, NULL, err));
    assert_true(n > 1024);
    return KOC_OK;
}

/* --- places --- */

static int layout_case(const things *t, koc_error **err)
{
    KOC__AUTO(koc_layout) l = NULL;
    KOC__AUTO(koc_index) list = NULL;
    KOC__AUTO(koc_index) idx = NULL;
    KOC__AUTO(koc_image) img = NULL;
    KOC__TRY(koc_layout_open(t->ctx, koc_test_path("another"), KOC_LAYOUT_CREATE, &l, err));
    KOC__TRY(koc_layout_put_image(l, t->image, NULL, NULL, err));
    KOC__TRY(koc_layout_put_index(l, t->index, "idx", NULL, err));
    KOC__TRY(koc_layout_list(l, &list, err));
    assert_int_equal(koc_index_count(list), 2);
    KOC__TRY(koc_layout_get_index(l, &koc_index_descriptor(t->index)->digest, &idx, err));
    return koc_layout_get_image(l, &t->digest, &img, err);
}

static int archive_case(const things *t, koc_error **err)
{
    koc_archive_image one = KOC_ARCHIVE_IMAGE_INIT;
    KOC__AUTO(koc_image) back = NULL;
    size_t count = 0;
    koc_file *f = NULL;
    one.image = t->image;
    KOC__TRY(koc_file_new(koc_test_path("a.tar"), 0644, NULL, &f, err));
    const koc_writer w = {koc_file_write, f};
    int rc = koc_archive_write(t->ctx, &one, 1, &w, NULL, err);
    rc = rc == KOC_OK ? koc_file_finish(f, err) : rc;
    koc_file_free(f);
    KOC__TRY(rc);
    KOC__TRY(koc_archive_read(t->ctx, koc_test_path("a.tar"), 0, NULL, &back, &count, err));
    assert_int_equal(count, 1);
    return KOC_OK;
}

static int on_problem(const char *what KOC__UNUSED, const char *problem KOC__UNUSED,
                      void *payload KOC__UNUSED)
{
    return 0;
}

static int open_layout_source(const things *t, koc_buf *storage, koc_source **out, koc_error **err)
{
    koc_place p = KOC_PLACE_INIT;
    KOC__AUTO_STR text = koc__format("oci:%s", t->dir);
    if (!text) {
        return koc__oom(err);
    }
    KOC__TRY(koc_place_parse(text, 0, storage, &p, err));
    return koc_source_open(t->ctx, NULL, &p, NULL, out, err);
}

static int use_source(const things *t, koc_source *s, koc_error **err)
{
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO(koc_image) by = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_index) referrers = NULL;
    koc_buf bytes = KOC_BUF_INIT;
    koc_buf type = KOC_BUF_INIT;
    int rc = koc_source_get_manifest(s, &t->digest, NULL, &bytes, &type, err);
    koc_buf_dispose(&bytes);
    koc_buf_dispose(&type);
    KOC__TRY(rc);
    KOC__TRY(koc_source_get_image(s, NULL, NULL, &img, err));
    KOC__TRY(koc_source_get_image_by(s, &t->digest, NULL, &by, err));
    KOC__TRY(koc_source_get_blob(s, koc_image_config_descriptor(img), &blob, err));
    KOC__TRY(koc_source_list_referrers(s, &t->digest, NULL, NULL, &referrers, err));
    rc = koc_source_inspect(s, NULL, NULL, &bytes, err);
    koc_buf_dispose(&bytes);
    KOC__TRY(rc);
    return koc_source_check(s, 0, on_problem, NULL, NULL, err);
}

static int source_case(const things *t, koc_error **err)
{
    koc_buf storage = KOC_BUF_INIT;
    koc_source *s = NULL;
    int rc = open_layout_source(t, &storage, &s, err);
    rc = rc == KOC_OK ? use_source(t, s, err) : rc;
    koc_source_free(s);
    koc_buf_dispose(&storage);
    return rc;
}

static int copy_case(const things *t, koc_error **err)
{
    koc_place from = KOC_PLACE_INIT;
    koc_place to = KOC_PLACE_INIT;
    koc_copy_pair pair = KOC_COPY_PAIR_INIT;
    koc_copy_result result = KOC_COPY_RESULT_INIT;
    from.kind = to.kind = KOC_PLACE_LAYOUT;
    from.path = t->dir;
    to.path = koc_test_path("copy");
    pair.from = &from;
    pair.to = &to;
    KOC__TRY(koc_copy(t->ctx, NULL, &pair, 1, NULL, NULL, &result, err));
    assert_true(koc_digest_equal(&result.digest, &t->digest));
    return KOC_OK;
}

/* --- resolve --- */

static int resolve_with(koc_resolver *r, koc_error **err)
{
    KOC__AUTO(koc_strlist) references = NULL;
    koc_buf map = KOC_BUF_INIT;
    bool complete = false;
    size_t n = 0;
    const koc_writer w = {count_bytes, &n};
    KOC__TRY(koc_resolver_add_file(r, koc_test_path("k8s/a.yaml"), err));
    KOC__TRY(koc_resolver_add_dir(r, koc_test_path("k8s"), true, err));
    KOC__TRY(koc_resolver_references(r, &references, err));
    assert_int_equal(koc_strlist_count(references), 1);
    KOC__TRY(
        koc_resolver_read_map(r, "map", koc__str("{\"ko://x\": \"r.example/x@" DIGEST "\"}"), err));
    int rc = koc_resolver_write_map(r, &map, err);
    koc_buf_dispose(&map);
    KOC__TRY(rc);
    KOC__TRY(koc_resolver_write_ready(r, &w, &complete, err));
    assert_true(complete && n > 100);
    return koc_resolver_write(r, &w, err);
}

static int resolver_case(const things *t, koc_error **err)
{
    static const char yaml[] =
        "kind: Pod\nspec:\n  image: ko://x\n---\nkind: Pod\nspec: {image: \"ko://x\"}\n";
    koc_resolver *r = NULL;
    koc__fs_mkdirs(koc_test_path("k8s"), 0700, NULL);
    koc_test_write("k8s/a.yaml", yaml, sizeof(yaml) - 1);
    int rc = koc_resolver_new(t->ctx, NULL, &r, err);
    rc = rc == KOC_OK ? resolve_with(r, err) : rc;
    koc_resolver_free(r);
    return rc;
}

/* --- all --- */

static const struct {
    const char *name;
    case_fn *run;
} cases[] = {
    {"digest", digest_case},
    {"file", file_case},
    {"blob", blob_case},
    {"text", text_case},
    {"cache", cache_case},
    {"reference", reference_case},
    {"platform", platform_case},
    {"auth", auth_case},
    {"auth docker", auth_docker_case},
    {"auth store", auth_store_case},
    {"layer", layer_case},
    {"layer tar", layer_tar_case},
    {"image", image_case},
    {"index", index_case},
    {"flatten", flatten_case},
    {"layout", layout_case},
    {"archive", archive_case},
    {"source", source_case},
    {"copy", copy_case},
    {"resolver", resolver_case},
};

static void must(int rc, koc_error *err)
{
    if (rc != KOC_OK) {
        fail_msg("%s: %s", koc_code_name(rc), err ? koc_error_message(err) : "(no error)");
    }
}

/* err is read after the call has set it. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        int must_rc = (call);                                                                      \
        must(must_rc, err);                                                                        \
    } while (0)

static void make_layer_and_image(things *t)
{
    koc_error *err = NULL;
    koc_layer_builder *b = NULL;
    koc_image_builder *ib = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    p.os = "linux";
    p.arch = "amd64";
    MUST(koc_layer_builder_new(t->ctx, NULL, &b, &err));
    MUST(koc_layer_builder_add_bytes(b, "/etc/f", koc__str("f"), NULL, &err));
    MUST(koc_layer_builder_finish(b, NULL, &t->layer, &err));
    koc_layer_builder_free(b);
    MUST(koc_image_builder_new(t->ctx, NULL, &ib, &err));
    MUST(koc_image_builder_set_platform(ib, &p, &err));
    MUST(koc_image_builder_add_layer(ib, t->layer, NULL, &err));
    MUST(koc_image_builder_finish(ib, NULL, &t->image, &err));
    koc_image_builder_free(ib);
}

static void make_index_and_layout(things *t)
{
    koc_error *err = NULL;
    koc_index_builder *b = NULL;
    MUST(koc_index_builder_new(t->ctx, KOC_FORMAT_OCI, &b, &err));
    MUST(koc_index_builder_add_image(b, t->image, NULL, &err));
    MUST(koc_index_builder_finish(b, &t->index, &err));
    koc_index_builder_free(b);
    MUST(koc_layout_open(t->ctx, t->dir, KOC_LAYOUT_CREATE, &t->layout, &err));
    MUST(koc_layout_put_image(t->layout, t->image, NULL, NULL, &err));
}

static void make_tar(things *t)
{
    koc_error *err = NULL;
    koc_file *f = NULL;
    MUST(koc_file_new(t->tar, 0644, NULL, &f, &err));
    const koc_writer w = {koc_file_write, f};
    MUST(koc_image_flatten(t->image, &w, NULL, &err));
    MUST(koc_file_finish(f, &err));
    koc_file_free(f);
}

static void make(things *t)
{
    koc_error *err = NULL;
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    char *dir = koc__strdup(koc_test_path("layout"));
    char *tar = koc__strdup(koc_test_path("fs.tar"));
    o.cache_dir = koc_test_path("cache");
    MUST(koc_ctx_new(&o, &t->ctx, &err));
    t->dir = dir;
    t->tar = tar;
    make_layer_and_image(t);
    make_index_and_layout(t);
    make_tar(t);
    t->digest = koc_image_descriptor(t->image)->digest;
    koc__fs_mkdirs(koc_test_path("one"), 0700, NULL);
}

static void discard(things *t)
{
    koc_layout_unref(t->layout);
    koc_index_unref(t->index);
    koc_image_unref(t->image);
    koc_layer_unref(t->layer);
    koc_ctx_unref(t->ctx);
    koc__free((char *)(uintptr_t)t->dir);
    koc__free((char *)(uintptr_t)t->tar);
}

/* Each allocation fails, as `arm` lets it. */
static void starve(const things *t, size_t i, uint64_t count, void (*arm)(uint64_t))
{
    for (uint64_t n = 1; n <= count; n++) {
        koc_error *err = NULL;
        arm(n);
        int rc = cases[i].run(t, &err);
        koc__alloc_fail_after(0);
        if ((rc != KOC_OK && rc != KOC_ENOMEM) || (rc != KOC_OK) != (err != NULL) ||
            (err && koc_error_code(err) != (koc_code)rc)) {
            fail_msg("%s, allocation %d: %s: %s", cases[i].name, (int)n, koc_code_name(rc),
                     err ? koc_error_message(err) : "(no error)");
        }
        koc_error_free(err);
    }
}

KOC_TEST(public_functions_survive_every_failing_allocation)
{
    things t = {0};
    make(&t);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_error *err = NULL;
        MUST(cases[i].run(&t, &err));
        uint64_t before = koc__alloc_count();
        MUST(cases[i].run(&t, &err));
        uint64_t count = koc__alloc_count() - before;

        starve(&t, i, count, koc__alloc_fail_only);
        starve(&t, i, count, koc__alloc_fail_after);
        MUST(cases[i].run(&t, &err));
    }
    discard(&t);
}
