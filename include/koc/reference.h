/*
 * koc/reference.h: references, the names of images: [registry/]repository[:tag][@digest].
 *
 * The grammar is that of the docker `reference` package, which all tools accept. All spellings of a Docker Hub
 * name are equal and print as index.docker.io/…, as with ko. References are immutable.
 */
#ifndef KOC_REFERENCE_H
#define KOC_REFERENCE_H

#include <koc/base.h>
#include <koc/digest.h>

KOC_BEGIN_DECLS

/** For text that a user typed: a leading "docker://" is removed, and the other transports of skopeo ("oci:", "dir:",
 * "docker-daemon:", "containers-storage:") are KOC_EINVAL with a hint. Without the flag they parse as repositories of
 * Docker Hub. */
enum { KOC_REFERENCE_TRANSPORTS = 1u << 0 };

/** Parses text. KOC_EINVAL: it is not a reference; the message says why. */
KOC_API int koc_reference_parse(const char *text, uint32_t flags, koc_reference **out,
                                koc_error **err);
KOC_API koc_reference *koc_reference_ref(koc_reference *r);
KOC_API void koc_reference_unref(koc_reference *r);

/** The registry: "127.0.0.1:5000", "index.docker.io". Borrowed from r, as are the next four. */
KOC_API const char *koc_reference_registry(const koc_reference *r);
/** The repository without the registry: "library/busybox". */
KOC_API const char *koc_reference_repository(const koc_reference *r);
/** The tag, or NULL if the text had none. */
KOC_API const char *koc_reference_tag(const koc_reference *r);
/** The digest, or NULL if the text had none. */
KOC_API const koc_digest *koc_reference_digest(const koc_reference *r);
/** The whole reference, normalised. No tag is added. */
KOC_API const char *koc_reference_string(const koc_reference *r);

/** A copy with another tag; the digest, if any, stays. tag NULL removes it. */
KOC_API int koc_reference_with_tag(const koc_reference *r, const char *tag, koc_reference **out,
                                   koc_error **err);
/** A copy with another digest; the tag, if any, stays. d NULL removes it. */
KOC_API int koc_reference_with_digest(const koc_reference *r, const koc_digest *d,
                                      koc_reference **out, koc_error **err);

KOC_END_DECLS
#endif
