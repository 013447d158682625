/* Finds the settings file; creates and frees koc__go_settings. */
#include "core/common.h"

#include <sys/stat.h>

#include "core/env.h"
#include "core/path.h"
#include "golang/config/settings.h"
#include "golang/go_env.h"

static int reject_toml(const char *path, koc_error **err)
{
    int rc = koc__error(err, KOC_EUNSUPPORTED, "cannot read %s: settings in TOML are not supported",
                        path);
    koc__error_hint(err, "write the same keys to .ko.yaml");
    return rc;
}

/* KOC_OK: path is a regular file. KOC_ENOTFOUND: nothing has that name. Other errors say what it is. */
static int check_file(const char *path, koc_error **err)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        return S_ISREG(st.st_mode)
                   ? KOC_OK
                   : koc__error(err, KOC_EINVAL, "cannot read %s: it is %s, not a file", path,
                                koc__fs_kind(&st));
    }
    int code = errno;
    if (code != ENOENT) {
        return koc__error_errno(err, code, "cannot read %s", path);
    }
    return lstat(path, &st) == 0
               ? koc__error(err, KOC_EINVAL, "cannot read %s: it is a link that leads nowhere",
                            path)
               : koc__error(err, KOC_ENOTFOUND, "cannot read %s: no such file", path);
}

/* A file named by the user; its extension determines the format. A directory stands for its .ko.yaml. */
static int find_named(const char *path, char **out, koc_error **err)
{
    if (koc__fs_is_dir(path)) {
        KOC__AUTO_STR file = koc__path_join(path, ".ko.yaml");
        if (!file) {
            return koc__oom(err);
        }
        KOC__TRY(check_file(file, err));
        *out = koc__steal(&file);
        return KOC_OK;
    }
    KOC__TRY(check_file(path, err));
    koc_str name = koc__str(path);
    if (koc__str_ends(name, ".toml")) {
        return reject_toml(path, err);
    }
    if (!koc__str_ends(name, ".yaml") && !koc__str_ends(name, ".yml") &&
        !koc__str_ends(name, ".json")) {
        return koc__error(err, KOC_EINVAL,
                          "cannot read %s: settings files end in .yaml, .yml or .json", path);
    }
    *out = koc__strdup(path);
    return *out ? KOC_OK : koc__oom(err);
}

/* In ko's order, in the working directory only. */
static int find_default(char **out, koc_error **err)
{
    static const char *const names[] = {".ko.json", ".ko.toml", ".ko.yaml", ".ko.yml"};
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        KOC__AUTO(koc_error) why = NULL;
        int rc = check_file(names[i], &why);
        if (rc == KOC_ENOTFOUND) {
            continue;
        }
        if (rc != KOC_OK) {
            return koc__error_move(err, &why);
        }
        if (koc__str_ends(koc__str(names[i]), ".toml")) {
            return reject_toml(names[i], err);
        }
        *out = koc__strdup(names[i]);
        return *out ? KOC_OK : koc__oom(err);
    }
    return KOC_OK;
}

int koc__go_settings_load(const char *path, bool offline, koc__go_settings **out, koc_error **err)
{
    KOC__AUTO(koc__go_settings) s = koc__calloc(1, sizeof(*s));
    if (!s) {
        return koc__oom(err);
    }
    koc_strlist **lists[] = {&s->platforms, &s->env,  &s->flags,
                             &s->ldflags,   &s->sbom, &s->warnings};
    for (size_t i = 0; i < KOC__COUNT(lists); i++) {
        KOC__TRY(koc__strlist_new(lists[i], err));
    }
    KOC__TRY(koc__go_set_base(s, NULL, KOC__GO_DEFAULT_BASE, err));
    KOC__TRY(koc__go_env_new(&s->go_env, err));
    s->offline = offline;
    const char *named = path ? path : koc__env_nonempty("KO_CONFIG_PATH");
    KOC__TRY(named ? find_named(named, &s->path, err) : find_default(&s->path, err));
    if (s->path) {
        KOC__TRY(koc__go_settings_read(s, err));
    }
    KOC__TRY(koc__go_settings_env(s, err));
    *out = koc__steal(&s);
    return KOC_OK;
}

