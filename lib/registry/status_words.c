/* The error of a status, by the purpose of the request. */
#include "core/common.h"

#include "registry/registry_error.h"

#include "core/str.h"

koc__operation koc__operation_of(const char *method, const char *path)
{
    koc_str p = koc__str(path);
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (koc__str_starts(p, "blobs/uploads/")) {
        return strcmp(method, "POST") == 0 ? KOC__DO_UPLOAD_OPEN : KOC__DO_UPLOAD_SEND;
    }
    if (strcmp(method, "DELETE") == 0) {
        return KOC__DO_DELETE;
    }
    if (koc__str_starts(p, "manifests/")) {
        return reads ? KOC__DO_MANIFEST_GET : KOC__DO_MANIFEST_PUT;
    }
    if (koc__str_starts(p, "blobs/")) {
        return KOC__DO_BLOB_GET;
    }
    return koc__str_starts(p, "tags/") || koc__str_starts(p, "referrers/") ? KOC__DO_LIST
                                                                           : KOC__DO_OTHER;
}

/* "503 Service Unavailable": the number and its standard phrase, never the server's own. */
static void status_text(int status, char *out, size_t size)
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
    snprintf(out, size, "%d", status);
}

void koc__reply_reason(int status, const koc__regerror *e, int64_t seconds, char *out, size_t size)
{
    const char *said = e->message[0] ? e->message : e->code;
    char text[64], when[48] = "";
    status_text(status, text, sizeof(text));
    if (seconds > 0) {
        snprintf(when, sizeof(when), ", Retry-After: %lld", (long long)seconds);
    }
    snprintf(out, size, "%s%s%s%s", text, said[0] ? ": " : "", said, when);
}

#define BIT(what) (1u << (what))
#define PUSHES    (BIT(KOC__DO_UPLOAD_OPEN) | BIT(KOC__DO_UPLOAD_SEND) | BIT(KOC__DO_MANIFEST_PUT))
#define UPLOADS   (BIT(KOC__DO_UPLOAD_OPEN) | BIT(KOC__DO_UPLOAD_SEND))
#define ANY       (~0u)

