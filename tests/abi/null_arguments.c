/*
 * NULL never crashes a public function, whatever it stands for: each is called with NULL for each of its
 * pointers in turn, in a process of its own. What it answers to misuse names the argument.
 *
 *     test_null_arguments [PATTERN]
 *
 * The calls are written by null_calls.py from the headers; here is what stands in the other places.
 */
#include <koc/koc.h>

#include <koc/ext/cache.h>
#include <koc/ext/compose.h>
#include <koc/ext/daemon.h>
#include <koc/ext/edit.h>
#include <koc/ext/publish.h>
#include <koc/ext/serve.h>
#include <koc/ext/sign.h>
#include <koc/ext/transfer.h>

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST "null_crashes_no_function"
enum { SECONDS = 30, TIMEOUT_MS = 200 };
/* Nobody listens there. */
#define REFERENCE                                                                                  \
    "127.0.0.1:1/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct call {
    const char *function;
    const char *left_out; /* "": all of them */
    int (*run)(koc_error **err);
} call;

static const char *const words[] = {"x", NULL};
static uint64_t scratch_words[512];
static void *const scratch = scratch_words;

/* A place for what is given back; which stays there, since the process ends. */
static void *slot(void)
{
    static void *slots[8];
    static unsigned turn;
    slots[turn % 8] = NULL;
    return &slots[turn++ % 8];
}

static void *list_of(void *one)
{
    static void *list[2];
    list[0] = one;
    return list;
}

static void need(int rc)
{
    if (rc != KOC_OK) {
        fprintf(stderr, "the test itself failed: %s\n", koc_code_name(rc));
        _exit(3);
    }
}

/* --- objects --- */

static koc_ctx *a_koc_ctx(void)
{
    koc_ctx *ctx = NULL;
    need(koc_ctx_new(NULL, &ctx, NULL));
    return ctx;
}

static koc_op *a_koc_op(void)
{
    static koc_op op = KOC_OP_INIT;
    op.timeout_ms = TIMEOUT_MS;
    return &op;
}

static koc_buf *a_koc_buf(void)
{
    static koc_buf bufs[4];
    static unsigned turn;
    return &bufs[turn++ % 4];
}

static koc_digest *a_koc_digest(void)
{
    static koc_digest d;
    need(koc_digest_of((koc_str){"", 0}, &d, NULL));
    return &d;
}

static koc_kv *a_koc_kv(void)
{
    static koc_kv kv = {"x", "y"};
    return &kv;
}

static koc_cancel *a_koc_cancel(void)
{
    koc_cancel *c = NULL;
    need(koc_cancel_new(&c, NULL));
    return c;
}

static koc_hasher *a_koc_hasher(void)
{
    koc_hasher *h = NULL;
    need(koc_hasher_new(KOC_DIGEST_SHA256, &h, NULL));
    return h;
}

static koc_file *a_koc_file(void)
{
    koc_file *f = NULL;
    need(koc_file_new("file", 0, NULL, &f, NULL));
    return f;
}

static koc_blob *a_koc_blob(void)
{
    koc_blob *b = NULL;
    need(koc_blob_from_bytes((koc_str){"", 0}, &b, NULL));
    return b;
}

static koc_reader *a_koc_reader(void)
{
    koc_reader *r = NULL;
    need(koc_blob_open(a_koc_blob(), 0, NULL, &r, NULL));
    return r;
}

static int take(void *self, const void *data, size_t len, koc_error **err)
{
    return KOC_OK;
}

static koc_writer *a_koc_writer(void)
{
    static koc_writer w = {take, NULL};
    return &w;
}

static koc_reference *a_koc_reference(void)
{
    koc_reference *r = NULL;
    need(koc_reference_parse(REFERENCE, 0, &r, NULL));
    return r;
}

static koc_layer_builder *a_koc_layer_builder(void)
{
    koc_layer_builder *b = NULL;
    need(koc_layer_builder_new(a_koc_ctx(), NULL, &b, NULL));
    return b;
}

static koc_layer *a_koc_layer(void)
{
    koc_layer_builder *b = a_koc_layer_builder();
    koc_layer *l = NULL;
    need(koc_layer_builder_add_bytes(b, "/x", (koc_str){"x", 1}, NULL, NULL));
    need(koc_layer_builder_finish(b, NULL, &l, NULL));
    return l;
}

static koc_image_builder *a_koc_image_builder(void)
{
    koc_image_builder *b = NULL;
    need(koc_image_builder_new(a_koc_ctx(), NULL, &b, NULL));
    return b;
}