void koc__go_settings_free(koc__go_settings *s)
{
    if (!s) {
        return;
    }
    koc__go_free_bases(s);
    for (size_t i = 0; i < s->n_builds; i++) {
        koc__go_config *c = &s->builds[i];
        char *strings[] = {c->id, c->dir, c->main};
        for (size_t k = 0; k < KOC__COUNT(strings); k++) {
            koc__free(strings[k]);
        }
        koc_strlist_free(c->flags);
        koc_strlist_free(c->ldflags);
        koc_strlist_free(c->env);
        koc_strlist_free(c->capabilities);
        koc_error_free(c->why);
    }
    koc__free(s->builds);
    koc_strlist *lists[] = {s->platforms, s->env, s->flags, s->ldflags, s->sbom, s->warnings};
    for (size_t i = 0; i < KOC__COUNT(lists); i++) {
        koc_strlist_free(lists[i]);
    }
    koc__go_env_free(s->go_env);
    koc__free(s->path);
    koc__free(s->sbom_author);
    koc__free(s);
}

const koc__go_base *koc__go_settings_base(const koc__go_settings *s, const char *import_path)
{
    for (size_t i = 0; i < s->n_overrides; i++) {
        if (koc__str_ieq(koc__str(s->overrides[i].path), koc__str(import_path))) {
            return &s->overrides[i];
        }
    }
    return &s->base;
}

/* --- platforms --- */

static int add_split(koc_strlist *l, const char *item, koc_error **err)
{
    koc_str rest = koc__str(item);
    koc_str piece;
    while (koc__str_split(&rest, ',', &piece)) {
        piece = koc__str_trim(piece);
        if (piece.len > 0) {
            KOC__TRY(koc__strlist_add_n(l, piece, err));
        }
    }
    return KOC_OK;
}

static int add_env_platform(koc_strlist *l, koc_error **err)
{
    const char *os = koc__env_nonempty("GOOS");
    const char *arch = koc__env_nonempty("GOARCH");
    const char *arm = koc__env_nonempty("GOARM");
    if (!os || !arch) {
        return koc__strlist_add(l, "linux/amd64", err);
    }
    if (arm && strstr(arch, "arm")) {
        return koc__strlist_addf(l, err, "%s/%s/v%s", os, arch, arm);
    }
    return koc__strlist_addf(l, err, "%s/%s", os, arch);
}

int koc__go_settings_platforms(const koc__go_settings *s, const char *const *requested,
                               koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) wanted = NULL;
    KOC__TRY(koc__strlist_new(&wanted, err));
    for (; requested && *requested; requested++) {
        KOC__TRY(add_split(wanted, *requested, err));
    }
    const char *source = "platforms";
    bool option = true;
    if (koc_strlist_count(wanted) == 0) {
        source = "defaultPlatforms";
        option = false;
        for (size_t i = 0; i < koc_strlist_count(s->platforms); i++) {
            KOC__TRY(add_split(wanted, koc_strlist_get(s->platforms, i), err));
        }
    }
    if (koc_strlist_count(wanted) == 0) {
        KOC__TRY(add_env_platform(wanted, err));
        source = NULL;
    }
    static const char *const ambient[] = {"GOOS", "GOARCH", "GOARM"};
    for (size_t i = 0; source && i < KOC__COUNT(ambient); i++) {
        if (koc__env(ambient[i])) {
            int rc = koc__error(err, KOC_EINVAL, "%s: the environment variable %s is also set",
                                source, ambient[i]);
            koc__error_blame(err, option ? source : NULL);
            koc__error_hint(err, "unset %s", ambient[i]);
            return rc;
        }
    }
    *out = koc__steal(&wanted);
    return KOC_OK;
}
