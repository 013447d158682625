/* koc_edit_rebase: the base that is recorded or named, for each platform, and what is recorded afterwards. */
#include "compose_test.h"

#include "served.h"

static const char *const both[] = {"linux/amd64", "linux/arm64", NULL};

static koc_image_file file(const char *path, const char *content)
{
    koc_image_file f = KOC_IMAGE_FILE_INIT;
    f.path = path;
    f.content = koc__str(content);
    return f;
}

/* An image with a file of that content on a base (NULL: scratch), written to `to`. */
static void make(koc_ctx *ctx, const char *base, const char *to, const char *path,
                 const char *content, uint32_t flags)
{
    const koc_image_file files[] = {file(path, content)};
    const char *const targets[] = {to, NULL};
    koc_image_spec spec = KOC_IMAGE_SPEC_INIT;
    koc_error *err = NULL;
    spec.base = base;
    spec.platforms = base ? NULL : both;
    spec.files = files;
    spec.n_files = 1;
    spec.targets = targets;
    spec.flags = flags;
    ok(koc_build_image(ctx, &spec, NULL, NULL, &err), err);
}

typedef struct named {
    koc_place place;
    koc_buf storage;
} named;

static named place_of(const char *text)
{
    named n = {KOC_PLACE_INIT, KOC_BUF_INIT};
    koc_error *err = NULL;
    ok(koc_place_parse(text, 0, &n.storage, &n.place, &err), err);
    return n;
}

static void forget(named *n)
{
    koc_reference_unref(n->place.reference);
    koc_buf_dispose(&n->storage);
}

static koc_edit *open_at(koc_ctx *ctx, koc_client *client, const char *text)
{
    named from = place_of(text);
    koc_edit *e = NULL;
    koc_error *err = NULL;
    ok(koc_edit_open(ctx, client, &from.place, NULL, NULL, &e, &err), err);
    forget(&from);
    return e;
}

static int rebase(koc_edit *e, koc_client *client, const char *old_base, const char *new_base,
                  koc_error **err)
{
    named old = old_base ? place_of(old_base) : (named){0};
    named new = new_base ? place_of(new_base) : (named){0};
    int rc = koc_edit_rebase(e, client, old_base ? &old.place : NULL, new_base ? &new.place : NULL,
                             NULL, err);
    forget(&old);
    forget(&new);
    return rc;
}

/* Whether each image of e has the base file `content`, and its own file above. */
static void on_base(koc_edit *e, const char *content)
{
    assert_int_equal(koc_edit_count(e), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(file_of(koc_edit_image(e, i), "/base"), content);
        assert_string_equal(file_of(koc_edit_image(e, i), "/app"), "app");
        assert_int_equal(koc_image_layer_count(koc_edit_image(e, i)), 2);
    }
}

static const char *oci(const char *name)
{
    static char texts[4][4096];
    static size_t turn;
    char *text = texts[turn++ % KOC__COUNT(texts)];
    snprintf(text, sizeof(texts[0]), "oci:%s:%s", koc_test_path("l"), name);
    return text;
}

KOC_TEST(bases_of_layouts_are_named)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    make(ctx, NULL, oci("old"), "/base", "old", 0);
    make(ctx, NULL, oci("new"), "/base", "new", 0);
    make(ctx, oci("old"), oci("app"), "/app", "app", 0);
    koc_edit *e = open_at(ctx, NULL, oci("app"));
    on_base(e, "old");
    /* A layout has no name to record, so nothing tells where the old base is. */
    assert_int_equal(rebase(e, NULL, NULL, oci("new"), &err), KOC_EINVAL);
    assert_string_equal(koc_error_hint_argument(err), "old_base");
    koc_error_free(err);
    err = NULL;
    assert_int_equal(rebase(e, NULL, oci("old"), NULL, &err), KOC_EINVAL);
    assert_string_equal(koc_error_hint_argument(err), "new_base");
    koc_error_free(err);
    err = NULL;
    ok(rebase(e, NULL, oci("old"), oci("new"), &err), err);
    on_base(e, "new");
    koc_edit *base = open_at(ctx, NULL, oci("new"));
    for (size_t i = 0; i < 2; i++) {
        const koc__digest_text want =
            koc__digest_str(&koc_image_descriptor(koc_edit_image(base, i))->digest);
        assert_string_equal(
            koc_image_annotation(koc_edit_image(e, i), "org.opencontainers.image.base.digest"),
            want.s);
        assert_null(
            koc_image_annotation(koc_edit_image(e, i), "org.opencontainers.image.base.name"));
    }
    fails(rebase(e, NULL, oci("old"), oci("new"), &err), KOC_EINVAL, &err); /* not on it now */
    koc_edit_free(base);
    koc_edit_free(e);
}

KOC_TEST(the_recorded_base_is_opened_by_its_digest)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_client *client = NULL;
    koc_error *err = NULL;
    char base[128], other[128], app[128];
    const char *host = serve_begin(0);
    snprintf(base, sizeof(base), "%s/base:v1", host);
    snprintf(other, sizeof(other), "%s/other:v1", host);
    snprintf(app, sizeof(app), "%s/app:v1", host);
    ok(koc_client_new(ctx, NULL, &client, &err), err);
    make(ctx, NULL, base, "/base", "old", 0);
    make(ctx, base, app, "/app", "app", 0);
    make(ctx, NULL, base, "/base", "new", 0); /* the tag moves */
    koc_edit *e = open_at(ctx, client, app);
    ok(rebase(e, client, NULL, NULL, &err), err);
    on_base(e, "new");
    assert_string_equal(
        koc_image_annotation(koc_edit_image(e, 1), "org.opencontainers.image.base.name"), base);
    koc_edit_free(e);

    /* A base that is named wins over the one that is recorded. */
    make(ctx, NULL, other, "/base", "other", 0);
    e = open_at(ctx, client, app);
    fails(rebase(e, client, other, base, &err), KOC_EINVAL, &err);
    ok(rebase(e, client, NULL, other, &err), err);
    on_base(e, "other");
    assert_string_equal(
        koc_image_annotation(koc_edit_image(e, 0), "org.opencontainers.image.base.name"), other);
    koc_edit_free(e);

    make(ctx, base, app, "/app", "app", KOC_SPEC_NO_BASE_RECORD);
    e = open_at(ctx, client, app);
    fails(rebase(e, client, NULL, NULL, &err), KOC_EINVAL, &err);
    koc_edit_free(e);
    koc_client_unref(client);
    serve_end();
}
