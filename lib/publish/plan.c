/* Options, environment and .ko.yaml become one plan. Rejects everything that can be rejected before work starts. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/dynbuf.h"
#include "core/env.h"
#include "core/io/outfile.h"
#include "core/path.h"
#include "layer/layer.h"
#include "model/model.h"

#define FLAGS_KNOWN (0x3ffu | KOC_PUBLISH_INPUTS | KOC_PUBLISH_DEBUG)

void koc__plan_free(koc__plan *p)
{
    if (!p) {
        return;
    }
    koc_client_unref(p->client);
    koc__local_free(p->local);
    koc__go_settings_free(p->settings);
    koc_strlist_free(p->platforms);
    koc_strlist_free(p->tags);
    koc_strlist_free(p->warnings);
    koc__free(p->repository);
    koc__free(p->sbom_repository);
    koc__free(p->sbom_author_text);
    koc__free(p->sbom_author_storage);
    koc__free(p->layout_path);
    for (size_t i = 0; i < p->n_labels; i++) {
        koc__free((char *)(uintptr_t)p->labels[i].key);
    }
    for (size_t i = 0; i < p->n_annotations; i++) {
        koc__free((char *)(uintptr_t)p->annotations[i].key);
    }
    koc__free(p->labels);
    koc__free(p->annotations);
    koc__free(p);
}

/* Parses key=value items; kv.key owns the copy of an item. */
static int read_pairs(const char *const *items, const char *option, koc_kv **out, size_t *n_out,
                      koc_error **err)
{
    size_t n = 0;
    while (items && items[n]) {
        n++;
    }
    if (n == 0) {
        return KOC_OK;
    }
    koc_kv *list = koc__calloc(n, sizeof(*list));
    if (!list) {
        return koc__oom(err);
    }
    *out = list;
    for (size_t i = 0; i < n; i++) {
        if (!strchr(items[i], '=')) {
            return koc__error_option(err, option, "\"%s\" is not key=value", items[i]);
        }
        char *copy = koc__strdup(items[i]);
        if (!copy) {
            return koc__oom(err);
        }
        char *equals = strchr(copy, '=');
        *equals = '\0';
        list[*n_out].key = copy;
        list[*n_out].value = equals + 1;
        (*n_out)++;
    }
    return KOC_OK;
}

/* Drops duplicates and keeps the order (ko 1.3). */
static int read_tags(koc__plan *p, koc_error **err)
{
    KOC__TRY(koc__strlist_new(&p->tags, err));
    static const char *const latest[] = {"latest", NULL};
    const char *const *tags = p->o.tags ? p->o.tags : latest;
    for (size_t i = 0; tags[i]; i++) {
        if (!*tags[i]) {
            return koc__error_option(err, "tags",
                                     "an empty tag; name one, or leave the option out");
        }
        if (!koc__strlist_has(p->tags, tags[i])) {
            KOC__TRY(koc__strlist_add(p->tags, tags[i], err));
        }
    }
    if (koc_strlist_count(p->tags) == 0) {
        return koc__error_option(err, "tags", "no tag given; nothing would be published");
    }
    bool push = !(p->o.flags & KOC_PUBLISH_NO_PUSH);
    if ((p->o.flags & KOC_PUBLISH_TAG_ONLY) && push) {
        if (koc_strlist_count(p->tags) != 1) {
            return koc__error_option(err, "tag_only", "exactly one tag is needed, %zu are given",
                                     koc_strlist_count(p->tags));
        }
        if (koc__streq(koc_strlist_get(p->tags, 0), "latest")) {
            return koc__error_option(err, "tag_only",
                                     "\"latest\" names no version; give another tag");
        }
    }
    for (size_t i = 0; i < koc_strlist_count(p->tags); i++) { /* grammar, before any work */
        KOC__AUTO(koc_reference) probe = NULL;
        KOC__AUTO_STR text = koc__format("x.example/x:%s", koc_strlist_get(p->tags, i));
        if (!text) {
            return koc__oom(err);
        }
        if (koc_reference_parse(text, 0, &probe, NULL) != KOC_OK) {
            return koc__error_option(
                err, "tags",
                "\"%s\" is not a tag (up to 128 of A-Z a-z 0-9 _ . -, not first . or -)",
                koc_strlist_get(p->tags, i));
        }
    }
    return KOC_OK;
}

