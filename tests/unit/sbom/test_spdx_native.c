/* What the default document says of each thing that it was told: one table for each rule. */
#include "core/common.h"

#include "core/env.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache.h"
#include "core/path.h"
#include "core/str.h"
#include "core/text.h"
#include "sample.h"
#include "sbom/bom.h"
#include "text/json.h"

#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"
#define SHA256 "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03" /* of "hello\n" */
#define SHA512 "e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b"

/* An image with these members of its config and annotations of its manifest; NULL: without. */
static koc_image *image_of(const char *created, const char *base_name, const char *base_digest)
{
    koc_digest d;
    koc_image *img = NULL;
    KOC__AUTO_STR time = created ? koc__format("\"created\":\"%s\",", created) : koc__strdup("");
    KOC__AUTO_STR config =
        koc__format("{%s\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
                    "\"layers\",\"diff_ids\":[]},\"config\":{}}",
                    time);
    KOC__AUTO_STR name =
        base_name ? koc__format("\"" KOC__BASE_NAME "\":\"%s\"", base_name) : koc__strdup("");
    KOC__AUTO_STR digest = base_digest ? koc__format("%s\"" KOC__BASE_DIGEST "\":\"%s\"",
                                                     base_name ? "," : "", base_digest)
                                       : koc__strdup("");
    koc__sha256_of(config, strlen(config), &d);
    KOC__AUTO_STR manifest =
        koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                    "\",\"config\":{\"mediaType\":\"" KOC_MT_OCI_CONFIG
                    "\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[],\"annotations\":{%s%s}}",
                    strlen(config), koc__digest_str(&d).s, name, digest);
    assert_int_equal(koc_image_from_bytes(NULL, koc__str(manifest), koc__str(config), &img, NULL),
                     KOC_OK);
    return img;
}

/* The document, parsed. */
static koc__json *document(const koc__sbom_options *o, const koc_image *img,
                           const koc__exe_info *info)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__json *json = NULL;
    assert_int_equal(koc__sbom_image(o, img, info, NULL, &doc, NULL), KOC_OK);
    assert_int_equal(koc__json_parse(koc__str_n(doc.ptr, doc.len), 1 << 20, "sbom", &json, NULL),
                     KOC_OK);
    return json;
}

static const koc__jnode *package(const koc__json *json, const char *name)
{
    const koc__jnode *list = koc__json_get(koc__json_root(json), "packages");
    for (const koc__jnode *n = koc__json_child(list); n; n = koc__json_next(n)) {
        if (koc__streq(koc__json_get_str(n, "name"), name)) {
            return n;
        }
    }
    fail_msg("no package %s", name);
    return NULL;
}

static const char *reference(const koc__jnode *pkg, const char *type)
{
    const koc__jnode *list = koc__json_get(pkg, "externalRefs");
    for (const koc__jnode *n = koc__json_child(list); n; n = koc__json_next(n)) {
        if (koc__streq(koc__json_get_str(n, "referenceType"), type)) {
            return koc__json_get_str(n, "referenceLocator");
        }
    }
    return NULL;
}

static void same(const char *got, const char *want)
{
    if (!koc__streq(got, want)) {
        fail_msg("\"%s\", not \"%s\"", got ? got : "(none)", want ? want : "(none)");
    }
}

static void member(const koc__jnode *n, const char *name, const char *want)
{
    same(koc__json_get_str(n, name), want);
}

/* --- all of it --- */

static koc__exe_module pinned_deps[] = {
    {"github.com/google/uuid", "v1.6.0", SAMPLE_UUID_SUM, NULL},
    {"golang.org/x/sys", "v0.30.0", "", NULL},
};
static koc_kv pinned_settings[] = {{"-tags", "a"}, {"vcs", "git"}, {"vcs.revision", "0123abcd"}};

static koc__exe_info pinned_info(void)
{
    return (koc__exe_info){.go_version = "go1.26.8",
                           .path = "github.com/Team/hello/cmd/app",
                           .main = {"github.com/Team/hello", "v1.2.3", "", NULL},
                           .deps = pinned_deps,
                           .n_deps = KOC__COUNT(pinned_deps),
                           .settings = pinned_settings,
                           .n_settings = KOC__COUNT(pinned_settings)};
}

