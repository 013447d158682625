#include "core/common.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/clean.h"
#include "core/str.h"

#define MESSAGE_MAX 4096

struct koc_error {
    koc_code code;
    int http_status;
    int errnum; /* 0: none */
    bool retryable;
    char *message;
    char *hint;
    koc_hint hint_kind;
    char *hint_argument;
    const char *option; /* static */
    char *detail;
    char *registry_code;
    koc_error *cause;
};

/* Returned when an error cannot be allocated; never changed, never freed. */
static char oom_message[] = "out of memory";
static koc_error oom_error = {.code = KOC_ENOMEM, .message = oom_message};

static const struct {
    koc_code code;
    const char *name;
} code_names[] = {
    {KOC_OK, "KOC_OK"},
    {KOC_EMISUSE, "KOC_EMISUSE"},
    {KOC_ENOMEM, "KOC_ENOMEM"},
    {KOC_EINVAL, "KOC_EINVAL"},
    {KOC_EIO, "KOC_EIO"},
    {KOC_ENOTFOUND, "KOC_ENOTFOUND"},
    {KOC_EEXISTS, "KOC_EEXISTS"},
    {KOC_ELIMIT, "KOC_ELIMIT"},
    {KOC_EFORMAT, "KOC_EFORMAT"},
    {KOC_EDIGEST, "KOC_EDIGEST"},
    {KOC_ENET, "KOC_ENET"},
    {KOC_ETLS, "KOC_ETLS"},
    {KOC_EHTTP, "KOC_EHTTP"},
    {KOC_EAUTH, "KOC_EAUTH"},
    {KOC_EDENIED, "KOC_EDENIED"},
    {KOC_ERATE, "KOC_ERATE"},
    {KOC_ETIMEOUT, "KOC_ETIMEOUT"},
    {KOC_ECANCELLED, "KOC_ECANCELLED"},
    {KOC_EUNSUPPORTED, "KOC_EUNSUPPORTED"},
    {KOC_EPLATFORM, "KOC_EPLATFORM"},
    {KOC_EPROCESS, "KOC_EPROCESS"},
    {KOC_ECONFLICT, "KOC_ECONFLICT"},
    {KOC_EVERIFY, "KOC_EVERIFY"},
    {KOC_EUSER, "KOC_EUSER"},
};

const char *koc_code_name(koc_code code)
{
    for (size_t i = 0; i < KOC__COUNT(code_names); i++) {
        if (code_names[i].code == code) {
            return code_names[i].name;
        }
    }
    return "KOC_E?";
}

/* One line of at most MESSAGE_MAX bytes in fresh memory; NULL: out of memory. */
static char *format_line(const char *fmt, va_list args)
{
    char line[MESSAGE_MAX + 1];
    int n = vsnprintf(line, sizeof(line), fmt, args);
    if (n < 0) {
        return NULL;
    }
    if ((size_t)n >= sizeof(line)) {
        memcpy(line + MESSAGE_MAX - 3, "...", 4);
    }
    koc__str_printable(line);
    return koc__strdup(line);
}

static bool is_static(const koc_error *e)
{
    return e == &oom_error;
}

static bool retryable_by_nature(koc_code code)
{
    return code == KOC_ENET || code == KOC_ERATE || code == KOC_ETIMEOUT;
}

/* Takes message; NULL: out of memory. The result is never NULL. */
static koc_error *error_of(koc_code code, char *message)
{
    koc_error *e = message ? koc__calloc(1, sizeof(*e)) : NULL;
    if (!e) {
        koc__free(message);
        return &oom_error;
    }
    e->code = code;
    e->message = message;
    e->retryable = retryable_by_nature(code);
    return e;
}

static void put(koc_error **err, koc_error *e)
{
    koc_error_free(*err);
    *err = e;
}

static int set(koc_error **err, koc_code code, const char *fmt, va_list args)
{
    if (err) {
        put(err, error_of(code, format_line(fmt, args)));
    }
    return code;
}

int koc__error(koc_error **err, koc_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(err, code, fmt, args);
    va_end(args);
    return code;
}

int koc__oom(koc_error **err)
{
    if (err) {
        put(err, &oom_error);
    }
    return KOC_ENOMEM;
}

