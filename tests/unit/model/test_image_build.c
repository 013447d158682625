/* The builder in koc's own form: the base's documents with the changes, and nothing else changed. */
#include "model_test.h"

#define BASE_CONFIG                                                                                                    \
    "{\"architecture\":\"amd64\",\"x-number\":1.50e2,\"os\":\"linux\",\"created\":\"2024-03-01T12:34:56.780Z\","       \
    "\"config\":{\"Memory\":1000000000000000,\"Env\":[\"PATH=/bin\",\"A=1\",\"PATH=/late\"],\"Cmd\":[\"sh\"],"         \
    "\"Labels\":{\"keep\":\"1\",\"change\":\"2\",\"gone\":\"3\"},\"User\":\"0\"},\"container_config\":{\"Cmd\":null}," \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF_A                                                          \
    "\"]},\"history\":[{\"created_by\":\"<base>\"}]}"

static koc_image *base_image(const char *config_type, const char *members)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    must(image_of(config_type, BASE_CONFIG, members, &img, &err), err);
    return img;
}

static koc_image_builder *builder_on(koc_image *base)
{
    koc_image_builder *b = NULL;
    must(koc_image_builder_new(NULL, base, &b, NULL), NULL);
    return b;
}

/* Finishes b and drops it and the base. */
static koc_image *finish(koc_image_builder *b, koc_image *base)
{
    koc_image *img = NULL;
    koc_error *err = NULL;
    must(koc_image_builder_finish(b, NULL, &img, &err), err);
    koc_image_builder_free(b);
    koc_image_unref(base);
    return img;
}

static void assert_config(const koc_image *img, const char *pointer, const char *expected)
{
    koc_buf out = KOC_BUF_INIT;
    koc_error *err = NULL;
    must(koc_image_config_get(img, pointer, &out, &err), err);
    assert_string_equal(out.ptr, expected);
    koc_buf_dispose(&out);
}

static void assert_manifest(const koc_image *img, const char *pointer, const char *expected)
{
    const koc__jnode *n = koc__json_at(koc__json_root(koc__image_manifest_json(img)), pointer);
    koc__dynbuf out = KOC__DYNBUF_INIT(1 << 16);
    koc__jw w;
    koc__jw_begin(&w, &out, 0, 0);
    koc__jw_node(&w, n);
    must(koc__jw_end(&w, NULL), NULL);
    assert_string_equal(koc__dynbuf_cstr(&out), n ? expected : "");
    koc__dynbuf_dispose(&out);
}

static bool has(const koc__json *doc, const char *pointer)
{
    return koc__json_at(koc__json_root(doc), pointer) != NULL;
}

KOC_TEST(build_without_changes_keeps_the_config)
{
    koc_image *base = base_image(KOC_MT_OCI_CONFIG, OCI_LAYER_MEMBER);
    koc_image *img = finish(builder_on(base), base);
    assert_text(koc_image_config(img), KOC__STR(BASE_CONFIG));
    koc_image_unref(img);
}

