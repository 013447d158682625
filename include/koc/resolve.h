/*
 * koc/resolve.h: manifest-resolver: finds ko:// references in YAML and JSON, and puts images in their
 * place. No network and no Go: bytes in, references out, replacements in, bytes out.
 *
 * Every byte that is not part of a replaced scalar stays as it was: comments, anchors, quotes, folding,
 * indentation, line breaks, document markers. What is a reference, and where the digest lands in Helm
 * values and kustomizations, is in docs/resolve.md.
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

typedef struct koc_resolver_options {
    uint32_t struct_size;
    uint32_t flags;     /**< must be 0 */
    const char *prefix; /**< what references begin with; NULL: "ko://" */
    const char
        *selector; /**< Kubernetes label selector: documents that do not match are left out, with
                               their references; NULL: none */
    uint64_t max_bytes; /**< of one input; 0: 64 MiB */
    uint32_t max_depth; /**< of nested collections; 0: 500 */
    uint32_t reserved;
} koc_resolver_options;
/* clang-format off */
#define KOC_RESOLVER_OPTIONS_INIT { sizeof(koc_resolver_options), 0, NULL, NULL, 0, 0, 0 }
/* clang-format on */

/** An empty resolver. ctx (or NULL) lends its threads: documents are parsed side by side. opts may be
 * NULL. KOC_EINVAL: the selector does not parse. */
KOC_API int koc_resolver_new(koc_ctx *ctx, const koc_resolver_options *opts, koc_resolver **out,
                             koc_error **err);
KOC_API void koc_resolver_free(koc_resolver *r);

/** Adds an input: a stream of YAML documents, or JSON. yaml is borrowed until r is freed. label names it
 * in errors, "label:line:column: why". KOC_EFORMAT: it does not parse, or is not UTF-8; KOC_EINVAL: a
 * reference in it is malformed; KOC_ELIMIT. */
KOC_API int koc_resolver_add_bytes(koc_resolver *r, const char *label, koc_str yaml,
                                   koc_error **err);
/** Adds the content of a file, whatever its name; a FIFO is read to its end. */
KOC_API int koc_resolver_add_file(koc_resolver *r, const char *path, koc_error **err);
/** Adds the .yaml, .yml and .json files in a folder, in byte order; with those of its sub-folders when
 * recursive. Links to folders are not followed; what is no file is left out with a warning. KOC_ENOTFOUND:
 * there is no such file. */
KOC_API int koc_resolver_add_dir(koc_resolver *r, const char *path, bool recursive,
                                 koc_error **err);

/** How many inputs were added. */
KOC_API size_t koc_resolver_count(const koc_resolver *r);
/** The label of input i, borrowed; NULL past the end. */
KOC_API const char *koc_resolver_label(const koc_resolver *r, size_t i);
/** The distinct references with their prefix, "ko://./cmd/api", in order of appearance. Free the list. */
KOC_API int koc_resolver_references(const koc_resolver *r, koc_strlist **out, koc_error **err);
/** Where a reference stands for the first time, "label:line:column", for messages; NULL: nowhere.
 * Borrowed from r until the next call. */
KOC_API const char *koc_resolver_place(koc_resolver *r, const char *reference);
/** Where *error says that a reference of r cannot be built: puts the place of it in front of the message.
 * Others, and NULL, stay as they are. */
KOC_API void koc_resolver_locate(koc_resolver *r, koc_error **error);
/** Warnings that a person should see once. Borrowed from r. */
KOC_API const koc_strlist *koc_resolver_warnings(const koc_resolver *r);

/** Says what stands for a reference: name[:tag][@digest], one line of printable text. KOC_ENOTFOUND: no
 * input holds that reference. */
KOC_API int koc_resolver_set(koc_resolver *r, const char *reference, const char *replacement,
                             koc_error **err);
/** Sets every reference that a JSON object {"ko://path": "name@digest"} names; others in it are ignored.
 * label: for errors. KOC_EFORMAT, KOC_EINVAL. */
KOC_API int koc_resolver_read_map(koc_resolver *r, const char *label, koc_str json,
                                  koc_error **err);
/** The references that were set, as such an object, in order of appearance. */
KOC_API int koc_resolver_write_map(const koc_resolver *r, koc_buf *out, koc_error **err);
/** What stands for a reference, borrowed until it is set anew; NULL: nothing yet. */
KOC_API const char *koc_resolver_replacement(const koc_resolver *r, const char *reference);
/** Whether every reference of input i has its replacement. */
KOC_API bool koc_resolver_is_ready(const koc_resolver *r, size_t i);
/** Writes input i. KOC_EMISUSE: it is not ready. Inputs that are written after another one begin with a
 * "---" line (and a line break where that one had none at its end); begin with i = 0 and go up. */
KOC_API int koc_resolver_write_input(koc_resolver *r, size_t i, const koc_writer *w,
                                     koc_error **err);
/** Writes all inputs in order. One input comes back byte for byte but for what was replaced. */
KOC_API int koc_resolver_write(koc_resolver *r, const koc_writer *w, koc_error **err);
/** Writes what is ready and was not written yet: whole documents, in order, up to the first that lacks a
 * replacement. *complete: that was the rest. For output that begins before the last replacement is set;
 * not to be mixed with the two above. */
KOC_API int koc_resolver_write_ready(koc_resolver *r, const koc_writer *w, bool *complete,
                                     koc_error **err);

KOC_END_DECLS
#endif