static koc_image *a_koc_image(void)
{
    koc_image_builder *b = a_koc_image_builder();
    koc_platform p = KOC_PLATFORM_INIT;
    koc_image *img = NULL;
    p.os = "linux";
    p.arch = "amd64";
    need(koc_image_builder_set_platform(b, &p, NULL));
    need(koc_image_builder_add_layer(b, a_koc_layer(), NULL, NULL));
    need(koc_image_builder_finish(b, NULL, &img, NULL));
    return img;
}

static koc_index_builder *a_koc_index_builder(void)
{
    koc_index_builder *b = NULL;
    need(koc_index_builder_new(a_koc_ctx(), KOC_FORMAT_OCI, &b, NULL));
    return b;
}

static koc_index *a_koc_index(void)
{
    koc_index_builder *b = a_koc_index_builder();
    koc_index *idx = NULL;
    need(koc_index_builder_add_image(b, a_koc_image(), NULL, NULL));
    need(koc_index_builder_finish(b, &idx, NULL));
    return idx;
}

static koc_layout *a_koc_layout(void)
{
    koc_layout *l = NULL;
    need(koc_layout_open(a_koc_ctx(), "layout", KOC_LAYOUT_CREATE, &l, NULL));
    need(koc_layout_put_image(l, a_koc_image(), "x:1", NULL, NULL));
    return l;
}

static koc_credential *a_koc_credential(void)
{
    koc_credential *c = NULL;
    need(koc_credential_new(KOC_CRED_BASIC, "x", "y", &c, NULL));
    return c;
}

static koc_auth *a_koc_auth(void)
{
    koc_auth *a = NULL;
    need(koc_auth_static("127.0.0.1:1", a_koc_credential(), &a, NULL));
    return a;
}

static koc_client *a_koc_client(void)
{
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    koc_client *c = NULL;
    o.max_attempts = 1;
    need(koc_client_new(a_koc_ctx(), &o, &c, NULL));
    return c;
}

static koc_resolver *a_koc_resolver(void)
{
    koc_resolver *r = NULL;
    need(koc_resolver_new(NULL, NULL, &r, NULL));
    need(koc_resolver_add_bytes(r, "x.yaml", (koc_str){"a: b\n", 5}, NULL));
    return r;
}

/* Nobody can be sure of a daemon. */
static koc_daemon *a_koc_daemon(void)
{
    return NULL;
}

static void fill_koc_place(koc_place *p)
{
    koc_layout_unref(a_koc_layout());
    p->kind = KOC_PLACE_LAYOUT;
    p->path = "layout";
    p->name = "x:1";
}

static int send_nothing(void *self, const koc_transport_request *request,
                        koc_transport_reply *reply, koc_error **err)
{
    return KOC_ENET;
}

static koc_transport *a_koc_transport(void)
{
    koc_transport_ops ops = KOC_TRANSPORT_OPS_INIT;
    koc_transport *t = NULL;
    ops.send = send_nothing;
    need(koc_transport_new(&ops, NULL, &t, NULL));
    return t;
}

static koc_artifact *a_koc_artifact(void)
{
    koc_artifact_options o = KOC_ARTIFACT_OPTIONS_INIT;
    koc_artifact *a = NULL;
    o.artifact_type = "a/b";
    need(koc_artifact_new(a_koc_ctx(), &o, &a, NULL));
    return a;
}

static koc_key *a_koc_key(void)
{
    koc_key *k = NULL;
    need(koc_key_generate(&k, NULL));
    return k;
}

static koc_edit *a_koc_edit(void)
{
    koc_edit *e = NULL;
    need(koc_edit_new(a_koc_ctx(), NULL, &e, NULL));
    return e;
}

static koc_source *a_koc_source(void)
{
    koc_place p = KOC_PLACE_INIT;
    koc_source *s = NULL;
    fill_koc_place(&p);
    need(koc_source_open(a_koc_ctx(), NULL, &p, NULL, &s, NULL));
    return s;
}

/* --- structs --- */

static void fill_koc_client_options(koc_client_options *o)
{
    o->max_attempts = 1;
}

static void fill_koc_descriptor(koc_descriptor *d)
{
    d->media_type = "application/vnd.oci.image.layer.v1.tar";
    d->digest = *a_koc_digest();
}

static void fill_koc_image_file(koc_image_file *f)
{
    f->path = "/x";
}

