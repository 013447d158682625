/*
 * Docker contexts: ~/.docker/contexts/meta/<sha256 of the name>/meta.json has the address of a context's
 * daemon, ~/.docker/contexts/tls/<the same>/docker/ its certificates.
 */
#include "core/common.h"

#include "daemon/endpoint.h"

#include "core/env.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "core/str.h"
#include "text/json.h"

#define FILE_MAX ((size_t)4 << 20)

static int read_json(const char *path, koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(FILE_MAX);
    KOC__TRY(koc__fs_read_file(path, &text, err));
    return koc__json_parse(koc__dynbuf_view(&text), FILE_MAX, path, out, err);
}

/* $DOCKER_CONFIG or ~/.docker. NULL: HOME is not set, or out of memory. */
static char *config_directory(void)
{
    const char *named = koc__env_nonempty("DOCKER_CONFIG");
    if (named) {
        return koc__strdup(named);
    }
    KOC__AUTO_STR home = koc__home();
    return home ? koc__path_join(home, ".docker") : NULL;
}

/* The name of the chosen context; *out NULL: none. An unreadable config.json chooses none. */
static int chosen(const char *directory, char **out, koc_error **err)
{
    const char *named = koc__env_nonempty("DOCKER_CONTEXT");
    KOC__AUTO(koc__json) config = NULL;
    if (!named) {
        KOC__AUTO_STR path = koc__path_join(directory, "config.json");
        if (!path) {
            return koc__oom(err);
        }
        if (read_json(path, &config, NULL) == KOC_OK) {
            named = koc__json_get_str(koc__json_root(config), "currentContext");
        }
    }
    if (!named || !*named || koc__streq(named, "default")) {
        return KOC_OK;
    }
    *out = koc__strdup(named);
    return *out ? KOC_OK : koc__oom(err);
}

/* *out: the path of the file if it exists, else NULL. */
static int use_file(const char *directory, const char *name, char **out, koc_error **err)
{
    KOC__AUTO_STR path = koc__path_join(directory, name);
    if (!path) {
        return koc__oom(err);
    }
    *out = koc__fs_is_file(path) ? koc__steal(&path) : NULL;
    return KOC_OK;
}

static int add_tls(koc__endpoint *e, const char *directory, const koc__jnode *docker,
                   koc_error **err)
{
    KOC__TRY(use_file(directory, "ca.pem", &e->ca_file, err));
    KOC__TRY(use_file(directory, "cert.pem", &e->cert_file, err));
    KOC__TRY(use_file(directory, "key.pem", &e->key_file, err));
    e->insecure = koc__json_true(koc__json_get(docker, "SkipTLSVerify"));
    e->tls = e->tls || e->insecure || e->ca_file || e->cert_file;
    return KOC_OK;
}

static int read_context(const char *directory, const char *name, koc__endpoint **out,
                        koc_error **err)
{
    koc_digest id;
    koc__sha256_of(name, strlen(name), &id);
    const koc__digest_text hex = koc__digest_hex(&id);
    KOC__AUTO_STR meta = koc__format("%s/contexts/meta/%s/meta.json", directory, hex.s);
    KOC__AUTO_STR tls = koc__format("%s/contexts/tls/%s/docker", directory, hex.s);
    KOC__AUTO_STR source = koc__format("docker context %s", name);
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc__endpoint) e = NULL;
    if (!meta || !tls || !source) {
        return koc__oom(err);
    }
    if (!koc__fs_is_file(meta)) {
        koc__error(err, KOC_ENOTFOUND, "docker context \"%s\" does not exist", name);
        koc__error_hint(err, "docker context ls lists the contexts; DOCKER_CONTEXT=default is the "
                             "local socket");
        return KOC_ENOTFOUND;
    }
    KOC__TRY(read_json(meta, &doc, err));
    const koc__jnode *docker = koc__json_at(koc__json_root(doc), "/Endpoints/docker");
    const char *host = koc__json_get_str(docker, "Host");
    if (!host) {
        return koc__error(err, KOC_EFORMAT, "docker context \"%s\" names no daemon (%s)", name,
                          meta);
    }
    KOC__TRY(koc__endpoint_parse(host, source, &e, err));
    if (e->authority) {
        KOC__TRY(add_tls(e, tls, docker, err));
    }
    *out = koc__steal(&e);
    return KOC_OK;
}

int koc__endpoint_of_context(koc__endpoint **out, koc_error **err)
{
    KOC__AUTO_STR directory = config_directory();
    KOC__AUTO_STR name = NULL;
    if (!directory) {
        return KOC_OK;
    }
    KOC__TRY(chosen(directory, &name, err));
    return name ? read_context(directory, name, out, err) : KOC_OK;
}
