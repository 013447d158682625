#include "core/common.h"

#include "registry/host/host_rules.h"

#include "http/address.h"
#include "http/url.h"

const char *koc__host_on_wire(const char *registry)
{
    return strcmp(registry, "index.docker.io") == 0 || strcmp(registry, "docker.io") == 0
               ? "registry-1.docker.io"
               : registry;
}

bool koc__host_listed(const koc_strlist *list, const char *registry)
{
    koc_str host, entry_host;
    uint16_t port, entry_port;
    if (!koc__authority_split(koc__str(registry), &host, &port)) {
        return false;
    }
    for (size_t i = 0; list && i < koc_strlist_count(list); i++) {
        if (koc__authority_split(koc__str(koc_strlist_get(list, i)), &entry_host, &entry_port) &&
            koc__str_ieq(host, entry_host) && (entry_port == 0 || entry_port == port)) {
            return true;
        }
    }
    return false;
}
