/* Makes the SBOMs of a work's images: once for each digest, from what go, git and the cache of modules know. */
#include "core/common.h"

#include <koc/version.h>

#include "publish/publish.h"

#include "core/env.h"
#include "core/hash/digests.h"
#include "core/io/cache.h"
#include "core/path.h"
#include "core/text.h"
#include "model/model.h"
#include "sbom/sbom.h"

#define SBOM_MAX ((size_t)64 << 20)
#define VENDOR   "org.opencontainers.image.vendor"

/* Raise it when the same inputs lead to another document. The library's version alone does not distinguish
 * development builds. */
enum { DIALECT = 3 };

/* What is found out once for all documents of a work. */
typedef struct creation {
    koc__work *w;
    koc__sbom_options o; /* borrows from the strings below */
    char *proxy, *private, *modules, *main_dir, *vendor, *binary_name, *source_url, *git_name,
        *git_email;
    bool asked_git, found_modules;
} creation;

static void creation_dispose(creation *c)
{
    koc__free(c->proxy);
    koc__free(c->private);
    koc__free(c->modules);
    koc__free(c->main_dir);
    koc__free(c->vendor);
    koc__free(c->binary_name);
    koc__free(c->source_url);
    koc__free(c->git_name);
    koc__free(c->git_email);
}
KOC__DEFINE_AUTO_VAL(creation, creation_dispose);

/* Everything that decides the document; the image's digest covers its content. Not part of it is what git knows: a
 * document stays true when a commit is pushed later, and an unchanged build need not ask. */
static char *record_key(const creation *c, const koc_digest *subject)
{
    const koc__sbom_options *o = &c->o;
    const koc__plan *p = c->w->plan;
    return koc__format("%s/%d|%s|%s|%s|%d|%d %lld|%s|%s|%s|%s", KOC_VERSION_STRING, DIALECT,
                       koc__digest_str(subject).s, koc__sbom_format_name(o->format),
                       o->repository ? o->repository : "", o->compat, o->has_epoch,
                       (long long)o->epoch, o->module_proxy ? o->module_proxy : "",
                       o->module_private ? o->module_private : "", c->w->target->import_path,
                       p->sbom_author_text ? p->sbom_author_text : "");
}

/* The module proxy and the private modules. ko always takes the default proxy of the toolchain. */
static int find_sources(creation *c, koc_error **err)
{
    const koc__plan *p = c->w->plan;
    KOC__AUTO_STR list = NULL;
    KOC__TRY(koc__go_variable(p->settings, "GOPROXY", p->compat, &list, err));
    KOC__TRY(koc__sbom_proxy(list, &c->proxy, err));
    KOC__TRY(koc__go_variable(p->settings, "GONOPROXY", false, &c->private, err));
    return c->private ? KOC_OK
                      : koc__go_variable(p->settings, "GOPRIVATE", false, &c->private, err);
}

/* GOMODCACHE, else the directory below the first of GOPATH, else below the home directory. */
static int find_module_cache(creation *c, koc_error **err)
{
    const koc__go_settings *s = c->w->plan->settings;
    KOC__AUTO_STR path = NULL;
    KOC__AUTO_STR home = NULL;
    KOC__TRY(koc__go_variable(s, "GOMODCACHE", false, &c->modules, err));
    if (c->modules) {
        return KOC_OK;
    }
    KOC__TRY(koc__go_variable(s, "GOPATH", false, &path, err));
    if (path) {
        path[strcspn(path, ":")] = '\0';
        c->modules = koc__path_join(path, "pkg/mod");
        return c->modules ? KOC_OK : koc__oom(err);
    }
    home = koc__home();
    c->modules = home ? koc__path_join(home, "go/pkg/mod") : NULL;
    return KOC_OK;
}

