#include "core/common.h"

#include "registry/host/host_reach.h"

#include <stdatomic.h>

#include "core/run/turn.h"
#include "core/str.h"
#include "http/url.h"

struct koc__host_reach {
    koc__cache *cache; /* keeps the scheme for the next run; or NULL */
    const char *wire;
    bool loopback;
    bool may_http;
    atomic_bool scheme_known;
    atomic_bool https;
    atomic_bool answered;
    atomic_int address; /* koc__address of the peer */
    atomic_bool no_expect;
    koc__turn discovery;
};

koc__host_reach *koc__reach_new(koc__cache *cache, const char *wire, bool may_http)
{
    koc__host_reach *r = koc__calloc(1, sizeof(*r));
    koc_str host = {"", 0};
    uint16_t port;
    if (!r) {
        return NULL;
    }
    koc__authority_split(koc__str(wire), &host, &port);
    r->cache = cache;
    r->wire = wire;
    r->loopback = koc__address_is_loopback(host);
    r->may_http = may_http;
    r->address = (int)koc__address_of_text(host);
    r->https = !r->loopback && !may_http;
    r->scheme_known = r->https;
    koc__turn_init(&r->discovery);
    return r;
}

void koc__reach_free(koc__host_reach *r)
{
    if (r) {
        koc__turn_destroy(&r->discovery);
        koc__free(r);
    }
}

bool koc__reach_scheme(const koc__host_reach *r, bool *https)
{
    bool known = r->scheme_known;
    *https = r->https;
    return known;
}

void koc__reach_set_scheme(koc__host_reach *r, bool https)
{
    r->https = https;
    r->scheme_known = true;
}

bool koc__reach_first_guess_https(const koc__host_reach *r)
{
    koc_buf record = KOC_BUF_INIT;
    bool found = false, https = true;
    if (r->cache &&
        koc__cache_get(r->cache, "hosts", koc__str(r->wire), 16, &found, &record, NULL) == KOC_OK &&
        found) {
        https = !koc__str_is(koc__str_n(record.ptr, record.len), "http");
    }
    koc_buf_dispose(&record);
    return https;
}

int koc__reach_enter(koc__host_reach *r, koc__call *call, koc_error **err)
{
    return koc__turn_enter(&r->discovery, call, err);
}

void koc__reach_leave(koc__host_reach *r)
{
    koc__turn_leave(&r->discovery);
}

void koc__reach_learn(koc__host_reach *r, bool https, const char *address)
{
    if (address[0]) {
        r->address = (int)koc__address_of_text(koc__str(address));
    }
    r->answered = true;
    r->https = https;
    bool news = !atomic_exchange(&r->scheme_known, true);
    if (news && r->cache && koc__reach_first_guess_https(r) != https) {
        /* The next run starts with this guess; a failure to store it does no harm. */
        (void)koc__cache_put(r->cache, "hosts", koc__str(r->wire),
                             https ? KOC__STR("https") : KOC__STR("http"), NULL);
    }
}

bool koc__reach_is_loopback(const koc__host_reach *r)
{
    return r->loopback;
}

bool koc__reach_may_http(const koc__host_reach *r)
{
    return r->may_http;
}

bool koc__reach_answered(const koc__host_reach *r)
{
    return r->answered;
}

koc__address koc__reach_address(const koc__host_reach *r)
{
    return (koc__address)r->address;
}

bool koc__reach_expects(const koc__host_reach *r)
{
    return !r->no_expect;
}

void koc__reach_drop_expect(koc__host_reach *r)
{
    r->no_expect = true;
}