static koc__sbom_options pinned_options(void)
{
    return (koc__sbom_options){.has_epoch = true,
                               .epoch = 1700000000,
                               .tool_version = "1",
                               .repository = "r.example/a/hello",
                               .binary = koc_test_write("app", "hello\n", 6),
                               .binary_name = "/ko-app/app",
                               .module_proxy = "https://p.example"};
}

/* As recorded in tests/golden/sbom; tests/golden/README.md says how to record it again. */
static void check_recorded(const koc_buf *doc, const char *name)
{
    KOC__AUTO_VAL(koc__dynbuf) want = KOC__DYNBUF_INIT((size_t)1 << 20);
    KOC__AUTO_STR path = koc__format("%s/sbom/%s", KOC__TEST_DATA, name);
    if (koc__env_nonempty("KOC_RECORD")) {
        koc_str bytes = koc__str_n(doc->ptr, doc->len);
        assert_int_equal(koc__fs_write_file(path, bytes, 0644, NULL), KOC_OK);
    }
    assert_int_equal(koc__fs_read_file(path, &want, NULL), KOC_OK);
    assert_string_equal(doc->ptr, koc__dynbuf_cstr(&want));
    assert_int_equal(doc->len, want.len);
}

KOC_TEST(native_image_is_as_recorded)
{
    KOC__AUTO(koc_image) img = sample_image();
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_info info = pinned_info();
    koc__sbom_options o = pinned_options();
    assert_int_equal(koc__sbom_image(&o, img, &info, NULL, &doc, NULL), KOC_OK);
    check_recorded(&doc, "image.spdx.json");
}

KOC_TEST(native_index_is_as_recorded)
{
    KOC__AUTO(koc_index) idx = sample_index("02-index-oci/index.json");
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__sbom_options o = pinned_options();
    o.import_path = "github.com/Team/hello";
    assert_int_equal(koc__sbom_index(&o, idx, NULL, NULL, &doc, NULL), KOC_OK);
    check_recorded(&doc, "index.spdx.json");
}

/* Short of memory anywhere, the document is whole or there is none. */
KOC_TEST(native_image_is_whole_or_an_error)
{
    KOC__AUTO(koc_image) img = sample_image();
    koc__exe_info info = pinned_info();
    koc__sbom_options o = pinned_options();
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; n < 2000 && rc != KOC_OK; n++) {
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__alloc_fail_after(n);
        rc = koc__sbom_image(&o, img, &info, NULL, &doc, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        if (rc == KOC_OK) {
            check_recorded(&doc, "image.spdx.json");
        }
    }
    assert_int_equal(rc, KOC_OK);
}

