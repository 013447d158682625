/*
 * Fills in the model for an image or an index. Each element can be reached from the document by DESCRIBES,
 * CONTAINS and DEPENDS_ON edges (along which the NTIA's minimum elements are checked). What no source says
 * stays open: no name of a person or company, no version and no place is derived from a path.
 */
#include "core/common.h"

#include <koc/version.h>
#include <stdio.h>

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/path.h"
#include "core/str.h"
#include "core/text.h"
#include "model/model.h"
#include "sbom/bom.h"
#include "sbom/license.h"

#define SOURCE_MAX ((size_t)1 << 20)

typedef struct collector {
    koc__bom *b;
    const koc__sbom_options *o;
    const koc__exe_info *info; /* or NULL */
    koc__call *call;
    const char *short_name; /* last element of the repository or import path */
    size_t image;           /* the component that the document is about */
    koc__bom_edges edges;   /* between modules */
} collector;

static void collector_dispose(collector *c)
{
    koc__bom_edges_dispose(&c->edges);
}
KOC__DEFINE_AUTO_VAL(collector, collector_dispose);

/* --- names and times --- */

static const char *application_path(const collector *c)
{
    if (c->info && c->info->main.path && *c->info->main.path) {
        return c->info->main.path;
    }
    if (c->info && c->info->path && *c->info->path) {
        return c->info->path;
    }
    return c->o->import_path && *c->o->import_path ? c->o->import_path : NULL;
}

static void set_names(collector *c)
{
    const char *path = application_path(c);
    const char *named = c->o->repository    ? c->o->repository
                        : c->o->import_path ? c->o->import_path
                        : path              ? path
                                            : "image";
    c->short_name = koc__bom_take(c->b, koc__str_dup(koc__path_base(koc__str(named))));
    c->b->tool =
        koc__bom_text(c->b, "koc-%s", c->o->tool_version ? c->o->tool_version : KOC_VERSION_STRING);
    c->b->author = c->o->author;
}

/* SOURCE_DATE_EPOCH, else the time of the commit, so that two builds of one commit have equal documents;
 * else the time of the build, else that of the config. */
static int set_created(collector *c, const char *config_created, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(64);
    const char *commit = koc__exe_setting(c->info, "vcs.time");
    int64_t when = 0;
    if (c->o->has_epoch) {
        when = c->o->epoch;
    } else if (commit && koc__parse_rfc3339(koc__str(commit), &when, NULL, NULL) && when >= 0) {
        /* when is that time */
    } else if (c->o->now > 0) {
        when = c->o->now;
    } else {
        bool known = config_created &&
                     koc__parse_rfc3339(koc__str(config_created), &when, NULL, NULL) && when > 0;
        when = known ? when : 0;
    }
    KOC__TRY(koc__rfc3339(&text, when, err));
    c->b->created = koc__bom_text(c->b, "%s", koc__dynbuf_cstr(&text));
    return KOC_OK;
}

static void set_document_name(collector *c, const koc_digest *d)
{
    const char *name = koc__bom_text(c->b, "%s-%.12s", c->short_name, koc__digest_hex(d).s);
    c->b->name = koc__bom_word(c->b, name);
}

/* --- images --- */

static size_t add_container(collector *c, const char *id, const char *name, const koc_digest *d)
{
    size_t i = koc__bom_add(c->b, KOC__BOM_CONTAINER, id, name);
    koc__bom_get(c->b, i)->version = koc__bom_text(c->b, "%s", koc__digest_str(d).s);
    if (d->algorithm == KOC_DIGEST_SHA256) {
        koc__bom_hash_add(c->b, i, KOC__BOM_SHA256, d->bytes, d->len);
    }
    return i;
}

/* For what the author has made: the image and the program. */
static void set_told_supplier(collector *c, size_t i)
{
    koc__bom_component *component = koc__bom_get(c->b, i);
    if (c->o->author.supplies) {
        component->supplier = c->o->author.name;
        component->supplier_is_person = c->o->author.person;
    }
}

