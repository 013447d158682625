/* ko's bytes, rebuilt from the bases that ko had (tests/golden/ko). */
#include "model_test.h"

typedef struct sample {
    const char *name;
    const char *import_path;
    const char *base_name;
    const char *command; /* the binary's path in the image */
    const char *path;    /* the new PATH */
    const char *data;    /* KO_DATA_PATH */
    koc_kv label;
    koc_kv annotation;
    bool epochs;
} sample;

#define UNIX_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/ko-app"

static koc_image *load_base(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "ko/%s/base.manifest.json", name);
    koc__dynbuf manifest = golden(path);
    snprintf(path, sizeof(path), "ko/%s/base.config.json", name);
    koc__dynbuf config = golden(path);
    koc_image *img = NULL;
    koc_error *err = NULL;
    must(koc_image_from_bytes(NULL, koc__dynbuf_view(&manifest), koc__dynbuf_view(&config), &img,
                              &err),
         err);
    koc__dynbuf_dispose(&manifest);
    koc__dynbuf_dispose(&config);
    return img;
}

/* The layers that ko added, by what it recorded. */
static void add_layers(koc_image_builder *b, const sample *s, const koc__json *manifest,
                       const koc__json *config)
{
    const char *comments[] = {"kodata contents, at $KO_DATA_PATH", NULL};
    KOC__AUTO_STR binary =
        koc__format("go build output, at /ko-app/%s", strrchr(s->import_path, '/') + 1);
    KOC__AUTO_STR created_by = koc__format("ko build ko://%s", s->import_path);
    comments[1] = binary;
    for (int i = 0; i < 2; i++) {
        char pointer[64];
        koc_error *err = NULL;
        koc_descriptor *d = NULL;
        koc_digest diff = {0};
        koc_layer *l = NULL;
        koc_add_layer_options o = KOC_ADD_LAYER_OPTIONS_INIT;
        snprintf(pointer, sizeof(pointer), "/layers/%d", i + 1);
        must(koc__descriptor_read(koc__json_at(koc__json_root(manifest), pointer), "layer", &d,
                                  &err),
             err);
        snprintf(pointer, sizeof(pointer), "/rootfs/diff_ids/%d", i + 1);
        const char *text = koc__json_str(koc__json_at(koc__json_root(config), pointer));
        assert_true(koc__digest_read(koc__str(text), &diff));
        must(koc_layer_from_blob(NULL, d, &diff, NULL, &l, &err), err);
        o.author = "ko";
        o.created_by = created_by;
        o.comment = comments[i];
        o.created = s->epochs ? (i == 0 ? 1600000000 : 1700000000) : 0;
        must(koc_image_builder_add_layer(b, l, &o, &err), err);
        koc_layer_unref(l);
        koc__descriptor_free(d);
    }
}

static void configure(koc_image_builder *b, const sample *s, const koc_image *base)
{
    const char *argv[] = {s->command, NULL};
    KOC__AUTO_STR data = koc__format("KO_DATA_PATH=%s", s->data);
    must(koc_image_builder_set_str(b, KOC_CFG_AUTHOR, "github.com/ko-build/ko", NULL), NULL);
    must(koc_image_builder_set_entrypoint(b, argv, NULL), NULL);
    must(koc_image_builder_set_cmd(b, NULL, NULL), NULL);
    must(koc_image_builder_set_env(b, "PATH", s->path, NULL), NULL);
    must(koc__image_builder_append_env(b, data, NULL), NULL);
    if (s->label.key) {
        must(koc_image_builder_set_label(b, s->label.key, s->label.value, NULL), NULL);
    }
    if (s->annotation.key) {
        must(koc_image_builder_set_annotation(b, s->annotation.key, s->annotation.value, NULL),
             NULL);
    }
    if (s->epochs) {
        must(koc_image_builder_set_created(b, 1700000000, NULL), NULL);
    }
    must(koc_image_builder_set_annotation(b, "org.opencontainers.image.base.name", s->base_name,
                                          NULL),
         NULL);
    must(koc_image_builder_set_annotation(b, "org.opencontainers.image.base.digest",
                                          koc__digest_str(&koc_image_descriptor(base)->digest).s,
                                          NULL),
         NULL);
}

