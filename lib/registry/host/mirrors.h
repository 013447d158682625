/* Which host a request goes to: a mirror or the registry itself. */
#ifndef KOC__MIRRORS_H
#define KOC__MIRRORS_H

#include "registry/host/request.h"

/* Runs rq at the mirrors that may serve it, then at the registry. */
int koc__request_run(const koc__request *rq, koc__call *call, koc__response *resp, koc_error **err);
/* Bytes of h's registry did not match their digest: from now on mirrors are not asked. False: h
 * has none. */
bool koc__mirrors_distrust(koc__host *h);

#endif
