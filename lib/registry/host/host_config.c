/* Finds and reads the hosts.toml of a registry. */
#include "core/common.h"

#include "core/env.h"
#include "core/io/fs.h"
#include "registry/host/hosts_toml.h"

#define CONFIG_MAX ((size_t)1 << 20)

/* <root>/certs.d/<host>/hosts.toml; containerd also writes a port as "_5000_", and knows
 * "_default". */
static char *file_in(const char *root, const char *host)
{
    const char *colon = strrchr(host, ':');
    KOC__AUTO_STR other = colon && !strchr(colon, ']')
                              ? koc__format("%.*s_%s_", (int)(colon - host), host, colon + 1)
                              : NULL;
    const char *names[] = {other, host, "_default"};

    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        KOC__AUTO_STR path =
            names[i] ? koc__format("%s/certs.d/%s/hosts.toml", root, names[i]) : NULL;
        if (path && koc__fs_is_file(path)) {
            return koc__steal(&path);
        }
    }
    return NULL;
}

/* The first file that exists, or NULL. */
static char *find_file(const char *host)
{
    KOC__AUTO_STR config = koc__xdg("XDG_CONFIG_HOME", ".config");
    KOC__AUTO_STR own = config ? koc__format("%s/containerd", config) : NULL;
    const char *roots[] = {own, "/etc/containerd", "/etc/docker"};
    char *found = NULL;
    if (host[0] == '.') {
        return NULL; /* not the name of a host; and ".." would be a directory */
    }
    for (size_t i = 0; i < KOC__COUNT(roots) && !found; i++) {
        found = roots[i] ? file_in(roots[i], host) : NULL;
    }
    return found;
}

int koc__host_config_load(const char *registry, koc__host_config *out, koc_error **err)
{
    KOC__AUTO_STR path = find_file(registry);
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(CONFIG_MAX);
    if (!path) {
        return KOC_OK;
    }
    KOC__AUTO_STR directory = koc__strdup(path);
    if (!directory) {
        return koc__oom(err);
    }
    *strrchr(directory, '/') = '\0';
    KOC__TRY(koc__fs_read_file(path, &text, err));
    return koc__hosts_toml_read(koc__dynbuf_view(&text), path, directory, out, err);
}