KOC_TEST(native_index_is_whole_or_an_error)
{
    KOC__AUTO(koc_index) idx = sample_index("02-index-oci/index.json");
    koc__sbom_options o = pinned_options();
    int rc = KOC_ENOMEM;
    o.import_path = "github.com/Team/hello";
    for (uint64_t n = 1; n < 2000 && rc != KOC_OK; n++) {
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__alloc_fail_after(n);
        rc = koc__sbom_index(&o, idx, NULL, NULL, &doc, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        if (rc == KOC_OK) {
            check_recorded(&doc, "index.spdx.json");
        }
    }
    assert_int_equal(rc, KOC_OK);
}

KOC_TEST(native_and_compat_end_with_the_call)
{
    KOC__AUTO(koc_image) img = sample_image();
    KOC__AUTO(koc_index) idx = sample_index("02-index-oci/index.json");
    KOC__AUTO(koc_cancel) stop = NULL;
    koc_op user = KOC_OP_INIT;
    assert_int_equal(koc_cancel_new(&stop, NULL), KOC_OK);
    user.cancel = stop;
    KOC__AUTO_VAL(koc__call) call = {0};
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    koc_cancel_trigger(stop);
    for (int compat = 0; compat < 2; compat++) {
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__sbom_options o = {.compat = compat > 0};
        assert_int_equal(koc__sbom_image(&o, img, NULL, &call, &doc, NULL), KOC_ECANCELLED);
        assert_int_equal(koc__sbom_index(&o, idx, NULL, &call, &doc, NULL), KOC_ECANCELLED);
        assert_null(doc.ptr);
    }
}

/* --- the toolchain --- */

KOC_TEST(native_toolchain_is_a_release_or_not)
{
    static const struct {
        const char *go_version, *version, *purl, *cpe, *download;
    } table[] = {
        {"go1.26.8", "go1.26.8", "pkg:golang/stdlib@1.26.8",
         "cpe:2.3:a:golang:go:1.26.8:*:*:*:*:*:*:*", "https://go.dev/dl/go1.26.8.src.tar.gz"},
        {"go1.26.8 X:exp", "go1.26.8", "pkg:golang/stdlib@1.26.8",
         "cpe:2.3:a:golang:go:1.26.8:*:*:*:*:*:*:*", "https://go.dev/dl/go1.26.8.src.tar.gz"},
        {"go0.9", "go0.9", "pkg:golang/stdlib@0.9", "cpe:2.3:a:golang:go:0.9:*:*:*:*:*:*:*",
         "https://go.dev/dl/go0.9.src.tar.gz"},
        {"go1", "go1", "pkg:golang/stdlib@1", "cpe:2.3:a:golang:go:1:*:*:*:*:*:*:*",
         "https://go.dev/dl/go1.src.tar.gz"},
        {"devel +abc", "devel +abc", "pkg:golang/stdlib", NULL, "NOASSERTION"},
        {"devel go1.27-abc", "devel go1.27-abc", "pkg:golang/stdlib", NULL, "NOASSERTION"},
        {"go1.27-abc", "go1.27-abc", "pkg:golang/stdlib", NULL, "NOASSERTION"},
        {"go1.27rc1", "go1.27rc1", "pkg:golang/stdlib", NULL, "NOASSERTION"},
        {"gox", "gox", "pkg:golang/stdlib", NULL, "NOASSERTION"},
        {"1.26.8", "1.26.8", "pkg:golang/stdlib", NULL, "NOASSERTION"},
        {"go", "go", "pkg:golang/stdlib", NULL, "NOASSERTION"},
        {"", "", "pkg:golang/stdlib", NULL, "NOASSERTION"},
    };
    KOC__AUTO(koc_image) img = image_of(NULL, NULL, NULL);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__exe_info info = pinned_info();
        koc__sbom_options o = {0};
        info.go_version = table[i].go_version;
        KOC__AUTO(koc__json) json = document(&o, img, &info);
        const koc__jnode *p = package(json, "stdlib");
        KOC__AUTO_STR source =
            koc__format("the standard library of the toolchain %s", table[i].go_version);
        member(p, "versionInfo", table[i].version);
        member(p, "downloadLocation", table[i].download);
        member(p, "sourceInfo", source);
        same(reference(p, "purl"), table[i].purl);
        same(reference(p, "cpe23Type"), table[i].cpe);
    }
}

/* --- modules --- */

