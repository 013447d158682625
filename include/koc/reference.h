/*
 * koc/reference.h: names of images: [registry/]repository[:tag][@digest].
 *
 * The grammar is that of the docker `reference` package, which all tools accept. Docker Hub's names
 * are equal in all spellings and print as index.docker.io/…, as ko prints them.
 */
#ifndef KOC_REFERENCE_H
#define KOC_REFERENCE_H

#include <koc/base.h>
#include <koc/digest.h>

KOC_BEGIN_DECLS

/** For a word that a person typed: "docker://" before the name is dropped. A word that names another place in skopeo
 * ("oci:", "dir:", "docker-daemon:", "containers-storage:") is KOC_EINVAL, with a hint at what to use instead. Without
 * the flag it is read as a repository of Docker Hub. */
enum { KOC_REFERENCE_TRANSPORTS = 1u << 0 };

/** Parses text. KOC_EINVAL says what is wrong with it. */
KOC_API int koc_reference_parse(const char *text, uint32_t flags, koc_reference **out,
                                koc_error **err);
KOC_API koc_reference *koc_reference_ref(koc_reference *r);
KOC_API void koc_reference_unref(koc_reference *r);

/** "127.0.0.1:5000", "index.docker.io". This and the next four are borrowed from r. */
KOC_API const char *koc_reference_registry(const koc_reference *r);
/** "library/busybox", without the registry. */
KOC_API const char *koc_reference_repository(const koc_reference *r);
/** The tag that was given, or NULL. */
KOC_API const char *koc_reference_tag(const koc_reference *r);
/** The digest that was given, or NULL. */
KOC_API const koc_digest *koc_reference_digest(const koc_reference *r);
/** The whole reference, normalised; no tag is invented. */
KOC_API const char *koc_reference_string(const koc_reference *r);

/** A copy with another tag; the digest, if any, stays. tag NULL removes it. */
KOC_API int koc_reference_with_tag(const koc_reference *r, const char *tag, koc_reference **out,
                                   koc_error **err);
/** A copy with another digest; the tag, if any, stays. d NULL removes it. */
KOC_API int koc_reference_with_digest(const koc_reference *r, const koc_digest *d,
                                      koc_reference **out, koc_error **err);

KOC_END_DECLS
#endif
