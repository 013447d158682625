/* How koc reaches one host: by http or https, at which kind of address, with or without Expect. */
#ifndef KOC__HOST_REACH_H
#define KOC__HOST_REACH_H

#include "core/io/cache.h"
#include "core/run/call.h"
#include "http/address.h"

typedef struct koc__host_reach koc__host_reach;

/* wire: "host[:port]", borrowed, as is cache (or NULL). may_http: the user allows plain HTTP.
 * NULL: out of memory. */
koc__host_reach *koc__reach_new(koc__cache *cache, const char *wire, bool may_http);
void koc__reach_free(koc__host_reach *r); /* takes NULL */

/* Whether the scheme is known; then *https says which one. */
bool koc__reach_scheme(const koc__host_reach *r, bool *https);
/* hosts.toml names the scheme. */
void koc__reach_set_scheme(koc__host_reach *r, bool https);
/* The scheme to try first while none is known: the one that an earlier run found, else https. */
bool koc__reach_first_guess_https(const koc__host_reach *r);
/* Only one thread at a time discovers the scheme; the others wait, and then find it known. */
int koc__reach_enter(koc__host_reach *r, koc__call *call, koc_error **err);
void koc__reach_leave(koc__host_reach *r);
/* The host answered by this scheme. address: the peer's, or "" when there is a proxy between. */
void koc__reach_learn(koc__host_reach *r, bool https, const char *address);

bool koc__reach_is_loopback(const koc__host_reach *r);
bool koc__reach_may_http(const koc__host_reach *r);
/* Whether the host answered any request of this process. */
bool koc__reach_answered(const koc__host_reach *r);
/* What kind of address it has; KOC__ADDRESS_NAME until it answered without a proxy. */
koc__address koc__reach_address(const koc__host_reach *r);
/* Whether long bodies ask with Expect: 100-continue first; not any more once the host failed at
 * it. */
bool koc__reach_expects(const koc__host_reach *r);
void koc__reach_drop_expect(koc__host_reach *r);

#endif