/* A replacement by a directory leaves the module's own name; no proxy has what is in the directory. */
KOC_TEST(native_replacement_is_a_module_or_a_directory)
{
    static const koc__exe_module by[] = {
        {"example.com/y", "v2.0.0", "h1:y=", NULL},
        {"example.com/y", "v2.0.0", "", NULL},
        {"./y", "v2.0.0", "h1:y=", NULL},
        {"../y", "v2.0.0", "h1:y=", NULL},
        {"/abs/y", "v2.0.0", "h1:y=", NULL},
        {"example.com/y", "", "h1:y=", NULL},
        {"example.com/y", "(devel)", "h1:y=", NULL},
        {"x/y", "v2.0.0", "h1:y=", NULL},
    };
    static const struct {
        const char *name, *version, *purl, *sum, *download, *source;
    } want[] = {
        {"example.com/y", "v2.0.0", "pkg:golang/example.com/y@v2.0.0",
         "h1:y=", "https://p.example/example.com/y/@v/v2.0.0.zip",
         "replaced example.com/m v1.0.0 => example.com/y v2.0.0"},
        {"example.com/y", "v2.0.0", "pkg:golang/example.com/y@v2.0.0", NULL, "NOASSERTION",
         "replaced example.com/m v1.0.0 => example.com/y v2.0.0"},
        {"example.com/m", NULL, "pkg:golang/example.com/m", NULL, "NOASSERTION",
         "replaced example.com/m v1.0.0 => ./y v2.0.0"},
        {"example.com/m", NULL, "pkg:golang/example.com/m", NULL, "NOASSERTION",
         "replaced example.com/m v1.0.0 => ../y v2.0.0"},
        {"example.com/m", NULL, "pkg:golang/example.com/m", NULL, "NOASSERTION",
         "replaced example.com/m v1.0.0 => /abs/y v2.0.0"},
        {"example.com/m", NULL, "pkg:golang/example.com/m", NULL, "NOASSERTION",
         "replaced example.com/m v1.0.0 => example.com/y "},
        {"example.com/m", NULL, "pkg:golang/example.com/m", NULL, "NOASSERTION",
         "replaced example.com/m v1.0.0 => example.com/y (devel)"},
        {"x/y", "v2.0.0", "pkg:golang/x/y@v2.0.0", "h1:y=", "https://p.example/x/y/@v/v2.0.0.zip",
         "replaced example.com/m v1.0.0 => x/y v2.0.0"},
    };
    KOC__AUTO(koc_image) img = image_of(NULL, NULL, NULL);
    for (size_t i = 0; i < KOC__COUNT(by); i++) {
        koc__exe_module dep = {"example.com/m", "v1.0.0", "h1:m=", &by[i]};
        koc__exe_info info = pinned_info();
        koc__sbom_options o = {.module_proxy = "https://p.example"};
        info.deps = &dep;
        info.n_deps = 1;
        KOC__AUTO(koc__json) json = document(&o, img, &info);
        const koc__jnode *p = package(json, want[i].name);
        member(p, "versionInfo", want[i].version);
        member(p, "downloadLocation", want[i].download);
        member(p, "sourceInfo", want[i].source);
        same(reference(p, "purl"), want[i].purl);
        same(reference(p, "go-module-h1"), want[i].sum);
    }
}

KOC_TEST(native_module_comes_from_where_it_is_known_to_be)
{
    static const struct {
        const char *version, *sum, *proxy, *private, *version_info, *download;
    } table[] = {
        {"v1.0.0", "h1:m=", "https://p", NULL, "v1.0.0", "https://p/example.com/m/@v/v1.0.0.zip"},
        {"v1.0.0", "h1:m=", NULL, NULL, "v1.0.0", "NOASSERTION"},
        {"v1.0.0", "", "https://p", NULL, "v1.0.0", "NOASSERTION"},
        {"", "h1:m=", "https://p", NULL, NULL, "NOASSERTION"},
        {"v1.0.0", "h1:m=", "https://p", "example.com", "v1.0.0", "NOASSERTION"},
        {"v1.0.0", "h1:m=", "https://p", "other.com", "v1.0.0",
         "https://p/example.com/m/@v/v1.0.0.zip"},
    };
    KOC__AUTO(koc_image) img = image_of(NULL, NULL, NULL);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__exe_module dep = {"example.com/m", table[i].version, table[i].sum, NULL};
        koc__exe_info info = pinned_info();
        koc__sbom_options o = {.module_proxy = table[i].proxy, .module_private = table[i].private};
        info.deps = &dep;
        info.n_deps = 1;
        KOC__AUTO(koc__json) json = document(&o, img, &info);
        const koc__jnode *p = package(json, "example.com/m");
        member(p, "versionInfo", table[i].version_info);
        member(p, "downloadLocation", table[i].download);
        member(p, "sourceInfo", NULL);
    }
}

/* --- the application --- */

