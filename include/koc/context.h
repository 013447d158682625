/*
 * koc/context.h: the context that objects share, cancel tokens, progress, versions.
 *
 * A context has the cache, the worker threads and the log callback. One per process is enough.
 */
#ifndef KOC_CONTEXT_H
#define KOC_CONTEXT_H

#include <koc/base.h>
#include <koc/digest.h>
#include <koc/version.h>

KOC_BEGIN_DECLS

enum {
    KOC_LOG_ERROR = 0,
    KOC_LOG_WARN = 1,
    KOC_LOG_INFO = 2,
    KOC_LOG_DEBUG = 3,
    KOC_LOG_TRACE = 4
};

/** Receives a log message: one line, without secrets. component is "registry", "golang", … Runs on a thread that
 * makes a call on the context: on several at once if several threads make calls. */
typedef void (*koc_log_fn)(int32_t level, const char *component, const char *message,
                           void *payload);

/** What objects of a context share. */
typedef struct koc_ctx_options {
    uint32_t struct_size;
    uint32_t flags;
    koc_log_fn log; /**< or NULL */
    void *log_payload;
    int32_t log_level;     /**< highest KOC_LOG_* to report; 0: errors only */
    uint32_t threads;      /**< workers for hashing and compression; 0: one per core, at most 16 */
    const char *cache_dir; /**< NULL: no cache; "": the default directory; else this directory */
    uint64_t max_memory;   /**< bytes of buffers for compression; 0: 2.5 MiB per thread */
    /** Called once, after the last reference to the context is gone; not if koc_ctx_new fails. Or NULL. */
    void (*log_release)(void *log_payload);
} koc_ctx_options;
/* clang-format off */
#define KOC_CTX_OPTIONS_INIT { sizeof(koc_ctx_options), 0, NULL, NULL, 0, 0, NULL, 0, NULL }
/* clang-format on */

/** Creates a context; opts may be NULL. Release it with koc_ctx_unref. If the cache directory cannot be written,
 * the context works without a cache and logs a warning. */
KOC_API int koc_ctx_new(const koc_ctx_options *opts, koc_ctx **out, koc_error **err);
/** Takes another reference; returns ctx. */
KOC_API koc_ctx *koc_ctx_ref(koc_ctx *ctx);
/** Releases a reference; accepts NULL. */
KOC_API void koc_ctx_unref(koc_ctx *ctx);

/** Initialises libcurl and mbedTLS now instead of at their first use. Optional, idempotent, thread-safe. */
KOC_API int koc_init(koc_error **err);

/** The library's version at run time, as KOC_VERSION_NUMBER. */
KOC_API uint32_t koc_version_number(void);
/** The same as text, "0.1.0". Static. */
KOC_API const char *koc_version_string(void);

enum {
    KOC_FEATURE_ZSTD = 1u << 0,    /**< zstd layers */
    KOC_FEATURE_SHA_HW = 1u << 1,  /**< SHA-256 uses CPU instructions */
    KOC_FEATURE_HTTP2 = 1u << 2,   /**< libcurl has HTTP/2 */
    KOC_FEATURE_CURL = 1u << 3,    /**< always set; the detail names libcurl and its TLS library */
    KOC_FEATURE_DEFLATE = 1u << 4, /**< always set; the detail names libdeflate and its version */
    KOC_FEATURE_CRYPTO = 1u << 5,  /**< always set; the detail names mbedTLS and its version */
    KOC_FEATURE_CJSON = 1u << 6,   /**< always set; the detail names cJSON and its version */
    KOC_FEATURE_YAML = 1u << 7,    /**< always set; the detail names libyaml and its version */
    KOC_FEATURE_SERVE = 1u << 8    /**< koc_serve; the detail is the version of libmicrohttpd */
};
/** KOC_FEATURE_* bits: the features of this build on this processor. */
KOC_API uint64_t koc_features(void);
/** What provides a feature: "libcurl/7.88.1 OpenSSL/3.0.15"; NULL if it is absent. Static. */
KOC_API const char *koc_feature_detail(uint64_t feature);

/** Creates a token that ends calls early. Any number of calls may hold it. */
KOC_API int koc_cancel_new(koc_cancel **out, koc_error **err);
KOC_API koc_cancel *koc_cancel_ref(koc_cancel *c);
KOC_API void koc_cancel_unref(koc_cancel *c);
/** Ends every call that holds c, now and later, with KOC_ECANCELLED. Any thread; safe in signal handlers. */
KOC_API void koc_cancel_trigger(koc_cancel *c);
/** Whether koc_cancel_trigger was called; false for NULL. */
KOC_API bool koc_cancel_is_triggered(const koc_cancel *c);

