#include "core/common.h"

#include "registry/regerror.h"

#include "core/json.h"
#include "core/str.h"

/* Bytes of the UTF-8 character at s, or 0 when it is none or not printable. */
static size_t printable(koc_str s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

    if (c < 0x20 || c == 0x7f || n > s.len || !koc__str_utf8(koc__str_n(s.ptr, n))) {
        return 0;
    }
    if (n == 2 && c == 0xc2 && (unsigned char)s.ptr[1] < 0xa0) {
        return 0; /* C1 controls */
    }
    if (n == 3 && c == 0xe2) {
        unsigned char b = (unsigned char)s.ptr[1], d = (unsigned char)s.ptr[2];
        /* Characters that reorder what a terminal shows. */
        if ((b == 0x80 && ((d >= 0x8b && d <= 0x8f) || (d >= 0xa8 && d <= 0xae))) ||
            (b == 0x81 && d >= 0xa6 && d <= 0xa9)) {
            return 0;
        }
    }
    return n;
}

/* Where the HTML tag at s ends; 0 when this is no tag. */
static size_t tag_length(koc_str s)
{
    const char *end;

    if (s.ptr[0] != '<' || s.len < 3) {
        return 0;
    }
    char c = s.ptr[1];
    if (c != '/' && c != '!' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')) {
        return 0;
    }
    end = memchr(s.ptr, '>', s.len);
    return end ? (size_t)(end - s.ptr) + 1 : 0;
}

void koc__clean_text(koc_str text, char *out, size_t size)
{
    size_t used = 0;
    bool space = false;

    for (size_t i = 0; i < text.len;) {
        koc_str rest = koc__str_from(text, i);
        size_t tag = tag_length(rest), n = tag ? 0 : printable(rest);
        if (n == 0 || rest.ptr[0] == ' ') {
            space = used > 0;
            i += tag ? tag : 1;
            continue;
        }
        if (used + n + (space ? 1 : 0) >= size) {
            break;
        }
        if (space) {
            out[used++] = ' ';
            space = false;
        }
        memcpy(out + used, rest.ptr, n);
        used += n;
        i += n;
    }
    out[used] = '\0';
}

static void take_text(const koc__jnode *n, char *out, size_t size)
{
    const char *s = koc__json_str(n) ? koc__json_str(n) : koc__json_number(n);

    if (s) {
        koc__clean_text(koc__str(s), out, size);
    }
}

static void read_object(const koc__jnode *n, koc__regerror *out)
{
    const koc__jnode *code = koc__json_get(n, "code");

    take_text(code ? code : koc__json_get(n, "status"), out->code, sizeof(out->code));
    take_text(koc__json_get(n, "message"), out->message, sizeof(out->message));
    if (!out->message[0]) {
        take_text(koc__json_get(n, "detail"), out->message, sizeof(out->message));
    }
}

void koc__regerror_read(koc_str body, koc__regerror *out)
{
    KOC__AUTO(koc__json) doc = NULL;

    *out = (koc__regerror){"", ""};
    if (koc__json_parse(body, KOC__ERROR_BODY_MAX, "error", &doc, NULL) != KOC_OK) {
        koc__clean_text(body, out->message, KOC__MIN(sizeof(out->message), (size_t)201));
        return;
    }
    const koc__jnode *root = koc__json_root(doc), *errors = koc__json_get(root, "errors");
    if (koc__json_is(errors, KOC__JSON_ARRAY)) {
        read_object(koc__json_child(errors), out);
    } else if (koc__json_get(root, "error")) {
        /* RFC 6749, 5.2 */
        take_text(koc__json_get(root, "error"), out->code, sizeof(out->code));
        take_text(koc__json_get(root, "error_description"), out->message, sizeof(out->message));
    } else {
        read_object(root, out);
    }
    if (!out->message[0]) {
        take_text(koc__json_get(root, "details"), out->message, sizeof(out->message));
    }
}

void koc__status_text(int status, char *out, size_t size)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {416, "Range Not Satisfiable"},
        {425, "Too Early"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < KOC__COUNT(phrases); i++) {
        if (phrases[i].status == status) {
            snprintf(out, size, "%d %s", status, phrases[i].phrase);
            return;
        }
    }
    snprintf(out, size, "status %d", status);
}

