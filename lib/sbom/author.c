/* Reads who answers for a document. */
#include "core/common.h"

#include "core/str.h"
#include "sbom/sbom.h"

#define NAME_MAX_LEN 512

int koc__sbom_author_parse(const char *text, char **storage, koc__sbom_author *out, koc_error **err)
{
    koc__sbom_author author = {0};
    koc_str rest = koc__str_trim(koc__str(text)), name, contact = {0};
    if (koc__str_starts(rest, "Person:")) {
        author.person = true;
        rest = koc__str_trim(koc__str_from(rest, strlen("Person:")));
    } else if (koc__str_starts(rest, "Organization:")) {
        rest = koc__str_trim(koc__str_from(rest, strlen("Organization:")));
    }
    name = rest;
    if (koc__str_ends(rest, ">") && koc__str_rcut(rest, '<', &name, &contact)) {
        contact.len--;
        contact = koc__str_trim(contact);
    }
    name = koc__str_trim(name);
    for (size_t i = 0; i < rest.len; i++) {
        if ((unsigned char)rest.ptr[i] < ' ') {
            name.len = 0;
        }
    }
    if (name.len == 0 || rest.len > NAME_MAX_LEN || !koc__str_utf8(rest)) {
        return koc__error(err, KOC_EINVAL, "\"%.64s\" is not NAME or NAME <MAIL or URL>", text);
    }
    /* One piece of memory: the name, its NUL, the contact, its NUL. */
    char *memory = koc__calloc(1, name.len + contact.len + 2);
    if (!memory) {
        return koc__oom(err);
    }
    memcpy(memory, name.ptr, name.len);
    author.name = memory;
    if (contact.len > 0) {
        memcpy(memory + name.len + 1, contact.ptr, contact.len);
        author.contact = memory + name.len + 1;
    }
    koc__free(*storage);
    *storage = memory;
    *out = author;
    return KOC_OK;
}
