/* koc_image_changes: what each member does, and what an error says about it. */
#include "compose_test.h"

static koc_edit *scratch(koc_ctx *ctx)
{
    koc_edit *e = NULL;
    koc_error *err = NULL;
    ok(koc_edit_new(ctx, NULL, &e, &err), err);
    return e;
}

static koc_image *change(koc_edit *e, const koc_image_changes *c)
{
    koc_error *err = NULL;
    ok(koc_edit_change(e, c, NULL, &err), err);
    return koc_edit_image(e, 0);
}

KOC_TEST(each_text_of_changes_sets_and_removes_its_own)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = scratch(ctx);
    static const int32_t fields[] = {KOC_CFG_USER, KOC_CFG_WORKDIR, KOC_CFG_STOPSIGNAL,
                                     KOC_CFG_AUTHOR};
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    c.user = "65532:1";
    c.workdir = "/work";
    c.stopsignal = "SIGINT";
    c.author = "somebody";
    koc_image *img = change(e, &c);
    const char *const want[] = {c.user, c.workdir, c.stopsignal, c.author};
    for (size_t i = 0; i < KOC__COUNT(fields); i++) {
        assert_string_equal(koc_image_str(img, fields[i]), want[i]);
    }
    const char **const members[] = {&c.user, &c.workdir, &c.stopsignal, &c.author};
    for (size_t i = 0; i < KOC__COUNT(fields); i++) {
        c = (koc_image_changes)KOC_IMAGE_CHANGES_INIT;
        *members[i] = "";
        img = change(e, &c);
        for (size_t k = 0; k < KOC__COUNT(fields); k++) {
            const char *value = koc_image_str(img, fields[k]);
            assert_string_equal(value ? value : "", k <= i ? "" : want[k]);
        }
    }
}

KOC_TEST(pairs_of_changes_set_and_remove)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = scratch(ctx);
    const koc_kv env[] = {{"A", "1"}, {"B", "2"}}, labels[] = {{"l", "x"}, {"m", "y"}},
                 annotations[] = {{"a.b", "v"}, {"c.d", "w"}}, no_a[] = {{"A", NULL}},
                 no_l[] = {{"l", NULL}}, no_ab[] = {{"a.b", NULL}};
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    c.env = env;
    c.labels = labels;
    c.annotations = annotations;
    c.n_env = c.n_labels = c.n_annotations = 2;
    koc_image *img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_ENV), "A=1,B=2");
    assert_string_equal(list_of(img, KOC_CFG_LABEL), "l=x,m=y");
    assert_string_equal(list_of(img, KOC_CFG_ANNOTATION), "a.b=v,c.d=w");
    c.n_env = c.n_labels = c.n_annotations = 1;
    c.env = no_a;
    c.labels = no_l;
    c.annotations = no_ab;
    img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_ENV), "B=2");
    assert_string_equal(list_of(img, KOC_CFG_LABEL), "m=y");
    assert_string_equal(list_of(img, KOC_CFG_ANNOTATION), "c.d=w");
}

KOC_TEST(ports_and_volumes_are_added_and_removed_apart)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = scratch(ctx);
    const char *const ports[] = {"80/tcp", "53/udp", NULL}, *const volumes[] = {"/a", "/b", NULL},
                      *const no_port[] = {"-80/tcp", NULL},
                      *const no_volume[] = {"-/a", "-/never", NULL};
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    c.ports = ports;
    c.volumes = volumes;
    koc_image *img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_VOLUME), "/a,/b");
    assert_int_equal(count(list_of(img, KOC_CFG_PORT), "80/tcp"), 1);
    assert_int_equal(count(list_of(img, KOC_CFG_PORT), "53/udp"), 1);
    c.ports = no_port;
    c.volumes = no_volume;
    img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_VOLUME), "/b");
    assert_string_equal(list_of(img, KOC_CFG_PORT), "53/udp");
}