static int default_layout(char **out, koc_error **err)
{
    KOC__AUTO_STR data = koc__xdg("XDG_DATA_HOME", ".local/share");
    if (!data) {
        return koc__error(
            err, KOC_EINVAL,
            "no destination: KO_DOCKER_REPO is not set, and there is no home directory for a layout");
    }
    *out = koc__path_join(data, "koc/images");
    return *out ? KOC_OK : koc__oom(err);
}

/* KO_DOCKER_REPO is a registry or a repository: host[:port][/path], nothing after. */
static int check_repository(const char *text, koc_error **err)
{
    KOC__AUTO_STR what =
        koc__format("KO_DOCKER_REPO: \"%s\" is not a registry or repository", text);
    if (!what) {
        return koc__oom(err);
    }
    int rc = koc__reference_check_prefix(text, what, err);
    if (rc == KOC_EINVAL) {
        koc__error_hint(err, "for example: KO_DOCKER_REPO=registry.example/team");
    }
    return rc;
}

/* On docker.io a name without a namespace is one of Docker's own images: "library/app". */
static int check_namespace(const koc__plan *p, koc_error **err)
{
    KOC__AUTO_STR probe = koc__format("%s/x", p->repository);
    KOC__AUTO(koc_reference) r = NULL;
    if (!probe) {
        return koc__oom(err);
    }
    KOC__TRY(koc__reference_parse_repository(probe, &r, err));
    bool preserved = p->o.flags & KOC_PUBLISH_PRESERVE_IMPORT_PATHS;
    if (preserved || !koc__streq(koc_reference_repository(r), "library/x")) {
        return KOC_OK;
    }
    koc__error(err, KOC_EINVAL,
               "KO_DOCKER_REPO: %s without a namespace is library/, where only Docker pushes",
               p->repository);
    koc__error_hint(err, "KO_DOCKER_REPO=docker.io/NAME, with your user or organisation as NAME");
    return KOC_EINVAL;
}

static int cannot_push(const koc__plan *p, koc_error **err)
{
    int rc = koc__error_option(err, "offline", "cannot push to %s", p->repository);
    koc__error_hint_on(err, KOC_HINT_NO_PUSH, NULL,
                       "without a push images can go to an OCI layout or an archive");
    return rc;
}

/* Daemon and nodes are the only destination, as in ko (its quirk Q15). A warning names what is ignored. */
static int choose_local(koc__plan *p, koc_error **err)
{
    const char *domain = koc__local_domain(p->local_kind);
    const char *ignored = p->o.oci_layout_path               ? "the OCI layout"
                          : p->o.tarball                     ? "the archive"
                          : p->o.flags & KOC_PUBLISH_NO_PUSH ? "not to push"
                                                             : NULL;
    if (!*p->repository) {
        koc__free(p->repository);
        p->repository = koc__strdup(domain);
        if (!p->repository) {
            return koc__oom(err);
        }
    }
    KOC__TRY(check_repository(p->repository, err));
    p->o.oci_layout_path = p->o.tarball = NULL;
    return ignored
               ? koc__strlist_addf(p->warnings, err,
                                   "%s is ignored: images go into %s and nowhere else", ignored,
                                   p->local_kind == KOC__LOCAL_DOCKER ? "the daemon" : "the nodes")
               : KOC_OK;
}

static int choose_destination(koc__plan *p, koc_error **err)
{
    const char *repo = p->o.repository ? p->o.repository : koc__env("KO_DOCKER_REPO");
    if (repo && koc__str_starts(koc__str(repo), "docker://")) {
        repo += strlen("docker://"); /* as skopeo writes it */
    }
    size_t n = repo ? strlen(repo) : 0;
    while (n > 0 && repo[n - 1] == '/') {
        n--; /* a slash at the end is tolerated, as in ko */
    }
    p->repository = koc__strndup(repo ? repo : "", n);
    if (!p->repository) {
        return koc__oom(err);
    }
    KOC__TRY(koc__local_choose(p->o.into, p->repository, &p->local_kind, &p->local_rest, err));
    if (p->local_kind != KOC__LOCAL_NONE) {
        return choose_local(p, err);
    }
    if (*p->repository) {
        KOC__TRY(check_repository(p->repository, err));
    }
    bool push = !(p->o.flags & KOC_PUBLISH_NO_PUSH);
    if (p->o.oci_layout_path) {
        p->layout_path = koc__strdup(p->o.oci_layout_path);
        if (!p->layout_path) {
            return koc__oom(err);
        }
    }
    if (!push) {
        return KOC_OK;
    }
    if (*p->repository) {
        p->to_registry = true;
        KOC__TRY(check_namespace(p, err));
        return p->o.flags & KOC_PUBLISH_OFFLINE ? cannot_push(p, err) : KOC_OK;
    }
    if (!(p->o.flags & KOC_PUBLISH_DEFAULT_LAYOUT)) {
        koc__error(err, KOC_EINVAL, "no destination: KO_DOCKER_REPO is not set");
        koc__error_hint(err, "for example: KO_DOCKER_REPO=registry.example/team");
        return KOC_EINVAL;
    }
    if (!p->layout_path && !p->o.tarball) {
        return default_layout(&p->layout_path, err);
    }
    return KOC_OK;
}

