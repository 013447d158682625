/* Credentials and their sources. */
#ifndef KOC__AUTH_H
#define KOC__AUTH_H

#include <stdatomic.h>

#include <koc/auth.h>

#include "core/cleanup.h"
#include "core/run/call.h"

struct koc_credential {
    int32_t kind;
    char *username; /* or NULL */
    char *secret;
    char *source;       /* for hints: "docker config (/root/.docker/config.json)"; or NULL */
    int64_t expires_ms; /* by the monotonic clock: when to look it up again; 0: never */
};
KOC__DEFINE_AUTO(koc_credential, koc_credential_free);
KOC__DEFINE_AUTO(koc_auth, koc_auth_unref);
koc_credential *koc__credential_dup(
    const koc_credential *c); /* NULL: out of memory, or c is NULL */
void koc__credential_lasts(koc_credential *c, int64_t ms);
bool koc__credential_expired(const koc_credential *c); /* false for NULL */
/* As koc_credential_new, with a source made by printf. */
int koc__credential_make(int32_t kind, koc_str username, koc_str secret, koc_credential **out,
                         koc_error **err, const char *source, ...)
    __attribute__((format(printf, 6, 7)));

/* Whether token may be part of a header: printable ASCII without spaces. */
bool koc__auth_is_token(koc_str token);

typedef struct koc__auth_vt {
    /* *out stays unchanged when there is none. */
    int (*get)(void *self, const char *registry, const char *repository, koc__call *call,
               koc_credential **out, koc_error **err);
    void (*rejected)(void *self, const char *registry, koc__call *call); /* or NULL */
    void (*release)(void *self);                                         /* or NULL */
} koc__auth_vt;
struct koc_auth {
    atomic_uint refs;
    const koc__auth_vt *vt;
    void *self;
};
/* Takes self on success only. */
int koc__auth_make(const koc__auth_vt *vt, void *self, koc_auth **out, koc_error **err);
/* a may be NULL: then there is none. */
int koc__auth_get(koc_auth *a, const char *registry, const char *repository, koc__call *call,
                  koc_credential **out, koc_error **err);
void koc__auth_rejected(koc_auth *a, const char *registry, koc__call *call);

#endif