/* The image or index that koc built. p NULL: an index. */
static size_t add_image(collector *c, const char *id, const koc_digest *d, const koc_platform *p)
{
    koc_kv qualifiers[] = {
        {"arch", p ? p->arch : NULL}, {"repository_url", c->o->repository}, {"tag", NULL}};
    const char *name = c->o->repository ? c->o->repository : c->short_name;
    size_t i = add_container(c, id, name, d);
    koc__bom_get(c->b, i)->purl =
        koc__bom_take(c->b, koc__purl_oci(c->short_name, d, qualifiers, KOC__COUNT(qualifiers)));
    set_told_supplier(c, i);
    return i;
}

static void add_known_base(collector *c, const koc__sbom_base *base, const char *arch)
{
    const koc_reference *name = base->name;
    const char *tag = koc_reference_tag(name);
    koc_str last = koc__path_base(koc__str(koc_reference_repository(name)));
    const char *short_name = koc__bom_take(c->b, koc__str_dup(last));
    const char *where = koc__reference_context(name);
    koc_kv qualifiers[] = {{"arch", arch}, {"repository_url", where}, {"tag", tag}};
    size_t i =
        add_container(c, koc__bom_text(c->b, "BaseImage-%s", short_name), where, &base->digest);
    koc__bom_component *component = koc__bom_get(c->b, i);
    if (tag) {
        component->version = koc__bom_text(c->b, "%s@%s", tag, component->version);
    }
    component->supplier = c->o->base_vendor;
    component->purl = koc__bom_take(
        c->b, koc__purl_oci(short_name, &base->digest, qualifiers, KOC__COUNT(qualifiers)));
    koc__bom_link(c->b, c->image, KOC__BOM_DESCENDANT_OF, i);
    koc__bom_link(c->b, c->image, KOC__BOM_CONTAINS, i);
}

static int add_base(collector *c, const char *name, const char *digest, const char *arch,
                    koc_error **err)
{
    KOC__AUTO_VAL(koc__sbom_base) base = {0};
    KOC__TRY(koc__sbom_base_read(name, digest, &base, err));
    if (base.text && base.name) {
        add_known_base(c, &base, arch);
    } else if (base.text) {
        size_t i = add_container(c, "BaseImage", base.text, &base.digest);
        koc__bom_get(c->b, i)->supplier = c->o->base_vendor;
        koc__bom_get(c->b, i)->purl =
            koc__bom_take(c->b, koc__purl_oci("image", &base.digest, NULL, 0));
        koc__bom_link(c->b, c->image, KOC__BOM_DESCENDANT_OF, i);
        koc__bom_link(c->b, c->image, KOC__BOM_CONTAINS, i);
    }
    return KOC_OK;
}

/* --- the program --- */

/* The build flags: "package x; -trimpath=true; …". */
static int format_build(collector *c, const char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(SOURCE_MAX);
    if (c->info && c->info->path) {
        KOC__TRY(koc__dynbuf_printf(&text, err, "package %s", c->info->path));
    }
    for (size_t i = 0; c->info && i < c->info->n_settings; i++) {
        const koc_kv *s = &c->info->settings[i];
        KOC__TRY(koc__dynbuf_printf(&text, err, "%s%s=%s", text.len ? "; " : "", s->key, s->value));
    }
    *out = text.len ? koc__bom_text(c->b, "%s", koc__dynbuf_cstr(&text)) : NULL;
    return KOC_OK;
}

/* git+<url>@<revision> if the program was built from that commit and from nothing else, else NULL. */
static const char *commit_url(collector *c)
{
    const char *revision = koc__exe_setting(c->info, "vcs.revision");
    bool same = koc__streq(koc__exe_setting(c->info, "vcs"), "git") &&
                koc__streq(koc__exe_setting(c->info, "vcs.modified"), "false");
    return c->o->source_url && revision && same
               ? koc__bom_text(c->b, "git+%s@%s", c->o->source_url, revision)
               : NULL;
}

static const char *binary_name(const koc__sbom_options *o)
{
    return o->binary_name && o->binary_name[0] == '/' ? o->binary_name + 1 : o->binary_name;
}