KOC_TEST(a_new_entrypoint_drops_the_cmd_of_the_old_one)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = scratch(ctx);
    const char *const program[] = {"/p", "x", NULL}, *const words[] = {"a", "b", NULL},
                      *const none[] = {NULL};
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    c.cmd = words;
    koc_image *img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_CMD), "a,b");
    assert_string_equal(list_of(img, KOC_CFG_ENTRYPOINT), "");
    c.entrypoint = program;
    img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_ENTRYPOINT), "/p,x");
    assert_string_equal(list_of(img, KOC_CFG_CMD), "a,b");
    c.cmd = NULL;
    img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_CMD), "");
    c.cmd = words;
    c.entrypoint = none;
    img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_ENTRYPOINT), "");
    assert_string_equal(list_of(img, KOC_CFG_CMD), "a,b");
    c.entrypoint = NULL;
    c.cmd = none;
    img = change(e, &c);
    assert_string_equal(list_of(img, KOC_CFG_CMD), "");
}

static const char *created_of(koc_image *img)
{
    static koc_buf text;
    koc_error *err = NULL;
    koc_buf_dispose(&text);
    return koc_image_config_get(img, "/created", &text, &err) == KOC_OK ? text.ptr
                                                                        : (koc_error_free(err), "");
}

KOC_TEST(created_is_set_to_1970_only_by_its_flag)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = scratch(ctx);
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    c.created = 86400;
    assert_string_equal(created_of(change(e, &c)), "\"1970-01-02T00:00:00Z\"");
    c.created = 0;
    assert_string_equal(created_of(change(e, &c)), "\"1970-01-02T00:00:00Z\"");
    c.flags = KOC_CHANGE_CREATED;
    assert_string_equal(created_of(change(e, &c)), "\"1970-01-01T00:00:00Z\"");
}

KOC_TEST(platform_and_members_of_the_config_are_set)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_edit) e = scratch(ctx);
    const koc_kv config[] = {{"/config/Shell", "[\"/sh\"]"}};
    koc_image_changes c = KOC_IMAGE_CHANGES_INIT;
    koc_platform p = KOC_PLATFORM_INIT;
    koc_buf text = KOC_BUF_INIT;
    koc_error *err = NULL;
    p.os = "linux";
    p.arch = "s390x";
    c.platform = &p;
    c.config = config;
    c.n_config = 1;
    koc_image *img = change(e, &c);
    assert_string_equal(platforms_of(e), "linux/s390x");
    ok(koc_image_config_get(img, "/config/Shell", &text, &err), err);
    assert_string_equal(text.ptr, "[\"/sh\"]");
    koc_buf_dispose(&text);
}

KOC_TEST(an_error_names_the_member_that_is_wrong)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const char *const bad[] = {"not so", NULL}, *const remove[] = {"-not so", NULL};
    koc_image_changes c[6];
    const char *const names[] = {"user", "workdir", "stopsignal", "ports", "volumes", "ports"};
    for (size_t i = 0; i < KOC__COUNT(c); i++) {
        c[i] = (koc_image_changes)KOC_IMAGE_CHANGES_INIT;
    }
    c[0].user = "a b:c:d";
    c[1].workdir = "not/absolute";
    c[2].stopsignal = "no signal";
    c[3].ports = bad;
    c[4].volumes = bad;
    c[5].ports = remove;
    for (size_t i = 0; i < KOC__COUNT(c) - 1; i++) {
        KOC__AUTO(koc_edit) e = scratch(ctx);
        koc_error *err = NULL;
        assert_int_equal(koc_edit_change(e, &c[i], NULL, &err), KOC_EINVAL);
        assert_string_equal(koc_error_option(err), names[i]);
        koc_error_free(err);
    }
}

KOC_TEST(changes_are_checked_before_they_are_applied)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc_image_changes c[5];
    for (size_t i = 0; i < KOC__COUNT(c); i++) {
        c[i] = (koc_image_changes)KOC_IMAGE_CHANGES_INIT;
    }
    c[0].flags = 2;
    c[1].n_env = 1;
    c[2].n_labels = 1;
    c[3].n_annotations = 1;
    c[4].n_config = 1;
    for (size_t i = 0; i < KOC__COUNT(c); i++) {
        KOC__AUTO(koc_edit) e = scratch(ctx);
        fails(koc_edit_change(e, &c[i], NULL, &err), KOC_EMISUSE, &err);
    }
}
