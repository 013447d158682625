/* The default document: the defects of ko that it must not have, and the minimum elements. */
#include "core/common.h"

#include "core/str.h"
#include "sample.h"
#include "text/json.h"

/* A parsed document. */
typedef struct parsed {
    koc__json *json;
    const koc__jnode *root, *packages;
} parsed;

static void parsed_dispose(parsed *p)
{
    koc__json_free(p->json);
}
KOC__DEFINE_AUTO_VAL(parsed, parsed_dispose);

static parsed parse(const koc_buf *doc)
{
    parsed p = {0};
    assert_int_equal(
        koc__json_parse(koc__str_n(doc->ptr, doc->len), 1 << 20, "sbom", &p.json, NULL), KOC_OK);
    p.root = koc__json_root(p.json);
    p.packages = koc__json_get(p.root, "packages");
    return p;
}

static const koc__jnode *package(const parsed *p, const char *name)
{
    for (const koc__jnode *n = koc__json_child(p->packages); n; n = koc__json_next(n)) {
        if (koc__streq(koc__json_get_str(n, "name"), name)) {
            return n;
        }
    }
    fail_msg("no package %s", name);
    return NULL;
}

static const char *member(const parsed *p, const char *name, const char *key)
{
    return koc__json_get_str(package(p, name), key);
}

/* The locator of the reference of a type, or NULL. */
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