static int add_hashes(collector *c, size_t app, koc_error **err)
{
    koc__sbom_hashes hashes;
    if (!c->o->binary) {
        return KOC_OK;
    }
    KOC__TRY(koc__sbom_hash_file(c->o->binary, c->o->build_id, c->call, &hashes, err));
    koc__bom_hash_add(c->b, app, KOC__BOM_SHA256, hashes.sha256, sizeof(hashes.sha256));
    koc__bom_hash_add(c->b, app, KOC__BOM_SHA512, hashes.sha512, sizeof(hashes.sha512));
    return KOC_OK;
}

/* The copyright holder that a licence names is who supplies the component, as far as anything says it. */
static void set_license(collector *c, size_t i, const koc__license *l)
{
    koc__bom_component *component = koc__bom_get(c->b, i);
    component->license = l->expression ? koc__bom_text(c->b, "%s", l->expression) : NULL;
    component->license_listed = l->single;
    component->license_file = l->file ? koc__bom_text(c->b, "%s", l->file) : NULL;
    component->copyright = l->copyright ? koc__bom_text(c->b, "%s", l->copyright) : NULL;
    if (l->holder) {
        component->supplier = koc__bom_text(c->b, "%s", l->holder);
    }
}

/* The main module; without build info, the little that is known of the program. */
static int add_application(collector *c, size_t *out, koc_error **err)
{
    const koc__exe_module *m = c->info && c->info->main.path ? &c->info->main : NULL;
    const char *path = application_path(c);
    path = path ? path : c->short_name;
    size_t i = koc__bom_add(c->b, KOC__BOM_APPLICATION, koc__bom_text(c->b, "Go-%s", path), path);
    const char *version = m && *m->version ? koc__bom_text(c->b, "%s", m->version) : NULL;
    bool released = version && strcmp(version, "(devel)") != 0;
    const char *purl = koc__bom_take(c->b, koc__purl_go(path, released ? version : NULL));
    const char *source;
    KOC__TRY(format_build(c, &source, err));
    koc__bom_component *component = koc__bom_get(c->b, i);
    component->version = version;
    component->purl = purl;
    component->download = commit_url(c);
    if (binary_name(c->o)) {
        koc_str base = koc__path_base(koc__str(binary_name(c->o)));
        component->file_name = koc__bom_take(c->b, koc__str_dup(base));
        component->file_path = koc__bom_text(c->b, "%s", c->o->binary_name);
        component->file = KOC__BOM_EXECUTABLE | KOC__BOM_STRUCTURED;
    }
    component->source = source;
    set_told_supplier(c, i);
    if (c->o->modules.main) {
        KOC__AUTO_VAL(koc__license) license = {0};
        KOC__TRY(koc__license_of_dir(c->o->modules.main, &license, err));
        set_license(c, i, &license);
    }
    koc__bom_link(c->b, c->image, KOC__BOM_CONTAINS, i);
    *out = i;
    return add_hashes(c, i, err);
}

/* The number in "go1.26.8 X:exp"; empty for a toolchain between releases. */
static koc_str release_number(const char *go_version)
{
    koc_str rest = koc__str(go_version), word;
    if (!koc__str_word(&rest, &word) || !koc__str_starts(word, "go")) {
        return KOC__STR("");
    }
    koc_str number = koc__str_from(word, 2);
    for (size_t i = 0; i < number.len; i++) {
        if (number.ptr[i] != '.' && (number.ptr[i] < '0' || number.ptr[i] > '9')) {
            return KOC__STR("");
        }
    }
    return number;
}

