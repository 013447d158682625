/*
 * Credentials from the configuration of docker and podman: which files, in which order, and helper
 * programs. A missing file is skipped. A broken one is an error that names it, because koc must not
 * continue anonymously or with another credential without the user's knowledge.
 */
#include "core/common.h"

#include <sys/stat.h>

#include "auth/auth_config.h"
#include "auth/auth_docker.h"
#include "auth/auth_env.h"
#include "auth/auth_helper.h"
#include "core/env.h"
#include "core/io/fs.h"
#include "core/map.h"
#include "core/run/turn.h"
#include "core/str.h"

#define CONFIG_MAX ((size_t)1 << 20)
#define PLACES_MAX 8
/* Helpers do not say how long a credential lasts: programs that run longer ask again. */
#define HELPER_LASTS_MS ((int64_t)10 * 60 * 1000)

typedef struct place {
    char *path;    /* or NULL: text is the document */
    char *text;    /* DOCKER_AUTH_CONFIG */
    bool legacy;   /* the whole document is the map of auths */
    bool required; /* its absence is an error */
    bool loaded;
    bool warned;    /* about a helper that is not installed */
    koc__json *doc; /* NULL: there is none */
} place;

typedef struct docker {
    koc__turn turn; /* guards all below: a thread reads a file or runs a helper */
    char *config_path;
    koc__auth_cloud_fn *cloud; /* or NULL */
    bool placed;
    place places[PLACES_MAX];
    size_t n_places;
    koc__map *answers; /* by "helper server": each helper runs once */
} docker;

/* The answer of a helper. cred NULL: it has none. */
typedef struct answer {
    koc_credential *cred;
} answer;

static void answer_free(void *value)
{
    answer *a = value;
    if (a) {
        koc_credential_free(a->cred);
        koc__free(a);
    }
}

/* --- places --- */

/* Adds <directory>/<name>; name NULL: directory is the file. directory NULL: nothing. */
static int add_file(docker *d, const char *directory, const char *name, bool legacy, bool required,
                    koc_error **err)
{
    if (!directory || d->n_places == PLACES_MAX) {
        return KOC_OK;
    }
    char *path = name ? koc__format("%s/%s", directory, name) : koc__strdup(directory);

    if (!path) {
        return koc__oom(err);
    }
    d->places[d->n_places++] = (place){.path = path, .legacy = legacy, .required = required};
    return KOC_OK;
}

static int add_text(docker *d, const char *text, koc_error **err)
{
    char *copy = koc__strdup(text);
    if (text && !copy) {
        return koc__oom(err);
    }
    if (copy) {
        d->places[d->n_places++] = (place){.text = copy};
    }
    return KOC_OK;
}

static int add_found(docker *d, koc_error **err)
{
    KOC__AUTO_STR home = koc__home();
    KOC__AUTO_STR config = koc__xdg("XDG_CONFIG_HOME", ".config");
    const char *docker_dir = koc__env_nonempty("DOCKER_CONFIG");
    const char *runtime = koc__env_nonempty("XDG_RUNTIME_DIR");
    char run[64];
    if ((!home || !config) && koc__env_nonempty("HOME")) {
        return koc__oom(err);
    }
    snprintf(run, sizeof(run), "/run/containers/%u", (unsigned)getuid());
    KOC__TRY(add_text(d, koc__env_nonempty("DOCKER_AUTH_CONFIG"), err));
    KOC__TRY(add_file(d, koc__env_nonempty("REGISTRY_AUTH_FILE"), NULL, false, false, err));
    KOC__TRY(add_file(d, docker_dir ? docker_dir : home,
                      docker_dir ? "config.json" : ".docker/config.json", false, false, err));
    KOC__TRY(add_file(d, runtime ? runtime : run, runtime ? "containers/auth.json" : "auth.json",
                      false, false, err));
    KOC__TRY(add_file(d, config, "containers/auth.json", false, false, err));
    return add_file(d, home, ".dockercfg", true, false, err);
}

/* Without memory there are no places, rather than some: a credential that is left out would be a request
 * without it. */
static int find_places(docker *d, koc_error **err)
{
    const char *own = d->config_path ? d->config_path : koc__env_nonempty("KOC_AUTH_FILE");
    int rc = own ? add_file(d, own, NULL, false, true, err) : add_found(d, err);
    for (; rc != KOC_OK && d->n_places > 0; d->n_places--) {
        koc__free(d->places[d->n_places - 1].path);
        koc__free(d->places[d->n_places - 1].text);
        d->places[d->n_places - 1] = (place){0};
    }
    return rc;
}