static koc_image *rebuild(const sample *s)
{
    char path[128];
    snprintf(path, sizeof(path), "ko/%s/manifest.json", s->name);
    koc__dynbuf manifest = golden(path);
    snprintf(path, sizeof(path), "ko/%s/config.json", s->name);
    koc__dynbuf config = golden(path);
    koc_error *err = NULL;
    koc__json *manifest_doc = NULL;
    koc__json *config_doc = NULL;
    must(koc__json_parse(koc__dynbuf_view(&manifest), 1 << 20, "manifest", &manifest_doc, &err),
         err);
    must(koc__json_parse(koc__dynbuf_view(&config), 1 << 20, "config", &config_doc, &err), err);

    koc_image *base = load_base(s->name);
    koc_image_builder *b = NULL;
    koc_image *img = NULL;
    must(koc_image_builder_new(NULL, base, &b, &err), err);
    koc__image_builder_set_compat(b);
    add_layers(b, s, manifest_doc, config_doc);
    configure(b, s, base);
    must(koc__image_builder_finish(b, NULL, &img, &err), err);

    assert_text(koc_image_config(img), koc__dynbuf_view(&config));
    assert_text(koc_image_manifest(img), koc__dynbuf_view(&manifest));
    koc_image_builder_free(b);
    koc_image_unref(base);
    koc__json_free(manifest_doc);
    koc__json_free(config_doc);
    koc__dynbuf_dispose(&manifest);
    koc__dynbuf_dispose(&config);
    return img;
}

#define APP  "example.com/kohello/cmd/app"
#define TOOL "example.com/kohello/cmd/tool"

static const sample single = {"01-single",   APP,       "localhost:13991/base:latest",
                              "/ko-app/app", UNIX_PATH, "/var/run/ko",
                              {0},           {0},       false};
static const sample index_oci = {"02-index-oci", APP,          "localhost:13991/base:latest",
                                 "/ko-app/app",  UNIX_PATH,    "/var/run/ko",
                                 {"a", "b"},     {"k1", "v1"}, false};
static const sample index_docker = {"03-index-docker",
                                    TOOL,
                                    "localhost:13991/dbase:latest",
                                    "/ko-app/tool",
                                    UNIX_PATH,
                                    "/var/run/ko",
                                    {0},
                                    {0},
                                    false};
static const sample windows = {"04-windows",
                               APP,
                               "localhost:13991/win:latest",
                               "C:\\ko-app\\app",
                               "c:\\Windows\\System32;c:\\Windows:C:\\ko-app",
                               "C:\\var\\run\\ko",
                               {0},
                               {0},
                               false};
static const sample epochs = {"05-caps-epochs",
                              APP,
                              "localhost:13991/base:latest",
                              "/ko-app/app",
                              UNIX_PATH,
                              "/var/run/ko",
                              {0},
                              {0},
                              true};

KOC_TEST(compat_makes_the_bytes_of_a_single_image)
{
    koc_image_unref(rebuild(&single));
}

KOC_TEST(compat_makes_the_bytes_of_a_child_of_an_oci_index)
{
    koc_image_unref(rebuild(&index_oci));
}

KOC_TEST(compat_makes_the_bytes_of_a_child_of_a_docker_list)
{
    koc_image_unref(rebuild(&index_docker));
}

KOC_TEST(compat_makes_the_bytes_of_a_windows_image)
{
    koc_image_unref(rebuild(&windows));
}

KOC_TEST(compat_renders_the_epochs)
{
    koc_image_unref(rebuild(&epochs));
}

