/*
 * Finds out why a server's certificate is not trusted, for the error. libcurl does not say, so koc
 * fetches the certificates again, over a connection on which it sends nothing.
 */
#include "core/common.h"

#include "http/transport_curl.h"

#include <curl/curl.h>
#include <time.h>

#include "core/dynbuf.h"
#include "core/env.h"
#include "core/str.h"
#include "core/text.h"

#define FETCH_MS  3000L
#define NAMES_MAX ((size_t)5)
#define SHOWN     200 /* bytes of one name */

/* A certificate as the TLS library prints it; texts borrowed from libcurl. */
typedef struct certificate {
    const char *subject, *issuer, *names;
    time_t from, until; /* -1: unknown */
} certificate;

static const char *value_of(const char *line, const char *key)
{
    size_t n = strlen(key);
    return strncasecmp(line, key, n) == 0 && line[n] == ':' ? line + n + 1 : NULL;
}

static void read_line(const char *line, certificate *c)
{
    const char *value = value_of(line, "Subject");
    c->subject = value ? value : c->subject;
    value = value_of(line, "Issuer");
    c->issuer = value ? value : c->issuer;
    value = value_of(line, "X509v3 Subject Alternative Name");
    c->names = value ? value : c->names;
    value = value_of(line, "Start date");
    c->from = value ? curl_getdate(value, NULL) : c->from;
    value = value_of(line, "Expire date");
    c->until = value ? curl_getdate(value, NULL) : c->until;
}

static certificate read_certificate(const struct curl_slist *lines)
{
    certificate c = {.from = -1, .until = -1};
    for (; lines; lines = lines->next) {
        read_line(lines->data, &c);
    }
    return c;
}

static int stop_when_cancelled(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    koc__exchange *x = self;
    (void)a, (void)b, (void)c, (void)d;
    return koc__call_check(x->call, NULL) != KOC_OK;
}

/* Connects again, up to the end of the handshake, with a copy of the handle that failed: proxy
 * and addresses stay the same. */
static CURL *fetch_certificates(koc__exchange *x, struct curl_certinfo **out)
{
    CURL *e = curl_easy_duphandle(x->conn->easy);
    if (!e) {
        return NULL;
    }
    curl_easy_setopt(e, CURLOPT_SHARE, NULL);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(e, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, FETCH_MS);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, stop_when_cancelled);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, x);
    *out = NULL;
    if (curl_easy_perform(e) != CURLE_OK ||
        curl_easy_getinfo(e, CURLINFO_CERTINFO, out) != CURLE_OK) {
        *out = NULL;
    }
    koc__error_clear(&x->error); /* on_socket may have refused the address */
    return e;
}

static const char *date_text(time_t t, char out[32])
{
    struct tm utc;
    if (!gmtime_r(&t, &utc) || strftime(out, 32, "%Y-%m-%d %H:%M UTC", &utc) == 0) {
        snprintf(out, 32, "?");
    }
    return out;
}

/* Reports the first certificate that expired or is not valid yet, the server's own before its
 * authorities'. */
static bool report_dates(const certificate *list, size_t n, koc_error **err)
{
    time_t now = koc__now();
    char date[32], today[32];
    for (size_t i = 0; i < n; i++) {
        const certificate *c = &list[i];
        KOC__AUTO_STR whose = i == 0 ? koc__strdup("its certificate")
                                     : koc__format("the certificate of its authority (%.*s)", SHOWN,
                                                   c->subject ? c->subject : "?");
        const char *who = whose ? whose : "its certificate";
        if (c->until != -1 && c->until < now) {
            koc__error(err, KOC_ETLS, "%s expired on %s", who, date_text(c->until, date));
            return true;
        }
        if (c->from != -1 && c->from > now) {
            koc__error(err, KOC_ETLS, "%s is not valid before %s (it is now %s)", who,
                       date_text(c->from, date), date_text(now, today));
            return true;
        }
    }
    return false;
}

/* "localhost, 127.0.0.1" of "DNS:localhost, IP Address:127.0.0.1", each followed by suffix. usable:
 * without wildcards. */