static const char *reason_of(int errnum, char *space, size_t size)
{
#ifdef __GLIBC__
    return strerror_r(errnum, space, size);
#else
    return strerror_r(errnum, space, size) == 0 ? space : "unknown error";
#endif
}

static koc_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR: return KOC_ENOTFOUND;
    case EEXIST: return KOC_EEXISTS;
    case ENOMEM: return KOC_ENOMEM;
    default: return KOC_EIO;
    }
}

int koc__error_errno(koc_error **err, int errnum, const char *fmt, ...)
{
    koc_code code = code_of_errno(errnum);
    char space[128];
    KOC__AUTO_STR what = NULL;
    va_list args;
    if (!err) {
        return code;
    }
    va_start(args, fmt);
    what = format_line(fmt, args);
    va_end(args);
    if (!what) {
        put(err, &oom_error);
        return code;
    }
    koc__error(err, code, "%s: %s", what, reason_of(errnum, space, sizeof(space)));
    if (!is_static(*err)) {
        (*err)->errnum = errnum;
    }
    return code;
}

bool koc__error_is_full(const koc_error *e)
{
    return e && (e->errnum == ENOSPC || e->errnum == EDQUOT || e->errnum == EFBIG);
}

int koc__error_option(koc_error **err, const char *option, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(err, KOC_EINVAL, fmt, args);
    va_end(args);
    koc__error_blame(err, option);
    return koc__error_prefix(err, KOC_EINVAL, "%s", option);
}

int koc__misuse(koc_error **err, const char *what)
{
    return koc__error(err, KOC_EMISUSE, "%s", what);
}

/* Copies what an error takes from its cause; without memory a copy is left out. */
static void inherit(koc_error *e, const koc_error *cause)
{
    e->http_status = cause->http_status;
    e->errnum = cause->errnum;
    e->retryable = cause->retryable;
    e->hint = koc__strdup(cause->hint);
    e->hint_kind = cause->hint_kind;
    e->hint_argument = koc__strdup(cause->hint_argument);
    e->option = cause->option;
    e->detail = koc__strdup(cause->detail);
    e->registry_code = koc__strdup(cause->registry_code);
}

/* The error behind err if it may be changed, else NULL. */
static koc_error *writable(koc_error **err)
{
    return err && *err && !is_static(*err) ? *err : NULL;
}

/* Without memory the message stays as it is. */
static void set_message(koc_error *e, const char *first, const char *separator, const char *second)
{
    size_t size = strlen(first) + strlen(separator) + strlen(second) + 1;
    char *message = koc__malloc(size);
    if (message) {
        snprintf(message, size, "%s%s%s", first, separator, second);
        koc__free(e->message);
        e->message = message;
    }
}

int koc__error_prefix(koc_error **err, int rc, const char *fmt, ...)
{
    koc_error *e = rc == KOC_OK ? NULL : writable(err);
    va_list args;
    if (e) {
        va_start(args, fmt);
        KOC__AUTO_STR prefix = format_line(fmt, args);
        va_end(args);
        if (prefix) {
            set_message(e, prefix, ": ", e->message);
        }
    }
    return rc;
}

void koc__error_suffix(koc_error **err, const char *fmt, ...)
{
    koc_error *e = writable(err);
    va_list args;
    if (e) {
        va_start(args, fmt);
        KOC__AUTO_STR suffix = format_line(fmt, args);
        va_end(args);
        if (suffix) {
            set_message(e, e->message, "", suffix);
        }
    }
}

void koc__error_scrub(koc_error **err, void (*scrub)(void *self, char *text), void *self)
{
    koc_error *e = writable(err);
    if (e) {
        scrub(self, e->message);
    }
}

/* Without memory for the argument only the text is set. */
static void set_hint(koc_error *e, koc_hint kind, const char *argument, const char *fmt,
                     va_list args)
{
    char *hint = format_line(fmt, args);
    char *about = koc__strdup(argument);
    koc__free(e->hint);
    koc__free(e->hint_argument);
    e->hint = hint;
    e->hint_argument = about;
    e->hint_kind = hint && (about || !argument) ? kind : KOC_HINT_NONE;
    if (about) {
        koc__str_printable(about);
    }
}

void koc__error_hint(koc_error **err, const char *fmt, ...)
{
    koc_error *e = writable(err);
    va_list args;
    if (e) {
        va_start(args, fmt);
        set_hint(e, KOC_HINT_NONE, NULL, fmt, args);
        va_end(args);
    }
}