/* Finds out before the compile whether the file can be written. */
static int check_file(const char *path, const char *option, koc_error **err)
{
    KOC__AUTO_VAL(koc__outfile) file = KOC__OUTFILE_INIT;
    int rc = path ? koc__outfile_open(path, 0644, NULL, &file, err) : KOC_OK;
    koc__error_blame(rc == KOC_OK ? NULL : err, option);
    return koc__error_prefix(err, rc, "%s", option);
}

static int check_directory(const char *path, const char *option, koc_error **err)
{
    KOC__AUTO_STR directory = path ? koc__strdup(path) : NULL;
    if (!path) {
        return KOC_OK;
    }
    if (koc__fs_exists(path) && !koc__fs_is_dir(path)) {
        return koc__error_option(err, option, "%s is a file, a directory is needed", path);
    }
    while (directory && !koc__fs_exists(directory)) { /* the nearest existing parent decides */
        char *up = koc__str_dup(koc__path_dir(koc__str(directory)));
        koc__free(directory);
        directory = up;
    }
    if (!directory) {
        return koc__oom(err);
    }
    if (access(directory, W_OK | X_OK) != 0) {
        int rc = koc__error_errno(err, errno, "%s: cannot write to %s", option, directory);
        koc__error_blame(err, option);
        return rc;
    }
    return KOC_OK;
}

static int check_compression(koc__plan *p, koc_error **err)
{
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    o.compression = p->o.compression;
    o.level = p->o.level;
    int rc = koc__layer_options_fill(&o, &o, err);
    if (rc != KOC_OK) {
        koc__error_blame(err, "compression");
    }
    return rc;
}

static int check_outputs(koc__plan *p, koc_error **err)
{
    KOC__TRY(check_file(p->o.tarball, "tarball", err));
    KOC__TRY(check_file(p->o.image_refs, "image_refs", err));
    KOC__TRY(check_directory(p->o.sbom_dir, "sbom_dir", err));
    KOC__TRY(check_directory(p->o.oci_layout_path, "oci_layout_path", err));
    if (p->o.sbom != KOC_SBOM_SPDX && p->o.sbom != KOC_SBOM_NONE) {
        return koc__error(err, KOC_EMISUSE, "koc_publish: sbom %d is not known", (int)p->o.sbom);
    }
    if (p->o.jobs < 0) {
        return koc__error_option(err, "jobs", "%d is negative", (int)p->o.jobs);
    }
    KOC__TRY(check_compression(p, err));
    int rc = koc__image_config_check_text(KOC_CFG_USER, p->o.user, err);
    if (rc != KOC_OK) {
        koc__error_blame(err, "image_user");
    }
    return koc__error_prefix(err, rc, "image_user");
}

/* A base that cannot be parsed fails before anything is built. An archive of an OCI layout is not a base. */
static int check_base(const koc__plan *p, koc_error **err)
{
    const char *name = p->o.base_image;
    koc_place place = KOC_PLACE_INIT;
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    if (!name || koc__streq(name, "scratch")) {
        return KOC_OK;
    }
    int rc = koc_place_parse(name, KOC_PARSE_NO_PATH, &storage, &place, err);
    if (rc == KOC_OK && place.kind == KOC_PLACE_OCI_ARCHIVE) {
        rc = koc_reference_parse(name, KOC_REFERENCE_TRANSPORTS, &place.reference, err);
    }
    koc_reference_unref(place.reference);
    koc__error_blame(rc == KOC_OK ? NULL : err, "base_image");
    return koc__error_prefix(err, rc, "base_image");
}

static int create_client(koc__plan *p, koc_error **err)
{
    if (p->o.client) {
        p->client = koc_client_ref(p->o.client);
        return KOC_OK;
    }
    koc_auth *auth = NULL;
    KOC__TRY(koc_auth_docker(NULL, &auth, err));
    koc_client_options co = KOC_CLIENT_OPTIONS_INIT;
    co.auth = auth;
    co.flags = p->o.flags & KOC_PUBLISH_OFFLINE ? KOC_CLIENT_OFFLINE : 0;
    int rc = koc_client_new(p->ctx, &co, &p->client, err);
    koc_auth_unref(auth);
    return rc;
}