static bool valid_id(const char *id)
{
    if (!id || strncmp(id, "SPDXRef-", 8) != 0 || id[8] == '\0') {
        return false;
    }
    return strspn(id + 8, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
           strlen(id + 8);
}

static bool walked(const char *type)
{
    return koc__streq(type, "DESCRIBES") || koc__streq(type, "CONTAINS") ||
           koc__streq(type, "DEPENDS_ON");
}

/* Whether id can be reached from the document. */
static bool reachable(const parsed *p, const char *id, unsigned depth)
{
    const koc__jnode *list = koc__json_get(p->root, "relationships");
    if (strcmp(id, "SPDXRef-DOCUMENT") == 0) {
        return true;
    }
    for (const koc__jnode *n = koc__json_child(list); n && depth < 8; n = koc__json_next(n)) {
        if (koc__streq(koc__json_get_str(n, "relatedSpdxElement"), id) &&
            walked(koc__json_get_str(n, "relationshipType")) &&
            reachable(p, koc__json_get_str(n, "spdxElementId"), depth + 1)) {
            return true;
        }
    }
    return false;
}

/* What every package of every document must have. */
static void check_minimum(const parsed *p)
{
    for (const koc__jnode *n = koc__json_child(p->packages); n; n = koc__json_next(n)) {
        const char *id = koc__json_get_str(n, "SPDXID");
        assert_true(valid_id(id));
        assert_true(reachable(p, id, 0));
        assert_non_null(koc__json_get_str(n, "name"));
        assert_non_null(koc__json_get_str(n, "supplier"));
        assert_non_null(koc__json_get_str(n, "downloadLocation"));
        assert_non_null(reference(n, "purl"));
        for (const koc__jnode *m = koc__json_next(n); m; m = koc__json_next(m)) {
            assert_string_not_equal(id, koc__json_get_str(m, "SPDXID"));
        }
    }
}

static koc__exe_module other = {"example.com/fork_uuid", "v1.5.0", "h1:forked=", NULL};
static koc__exe_module dir = {"./localmod", "(devel)", "", NULL};
static koc__exe_module modules[] = {
    {"github.com/google/uuid", "v1.6.0", "", &other},
    {"example.com/local_mod", "v0.0.0", "", &dir},
    {"github.com/BurntSushi/toml", "v1.6.0+incompatible", "h1:toml=", NULL},
    {"example.com/a.b", "v1.0.0", "h1:one=", NULL},
    {"example.com/a-b", "v1.0.0", "h1:two=", NULL},
    {"example.com/a_b", "v1.0.0", "h1:three=", NULL},
    {"golang.org/x/sys", "v0.30.0", "", NULL},
};
static koc_kv settings[] = {
    {"-tags", "one two"},
    {"vcs", "git"},
    {"vcs.revision", "994569d1a1e52fa3c448f4326ebf05665a23032e"},
    {"vcs.modified", "false"},
    {"vcs.time", "2023-11-14T22:13:20Z"},
};

static koc__exe_info make_info(void)
{
    return (koc__exe_info){.go_version = "go1.26.8 X:loopvar",
                           .path = "github.com/Team/hello/cmd/app",
                           .main = {"github.com/Team/hello", "v0.1.0+dirty", "", NULL},
                           .deps = modules,
                           .n_deps = KOC__COUNT(modules),
                           .settings = settings,
                           .n_settings = KOC__COUNT(settings)};
}

static void make(const koc__sbom_options *o, const koc__exe_info *info, koc_buf *doc)
{
    KOC__AUTO(koc_image) img = sample_image();
    assert_int_equal(koc__sbom_image(o, img, info, NULL, doc, NULL), KOC_OK);
}

KOC_TEST(spdx_has_the_minimum_elements)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_info info = make_info();
    koc__sbom_options o = {.repository = "127.0.0.1:5000/x/hello"};
    make(&o, &info, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    check_minimum(&p);
    assert_string_equal(koc__json_get_str(p.root, "spdxVersion"), "SPDX-2.3");
    assert_int_equal(koc__json_count(p.packages), 3 + KOC__COUNT(modules) + 1);
    assert_string_equal(koc__json_str(koc__json_at(p.root, "/creationInfo/creators/0")),
                        "Tool: koc-0.1.0");
    assert_null(koc__json_at(p.root, "/creationInfo/creators/1"));
    const koc__jnode *image = package(&p, "127.0.0.1:5000/x/hello");
    assert_string_equal(koc__json_get_str(image, "versionInfo"),
                        "sha256:4615fd6692fa5318ab8de4b36eae2d2ef560a2b95f420af15cb69888331f7701");
    assert_string_equal(
        reference(image, "purl"),
        "pkg:oci/hello@sha256:4615fd6692fa5318ab8de4b36eae2d2ef560a2b95f420af15cb69888331"
        "f7701?arch=amd64&repository_url=127.0.0.1:5000%2Fx%2Fhello");
}

KOC_TEST(spdx_honours_replacements)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_info info = make_info();
    koc__sbom_options o = {.module_proxy = "https://p.example"};
    make(&o, &info, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    assert_string_equal(member(&p, "example.com/fork_uuid", "versionInfo"), "v1.5.0");
    assert_string_equal(member(&p, "example.com/fork_uuid", "downloadLocation"),
                        "https://p.example/example.com/fork_uuid/@v/v1.5.0.zip");
    assert_string_equal(member(&p, "example.com/fork_uuid", "sourceInfo"),
                        "replaced github.com/google/uuid v1.6.0 => example.com/fork_uuid v1.5.0");
    assert_null(strstr(doc.ptr, "pkg:golang/github.com/google/uuid"));
    assert_string_equal(member(&p, "example.com/local_mod", "downloadLocation"), "NOASSERTION");
    assert_string_equal(member(&p, "example.com/local_mod", "sourceInfo"),
                        "replaced example.com/local_mod v0.0.0 => ./localmod (devel)");
}

KOC_TEST(spdx_gives_no_module_sum_as_a_file_hash)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_info info = make_info();
    koc__sbom_options o = {.module_proxy = "https://p.example"};
    make(&o, &info, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    const koc__jnode *toml = package(&p, "github.com/BurntSushi/toml");
    assert_null(koc__json_get(toml, "checksums"));
    assert_string_equal(reference(toml, "go-module-h1"), "h1:toml=");
    assert_string_equal(reference(toml, "purl"),
                        "pkg:golang/github.com/BurntSushi/toml@v1.6.0%2Bincompatible");
    assert_string_equal(koc__json_get_str(toml, "supplier"), "NOASSERTION");
    assert_string_equal(
        koc__json_get_str(toml, "downloadLocation"),
        "https://p.example/github.com/!burnt!sushi/toml/@v/v1.6.0%2Bincompatible.zip");
    /* Without a sum it is not known that it came from there. */
    assert_string_equal(member(&p, "golang.org/x/sys", "downloadLocation"), "NOASSERTION");
    assert_string_equal(member(&p, "golang.org/x/sys", "supplier"), "NOASSERTION");
}

KOC_TEST(spdx_says_of_no_private_module_that_a_proxy_has_it)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_info info = make_info();
    koc__sbom_options o = {.module_proxy = "https://p.example", .module_private = "example.com"};
    make(&o, &info, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    assert_string_equal(member(&p, "example.com/fork_uuid", "downloadLocation"), "NOASSERTION");
    assert_non_null(strstr(doc.ptr, "https://p.example/github.com/!burnt!sushi/toml"));
}

KOC_TEST(spdx_describes_the_program_and_its_toolchain)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_info info = make_info();
    koc__sbom_options o = {.binary = koc_test_write("app", "hello\n", 6),
                           .binary_name = "/ko-app/app",
                           .source_url = "https://git.example/h"};
    make(&o, &info, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    const koc__jnode *main = package(&p, "github.com/Team/hello");
    assert_string_equal(koc__json_get_str(main, "versionInfo"), "v0.1.0+dirty");
    assert_string_equal(koc__json_get_str(main, "packageFileName"), "app");
    assert_string_equal(koc__json_get_str(main, "downloadLocation"),
                        "git+https://git.example/h@994569d1a1e52fa3c448f4326ebf05665a23032e");
    assert_string_equal(koc__json_get_str(main, "primaryPackagePurpose"), "APPLICATION");
    assert_non_null(strstr(koc__json_get_str(main, "sourceInfo"), "-tags=one two; vcs=git"));
    assert_string_equal(koc__json_str(koc__json_at(main, "/checksums/0/checksumValue")),
                        "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
    assert_string_equal(koc__json_str(koc__json_at(main, "/checksums/1/algorithm")), "SHA512");
    assert_null(koc__json_get(p.root, "files"));
    const koc__jnode *stdlib = package(&p, "stdlib");
    assert_string_equal(koc__json_get_str(stdlib, "versionInfo"), "go1.26.8");
    assert_string_equal(reference(stdlib, "purl"), "pkg:golang/stdlib@1.26.8");
    assert_string_equal(reference(stdlib, "cpe23Type"), "cpe:2.3:a:golang:go:1.26.8:*:*:*:*:*:*:*");
}

KOC_TEST(spdx_names_the_base)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__sbom_options o = {0};
    make(&o, NULL, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    const koc__jnode *base = package(&p, "localhost:13991/base");
    assert_string_equal(
        koc__json_get_str(base, "versionInfo"),
        "latest@sha256:7096ff76dad22d187efd3a297c850db9d3c777875d634b4836a25a5293aac432");
    assert_string_equal(koc__json_get_str(base, "supplier"), "NOASSERTION");
    assert_non_null(strstr(doc.ptr, "\"relationshipType\": \"DESCENDANT_OF\""));
}

static void check_created(const koc__sbom_options *o, const koc__exe_info *info, const char *want)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    make(o, info, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    assert_string_equal(koc__json_str(koc__json_at(p.root, "/creationInfo/created")), want);
}

KOC_TEST(spdx_created_is_the_epoch_the_commit_or_the_base)
{
    koc__exe_info info = make_info();
    koc__sbom_options o = {.has_epoch = true, .epoch = 0};
    check_created(&o, &info, "1970-01-01T00:00:00Z");
    o.has_epoch = false;
    check_created(&o, &info, "2023-11-14T22:13:20Z");
    info.n_settings = 0;
    check_created(&o, &info, "2024-03-01T12:34:56Z");
}

KOC_TEST(spdx_is_valid_without_build_info)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__sbom_options o = {.import_path = "example.com/x/cmd/tool"};
    make(&o, NULL, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    check_minimum(&p);
    assert_int_equal(koc__json_count(p.packages), 3);
    assert_null(member(&p, "example.com/x/cmd/tool", "versionInfo"));
}

KOC_TEST(spdx_survives_odd_names)
{
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__exe_module deps[] = {
        {"", "", "", NULL}, {"/", "", "x", NULL}, {"\xff\xfe", "v\"1", "", NULL}};
    koc__exe_info info = {
        .go_version = "devel +abc", .main = {"", "", "", NULL}, .deps = deps, .n_deps = 3};
    koc__sbom_options o = {0};
    make(&o, &info, &doc);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    check_minimum(&p);
}

KOC_TEST(spdx_is_deterministic_and_its_namespace_follows_the_content)
{
    KOC__AUTO_VAL(koc_buf) one = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) two = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) three = KOC_BUF_INIT;
    koc__exe_info info = make_info();
    koc__sbom_options o = {.repository = "r.example/a/hello"};
    make(&o, &info, &one);
    make(&o, &info, &two);
    assert_string_equal(one.ptr, two.ptr);
    info.n_deps--;
    make(&o, &info, &three);
    KOC__AUTO_VAL(parsed) p = parse(&one);
    KOC__AUTO_VAL(parsed) q = parse(&three);
    const char *space = koc__json_get_str(p.root, "documentNamespace");
    assert_true(
        koc__str_starts(koc__str(space), "https://spdx.org/spdxdocs/koc/hello-4615fd6692fa-"));
    assert_null(strstr(space, "00000000"));
    assert_string_not_equal(space, koc__json_get_str(q.root, "documentNamespace"));
}