/* Rebuilds an index from its first child and the recorded descriptors of the others. */
static void rebuild_index(const sample *s, int32_t format, const char *base_digest)
{
    char path[128];
    koc_error *err = NULL;
    snprintf(path, sizeof(path), "ko/%s/index.json", s->name);
    koc__dynbuf expected = golden(path);
    snprintf(path, sizeof(path), "ko/%s/base.index.json", s->name);
    koc__dynbuf base_bytes = golden(path);
    koc_index *recorded = NULL;
    koc_index *base = NULL;
    must(koc_index_from_bytes(NULL, koc__dynbuf_view(&expected), &recorded, &err), err);
    must(koc_index_from_bytes(NULL, koc__dynbuf_view(&base_bytes), &base, &err), err);

    koc_image *child = rebuild(s);
    koc_index_builder *b = NULL;
    koc_index *idx = NULL;
    must(koc_index_builder_new(NULL, format, &b, &err), err);
    must(koc__index_builder_add_like(b, child, koc_index_get(base, 0), true, &err), err);
    for (size_t i = 1; i < koc_index_count(recorded); i++) {
        must(koc_index_builder_add_descriptor(b, koc_index_get(recorded, i), &err), err);
    }
    must(koc_index_builder_set_annotation(b, "org.opencontainers.image.base.name", s->base_name,
                                          &err),
         err);
    must(koc_index_builder_set_annotation(b, "org.opencontainers.image.base.digest", base_digest,
                                          &err),
         err);
    if (s->annotation.key) {
        must(koc_index_builder_set_annotation(b, s->annotation.key, s->annotation.value, &err),
             err);
    }
    must(koc_index_builder_finish(b, &idx, &err), err);
    assert_text(koc_index_bytes(idx), koc__dynbuf_view(&expected));
    assert_ptr_equal(koc_index_image(idx, 0), child);
    assert_null(koc_index_image(idx, 1));

    koc_index_unref(idx);
    koc_index_unref(base);
    koc_index_unref(recorded);
    koc_index_builder_free(b);
    koc_image_unref(child);
    koc__dynbuf_dispose(&expected);
    koc__dynbuf_dispose(&base_bytes);
}

/* Quirk Q1: not the digest of the base index but of what ko makes of it. */
KOC_TEST(compat_makes_the_bytes_of_an_oci_index)
{
    koc__dynbuf base_bytes = golden("ko/02-index-oci/base.index.json");
    koc_index *base = NULL;
    koc_digest digest = {0};
    must(koc_index_from_bytes(NULL, koc__dynbuf_view(&base_bytes), &base, NULL), NULL);
    koc__digest_text real = koc__digest_str(&koc_index_descriptor(base)->digest);
    const koc_kv annotations[] = {
        {"k1", "v1"},
        {"org.opencontainers.image.base.digest", real.s},
        {"org.opencontainers.image.base.name", "localhost:13991/base:latest"},
    };
    must(koc__index_ko_digest(base, annotations, KOC__COUNT(annotations), &digest, NULL), NULL);
    assert_string_equal(koc__digest_str(&digest).s,
                        "sha256:5a38b482c89072584c5d90fba2dfe0bceafb2f5f7d37a23364eb6a2aa94fa934");
    rebuild_index(&index_oci, KOC_FORMAT_OCI, koc__digest_str(&digest).s);
    koc_index_unref(base);
    koc__dynbuf_dispose(&base_bytes);
}

KOC_TEST(compat_makes_the_bytes_of_a_docker_list)
{
    koc__dynbuf base_bytes = golden("ko/03-index-docker/base.index.json");
    koc_digest digest = digest_of(koc__dynbuf_view(&base_bytes));
    rebuild_index(&index_docker, KOC_FORMAT_DOCKER, koc__digest_str(&digest).s);
    koc__dynbuf_dispose(&base_bytes);
}

/* --- Go's form in detail --- */

static void check_config(const char *base_config, const char *expected)
{
    koc_image *base = NULL;
    koc_image *img = NULL;
    koc_image_builder *b = NULL;
    koc_error *err = NULL;
    must(image_of(KOC_MT_OCI_CONFIG, base_config, "\"layers\":[]", &base, &err), err);
    must(koc_image_builder_new(NULL, base, &b, &err), err);
    koc__image_builder_set_compat(b);
    must(koc__image_builder_finish(b, NULL, &img, &err), err);
    assert_text(koc_image_config(img), koc__str(expected));
    koc_image_unref(img);
    koc_image_unref(base);
    koc_image_builder_free(b);
}

#define TAIL ",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"config\":{}}"
#define HEAD "{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},"

