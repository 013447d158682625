/* Kinds of IP addresses: which of them a public registry may name. */
#ifndef KOC__ADDRESS_H
#define KOC__ADDRESS_H

#include <koc/base.h>

struct sockaddr;

typedef enum koc__address {
    KOC__ADDRESS_NAME, /* not an address: a host name */
    KOC__ADDRESS_PUBLIC,
    KOC__ADDRESS_PRIVATE, /* RFC 1918, fc00::/7, 100.64/10 */
    KOC__ADDRESS_LOCAL    /* this host, its link, cloud metadata, multicast, unspecified */
} koc__address;

/* The kind of a literal address ("10.0.0.1", "::1", "::ffff:10.0.0.1", without brackets). */
koc__address koc__address_of_text(koc_str text);
/* Whether a public registry may redirect to host at this address: never to a LOCAL one, and to a
 * private one only by a name (a company's split DNS), not by a number in any notation. */
bool koc__address_allowed(const char *host, const struct sockaddr *sa);
/* localhost, *.localhost, 127.0.0.0/8, ::1. */
bool koc__address_is_loopback(koc_str host);

#endif
