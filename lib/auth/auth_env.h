/* Credentials in the environment, as ko reads them. */
#ifndef KOC__AUTH_ENV_H
#define KOC__AUTH_ENV_H

#include "auth/auth.h"

/* ghcr.io: GITHUB_TOKEN with GITHUB_ACTOR. *out stays unchanged when there is none. */
int koc__auth_from_env(const char *registry, koc_credential **out, koc_error **err);

#endif
