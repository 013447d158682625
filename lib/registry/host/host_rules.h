/* Which host is asked, by which scheme: decisions that need only names. No I/O. */
#ifndef KOC__HOST_RULES_H
#define KOC__HOST_RULES_H

#include <koc/base.h>

#include "core/cleanup.h"
#include "core/str.h"

/* The host asked on the wire: Docker Hub is named index.docker.io but answers elsewhere. */
const char *koc__host_on_wire(const char *registry);
/* Whether list (NULL-terminated, or NULL) names host[:port]; an entry without a port means any port. */
bool koc__host_listed(const koc_strlist *list, const char *registry);

#endif