/* once, and only if the file holds a secret. */
static void warn_if_open(const place *p, koc__call *call)
{
    static const char *const members[] = {"auth", "password", "identitytoken", "registrytoken"};
    const koc__jnode *root = koc__json_root(p->doc);
    const koc__jnode *auths = p->legacy ? root : koc__json_get_folded(root, "auths");
    struct stat st;
    bool secret = false;
    for (const koc__jnode *n = koc__json_child(auths); n && !secret; n = koc__json_next(n)) {
        for (size_t i = 0; i < KOC__COUNT(members); i++) {
            secret = secret || koc__json_str(koc__json_get_folded(n, members[i]));
        }
    }
    if (secret && call && p->path && stat(p->path, &st) == 0 && (st.st_mode & 0004)) {
        koc__log(call->ctx, KOC_LOG_WARN, "registry",
                 "%s can be read by every user of this computer; try: chmod 600 %s", p->path,
                 p->path);
    }
}

static int load(place *p, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(CONFIG_MAX);
    const char *name = p->path ? p->path : "DOCKER_AUTH_CONFIG";
    if (p->path) {
        if (!p->required && !koc__fs_exists(p->path)) {
            return KOC_OK;
        }
        KOC__TRY(koc__fs_read_any(p->path, call, &text, err));
    } else {
        KOC__TRY(koc__dynbuf_puts(&text, p->text ? p->text : "", err));
    }
    if (koc__str_trim(koc__dynbuf_view(&text)).len == 0) {
        return KOC_OK;
    }
    /* The parser's own message might quote a secret. */
    int rc = koc__json_parse(koc__dynbuf_view(&text), CONFIG_MAX, name, &p->doc, NULL);
    koc__dynbuf_wipe(&text);
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    if (rc != KOC_OK || !koc__json_is(koc__json_root(p->doc), KOC__JSON_OBJECT)) {
        koc__json_free(koc__steal(&p->doc));
        return koc__error(err, KOC_EFORMAT,
                          "%s is not a JSON object (credentials are read from it)", name);
    }
    warn_if_open(p, call);
    return KOC_OK;
}

/* --- one place --- */

/* *known: key was asked before; *out is then a copy of the answer, or NULL. */
static int find_answer(docker *d, const char *key, bool *known, koc_credential **out,
                       koc_error **err)
{
    const answer *a = d->answers ? koc__map_get(d->answers, koc__str(key)) : NULL;
    *known = a && !koc__credential_expired(a->cred);
    if (!*known || !a->cred) {
        return KOC_OK;
    }
    *out = koc__credential_dup(a->cred);
    return *out ? KOC_OK : koc__oom(err);
}

/* Keeps a copy of cred (NULL: there is none) under key. */
static int add_answer(docker *d, const char *key, const koc_credential *cred, koc_error **err)
{
    answer *a = koc__calloc(1, sizeof(*a));
    d->answers = d->answers ? d->answers : koc__map_new(answer_free);
    if (!a || !d->answers) {
        koc__free(a);
        return koc__oom(err);
    }
    a->cred = koc__credential_dup(cred);
    int rc = cred && !a->cred ? koc__oom(err) : koc__map_set(d->answers, koc__str(key), a, err);
    if (rc != KOC_OK) {
        answer_free(a);
    }
    return rc;
}

static int ask_helper(docker *d, const char *helper, const char *how, const char *registry,
                      koc__call *call, koc_credential **out, koc_error **err)
{
    const char *server = koc__config_helper_key(registry);
    KOC__AUTO_STR key = koc__format("%s %s", helper, server);
    KOC__AUTO_STR source = koc__format("docker config (%s \"%s\")", how, helper);
    bool known = koc__helper_runs(helper);
    if (known) {
        return KOC_OK;
    }
    if (!key || !source) {
        return koc__oom(err);
    }
    KOC__TRY(find_answer(d, key, &known, out, err));
    if (known) {
        return KOC_OK;
    }
    KOC__TRY(koc__helper_get(helper, server, source, call, out, err));
    if (*out) {
        koc__credential_lasts(*out, HELPER_LASTS_MS);
    }
    return add_answer(d, key, *out, err);
}

/* Sources that need no configuration: the environment of a CI system, and clouds. */
static int ask_environment(docker *d, const char *registry, koc__call *call, koc_credential **out,
                           koc_error **err)
{
    KOC__AUTO_STR key = koc__format(" %s", registry);
    bool known = false;
    if (!key) {
        return koc__oom(err);
    }
    KOC__TRY(find_answer(d, key, &known, out, err));
    if (known) {
        return KOC_OK;
    }
    KOC__TRY(koc__auth_from_env(registry, out, err));
    KOC__TRY(*out || !d->cloud ? KOC_OK : d->cloud(registry, call, out, err));
    return add_answer(d, key, *out, err);
}

