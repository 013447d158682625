#include "core/common.h"

#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/str.h"

typedef struct network4 {
    uint32_t prefix;
    uint8_t bits;
    koc__address kind;
} network4;

/* IANA special-purpose registry, plus the metadata address of one cloud that is not link-local. */
static const network4 networks4[] = {
    {0x00000000, 8, KOC__ADDRESS_LOCAL},    /* 0.0.0.0/8: this network */
    {0x7f000000, 8, KOC__ADDRESS_LOCAL},    /* 127.0.0.0/8: loopback */
    {0xa9fe0000, 16, KOC__ADDRESS_LOCAL},   /* 169.254.0.0/16: link-local, metadata */
    {0x646464c8, 32, KOC__ADDRESS_LOCAL},   /* 100.100.100.200: metadata */
    {0xe0000000, 3, KOC__ADDRESS_LOCAL},    /* 224.0.0.0/4 multicast and 240.0.0.0/4 reserved */
    {0x0a000000, 8, KOC__ADDRESS_PRIVATE},  /* 10.0.0.0/8 */
    {0xac100000, 12, KOC__ADDRESS_PRIVATE}, /* 172.16.0.0/12 */
    {0xc0a80000, 16, KOC__ADDRESS_PRIVATE}, /* 192.168.0.0/16 */
    {0x64400000, 10, KOC__ADDRESS_PRIVATE}, /* 100.64.0.0/10: carrier NAT */
};

static koc__address of_ip4(uint32_t a)
{
    for (size_t i = 0; i < KOC__COUNT(networks4); i++) {
        uint32_t mask = ~(uint32_t)0 << (32 - networks4[i].bits);
        if ((a & mask) == networks4[i].prefix) {
            return networks4[i].kind;
        }
    }
    return KOC__ADDRESS_PUBLIC;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static koc__address of_ip6(const uint8_t a[16])
{
    static const uint8_t zero[12];
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const uint8_t metadata[16] = {0xfd, 0, 0x0e, 0xc2, 0, 0, 0,    0,
                                         0,    0, 0,    0,    0, 0, 0x02, 0x54};

    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0) {
        return of_ip4(be32(a + 12));
    }
    if (memcmp(a, zero, 12) == 0) {
        /* ::, ::1 and the obsolete IPv4-compatible form. */
        return KOC__ADDRESS_LOCAL;
    }
    if ((a[0] == 0xfe && (a[1] & 0xc0) == 0x80) || a[0] == 0xff || memcmp(a, metadata, 16) == 0) {
        return KOC__ADDRESS_LOCAL;
    }
    if ((a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0xc0)) {
        return KOC__ADDRESS_PRIVATE;
    }
    return KOC__ADDRESS_PUBLIC;
}

koc__address koc__address_of_text(koc_str text)
{
    char copy[64];
    struct in_addr a4;
    struct in6_addr a6;
    if (text.len == 0 || text.len >= sizeof(copy)) {
        return KOC__ADDRESS_NAME;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &a4) == 1) {
        return of_ip4(ntohl(a4.s_addr));
    }
    if (inet_pton(AF_INET6, copy, &a6) == 1) {
        return of_ip6(a6.s6_addr);
    }
    return KOC__ADDRESS_NAME;
}

static koc__address address_of_socket(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, sa, sizeof(in4));
        return of_ip4(ntohl(in4.sin_addr.s_addr));
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof(in6));
        return of_ip6(in6.sin6_addr.s6_addr);
    }
    return KOC__ADDRESS_LOCAL;
}

/* Resolvers also read "10.1" and "0x0a000001" as addresses: the last label begins with a digit. */
static bool is_number(koc_str host)
{
    koc_str before, label = host;
    koc__str_rcut(host, '.', &before, &label);
    return memchr(host.ptr, ':', host.len) ||
           (label.len > 0 && label.ptr[0] >= '0' && label.ptr[0] <= '9');
}

bool koc__address_allowed(const char *host, const struct sockaddr *sa)
{
    koc__address kind = address_of_socket(sa);
    return kind == KOC__ADDRESS_PUBLIC ||
           (kind == KOC__ADDRESS_PRIVATE && !is_number(koc__str(host)));
}

bool koc__address_is_loopback(koc_str host)
{
    uint8_t a[16];
    char copy[64];
    if (koc__str_ieq(host, KOC__STR("localhost")) || koc__str_ends(host, ".localhost")) {
        return true;
    }
    if (host.len == 0 || host.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, host.ptr, host.len);
    copy[host.len] = '\0';
    if (inet_pton(AF_INET, copy, a) == 1) {
        return a[0] == 127;
    }
    static const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return inet_pton(AF_INET6, copy, a) == 1 && memcmp(a, one, 16) == 0;
}
