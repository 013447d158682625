/* Bearer tokens: scopes, requests to token servers, their replies. No I/O. */
#ifndef KOC__TOKEN_H
#define KOC__TOKEN_H

#include <koc/base.h>

#include "core/dynbuf.h"
#include "core/str.h"
#include "http/url.h"

#define KOC__TOKEN_REPLY_MAX ((size_t)128 << 10)

enum { KOC__ACT_PULL = 1u << 0, KOC__ACT_PUSH = 1u << 1, KOC__ACT_DELETE = 1u << 2 };

/* "repository:team/api:pull,push" */
int koc__scope_add(koc_strlist *scopes, const char *repository, uint32_t actions, koc_error **err);
/* Puts the scopes of a challenge (separated by spaces) before those in the list, without
 * duplicates. */
int koc__scope_demand(koc_strlist **scopes, const char *demanded, koc_error **err);

/* Resolves the realm of a challenge, relative to the request that was challenged. It must be
 * https, or http if the registry itself was reached by http, and have no user name. */
int koc__realm_resolve(const koc__url *registry, const char *realm, koc__url *out, koc_error **err);

/* The GET form: appends service, scopes, account and client_id to the query of the realm. NULL:
 * left out. */
int koc__token_query(koc__url *realm, const char *service, const koc_strlist *scopes,
                     const char *account, koc_error **err);
/* The POST form: OAuth2's grant of a refresh token. */
int koc__token_form(koc__dynbuf *out, const char *service, const koc_strlist *scopes,
                    const char *refresh_token, koc_error **err);
/* Whether this reply to a POST means that the server does not support OAuth2, so that GET comes
 * next. */
bool koc__token_post_unsupported(int status, bool has_username);

typedef struct koc__token_reply {
    char *token;
    int64_t lifetime_ms; /* from now on; shortened, so that the token is renewed early */
} koc__token_reply;
int koc__token_reply_read(koc_str body, koc__token_reply *out, koc_error **err);
void koc__token_reply_dispose(koc__token_reply *r);
KOC__DEFINE_AUTO_VAL(koc__token_reply, koc__token_reply_dispose);

#endif
