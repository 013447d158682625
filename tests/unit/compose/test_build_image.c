/* koc_build_image: files, platforms, settings, targets; and a failure at every allocation. */
#include "store/helper.h"

#include <koc/ext/compose.h>

#include "core/alloc.h"

/* An image of two platforms: shared files below, a program for each above. */
static koc_image_spec spec_of(const char *target)
{
    static koc_image_file files[4];
    static const char *const platforms[] = {"linux/amd64", "linux/arm64", NULL};
    static const char *const argv[] = {"/app/server", "--verbose", NULL};
    static const char *const ports[] = {"8080/tcp", "53/udp", "-53/udp", NULL};
    static const koc_kv env[] = {{"LOG", "debug"}};
    static const koc_kv config[] = {{"/config/Healthcheck/Test", "[\"NONE\"]"}};
    static koc_image_changes changes;
    static const char *targets[2];
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        files[i] = (koc_image_file)KOC_IMAGE_FILE_INIT;
    }
    files[0].path = "/etc/app.conf";
    files[0].content = koc__str("verbose = true\n");
    files[1].path = "/bin/server";
    files[1].link = "/app/server";
    for (size_t i = 2; i < 4; i++) {
        files[i].path = "/app/server";
        files[i].layer = 1;
        files[i].platform = platforms[i - 2];
        files[i].content = koc__str(platforms[i - 2]);
    }
    changes = (koc_image_changes)KOC_IMAGE_CHANGES_INIT;
    changes.entrypoint = argv;
    changes.env = env;
    changes.n_env = 1;
    changes.ports = ports;
    changes.user = "65532";
    changes.config = config;
    changes.n_config = 1;
    targets[0] = target;
    koc_image_spec spec = KOC_IMAGE_SPEC_INIT;
    spec.platforms = platforms;
    spec.files = files;
    spec.n_files = KOC__COUNT(files);
    spec.changes = &changes;
    spec.targets = target ? targets : NULL;
    return spec;
}

static const char *layout_target(void)
{
    static char text[4096];
    snprintf(text, sizeof(text), "oci:%s:v1", koc_test_path("out"));
    return text;
}

KOC_TEST(build_image_shares_the_layers_that_platforms_share)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_built *built = NULL;
    koc_error *err = NULL;
    const koc_image_spec spec = spec_of(layout_target());
    ok(koc_build_image(ctx, &spec, NULL, &built, &err), err);
    assert_int_equal(koc_built_count(built), 2);
    koc_image *a = koc_built_image(built, 0);
    koc_image *b = koc_built_image(built, 1);
    assert_int_equal(koc_image_layer_count(a), 2);
    assert_true(koc_digest_equal(&koc_layer_descriptor(koc_image_layer(a, 0))->digest,
                                 &koc_layer_descriptor(koc_image_layer(b, 0))->digest));
    assert_false(koc_digest_equal(&koc_layer_descriptor(koc_image_layer(a, 1))->digest,
                                  &koc_layer_descriptor(koc_image_layer(b, 1))->digest));
    assert_string_equal(koc_image_platform(b)->arch, "arm64");
    assert_non_null(strstr(koc_built_reference(built, 0), "oci:"));
    assert_null(koc_built_reference(built, 1));
    assert_non_null(strstr(koc_built_report(built).ptr, "\"koc-edit-1\""));
    koc_built_free(built);
}

KOC_TEST(build_image_applies_all_settings)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_built *built = NULL;
    koc_error *err = NULL;
    koc_strlist *list = NULL;
    koc_buf text = KOC_BUF_INIT;
    const koc_image_spec spec = spec_of(NULL);
    ok(koc_build_image(ctx, &spec, NULL, &built, &err), err);
    koc_image *img = koc_built_image(built, 0);
    assert_string_equal(koc_image_env(img, "LOG"), "debug");
    assert_string_equal(koc_image_str(img, KOC_CFG_USER), "65532");
    assert_null(koc_image_str(img, KOC_CFG_WORKDIR));
    ok(koc_image_list(img, KOC_CFG_PORT, &list, &err), err);
    assert_int_equal(koc_strlist_count(list), 1);
    assert_string_equal(koc_strlist_get(list, 0), "8080/tcp");
    koc_strlist_free(list);
    ok(koc_image_list(img, KOC_CFG_ENTRYPOINT, &list, &err), err);
    assert_int_equal(koc_strlist_count(list), 2);
    koc_strlist_free(list);
    ok(koc_image_config_get(img, "/config/Healthcheck/Test", &text, &err), err);
    assert_string_equal(text.ptr, "[\"NONE\"]");
    koc_history h = KOC_HISTORY_INIT;
    assert_int_equal(koc_image_history_count(img), 2);
    ok(koc_image_history(img, 1, &h, &err), err);
    assert_string_equal(h.created_by, "koc");
    koc_buf_dispose(&text);
    koc_built_free(built);
}