/* The nearest directory from dir upwards that has name; *out stays NULL: none. */
static int find_upwards(const char *dir, const char *name, char **out, koc_error **err)
{
    KOC__AUTO_STR at = NULL;
    KOC__TRY(koc__path_abs(dir, &at, err));
    for (;;) {
        KOC__AUTO_STR path = koc__path_join(at, name);
        KOC__AUTO_STR up = koc__str_dup(koc__path_dir(koc__str(at)));
        if (!path || !up) {
            return koc__oom(err);
        }
        if (koc__fs_exists(path)) {
            *out = koc__steal(&at);
            return KOC_OK;
        }
        if (koc__streq(up, at)) {
            return KOC_OK;
        }
        koc__free(at);
        at = koc__steal(&up);
    }
}

/* For licences and hashes; asked only for a new document. */
static int find_modules(creation *c, koc_error **err)
{
    const char *dir = c->w->target->package_dir;
    KOC__AUTO_STR above = NULL;
    if (c->found_modules || !dir) {
        return KOC_OK;
    }
    c->found_modules = true; /* also if there are none: without HOME there is no cache */
    KOC__TRY(find_module_cache(c, err));
    KOC__TRY(find_upwards(dir, "go.mod", &c->main_dir, err));
    KOC__TRY(find_upwards(dir, "vendor/modules.txt", &above, err));
    c->vendor = above ? koc__path_join(above, "vendor") : NULL;
    c->o.modules =
        (koc__module_places){.cache = c->modules, .vendor = c->vendor, .main = c->main_dir};
    return KOC_OK;
}

/* A label of the image's config, else an annotation of its manifest, or NULL. */
static const char *said_of(const koc_image *img, const char *key)
{
    const koc__jnode *config = koc__json_root(koc__image_config_json(img));
    const char *label = koc__json_get_str(koc__json_at(config, "/config/Labels"), key);
    const char *said = label ? label : koc_image_annotation(img, key);
    return said && *said ? said : NULL;
}

static int begin(koc__work *w, creation *c, koc_error **err)
{
    const koc__plan *p = w->plan;
    const koc_image *base = w->units[0].on->image;
    c->w = w;
    c->binary_name = koc__format("/ko-app/%s", w->app);
    if (!c->binary_name) {
        return koc__oom(err);
    }
    KOC__TRY(find_sources(c, err));
    c->o = (koc__sbom_options){
        .compat = p->compat,
        .has_epoch = p->has_epoch,
        .epoch = p->epoch,
        .now = koc__now(),
        .author = p->sbom_author,
        .base_vendor = base ? said_of(base, VENDOR) : NULL,
        .repository = *w->name ? w->name : NULL,
        .import_path = w->target->import_path,
        .binary_name = c->binary_name,
        .module_proxy = c->proxy,
        .module_private = c->private,
    };
    return KOC_OK;
}

/* --- what git knows --- */

static int ask_git(creation *c, const koc__exe_info *info, koc__call *call, koc_error **err)
{
    const char *dir = c->w->target->package_dir;
    const char *revision = koc__exe_setting(info, "vcs.revision");
    bool same = koc__streq(koc__exe_setting(info, "vcs"), "git") &&
                koc__streq(koc__exe_setting(info, "vcs.modified"), "false");
    if (c->asked_git || !dir) {
        return KOC_OK;
    }
    c->asked_git = true;
    if (revision && same) {
        KOC__TRY(koc__git_published(dir, revision, call, &c->source_url, err));
        c->o.source_url = c->source_url;
    }
    if (!c->w->plan->sbom_author_told) {
        KOC__TRY(koc__git_user(dir, call, &c->git_name, &c->git_email, err));
        c->o.author = (koc__sbom_author){.name = c->git_name, .person = true};
        c->o.author.contact = c->git_name ? c->git_email : NULL;
    }
    return KOC_OK;
}

/* --- one document --- */