/* The first matching row counts. registry_code NULL: any. */
static const struct meaning {
    unsigned what;
    int status; /* 0: any */
    const char *registry_code;
    koc_code code;
    const char *text;
} meanings[] = {
    {ANY, 429, NULL, KOC_ERATE, "too many requests"},
    {ANY, 401, NULL, KOC_EAUTH, "not authorised"},
    {ANY, 407, NULL, KOC_EAUTH, "the proxy requires credentials (407)"},
    {ANY, 402, NULL, KOC_EDENIED, "the registry requires a payment"},
    {ANY, 403, NULL, KOC_EDENIED, "access denied"},
    {ANY, 451, NULL, KOC_EDENIED, "not available for legal reasons"},
    {ANY, 404, "NAME_UNKNOWN", KOC_ENOTFOUND, "no such repository"},
    {ANY, 404, "BLOB_UPLOAD_UNKNOWN", KOC_ENOTFOUND, "the registry lost the upload"},
    {ANY, 404, "BLOB_UPLOAD_INVALID", KOC_ENOTFOUND, "the registry lost the upload"},
    {BIT(KOC__DO_MANIFEST_PUT), 404, "BLOB_UNKNOWN", KOC_ENOTFOUND,
     "the registry lacks a blob of it"},
    {BIT(KOC__DO_MANIFEST_PUT), 404, "MANIFEST_UNKNOWN", KOC_ENOTFOUND,
     "the registry lacks a manifest of it"},
    {ANY, 404, "MANIFEST_BLOB_UNKNOWN", KOC_ENOTFOUND, "the registry lacks a blob of it"},
    {ANY, 404, "BLOB_UNKNOWN", KOC_ENOTFOUND, "no such blob"},
    {ANY, 404, "MANIFEST_UNKNOWN", KOC_ENOTFOUND, "no such image"},
    {BIT(KOC__DO_MANIFEST_PUT), 400, "BLOB_UNKNOWN", KOC_EHTTP, "the registry lacks a blob of it"},
    {BIT(KOC__DO_MANIFEST_PUT), 400, "MANIFEST_UNKNOWN", KOC_EHTTP,
     "the registry lacks a manifest of it"},
    {ANY, 400, "MANIFEST_BLOB_UNKNOWN", KOC_EHTTP, "the registry lacks a blob of it"},
    {ANY, 400, "NAME_UNKNOWN", KOC_EHTTP, "no such repository"},
    {ANY, 400, "NAME_INVALID", KOC_EHTTP, "the registry does not take this name"},
    {ANY, 400, "MANIFEST_INVALID", KOC_EHTTP, "the registry finds the manifest invalid"},
    {ANY, 400, "DIGEST_INVALID", KOC_EHTTP, "the registry got other bytes than were sent"},
    {ANY, 400, "BLOB_UPLOAD_UNKNOWN", KOC_EHTTP, "the registry lost the upload"},
    {ANY, 400, "BLOB_UPLOAD_INVALID", KOC_EHTTP, "the registry lost the upload"},
    {ANY, 400, "UNSUPPORTED", KOC_EHTTP, "the registry cannot do this"},
    {BIT(KOC__DO_UPLOAD_OPEN), 404, NULL, KOC_ENOTFOUND,
     "the registry takes no uploads for this repository"},
    {BIT(KOC__DO_UPLOAD_SEND), 404, NULL, KOC_ENOTFOUND, "the registry lost the upload"},
    {BIT(KOC__DO_UPLOAD_SEND), 410, NULL, KOC_ENOTFOUND, "the registry lost the upload"},
    {BIT(KOC__DO_MANIFEST_GET), 404, NULL, KOC_ENOTFOUND, "no such image"},
    {BIT(KOC__DO_BLOB_GET), 404, NULL, KOC_ENOTFOUND, "no such blob"},
    {BIT(KOC__DO_LIST), 404, NULL, KOC_ENOTFOUND, "no such repository"},
    {ANY, 404, NULL, KOC_ENOTFOUND, "not found"},
    {PUSHES, 405, NULL, KOC_EUNSUPPORTED, "the registry does not allow this (it may be read-only)"},
    {BIT(KOC__DO_DELETE), 405, NULL, KOC_EUNSUPPORTED, "the registry does not delete"},
    {ANY, 405, NULL, KOC_EUNSUPPORTED, "the registry does not allow this"},
    {ANY, 408, NULL, KOC_EHTTP, "the registry waited too long for the request"},
    {BIT(KOC__DO_MANIFEST_PUT), 409, NULL, KOC_ECONFLICT,
     "the registry reports a conflict with what is there"},
    {ANY, 409, NULL, KOC_ECONFLICT, "the registry reports a conflict"},
    {ANY, 411, NULL, KOC_EHTTP, "the registry requires a length"},
    {PUSHES, 412, NULL, KOC_EDENIED,
     "a condition of the registry does not hold, perhaps its quota (412 Precondition Failed)"},
    {ANY, 412, NULL, KOC_EDENIED,
     "a condition of the registry does not hold, perhaps its policy (412 Precondition Failed)"},
    {BIT(KOC__DO_MANIFEST_PUT), 413, NULL, KOC_ELIMIT,
     "the manifest is too large for the registry"},
    {ANY, 413, NULL, KOC_ELIMIT, "too large for the registry"},
    {ANY, 414, NULL, KOC_ELIMIT, "the registry finds the URL too long"},
    {ANY, 415, NULL, KOC_EUNSUPPORTED, "the registry does not take this media type"},
    {UPLOADS, 416, NULL, KOC_EHTTP, "the registry expected another part of the upload"},
    {ANY, 416, NULL, KOC_EHTTP, "the registry refused the range"},
    {ANY, 431, NULL, KOC_ELIMIT, "the registry finds the headers too large"},
    {ANY, 500, NULL, KOC_EHTTP, "the registry failed (500 Internal Server Error)"},
    {ANY, 501, NULL, KOC_EUNSUPPORTED, "the registry cannot do this (501 Not Implemented)"},
    {ANY, 502, NULL, KOC_EHTTP, "the registry failed (502 Bad Gateway)"},
    {ANY, 503, NULL, KOC_EHTTP, "the registry is not available (503 Service Unavailable)"},
    {ANY, 504, NULL, KOC_EHTTP, "the registry failed (504 Gateway Timeout)"},
    {ANY, 507, NULL, KOC_EHTTP, "the registry has no space left (507 Insufficient Storage)"},
};

int koc__regerror_make(koc__operation what, int status, const koc__regerror *e, koc_error **err)
{
    const char *said = e->message[0] ? e->message : e->code, *text = NULL;
    koc_code code = KOC_EHTTP;
    char other[96], number[64];
    for (size_t i = 0; i < KOC__COUNT(meanings) && !text; i++) {
        const struct meaning *m = &meanings[i];
        if ((m->what & BIT(what)) && m->status == status &&
            (!m->registry_code || strcmp(m->registry_code, e->code) == 0)) {
            text = m->text;
            code = m->code;
        }
    }
    if (status == 400 && strstr(e->message, "No required SSL certificate")) {
        text = "this registry requires a client certificate";
        code = KOC_ETLS;
    }
    if (!text) {
        status_text(status, number, sizeof(number));
        snprintf(other, sizeof(other), "the registry answered %s", number);
        text = other;
    }
    koc__error(err, code, "%s%s%s%s", text, said[0] ? " (" : "", said, said[0] ? ")" : "");
    koc__error_http(err, status, e->code[0] ? e->code : NULL);
    koc__error_retryable(err, status == 429 || status >= 500);
    return code;
}
