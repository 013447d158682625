/* Credentials from the configuration of docker and podman. */
#ifndef KOC__AUTH_DOCKER_H
#define KOC__AUTH_DOCKER_H

#include "auth/auth.h"

/* Finds a credential of a cloud for its own registries. *out stays unchanged when there is none. */
typedef int koc__auth_cloud_fn(const char *registry, koc__call *call, koc_credential **out,
                               koc_error **err);

/* config_path NULL: the usual files. cloud is called after these; or NULL. */
int koc__auth_docker(const char *config_path, koc__auth_cloud_fn *cloud, koc_auth **out,
                     koc_error **err);

#endif