static void add_stdlib(collector *c, size_t app)
{
    const char *text = c->info->go_version;
    koc_str number = release_number(text);
    size_t i = koc__bom_add(c->b, KOC__BOM_LIBRARY, "Go-stdlib", "stdlib");
    koc__bom_component *component = koc__bom_get(c->b, i);
    component->version = koc__bom_text(c->b, "%s", text);
    component->supplier = "The Go Authors";
    component->edges_known = true; /* it needs nothing else */
    component->license = "BSD-3-Clause";
    component->license_listed = true;
    component->copyright = "Copyright 2009 The Go Authors.";
    component->source = koc__bom_text(c->b, "the standard library of the toolchain %s", text);
    if (number.len > 0) {
        const char *version = koc__bom_text(c->b, "%.*s", KOC__FMT(number));
        component->version = koc__bom_text(c->b, "go%s", version);
        component->purl = koc__bom_take(c->b, koc__purl_go("stdlib", version));
        component->cpe = koc__bom_text(c->b, "cpe:2.3:a:golang:go:%s:*:*:*:*:*:*:*", version);
        component->download = koc__bom_text(c->b, "https://go.dev/dl/go%s.src.tar.gz", version);
    } else {
        component->purl = koc__bom_take(c->b, koc__purl_go("stdlib", NULL));
    }
    koc__bom_link(c->b, app, KOC__BOM_DEPENDS_ON, i);
}

/* Whether a directory replaces the module; Go calls that version "(devel)" or leaves it empty. */
static bool is_dir(const koc__exe_module *m)
{
    return m->path[0] == '.' || m->path[0] == '/' || *m->version == '\0' ||
           strcmp(m->version, "(devel)") == 0;
}

static bool at_proxy(const koc__sbom_options *o, const char *path)
{
    return o->module_proxy && !(o->module_private && koc__purl_is_private(o->module_private, path));
}

/* From a directory that replaces a module, as go.mod of the main module names it. */
static int read_local(collector *c, const char *path, koc__module_facts *out, koc_error **err)
{
    KOC__AUTO_STR below = NULL;
    const char *dir = path[0] == '/' ? path : NULL;
    if (c->o->modules.main && path[0] == '.') {
        dir = below = koc__path_join(c->o->modules.main, path);
    }
    if (!dir) {
        return KOC_OK;
    }
    KOC__TRY(koc__module_requires_of_dir(dir, &out->requires, err));
    return koc__license_of_dir(dir, &out->license, err);
}

static int add_facts(collector *c, size_t i, const koc__exe_module *m, const koc__exe_module *used,
                     koc_error **err)
{
    KOC__AUTO_VAL(koc__module_facts) facts = {0};
    if (m->replace && used == m) {
        KOC__TRY(read_local(c, m->replace->path, &facts, err));
    } else {
        KOC__TRY(koc__module_facts_of(&c->o->modules, used->path, used->version, used->sum, c->call,
                                      &facts, err));
    }
    set_license(c, i, &facts.license);
    koc__bom_component *component = koc__bom_get(c->b, i);
    if (facts.hashed) {
        koc__bom_hash_add(c->b, i, KOC__BOM_SHA256, facts.sha256, sizeof(facts.sha256));
        koc__bom_hash_add(c->b, i, KOC__BOM_SHA512, facts.sha512, sizeof(facts.sha512));
        component->file_name = koc__bom_text(c->b, "%s.zip", used->version);
        component->file = KOC__BOM_ARCHIVE | KOC__BOM_STRUCTURED;
    }
    if (facts.altered) {
        koc__log(c->call ? c->call->ctx : NULL, KOC_LOG_WARN, "sbom",
                 "the module cache has another %s %s than the program: the SBOM has no hash of it; "
                 "go mod verify names what differs",
                 used->path, used->version);
    }
    return koc__bom_edges_add(&c->edges, m->path, i, &facts.requires, err);
}

/* What is in a directory is not a release of the module: it has neither its version nor its hash. */
static int add_dependency(collector *c, const koc__exe_module *m, koc_error **err)
{
    bool local = m->replace && is_dir(m->replace);
    const koc__exe_module *used = m->replace && !local ? m->replace : m;
    const char *version =
        local || !*used->version ? NULL : koc__bom_text(c->b, "%s", used->version);
    bool released = version && strcmp(version, "(devel)") != 0;
    const char *id = koc__bom_text(c->b, version ? "Go-%s-%s" : "Go-%s", used->path, version);
    size_t i = koc__bom_add(c->b, KOC__BOM_LIBRARY, id, used->path);
    koc__bom_component *component = koc__bom_get(c->b, i);
    component->version = version;
    component->purl =
        koc__bom_take(c->b, koc__purl_go(used->path, released ? used->version : NULL));
    component->go_sum = released && *used->sum ? koc__bom_text(c->b, "%s", used->sum) : NULL;
    if (component->go_sum && at_proxy(c->o, used->path)) {
        component->download = koc__bom_take(
            c->b, koc__purl_module_zip(c->o->module_proxy, used->path, used->version));
    }
    if (m->replace) {
        component->source = koc__bom_text(c->b, "replaced %s %s => %s %s", m->path, m->version,
                                          m->replace->path, m->replace->version);
    }
    return add_facts(c, i, m, used, err);
}

