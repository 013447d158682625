/* Credentials and the objects that find them. */
#include "core/common.h"

#include "auth/auth.h"

#include "core/dynbuf.h"
#include "core/str.h"
#include "core/text.h"

#define SECRET_MAX ((size_t)64 << 10)

/* --- credentials --- */

static void free_secret(char *s)
{
    if (s) {
        koc__wipe(s, strlen(s));
        koc__free(s);
    }
}

void koc_credential_free(koc_credential *cred)
{
    if (cred) {
        koc__free(cred->username);
        free_secret(cred->secret);
        koc__free(cred->source);
        koc__free(cred);
    }
}

static bool has_line_end(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\r' || s.ptr[i] == '\n' || s.ptr[i] == '\0') {
            return true;
        }
    }
    return false;
}

static int make_credential(int32_t kind, koc_str username, koc_str secret, koc_credential **out,
                           koc_error **err)
{
    KOC__AUTO(koc_credential) c = NULL;
    if (kind < KOC_CRED_BASIC || kind > KOC_CRED_BEARER) {
        return koc__misuse(err, "koc_credential_new: unknown kind");
    }
    if (username.len > SECRET_MAX || secret.len > SECRET_MAX) {
        return koc__error(err, KOC_ELIMIT, "a credential is longer than %zu bytes", SECRET_MAX);
    }
    if (has_line_end(username) || has_line_end(secret)) {
        return koc__error(err, KOC_EINVAL, "the credential contains a line end");
    }
    c = koc__calloc(1, sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    c->kind = kind;
    c->username = username.ptr ? koc__str_dup(username) : NULL;
    c->secret = koc__str_dup(secret);
    if (!c->secret || (username.ptr && !c->username)) {
        return koc__oom(err);
    }
    *out = koc__steal(&c);
    return KOC_OK;
}

int koc_credential_new(int32_t kind, const char *username, const char *secret, koc_credential **out,
                       koc_error **err)
{
    if (!secret || !out || (kind == KOC_CRED_BASIC && !username)) {
        return koc__misuse(
            err,
            "koc_credential_new: secret or out is NULL, or username, which KOC_CRED_BASIC needs");
    }
    return make_credential(kind, koc__str(username), koc__str(secret), out, err);
}

int koc__credential_make(int32_t kind, koc_str username, koc_str secret, koc_credential **out,
                         koc_error **err, const char *source, ...)
{
    KOC__AUTO(koc_credential) c = NULL;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(4096);
    va_list args;
    va_start(args, source);
    int rc = koc__dynbuf_vprintf(&text, err, source, args);
    va_end(args);
    KOC__TRY(rc);
    rc = make_credential(kind, username, secret, &c, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "%s", koc__dynbuf_cstr(&text));
    }
    c->source = koc__strdup(koc__dynbuf_cstr(&text));
    if (!c->source) {
        return koc__oom(err);
    }
    *out = koc__steal(&c);
    return KOC_OK;
}

koc_credential *koc__credential_dup(const koc_credential *from)
{
    KOC__AUTO(koc_credential) c = NULL;
    if (!from || make_credential(from->kind, koc__str(from->username), koc__str(from->secret), &c,
                                 NULL) != KOC_OK) {
        return NULL;
    }
    c->expires_ms = from->expires_ms;
    c->source = koc__strdup(from->source);
    return !c->source && from->source ? NULL : koc__steal(&c);
}

void koc__credential_lasts(koc_credential *c, int64_t ms)
{
    c->expires_ms = koc__monotonic_ms() + ms;
}

bool koc__credential_expired(const koc_credential *c)
{
    return c && c->expires_ms && koc__monotonic_ms() >= c->expires_ms;
}

int32_t koc_credential_kind(const koc_credential *cred)
{
    return cred ? cred->kind : 0;
}

const char *koc_credential_username(const koc_credential *cred)
{
    return cred ? cred->username : NULL;
}

const char *koc_credential_secret(const koc_credential *cred)
{
    return cred ? cred->secret : NULL;
}