KOC_TEST(compat_normalises_times)
{
    static const char *const times[][2] = {
        {"2024-03-01T12:34:56.780000000+09:00", "2024-03-01T12:34:56.78+09:00"},
        {"2024-03-01T12:34:56.000+00:00", "2024-03-01T12:34:56Z"},
        {"2024-03-01T12:34:56-00:00", "2024-03-01T12:34:56Z"},
        {"2024-03-01T12:34:56.1234567891Z", "2024-03-01T12:34:56.123456789Z"},
        {"2024-03-01T12:34:56Z", "2024-03-01T12:34:56Z"},
        {"1900-01-01T00:00:10.500-11:30", "1900-01-01T00:00:10.5-11:30"},
    };
    for (size_t i = 0; i < KOC__COUNT(times); i++) {
        KOC__AUTO_STR config = koc__format(HEAD "\"created\":\"%s\"}", times[i][0]);
        KOC__AUTO_STR expected =
            koc__format("{\"architecture\":\"\",\"created\":\"%s\"" TAIL, times[i][1]);
        check_config(config, expected);
    }
}

KOC_TEST(compat_drops_what_is_empty_or_unknown)
{
    check_config(HEAD
                 "\"x\":1,\"author\":\"\",\"container\":null,\"history\":[],\"throwaway\":true,"
                 "\"container_config\":{\"Cmd\":[\"x\"]},\"config\":{\"Cmd\":null,\"Labels\":{},"
                 "\"Tty\":false,\"Memory\":5}}",
                 "{\"architecture\":\"\",\"created\":\"0001-01-01T00:00:00Z\"" TAIL);
}

KOC_TEST(compat_sorts_maps_and_escapes_as_go_does)
{
    check_config(
        HEAD
        "\"config\":{\"Volumes\":{\"/b\":{},\"/a\":{}},\"Labels\":{\"z\":\"<&>\","
        "\"a\":\"\\u2028\xC3\xA9\",\"B\":null},\"Healthcheck\":{\"StartInterval\":5,"
        "\"Interval\":30000000000,\"Test\":[\"CMD\"]}},\"variant\":\"v8\",\"os.version\":\"10\"}",
        "{\"architecture\":\"\",\"created\":\"0001-01-01T00:00:00Z\",\"os\":\"linux\",\"rootfs\":"
        "{\"type\":\"layers\",\"diff_ids\":[]},\"config\":{\"Healthcheck\":{\"Test\":[\"CMD\"],"
        "\"Interval\":30000000000},\"Labels\":{\"B\":\"\",\"a\":\"\\u2028\xC3\xA9\","
        "\"z\":\"\\u003c\\u0026\\u003e\"},\"Volumes\":{\"/a\":{},\"/b\":{}}},\"os.version\":\"10\","
        "\"variant\":\"v8\"}");
}

static void check_manifest(const char *members, const char *expected_rest)
{
    static const char config[] =
        "{\"architecture\":\"amd64\",\"created\":\"0001-01-01T00:00:00Z\"" TAIL;
    koc_image *base = NULL;
    koc_image *img = NULL;
    koc_image_builder *b = NULL;
    koc_error *err = NULL;
    must(image_of(KOC_MT_OCI_CONFIG, config, members, &base, &err), err);
    must(koc_image_builder_new(NULL, base, &b, &err), err);
    koc__image_builder_set_compat(b);
    must(koc__image_builder_finish(b, NULL, &img, &err), err);
    KOC__AUTO_STR start = manifest_text(KOC_MT_OCI_CONFIG, koc__str(config), "");
    start[strlen(start) - 1] = '\0';
    KOC__AUTO_STR expected = koc__format("%s%s}", start, expected_rest);
    assert_text(koc_image_manifest(img), koc__str(expected));
    koc_image_unref(img);
    koc_image_unref(base);
    koc_image_builder_free(b);
}

KOC_TEST(compat_leaves_out_a_media_type_that_the_base_leaves_out)
{
    check_manifest("\"layers\":[]", ",\"layers\":[]");
}

KOC_TEST(compat_keeps_the_artifact_type_and_drops_the_subject)
{
    check_manifest(
        "\"artifactType\":\"a/b\",\"unknown\":[1],\"annotations\":{\"b\":\"2\",\"a\":\"1\"},"
        "\"subject\":{\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"size\":1,\"digest\":\"" LAYER_A
        "\"},\"layers\":[]",
        ",\"layers\":[],\"annotations\":{\"a\":\"1\",\"b\":\"2\"},\"artifactType\":\"a/b\"");
}