KOC_TEST(build_changes_only_what_it_is_told)
{
    static const char *const argv[] = {"/ko-app/x", "-v", NULL};
    koc_image *base = base_image(KOC_MT_OCI_CONFIG, OCI_LAYER_MEMBER);
    koc_image_builder *b = builder_on(base);
    koc_layer *l = layer_of(KOC_MT_OCI_LAYER_ZSTD, LAYER_B, 9, DIFF_B);
    koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
    o.created_by = "koc <build>";
    o.comment = "c";
    o.author = "koc";
    must(koc_image_builder_add_layer(b, l, &o, NULL), NULL);
    koc_layer_unref(l);
    must(koc_image_builder_set_entrypoint(b, argv, NULL), NULL);
    must(koc_image_builder_set_cmd(b, NULL, NULL), NULL);
    must(koc_image_builder_set_env(b, "PATH", "/new", NULL), NULL);
    must(koc_image_builder_set_env(b, "Z", "z", NULL), NULL);
    must(koc_image_builder_set_env(b, "A", NULL, NULL), NULL);
    must(koc_image_builder_set_label(b, "new2", "n2", NULL), NULL);
    must(koc_image_builder_set_label(b, "new1", "n1", NULL), NULL);
    must(koc_image_builder_set_label(b, "change", "other", NULL), NULL);
    must(koc_image_builder_set_label(b, "gone", NULL, NULL), NULL);
    must(koc_image_builder_set_str(b, KOC_CFG_USER, "65532", NULL), NULL);
    must(koc_image_builder_set_str(b, KOC_CFG_WORKDIR, "/w", NULL), NULL);
    must(koc_image_builder_set_str(b, KOC_CFG_AUTHOR, "koc", NULL), NULL);
    must(koc_image_builder_add_str(b, KOC_CFG_PORT, "8080/tcp", NULL), NULL);
    must(koc_image_builder_add_str(b, KOC_CFG_VOLUME, "/data", NULL), NULL);
    must(koc_image_builder_set_created(b, 1700000000, NULL), NULL);
    koc_image *img = finish(b, base);
    assert_text(
        koc_image_config(img),
        KOC__STR(
            "{\"architecture\":\"amd64\",\"x-number\":1.50e2,\"os\":\"linux\",\"created\":\"2023-11-14T22:13:20Z\","
            "\"config\":{\"Memory\":1000000000000000,\"Env\":[\"PATH=/new\",\"Z=z\"],\"Labels\":{\"keep\":\"1\","
            "\"change\":\"other\",\"new1\":\"n1\",\"new2\":\"n2\"},\"User\":\"65532\",\"ExposedPorts\":{\"8080/tcp\":"
            "{}},\"Entrypoint\":[\"/ko-app/x\",\"-v\"],\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/w\"},"
            "\"container_config\":{\"Cmd\":null},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF_A
            "\",\"" DIFF_B
            "\"]},\"history\":[{\"created_by\":\"<base>\"},{\"created\":\"2023-11-14T22:13:20Z\",\"author\":\"koc\","
            "\"created_by\":\"koc <build>\",\"comment\":\"c\"}],\"author\":\"koc\"}"));
    assert_manifest(img, "/layers/1",
                    "{\"mediaType\":\"" KOC_MT_OCI_LAYER_ZSTD "\",\"size\":9,\"digest\":\"" LAYER_B
                    "\"}");
    assert_manifest(img, "/mediaType", "\"" KOC_MT_OCI_MANIFEST "\"");
    assert_int_equal(koc_image_layer_count(img), 2);
    koc_image_unref(img);
}

KOC_TEST(build_does_not_depend_on_the_order_of_calls)
{
    koc_str first = {0};
    koc_image *images[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        koc_image *base = base_image(KOC_MT_OCI_CONFIG, OCI_LAYER_MEMBER);
        koc_image_builder *b = builder_on(base);
        for (int k = 0; k < 3; k++) {
            int step = i ? 2 - k : k;
            char name[16];
            snprintf(name, sizeof(name), "n%d", step);
            must(koc_image_builder_set_label(b, name, "v", NULL), NULL);
            must(koc_image_builder_set_annotation(b, name, "v", NULL), NULL);
            snprintf(name, sizeof(name), "%d/tcp", 8080 + step);
            must(koc_image_builder_add_str(b, KOC_CFG_PORT, name, NULL), NULL);
        }
        images[i] = finish(b, base);
    }
    first = koc_image_manifest(images[0]);
    assert_text(koc_image_config(images[1]), koc_image_config(images[0]));
    assert_text(koc_image_manifest(images[1]), first);
    koc_image_unref(images[0]);
    koc_image_unref(images[1]);
}

