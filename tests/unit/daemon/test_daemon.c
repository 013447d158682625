/* koc/ext/daemon.h against an engine that answers by a script. */
#include "core/common.h"

#include <koc/ext/daemon.h>

#include "../scripted.h"
#include "../store/helper.h"

#undef setenv
#undef unsetenv

#define PING                                                                                       \
    {                                                                                              \
        "GET", "/_ping", 200, .fields = "Api-Version: 1.41\r\n", .body = "OK"                      \
    }
#define INFO_OF(more)                                                                              \
    {                                                                                              \
        "GET", "/info", 200,                                                                       \
            .body = "{\"OSType\":\"linux\",\"Architecture\":\"armv7l\",\"ServerVersion\":"         \
                    "\"28.5.2\"" more "}"                                                          \
    }
#define INFO INFO_OF("")

/* A daemon and an image for it. */
typedef struct engine {
    scripted *server;
    koc_ctx *ctx;
    koc_daemon *daemon;
    koc_image *image;
} engine;

static void end(engine *e)
{
    koc_daemon_free(e->daemon);
    koc_image_unref(e->image);
    koc_ctx_unref(e->ctx);
    scripted_stop(e->server);
}
KOC__DEFINE_AUTO_VAL(engine, end);

static int try_open(engine *e, const scripted_rule *rules, koc_error **err)
{
    e->server = scripted_start(rules);
    e->ctx = context();
    KOC__AUTO_STR host = koc__format("tcp://%s", scripted_host(e->server));
    unsetenv("DOCKER_TLS_VERIFY");
    unsetenv("DOCKER_CERT_PATH");
    setenv("DOCKER_HOST", host, 1);
    return koc_daemon_open(e->ctx, NULL, &e->daemon, err);
}

static void begin(engine *e, const scripted_rule *rules)
{
    static const char *const texts[] = {"one", "two", NULL};
    koc_error *err = NULL;
    ok(try_open(e, rules, &err), err);
    e->image = image(e->ctx, "arm", KOC_COMPRESS_NONE, texts);
}

/* --- what it is --- */

KOC_TEST(an_engine_says_what_it_is)
{
    KOC__AUTO_VAL(engine) e = {0};
    begin(&e, (const scripted_rule[]){PING, INFO, {0}});
    const koc_platform *p = koc_daemon_platform(e.daemon);
    KOC__AUTO_STR address = koc__format("tcp://%s", scripted_host(e.server));
    assert_string_equal(koc_daemon_address(e.daemon), address);
    assert_string_equal(koc_daemon_source(e.daemon), "DOCKER_HOST");
    assert_string_equal(koc_daemon_engine(e.daemon), "docker");
    assert_string_equal(koc_daemon_version(e.daemon), "28.5.2");
    assert_string_equal(p->os, "linux");
    assert_string_equal(p->arch, "arm");
    assert_string_equal(p->variant, "v7");
    assert_int_equal(scripted_count(e.server, "GET", "/v1.41/info"), 1);
}

KOC_TEST(podman_is_told_by_its_header)
{
    KOC__AUTO_VAL(engine) e = {0};
    begin(&e, (const scripted_rule[]){{"GET", "/_ping", 200,
                                       .fields = "Api-Version: 1.99\r\nLibpod-Api-Version: 5\r\n"},
                                      INFO,
                                      {0}});
    assert_string_equal(koc_daemon_engine(e.daemon), "podman");
    assert_int_equal(scripted_count(e.server, "GET", "/v1.51/info"), 1); /* the newest koc knows */
}

KOC_TEST(what_is_no_engine_is_refused)
{
    static const struct {
        scripted_rule ping, info;
        koc_code code;
        const char *word;
    } table[] = {
        {{"GET", "/_ping", 200, .body = "OK"}, INFO, KOC_EFORMAT, "is not a Docker daemon"},
        {{"GET", "/_ping", 500}, INFO, KOC_EFORMAT, "is not a Docker daemon"},
        {{"GET", "/_ping", 200, .fields = "Api-Version: 2.1\r\n"},
         INFO,
         KOC_EFORMAT,
         "is not a Docker daemon"},
        {{"GET", "/_ping", 200, .fields = "Api-Version: 1.23\r\n"},
         INFO,
         KOC_EUNSUPPORTED,
         "is too old: it has API 1.23"},
        {{"GET", "/_ping", 403, .fields = "Api-Version: 1.41\r\n", .body = "{\"message\":\"no\"}"},
         INFO,
         KOC_EDENIED,
         "says: no"},
        {{"GET", "/_ping", 0}, INFO, KOC_ENET, "did not answer"},
        {PING, {"GET", "/info", 500, .body = "x"}, KOC_EHTTP, "answered with status 500"},
        {PING, {"GET", "/info", 200, .body = "{}"}, KOC_EFORMAT, "is not a Docker daemon"},
        {PING, {"GET", "/info", 200, .body = "{"}, KOC_EFORMAT, "reply of the daemon"},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(engine) e = {0};
        koc_error *err = NULL;
        const scripted_rule rules[] = {table[i].ping, table[i].info, {0}};
        fails_saying(try_open(&e, rules, &err), table[i].code, table[i].word, &err);
        assert_null(e.daemon);
    }
}