KOC_TEST(build_image_on_a_base_records_it_and_keeps_the_platforms_that_are_wanted)
{
    static const char *const arm[] = {"linux/arm64", NULL};
    static const char *const mips[] = {"linux/mips", NULL};
    static const char *const tags[] = {"v2", "v3", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_layout) layout = NULL;
    KOC__AUTO(koc_index) listed = NULL;
    koc_built *base = NULL;
    koc_built *built = NULL;
    koc_error *err = NULL;
    char from[4096], to[4096];
    snprintf(from, sizeof(from), "%s", layout_target());
    snprintf(to, sizeof(to), "oci:%s:v1", koc_test_path("second"));
    koc_image_spec spec = spec_of(from);
    ok(koc_build_image(ctx, &spec, NULL, &base, &err), err);
    spec = spec_of(to);
    spec.n_files = 1; /* the shared file alone */
    spec.base = from;
    spec.platforms = arm;
    spec.tags = tags;
    ok(koc_build_image(ctx, &spec, NULL, &built, &err), err);
    koc_image *img = koc_built_image(built, 0);
    assert_int_equal(koc_built_count(built), 1);
    assert_string_equal(koc_built_descriptor(built)->media_type, KOC_MT_OCI_MANIFEST);
    assert_int_equal(koc_image_layer_count(img), 3);
    const koc__digest_text want =
        koc__digest_str(&koc_image_descriptor(koc_built_image(base, 1))->digest);
    assert_string_equal(koc_image_annotation(img, "org.opencontainers.image.base.digest"), want.s);
    ok(koc_layout_open(ctx, koc_test_path("second"), 0, &layout, &err), err);
    ok(koc_layout_list(layout, &listed, &err), err);
    assert_int_equal(koc_index_count(listed), 3); /* v1, v2, v3 */
    spec.platforms = mips;
    fails(koc_build_image(ctx, &spec, NULL, NULL, &err), KOC_EPLATFORM, &err);
    koc_built_free(base);
    koc_built_free(built);
}

KOC_TEST(build_image_refuses_what_is_wrong)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc_image_spec spec = spec_of(NULL);
    koc_image_file file = KOC_IMAGE_FILE_INIT;
    spec.files = &file;
    spec.n_files = 1;
    fails(koc_build_image(ctx, &spec, NULL, NULL, &err), KOC_EMISUSE, &err);
    file.path = "/x";
    file.source = "/no/such/file";
    fails(koc_build_image(ctx, &spec, NULL, NULL, &err), KOC_ENOTFOUND, &err);
    file.link = "/y";
    fails(koc_build_image(ctx, &spec, NULL, NULL, &err), KOC_EMISUSE, &err);
    spec = spec_of(NULL);
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    const char *const ports[] = {"http", NULL};
    c.ports = ports;
    spec.changes = &c;
    assert_int_equal(koc_build_image(ctx, &spec, NULL, NULL, &err), KOC_EINVAL);
    assert_string_equal(koc_error_option(err), "ports");
    koc_error_free(err);
    const koc_kv rootfs = {"/rootfs/type", "\"x\""};
    err = NULL;
    c = (koc_image_changes)KOC_IMAGE_CHANGES_INIT;
    c.config = &rootfs;
    c.n_config = 1;
    fails(koc_build_image(ctx, &spec, NULL, NULL, &err), KOC_EINVAL, &err);
}

KOC_TEST(build_image_survives_every_failing_allocation)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const koc_image_spec spec = spec_of(layout_target());
    uint64_t n = 1;
    for (;; n++) {
        koc_built *built = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int rc = koc_build_image(ctx, &spec, NULL, &built, &err);
        koc__alloc_fail_after(0);
        koc_error_free(err);
        if (rc == KOC_OK) {
            koc_built_free(built);
            break;
        }
        assert_int_equal(rc, KOC_ENOMEM);
        assert_null(built);
    }
    assert_true(n > 500);
}
