/* Edits without memory: each allocation fails once alone, and once with all after it. */
#include "compose_test.h"

#include "core/alloc_faults.h"

static const char *const both[] = {"linux/amd64", "linux/arm64", NULL};

typedef struct world {
    koc_ctx *ctx;
    koc_place app, old_base, new_base;
} world;

/* An index of two platforms on a base (NULL: scratch) with one file, at "oci:<test>/l:<name>". */
static koc_place make(koc_ctx *ctx, const char *base, const char *name, const char *path)
{
    static char dirs[4][4096], texts[4][4096];
    static size_t turn;
    char *dir = dirs[turn % KOC__COUNT(dirs)], *text = texts[turn % KOC__COUNT(dirs)];
    turn++;
    snprintf(dir, sizeof(dirs[0]), "%s", koc_test_path("l"));
    snprintf(text, sizeof(texts[0]), "oci:%s:%s", dir, name);
    koc_image_file file = KOC_IMAGE_FILE_INIT;
    koc_image_spec spec = KOC_IMAGE_SPEC_INIT;
    koc_error *err = NULL;
    const char *const targets[] = {text, NULL};
    file.path = path;
    file.content = koc__str(name);
    spec.base = base;
    spec.platforms = both;
    spec.files = &file;
    spec.n_files = 1;
    spec.targets = targets;
    ok(koc_build_image(ctx, &spec, NULL, NULL, &err), err);
    koc_place p = KOC_PLACE_INIT;
    p.kind = KOC_PLACE_LAYOUT;
    p.path = dir;
    p.name = name;
    return p;
}

static int change(koc_edit *e, koc_error **err)
{
    static const koc_kv pairs[] = {{"a", "1"}, {"b", "2"}}, config[] = {{"/config/Shell", "[]"}};
    static const char *const argv[] = {"/p", "x", NULL}, *const ports[] = {"80/tcp", NULL},
                             *const volumes[] = {"/data", NULL};
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    c.env = c.labels = c.annotations = pairs;
    c.n_env = c.n_labels = c.n_annotations = 2;
    c.config = config;
    c.n_config = 1;
    c.entrypoint = c.cmd = argv;
    c.ports = ports;
    c.volumes = volumes;
    c.user = "1";
    c.workdir = "/";
    c.author = "x";
    c.stopsignal = "SIGINT";
    return koc_edit_change(e, &c, NULL, err);
}

static int add(koc_edit *e, koc_error **err)
{
    koc_image_file files[2] = {KOC_IMAGE_FILE_INIT, KOC_IMAGE_FILE_INIT};
    files[0].path = "/a";
    files[0].content = koc__str("a");
    files[1].path = "/b";
    files[1].content = koc__str("b");
    files[1].platform = "linux/arm64";
    files[1].layer = 1;
    return koc_edit_add_files(e, files, 2, NULL, NULL, NULL, err);
}

static int edit(const world *w, koc_error **err)
{
    KOC__AUTO(koc_edit) e = NULL;
    KOC__AUTO_VAL(koc_buf) report = KOC_BUF_INIT;
    koc_place result = KOC_PLACE_INIT;
    KOC__TRY(koc_edit_open(w->ctx, NULL, &w->app, both, NULL, &e, err));
    KOC__TRY(koc_edit_record_base(e, NULL, err));
    KOC__TRY(koc_edit_select(e, both + 1, err));
    KOC__TRY(change(e, err));
    KOC__TRY(koc_edit_select(e, NULL, err));
    KOC__TRY(add(e, err));
    KOC__TRY(koc_edit_place(e, &result, err));
    KOC__TRY(koc_edit_report(e, "r", &report, err));
    koc__alloc_fail_after(0); /* the rest looks at the result */
    assert_int_equal(koc_edit_count(e), 2);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 0)), 3);
    assert_int_equal(koc_image_layer_count(koc_edit_image(e, 1)), 4);
    assert_string_equal(list_of(koc_edit_image(e, 1), KOC_CFG_PORT), "80/tcp");
    return KOC_OK;
}

static int rebase(const world *w, koc_error **err)
{
    KOC__AUTO(koc_edit) e = NULL;
    KOC__TRY(koc_edit_open(w->ctx, NULL, &w->app, NULL, NULL, &e, err));
    KOC__TRY(koc_edit_rebase(e, NULL, &w->old_base, &w->new_base, NULL, err));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(koc_image_layer_count(koc_edit_image(e, i)), 2);
    }
    return KOC_OK;
}

static int scratch(const world *w, koc_error **err)
{
    KOC__AUTO(koc_edit) e = NULL;
    KOC__TRY(koc_edit_new(w->ctx, both, &e, err));
    assert_int_equal(koc_edit_count(e), 2);
    return KOC_OK;
}

static uint64_t starve(const world *w, int (*fn)(const world *w, koc_error **err),
                       void (*starve_at)(uint64_t n))
{
    for (uint64_t n = 1;; n++) {
        koc_error *err = NULL;
        starve_at(n);
        int rc = fn(w, &err);
        bool failed = rc != KOC_OK;
        starve_at(0);
        if (failed && (rc != KOC_ENOMEM || koc_error_code(err) != KOC_ENOMEM)) {
            fail_msg("allocation %u: %s, %s: %s", (unsigned)n, koc_code_name(rc),
                     koc_code_name(koc_error_code(err)), koc_error_message(err));
        }
        koc_error_free(err);
        if (!failed) {
            return n;
        }
    }
}

KOC_TEST(edits_survive_every_failing_allocation)
{
    KOC__AUTO(koc_ctx) ctx = context();
    char base[4096];
    world w = {.ctx = ctx};
    w.old_base = make(ctx, NULL, "old", "/base");
    w.new_base = make(ctx, NULL, "new", "/base");
    snprintf(base, sizeof(base), "oci:%s:old", w.old_base.path);
    w.app = make(ctx, base, "app", "/app");
    assert_true(starve(&w, edit, koc__alloc_fail_after) > 500);
    assert_true(starve(&w, rebase, koc__alloc_fail_after) > 300);
    assert_true(starve(&w, scratch, koc__alloc_fail_after) > 30);
}
