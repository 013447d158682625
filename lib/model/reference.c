/*
 * Image references. The grammar is that of the docker `reference` package (docs/registry.md, R-1 to R-6); a
 * name that does not follow it never becomes part of a URL or a path.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/path.h"
#include "core/str.h"
#include "model/model.h"

#define HUB          "index.docker.io"
#define NAME_MAX_LEN 255
#define TEXT_MAX_LEN 1024 /* registry, repository, tag and digest with room to spare */

struct koc_reference {
    atomic_uint refs;
    char *registry;
    char *repository;
    char *tag; /* or NULL */
    bool has_digest;
    koc_digest digest;
    char *context; /* registry/repository */
    char *string;
};

/* The parts of a text before they are checked. */
typedef struct parts {
    koc_str registry; /* empty: none was given */
    koc_str repository;
    koc_str tag;
    koc_str digest;
    bool has_tag;
    bool has_digest;
} parts;

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* All errors about a text begin with it. */
static int invalid(koc_error **err, koc_str text, const char *why)
{
    return koc__error(err, KOC_EINVAL, "\"%.*s\" is not an image name: %s",
                      (int)KOC__MIN(text.len, (size_t)300), text.ptr, why);
}

/* --- taking the text apart --- */

/* Whether the first component of a name is a registry (R-1). */
static bool is_registry(koc_str component)
{
    if (component.len == 0) {
        return false;
    }
    return memchr(component.ptr, '.', component.len) || memchr(component.ptr, ':', component.len) ||
           koc__str_is(component, "localhost");
}

static void split_parts(koc_str text, parts *out)
{
    *out = (parts){0};
    koc_str name = text;
    out->has_digest = koc__str_cut(text, '@', &name, &out->digest);
    koc_str registry = {0};
    koc_str rest = {0};
    if (koc__str_cut(name, '/', &registry, &rest) && is_registry(registry)) {
        out->registry = registry;
        name = rest;
    }
    /* A colon after the last slash begins the tag (R-3). */
    koc_str before = {0};
    koc_str after = {0};
    if (koc__str_rcut(name, ':', &before, &after) && !memchr(after.ptr, '/', after.len)) {
        out->has_tag = true;
        out->tag = after;
        name = before;
    }
    out->repository = name;
}

/* --- checking the pieces --- */

static bool is_port(koc_str s)
{
    uint64_t port = 0;
    return s.len <= 5 && koc__str_u64(s, &port) && port <= 65535;
}

static bool is_host_label(koc_str s)
{
    if (s.len == 0 || !is_alnum(s.ptr[0]) || !is_alnum(s.ptr[s.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '-') {
            return false;
        }
    }
    return true;
}

static bool is_host(koc_str s)
{
    koc_str label = {0};
    bool ends_with_dot = s.len > 0 && s.ptr[s.len - 1] == '.';
    if (s.len == 0 || ends_with_dot) {
        return false;
    }
    while (koc__str_split(&s, '.', &label)) {
        if (!is_host_label(label)) {
            return false;
        }
    }
    return true;
}

/* The text between the brackets of an IPv6 literal; the resolver decides whether it is an address. */
static bool is_ipv6(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!hex && c != ':' && c != '.') {
            return false;
        }
    }
    return s.len >= 2;
}

static bool is_registry_text(koc_str s)
{
    koc_str host = s;
    koc_str port = {0};
    if (s.len > 0 && s.ptr[0] == '[') {
        koc_str rest = {0};
        if (!koc__str_cut(koc__str_from(s, 1), ']', &host, &rest) || !is_ipv6(host)) {
            return false;
        }
        return rest.len == 0 || (rest.ptr[0] == ':' && is_port(koc__str_from(rest, 1)));
    }
    if (koc__str_cut(s, ':', &host, &port) && !is_port(port)) {
        return false;
    }
    return is_host(host);
}