/* *out stays NULL: the program has no build info. */
static int read_info(const koc__unit *unit, koc__exe_info **out, koc_error **err)
{
    koc_error *why = NULL;
    int rc = koc__exe_info_read(unit->binary->path, out, &why);
    if (rc == KOC_ENOTFOUND) { /* stripped: an SBOM without modules is still correct */
        koc__error_clear(&why);
        koc__log(unit->work->plan->ctx, KOC_LOG_WARN, "sbom",
                 "the SBOM of %s names no modules: its program holds no build info",
                 unit->work->target->import_path);
        rc = KOC_OK;
    }
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &why);
}

/* unit NULL: the index. */
static int create_text(creation *c, const koc__unit *unit, koc__call *call, koc_buf *out,
                       koc_error **err)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    KOC__TRY(read_info(unit ? unit : &c->w->units[0], &info, err));
    if (!c->o.compat || c->o.format != KOC__SBOM_SPDX) {
        KOC__TRY(ask_git(c, info, call, err));
        KOC__TRY(find_modules(c, err));
    }
    c->o.binary = unit ? unit->binary->path : NULL;
    c->o.build_id = unit ? unit->binary->build_id : NULL;
    c->o.data = unit ? unit->kodata : NULL;
    c->o.debugger = unit && unit->debugger ? unit->debugger->path : NULL;
    c->o.debugger_id = unit && unit->debugger ? unit->debugger->build_id : NULL;
    return unit ? koc__sbom_image(&c->o, unit->image, info, call, out, err)
                : koc__sbom_index(&c->o, c->w->index, info, call, out, err);
}

static int create_one(creation *c, const koc__unit *unit, koc__call *call, koc__sbom_doc *doc,
                      koc_error **err)
{
    koc__work *w = c->w;
    koc__cache *cache = w->plan->ctx->cache;
    const koc_descriptor *d =
        unit ? koc_image_descriptor(unit->image) : koc_index_descriptor(w->index);
    doc->subject = &d->digest;
    doc->format = c->o.format;
    doc->file_name = koc__sbom_file_name(w->app, unit ? unit->on->platform : NULL, doc->format);
    KOC__AUTO_STR key = record_key(c, doc->subject);
    if (!doc->file_name || !key) {
        return koc__oom(err);
    }
    bool found = false;
    if (cache) {
        KOC__TRY(koc__cache_get(cache, "sbom", koc__str(key), SBOM_MAX, &found, &doc->text, err));
    }
    if (found) {
        return KOC_OK;
    }
    KOC__TRY(create_text(c, unit, call, &doc->text, err));
    if (cache) { /* a failed write costs time, not the build */
        koc__cache_put(cache, "sbom", koc__str(key), koc__str_n(doc->text.ptr, doc->text.len),
                       NULL);
    }
    return KOC_OK;
}

int koc__sboms_create(koc__work *w, koc__call *call, koc_error **err)
{
    const koc__plan *p = w->plan;
    KOC__AUTO_VAL(creation) c = {0};
    if (p->n_sbom_formats == 0 || !(p->to_registry || p->o.sbom_dir)) {
        return KOC_OK;
    }
    KOC__TRY(begin(w, &c, err));
    w->sboms_capacity = (w->n_units + 1) * p->n_sbom_formats;
    w->sboms = koc__calloc(w->sboms_capacity, sizeof(*w->sboms));
    if (!w->sboms) {
        return koc__oom(err);
    }
    for (size_t f = 0; f < p->n_sbom_formats; f++) {
        c.o.format = p->sbom_formats[f];
        if (f > 0 && !p->o.sbom_dir) {
            break; /* only the first is attached */
        }
        for (size_t i = 0; i < w->n_units; i++) {
            KOC__TRY(create_one(&c, &w->units[i], call, &w->sboms[w->n_sboms], err));
            w->n_sboms++;
        }
        if (w->index) {
            KOC__TRY(create_one(&c, NULL, call, &w->sboms[w->n_sboms], err));
            w->n_sboms++;
        }
    }
    return KOC_OK;
}