KOC_TEST(build_on_scratch)
{
    koc_image_builder *b = builder_on(NULL);
    koc_platform p = KOC_PLATFORM_INIT;
    static const char *const features[] = {"f", NULL};
    p.os = "linux";
    p.arch = "arm";
    p.variant = "v7";
    p.os_features = features;
    must(koc_image_builder_set_platform(b, &p, NULL), NULL);
    koc_layer *l = layer_of(KOC_MT_OCI_LAYER_GZIP, LAYER_B, 9, DIFF_B);
    must(koc_image_builder_add_layer(b, l, NULL, NULL), NULL);
    koc_layer_unref(l);
    koc_image *img = finish(b, NULL);
    assert_text(
        koc_image_config(img),
        KOC__STR(
            "{\"created\":\"1970-01-01T00:00:00Z\",\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v7\","
            "\"os.features\":[\"f\"],\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF_B
            "\"]},\"history\":[{\"created\":\"1970-01-01T00:00:00Z\"}]}"));
    KOC__AUTO_STR expected = koc__format(
        "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
        "\",\"config\":{\"mediaType\":\"" KOC_MT_OCI_CONFIG
        "\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[{\"mediaType\":\"" KOC_MT_OCI_LAYER_GZIP
        "\",\"size\":9,\"digest\":\"" LAYER_B "\"}]}",
        koc_image_config(img).len, koc__digest_str(&koc_image_config_descriptor(img)->digest).s);
    assert_text(koc_image_manifest(img), koc__str(expected));
    koc_image_unref(img);
}

KOC_TEST(build_on_scratch_needs_a_platform)
{
    koc_image_builder *b = builder_on(NULL);
    koc_image *img = NULL;
    koc_error *err = NULL;
    int code = koc_image_builder_finish(b, NULL, &img, &err);
    assert_error(code, &err, KOC_EINVAL, "an image without a base needs a platform");
    koc_image_builder_free(b);
}

KOC_TEST(build_keeps_the_bases_manifest_members_but_not_its_subject)
{
    koc_image *base = base_image(
        KOC_MT_OCI_CONFIG,
        "\"unknown\":[1.0],\"annotations\":{\"a\":\"1\"},\"subject\":{\"mediaType\":\"a/b\","
        "\"size\":1,\"digest\":\"" LAYER_A "\"}," OCI_LAYER_MEMBER);
    koc_image_builder *b = builder_on(base);
    must(koc_image_builder_set_annotation(b, "b", "2", NULL), NULL);
    koc_image *img = finish(b, base);
    assert_manifest(img, "/unknown", "[1.0]");
    assert_manifest(img, "/annotations", "{\"a\":\"1\",\"b\":\"2\"}");
    assert_false(has(koc__image_manifest_json(img), "/subject"));
    koc_image_unref(img);
}

KOC_TEST(build_takes_a_subject)
{
    koc_image *base = base_image(KOC_MT_OCI_CONFIG, OCI_LAYER_MEMBER);
    koc_image_builder *b = builder_on(base);
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    assert_int_equal(koc_image_builder_set_subject(b, &d, NULL), KOC_EMISUSE);
    assert_true(koc__digest_read(KOC__STR(LAYER_B), &d.digest));
    d.media_type = KOC_MT_OCI_MANIFEST;
    d.size = 3;
    must(koc_image_builder_set_subject(b, &d, NULL), NULL);
    koc_image *img = finish(b, base);
    assert_manifest(img, "/subject",
                    "{\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"size\":3,\"digest\":\"" LAYER_B
                    "\"}");
    koc_image_unref(img);
}

KOC_TEST(build_speaks_the_bases_family)
{
    koc_image *base = base_image(KOC_MT_DOCKER_CONFIG, OCI_LAYER_MEMBER);
    koc_image_builder *b = builder_on(base);
    koc_layer *l = layer_of(KOC_MT_OCI_LAYER_GZIP, LAYER_B, 9, DIFF_B);
    static const koc_kv annotations[] = {{"k", "v"}};
    koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
    o.annotations = annotations;
    o.n_annotations = 1;
    must(koc_image_builder_add_layer(b, l, &o, NULL), NULL);
    koc_image *img = finish(b, base);
    assert_manifest(img, "/layers/1",
                    "{\"mediaType\":\"" KOC_MT_DOCKER_LAYER_GZIP
                    "\",\"size\":9,\"digest\":\"" LAYER_B "\",\"annotations\":{\"k\":\"v\"}}");
    assert_manifest(img, "/mediaType", "\"" KOC_MT_DOCKER_MANIFEST "\"");
    assert_string_equal(koc_layer_descriptor(koc_image_layer(img, 1))->media_type,
                        KOC_MT_DOCKER_LAYER_GZIP);
    assert_string_equal(koc_layer_descriptor(l)->media_type, KOC_MT_OCI_LAYER_GZIP);
    koc_layer_unref(l);
    koc_image_unref(img);
}