/* [a-z0-9]+ pieces joined by one of ".", "_", "__" or any number of "-". */
static bool is_component(koc_str s)
{
    if (s.len == 0 || !is_lower_alnum(s.ptr[0]) || !is_lower_alnum(s.ptr[s.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < s.len;) {
        size_t run = 1;
        char c = s.ptr[i];
        while (i + run < s.len && s.ptr[i + run] == c) {
            run++;
        }
        if (!is_lower_alnum(c)) {
            size_t longest = c == '.' ? 1 : c == '_' ? 2 : c == '-' ? run : 0;
            /* Different separators must not be adjacent: the next character must be a letter or digit. */
            if (run > longest || !is_lower_alnum(s.ptr[i + run])) {
                return false;
            }
        }
        i += run;
    }
    return true;
}

bool koc__is_tag(koc_str s)
{
    if (s.len == 0 || s.len > KOC__TAG_MAX || (!is_alnum(s.ptr[0]) && s.ptr[0] != '_')) {
        return false;
    }
    for (size_t i = 1; i < s.len; i++) {
        char c = s.ptr[i];
        if (!is_alnum(c) && c != '_' && c != '.' && c != '-') {
            return false;
        }
    }
    return true;
}

static bool has_upper(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (is_upper(s.ptr[i])) {
            return true;
        }
    }
    return false;
}

/* NULL, or the fault of a repository. */
static const char *repository_fault(koc_str s)
{
    if (s.len == 0) {
        return "the repository is missing";
    }
    if (has_upper(s)) {
        return "repository names are lower case";
    }
    if (s.ptr[s.len - 1] == '/') {
        return "it must not end in \"/\"";
    }
    koc_str component = {0};
    while (koc__str_split(&s, '/', &component)) {
        if (component.len == 0) {
            return "there is nothing between two \"/\"";
        }
        if (!is_component(component)) {
            return "the parts of a repository are lower-case letters and digits, with \".\", "
                   "\"_\", "
                   "\"__\" or \"-\" between them";
        }
    }
    return NULL;
}

bool koc__is_repository(koc_str s)
{
    return s.len <= KOC__NAME_MAX && !repository_fault(s);
}

static bool is_bare_hex(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
    }
    return s.len == 64;
}

/* NULL, or the fault of the whole text. */
static const char *text_fault(koc_str text)
{
    if (text.len == 0) {
        return "it is empty";
    }
    if (text.len > TEXT_MAX_LEN) {
        return "it is too long";
    }
    const char *scheme = memmem(text.ptr, text.len, "://", 3);
    if (scheme) {
        return "leave out the scheme (\"https://\", \"docker://\")";
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c == 0x7F) {
            return "it contains white space or control characters";
        }
    }
    return is_bare_hex(text) ? "64 hexadecimal digits are an image ID, not a repository" : NULL;
}

static const char *parts_fault(const parts *p)
{
    if (p->registry.len > 0 && !is_registry_text(p->registry)) {
        return "the registry is not a host with an optional port";
    }
    const char *fault = repository_fault(p->repository);
    if (fault) {
        return fault;
    }
    if (p->has_tag && !koc__is_tag(p->tag)) {
        return "a tag has 1 to 128 letters, digits, \"_\", \".\" and \"-\", and does not begin "
               "with "
               "\".\" or \"-\"";
    }
    return NULL;
}

/* --- putting it together --- */

static bool is_hub(koc_str registry)
{
    return registry.len == 0 || koc__str_ieq(registry, KOC__STR("docker.io")) ||
           koc__str_ieq(registry, KOC__STR(HUB));
}

/* Sets context and string from the parts. */
static int render(koc_reference *r, koc_error **err)
{
    r->context = koc__format("%s/%s", r->registry, r->repository);
    r->string = koc__format("%s%s%s%s%s", r->context, r->tag ? ":" : "", r->tag ? r->tag : "",
                            r->has_digest ? "@" : "", koc__digest_str(&r->digest).s);
    return r->context && r->string ? KOC_OK : koc__oom(err);
}

static int new_reference(const char *registry, const char *repository, koc_str tag,
                         const koc_digest *digest, koc_reference **out, koc_error **err)
{
    KOC__AUTO(koc_reference) r = koc__calloc(1, sizeof(*r));
    if (!r) {
        return koc__oom(err);
    }
    atomic_init(&r->refs, 1);
    r->registry = koc__strdup(registry);
    r->repository = koc__strdup(repository);
    if (tag.len > 0) {
        r->tag = koc__str_dup(tag);
    }
    if (digest) {
        r->has_digest = true;
        r->digest = *digest;
    }
    if (!r->registry || !r->repository || (tag.len > 0 && !r->tag)) {
        return koc__oom(err);
    }
    KOC__TRY(render(r, err));
    *out = koc__steal(&r);
    return KOC_OK;
}