KOC_TEST(compat_embeds_the_config_when_the_base_does)
{
    static const char config[] = "{\"os\":\"linux\",\"architecture\":\"amd64\"}";
    koc_digest d = digest_of(koc__str(config));
    KOC__AUTO_STR manifest = koc__format(
        "{\"schemaVersion\":2,\"config\":{\"data\":\"e30=\",\"mediaType\":\"" KOC_MT_OCI_CONFIG
        "\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[]}",
        strlen(config), koc__digest_str(&d).s);
    koc_image *base = NULL;
    koc_image *img = NULL;
    koc_image_builder *b = NULL;
    koc_error *err = NULL;
    must(koc_image_from_bytes(NULL, koc__str(manifest), koc__str(config), &base, &err), err);
    must(koc_image_builder_new(NULL, base, &b, &err), err);
    must(koc_image_builder_set_label(b, "k", "v", &err), err);
    koc__image_builder_set_compat(b);
    must(koc__image_builder_finish(b, NULL, &img, &err), err);
    const char *data =
        koc__json_str(koc__json_at(koc__json_root(koc__image_manifest_json(img)), "/config/data"));
    koc__dynbuf raw = KOC__DYNBUF_INIT(4096);
    must(koc__unbase64(&raw, koc__str(data), &err), err);
    assert_text(koc__dynbuf_view(&raw), koc_image_config(img));
    koc__dynbuf_dispose(&raw);
    koc_image_unref(img);
    koc_image_unref(base);
    koc_image_builder_free(b);
}

KOC_TEST(compat_refuses_what_go_refuses)
{
    static const char *const configs[] = {
        HEAD "\"created\":\"yesterday\"}",
        HEAD "\"author\":5}",
        HEAD "\"config\":{\"Env\":\"A=B\"}}",
        HEAD "\"config\":{\"Env\":[1]}}",
        HEAD "\"config\":{\"Labels\":{\"a\":1}}}",
        HEAD "\"config\":{\"Tty\":\"yes\"}}",
        HEAD "\"config\":{\"Healthcheck\":{\"Interval\":1.5}}}",
        HEAD "\"history\":[5]}",
        HEAD "\"history\":{}}",
    };
    for (size_t i = 0; i < KOC__COUNT(configs); i++) {
        koc_image *base = NULL;
        koc_image *img = NULL;
        koc_image_builder *b = NULL;
        koc_error *err = NULL;
        must(image_of(KOC_MT_OCI_CONFIG, configs[i], "\"layers\":[]", &base, &err), err);
        must(koc_image_builder_new(NULL, base, &b, &err), err);
        koc__image_builder_set_compat(b);
        int code = koc__image_builder_finish(b, NULL, &img, &err);
        assert_error(code, &err, KOC_EFORMAT, "no form for compatibility with ko");
        assert_null(img);
        koc_image_unref(base);
        koc_image_builder_free(b);
    }
}

KOC_TEST(compat_keeps_a_second_value_of_a_variable)
{
    koc_image *base = NULL;
    koc_image *img = NULL;
    koc_image_builder *b = NULL;
    koc_error *err = NULL;
    must(image_of(KOC_MT_OCI_CONFIG,
                  HEAD "\"config\":{\"Env\":[\"X\",\"PATH=/a\",\"PATH=/b\",\"D=1\"]}}",
                  "\"layers\":[]", &base, &err),
         err);
    must(koc_image_builder_new(NULL, base, &b, &err), err);
    koc__image_builder_set_compat(b);
    must(koc_image_builder_set_env(b, "PATH", "/c", &err), err);
    must(koc__image_builder_append_env(b, "D=1", &err), err);
    must(koc__image_builder_finish(b, NULL, &img, &err), err);
    koc_buf env = KOC_BUF_INIT;
    must(koc_image_config_get(img, "/config/Env", &env, &err), err);
    assert_string_equal(env.ptr, "[\"X\",\"PATH=/c\",\"PATH=/b\",\"D=1\",\"D=1\"]");
    koc_buf_dispose(&env);
    koc_image_unref(img);
    koc_image_unref(base);
    koc_image_builder_free(b);
}
