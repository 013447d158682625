/* Keys in services: sigstore's plug-ins, programs "sigstore-kms-NAME" that sign for keys "NAME://…". */
#include "core/common.h"

#include "sign/sign.h"

#include "core/clean.h"
#include "core/run/proc.h"
#include "core/str.h"
#include "core/text.h"

#define PROTOCOL   "v1"
#define SHA256     5 /* as Go numbers hash functions */
#define REPLY_MAX  ((size_t)1 << 20)
#define TIMEOUT_MS 120000 /* people may have to press a button */

typedef struct plugin {
    char *program;
    char *key;
} plugin;

static void plugin_free(void *self)
{
    plugin *p = self;
    koc__free(p->program);
    koc__free(p->key);
    koc__free(p);
}

/* The second argument of the program. options: those of the method, in JSON. */
static int write_arguments(koc__dynbuf *out, const plugin *p, const char *method,
                           const char *options, koc_error **err)
{
    koc__jw w;
    koc__jw_begin(&w, out, 0, 0);
    koc__jw_object(&w);
    koc__jw_key(&w, "initOptions");
    koc__jw_object(&w);
    koc__jw_kv(&w, "protocolVersion", PROTOCOL);
    koc__jw_kv(&w, "keyResourceID", p->key);
    koc__jw_key(&w, "hashFunc");
    koc__jw_u64(&w, SHA256);
    koc__jw_key(&w, "rpcOptions");
    koc__jw_object(&w);
    koc__jw_object_end(&w);
    koc__jw_object_end(&w);
    koc__jw_kv(&w, "methodName", method);
    koc__jw_key(&w, method);
    koc__jw_object(&w);
    koc__jw_key(&w, options);
    koc__jw_object(&w);
    koc__jw_key(&w, "rpcOptions");
    koc__jw_object(&w);
    koc__jw_object_end(&w);
    koc__jw_object_end(&w);
    koc__jw_object_end(&w);
    koc__jw_object_end(&w);
    return koc__jw_end(&w, err);
}

/* The member of the answer, decoded. The exit code means nothing in this protocol. */
static int read_reply(const plugin *p, const koc__proc_result *result, const char *method,
                      const char *member, koc__dynbuf *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    char said[256];
    if (koc__json_parse(koc__dynbuf_view(&result->output), REPLY_MAX, "reply", &doc, NULL) !=
        KOC_OK) {
        koc__clean_text(koc__dynbuf_view(&result->errors), said, sizeof(said));
        return koc__error(err, KOC_EPROCESS, "%s did not answer in JSON%s%s", p->program,
                          said[0] ? ": " : "", said);
    }
    const koc__jnode *root = koc__json_root(doc);
    const char *problem = koc__json_get_str(root, "errorMessage");
    if (problem && *problem) {
        return koc__error(err, KOC_EPROCESS, "%s: %.500s", p->program, problem);
    }
    const char *text = koc__json_get_str(koc__json_get(root, method), member);
    return text && koc__unbase64(out, koc__str(text), NULL) == KOC_OK && out->len > 0
               ? KOC_OK
               : koc__error(err, KOC_EPROCESS, "the answer of %s has no %s", p->program, member);
}

/* What a method of the plug-in is called, and what it takes and gives. */
typedef struct method {
    const char *name, *options, *member;
} method;

static int ask(const plugin *p, const method *m, koc_str input, koc__call *call, koc__dynbuf *out,
               koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) arguments = KOC__DYNBUF_INIT(REPLY_MAX);
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__TRY(write_arguments(&arguments, p, m->name, m->options, err));
    const char *const argv[] = {p->program, PROTOCOL, koc__dynbuf_cstr(&arguments), NULL};
    const koc__proc proc = {
        .argv = argv, .input = input, .max_output = REPLY_MAX, .timeout_ms = TIMEOUT_MS};
    KOC__TRY(koc__proc_run(&proc, call, &result, err));
    return read_reply(p, &result, m->name, m->member, out, err);
}

static int sign(void *self, koc_str message, koc__call *call, koc__dynbuf *signature,
                koc_error **err)
{
    static const method m = {"signMessage", "signOptions", "signature"};
    return ask(self, &m, message, call, signature, err);
}

static int open_plugin(plugin *p, koc__call *call, koc_key **out, koc_error **err)
{
    static const method m = {"publicKey", "publicKeyOptions", "publicKeyPEM"};
    KOC__AUTO_VAL(koc__dynbuf) pem = KOC__DYNBUF_INIT(REPLY_MAX);
    KOC__TRY(ask(p, &m, KOC__STR(""), call, &pem, err));
    return koc__key_signed_by(koc__dynbuf_view(&pem), sign, plugin_free, p, out, err);
}

bool koc__kms_is(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len > 0 && koc__str_starts(koc__str(name + len), "://");
}

int koc__kms_open(const char *name, koc__call *call, koc_key **out, koc_error **err)
{
    plugin *p = koc__calloc(1, sizeof(*p));
    if (!p) {
        return koc__oom(err);
    }
    p->key = koc__strdup(name);
    int rc = p->key ? koc__formatf(&p->program, err, "sigstore-kms-%.*s",
                                   (int)(strstr(name, "://") - name), name)
                    : koc__oom(err);
    rc = rc == KOC_OK ? open_plugin(p, call, out, err) : rc;
    if (rc != KOC_OK) {
        plugin_free(p);
    }
    return rc;
}