KOC_TEST(build_converts_between_the_families)
{
    koc_image *base = base_image(KOC_MT_OCI_CONFIG, OCI_LAYER_MEMBER);
    koc_image_builder *b = builder_on(base);
    must(koc_image_builder_set_format(b, KOC_FORMAT_DOCKER, NULL), NULL);
    koc_image *img = finish(b, base);
    assert_true(koc__image_is_docker(img));
    assert_manifest(img, "/config/mediaType", "\"" KOC_MT_DOCKER_CONFIG "\"");
    assert_manifest(img, "/layers/0/mediaType", "\"" KOC_MT_DOCKER_LAYER_GZIP "\"");
    koc_image_unref(img);
}

KOC_TEST(build_refuses_what_docker_cannot_name)
{
    koc_image *base = base_image(KOC_MT_DOCKER_CONFIG, OCI_LAYER_MEMBER);
    koc_image_builder *b = builder_on(base);
    koc_layer *l = layer_of(KOC_MT_OCI_LAYER_ZSTD, LAYER_B, 9, DIFF_B);
    koc_image *img = NULL;
    koc_error *err = NULL;
    must(koc_image_builder_add_layer(b, l, NULL, NULL), NULL);
    int code = koc_image_builder_finish(b, NULL, &img, &err);
    assert_error(code, &err, KOC_EUNSUPPORTED,
                 "Docker manifests have no media type for a layer of type");
    koc_layer_unref(l);
    koc_image_builder_free(b);
    koc_image_unref(base);
}

/* Its content is elsewhere; as an ordinary layer it would be missing. */
KOC_TEST(build_never_makes_a_foreign_layer_an_ordinary_one)
{
    static const struct {
        const char *config, *layer;
        int32_t other;
        const char *said;
    } table[] = {
        {KOC_MT_OCI_CONFIG, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
         KOC_FORMAT_DOCKER, "Docker manifests have no media type for a layer of type "},
        {KOC_MT_DOCKER_CONFIG, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
         KOC_FORMAT_OCI, "OCI manifests have no media type for a layer of type "},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_STR member =
            koc__format("\"layers\":[{\"mediaType\":\"%s\",\"size\":7,\"digest\":"
                        "\"" LAYER_A "\",\"urls\":[\"https://a.example/l\"]}]",
                        table[i].layer);
        KOC__AUTO_STR type = koc__format("\"%s\"", table[i].layer);
        koc_image *img = NULL;
        koc_error *err = NULL;
        koc_image *base = base_image(table[i].config, member);
        koc_image_builder *b = builder_on(base);
        must(koc_image_builder_set_format(b, table[i].other, NULL), NULL);
        int code = koc_image_builder_finish(b, NULL, &img, &err);
        assert_error(code, &err, KOC_EUNSUPPORTED, table[i].said);
        koc_image_builder_free(b);
        img = finish(builder_on(base), base);
        assert_manifest(img, "/layers/0/mediaType", type);
        assert_manifest(img, "/layers/0/urls", "[\"https://a.example/l\"]");
        koc_image_unref(img);
    }
}

/* Some images mix the families, and runtimes take them: nobody asked to convert. */
KOC_TEST(build_leaves_layers_of_another_family_alone_without_a_format)
{
    static const char member[] =
        "\"layers\":[{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar.gzip\",\"size\":7,"
        "\"digest\":\"" LAYER_A "\"}]";
    koc_image *base = base_image(KOC_MT_OCI_CONFIG, member);
    koc_image *img = finish(builder_on(base), base);
    assert_manifest(img, "/layers/0/mediaType",
                    "\"application/vnd.docker.image.rootfs.diff.tar.gzip\"");
    koc_image_unref(img);
}

