/* koc_copy: several pairs, failures among them, referrers, streams, names in archives; and a registry on one side. */
#include "store/helper.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <koc/ext/edit.h>
#include <koc/ext/transfer.h>
#include <koc/transport.h>

#include "served.h"

#define TYPE "application/vnd.example.report"

static koc_place layout(const char *dir, const char *name)
{
    koc_place p = KOC_PLACE_INIT;
    p.kind = KOC_PLACE_LAYOUT;
    p.path = dir;
    p.name = name;
    return p;
}

static void put(koc_ctx *ctx, const koc_place *to, const char *content)
{
    const char *const text[] = {content, NULL};
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, text);
    KOC__AUTO(koc_layout) l = NULL;
    koc_error *err = NULL;
    ok(koc_layout_open(ctx, to->path, KOC_LAYOUT_CREATE, &l, &err), err);
    ok(koc_layout_put_image(l, img, to->name, NULL, &err), err);
}

static koc_digest digest_at(koc_ctx *ctx, koc_client *client, const koc_place *p)
{
    koc_source *s = NULL;
    koc_error *err = NULL;
    ok(koc_source_open(ctx, client, p, NULL, &s, &err), err);
    const koc_digest d = koc_source_descriptor(s)->digest;
    koc_source_free(s);
    return d;
}

static bool is_there(koc_ctx *ctx, const koc_place *p)
{
    koc_source *s = NULL;
    int rc = koc_source_open(ctx, NULL, p, NULL, &s, NULL);
    koc_source_free(s);
    return rc == KOC_OK;
}

KOC_TEST(a_failed_pair_ends_the_others_unless_they_go_on)
{
    KOC__AUTO(koc_ctx) ctx = context();
    char from[4096], dirs[2][4096];
    snprintf(from, sizeof(from), "%s", koc_test_path("from"));
    koc_place good = layout(from, "good"), bad = layout(from, "none");
    put(ctx, &good, "x");
    for (int go_on = 0; go_on < 2; go_on++) {
        snprintf(dirs[go_on], sizeof(dirs[0]), "%s", koc_test_path(go_on ? "on" : "end"));
        koc_place to[3];
        koc_copy_pair pairs[3];
        koc_copy_result results[3];
        koc_copy_options o = KOC_COPY_OPTIONS_INIT;
        KOC__AUTO(koc_error) err = NULL;
        static const char *const names[] = {"one", "two", "three"};
        for (size_t i = 0; i < 3; i++) {
            to[i] = layout(dirs[go_on], names[i]);
            pairs[i] = (koc_copy_pair){sizeof(pairs[i]), 0, i == 1 ? &bad : &good, &to[i]};
            results[i] = (koc_copy_result)KOC_COPY_RESULT_INIT;
        }
        o.jobs = 1;
        o.flags = go_on ? KOC_COPY_KEEP_GOING : 0;
        int rc = koc_copy(ctx, NULL, pairs, 3, &o, NULL, results, &err);
        assert_int_not_equal(rc, KOC_OK);
        assert_int_equal(is_there(ctx, &to[2]), go_on);
        if (go_on) {
            assert_non_null(strstr(koc_error_message(err), "1 of 3"));
            assert_true(is_there(ctx, &to[0]));
            assert_int_equal(results[0].digest.len, 32);
            assert_int_equal(results[1].digest.len, 0);
        }
    }
}

static void refer(koc_ctx *ctx, const koc_descriptor *subject, const char *text,
                  const koc_place *to)
{
    koc_artifact_file file = KOC_ARTIFACT_FILE_INIT;
    koc_artifact_options o = KOC_ARTIFACT_OPTIONS_INIT;
    koc_place from = KOC_PLACE_INIT;
    koc_artifact *a = NULL;
    koc_error *err = NULL;
    file.media_type = "text/plain";
    file.content = koc__str(text);
    o.artifact_type = TYPE;
    o.files = &file;
    o.n_files = 1;
    o.subject = subject;
    ok(koc_artifact_new(ctx, &o, &a, &err), err);
    from.kind = KOC_PLACE_MEMORY;
    from.artifact = a;
    const koc_copy_pair pair = {sizeof(pair), 0, &from, to};
    ok(koc_copy(ctx, NULL, &pair, 1, NULL, NULL, NULL, &err), err);
    koc_artifact_unref(a);
}