void koc__error_hint_on(koc_error **err, koc_hint kind, const char *argument, const char *fmt, ...)
{
    koc_error *e = writable(err);
    va_list args;
    if (e) {
        va_start(args, fmt);
        set_hint(e, kind, argument, fmt, args);
        va_end(args);
    }
}

void koc__error_blame(koc_error **err, const char *option)
{
    koc_error *e = writable(err);
    if (e) {
        e->option = option;
    }
}

void koc__error_detail(koc_error **err, koc_str text)
{
    koc_error *e = writable(err);
    if (e) {
        koc__free(e->detail);
        e->detail = text.len > 0 ? koc__malloc(text.len + KOC__CLEAN_MORE) : NULL;
        if (e->detail) {
            koc__clean_output(text, true, e->detail);
        }
    }
}

void koc__error_http(koc_error **err, int status, const char *registry_code)
{
    koc_error *e = writable(err);
    if (e) {
        char *code = koc__strdup(registry_code);

        if (code) {
            koc__str_printable(code);
        }
        e->http_status = status;
        koc__free(e->registry_code);
        e->registry_code = code;
    }
}

void koc__error_retryable(koc_error **err, bool retryable)
{
    koc_error *e = writable(err);
    if (e) {
        e->retryable = retryable;
    }
}

void koc__error_clear(koc_error **err)
{
    if (err) {
        put(err, NULL);
    }
}

int koc__error_move(koc_error **to, koc_error **from)
{
    koc_error *e = koc__steal(from);
    int code = koc_error_code(e);
    if (!e) {
        return koc__misuse(to, "a call failed without an error");
    }
    if (to) {
        put(to, e);
    } else {
        koc_error_free(e);
    }
    return code;
}

int koc__error_user(koc_error **err, koc_error **inner, const char *what)
{
    koc_error *cause = koc__steal(inner);
    if (koc_error_code(cause) == KOC_ECANCELLED) {
        return koc__error_move(err, &cause);
    }
    koc__error(err, KOC_EUSER, "%s: %s", what,
               cause ? koc_error_message(cause) : "it gave no error");
    koc_error *e = writable(err);

    if (e && cause) {
        inherit(e, cause);
        e->cause = koc__steal(&cause);
    }
    koc_error_free(cause);
    return KOC_EUSER;
}

koc_code koc_error_code(const koc_error *e)
{
    return e ? e->code : KOC_OK;
}

const char *koc_error_message(const koc_error *e)
{
    return e ? e->message : "no error";
}

const char *koc_error_hint(const koc_error *e)
{
    return e ? e->hint : NULL;
}

koc_hint koc_error_hint_kind(const koc_error *e)
{
    return e ? e->hint_kind : KOC_HINT_NONE;
}

const char *koc_error_hint_argument(const koc_error *e)
{
    return e ? e->hint_argument : NULL;
}

const char *koc_error_option(const koc_error *e)
{
    return e ? e->option : NULL;
}

const char *koc_error_detail(const koc_error *e)
{
    return e ? e->detail : NULL;
}

const koc_error *koc_error_cause(const koc_error *e)
{
    return e ? e->cause : NULL;
}

int koc_error_http_status(const koc_error *e)
{
    return e ? e->http_status : 0;
}

const char *koc_error_registry_code(const koc_error *e)
{
    return e ? e->registry_code : NULL;
}

bool koc_error_is_retryable(const koc_error *e)
{
    return e && e->retryable;
}

koc_error *koc_error_new(koc_code code, const char *message)
{
    koc_error *e = NULL;
    if (code >= KOC_OK) {
        code = KOC_EUSER;
    }
    koc__error(&e, code, "%s", message ? message : koc_code_name(code));
    return e;
}

koc_error *koc_error_new_option(const char *option, const char *message)
{
    koc_error *e = NULL;
    koc__error_option(&e, option ? option : "option", "%s", message ? message : "not valid");
    return e;
}

void koc_error_free(koc_error *e)
{
    while (e && !is_static(e)) {
        koc_error *cause = e->cause;

        koc__free(e->message);
        koc__free(e->hint);
        koc__free(e->hint_argument);
        koc__free(e->detail);
        koc__free(e->registry_code);
        koc__free(e);
        e = cause;
    }
}
