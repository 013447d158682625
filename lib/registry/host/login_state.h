/* What koc remembers of its login at one host: the last challenge, credentials by repository,
 * tokens. */
#ifndef KOC__LOGIN_STATE_H
#define KOC__LOGIN_STATE_H

#include "auth/auth.h"
#include "core/run/call.h"
#include "registry/host/challenge.h"
#include "registry/host/token.h"

typedef struct koc__login_state koc__login_state;

koc__login_state *koc__login_new(void);    /* NULL: out of memory */
void koc__login_free(koc__login_state *s); /* takes NULL */

/* Only one thread at a time looks for credentials or fetches a token; the others wait, and then
 * find them. */
int koc__login_enter(koc__login_state *s, koc__call *call, koc_error **err);
void koc__login_leave(koc__login_state *s);

/* --- the challenge --- */

/* The scheme of the last challenge; KOC__SCHEME_NONE: there was none. */
koc__scheme koc__login_scheme(koc__login_state *s);
/* Remembers the challenge that a request to at was answered with. */
int koc__login_set_challenge(koc__login_state *s, const koc__challenge *c, const koc__url *at,
                             koc_error **err);
/* Where tokens are fetched, and for which service (NULL: none was named). Owned by the caller. */
int koc__login_realm(koc__login_state *s, koc__url *realm, char **service, koc_error **err);
/* Whether u has the origin that sent the challenge. */
bool koc__login_is_origin(koc__login_state *s, const koc__url *u);

/* --- credentials --- */

/* *known: the repository was looked up before and the result still counts; *out is then a copy
 * of it, NULL for anonymous. */
int koc__login_find(koc__login_state *s, const char *repository, bool *known, koc_credential **out,
                    koc_error **err);
/* Takes cred (NULL: anonymous) on success. */
int koc__login_add(koc__login_state *s, const char *repository, koc_credential *cred,
                   koc_error **err);
/* Whether nothing was found for repository, so that requests carry no credentials. */
bool koc__login_is_anonymous(koc__login_state *s, const char *repository);
/* "docker config (/root/.docker/config.json), user koc": source and user name, never the secret.
 * False: requests for repository carry no credentials. */
bool koc__login_describe(koc__login_state *s, const char *repository, char *out, size_t size);

/* --- tokens --- */

/* A copy of a token that was fetched under key and covers actions, or NULL. Wipe it. */
char *koc__login_find_token(koc__login_state *s, const char *key, uint32_t actions);
int koc__login_add_token(koc__login_state *s, const char *key, uint32_t actions,
                         const koc__token_reply *reply, koc_error **err);
void koc__login_drop_tokens(koc__login_state *s, const char *key);

/* Removes the secrets of state (a koc__login_state) from text, in place: a server may quote its
 * request. */
void koc__login_scrub(void *state, char *text);

#endif