static size_t referrers_at(koc_ctx *ctx, const koc_place *p)
{
    koc_source *s = NULL;
    koc_error *err = NULL;
    KOC__AUTO(koc_index) list = NULL;
    ok(koc_source_open(ctx, NULL, p, NULL, &s, &err), err);
    ok(koc_source_list_referrers(s, &koc_source_descriptor(s)->digest, NULL, NULL, &list, &err),
       err);
    koc_source_free(s);
    return koc_index_count(list);
}

KOC_TEST(referrers_of_an_image_come_with_it_even_if_it_was_there)
{
    KOC__AUTO(koc_ctx) ctx = context();
    char from[4096], to[4096];
    koc_error *err = NULL;
    snprintf(from, sizeof(from), "%s", koc_test_path("from"));
    snprintf(to, sizeof(to), "%s", koc_test_path("to"));
    koc_place app = layout(from, "app"), other = layout(from, "other"),
              anywhere = layout(from, NULL), target = layout(to, "app");
    put(ctx, &app, "x");
    put(ctx, &other, "y");
    koc_source *s = NULL;
    ok(koc_source_open(ctx, NULL, &app, NULL, &s, &err), err);
    refer(ctx, koc_source_descriptor(s), "about x", &anywhere);
    koc_source_free(s);
    ok(koc_source_open(ctx, NULL, &other, NULL, &s, &err), err);
    refer(ctx, koc_source_descriptor(s), "about y", &anywhere);
    koc_source_free(s);
    const koc_copy_pair pair = {sizeof(pair), 0, &app, &target};
    koc_copy_options o = KOC_COPY_OPTIONS_INIT;
    ok(koc_copy(ctx, NULL, &pair, 1, &o, NULL, NULL, &err), err);
    assert_int_equal(referrers_at(ctx, &target), 0);
    o.flags = KOC_COPY_REFERRERS;
    ok(koc_copy(ctx, NULL, &pair, 1, &o, NULL, NULL, &err), err);
    assert_int_equal(referrers_at(ctx, &target), 1); /* and not what is about "other" */
}

KOC_TEST(a_stream_that_two_pairs_name_is_read_once)
{
    KOC__AUTO(koc_ctx) ctx = context();
    char from[4096], tar[4096], one[4096], fifo[4096];
    koc_error *err = NULL;
    snprintf(from, sizeof(from), "%s", koc_test_path("from"));
    snprintf(tar, sizeof(tar), "%s", koc_test_path("a.tar"));
    snprintf(one, sizeof(one), "%s", koc_test_path("to"));
    snprintf(fifo, sizeof(fifo), "%s", koc_test_path("fifo"));
    koc_place app = layout(from, "app"), archive = KOC_PLACE_INIT, stream = KOC_PLACE_INIT,
              to[2] = {layout(one, "a"), layout(one, "b")};
    put(ctx, &app, "x");
    archive.kind = KOC_PLACE_OCI_ARCHIVE;
    archive.path = tar;
    const koc_copy_pair save = {sizeof(save), 0, &app, &archive};
    ok(koc_copy(ctx, NULL, &save, 1, NULL, NULL, NULL, &err), err);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    pid_t pid = fork();
    if (pid == 0) { /* a writer that writes once */
        execl("/bin/sh", "sh", "-c", "cat \"$1\" >\"$2\"", "sh", tar, fifo, (char *)NULL);
        _exit(127);
    }
    stream.kind = KOC_PLACE_ARCHIVE;
    stream.path = fifo;
    const koc_copy_pair pairs[] = {{sizeof(koc_copy_pair), 0, &stream, &to[0]},
                                   {sizeof(koc_copy_pair), 0, &stream, &to[1]}};
    koc_op op = KOC_OP_INIT;
    op.timeout_ms = 30000; /* a second reading would wait for ever */
    ok(koc_copy(ctx, NULL, pairs, 2, NULL, &op, NULL, &err), err);
    const koc_digest want = digest_at(ctx, NULL, &app);
    for (size_t i = 0; i < 2; i++) {
        const koc_digest have = digest_at(ctx, NULL, &to[i]);
        assert_true(koc_digest_equal(&have, &want));
    }
}

static int count_puts_by_digest(const koc_trace *event, void *payload)
{
    bool put = event->kind == KOC_TRACE_REQUEST && strcmp(event->method, "PUT") == 0;
    *(int *)payload += put && strstr(event->url, "/manifests/sha256:");
    return 0;
}

