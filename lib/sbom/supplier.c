/* Derives suppliers from module paths and image names. */
#include "core/common.h"

#include <koc/reference.h>

#include "core/str.h"
#include "sbom/bom.h"

/* Whether the first path element at the host is an account. */
static bool is_forge(koc_str host)
{
    static const char *const forges[] = {"github.com", "gitlab.com", "bitbucket.org",
                                         "codeberg.org", "git.sr.ht"};
    for (size_t i = 0; i < KOC__COUNT(forges); i++) {
        if (koc__str_is(host, forges[i])) {
            return true;
        }
    }
    return false;
}

const char *koc__bom_module_supplier(koc__bom *b, const char *module_path)
{
    koc_str rest = koc__str(module_path), host, owner;
    if (koc__str_starts(rest, "golang.org/x/")) {
        return "The Go Authors";
    }
    if (!koc__str_split(&rest, '/', &host) || host.len == 0) {
        return "unknown";
    }
    if (is_forge(host) && koc__str_split(&rest, '/', &owner) && owner.len > 0) {
        return koc__bom_take(b, koc__str_dup(owner));
    }
    return koc__bom_take(b, koc__str_dup(host));
}

const char *koc__bom_image_supplier(koc__bom *b, const koc_reference *name)
{
    koc_str owner, rest, host, port;
    if (koc__str_cut(koc__str(koc_reference_repository(name)), '/', &owner, &rest)) {
        return koc__bom_take(b, koc__str_dup(owner));
    }
    host = koc__str(koc_reference_registry(name));
    if (koc__str_rcut(host, ':', &rest, &port)) {
        host = rest;
    }
    return koc__bom_take(b, koc__str_dup(host));
}