/* The entry in the file itself. */
static int read_file_entry(place *p, const char *registry, const char *repository,
                           koc_credential **out, koc_error **err)
{
    const char *name = p->path ? p->path : "DOCKER_AUTH_CONFIG", *broken;
    const koc__jnode *entry =
        koc__config_entry(koc__json_root(p->doc), p->legacy, registry, repository);

    if (!entry) {
        return KOC_OK;
    }
    KOC__AUTO_STR source = koc__format("docker config (%s)", name);
    if (!source) {
        return koc__oom(err);
    }
    int rc = koc__config_credential(entry, source, &broken, out, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "the entry for %s in %s cannot be read",
                                 koc__json_name(entry), name);
    }
    if (broken) {
        return koc__error(err, KOC_EFORMAT, "the entry for %s in %s cannot be read: %s",
                          koc__json_name(entry), name, broken);
    }
    return KOC_OK;
}

/* People copy configurations to hosts where the helper is not installed: then the entry in the
 * file is used, with a warning. missing: the error of the helper, which is returned when there
 * is no entry. */
static int replace_helper(place *p, const char *registry, const char *repository, koc__call *call,
                          koc_error **missing, koc_credential **out, koc_error **err)
{
    const char *name = p->path ? p->path : "DOCKER_AUTH_CONFIG";
    KOC__TRY(read_file_entry(p, registry, repository, out, err));
    if (!*out) {
        koc__error(err, KOC_EPROCESS, "%s (%s names it)", koc_error_message(*missing), name);
        return KOC_EPROCESS;
    }
    if (call && !p->warned) {
        koc__log(call->ctx, KOC_LOG_WARN, "registry", "%s; using the entry in %s for %s instead",
                 koc_error_message(*missing), name, registry);
    }
    p->warned = true;
    return KOC_OK;
}

static int ask_place(docker *d, place *p, const char *registry, const char *repository,
                     koc__call *call, koc_credential **out, koc_error **err)
{
    KOC__AUTO(koc_error) failure = NULL;
    const char *how;
    if (!p->loaded) {
        KOC__TRY(load(p, call, err));
        p->loaded = true;
    }
    if (!p->doc) {
        return KOC_OK;
    }
    const koc__jnode *root = koc__json_root(p->doc);
    const char *helper = p->legacy ? NULL : koc__config_helper(root, registry, &how);
    if (helper) {
        int rc = ask_helper(d, helper, how, registry, call, out, &failure);
        if (rc == KOC_EPROCESS && koc__helper_is_missing(helper)) {
            return replace_helper(p, registry, repository, call, &failure, out, err);
        }
        if (rc != KOC_OK) {
            return koc__error_move(err, &failure);
        }
        if (*out) {
            return KOC_OK;
        }
    }
    return read_file_entry(p, registry, repository, out, err);
}

static int ask_all(docker *d, const char *registry, const char *repository, koc__call *call,
                   koc_credential **out, koc_error **err)
{
    KOC__AUTO(koc_credential) found = NULL;
    if (!d->placed) {
        KOC__TRY(find_places(d, err));
        d->placed = true;
    }
    for (size_t i = 0; i < d->n_places && !found; i++) {
        KOC__TRY(ask_place(d, &d->places[i], registry, repository, call, &found, err));
    }
    if (!found && !d->config_path) {
        KOC__TRY(ask_environment(d, registry, call, &found, err));
    }
    if (found) {
        *out = koc__steal(&found);
    }
    return KOC_OK;
}

/* --- the object --- */

/* One look-up at a time, so that a helper runs once; waiting ends with the call. */
static int docker_get(void *self, const char *registry, const char *repository, koc__call *call,
                      koc_credential **out, koc_error **err)
{
    docker *d = self;
    KOC__TRY(koc__turn_enter(&d->turn, call, err));
    int rc = ask_all(d, registry, repository, call, out, err);
    koc__turn_leave(&d->turn);
    return rc;
}

static void docker_release(void *self)
{
    docker *d = self;
    for (size_t i = 0; i < d->n_places; i++) {
        koc__free(d->places[i].path);
        if (d->places[i].text) {
            koc__wipe(d->places[i].text, strlen(d->places[i].text));
            koc__free(d->places[i].text);
        }
        koc__json_free(d->places[i].doc);
    }
    koc__map_free(d->answers);
    koc__free(d->config_path);
    koc__turn_destroy(&d->turn);
    koc__free(d);
}

static const koc__auth_vt docker_vt = {docker_get, NULL, docker_release};

int koc__auth_docker(const char *config_path, koc__auth_cloud_fn *cloud, koc_auth **out,
                     koc_error **err)
{
    docker *d = koc__calloc(1, sizeof(*d));
    if (!d) {
        return koc__oom(err);
    }
    koc__turn_init(&d->turn);
    d->cloud = cloud;
    d->config_path = config_path && config_path[0] ? koc__strdup(config_path) : NULL;
    if (config_path && config_path[0] && !d->config_path) {
        docker_release(d);
        return koc__oom(err);
    }
    int rc = koc__auth_make(&docker_vt, d, out, err);
    if (rc != KOC_OK) {
        docker_release(d);
    }
    return rc;
}