/* Registries replace what is there, and meanwhile it is missing: an index that names it is refused. */
KOC_TEST(manifests_that_pairs_share_are_written_once)
{
    enum { TAGS = 6 };
    static const char *const platforms[] = {"linux/amd64", "linux/arm64", "linux/s390x", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    koc_client *client = NULL;
    koc_error *err = NULL;
    koc_edit *e = NULL;
    koc_place from = KOC_PLACE_INIT, to[TAGS];
    koc_copy_pair pairs[TAGS];
    koc_reference *names[TAGS];
    int puts = 0;
    const char *host = serve_begin(0);
    o.trace = count_puts_by_digest;
    o.trace_payload = &puts;
    ok(koc_client_new(ctx, &o, &client, &err), err);
    ok(koc_edit_new(ctx, platforms, &e, &err), err);
    ok(koc_edit_place(e, &from, &err), err);
    for (size_t i = 0; i < TAGS; i++) {
        KOC__AUTO_STR name = koc__format("%s/app:v%zu", host, i);
        ok(koc_reference_parse(name, 0, &names[i], &err), err);
        to[i] = (koc_place)KOC_PLACE_INIT;
        to[i].kind = KOC_PLACE_REGISTRY;
        to[i].reference = names[i];
        pairs[i] = (koc_copy_pair){sizeof(pairs[i]), 0, &from, &to[i]};
    }
    ok(koc_copy(ctx, client, pairs, TAGS, NULL, NULL, NULL, &err), err);
    assert_int_equal(puts, 3);
    for (size_t i = 0; i < TAGS; i++) {
        const koc_digest have = digest_at(ctx, client, &to[i]);
        assert_true(koc_digest_equal(&have, &koc_edit_descriptor(e)->digest));
        koc_reference_unref(names[i]);
    }
    koc_edit_free(e);
    koc_client_unref(client);
    serve_end();
}

KOC_TEST(a_docker_archive_names_an_image_as_its_registry_did)
{
    static const struct {
        const char *name;
        bool by_digest;
        const char *tag; /* NULL: none */
    } cases[] = {{"app:v1", false, "app:v1"},
                 {"app", false, "app:latest"},
                 {"app:v1", true, "app:v1"},
                 {"app", true, NULL}};
    KOC__AUTO(koc_ctx) ctx = context();
    koc_client *client = NULL;
    koc_error *err = NULL;
    char from[4096], tar[4096], want[256];
    const char *host = serve_begin(0);
    ok(koc_client_new(ctx, NULL, &client, &err), err);
    snprintf(from, sizeof(from), "%s", koc_test_path("from"));
    koc_place app = layout(from, "app");
    put(ctx, &app, "x");
    const koc_digest digest = digest_at(ctx, NULL, &app);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc_reference) plain = NULL;
        KOC__AUTO(koc_reference) full = NULL;
        KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(0);
        KOC__AUTO_STR name = koc__format("%s/%s", host, cases[i].name);
        char file[16];
        snprintf(file, sizeof(file), "%zu.tar", i);
        snprintf(tar, sizeof(tar), "%s", koc_test_path(file));
        ok(koc_reference_parse(name, 0, &plain, &err), err);
        koc_place there = KOC_PLACE_INIT, archive = KOC_PLACE_INIT;
        there.kind = KOC_PLACE_REGISTRY;
        there.reference = plain;
        const koc_copy_pair send = {sizeof(send), 0, &app, &there};
        ok(koc_copy(ctx, client, &send, 1, NULL, NULL, NULL, &err), err);
        if (cases[i].by_digest) {
            ok(koc_reference_with_digest(plain, &digest, &full, &err), err);
            there.reference = full;
        }
        archive.kind = KOC_PLACE_DOCKER_ARCHIVE;
        archive.path = tar;
        const koc_copy_pair save = {sizeof(save), 0, &there, &archive};
        ok(koc_copy(ctx, client, &save, 1, NULL, NULL, NULL, &err), err);
        read_file(tar, &text);
        snprintf(want, sizeof(want), "\"RepoTags\":[\"%s/%s\"]", host,
                 cases[i].tag ? cases[i].tag : "");
        if ((memmem(text.ptr, text.len, want, strlen(want)) != NULL) != (cases[i].tag != NULL)) {
            fail_msg("case %zu has not %s", i, want);
        }
    }
    koc_client_unref(client);
    serve_end();
}