KOC_TEST(build_takes_nothing_of_the_bases_platform_when_it_is_given_one)
{
    static const char config[] = "{\"architecture\":\"arm\",\"os\":\"windows\",\"variant\":\"v7\","
                                 "\"os.version\":\"10\",\"os.features\":[\"win32k\"]}";
    static const char *const none[] = {NULL}, *const one[] = {"f", NULL};
    static const char *const *const features[] = {NULL, none, one};
    for (size_t i = 0; i < KOC__COUNT(features); i++) {
        koc_image *base = NULL;
        koc_platform p = KOC_PLATFORM_INIT;
        p.os = "linux";
        p.arch = "amd64";
        p.variant = i == 0 ? NULL : "";
        p.os_features = features[i];
        must(image_of(KOC_MT_OCI_CONFIG, config, "\"layers\":[]", &base, NULL), NULL);
        koc_image_builder *b = builder_on(base);
        must(koc_image_builder_set_platform(b, &p, NULL), NULL);
        koc_image *img = finish(b, base);
        assert_text(
            koc_image_config(img),
            i < 2 ? KOC__STR("{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},"
                             "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}")
                  : KOC__STR(
                        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"os.features\":"
                        "[\"f\"],\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"));
        koc_image_unref(img);
    }
}

KOC_TEST(build_drops_what_is_set_to_empty_text)
{
    static const char config[] =
        "{\"author\":\"a\",\"os\":\"linux\",\"config\":{\"User\":\"0\",\"WorkingDir\":\"/\","
        "\"StopSignal\":\"SIGINT\"}}";
    static const int32_t fields[] = {KOC_CFG_USER, KOC_CFG_WORKDIR, KOC_CFG_STOPSIGNAL,
                                     KOC_CFG_AUTHOR};
    koc_image *base = NULL;
    must(image_of(KOC_MT_OCI_CONFIG, config, "\"layers\":[]", &base, NULL), NULL);
    koc_image_builder *b = builder_on(base);
    for (size_t i = 0; i < KOC__COUNT(fields); i++) {
        must(koc_image_builder_set_str(b, fields[i], "", NULL), NULL);
    }
    koc_image *img = finish(b, base);
    assert_text(koc_image_config(img),
                KOC__STR("{\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":\"layers\","
                         "\"diff_ids\":[]}}"));
    koc_image_unref(img);
}

KOC_TEST(build_dates_layers)
{
    koc_image *base = base_image(KOC_MT_OCI_CONFIG, OCI_LAYER_MEMBER);
    koc_image_builder *b = builder_on(base);
    koc_layer *l = layer_of(KOC_MT_OCI_LAYER_GZIP, LAYER_B, 9, DIFF_B);
    koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
    must(koc_image_builder_add_layer(b, l, NULL, NULL), NULL);
    o.created = 1600000000;
    must(koc_image_builder_add_layer(b, l, &o, NULL), NULL);
    o.created = 0;
    o.flags = KOC_ADD_LAYER_CREATED;
    must(koc_image_builder_add_layer(b, l, &o, NULL), NULL);
    o.created = -62135596800; /* Go's zero time */
    must(koc_image_builder_add_layer(b, l, &o, NULL), NULL);
    o.flags = 2;
    assert_int_equal(koc_image_builder_add_layer(b, l, &o, NULL), KOC_EMISUSE);
    koc_layer_unref(l);
    koc_image *img = finish(b, base);
    assert_config(img, "/history/1/created", "\"2024-03-01T12:34:56.780Z\"");
    assert_config(img, "/history/2/created", "\"2020-09-13T12:26:40Z\"");
    assert_config(img, "/history/3/created", "\"1970-01-01T00:00:00Z\"");
    assert_config(img, "/history/4/created", "\"0001-01-01T00:00:00Z\"");
    koc_image_unref(img);
}

