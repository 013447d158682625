/* Reads documents of docker and podman that hold credentials. No I/O. Member names are compared
 * as in Go: without case. */
#ifndef KOC__AUTH_CONFIG_H
#define KOC__AUTH_CONFIG_H

#include "auth/auth.h"
#include "text/json.h"

#define KOC__HUB_KEY "https://index.docker.io/v1/"

/* docker.io and its other names. */
bool koc__config_is_hub(koc_str host);
/* The helper that the document names for registry (credHelpers, then credsStore) or NULL; *how
 * is then "credHelpers" or "credsStore". Borrowed from root. */
const char *koc__config_helper(const koc__jnode *root, const char *registry, const char **how);
/* Whether a key of auths means this registry as a whole. */
bool koc__config_key_is_host(const char *key, const char *registry);
/* The server name that a helper gets for registry. */
const char *koc__config_helper_key(const char *registry);
/* The entry of auths (or, legacy, of the whole document) for registry/repository: the longest
 * key with a path that matches, else one with the host alone. NULL: none. */
const koc__jnode *koc__config_entry(const koc__jnode *root, bool legacy, const char *registry,
                                    const char *repository);
/* *out stays unchanged for an empty entry; *broken: why it cannot be read, or NULL. */
int koc__config_credential(const koc__jnode *entry, const char *source, const char **broken,
                           koc_credential **out, koc_error **err);

#endif
