#include "core/common.h"

#include "http/proxy.h"

#include <arpa/inet.h>
#include <sys/socket.h> /* AF_INET, on FreeBSD */

#include "core/env.h"
#include "http/address.h"

static int from_env(const char *lower, const char *upper, const char *all, koc__proxy *out,
                    koc_error **err)
{
    const char *variable = koc__env_nonempty(upper) ? upper : lower;
    const char *value = koc__env_nonempty(variable);
    if (!value && all) {
        return from_env("all_proxy", "ALL_PROXY", NULL, out, err);
    }
    if (value) {
        *out = (koc__proxy){koc__strdup(value), variable};
        return out->url ? KOC_OK : koc__oom(err);
    }
    return KOC_OK;
}

int koc__proxies_from_env(koc__proxies *out, koc_error **err)
{
    koc__proxies p = KOC__PROXIES_INIT;
    int rc = from_env("http_proxy", "HTTP_PROXY", "", &p.http, err);
    if (rc == KOC_OK) {
        rc = from_env("https_proxy", "HTTPS_PROXY", "", &p.https, err);
    }
    if (rc == KOC_OK) {
        rc = from_env("no_proxy", "NO_PROXY", NULL, &p.none, err);
    }
    if (rc != KOC_OK) {
        koc__proxies_dispose(&p);
        return rc;
    }
    *out = p;
    return KOC_OK;
}

void koc__proxies_dispose(koc__proxies *p)
{
    koc__free(p->http.url);
    koc__free(p->https.url);
    koc__free(p->none.url);
    *p = (koc__proxies)KOC__PROXIES_INIT;
}

static size_t address_bytes(koc_str text, uint8_t out[16])
{
    char copy[64];
    if (text.len == 0 || text.len >= sizeof(copy)) {
        return 0;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, out) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, copy, out) == 1 ? 16 : 0;
}

static bool in_network(koc_str network, koc_str bits_text, koc_str host)
{
    uint8_t a[16], b[16];
    size_t n = address_bytes(network, a);
    uint64_t bits;
    if (n == 0 || address_bytes(host, b) != n || !koc__str_u64(bits_text, &bits) || bits > n * 8) {
        return false;
    }
    if (memcmp(a, b, bits / 8) != 0) {
        return false;
    }
    unsigned rest = (unsigned)(bits % 8), shift = 8 - rest;
    return rest == 0 || (a[bits / 8] >> shift) == (b[bits / 8] >> shift);
}

static bool entry_matches(koc_str entry, koc_str host, uint16_t port)
{
    koc_str network, bits, name;
    uint16_t entry_port = 0;
    if (koc__str_is(entry, "*")) {
        return true;
    }
    if (koc__str_cut(entry, '/', &network, &bits)) {
        return in_network(network, bits, host);
    }
    if (koc__str_ieq(entry, host)) {
        return true; /* a bare IPv6 address has colons that do not begin a port */
    }
    if (koc__str_starts(entry, "*.")) {
        entry = koc__str_from(entry, 1);
    }
    if (!koc__authority_split(entry, &name, &entry_port) ||
        (entry_port != 0 && entry_port != port)) {
        return false;
    }
    if (koc__str_ieq(name, host)) {
        return true;
    }
    if (koc__str_starts(name, ".")) {
        name = koc__str_from(name, 1);
    }
    return host.len > name.len && host.ptr[host.len - name.len - 1] == '.' &&
           koc__str_ieq(koc__str_from(host, host.len - name.len), name);
}

bool koc__proxy_is_excluded(const char *list, const char *host, uint16_t port)
{
    koc_str rest = koc__str(list), entry;
    while (koc__str_split(&rest, ',', &entry)) {
        entry = koc__str_trim(entry);
        if (entry.len > 0 && entry_matches(entry, koc__str(host), port)) {
            return true;
        }
    }
    return false;
}

const koc__proxy *koc__proxies_for(const koc__proxies *p, const koc__url *u)
{
    const koc__proxy *proxy = u->https ? &p->https : &p->http;
    if (!proxy->url || koc__address_is_loopback(koc__str(u->host)) ||
        (p->none.url && koc__proxy_is_excluded(p->none.url, u->host, u->port))) {
        return NULL;
    }
    return proxy;
}