static char *names_of(const certificate *c, bool usable, const char *suffix)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(4096);
    koc_str rest = koc__str(c->names ? c->names : ""), item, kind, name;
    size_t n = 0;
    while (koc__str_split(&rest, ',', &item)) {
        item = koc__str_trim(item);
        bool named = koc__str_cut(item, ':', &kind, &name) && name.len > 0;
        if (named && !(usable && name.ptr[0] == '*') && n++ < NAMES_MAX) {
            (void)koc__dynbuf_printf(&out, NULL, "%s%.*s%s", out.len ? ", " : "",
                                     (int)KOC__MIN(name.len, (size_t)SHOWN), name.ptr, suffix);
        }
    }
    if (n > NAMES_MAX && !usable) {
        (void)koc__dynbuf_printf(&out, NULL, " and %zu more", n - NAMES_MAX);
    }
    return out.len ? koc__dynbuf_steal(&out) : NULL;
}

static void report_names(const koc__exchange *x, const certificate *c, koc_error **err)
{
    const char *port = x->peer.authority + strcspn(x->peer.authority, "]");
    port = strrchr(*port ? port : x->peer.authority, ':');
    KOC__AUTO_STR names = c ? names_of(c, false, "") : NULL;
    KOC__AUTO_STR usable = c ? names_of(c, true, port ? port : "") : NULL;
    if (names || (c && c->subject)) {
        koc__error(err, KOC_ETLS, "its certificate is for %.*s, not for %s", 5 * SHOWN,
                   names ? names : c->subject, x->peer.host);
    } else {
        koc__error(err, KOC_ETLS, "its certificate is for another name");
    }
    if (usable) {
        koc__error_hint(err, "name the registry as its certificate does: %s", usable);
    }
}

/* Names the user's own directory, the first one that koc reads (client_certs.c). */
static void hint_at_directory(const koc__exchange *x, koc_hint kind, const char *what,
                              const char *file, koc_error **err)
{
    KOC__AUTO_STR config = koc__xdg("XDG_CONFIG_HOME", ".config");
    koc__error_hint_on(err, kind, x->peer.authority, "put %s into %s/containers/certs.d/%s%s", what,
                       config ? config : "/etc", x->peer.authority, file);
}

static void report_authority(const koc__exchange *x, const certificate *list, size_t n,
                             koc_error **err)
{
    const certificate *c = n ? &list[n - 1] : NULL; /* the highest one of the chain */
    if (koc__easy_has_no_trust()) {
        koc__error(
            err, KOC_ETLS,
            "its certificate cannot be verified: this machine has no certificates of authorities "
            "(install ca-certificates, or set SSL_CERT_FILE)");
    } else if (n == 1 && c->issuer && koc__streq(c->issuer, c->subject)) {
        koc__error(err, KOC_ETLS, "its certificate is self-signed (%.*s)", SHOWN, c->subject);
    } else if (c && c->issuer) {
        koc__error(err, KOC_ETLS, "its certificate is signed by an unknown authority (%.*s)", SHOWN,
                   c->issuer);
    } else {
        koc__error(err, KOC_ETLS, "its certificate is signed by an unknown authority");
    }
    hint_at_directory(x, KOC_HINT_TRUST_CA, "the authority's certificate", "/ca.crt", err);
}

static int explain_untrusted(koc__exchange *x, koc_error **err)
{
    struct curl_certinfo *info = NULL;
    certificate list[8];
    CURL *e = fetch_certificates(x, &info);
    size_t n =
        info && info->num_of_certs > 0 ? KOC__MIN((size_t)info->num_of_certs, KOC__COUNT(list)) : 0;
    for (size_t i = 0; i < n; i++) {
        list[i] = read_certificate(info->certinfo[i]);
    }
    const char *text = x->error_text;
    bool name = strstr(text, "subject name") || strstr(text, "does not match");
    if (name) {
        report_names(x, n ? &list[0] : NULL, err);
    } else if (!report_dates(list, n, err)) {
        if (strstr(text, "expired")) {
            koc__error(err, KOC_ETLS, "its certificate has expired");
        } else {
            report_authority(x, list, n, err);
        }
    }
    curl_easy_cleanup(e);
    return KOC_ETLS;
}

int koc__easy_certificate(koc__exchange *x, bool wants_client, koc_error **err)
{
    if (wants_client) {
        koc__error(err, KOC_ETLS, "this registry requires a client certificate");
        hint_at_directory(x, KOC_HINT_CLIENT_CERT, "client.cert and client.key", "", err);
        return KOC_ETLS;
    }
    if (x->result == CURLE_SSL_CERTPROBLEM || x->result == CURLE_SSL_CACERT_BADFILE) {
        return koc__error(err, KOC_ETLS, "a certificate file could not be used: %s", x->error_text);
    }
    return explain_untrusted(x, err);
}
