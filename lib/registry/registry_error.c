#include "core/common.h"

#include "registry/registry_error.h"

#include "core/clean.h"
#include "core/str.h"
#include "text/json.h"

#define TEXT_MAX     201 /* of a body that is not JSON */
#define MESSAGE_MAX  256 /* of one error */
#define DETAIL_MAX   256
#define DETAIL_DEPTH 3
#define ERRORS_MAX   16

/* Appends text; if there is no room, cuts it at a character and ends it with "...". */
static void append_text(char *out, size_t size, const char *separator, const char *text)
{
    size_t used = strlen(out);
    int n = snprintf(out + used, size - used, "%s%s", used ? separator : "", text);
    if (n < 0 || (size_t)n < size - used) {
        return;
    }
    used = size - sizeof("...");
    while (used > 0 && ((unsigned char)out[used] & 0xc0) == 0x80) {
        used--;
    }
    memcpy(out + used, "...", sizeof("..."));
}

static const char *text_of(const koc__jnode *n)
{
    return koc__json_str(n) ? koc__json_str(n) : koc__json_number(n);
}

static void copy_text(const koc__jnode *n, char *out, size_t size)
{
    const char *s = text_of(n);
    if (s) {
        koc__clean_text(koc__str(s), out, size);
    }
}

/* A detail is a string, or values with or without names: {"Tag":"v1"} becomes "Tag v1". Values
 * that message contains already are left out. */
static void put_detail(const koc__jnode *n, const char *message, int depth, char *out, size_t size)
{
    const char *s = text_of(n);
    char value[DETAIL_MAX] = "", named[DETAIL_MAX + 72];
    if (s) {
        koc__clean_text(koc__str(s), value, sizeof(value));
        char name[64] = "";
        koc__clean_text(koc__str(koc__json_name(n) ? koc__json_name(n) : ""), name, sizeof(name));
        snprintf(named, sizeof(named), "%s%s%s", depth ? name : "", depth && name[0] ? " " : "",
                 value);
        if (value[0] && !strstr(message, value)) {
            append_text(out, size, ", ", named);
        }
        return;
    }
    if (depth >= DETAIL_DEPTH) {
        return;
    }
    for (const koc__jnode *child = koc__json_child(n); child; child = koc__json_next(child)) {
        put_detail(child, message, depth + 1, out, size);
    }
}

/* "message: detail", after the code if there are several errors. */
static void read_object(const koc__jnode *n, bool several, koc__regerror *out)
{
    const koc__jnode *code_node = koc__json_get(n, "code");
    char code[64] = "", message[MESSAGE_MAX] = "", detail[DETAIL_MAX] = "";
    char whole[sizeof(code) + sizeof(message) + sizeof(detail) + 8] = "";

    copy_text(code_node ? code_node : koc__json_get(n, "status"), code, sizeof(code));
    copy_text(koc__json_get(n, "message"), message, sizeof(message));
    put_detail(koc__json_get(n, "detail"), message, 0, detail, sizeof(detail));
    if (several) {
        append_text(whole, sizeof(whole), "", code);
    }
    if (message[0]) {
        append_text(whole, sizeof(whole), ": ", message);
    }
    if (detail[0]) {
        append_text(whole, sizeof(whole), ": ", detail);
    }
    if (whole[0]) {
        append_text(out->message, sizeof(out->message), "; ", whole);
    }
    if (code[0] && (!out->code[0] || strcmp(out->code, "UNKNOWN") == 0)) {
        memcpy(out->code, code, sizeof(code));
    }
}

static void read_errors(const koc__jnode *errors, koc__regerror *out)
{
    const koc__jnode *first = koc__json_child(errors);
    bool several = first && koc__json_next(first);
    size_t n = 0;
    for (const koc__jnode *e = first; e && n < ERRORS_MAX; e = koc__json_next(e), n++) {
        read_object(e, several, out);
    }
}

void koc__regerror_read(koc_str body, koc__regerror *out)
{
    KOC__AUTO(koc__json) doc = NULL;
    *out = (koc__regerror){"", ""};
    if (koc__json_parse(body, KOC__ERROR_BODY_MAX, "error", &doc, NULL) != KOC_OK) {
        koc__clean_text(body, out->message, TEXT_MAX);
        return;
    }
    const koc__jnode *root = koc__json_root(doc), *errors = koc__json_get(root, "errors");
    if (koc__json_is(errors, KOC__JSON_ARRAY)) {
        read_errors(errors, out);
    } else if (koc__json_get(root, "error")) {
        /* RFC 6749, 5.2 */
        copy_text(koc__json_get(root, "error"), out->code, sizeof(out->code));
        copy_text(koc__json_get(root, "error_description"), out->message, MESSAGE_MAX);
    } else {
        read_object(root, false, out);
    }
    if (!out->message[0]) {
        copy_text(koc__json_get(root, "details"), out->message, MESSAGE_MAX);
    }
}

bool koc__regerror_code_in(const char *code, const char *const *list)
{
    for (size_t i = 0; list[i]; i++) {
        if (strcmp(code, list[i]) == 0) {
            return true;
        }
    }
    return false;
}