KOC_TEST(daemon_calls_without_what_they_need_are_misuse)
{
    KOC__AUTO_VAL(engine) e = {0};
    static const char *const none[] = {NULL}, *const one[] = {"registry.example/x:1", NULL};
    koc_daemon *d = NULL;
    begin(&e, (const scripted_rule[]){PING, INFO, {0}});
    assert_int_equal(koc_daemon_open(NULL, NULL, &d, NULL), KOC_EMISUSE);
    assert_int_equal(koc_daemon_open(e.ctx, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_daemon_load(NULL, e.image, one, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_daemon_load(e.daemon, NULL, one, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_daemon_load(e.daemon, e.image, NULL, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_daemon_load(e.daemon, e.image, none, NULL, NULL, NULL), KOC_EMISUSE);
}

/* --- loading --- */

static const char *const two_names[] = {"registry.example/x:1", "registry.example/team/y:2", NULL};

static const char *config_digest(const engine *e)
{
    static char out[KOC_DIGEST_TEXT_MAX];
    koc_digest_format(&koc_image_config_descriptor(e->image)->digest, out, sizeof(out), NULL);
    return out;
}

static bool has_text(const scripted_request *r, const char *text)
{
    return memmem(r->body, r->body_len, text, strlen(text)) != NULL;
}

KOC_TEST(a_new_image_is_sent_once_with_all_its_names)
{
    KOC__AUTO_VAL(engine) e = {0};
    koc_error *err = NULL;
    uint64_t sent = 0;
    begin(&e, (const scripted_rule[]){
                  PING,
                  INFO,
                  {"GET", "/images/json", 200, .body = "[]"},
                  {"POST", "/images/load", 200, .body = "{\"stream\":\"Loaded\"}\n\n{}"},
                  {0}});
    ok(koc_daemon_load(e.daemon, e.image, two_names, NULL, &sent, &err), err);
    assert_int_equal(scripted_count(e.server, "POST", NULL), 1);
    const scripted_request *load = scripted_get(e.server, "POST", "/v1.41/images/load", 0);
    assert_true(sent > 0 && load->body_len == sent);
    assert_true(has_text(load, "\"registry.example/x:1\""));
    assert_true(has_text(load, "\"registry.example/team/y:2\""));
    KOC__AUTO_STR asked = koc__format("/v1.41/images/%s/json", config_digest(&e));
    assert_int_equal(scripted_count(e.server, "GET", asked), 1);
}

KOC_TEST(an_image_that_is_there_gets_only_the_names_it_lacks)
{
    KOC__AUTO_VAL(engine) e = {0};
    koc_error *err = NULL;
    uint64_t sent = 1;
    begin(&e,
          (const scripted_rule[]){
              PING,
              INFO,
              {"GET", "/images/sha256:", 200, .body = "{\"RepoTags\":[\"registry.example/x:1\"]}"},
              {"POST", "/tag?repo=registry.example%2Fteam%2Fy&tag=2", 201, .times = 1},
              {"POST", "/tag?", 409, .body = "{\"message\":\"taken\"}"},
              {0}});
    ok(koc_daemon_load(e.daemon, e.image, two_names, NULL, &sent, &err), err);
    assert_int_equal(sent, 0);
    assert_int_equal(scripted_count(e.server, "POST", NULL), 1);
    KOC__AUTO_STR tagged = koc__format("/v1.41/images/%s/tag?", config_digest(&e));
    assert_int_equal(scripted_count(e.server, "POST", tagged), 1);
    fails_saying(koc_daemon_load(e.daemon, e.image, two_names, NULL, &sent, &err), KOC_EHTTP,
                 "cannot tag registry.example/team/y:2: ", &err);
}

/* Its store knows an image by its manifest, not by its config. */
KOC_TEST(an_engine_with_the_store_of_containerd_is_asked_by_manifest)
{
    KOC__AUTO_VAL(engine) e = {0};
    koc_error *err = NULL;
    char manifest[KOC_DIGEST_TEXT_MAX];
    begin(&e, (const scripted_rule[]){PING,
                                      INFO_OF(",\"DriverStatus\":[[\"a\",\"b\"],[\"driver-type\","
                                              "\"io.containerd.snapshotter.v1\"]]"),
                                      {"POST", "/images/load", 200},
                                      {0}});
    koc_digest_format(&koc_image_descriptor(e.image)->digest, manifest, sizeof(manifest), NULL);
    ok(koc_daemon_load(e.daemon, e.image, two_names, NULL, NULL, &err), err);
    KOC__AUTO_STR asked = koc__format("/v1.41/images/%s/json", manifest);
    assert_int_equal(scripted_count(e.server, "GET", asked), 1);
    assert_int_equal(scripted_count(e.server, "GET", "/images/json"), 0);
    assert_true(has_text(scripted_get(e.server, "POST", "/load", 0), "oci-layout"));
}

KOC_TEST(a_name_in_a_daemon_is_a_tag)
{
    static const char *const wrong[] = {
        "registry.example/x@sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000",
        "registry.example/x:1@sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000",
        "registry.example/x:!",
    };
    KOC__AUTO_VAL(engine) e = {0};
    begin(&e, (const scripted_rule[]){PING, INFO, {0}});
    for (size_t i = 0; i < KOC__COUNT(wrong); i++) {
        const char *const names[] = {two_names[0], wrong[i], NULL};
        koc_error *err = NULL;
        fails_saying(koc_daemon_load(e.daemon, e.image, names, NULL, NULL, &err), KOC_EINVAL,
                     i < 2 ? "in a daemon an image is named by a tag" : "is not an image name",
                     &err);
    }
    assert_int_equal(scripted_count(e.server, NULL, "/images/"), 0);
}

/* An engine answers 200 before it knows whether a load succeeds. */
KOC_TEST(a_load_that_fails_is_an_error)
{
    static const struct {
        int status;
        const char *body;
        koc_code code;
        const char *word;
    } table[] = {
        {200, "{}\n{\"errorDetail\":{\"message\":\"no space left on device\\nx\"}}", KOC_EIO,
         "says: no space left on device"},
        {200, "{\"error\":\"bad archive\"}\n", KOC_EIO, "says: bad archive"},
        {200, "{\"stream\":\"Error unpacking image\"}", KOC_EIO, "says: Error unpacking image"},
        {200, "{", KOC_EFORMAT, "reply of the daemon"},
        {500, "{\"message\":\"broken\"}", KOC_EHTTP,
         "cannot load registry.example/x:1: the daemon"},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(engine) e = {0};
        KOC__AUTO(koc_error) err = NULL;
        uint64_t sent = 7;
        begin(&e, (const scripted_rule[]){
                      PING,
                      INFO,
                      {"GET", "/images/json", 200, .body = "[]"},
                      {"POST", "/images/load", table[i].status, .body = table[i].body},
                      {0}});
        int rc = koc_daemon_load(e.daemon, e.image, two_names, NULL, &sent, &err);
        assert_int_equal(rc, table[i].code);
        assert_non_null(strstr(koc_error_message(err), table[i].word));
        assert_int_equal(sent, 7);
        if (i == 0) {
            assert_non_null(strstr(koc_error_hint(err), "its disk is full"));
        }
    }
}

/* The layer may be removed between the question and the load. */
KOC_TEST(layers_the_engine_has_are_left_out_unless_it_refuses)
{
    for (int refuses = 0; refuses < 2; refuses++) {
        KOC__AUTO_VAL(engine) e = {0};
        koc_error *err = NULL;
        KOC__AUTO_VAL(engine) source = {0};
        begin(&source, (const scripted_rule[]){PING, INFO, {0}});
        const koc__jnode *root = koc__json_root(koc__image_config_json(source.image));
        KOC__AUTO_STR layers =
            koc__format("{\"RootFS\":{\"Layers\":[\"%s\",\"sha256:1\"]}}",
                        koc__json_str(koc__json_child(koc__json_at(root, "/rootfs/diff_ids"))));
        begin(&e, (const scripted_rule[]){
                      PING,
                      INFO,
                      {"GET", "/images/json?filters=", 200, .body = "[{},{\"Id\":\"other\"}]"},
                      {"GET", "/images/json", 200, .body = "[]"},
                      {"GET", "/images/other/json", 200, .body = layers},
                      {"POST", "/images/load", refuses ? 500 : 200, .times = 1},
                      {"POST", "/images/load", 200},
                      {0}});
        uint64_t sent = 0;
        ok(koc_daemon_load(e.daemon, e.image, two_names, NULL, &sent, &err), err);
        assert_int_equal(scripted_count(e.server, "POST", NULL), refuses ? 2 : 1);
        const scripted_request *part = scripted_get(e.server, "POST", NULL, 0);
        assert_false(has_text(part, "one"));
        assert_true(has_text(part, "two"));
        const scripted_request *last = scripted_get(e.server, "POST", NULL, refuses ? 1 : 0);
        assert_int_equal(has_text(last, "one"), refuses);
        assert_int_equal(sent, last->body_len);
    }
}