void koc__reply_reason(int status, const koc__regerror *e, int64_t seconds, char *out, size_t size)
{
    const char *said = e->message[0] ? e->message : e->code;
    char text[64], when[48] = "";

    koc__status_text(status, text, sizeof(text));
    if (seconds > 0) {
        snprintf(when, sizeof(when), ", Retry-After: %lld", (long long)seconds);
    }
    snprintf(out, size, "%s%s%s%s", text, said[0] ? ": " : "", said, when);
}

typedef struct meaning {
    int status;
    koc_code code;
    const char *text;
} meaning;

static const meaning meanings[] = {
    {401, KOC_EAUTH, "not authorised"},
    {402, KOC_EDENIED, "the registry wants a payment"},
    {403, KOC_EDENIED, "access denied"},
    {404, KOC_ENOTFOUND, "not found"},
    {405, KOC_EUNSUPPORTED, "the registry does not allow this (it may be read-only)"},
    {409, KOC_ECONFLICT, "the registry reports a conflict"},
    {411, KOC_EHTTP, "the registry wants a length"},
    {412, KOC_ECONFLICT, "it was changed by somebody else"},
    {413, KOC_ELIMIT, "too large for the registry"},
    {414, KOC_ELIMIT, "the registry finds the URL too long"},
    {415, KOC_EUNSUPPORTED, "the registry does not take this media type"},
    {416, KOC_EHTTP, "the registry refused the range"},
    {429, KOC_ERATE, "too many requests"},
    {431, KOC_ELIMIT, "the registry finds the headers too large"},
    {500, KOC_EHTTP, "the registry failed (500 Internal Server Error)"},
    {501, KOC_EUNSUPPORTED, "the registry cannot do this (501 Not Implemented)"},
    {502, KOC_EHTTP, "the registry failed (502 Bad Gateway)"},
    {503, KOC_EHTTP, "the registry is not available (503 Service Unavailable)"},
    {504, KOC_EHTTP, "the registry failed (504 Gateway Timeout)"},
    {507, KOC_EHTTP, "the registry has no space left (507)"},
};

static const char *known_code(const char *code)
{
    static const char *const known[][2] = {
        {"NAME_UNKNOWN", "no such repository"},
        {"MANIFEST_UNKNOWN", "no such image"},
        {"BLOB_UNKNOWN", "no such blob"},
        {"BLOB_UPLOAD_UNKNOWN", "the registry lost the upload"},
        {"MANIFEST_BLOB_UNKNOWN", "the registry lacks a blob of it"},
        {"DIGEST_INVALID", "the registry got other bytes than were sent"},
    };

    for (size_t i = 0; i < KOC__COUNT(known); i++) {
        if (strcmp(code, known[i][0]) == 0) {
            return known[i][1];
        }
    }
    return NULL;
}

int koc__regerror_make(int status, const koc__regerror *e, koc_error **err)
{
    meaning m = {status, KOC_EHTTP, NULL};
    const char *known = known_code(e->code);
    char other[64];

    for (size_t i = 0; i < KOC__COUNT(meanings); i++) {
        if (meanings[i].status == status) {
            m = meanings[i];
        }
    }
    if (status == 400 && strstr(e->message, "No required SSL certificate")) {
        m = (meaning){status, KOC_ETLS, "this registry wants a client certificate"};
    }
    if (known && (status == 404 || status == 400)) {
        m.text = known;
    }
    if (!m.text) {
        snprintf(other, sizeof(other), "the registry answered %d", status);
        m.text = other;
    }
    if (e->message[0]) {
        koc__error(err, m.code, "%s (%s)", m.text, e->message);
    } else if (e->code[0]) {
        koc__error(err, m.code, "%s (%s)", m.text, e->code);
    } else {
        koc__error(err, m.code, "%s", m.text);
    }
    koc__error_http(err, status, e->code[0] ? e->code : NULL);
    koc__error_retryable(err, status == 429 || status >= 500);
    return m.code;
}
