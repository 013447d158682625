#include "core/common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/str.h"
#include "http/address.h"
#include "test.h"

/* every notation of the addresses that nobody may send us to. */
static const struct {
    const char *text;
    koc__address kind;
} table[] = {
    {"127.0.0.1", KOC__ADDRESS_LOCAL},
    {"127.255.0.9", KOC__ADDRESS_LOCAL},
    {"0.0.0.0", KOC__ADDRESS_LOCAL},
    {"169.254.169.254", KOC__ADDRESS_LOCAL},
    {"100.100.100.200", KOC__ADDRESS_LOCAL},
    {"224.0.0.1", KOC__ADDRESS_LOCAL},
    {"255.255.255.255", KOC__ADDRESS_LOCAL},
    {"::", KOC__ADDRESS_LOCAL},
    {"::1", KOC__ADDRESS_LOCAL},
    {"fe80::1", KOC__ADDRESS_LOCAL},
    {"febf::1", KOC__ADDRESS_LOCAL},
    {"ff02::1", KOC__ADDRESS_LOCAL},
    {"fd00:ec2::254", KOC__ADDRESS_LOCAL},
    {"::ffff:127.0.0.1", KOC__ADDRESS_LOCAL},
    {"::ffff:169.254.169.254", KOC__ADDRESS_LOCAL},
    {"64:ff9b::7f00:1", KOC__ADDRESS_LOCAL},
    {"::127.0.0.1", KOC__ADDRESS_LOCAL},
    {"10.1.2.3", KOC__ADDRESS_PRIVATE},
    {"172.16.0.1", KOC__ADDRESS_PRIVATE},
    {"172.31.255.255", KOC__ADDRESS_PRIVATE},
    {"192.168.1.1", KOC__ADDRESS_PRIVATE},
    {"100.64.0.1", KOC__ADDRESS_PRIVATE},
    {"fc00::1", KOC__ADDRESS_PRIVATE},
    {"::ffff:10.0.0.1", KOC__ADDRESS_PRIVATE},
    {"0.255.255.255", KOC__ADDRESS_LOCAL},
    {"1.0.0.0", KOC__ADDRESS_PUBLIC},
    {"126.255.255.255", KOC__ADDRESS_PUBLIC},
    {"128.0.0.0", KOC__ADDRESS_PUBLIC},
    {"169.254.0.0", KOC__ADDRESS_LOCAL},
    {"169.255.0.0", KOC__ADDRESS_PUBLIC},
    {"100.100.100.199", KOC__ADDRESS_PRIVATE},
    {"100.100.100.201", KOC__ADDRESS_PRIVATE},
    {"223.255.255.255", KOC__ADDRESS_PUBLIC},
    {"9.255.255.255", KOC__ADDRESS_PUBLIC},
    {"11.0.0.0", KOC__ADDRESS_PUBLIC},
    {"172.15.255.255", KOC__ADDRESS_PUBLIC},
    {"192.167.255.255", KOC__ADDRESS_PUBLIC},
    {"192.169.0.0", KOC__ADDRESS_PUBLIC},
    {"100.63.255.255", KOC__ADDRESS_PUBLIC},
    {"100.127.255.255", KOC__ADDRESS_PRIVATE},
    {"100.128.0.0", KOC__ADDRESS_PUBLIC},
    {"fe7f::1", KOC__ADDRESS_PUBLIC},
    {"fec0::1", KOC__ADDRESS_PRIVATE},
    {"feff::1", KOC__ADDRESS_PRIVATE},
    {"fdff::1", KOC__ADDRESS_PRIVATE},
    {"fbff::1", KOC__ADDRESS_PUBLIC},
    {"fd00:ec2::253", KOC__ADDRESS_PRIVATE},
    {"64:ff9b::808:808", KOC__ADDRESS_PUBLIC},
    {"64:ff9c::7f00:1", KOC__ADDRESS_PUBLIC},
    {"::ffff:8.8.8.8", KOC__ADDRESS_PUBLIC},
    {"::1:0:0", KOC__ADDRESS_PUBLIC},
    {"1111:2222:3333:4444:5555:6666:123.123.123.123x", KOC__ADDRESS_NAME},
    {"8.8.8.8", KOC__ADDRESS_PUBLIC},
    {"172.32.0.1", KOC__ADDRESS_PUBLIC},
    {"169.253.0.1", KOC__ADDRESS_PUBLIC},
    {"2606:4700::1", KOC__ADDRESS_PUBLIC},
    {"registry.example", KOC__ADDRESS_NAME},
    {"127.1", KOC__ADDRESS_NAME},
    {"", KOC__ADDRESS_NAME},
};

KOC_TEST(address_kinds_R66_R67)
{
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_int_equal(koc__address_of_text(koc__str(table[i].text)), table[i].kind);
    }
}

static bool allowed(const char *host, const char *address)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &in4.sin_addr) == 1) {
        return koc__address_allowed(host, (const struct sockaddr *)&in4);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
    return koc__address_allowed(host, (const struct sockaddr *)&in6);
}

/* what counts is where the name leads; private networks only by a name. */
KOC_TEST(address_allowed_R67)
{
    assert_true(allowed("cdn.example", "8.8.8.8"));
    assert_true(allowed("cdn.example", "10.0.0.1"));
    assert_false(allowed("10.0.0.1", "10.0.0.1"));
    assert_false(allowed("10.1", "10.0.0.1"));
    assert_false(allowed("0x0a000001", "10.0.0.1"));
    assert_false(allowed("fc00::1", "fc00::1"));
    assert_false(allowed("9", "10.0.0.1"));
    assert_false(allowed("a.9b", "10.0.0.1"));
    assert_true(allowed("9.a", "10.0.0.1"));
    assert_true(allowed("a", "10.0.0.1"));
    assert_true(allowed("a.", "10.0.0.1"));
    assert_true(allowed("cdn.example", "fc00::1"));
    assert_true(allowed("2606:4700::1", "2606:4700::1"));
    const struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(koc__address_allowed("cdn.example", &other));
    assert_false(allowed("rebind.example", "127.0.0.1"));
    assert_false(allowed("rebind.example", "::1"));
    assert_false(allowed("metadata.example", "169.254.169.254"));
}

/* */
KOC_TEST(loopback_hosts_R10)
{
    static const char *const yes[] = {"localhost", "LOCALHOST", "registry.localhost", "127.0.0.1",
                                      "127.9.9.9", "::1",       "0:0:0:0:0:0:0:1"};
    static const char *const no[] = {"localhost.example", "notlocalhost", "10.0.0.1",
                                     "128.0.0.1",         "::2",          "",
                                     "192.168.0.1",       "127.example"};

    for (size_t i = 0; i < KOC__COUNT(yes); i++) {
        assert_true(koc__address_is_loopback(koc__str(yes[i])));
    }
    for (size_t i = 0; i < KOC__COUNT(no); i++) {
        assert_false(koc__address_is_loopback(koc__str(no[i])));
    }
}
