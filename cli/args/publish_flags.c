/* The flags of every command that builds, and their translation into options of koc_publish. */
#include "args/publish_flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(publish_flags, member)
const cli_flag publish_flag_table[] = {
    {"tags", 't', CLI_CSV, AT(tags), "TAGS", "Destination", "tags to write (default latest)"},
    {"tag-only", 0, CLI_BOOL, AT(tag_only), NULL, "Destination",
     "print repo:tag without the digest"},
    {"push", 0, CLI_BOOL, AT(push), NULL, "Destination",
     "push to KO_DOCKER_REPO (default true; --push=false builds only)"},
    {"oci-layout-path", 0, CLI_STRING, AT(layout), "DIR", "Destination",
     "also write an OCI image layout"},
    {"tarball", 0, CLI_STRING, AT(tarball), "FILE", "Destination",
     "also write an archive for docker load (- is stdout)"},
    {"image-refs", 0, CLI_STRING, AT(image_refs), "FILE", "Destination",
     "also write the references of all images to FILE"},
    {"local", 'L', CLI_BOOL, AT(local), NULL, "Destination",
     "load into the local Docker daemon or podman (as KO_DOCKER_REPO=ko.local)"},
    {"into", 0, CLI_STRING, AT(into), "WHERE", "Destination",
     "load into docker, kind[:CLUSTER], k3d[:CLUSTER], minikube[:PROFILE] or containerd[:SOCKET]",
     "docker kind k3d minikube containerd"},
    CLIENT_FLAG_ROWS(publish_flags, client, "Destination"),
    {"preserve-import-paths", 'P', CLI_BOOL, AT(preserve), NULL, "Names",
     "name images by their full import path"},
    {"base-import-paths", 'B', CLI_BOOL, AT(base_paths), NULL, "Names",
     "name images by the last element of their import path, without the MD5 sum"},
    {"bare", 0, CLI_BOOL, AT(bare), NULL, "Names", "use KO_DOCKER_REPO itself as the name"},
    {"platform", 0, CLI_CSV, AT(platforms), "LIST", "Build",
     "all, or a list of os[/arch[/variant]][:os.version] (default linux/amd64)", CLI_PLATFORMS},
    {"base-image", 0, CLI_STRING, AT(base_image), "REF", "Build",
     "base image of all packages: a reference, scratch, oci:DIR or docker-archive:FILE",
     "scratch oci: docker-archive:"},
    {"ldflags", 0, CLI_CSV, AT(ldflags), "FLAGS", "Build",
     "linker flags instead of those in .ko.yaml"},
    {"disable-optimizations", 0, CLI_BOOL, AT(disable_optimizations), NULL, "Build",
     "compile without optimizations, for debuggers"},
    {"debug", 0, CLI_BOOL, AT(debug), NULL, "Build",
     "add the debugger Delve and start the program under it, listening on port 40000"},
    {"delve-version", 0, CLI_STRING, AT(delve_version), "VERSION", "Build",
     "the version of Delve for --debug (default v1.27.2)"},
    {"jobs", 'j', CLI_INT, AT(jobs), "N", "Build",
     "compile N packages in parallel (default one per core)"},
    {"force", 0, CLI_BOOL, AT(force), NULL, "Build", "build even if nothing changed"},
    {"image-label", 0, CLI_CSV, AT(labels), "KEY=VALUE", "Content", "labels of the image's config"},
    {"image-annotation", 0, CLI_CSV, AT(annotations), "KEY=VALUE", "Content",
     "annotations of manifests and index"},
    {"image-user", 0, CLI_STRING, AT(user), "USER", "Content", "user to run the program as"},
    {"sbom", 0, CLI_CSV, AT(sbom), "FORMATS", "Content",
     "spdx (default), cyclonedx and spdx3, of which the first is attached; or none",
     "spdx cyclonedx spdx3 none"},
    {"sbom-author", 0, CLI_STRING, AT(sbom_author), "NAME", "Content",
     "who answers for the SBOMs: [Person: ]NAME [<MAIL or URL>], or none (KOC_SBOM_AUTHOR)"},
    {"sbom-dir", 0, CLI_STRING, AT(sbom_dir), "DIR", "Content", "also write the SBOMs to DIR"},
    {"compression", 0, CLI_STRING, AT(compression), "KIND", "Content",
     "gzip[:1-12] (default gzip:1), zstd[:1-19] or none", "gzip zstd none"},
    {"compat", 0, CLI_STRING, AT(compat), "ko", "Content",
     "reproduce ko's identity strings and byte quirks, so that config digests equal ko's (KOC_COMPAT)",
     "ko"},
    {"offline", 0, CLI_BOOL, AT(offline), NULL, "Other",
     "contact no registry and download no module: everything must be in the cache"},
    {"timings", 0, CLI_BOOL, AT(timings), NULL, "Other", "report on stderr how the time was spent"},
    {"no-cache", 0, CLI_BOOL, AT(no_cache), NULL, "Other", "do not use koc's cache"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

void publish_flags_defaults(void *flags)
{
    publish_flags *f = flags;
    f->push = true;
    f->compat = getenv("KOC_COMPAT");
    f->sbom_author = getenv("KOC_SBOM_AUTHOR");
}

bool is_local_repository(const char *repository)
{
    static const char *const names[] = {"ko.local", "kind.local", "k3d.local", "minikube.local",
                                        "containerd.local"};
    size_t len = repository ? strcspn(repository, "/") : 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (len > 0 && strlen(names[i]) == len && strncmp(names[i], repository, len) == 0) {
            return true;
        }
    }
    return false;
}

/* --- values --- */

static int read_compression(const cli *c, const char *text, koc_publish_options *p)
{
    static const struct {
        const char *name;
        int32_t kind;
        long max;
    } kinds[] = {{"gzip", KOC_COMPRESS_GZIP, 12},
                 {"zstd", KOC_COMPRESS_ZSTD, 19},
                 {"none", KOC_COMPRESS_NONE, 0}};
    if (!text) {
        return EXIT_OK;
    }
    size_t len = strcspn(text, ":");
    for (size_t i = 0; i < 3; i++) {
        if (strlen(kinds[i].name) != len || strncmp(text, kinds[i].name, len) != 0) {
            continue;
        }
        p->compression = kinds[i].kind;
        if (!text[len]) {
            return EXIT_OK;
        }
        char *end = NULL;
        long level = strtol(text + len + 1, &end, 10);
        if (end == text + len + 1 || *end || level < 1 || level > kinds[i].max) {
            break;
        }
        p->level = (int32_t)level;
        return EXIT_OK;
    }
    return cli_usage(c, "--compression: \"%s\" is not gzip[:1-12], zstd[:1-19] or none", text);
}

static int check_values(const cli *c, const publish_flags *f)
{
    if (f->jobs < 0) {
        return cli_usage(c, "--jobs: %d is negative", (int)f->jobs);
    }
    for (size_t i = 0; f->platforms.count > 1 && i < f->platforms.count; i++) {
        if (strcmp(f->platforms.items[i], "all") == 0) {
            return cli_usage(c, "--platform: all cannot be part of a list");
        }
    }
    if (f->delve_version && !f->debug) {
        return cli_usage(c, "--delve-version has no effect without --debug");
    }
    if (f->local && f->into && strcmp(f->into, "docker") != 0) {
        return cli_usage(c, "--local and --into=%s exclude each other", f->into);
    }
    return EXIT_OK;
}

static int read_sbom(const cli *c, const publish_flags *f, koc_publish_options *p)
{
    static const char *const formats[] = {"spdx", "cyclonedx", "spdx3"};
    p->sbom_author = f->sbom_author && *f->sbom_author ? f->sbom_author : NULL;
    if (f->sbom.count == 1 && strcmp(f->sbom.items[0], "none") == 0) {
        p->sbom = KOC_SBOM_NONE;
        return EXIT_OK;
    }
    for (size_t i = 0; i < f->sbom.count; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {
            known = known || strcmp(f->sbom.items[i], formats[k]) == 0;
        }
        if (!known) {
            return cli_usage(c, "--sbom: \"%s\" is not spdx, cyclonedx, spdx3 or none",
                             f->sbom.items[i]);
        }
    }
    p->sbom_formats = cli_list_argv(&f->sbom);
    return EXIT_OK;
}

static int read_values(const cli *c, const publish_flags *f, koc_publish_options *p)
{
    if (f->compat && *f->compat) {
        if (strcmp(f->compat, "ko") != 0) {
            return cli_usage(c, "--compat: \"%s\" is not ko", f->compat);
        }
        p->flags |= KOC_PUBLISH_COMPAT_KO;
    }
    CLI_TRY(read_sbom(c, f, p));
    CLI_TRY(read_compression(c, f->compression, p));
    if (p->compression == KOC_COMPRESS_ZSTD && !(koc_features() & KOC_FEATURE_ZSTD)) {
        return cli_usage(c, "--compression=zstd: this koc was built without zstd");
    }
    return check_values(c, f);
}

static uint32_t flag_bits(const publish_flags *f)
{
    uint32_t bits = 0;
    bits |= f->push ? 0 : KOC_PUBLISH_NO_PUSH;
    bits |= f->tag_only ? KOC_PUBLISH_TAG_ONLY : 0;
    bits |= f->preserve ? KOC_PUBLISH_PRESERVE_IMPORT_PATHS : 0;
    bits |= f->base_paths ? KOC_PUBLISH_BASE_IMPORT_PATHS : 0;
    bits |= f->bare ? KOC_PUBLISH_BARE : 0;
    bits |= f->disable_optimizations ? KOC_PUBLISH_DISABLE_OPTIMIZATIONS : 0;
    bits |= f->debug ? KOC_PUBLISH_DEBUG : 0;
    bits |= f->offline ? KOC_PUBLISH_OFFLINE : 0;
    bits |= f->force ? KOC_PUBLISH_FORCE : 0;
    return bits;
}

int publish_flags_read(const cli *c, const publish_flags *f, koc_publish_options *p)
{
    p->flags = flag_bits(f);
    p->tags = cli_list_argv(&f->tags);
    p->platforms = cli_list_argv(&f->platforms);
    p->base_image = f->base_image;
    p->ldflags = cli_list_argv(&f->ldflags);
    p->labels = cli_list_argv(&f->labels);
    p->annotations = cli_list_argv(&f->annotations);
    p->user = f->user;
    p->oci_layout_path = f->layout;
    p->tarball = f->tarball;
    p->image_refs = f->image_refs;
    p->sbom_dir = f->sbom_dir;
    p->jobs = f->jobs;
    p->delve_version = f->delve_version;
    p->into = f->local ? "docker" : f->into;
    if (f->bare && f->base_paths) {
        cli_warn(c,
                 "--bare and --base-import-paths exclude each other; --base-import-paths is used");
    }
    return read_values(c, f, p);
}

/* --- sessions --- */

int publish_session_open(const cli *c, const publish_flags *f, publish_session *out,
                         koc_error **err)
{
    *out = (publish_session){.flags = f};
    return cli_session_open(c, &f->client,
                            (f->no_cache ? CLI_SESSION_NO_CACHE : 0) |
                                (f->offline ? CLI_SESSION_OFFLINE : 0),
                            &out->base, err);
}

static void forget_inputs(publish_session *s)
{
    for (size_t i = 0; i < s->n_inputs; i++) {
        free(s->inputs[i]);
    }
    free(s->inputs);
    s->inputs = NULL;
    s->n_inputs = 0;
}

/* After a failure the old list stays: it is the best guess. */
static void keep_inputs(publish_session *s, const koc_published *result)
{
    const koc_strlist *paths = koc_published_inputs(result);
    s->guessing = !paths;
    if (!paths) {
        return;
    }
    forget_inputs(s);
    s->inputs = calloc(koc_strlist_count(paths) + 1, sizeof(*s->inputs));
    for (size_t i = 0; s->inputs && i < koc_strlist_count(paths); i++) {
        s->inputs[i] = strdup(koc_strlist_get(paths, i));
        s->n_inputs += s->inputs[i] != NULL;
    }
    s->guessing = s->n_inputs < koc_strlist_count(paths);
}

void publish_session_close(publish_session *s)
{
    forget_inputs(s);
    cli_session_close(&s->base);
}

int publish_session_run(publish_session *s, const koc_publish_options *p, koc_published **out,
                        koc_error **err)
{
    koc_publish_options with_client = *p;
    with_client.client = s->base.client;
    with_client.flags |= s->watching ? KOC_PUBLISH_INPUTS : 0;
    const koc_op *op = cli_session_start(&s->base);
    int rc = s->resolver
                 ? koc_resolve(s->base.ctx, s->resolver, &with_client, s->writer, op, out, err)
                 : koc_publish(s->base.ctx, &with_client, op, out, err);
    cli_session_settle(&s->base);
    keep_inputs(s, rc == KOC_OK ? *out : NULL);
    if (rc == KOC_OK && s->flags->timings && koc_published_timings(*out).len > 0) {
        cli_output(s->base.c, "timings", koc_published_timings(*out).ptr);
    }
    const koc_strlist *warnings = rc == KOC_OK ? koc_published_warnings(*out) : NULL;
    for (size_t i = 0; i < koc_strlist_count(warnings); i++) {
        cli_warn(s->base.c, "%s", koc_strlist_get(warnings, i));
    }
    return rc;
}