static void fill_koc_platform(koc_platform *p)
{
    p->os = "linux";
    p->arch = "amd64";
}

static void fill_koc_copy_pair(koc_copy_pair *p)
{
    static koc_place from = KOC_PLACE_INIT, to = KOC_PLACE_INIT;
    fill_koc_place(&from);
    to = from;
    to.name = "x:2";
    p->from = &from;
    p->to = &to;
}

static void fill_koc_archive_image(koc_archive_image *a)
{
    a->image = a_koc_image();
}

static int open_none(void *self, uint64_t offset, const koc_op *op, koc_reader **out,
                     koc_error **err)
{
    return KOC_EIO;
}

static void fill_koc_transport_ops(koc_transport_ops *ops)
{
    ops->send = send_nothing;
}

static void fill_koc_blob_ops(koc_blob_ops *ops)
{
    ops->open = open_none;
}

static int read_none(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    *n_read = 0;
    return KOC_OK;
}

static void fill_koc_reader_ops(koc_reader_ops *ops)
{
    ops->read = read_none;
}

static int get_none(void *self, const char *registry, const char *repository, const koc_op *op,
                    koc_credential **out, koc_error **err)
{
    return KOC_OK;
}

static void fill_koc_auth_ops(koc_auth_ops *ops)
{
    ops->get = get_none;
}

static int sign_nothing(void *self, koc_str message, const koc_digest *hash, koc_buf *signature,
                        koc_error **err)
{
    return KOC_OK;
}

static void fill_koc_signer_ops(koc_signer_ops *ops)
{
    ops->sign = sign_nothing;
}

static void fill_koc_sign_options(koc_sign_options *o)
{
    o->key = a_koc_key();
}

static void fill_koc_verify_options(koc_verify_options *o)
{
    static koc_key *keys[1];
    keys[0] = a_koc_key();
    o->keys = keys;
    o->n_keys = 1;
}

#include "null_calls.inc"

/* --- the run --- */

static int has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += len) {
        int before = at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
        int after = isalnum((unsigned char)at[len]) || at[len] == '_';
        if (!before && !after) {
            return 1;
        }
    }
    return 0;
}

/* A daemon cannot be had, so misuse is what its other calls end in, too. */
static int is_optional(const char *parameter)
{
    return strcmp(parameter, "op") == 0 || strcmp(parameter, "bytes_sent") == 0;
}

static void run_here(const call *c)
{
    koc_error *err = NULL;
    alarm(SECONDS);
    int rc = c->run(&err);
    if (rc == KOC_EMISUSE && err && c->left_out[0] && !is_optional(c->left_out) &&
        !has_word(koc_error_message(err), c->left_out)) {
        fprintf(stderr, "%s, %s NULL: the message does not name it: %s\n", c->function, c->left_out,
                koc_error_message(err));
        _exit(2);
    }
    _exit(0);
}

static int fails(const call *c)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        run_here(c);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("fork");
        return 1;
    }
    if (status != 0) {
        fprintf(stderr, "FAILED: %s with %s NULL: %s %d\n", c->function,
                c->left_out[0] ? c->left_out : "everything",
                WIFSIGNALED(status) ? "signal" : "exit code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    return status != 0;
}

/* Away from the user's files, and from daemons and registries. */
static int go_away(char *folder)
{
    return mkdtemp(folder) && chdir(folder) == 0 && setenv("HOME", folder, 1) == 0 &&
           setenv("TMPDIR", folder, 1) == 0 && setenv("DOCKER_CONFIG", folder, 1) == 0 &&
           setenv("XDG_CACHE_HOME", folder, 1) == 0 && unsetenv("XDG_RUNTIME_DIR") == 0 &&
           setenv("DOCKER_HOST", "unix:///nonexistent", 1) == 0 &&
           setenv("KO_DOCKER_REPO", "127.0.0.1:1/x", 1) == 0;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/koc-null-XXXXXX";
    char command[64];
    int failed = 0;
    size_t n = 0;
    if (!go_away(folder)) {
        perror(folder);
        return 1;
    }
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (argc < 2 || strstr(TEST, argv[1]) || strstr(calls[i].function, argv[1])) {
            failed += fails(&calls[i]);
            n++;
        }
    }
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    failed += system(command) != 0;
    if (n > 0) { /* one test, in cmocka's words */
        printf("[ RUN      ] %s\n%zu calls, %d failed\n", TEST, n, failed);
        printf("[ %s ] %s\n", failed ? " FAILED " : "      OK", TEST);
    }
    return failed > 0;
}