/* Container tools write wasi/wasm, which go would reject after the base was looked up. */
static int check_os(const char *text, const koc_platform *platform, koc_error **err)
{
    if (!koc__streq(platform->os, "wasi")) {
        return KOC_OK;
    }
    int rc = koc__error(err, KOC_EINVAL, "%s is not a platform of Go", text);
    koc__error_hint(err, "Go's name for it is wasip1/wasm");
    return rc;
}

/* Brings each platform into one spelling; an error names where it was written. */
static int spell_platforms(koc__plan *p, koc_error **err)
{
    KOC__AUTO(koc_strlist) list = NULL;
    const char *source = p->o.platforms && p->o.platforms[0]             ? "platforms"
                         : koc__env_nonempty("KO_DEFAULTPLATFORMS")      ? "KO_DEFAULTPLATFORMS"
                         : koc_strlist_count(p->settings->platforms) > 0 ? "defaultPlatforms"
                                                                         : "GOOS and GOARCH";
    KOC__TRY(koc__strlist_new(&list, err));
    for (size_t i = 0; i < koc_strlist_count(p->platforms); i++) {
        const char *text = koc_strlist_get(p->platforms, i);
        KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
        koc_platform platform = KOC_PLATFORM_INIT;
        bool all = koc__streq(text, "all");
        if (!all) {
            int rc = koc_platform_parse(text, &storage, &platform, err);
            rc = rc == KOC_OK ? check_os(text, &platform, err) : rc;
            koc__error_blame(rc == KOC_OK ? NULL : err,
                             p->o.platforms && p->o.platforms[0] ? source : NULL);
            KOC__TRY(koc__error_prefix(err, rc, "%s", source));
        }
        KOC__AUTO_STR spelled = all ? koc__strdup(text) : koc__platform_str(&platform);
        if (!spelled) {
            return koc__oom(err);
        }
        if (!koc__strlist_has(list, spelled)) {
            KOC__TRY(koc__strlist_add(list, spelled, err));
        }
    }
    koc_strlist_free(p->platforms);
    p->platforms = koc__steal(&list);
    return KOC_OK;
}

int koc__plan_add_warnings(koc__plan *p, const koc_strlist *warnings, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(warnings); i++) {
        const char *text = koc_strlist_get(warnings, i);
        if (!koc__strlist_has(p->warnings, text)) {
            KOC__TRY(koc__strlist_add(p->warnings, text, err));
        }
    }
    return KOC_OK;
}

static int add_sbom_format(koc__plan *p, koc_str name, const char *source, koc_error **err)
{
    koc__sbom_format f;
    if (koc__str_is(name, "none") && koc__streq(source, "sbom")) {
        p->o.sbom = KOC_SBOM_NONE;
        return KOC_OK;
    }
    if (!koc__sbom_format_find(name, &f)) {
        return koc__error_option(err, source, "\"%.*s\" is not spdx, cyclonedx or spdx3",
                                 KOC__FMT(name));
    }
    for (size_t i = 0; i < p->n_sbom_formats; i++) {
        if (p->sbom_formats[i] == f) {
            return KOC_OK;
        }
    }
    p->sbom_formats[p->n_sbom_formats++] = f;
    return KOC_OK;
}

static int choose_sbom_formats(koc__plan *p, koc_error **err)
{
    const char *const *told = p->o.sbom_formats;
    for (size_t i = 0; told && told[i]; i++) {
        KOC__TRY(add_sbom_format(p, koc__str(told[i]), "sbom_formats", err));
    }
    for (size_t i = 0; !told && i < koc_strlist_count(p->settings->sbom); i++) {
        koc_str rest = koc__str(koc_strlist_get(p->settings->sbom, i)), name;
        while (koc__str_split(&rest, ',', &name)) {
            KOC__TRY(add_sbom_format(p, koc__str_trim(name), "sbom", err));
        }
    }
    if (p->o.sbom == KOC_SBOM_NONE) {
        p->n_sbom_formats = 0;
    } else if (p->n_sbom_formats == 0) {
        p->sbom_formats[p->n_sbom_formats++] = KOC__SBOM_SPDX;
    }
    return KOC_OK;
}