KOC_TEST(native_application_has_the_best_name_there_is)
{
    static const struct {
        const char *main, *path, *import_path, *repository, *name, *document;
    } table[] = {
        {"a.b/main", "a.b/main/cmd/x", "a.b/import", "r.example/repo", "a.b/main", "repo-"},
        {NULL, "a.b/main/cmd/x", "a.b/import", "r.example/repo", "a.b/main/cmd/x", "repo-"},
        {"", "a.b/main/cmd/x", "a.b/import", NULL, "a.b/main/cmd/x", "import-"},
        {NULL, NULL, "a.b/import", NULL, "a.b/import", "import-"},
        {NULL, "", "a.b/import", NULL, "a.b/import", "import-"},
        {NULL, "a.b/main/cmd/x", NULL, NULL, "a.b/main/cmd/x", "x-"},
        {NULL, NULL, NULL, NULL, "image", "image-"},
    };
    KOC__AUTO(koc_image) img = image_of(NULL, NULL, NULL);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__exe_info info = {.go_version = "go1.26", .path = table[i].path};
        koc__sbom_options o = {.import_path = table[i].import_path,
                               .repository = table[i].repository};
        info.main = (koc__exe_module){table[i].main, "", "", NULL};
        KOC__AUTO(koc__json) json = document(&o, img, &info);
        const koc__jnode *list = koc__json_get(koc__json_root(json), "packages");
        const koc__jnode *app = koc__json_next(koc__json_child(list)); /* after the image */
        member(app, "name", table[i].name);
        member(app, "primaryPackagePurpose", "APPLICATION");
        const char *name = koc__json_get_str(koc__json_root(json), "name");
        assert_memory_equal(name, table[i].document, strlen(table[i].document));
        assert_int_equal(strlen(name), strlen(table[i].document) + 12);
    }
}

/* The place is that of the commit, never one that the path of the module suggests. */
KOC_TEST(native_application_has_a_version_and_a_commit)
{
    static const struct {
        const char *path, *version, *vcs, *modified, *url, *purl, *download;
    } table[] = {
        {"github.com/o/n", "v1.0.0", "git", "false", "https://git.corp/h",
         "pkg:golang/github.com/o/n@v1.0.0", "git+https://git.corp/h@abc"},
        {"vanity.org/n", "v1.0.0", "git", "false", "ssh://git@a.b/h",
         "pkg:golang/vanity.org/n@v1.0.0", "git+ssh://git@a.b/h@abc"},
        {"github.com/o/n", "v1.0.0", "git", "false", NULL, "pkg:golang/github.com/o/n@v1.0.0",
         NULL},
        {"github.com/o/n", "v1.0.0+dirty", "git", "true", "https://git.corp/h",
         "pkg:golang/github.com/o/n@v1.0.0%2Bdirty", NULL},
        {"github.com/o/n", "v1.0.0", "git", NULL, "https://git.corp/h",
         "pkg:golang/github.com/o/n@v1.0.0", NULL},
        {"github.com/o/n", "v1.0.0", "hg", "false", "https://git.corp/h",
         "pkg:golang/github.com/o/n@v1.0.0", NULL},
        {"github.com/o/n", "(devel)", "git", "false", "https://git.corp/h",
         "pkg:golang/github.com/o/n", "git+https://git.corp/h@abc"},
        {"github.com/o/n", "", "git", "false", "https://git.corp/h", "pkg:golang/github.com/o/n",
         "git+https://git.corp/h@abc"},
    };
    KOC__AUTO(koc_image) img = image_of(NULL, NULL, NULL);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc_kv settings[] = {
            {"vcs", table[i].vcs}, {"vcs.revision", "abc"}, {"vcs.modified", table[i].modified}};
        koc__exe_info info = {.go_version = "go1.26",
                              .main = {table[i].path, table[i].version, "", NULL},
                              .settings = settings,
                              .n_settings = table[i].modified ? 3 : 2};
        koc__sbom_options o = {.source_url = table[i].url};
        KOC__AUTO(koc__json) json = document(&o, img, &info);
        const koc__jnode *p = package(json, table[i].path);
        member(p, "versionInfo", *table[i].version ? table[i].version : NULL);
        member(p, "downloadLocation", table[i].download ? table[i].download : "NOASSERTION");
        same(reference(p, "purl"), table[i].purl);
    }
}

/* --- who --- */