int koc__bom_collect_image(koc__bom *b, const koc__sbom_options *o, const koc_image *img,
                           const koc__exe_info *info, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(collector) c = {.b = b, .o = o, .info = info, .call = call};
    const koc_digest *digest = &koc_image_descriptor(img)->digest;
    const koc_platform *p = koc_image_platform(img);
    size_t app;
    set_names(&c);
    set_document_name(&c, digest);
    KOC__TRY(set_created(&c, koc__sbom_config_created(img), err));
    c.image = add_image(&c, koc__bom_text(b, "Image-%s", c.short_name), digest, p);
    koc__bom_link(b, KOC__BOM_DOCUMENT, KOC__BOM_DESCRIBES, c.image);
    KOC__TRY(add_application(&c, &app, err));
    if (info) {
        add_stdlib(&c, app);
    }
    KOC__TRY(koc__bom_edges_begin(&c.edges, app, o->modules.main, err));
    for (size_t i = 0; info && i < info->n_deps; i++) {
        KOC__TRY(add_dependency(&c, &info->deps[i], err));
    }
    KOC__TRY(koc__bom_edges_link(&c.edges, b, err));
    KOC__TRY(koc__bom_add_debugger(b, c.image, o->debugger, o->debugger_id, call, err));
    KOC__TRY(koc__bom_add_files(b, c.image, o->data, call, err));
    KOC__TRY(add_base(&c, koc_image_annotation(img, KOC__BASE_NAME),
                      koc_image_annotation(img, KOC__BASE_DIGEST), p ? p->arch : NULL, err));
    return koc__bom_finish(b, err);
}

static int add_child(collector *c, const koc_descriptor *d, koc_error **err)
{
    KOC__AUTO_STR platform = d->platform ? koc__platform_str(d->platform) : koc__strdup("unknown");
    if (!platform) {
        return koc__oom(err);
    }
    const char *id = koc__bom_text(c->b, "Image-%s-%s", c->short_name, platform);
    size_t i = add_image(c, id, &d->digest, d->platform);
    koc__bom_get(c->b, i)->source = koc__bom_text(c->b, "image for %s", platform);
    koc__bom_link(c->b, c->image, KOC__BOM_CONTAINS, i);
    koc__bom_link(c->b, i, KOC__BOM_VARIANT_OF, c->image);
    return KOC_OK;
}

int koc__bom_collect_index(koc__bom *b, const koc__sbom_options *o, const koc_index *idx,
                           const koc__exe_info *info, koc_error **err)
{
    collector c = {.b = b, .o = o, .info = info};
    const koc_digest *digest = &koc_index_descriptor(idx)->digest;
    const koc_image *first = koc_index_image(idx, 0);
    set_names(&c);
    set_document_name(&c, digest);
    KOC__TRY(set_created(&c, first ? koc__sbom_config_created(first) : NULL, err));
    c.image = add_image(&c, koc__bom_text(b, "Index-%s", c.short_name), digest, NULL);
    koc__bom_link(b, KOC__BOM_DOCUMENT, KOC__BOM_DESCRIBES, c.image);
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        KOC__TRY(add_child(&c, koc_index_get(idx, i), err));
    }
    KOC__TRY(add_base(&c, koc__sbom_index_annotation(idx, KOC__BASE_NAME),
                      koc__sbom_index_annotation(idx, KOC__BASE_DIGEST), NULL, err));
    return koc__bom_finish(b, err);
}
