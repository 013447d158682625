/*
 * koc/error.h: what went wrong, for people and for programs.
 *
 *     koc_error *err = NULL;
 *     if (koc_reference_parse(text, 0, &ref, &err) != KOC_OK) {
 *         fprintf(stderr, "%s\n", koc_error_message(err));
 *         koc_error_free(err);
 *     }
 */
#ifndef KOC_ERROR_H
#define KOC_ERROR_H

#include <koc/base.h>

KOC_BEGIN_DECLS

/** The code the call returned; KOC_OK for NULL. */
KOC_API koc_code koc_error_code(const koc_error *e);

/** One line of UTF-8 without control characters: what failed, on what, why. Borrowed from e. */
KOC_API const char *koc_error_message(const koc_error *e);

/** What to do or check next, or NULL. One line, in the words of this library. Borrowed from e. */
KOC_API const char *koc_error_hint(const koc_error *e);

/** What the hint is about, for a program that has words of its own for it ("koc login HOST"). Frozen once
 * released; treat a value that you do not know as KOC_HINT_NONE. */
typedef int32_t koc_hint;
enum {
    KOC_HINT_NONE = 0,  /**< there is no hint, or its text says all */
    KOC_HINT_LOGIN = 1, /**< argument: a registry that wants credentials */
    KOC_HINT_OTHER_LOGIN =
        2, /**< argument: a registry that wants others than those that the text names */
    KOC_HINT_ALLOW_HTTP = 3, /**< argument: a registry that speaks plain HTTP */
    KOC_HINT_TRUST_CA =
        4, /**< argument: a registry whose certificate an unknown authority signed */
    KOC_HINT_CLIENT_CERT = 5,  /**< argument: a registry that wants a client certificate */
    KOC_HINT_SCRATCH_BASE = 6, /**< a build without a base image does not need what failed */
    KOC_HINT_ONLINE =
        7, /**< the same call without its offline flag, once, brings what is missing */
    KOC_HINT_NO_PUSH = 8, /**< images can be written to a layout or an archive instead */
    KOC_HINT_OPTION =
        9, /**< argument: an option, perhaps with a value ("into=kind:NAME"), as it stands
                                    in the text; put your own spelling in its place */
    KOC_HINT_OFFLINE =
        10, /**< the same call with its offline flag works: what is needed is in the cache */
    KOC_HINT_LIST_TAGS = 11,   /**< argument: a repository without the tag that was asked for */
    KOC_HINT_NO_SUCH_BASE = 12 /**< the same of a base image */
};

/** What koc_error_hint is about; KOC_HINT_NONE for NULL. */
KOC_API koc_hint koc_error_hint_kind(const koc_error *e);

/** The registry or option that the hint is about, or NULL. Borrowed from e. */
KOC_API const char *koc_error_hint_argument(const koc_error *e);

/** The option whose value was refused, or NULL: the name of a member of the call's options ("jobs"), or
 * of a flag in small letters ("tag_only" for KOC_PUBLISH_TAG_ONLY). The message begins with it and ": ".
 * Static. */
KOC_API const char *koc_error_option(const koc_error *e);

/** Output of a tool (the Go compiler's errors) that belongs before the message, or NULL. Whole, several lines,
 * as koc_printable gives it with colours. Borrowed from e. */
KOC_API const char *koc_error_detail(const koc_error *e);

/** The error that led to this one, or NULL. The message of e already says what a person needs. Borrowed. */
KOC_API const koc_error *koc_error_cause(const koc_error *e);

/** The HTTP status behind the failure, 0 if there is none. */
KOC_API int koc_error_http_status(const koc_error *e);

/** The registry's own code ("MANIFEST_UNKNOWN", distribution-spec, Error Codes) or NULL. Borrowed from e. */
KOC_API const char *koc_error_registry_code(const koc_error *e);

/** Whether the same call may succeed later without any change. */
KOC_API bool koc_error_is_retryable(const koc_error *e);

/** An error for a callback to return. Never NULL: without memory it is the static out-of-memory error. */
KOC_API koc_error *koc_error_new(koc_code code, const char *message);

/** An error about the value of an option, as the library makes them: KOC_EINVAL, "<option>: <message>", and
 * koc_error_option is option, which must stay valid for ever (a literal). For front ends that check options of
 * their own. Never NULL. */
KOC_API koc_error *koc_error_new_option(const char *option, const char *message);

/** Releases e and its causes; takes NULL. */
KOC_API void koc_error_free(koc_error *e);

/** The name of a code, "KOC_EDIGEST"; "KOC_E?" for one this version does not know. Static. */
KOC_API const char *koc_code_name(koc_code code);

KOC_END_DECLS
#endif