KOC_TEST(native_author_and_suppliers_are_told_or_unknown)
{
    static const struct {
        koc__sbom_author author;
        const char *creator, *supplier;
    } table[] = {
        {{NULL, NULL, false, false}, NULL, "NOASSERTION"},
        {{"Acme", NULL, false, true}, "Organization: Acme", "Organization: Acme"},
        {{"Acme", "https://acme.com", false, true}, "Organization: Acme", "Organization: Acme"},
        {{"Jane", "j@x.com", true, false}, "Person: Jane (j@x.com)", "NOASSERTION"},
        {{"Jane", NULL, true, true}, "Person: Jane", "Person: Jane"},
    };
    KOC__AUTO(koc_image) img = image_of(NULL, NULL, NULL);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__exe_info info = pinned_info();
        koc__sbom_options o = {.author = table[i].author, .repository = "r.example/acme/x"};
        KOC__AUTO(koc__json) json = document(&o, img, &info);
        same(koc__json_str(koc__json_at(koc__json_root(json), "/creationInfo/creators/1")),
             table[i].creator);
        member(package(json, "r.example/acme/x"), "supplier", table[i].supplier);
        member(package(json, "github.com/Team/hello"), "supplier", table[i].supplier);
        member(package(json, "github.com/google/uuid"), "supplier", "NOASSERTION");
        member(package(json, "stdlib"), "supplier", "Organization: The Go Authors");
    }
}

KOC_TEST(native_author_is_read_or_refused)
{
    static const struct {
        const char *text, *name, *contact;
        bool person;
    } table[] = {
        {"Acme", "Acme", NULL, false},
        {" Acme Inc ", "Acme Inc", NULL, false},
        {"Acme <sbom@acme.com>", "Acme", "sbom@acme.com", false},
        {"Organization: Acme <https://acme.com>", "Acme", "https://acme.com", false},
        {"Person: Jane <j@x>", "Jane", "j@x", true},
        {"Person:Jane", "Jane", NULL, true},
        {"Jane <>", "Jane", NULL, false},
        {"", NULL, NULL, false},
        {"<j@x>", NULL, NULL, false},
        {"Person: ", NULL, NULL, false},
        {"a\nb", NULL, NULL, false},
        {"\xff", NULL, NULL, false},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_STR storage = NULL;
        koc__sbom_author a = {0};
        int rc = koc__sbom_author_parse(table[i].text, &storage, &a, NULL);
        assert_int_equal(rc, table[i].name ? KOC_OK : KOC_EINVAL);
        same(a.name, table[i].name);
        same(a.contact, table[i].contact);
        assert_int_equal(a.person, table[i].person);
    }
}

/* --- the base --- */

KOC_TEST(native_base_is_named_as_far_as_it_is_known)
{
    static const struct {
        const char *name, *digest;
        const char *package, *version, *supplier, *purl; /* package NULL: there is none */
    } table[] = {
        {"r.example/team/base:1", "sha256:" ZEROS, "r.example/team/base", "1@sha256:" ZEROS,
         "Organization: Acme",
         "pkg:oci/base@sha256:" ZEROS "?arch=amd64&repository_url=r.example%2Fteam%2Fbase&tag=1"},
        {"r.example:5000/base@sha256:" ZEROS, "sha256:" ZEROS, "r.example:5000/base",
         "sha256:" ZEROS, "Organization: Acme",
         "pkg:oci/base@sha256:" ZEROS "?arch=amd64&repository_url=r.example:5000%2Fbase"},
        {"oci:/some/Where", "sha256:" ZEROS, "oci:/some/Where", "sha256:" ZEROS,
         "Organization: Acme", "pkg:oci/image@sha256:" ZEROS},
        {"r.example/team/base:1", NULL, NULL, NULL, NULL, NULL},
        {NULL, "sha256:" ZEROS, NULL, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_image) img = image_of(NULL, table[i].name, table[i].digest);
        koc__sbom_options o = {.base_vendor = "Acme"};
        KOC__AUTO(koc__json) json = document(&o, img, NULL);
        const koc__jnode *packages = koc__json_get(koc__json_root(json), "packages");
        assert_int_equal(koc__json_count(packages), table[i].package ? 3 : 2);
        const koc__jnode *edges = koc__json_get(koc__json_root(json), "relationships");
        assert_int_equal(koc__json_count(edges), table[i].package ? 4 : 2);
        if (table[i].package) {
            const koc__jnode *p = package(json, table[i].package);
            member(p, "versionInfo", table[i].version);
            member(p, "supplier", table[i].supplier);
            member(koc__json_at(p, "/checksums/0"), "checksumValue", ZEROS);
            member(koc__json_at(p, "/checksums/0"), "algorithm", "SHA256");
            same(reference(p, "purl"), table[i].purl);
            member(koc__json_at(edges, "/2"), "relationshipType", "DESCENDANT_OF");
            member(koc__json_at(edges, "/3"), "relationshipType", "CONTAINS");
        }
    }
}