KOC_TEST(build_takes_null_members_for_absent)
{
    static const char config[] =
        "{\"os\":\"linux\",\"config\":null,\"history\":null,\"rootfs\":null}";
    koc_image *base = NULL;
    koc_error *err = NULL;
    must(image_of(KOC_MT_OCI_CONFIG, config, "\"annotations\":null,\"layers\":[]", &base, &err),
         err);
    koc_image_builder *b = builder_on(base);
    koc_layer *l = layer_of(KOC_MT_OCI_LAYER_GZIP, LAYER_B, 9, DIFF_B);
    must(koc_image_builder_add_layer(b, l, NULL, NULL), NULL);
    koc_layer_unref(l);
    must(koc_image_builder_set_env(b, "A", "1", NULL), NULL);
    must(koc_image_builder_set_annotation(b, "k", "v", NULL), NULL);
    koc_image *img = finish(b, base);
    assert_text(
        koc_image_config(img),
        KOC__STR(
            "{\"os\":\"linux\",\"config\":{\"Env\":[\"A=1\"]},\"history\":[{}],\"rootfs\":{\"type\":\"layers\","
            "\"diff_ids\":[\"" DIFF_B "\"]}}"));
    assert_manifest(img, "/annotations", "{\"k\":\"v\"}");
    koc_image_unref(img);
}

KOC_TEST(build_leaves_nothing_behind_when_it_only_removes)
{
    static const char config[] = "{\"os\":\"linux\",\"config\":{\"Labels\":{\"a\":\"b\"}}}";
    koc_image *base = NULL;
    koc_error *err = NULL;
    must(image_of(KOC_MT_OCI_CONFIG, config, "\"layers\":[]", &base, &err), err);
    koc_image_builder *b = builder_on(base);
    must(koc_image_builder_set_env(b, "A", NULL, NULL), NULL);
    must(koc_image_builder_set_label(b, "a", NULL, NULL), NULL);
    must(koc_image_builder_set_annotation(b, "a", NULL, NULL), NULL);
    must(koc_image_builder_set_str(b, KOC_CFG_USER, NULL, NULL), NULL);
    must(koc_image_builder_set_cmd(b, NULL, NULL), NULL);
    koc_image *img = finish(b, base);
    assert_config(img, "/config", "{}");
    assert_false(has(koc__image_manifest_json(img), "/annotations"));
    koc_image_unref(img);
}

KOC_TEST(build_refuses_a_base_of_another_shape)
{
    static const char *const configs[] = {
        "{\"config\":[]}",  "{\"config\":{\"Env\":{}}}", "{\"config\":{\"Labels\":[]}}",
        "{\"history\":{}}", "{\"rootfs\":[]}",
    };
    for (size_t i = 0; i < KOC__COUNT(configs); i++) {
        koc_image *base = NULL;
        koc_image *img = NULL;
        koc_error *err = NULL;
        must(image_of(KOC_MT_OCI_CONFIG, configs[i], "\"layers\":[]", &base, &err), err);
        koc_image_builder *b = builder_on(base);
        koc_layer *l = layer_of(KOC_MT_OCI_LAYER_GZIP, LAYER_B, 9, DIFF_B);
        must(koc_image_builder_add_layer(b, l, NULL, NULL), NULL);
        koc_layer_unref(l);
        must(koc_image_builder_set_env(b, "A", "1", NULL), NULL);
        must(koc_image_builder_set_label(b, "a", "1", NULL), NULL);
        int code = koc_image_builder_finish(b, NULL, &img, &err);
        assert_error(code, &err, KOC_EFORMAT, "cannot build on this base: its \"");
        koc_image_builder_free(b);
        koc_image_unref(base);
    }
}