static int make_from_parts(koc_str text, const parts *p, koc_reference **out, koc_error **err)
{
    koc_digest digest = {0};
    if (p->has_digest && !koc__digest_read(p->digest, &digest)) {
        return invalid(
            err, text,
            "after \"@\" comes sha256: and 64, or sha512: and 128, lower-case hexadecimal digits");
    }
    bool hub = is_hub(p->registry);
    bool official = hub && !memchr(p->repository.ptr, '/', p->repository.len);
    KOC__AUTO_STR registry = hub ? koc__strdup(HUB) : koc__str_dup(p->registry);
    KOC__AUTO_STR repository = koc__format("%s%.*s", official ? "library/" : "",
                                           (int)p->repository.len, p->repository.ptr);
    if (!registry || !repository) {
        return koc__oom(err);
    }
    if (strlen(registry) + 1 + strlen(repository) > NAME_MAX_LEN) {
        return invalid(err, text, "registry and repository have more than 255 characters");
    }
    return new_reference(registry, repository, p->tag, p->has_digest ? &digest : NULL, out, err);
}

/* --- words of skopeo --- */

static const struct {
    const char *name; /* "dir": written before a colon */
    const char *use;  /* what koc reads and writes instead */
} transports[] = {
    {"containers-storage", "docker-archive:FILE is what podman save -o FILE NAME writes and "
                           "podman load -i FILE reads"},
    {"docker-daemon",
     "docker-archive:FILE is what docker save -o FILE NAME writes and docker load -i FILE reads"},
    {"dir", NULL},
    {"ostree", NULL},
    {"sif", NULL},
    {"atomic", NULL},
    {"tarball", NULL},
    {"oci", ""},
    {"oci-archive", ""},
    {"docker-archive", ""},
};

/* Removes a transport that means a registry; rejects those that mean another place. */
static int drop_transport(koc_str *text, koc_error **err)
{
    koc_str word, rest;
    if (koc__str_starts(*text, "docker://")) {
        *text = koc__str_from(*text, strlen("docker://"));
        return KOC_OK;
    }
    bool found = koc__str_cut(*text, ':', &word, &rest);
    for (size_t i = 0; found && i < KOC__COUNT(transports); i++) {
        const char *name = transports[i].name, *use = transports[i].use;
        if (!koc__str_is(word, name)) {
            continue;
        }
        int shown = (int)KOC__MIN(text->len, (size_t)300);
        if (use && !*use) {
            return koc__error(err, KOC_EINVAL, "\"%.*s\" is not a reference: %s: names a %s", shown,
                              text->ptr, name, strstr(name, "archive") ? "file" : "directory");
        }
        koc__error(err, KOC_EINVAL, "\"%.*s\": images in %s: are not read or written", shown,
                   text->ptr, name);
        if (use) {
            koc__error_hint(err, "%s", use);
        } else {
            koc__error_hint(err, "skopeo copy %.*s oci:DIR makes an OCI layout of it", shown,
                            text->ptr);
        }
        return KOC_EINVAL;
    }
    return KOC_OK;
}

int koc_reference_parse(const char *text, uint32_t flags, koc_reference **out, koc_error **err)
{
    if (!text || !out) {
        return koc__misuse(err, "koc_reference_parse: text or out is NULL");
    }
    if (flags & ~(uint32_t)KOC_REFERENCE_TRANSPORTS) {
        return koc__misuse(err, "koc_reference_parse: unknown flags");
    }
    koc_str whole = koc__str(text);
    KOC__TRY(flags & KOC_REFERENCE_TRANSPORTS ? drop_transport(&whole, err) : KOC_OK);
    const char *fault = text_fault(whole);
    if (fault) {
        return invalid(err, whole, fault);
    }
    parts p;
    split_parts(whole, &p);
    fault = parts_fault(&p);
    if (fault) {
        return invalid(err, whole, fault);
    }
    return make_from_parts(whole, &p, out, err);
}

