/* koc_auth_docker: the files and helpers of docker and podman, then the logins of clouds. */
#include "core/common.h"

#include "auth/auth_docker.h"
#ifdef KOC__HAVE_CLOUD
#include "cloud/cloud_logins.h"
#else
#define koc__cloud_login NULL
#endif

int koc_auth_docker(const char *config_path, koc_auth **out, koc_error **err)
{
    if (!out) {
        return koc__misuse(err, "koc_auth_docker: out is NULL");
    }
    return koc__auth_docker(config_path, koc__cloud_login, out, err);
}