KOC_TEST(native_base_with_a_wrong_digest_is_an_error)
{
    KOC__AUTO(koc_image) img = image_of(NULL, "r.example/base", "sha256:0");
    for (int compat = 0; compat < 2; compat++) {
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        KOC__AUTO(koc_error) err = NULL;
        koc__sbom_options o = {.compat = compat > 0};
        assert_int_equal(koc__sbom_image(&o, img, NULL, NULL, &doc, &err), KOC_EINVAL);
        assert_non_null(strstr(koc_error_message(err), "sha256:0"));
        assert_null(doc.ptr);
    }
}

/* --- the time --- */

KOC_TEST(native_time_is_the_first_that_is_known)
{
    static const struct {
        bool has_epoch;
        int64_t epoch;
        const char *commit, *config, *want;
        int64_t now;
    } table[] = {
        {true, 5, NULL, NULL, "1970-01-01T00:00:05Z", 7},
        {false, 5, "2023-11-14T22:13:20Z", NULL, "2023-11-14T22:13:20Z", 7},
        {false, 5, NULL, "2024-03-01T12:34:56Z", "1970-01-01T00:00:07Z", 7},
        {false, 5, NULL, NULL, "1970-01-01T00:00:07Z", 7},
        {true, 5, "2023-11-14T22:13:20Z", "2024-03-01T12:34:56Z", "1970-01-01T00:00:05Z", 0},
        {false, 5, "2023-11-14T22:13:20Z", "2024-03-01T12:34:56Z", "2023-11-14T22:13:20Z", 0},
        {false, 5, "2023-11-14T23:13:20+01:00", NULL, "2023-11-14T22:13:20Z", 0},
        {false, 5, "1970-01-01T00:00:00Z", "2024-03-01T12:34:56Z", "1970-01-01T00:00:00Z", 0},
        {false, 5, "1969-01-01T00:00:00Z", "2024-03-01T12:34:56Z", "2024-03-01T12:34:56Z", 0},
        {false, 5, "yesterday", "2024-03-01T12:34:56Z", "2024-03-01T12:34:56Z", 0},
        {false, 5, NULL, "2024-03-01T12:34:56Z", "2024-03-01T12:34:56Z", 0},
        {false, 5, NULL, "1970-01-01T00:00:01Z", "1970-01-01T00:00:01Z", 0},
        {false, 5, NULL, "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
        {false, 5, NULL, NULL, "1970-01-01T00:00:00Z", 0},
        {false, 5, "1969-01-01T00:00:00Z", NULL, "1970-01-01T00:00:00Z", 0},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc_kv setting = {"vcs.time", table[i].commit};
        koc__exe_info info = {
            .go_version = "go1.26", .settings = &setting, .n_settings = table[i].commit ? 1 : 0};
        koc__sbom_options o = {
            .has_epoch = table[i].has_epoch, .epoch = table[i].epoch, .now = table[i].now};
        KOC__AUTO(koc_image) img = image_of(table[i].config, NULL, NULL);
        KOC__AUTO(koc__json) json = document(&o, img, &info);
        same(koc__json_str(koc__json_at(koc__json_root(json), "/creationInfo/created")),
             table[i].want);
    }
}

KOC_TEST(native_time_out_of_range_is_an_error)
{
    KOC__AUTO(koc_image) img = image_of(NULL, NULL, NULL);
    KOC__AUTO(koc_index) idx = sample_index("02-index-oci/index.json");
    for (int compat = 0; compat < 2; compat++) {
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__sbom_options o = {.compat = compat > 0, .has_epoch = true, .epoch = INT64_MAX};
        assert_int_not_equal(koc__sbom_image(&o, img, NULL, NULL, &doc, NULL), KOC_OK);
        assert_int_not_equal(koc__sbom_index(&o, idx, NULL, NULL, &doc, NULL), KOC_OK);
        assert_null(doc.ptr);
    }
}

/* --- the model --- */

KOC_TEST(bom_ids_are_words_and_unique)
{
    static const char *const wishes[][2] = {
        {"a", "a"},
        {"a", "a-2"},
        {"a", "a-3"},
        {"a-2", "a-2-2"},
        {"azAZ09.-", "azAZ09.-"},
        {"@[`{/:,", "-------"},
        {"a b", "a-b"},
        {"a_b", "a-b-2"},
        {"", ""},
    };
    KOC__AUTO(koc__bom) b = NULL;
    assert_int_equal(koc__bom_new(&b, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(wishes); i++) {
        assert_int_equal(koc__bom_add(b, KOC__BOM_LIBRARY, wishes[i][0], "x"), i);
        same(koc__bom_get(b, i)->id, wishes[i][1]);
    }
    assert_ptr_equal(koc__bom_get(b, KOC__COUNT(wishes)), &b->nothing);
    assert_int_equal(koc__bom_finish(b, NULL), KOC_OK);
}

KOC_TEST(bom_takes_three_hashes_of_a_component)
{
    uint8_t bytes[65] = {0xab};
    KOC__AUTO(koc__bom) b = NULL;
    assert_int_equal(koc__bom_new(&b, NULL), KOC_OK);
    (void)koc__bom_add(b, KOC__BOM_FILE, "a", "a");
    koc__bom_hash_add(b, 1, KOC__BOM_SHA1, bytes, 1); /* not there */
    assert_int_equal(b->nothing.n_hashes, 0);
    koc__bom_hash_add(b, 0, KOC__BOM_SHA1, bytes, 65);
    assert_int_equal(koc__bom_get(b, 0)->n_hashes, 0);
    koc__bom_hash_add(b, 0, KOC__BOM_SHA1, bytes, 64);
    koc__bom_hash_add(b, 0, KOC__BOM_SHA256, bytes, 1);
    koc__bom_hash_add(b, 0, KOC__BOM_SHA512, bytes, 1);
    koc__bom_hash_add(b, 0, KOC__BOM_SHA512, bytes, 1);
    assert_int_equal(koc__bom_get(b, 0)->n_hashes, 3);
    assert_int_equal(strlen(koc__bom_get(b, 0)->hashes[0].hex), 128);
    same(koc__bom_get(b, 0)->hashes[1].hex, "ab");
}

/* --- the file --- */

static void check_hashes(const koc__sbom_hashes *h)
{
    char hex[129];
    koc__hex(h->sha256, 32, hex);
    assert_string_equal(hex, SHA256);
    koc__hex(h->sha512, 64, hex);
    assert_memory_equal(hex, SHA512, strlen(SHA512));
}

KOC_TEST(file_is_hashed_once)
{
    koc__sbom_hashes h = {{0}, {0}};
    KOC__AUTO(koc_ctx) ctx = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    KOC__AUTO_STR path = koc__strdup(koc_test_write("app", "hello\n", 6));
    o.cache_dir = koc_test_path("cache");
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&call, ctx, NULL, NULL), KOC_OK);
    assert_int_equal(koc__sbom_hash_file(path, "id", &call, &h, NULL), KOC_OK);
    check_hashes(&h);
    memset(&h, 0, sizeof(h)); /* the record spares the file */
    assert_int_equal(koc__sbom_hash_file("/nowhere", "id", &call, &h, NULL), KOC_OK);
    check_hashes(&h);
    assert_int_equal(koc__sbom_hash_file("/nowhere", "other", &call, &h, NULL), KOC_ENOTFOUND);
    assert_int_equal(koc__sbom_hash_file("/nowhere", NULL, &call, &h, NULL), KOC_ENOTFOUND);
    for (size_t n = 95; n < 98; n += 2) { /* a record that is none */
        static const char junk[98];
        assert_int_equal(
            koc__cache_put(ctx->cache, "program", KOC__STR("id"), koc__str_n(junk, n), NULL),
            KOC_OK);
        assert_int_equal(koc__sbom_hash_file(path, "id", &call, &h, NULL), KOC_OK);
        check_hashes(&h);
    }
}

KOC_TEST(file_that_is_missing_is_an_error)
{
    KOC__AUTO(koc_image) img = image_of(NULL, NULL, NULL);
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__sbom_options o = {.binary = "/nowhere/app", .binary_name = "/ko-app/app"};
    assert_int_equal(koc__sbom_image(&o, img, NULL, NULL, &doc, NULL), KOC_ENOTFOUND);
    assert_null(doc.ptr);
}
