#include "core/common.h"

#include "http/client_certs.h"

#include "core/env.h"
#include "core/io/fs.h"

void koc__certs_dispose(koc__certs *c)
{
    koc__dynbuf_dispose(&c->authorities);
    koc__free(c->client_cert);
    koc__free(c->client_key);
    c->client_cert = c->client_key = NULL;
}

static int add_authority(const char *path, koc__certs *out, koc_error **err)
{
    KOC__TRY(koc__fs_read_file(path, &out->authorities, err));
    return koc__dynbuf_putc(&out->authorities, '\n', err);
}

/* name is "X.cert" or "X.key": the other file of the pair must exist. */
static int add_pair(const char *directory, koc_str name, koc__certs *out, koc_error **err)
{
    bool is_cert = koc__str_ends(name, ".cert");
    int stem = (int)(name.len - (is_cert ? 5 : 4));
    KOC__AUTO_STR cert = koc__format("%s/%.*s.cert", directory, stem, name.ptr);
    KOC__AUTO_STR key = koc__format("%s/%.*s.key", directory, stem, name.ptr);
    if (!cert || !key) {
        return koc__oom(err);
    }
    if (!koc__fs_is_file(is_cert ? key : cert)) {
        return koc__error(err, KOC_ENOTFOUND,
                          "the client certificate needs two files; %s is missing",
                          is_cert ? key : cert);
    }
    if (is_cert && !out->client_cert) {
        out->client_cert = koc__steal(&cert);
        out->client_key = koc__steal(&key);
    }
    return KOC_OK;
}

/* *found false: there is no such directory, or it cannot be read. */
static int read_directory(const char *directory, bool *found, koc__certs *out, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    *found = koc__fs_is_dir(directory) && koc__fs_list(directory, &names, NULL) == KOC_OK;
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        koc_str name = koc__str(koc_strlist_get(names, i));
        if (koc__str_ends(name, ".crt")) {
            KOC__AUTO_STR path = koc__format("%s/%s", directory, name.ptr);
            if (!path) {
                return koc__oom(err);
            }
            KOC__TRY(add_authority(path, out, err));
        } else if (koc__str_ends(name, ".cert") || koc__str_ends(name, ".key")) {
            KOC__TRY(add_pair(directory, name, out, err));
        }
    }
    return KOC_OK;
}

int koc__certs_of(const char *host, koc__certs *out, koc_error **err)
{
    KOC__AUTO_STR config = koc__xdg("XDG_CONFIG_HOME", ".config");
    const char *roots[] = {NULL, "/etc/containers", "/etc/docker"};
    KOC__AUTO_STR own = config ? koc__format("%s/containers", config) : NULL;
    bool found = false;
    if (host[0] == '.') {
        return KOC_OK; /* not the name of a host; and ".." would be a directory */
    }
    host = strcmp(host, "index.docker.io") == 0 ? "docker.io" : host;
    roots[0] = own;
    for (size_t i = 0; i < KOC__COUNT(roots) && !found; i++) {
        KOC__AUTO_STR directory = roots[i] ? koc__format("%s/certs.d/%s", roots[i], host) : NULL;
        if (directory) {
            KOC__TRY(read_directory(directory, &found, out, err));
        }
    }
    return KOC_OK;
}