const char *koc_credential_source(const koc_credential *cred)
{
    return cred ? cred->source : NULL;
}

/* --- sources --- */

int koc__auth_make(const koc__auth_vt *vt, void *self, koc_auth **out, koc_error **err)
{
    koc_auth *a = koc__calloc(1, sizeof(*a));
    if (!a) {
        return koc__oom(err);
    }
    atomic_init(&a->refs, 1);
    a->vt = vt;
    a->self = self;
    *out = a;
    return KOC_OK;
}

koc_auth *koc_auth_ref(koc_auth *a)
{
    if (a) {
        atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    }
    return a;
}

void koc_auth_unref(koc_auth *a)
{
    if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1) {
        if (a->vt->release) {
            a->vt->release(a->self);
        }
        koc__free(a);
    }
}

int koc__auth_get(koc_auth *a, const char *registry, const char *repository, koc__call *call,
                  koc_credential **out, koc_error **err)
{
    return a ? a->vt->get(a->self, registry, repository, call, out, err) : KOC_OK;
}

void koc__auth_rejected(koc_auth *a, const char *registry, koc__call *call)
{
    if (a && a->vt->rejected) {
        a->vt->rejected(a->self, registry, call);
    }
}

int koc_auth_lookup(koc_auth *a, const char *registry, const char *repository, const koc_op *user,
                    koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_credential *found = NULL;
    if (!a || !registry || !out) {
        return koc__misuse(err, "koc_auth_lookup: a, registry or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, NULL, user, err));
    KOC__TRY(koc__auth_get(a, registry, repository ? repository : "", &call, &found, err));
    *out = found;
    return KOC_OK;
}

/* --- one credential for one registry --- */

typedef struct fixed {
    char *registry;
    koc_credential *cred;
} fixed;

static void fixed_release(void *self)
{
    fixed *f = self;
    koc__free(f->registry);
    koc_credential_free(f->cred);
    koc__free(f);
}

static int fixed_get(void *self, const char *registry, const char *repository, koc__call *call,
                     koc_credential **out, koc_error **err)
{
    const fixed *f = self;
    if (!koc__str_ieq(koc__str(f->registry), koc__str(registry))) {
        return KOC_OK;
    }
    koc_credential *copy = koc__credential_dup(f->cred);
    if (!copy) {
        return koc__oom(err);
    }
    *out = copy;
    return KOC_OK;
}

static const koc__auth_vt fixed_vt = {fixed_get, NULL, fixed_release};

int koc_auth_static(const char *registry, const koc_credential *cred, koc_auth **out,
                    koc_error **err)
{
    if (!registry || !cred || !out) {
        return koc__misuse(err, "koc_auth_static: registry, cred or out is NULL");
    }
    fixed *f = koc__calloc(1, sizeof(*f));
    if (!f) {
        return koc__oom(err);
    }
    f->registry = koc__strdup(strcmp(registry, "docker.io") == 0 ? "index.docker.io" : registry);
    f->cred = koc__credential_dup(cred);
    if (!f->registry || !f->cred) {
        fixed_release(f);
        return koc__oom(err);
    }
    int rc = koc__auth_make(&fixed_vt, f, out, err);
    if (rc != KOC_OK) {
        fixed_release(f);
    }
    return rc;
}

/* --- chains --- */

typedef struct chain {
    size_t n;
    koc_auth *list[];
} chain;

static void chain_release(void *self)
{
    chain *c = self;
    for (size_t i = 0; i < c->n; i++) {
        koc_auth_unref(c->list[i]);
    }
    koc__free(c);
}

static int chain_get(void *self, const char *registry, const char *repository, koc__call *call,
                     koc_credential **out, koc_error **err)
{
    const chain *c = self;
    koc_credential *found = NULL;
    for (size_t i = 0; i < c->n && !found; i++) {
        KOC__TRY(koc__auth_get(c->list[i], registry, repository, call, &found, err));
    }
    if (found) {
        *out = found;
    }
    return KOC_OK;
}

static void chain_rejected(void *self, const char *registry, koc__call *call)
{
    const chain *c = self;
    for (size_t i = 0; i < c->n; i++) {
        koc__auth_rejected(c->list[i], registry, call);
    }
}

static const koc__auth_vt chain_vt = {chain_get, chain_rejected, chain_release};

int koc_auth_chain(koc_auth *const *list, size_t n, koc_auth **out, koc_error **err)
{
    if (!out || (n > 0 && !list) || n > 64) {
        return koc__misuse(err, "koc_auth_chain: out or list is NULL, or n is above 64");
    }
    chain *c = koc__calloc(1, sizeof(*c) + n * sizeof(c->list[0]));
    if (!c) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        c->list[i] = koc_auth_ref(list[i]);
    }
    c->n = n;
    int rc = koc__auth_make(&chain_vt, c, out, err);
    if (rc != KOC_OK) {
        chain_release(c);
    }
    return rc;
}

/* --- sources of the caller --- */

typedef struct custom {
    koc_auth_ops ops;
    void *self;
} custom;

typedef struct custom_call {
    custom *c;
    const char *registry;
    const char *repository;
    koc__call *call;
    koc_credential *found;
} custom_call;

static int call_get(void *arg, koc_error **err)
{
    custom_call *a = arg;
    koc_error *theirs = NULL;
    int rc =
        a->c->ops.get(a->c->self, a->registry, a->repository, &a->call->user, &a->found, &theirs);

    if (rc == KOC_OK || rc == KOC_PASSTHROUGH) {
        koc_error_free(theirs);
        return KOC_OK;
    }
    koc_credential_free(koc__steal(&a->found));
    if (!theirs) {
        return koc__error(err, KOC_EUSER, "the program's own look-up of credentials for %s failed",
                          a->registry);
    }
    koc__error(err, KOC_EUSER, "credentials for %s: %s", a->registry, koc_error_message(theirs));
    koc_error_free(theirs);
    return KOC_EUSER;
}

static int call_rejected(void *arg, koc_error **err)
{
    custom_call *a = arg;
    a->c->ops.rejected(a->c->self, a->registry);
    return KOC_OK;
}

static int custom_get(void *self, const char *registry, const char *repository, koc__call *call,
                      koc_credential **out, koc_error **err)
{
    custom_call args = {self, registry, repository, call, NULL};
    KOC__TRY(koc__call_on_caller(call, call_get, &args, err));
    if (args.found) {
        *out = args.found;
    }
    return KOC_OK;
}

static void custom_rejected(void *self, const char *registry, koc__call *call)
{
    custom *c = self;
    custom_call args = {c, registry, "", call, NULL};
    if (c->ops.rejected) {
        (void)koc__call_on_caller(call, call_rejected, &args, NULL);
    }
}

static void custom_release(void *self)
{
    custom *c = self;
    if (c->ops.release) {
        c->ops.release(c->self);
    }
    koc__free(c);
}

static const koc__auth_vt custom_vt = {custom_get, custom_rejected, custom_release};

int koc_auth_new(const koc_auth_ops *ops, void *self, koc_auth **out, koc_error **err)
{
    koc_auth_ops copy;
    if (!ops || !out) {
        return koc__misuse(err, "koc_auth_new: ops or out is NULL");
    }
    KOC__TRY(koc__options_copy(&copy, sizeof(copy), ops, "koc_auth_ops", err));
    if (!copy.get || copy.flags) {
        return koc__misuse(err, "koc_auth_new: no get, or unknown flags");
    }
    custom *c = koc__calloc(1, sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    c->ops = copy;
    c->self = self;
    int rc = koc__auth_make(&custom_vt, c, out, err);
    if (rc != KOC_OK) {
        koc__free(c);
    }
    return rc;
}

bool koc__auth_is_token(koc_str token)
{
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] <= ' ' || token.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return token.len > 0;
}