/* The option, else .ko.yaml, else the owner of the repository whose workflow runs. */
static int choose_sbom_author(koc__plan *p, koc_error **err)
{
    const char *text = p->o.sbom_author ? p->o.sbom_author : p->settings->sbom_author;
    const char *owner = koc__env_nonempty("GITHUB_REPOSITORY_OWNER");
    const char *server = koc__env_nonempty("GITHUB_SERVER_URL");
    if (!text && !owner) {
        return KOC_OK;
    }
    p->sbom_author_told = true;
    p->sbom_author_text = text ? koc__strdup(text)
                               : koc__format("Organization: %s <%s/%s>", owner,
                                             server ? server : "https://github.com", owner);
    if (!p->sbom_author_text) {
        return koc__oom(err);
    }
    if (koc__streq(text, "none")) {
        return KOC_OK;
    }
    int rc =
        koc__sbom_author_parse(p->sbom_author_text, &p->sbom_author_storage, &p->sbom_author, err);
    p->sbom_author.supplies = rc == KOC_OK;
    koc__error_blame(rc == KOC_OK ? NULL : err, "sbom_author");
    return koc__error_prefix(err, rc, "sbom_author");
}

static int fill(koc__plan *p, koc_error **err)
{
    p->compat = p->o.flags & KOC_PUBLISH_COMPAT_KO;
    KOC__TRY(koc__strlist_new(&p->warnings, err));
    KOC__TRY(check_outputs(p, err));
    KOC__TRY(check_base(p, err));
    KOC__TRY(read_tags(p, err));
    KOC__TRY(read_pairs(p->o.labels, "labels", &p->labels, &p->n_labels, err));
    KOC__TRY(read_pairs(p->o.annotations, "annotations", &p->annotations, &p->n_annotations, err));
    KOC__TRY(koc__go_settings_load(p->o.config_path, p->o.flags & KOC_PUBLISH_OFFLINE, &p->settings,
                                   err));
    p->default_platform = !(p->o.platforms && p->o.platforms[0]) &&
                          koc_strlist_count(p->settings->platforms) == 0 && !koc__env("GOOS") &&
                          !koc__env("GOARCH");
    KOC__TRY(koc__go_settings_platforms(p->settings, p->o.platforms, &p->platforms, err));
    KOC__TRY(spell_platforms(p, err));
    KOC__TRY(choose_destination(p, err));
    KOC__TRY(koc__go_epoch("SOURCE_DATE_EPOCH", &p->has_epoch, &p->epoch, err));
    KOC__TRY(koc__go_epoch("KO_DATA_DATE_EPOCH", &p->has_data_epoch, &p->data_epoch, err));
    KOC__TRY(choose_sbom_formats(p, err));
    KOC__TRY(choose_sbom_author(p, err));
    const char *sbom_repository = koc__env_nonempty("COSIGN_REPOSITORY");
    if (sbom_repository && p->to_registry && p->o.sbom != KOC_SBOM_NONE) {
        KOC__AUTO(koc_reference) r = NULL;
        int rc = koc__reference_parse_repository(sbom_repository, &r, err);
        if (rc != KOC_OK) {
            return koc__error_prefix(err, rc, "COSIGN_REPOSITORY");
        }
        p->sbom_repository = koc__strdup(sbom_repository);
        if (!p->sbom_repository) {
            return koc__oom(err);
        }
    }
    p->go.ldflags = p->o.ldflags;
    p->debug = p->o.flags & KOC_PUBLISH_DEBUG;
    p->go.disable_optimizations = p->debug || p->o.flags & KOC_PUBLISH_DISABLE_OPTIMIZATIONS;
    p->go.force = p->o.flags & KOC_PUBLISH_FORCE;
    p->go.inputs = p->o.flags & KOC_PUBLISH_INPUTS;
    p->go.jobs = (unsigned)p->o.jobs;
    KOC__TRY(koc__plan_add_warnings(p, p->settings->warnings, err));
    return create_client(p, err);
}

int koc__plan_new(koc_ctx *ctx, const koc_publish_options *o, koc__plan **out, koc_error **err)
{
    KOC__AUTO(koc__plan) p = koc__calloc(1, sizeof(*p));
    if (!p) {
        return koc__oom(err);
    }
    p->ctx = ctx;
    KOC__TRY(koc__options_copy(&p->o, sizeof(p->o), o, "koc_publish_options", err));
    if (p->o.flags & ~FLAGS_KNOWN) {
        return koc__misuse(err, "koc_publish: unknown flags");
    }
    KOC__TRY(fill(p, err));
    *out = koc__steal(&p);
    return KOC_OK;
}