/* "Shop" of "x/Shop/y". */
static koc_str first_upper(koc_str repository)
{
    koc_str component = {0};
    while (!has_upper(component)) {
        if (!koc__str_split(&repository, '/', &component)) {
            break;
        }
    }
    return component;
}

int koc__reference_check_prefix(const char *text, const char *what, koc_error **err)
{
    KOC__AUTO_STR probe = koc__format("%s/x", text);
    koc_str whole = koc__str(text), last = koc__path_base(whole);
    parts p;
    if (!probe) {
        return koc__oom(err);
    }
    const char *fault = text_fault(whole);
    if (fault) {
        return koc__error(err, KOC_EINVAL, "%s: %s", what, fault);
    }
    bool has_path = last.len < whole.len;
    if (memchr(text, '@', whole.len) || (has_path && memchr(last.ptr, ':', last.len))) {
        return koc__error(err, KOC_EINVAL, "%s: it ends in a %s", what,
                          memchr(text, '@', whole.len) ? "digest" : "tag");
    }
    split_parts(koc__str(probe), &p);
    fault = parts_fault(&p);
    if (fault && has_upper(p.repository)) {
        koc_str part = first_upper(p.repository);
        return koc__error(err, KOC_EINVAL, "%s: %s, and \"%.*s\" is not", what, fault,
                          KOC__FMT(part));
    }
    return fault ? koc__error(err, KOC_EINVAL, "%s: %s", what, fault) : KOC_OK;
}

int koc__reference_parse_repository(const char *text, koc_reference **out, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__TRY(koc_reference_parse(text, 0, &r, err));
    if (r->tag || r->has_digest) {
        return koc__error(err, KOC_EINVAL, "\"%s\" is not a repository: it has a %s", text,
                          r->tag ? "tag" : "digest");
    }
    *out = koc__steal(&r);
    return KOC_OK;
}

koc_reference *koc_reference_ref(koc_reference *r)
{
    if (r) {
        atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    }
    return r;
}

void koc_reference_unref(koc_reference *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    koc__free(r->registry);
    koc__free(r->repository);
    koc__free(r->tag);
    koc__free(r->context);
    koc__free(r->string);
    koc__free(r);
}

const char *koc_reference_registry(const koc_reference *r)
{
    return r ? r->registry : NULL;
}

const char *koc_reference_repository(const koc_reference *r)
{
    return r ? r->repository : NULL;
}

const char *koc_reference_tag(const koc_reference *r)
{
    return r ? r->tag : NULL;
}

const koc_digest *koc_reference_digest(const koc_reference *r)
{
    return r && r->has_digest ? &r->digest : NULL;
}

const char *koc_reference_string(const koc_reference *r)
{
    return r ? r->string : NULL;
}

const char *koc__reference_context(const koc_reference *r)
{
    return r->context;
}

int koc_reference_with_tag(const koc_reference *r, const char *tag, koc_reference **out,
                           koc_error **err)
{
    if (!r || !out) {
        return koc__misuse(err, "koc_reference_with_tag: r or out is NULL");
    }
    koc_str t = koc__str(tag);
    if (tag && !koc__is_tag(t)) {
        return koc__error(
            err, KOC_EINVAL,
            "\"%.*s\" is not a tag: it has 1 to 128 letters, digits, \"_\", \".\" and "
            "\"-\", and does not begin with \".\" or \"-\"",
            KOC__FMT(t));
    }
    return new_reference(r->registry, r->repository, t, koc_reference_digest(r), out, err);
}

int koc_reference_with_digest(const koc_reference *r, const koc_digest *d, koc_reference **out,
                              koc_error **err)
{
    if (!r || !out) {
        return koc__misuse(err, "koc_reference_with_digest: r or out is NULL");
    }
    if (d && d->algorithm == KOC_DIGEST_NONE) {
        return koc__misuse(err, "koc_reference_with_digest: d is not a digest");
    }
    return new_reference(r->registry, r->repository, koc__str(r->tag), d, out, err);
}
