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

/** What to type or check next, or NULL. One line. Borrowed from e. */
KOC_API const char *koc_error_hint(const koc_error *e);

/** Output of a tool (the Go compiler's errors) that belongs before the message, or NULL. Whole and
 * unchanged, several lines. Borrowed from e. */
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

/** Releases e and its causes; takes NULL. */
KOC_API void koc_error_free(koc_error *e);

/** The name of a code, "KOC_EDIGEST"; "KOC_E?" for one this version does not know. Static. */
KOC_API const char *koc_code_name(koc_code code);

KOC_END_DECLS
#endif
