/* Bearer tokens: scopes, the request for one, the reply. No I/O. */
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
/* The pieces of a challenge's scope (separated by spaces) go first; what is listed already is not
 * listed twice. */
int koc__scope_demand(koc_strlist **scopes, const char *demanded, koc_error **err);

/* https, or http where the registry itself was reached by http; a host; no user-info. relative to
 * the request that was challenged. */
int koc__realm_resolve(const koc__url *registry, const char *realm, koc__url *out, koc_error **err);

/* The GET form: the realm's own query stays, then service, each scope, account, client_id. NULL: left out. */
int koc__token_query(koc__url *realm, const char *service, const koc_strlist *scopes,
                     const char *account, koc_error **err);
/* The POST form: the refresh-token grant when there is one, else the password grant. */
int koc__token_form(koc__dynbuf *out, const char *service, const koc_strlist *scopes,
                    const char *refresh_token, const char *username, const char *password,
                    koc_error **err);
/* Whether this status to a POST means: no OAuth2 here, try GET. */
bool koc__token_post_unsupported(int status, bool has_username);

typedef struct koc__token_reply {
    char *token;
    int64_t lifetime_ms; /* to count from now; already shortened so that it is renewed early */
} koc__token_reply;
int koc__token_reply_read(koc_str body, koc__token_reply *out, koc_error **err);
void koc__token_reply_dispose(koc__token_reply *r);
KOC__DEFINE_AUTO_VAL(koc__token_reply, koc__token_reply_dispose);

#endif
