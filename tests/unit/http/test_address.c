#include "core/common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/str.h"
#include "http/address.h"
#include "test.h"

/* every notation of the addresses that nobody may send us to. */
KOC_TEST(address_kinds_R66_R67)
{
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
        {"8.8.8.8", KOC__ADDRESS_PUBLIC},
        {"172.32.0.1", KOC__ADDRESS_PUBLIC},
        {"169.253.0.1", KOC__ADDRESS_PUBLIC},
        {"2606:4700::1", KOC__ADDRESS_PUBLIC},
        {"registry.example", KOC__ADDRESS_NAME},
        {"127.1", KOC__ADDRESS_NAME},
        {"", KOC__ADDRESS_NAME},
    };

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
    assert_false(allowed("rebind.example", "127.0.0.1"));
    assert_false(allowed("rebind.example", "::1"));
    assert_false(allowed("metadata.example", "169.254.169.254"));
}

/* */
KOC_TEST(loopback_hosts_R10)
{
    static const char *const yes[] = {"localhost", "LOCALHOST", "registry.localhost",
                                      "127.0.0.1", "127.9.9.9", "::1"};
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
