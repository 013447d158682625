/*
 * Rejects requests that no registry client sends. The server asks for no password, so it must not answer web
 * pages: neither under a name of the attacker's that resolves to this host (DNS rebinding) nor if the browser
 * marks the request as cross-site. It also rejects a request whose end is ambiguous (request smuggling).
 */
#include "core/common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "serve/serve.h"

enum { HOST_MAX = 255 };

static bool is_port(koc_str s)
{
    uint64_t port = 0;
    return s.len == 0 || (koc__str_u64(s, &port) && port <= 65535);
}

/* "name", "name:port", "1.2.3.4", "[::1]:port": the host without port and brackets. */
static bool split_host(koc_str text, koc_str *host)
{
    koc_str port = {0};
    koc_str rest = {0};
    if (koc__str_starts(text, "[")) {
        if (!koc__str_cut(koc__str_from(text, 1), ']', host, &rest) ||
            (rest.len > 0 && rest.ptr[0] != ':')) {
            return false;
        }
        return is_port(koc__str_from(rest, 1));
    }
    *host = text;
    koc__str_cut(text, ':', host, &port);
    if (host->len > 1 && host->ptr[host->len - 1] == '.') { /* a name from the root */
        host->len--;
    }
    return host->len > 0 && is_port(port);
}

static bool is_loopback_name(koc_str host)
{
    koc_str suffix = KOC__STR(".localhost");
    if (koc__str_ieq(host, KOC__STR("localhost"))) {
        return true;
    }
    return host.len > suffix.len &&
           koc__str_ieq(koc__str_from(host, host.len - suffix.len), suffix);
}

static bool is_loopback_number(koc_str host)
{
    char text[HOST_MAX + 1] = {0};
    struct in_addr v4;
    struct in6_addr v6;
    if (host.len > HOST_MAX) {
        return false;
    }
    memcpy(text, host.ptr, host.len);
    if (inet_pton(AF_INET, text, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool is_allowed_host(const koc__server *s, koc_str host)
{
    for (const char *const *p = s->allow_hosts; p && *p; p++) {
        if (koc__str_ieq(host, koc__str(*p))) {
            return true;
        }
    }
    return is_loopback_name(host) || is_loopback_number(host);
}

/* HTTP/1.0 clients send no Host; browsers always do. */
static bool check_host(const koc__server *s, const koc__head *head, koc__served_reply *r)
{
    koc_str host = {0};
    bool any = !s->loopback && !s->allow_hosts;
    if (!head->host) {
        return true;
    }
    if (!split_host(koc__str(head->host), &host)) {
        koc__served_reply_error(r, 400, "UNSUPPORTED", "the Host header is not a host and a port");
        return false;
    }
    if (any || is_allowed_host(s, host)) {
        return true;
    }
    koc__served_reply_error(
        r, 403, "DENIED",
        "this server is not known as %.*s (koc serve --allow-host=%.*s adds the name)",
        KOC__FMT(host), KOC__FMT(host));
    return false;
}

static bool check_site(const koc__head *head, koc__served_reply *r)
{
    const char *site = head->fetch_site;
    bool ours = !site || koc__streq(site, "none") || koc__streq(site, "same-origin");
    if (ours && !head->origin) {
        return true;
    }
    /* Only browsers send these: a web page must neither write to nor read from the user's registry. */
    koc__served_reply_error(r, 403, "DENIED", "requests from web pages are not answered");
    return false;
}

static bool check_framing(const koc__head *head, koc__served_reply *r)
{
    uint64_t length = 0;
    const char *problem = NULL;
    if (head->repeated) {
        problem = "Host, Content-Length and Transfer-Encoding must not be repeated";
    } else if (head->content_length && head->transfer_encoding) {
        problem = "Content-Length and Transfer-Encoding exclude each other";
    } else if (head->content_length && !koc__str_u64(koc__str(head->content_length), &length)) {
        problem = "Content-Length is not a number";
    } else if (head->transfer_encoding &&
               !koc__str_ieq(koc__str(head->transfer_encoding), KOC__STR("chunked"))) {
        problem = "the only Transfer-Encoding is chunked";
    }
    if (problem) {
        koc__served_reply_error(r, 400, "UNSUPPORTED", "%s", problem);
        koc__served_reply_header(r, "Connection",
                                 "close"); /* the bytes that follow belong to no request */
    }
    return !problem;
}

bool koc__guard(const koc__server *s, const koc__head *head, koc__served_reply *r)
{
    return check_framing(head, r) && check_host(s, head, r) && check_site(head, r);
}