KOC_TEST(spdx_index_reaches_its_children)
{
    KOC__AUTO(koc_index) idx = sample_index("02-index-oci/index.json");
    KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
    koc__sbom_options o = {.repository = "r.example/a/hello",
                           .import_path = "github.com/Team/hello"};
    assert_int_equal(koc__sbom_index(&o, idx, NULL, NULL, &doc, NULL), KOC_OK);
    KOC__AUTO_VAL(parsed) p = parse(&doc);
    check_minimum(&p);
    assert_int_equal(koc__json_count(p.packages), 5);
    assert_non_null(strstr(doc.ptr, "SPDXRef-Image-hello-linux-arm-v7"));
    assert_non_null(strstr(doc.ptr, "\"relationshipType\": \"VARIANT_OF\""));
}

KOC_TEST(spdx_survives_lack_of_memory)
{
    KOC__AUTO(koc_image) img = sample_image();
    koc__exe_info info = make_info();
    koc__sbom_options o = {.repository = "r.example/a/hello", .module_proxy = "https://p"};
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; n < 1000 && rc != KOC_OK; n++) {
        KOC__AUTO_VAL(koc_buf) doc = KOC_BUF_INIT;
        koc__alloc_fail_after(n);
        rc = koc__sbom_image(&o, img, &info, NULL, &doc, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        assert_true(rc == KOC_OK || doc.ptr == NULL);
    }
    assert_int_equal(rc, KOC_OK);
}
