/*
 * Making errors. Every function takes a nullable err and returns the code, so that a failure is
 * `return koc__error(err, KOC_EINVAL, "...", ...)`. Setting over an existing error frees the old one.
 *
 * What a function returns never depends on whether its caller wants the error. So only errors.c
 * looks at a parameter `err`: every other file only passes it on (tests/lint/errors.py). Who needs to know what went
 * wrong acts on the code, or gives the call an error of its own and hands that out with koc__error_move.
 */
#ifndef KOC__ERRORS_H
#define KOC__ERRORS_H

#include <koc/base.h>
#include <koc/error.h>

/* The message is one line for the user: what failed, on which object, and why. Control characters become '?';
 * longer text is cut at 4 KiB. */
int koc__error(koc_error **err, koc_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The static out-of-memory error. */
int koc__oom(koc_error **err);
/* KOC_EIO (or _ENOTFOUND, _EEXISTS, _ENOMEM by errnum): "<formatted text>: No such file or directory". */
int koc__error_errno(koc_error **err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether a write failed for lack of space: a full disk, a quota or a file size limit. */
bool koc__error_is_full(const koc_error *e);
/* A mistake of the caller: "koc_image_ref: img is NULL". */
int koc__misuse(koc_error **err, const char *what);

/* Puts "<formatted prefix>: " in front of the message and keeps everything else; does nothing if rc is
 * KOC_OK. Returns rc, the code of the call that failed. */
int koc__error_prefix(koc_error **err, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Appends the formatted text to the message. */
void koc__error_suffix(koc_error **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A user's callback failed with *inner (or without an error): KOC_EUSER "<what>: <inner's message>" with
 * *inner as the cause; a cancelled *inner is passed on unchanged. Takes *inner. Returns the code. */
int koc__error_user(koc_error **err, koc_error **inner, const char *what);

/* The value given for an option is wrong: KOC_EINVAL "<option>: <formatted text>". The name, a literal, is
 * that of the member of the options. A program that has flags spells it its own way ("--tag-only"), here as
 * in hints. */
int koc__error_option(koc_error **err, const char *option, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Additions to an error that has just been set. They do nothing if err or *err is NULL, or *err is static. */
/* What to do next, in words that fit every caller: no commands, no flags. */
void koc__error_hint(koc_error **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with a kind and an argument (koc/error.h), from which a program makes its own text: the command
 * koc in cli/term/failures.c, where each kind needs a line. argument may be NULL. */
void koc__error_hint_on(koc_error **err, koc_hint kind, const char *argument, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Sets the option (a literal) that the error is about and its message names, as koc__error_option does. */
void koc__error_blame(koc_error **err, const char *option);
void koc__error_detail(koc_error **err, koc_str text);
void koc__error_http(koc_error **err, int status, const char *registry_code);
void koc__error_retryable(koc_error **err, bool retryable);

/* Calls scrub, which may change the message in place and make it shorter, not longer. */
void koc__error_scrub(koc_error **err, void (*scrub)(void *self, char *text), void *self);

/* Frees *err and sets it to NULL: the failure is handled. */
void koc__error_clear(koc_error **err);
/* Moves the error *from to *to (or frees it if to is NULL); *from becomes NULL. Returns its code. */
int koc__error_move(koc_error **to, koc_error **from);

static inline void koc__auto_koc_error(koc_error **p)
{
    koc_error_free(*p);
}

#endif
