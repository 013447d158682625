/* Rules about hosts that need only names. No I/O. */
#ifndef KOC__HOST_RULES_H
#define KOC__HOST_RULES_H

#include <koc/base.h>

#include "core/cleanup.h"
#include "core/str.h"

/* The host to connect to: Docker Hub is called index.docker.io, but answers at another host
 * (R-2). */
const char *koc__host_on_wire(const char *registry);
/* Whether list (NULL-terminated, or NULL) names host[:port]; an entry without a port matches any
 * port. */
bool koc__host_listed(const koc_strlist *list, const char *registry);

#endif