KOC_TEST(build_refuses_bad_arguments)
{
    koc_image_builder *b = builder_on(NULL);
    koc_error *err = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    koc_image *img = NULL;
    int code = koc_image_builder_set_env(b, "A=B", "x", &err);
    assert_error(code, &err, KOC_EINVAL, "\"A=B\" is not the name");
    code = koc_image_builder_set_env(b, "", "x", &err);
    assert_error(code, &err, KOC_EINVAL, "is not the name");
    code = koc_image_builder_set_label(b, "", "x", &err);
    assert_error(code, &err, KOC_EINVAL, "a label needs a name");
    assert_int_equal(koc_image_builder_set_annotation(b, "", "x", NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_created(b, INT64_MAX, NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_str(b, 99, "x", NULL), KOC_EMISUSE);
    assert_int_equal(koc_image_builder_add_str(b, 0, "x", NULL), KOC_EMISUSE);
    assert_int_equal(koc_image_builder_set_format(b, 9, NULL), KOC_EMISUSE);
    assert_int_equal(koc_image_builder_add_layer(b, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_image_builder_set_label(NULL, "a", "x", NULL), KOC_EMISUSE);
    assert_int_equal(koc_image_builder_set_platform(b, NULL, NULL), KOC_EMISUSE);
    p.os = "linux";
    must(koc_image_builder_set_platform(b, &p, NULL), NULL);
    must(koc_image_builder_finish(b, NULL, &img, NULL), NULL);
    koc_image_unref(img);
    code = koc_image_builder_set_label(b, "a", "x", &err);
    assert_error(code, &err, KOC_EMISUSE, "the builder is finished");
    assert_int_equal(koc_image_builder_finish(b, NULL, &img, NULL), KOC_EMISUSE);
    koc_image_builder_free(b);
    koc_image_builder_free(NULL);
}

static int build_something(koc_image *base, koc_layer *l, bool compat, koc_image **out,
                           koc_error **err)
{
    static const char *const argv[] = {"x", NULL};
    static const koc_kv annotations[] = {{"k", "v"}};
    KOC__AUTO(koc_image_builder) b = NULL;
    koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
    o.comment = "c";
    o.annotations = annotations;
    o.n_annotations = 1;
    KOC__TRY(koc_image_builder_new(NULL, base, &b, err));
    if (compat) {
        koc__image_builder_set_compat(b);
    }
    KOC__TRY(koc_image_builder_add_layer(b, l, &o, err));
    KOC__TRY(koc_image_builder_set_entrypoint(b, argv, err));
    KOC__TRY(koc_image_builder_set_env(b, "A", "2", err));
    KOC__TRY(koc_image_builder_set_label(b, "A", "2", err));
    KOC__TRY(koc_image_builder_set_annotation(b, "A", "2", err));
    KOC__TRY(koc_image_builder_set_str(b, KOC_CFG_USER, "1", err));
    KOC__TRY(koc_image_builder_set_created(b, 1, err));
    KOC__TRY(koc_image_builder_set_subject(b, koc_layer_descriptor(l), err));
    KOC__TRY(koc_image_builder_set_platform(b, koc_image_platform(base), err));
    return koc__image_builder_finish(b, NULL, out, err);
}

KOC_TEST(build_survives_every_failing_allocation)
{
    koc_image *base = base_image(KOC_MT_OCI_CONFIG, OCI_LAYER_MEMBER);
    koc_layer *l = layer_of(KOC_MT_OCI_LAYER_GZIP, LAYER_B, 9, DIFF_B);
    for (int compat = 0; compat < 2; compat++) {
        for (uint64_t n = 1;; n++) {
            koc_image *img = NULL;
            koc_error *err = NULL;
            koc__alloc_fail_after(n);
            int code = build_something(base, l, compat, &img, &err);
            koc__alloc_fail_after(0);
            koc_error_free(err);
            if (code == KOC_OK) {
                koc_image_unref(img);
                assert_true(n > 40);
                break;
            }
            assert_int_equal(code, KOC_ENOMEM);
            assert_null(img);
        }
    }
    koc_layer_unref(l);
    koc_image_unref(base);
}

/* What runtimes refuse when the image is run is refused when it is made, whoever asks. */
KOC_TEST(builder_refuses_values_that_no_runtime_takes)
{
    static const struct {
        int32_t field;
        const char *good[8], *bad[10];
    } texts[] = {
        {KOC_CFG_USER,
         {"root", "1000", "1000:1000", "nobody:nogroup", "svc-a_1.b", "2147483647", "DOM\\a b", ""},
         {"a b", "-1", "1000:", ":1000", "1:2:3", "2147483648", "a/b", "x\n", "1000:-1", " "}},
        {KOC_CFG_WORKDIR,
         {"/", "/srv/x y", "C:\\app", "c:/app", "\\app", ""},
         {"not absolute", "./x", "../x", "C:app", "~", "/a\nb"}},
        {KOC_CFG_STOPSIGNAL,
         {"SIGTERM", "TERM", "15", "SIGRTMIN+3"},
         {"sig term", "SIGTERM;", "."}},
    };
    static const char *const good_ports[] = {"1", "8080", "65535/tcp", "53/udp", "9/sctp"};
    static const char *const bad_ports[] = {"abc",    "hello world", "0",    "65536",
                                            "80/TCP", "80/",         "/tcp", "8000-8010",
                                            "-1/tcp", "80 ",         ""};
    koc_image_builder *b = builder_on(NULL);
    koc_error *err = NULL;
    for (size_t i = 0; i < KOC__COUNT(texts); i++) {
        for (size_t k = 0; k < KOC__COUNT(texts[i].good) && texts[i].good[k]; k++) {
            must(koc_image_builder_set_str(b, texts[i].field, texts[i].good[k], &err), err);
        }
        for (size_t k = 0; k < KOC__COUNT(texts[i].bad) && texts[i].bad[k]; k++) {
            assert_int_equal(koc_image_builder_set_str(b, texts[i].field, texts[i].bad[k], &err),
                             KOC_EINVAL);
            koc__error_clear(&err);
        }
    }
    for (size_t i = 0; i < KOC__COUNT(good_ports); i++) {
        must(koc_image_builder_add_str(b, KOC_CFG_PORT, good_ports[i], &err), err);
    }
    for (size_t i = 0; i < KOC__COUNT(bad_ports); i++) {
        assert_int_equal(koc_image_builder_add_str(b, KOC_CFG_PORT, bad_ports[i], NULL),
                         KOC_EINVAL);
    }
    must(koc_image_builder_add_str(b, KOC_CFG_VOLUME, "/data", &err), err);
    assert_int_equal(koc_image_builder_add_str(b, KOC_CFG_VOLUME, "data", NULL), KOC_EINVAL);
    koc_image_builder_free(b);
}

KOC_TEST(text_that_json_cannot_hold_is_rejected_where_it_is_set)
{
    static const char *const argv[] = {"/app", "\xff", NULL};
    koc_image_builder *b = builder_on(NULL);
    assert_int_equal(koc_image_builder_set_entrypoint(b, argv, NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_cmd(b, argv, NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_env(b, "A", "\xc3(", NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_env(b, "\xc3(", "a", NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_label(b, "a", "\xff", NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_annotation(b, "\xff", "a", NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_str(b, KOC_CFG_WORKDIR, "/\xff", NULL), KOC_EINVAL);
    assert_int_equal(koc_image_builder_set_str(b, KOC_CFG_AUTHOR, "\xff", NULL), KOC_EINVAL);
    koc_image_builder_free(b);
}

KOC_TEST(a_platform_without_a_text_form_is_rejected_where_it_is_set)
{
    static const koc_platform bad[] = {
        {sizeof(koc_platform), 0, "my linux", "amd64", NULL, NULL, NULL},
        {sizeof(koc_platform), 0, "linux", "a/b", NULL, NULL, NULL},
        {sizeof(koc_platform), 0, "linux", "arm", "v:7", NULL, NULL},
        {sizeof(koc_platform), 0, "windows", "amd64", NULL, "10.0 17763", NULL},
    };
    koc_image_builder *b = builder_on(NULL);
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        assert_int_equal(koc_image_builder_set_platform(b, &bad[i], NULL), KOC_EINVAL);
    }
    koc_image_builder_free(b);
}
