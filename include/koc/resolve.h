/*
 * koc/resolve.h: finds ko:// references in YAML and JSON, and replaces them by image references.
 *
 * No network and no Go: the caller adds inputs, asks for the references, builds them in its own way, and sets their
 * replacements. Every byte outside a replaced scalar stays as it was: comments, anchors, quotes, folding,
 * indentation, line breaks, document markers. docs/resolve.md says what a reference is, and where the digest goes
 * in Helm values and kustomizations.
 *
 *     koc_resolver_new(NULL, NULL, &r, &err);
 *     koc_resolver_add_file(r, "deploy.yaml", &err);
 *     koc_resolver_references(r, &list, &err);
 *     for (each reference) koc_resolver_set(r, reference, "registry.example/app@sha256:…", &err);
 *     koc_resolver_write(r, &writer, &err);
 *
 * A resolver belongs to one thread at a time.
 */
#ifndef KOC_RESOLVE_H
#define KOC_RESOLVE_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/io.h>

KOC_BEGIN_DECLS

typedef struct koc_resolver koc_resolver;

/** What is a reference, and the limits of an input. */
typedef struct koc_resolver_options {
    uint32_t struct_size;
    uint32_t flags;     /**< must be 0 */
    const char *prefix; /**< what references begin with; NULL: "ko://" */
    /** Kubernetes label selector: documents that do not match are omitted, with their references; or NULL. */
    const char *selector;
    uint64_t max_bytes; /**< of one input; 0: 64 MiB */
    uint32_t max_depth; /**< of nested collections; 0: 500 */
    uint32_t reserved;
} koc_resolver_options;
/* clang-format off */
#define KOC_RESOLVER_OPTIONS_INIT { sizeof(koc_resolver_options), 0, NULL, NULL, 0, 0, 0 }
/* clang-format on */

/** Creates an empty resolver. With a ctx, documents are parsed in parallel on its worker threads; it may be NULL, as
 * may opts. KOC_EINVAL: the selector does not parse. */
KOC_API int koc_resolver_new(koc_ctx *ctx, const koc_resolver_options *opts, koc_resolver **out,
                             koc_error **err);
KOC_API void koc_resolver_free(koc_resolver *r);

/** Adds an input: YAML documents or JSON. yaml is borrowed until r is freed. Errors begin with "label:line:column: ".
 * KOC_EFORMAT: it does not parse, or is not UTF-8; KOC_EINVAL: a reference in it is not valid; KOC_ELIMIT. */
KOC_API int koc_resolver_add_bytes(koc_resolver *r, const char *label, koc_str yaml,
                                   koc_error **err);
/** Adds the content of a file of any name. A FIFO is read to its end. */
KOC_API int koc_resolver_add_file(koc_resolver *r, const char *path, koc_error **err);
/** Adds the .yaml, .yml and .json files of a directory in byte order; recursive: and of those below it. Symbolic links
 * to directories are not followed. Anything else than a regular file is skipped with a warning. KOC_ENOTFOUND:
 * there is no such file. */
KOC_API int koc_resolver_add_dir(koc_resolver *r, const char *path, bool recursive,
                                 koc_error **err);

/** The number of inputs. */
KOC_API size_t koc_resolver_count(const koc_resolver *r);
/** The label of input i, borrowed; NULL past the end. */
KOC_API const char *koc_resolver_label(const koc_resolver *r, size_t i);
/** The distinct references with their prefix, "ko://./cmd/api", in order of appearance. Free the list. */
KOC_API int koc_resolver_references(const koc_resolver *r, koc_strlist **out, koc_error **err);
/** The first place of a reference, "label:line:column"; NULL: no input has it. Borrowed from r until the next call. */
KOC_API const char *koc_resolver_place(koc_resolver *r, const char *reference);
/** If *error is about a reference of r that cannot be built, inserts its place before the message. Other errors, and
 * NULL, stay as they are. */
KOC_API void koc_resolver_locate(koc_resolver *r, koc_error **error);
/** Warnings for the user. Borrowed from r. */
KOC_API const koc_strlist *koc_resolver_warnings(const koc_resolver *r);

/** Sets the replacement of a reference: name[:tag][@digest], one line of printable text. KOC_ENOTFOUND: no input has
 * this reference. */
KOC_API int koc_resolver_set(koc_resolver *r, const char *reference, const char *replacement,
                             koc_error **err);
/** Sets replacements from a JSON object {"ko://path": "name@digest"}. Members that no input refers to are ignored.
 * label: for errors. KOC_EFORMAT, KOC_EINVAL. */
KOC_API int koc_resolver_read_map(koc_resolver *r, const char *label, koc_str json,
                                  koc_error **err);
/** The replacements as such an object, in order of appearance. */
KOC_API int koc_resolver_write_map(const koc_resolver *r, koc_buf *out, koc_error **err);
/** The replacement of a reference, borrowed until it is set again; NULL: not set. */
KOC_API const char *koc_resolver_replacement(const koc_resolver *r, const char *reference);
/** Whether every reference of input i has a replacement. */
KOC_API bool koc_resolver_is_ready(const koc_resolver *r, size_t i);
/** Writes input i. KOC_EMISUSE: it is not ready. Write inputs in ascending order from 0: each one after the first begins
 * with a "---" line, and with a line break if the one before it ended without one. */
KOC_API int koc_resolver_write_input(koc_resolver *r, size_t i, const koc_writer *w,
                                     koc_error **err);
/** Writes all inputs in order. A single input comes back byte for byte except for the replaced scalars. */
KOC_API int koc_resolver_write(koc_resolver *r, const koc_writer *w, koc_error **err);
/** Writes the documents that have all replacements and were not written yet, in order, up to the first that lacks one:
 * output can begin before the last replacement is set. *complete: everything has been written. Do not mix it with
 * the two functions above. */
KOC_API int koc_resolver_write_ready(koc_resolver *r, const koc_writer *w, bool *complete,
                                     koc_error **err);

KOC_END_DECLS
#endif