enum {
    KOC_PROGRESS_BLOB = 1,     /**< an upload or download */
    KOC_PROGRESS_MANIFEST = 2, /**< a manifest or index */
    KOC_PROGRESS_LAYER = 3,    /**< a layer being made */
    KOC_PROGRESS_BUILD = 4,    /**< a compile */
    KOC_PROGRESS_RESOLVE = 5,  /**< a base image or a reference looked up */
    KOC_PROGRESS_IMAGE = 6,    /**< a whole image of a koc_publish call */
    KOC_PROGRESS_REQUEST =
        7 /**< a request that had to wait; what is the registry, or the server that gives
                                  its credentials. WAITING, then STARTED
                                  when it is tried again, FINISHED or FAILED at its end. A request that never
                                  waits sends no event */
};
enum {
    KOC_STATE_STARTED = 1,
    KOC_STATE_ACTIVE = 2,  /**< done of total */
    KOC_STATE_SKIPPED = 3, /**< nothing to do: it was there */
    KOC_STATE_MOUNTED = 4, /**< a blob taken over from another repository */
    KOC_STATE_FINISHED = 5,
    KOC_STATE_FAILED = 6,
    KOC_STATE_WAITING = 7 /**< for another try, or for an answer: reason, attempt, wait_ms */
};
enum {
    KOC_TO_LOCAL = 1u << 0 /**< of an image: it goes into an engine or node, not to a registry */
};
/** What a call is doing. Everything is borrowed for the call of the callback. */
typedef struct koc_progress {
    uint32_t struct_size;
    int32_t kind;             /**< KOC_PROGRESS_* */
    int32_t state;            /**< KOC_STATE_* */
    uint32_t flags;           /**< KOC_TO_* */
    const char *what;         /**< for people: "api linux/amd64", a digest, a reference */
    const koc_digest *digest; /**< of the blob or manifest, or NULL */
    uint64_t done;            /**< bytes so far */
    uint64_t total;           /**< bytes in all, 0 when not known */
    uint64_t id;              /**< same for all events of one piece of work in one call */
    const char *reason;       /**< of WAITING: why, one line, never empty; NULL in other states */
    int64_t wait_ms;          /**< of WAITING: how long it will be, at most; 0: not known */
    uint32_t attempt;         /**< of WAITING: the tries so far, from 1 */
    uint32_t reserved;        /**< 0 */
    const char *name;     /**< of BUILD, IMAGE and RESOLVE: the program, image or base; or NULL */
    const char *platform; /**< of BUILD: "linux/amd64"; or NULL */
} koc_progress;
/* clang-format off */
#define KOC_PROGRESS_INIT { sizeof(koc_progress), 0, 0, 0, NULL, NULL, 0, 0, 0, NULL, 0, 0, 0, NULL, NULL }
/* clang-format on */
/** Receives progress on the calling thread. A non-zero return ends the call with KOC_EUSER. */
typedef int (*koc_progress_fn)(const koc_progress *event, void *payload);

/** How a call that can wait is watched and stopped. Must live until the call returns. NULL is fine
 * wherever a koc_op is asked for. */
typedef struct koc_op {
    uint32_t struct_size;
    uint32_t flags;
    koc_cancel *cancel;       /**< borrowed for the call, or NULL */
    int64_t timeout_ms;       /**< for the whole call; 0: none */
    koc_progress_fn progress; /**< or NULL */
    void *payload;
} koc_op;
/* clang-format off */
#define KOC_OP_INIT { sizeof(koc_op), 0, NULL, 0, NULL, NULL }
/* clang-format on */

/** Replaces the content of b by a copy of data: how callbacks fill a koc_buf. */
KOC_API int koc_buf_set(koc_buf *b, koc_str data, koc_error **err);
/** Frees the content of b and leaves it empty; accepts NULL. */
KOC_API void koc_buf_dispose(koc_buf *b);
/** Overwrites the content, then koc_buf_dispose: for secrets. */
KOC_API void koc_buf_wipe(koc_buf *b);

/** Makes text of unknown origin (a program's output, a file's name) safe for a terminal. Line ends and tabs stay.
 * Escape sequences are removed. Other control characters, marks that reorder text and bytes that are not UTF-8
 * become '?'. With colors, sequences that set colours stay and are reset at the end. Replaces the content of out.
 * koc_error_message, koc_error_detail and log messages are safe already. */
KOC_API int koc_printable(koc_str text, bool colors, koc_buf *out, koc_error **err);

/** The number of strings; 0 for NULL. */
KOC_API size_t koc_strlist_count(const koc_strlist *l);
/** The i-th string, borrowed from l; NULL past the end. */
KOC_API const char *koc_strlist_get(const koc_strlist *l, size_t i);
KOC_API void koc_strlist_free(koc_strlist *l);

KOC_END_DECLS
#endif
