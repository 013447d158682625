/*
 * koc/base.h: types that every other header uses.
 *
 * What libkoc asks of your process
 *  - It never prints, exits, aborts, installs signal handlers, changes the locale, the working
 *    directory, the umask or the environment. Children are started with posix_spawn and reaped by pid.
 *  - It initialises libcurl and mbedTLS once (koc_init) and never tears them down.
 *  - Signals: no call changes what a signal does, SIGPIPE included. A call blocks SIGPIPE for its own thread while it
 *    writes, and its threads leave all signals to yours.
 *  - fork: a child may release what it inherited, use it, or make a context of its own, when no other thread was inside
 *    libkoc at the moment of the fork. Threads and connections stay with the parent; the child starts its own. Calls
 *    that were running belong to the parent, and so do cancel tokens: make new ones.
 *  - Do not call cJSON_InitHooks, setlocale or setenv while another thread is inside libkoc.
 *
 * Rules that hold everywhere
 *  - A function that returns int gives KOC_OK (0) or a negative koc_code. On failure it fills *err
 *    when err is not NULL (free it with koc_error_free) and leaves all outputs as they were; on
 *    success *err is untouched.
 *  - _unref and _free take NULL, and objects may be released in any order. "Borrowed from x" means:
 *    valid while you hold x, do not free.
 *  - A struct whose first member is struct_size is set up by its _INIT macro; all-zero members mean
 *    the default; unknown flags and non-zero reserved members are KOC_EMISUSE. Such structs grow at their
 *    end in later versions. In an array of them all have the struct_size of the first.
 *  - All other structs are what they are for good: koc_str, koc_buf, koc_kv, koc_digest, koc_writer.
 *  - Immutable objects (image, layer, index, blob, reference), contexts, clients and auths may be
 *    shared between threads. Builders and readers belong to one thread at a time.
 *  - Callbacks run on the thread that made the call.
 */
#ifndef KOC_BASE_H
#define KOC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define KOC_BEGIN_DECLS extern "C" {
#define KOC_END_DECLS   }
#else
#define KOC_BEGIN_DECLS
#define KOC_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define KOC_API __attribute__((visibility("default")))
#else
#define KOC_API
#endif

KOC_BEGIN_DECLS

/** Borrowed bytes; not NUL-terminated. */
typedef struct koc_str {
    const char *ptr;
    size_t len;
} koc_str;

/** Bytes owned by the caller; ptr[len] is NUL. Start from KOC_BUF_INIT, end with koc_buf_dispose. */
typedef struct koc_buf {
    char *ptr;
    size_t len;
    size_t capacity;
} koc_buf;
/* clang-format off */
#define KOC_BUF_INIT { NULL, 0, 0 }
/* clang-format on */

/** A pair of NUL-terminated strings: label, annotation, header. */
typedef struct koc_kv {
    const char *key;
    const char *value;
} koc_kv;

/** Result of a call: KOC_OK or one of the negative codes. Frozen once released; treat an unknown
 * negative value as a plain failure. */
typedef int32_t koc_code;
enum {
    KOC_OK = 0,
    KOC_EMISUSE =
        -1, /**< the call itself is wrong (NULL object, bad struct_size); nothing changed */
    KOC_ENOMEM = -2,        /**< out of memory */
    KOC_EINVAL = -3,        /**< a value given by the user is not valid */
    KOC_EIO = -4,           /**< the file system or a pipe failed */
    KOC_ENOTFOUND = -5,     /**< what was asked for is not there */
    KOC_EEXISTS = -6,       /**< what was to be made is there already */
    KOC_ELIMIT = -7,        /**< a ceiling was hit */
    KOC_EFORMAT = -8,       /**< bytes that do not parse */
    KOC_EDIGEST = -9,       /**< content does not have the digest or size that was promised */
    KOC_ENET = -10,         /**< connecting, sending or receiving failed */
    KOC_ETLS = -11,         /**< certificate or TLS failure */
    KOC_EHTTP = -12,        /**< the registry answered with an error status */
    KOC_EAUTH = -13,        /**< credentials are missing or were not accepted */
    KOC_EDENIED = -14,      /**< credentials are good but do not allow this */
    KOC_ERATE = -15,        /**< the registry limits the rate of requests */
    KOC_ETIMEOUT = -16,     /**< a time limit passed */
    KOC_ECANCELLED = -17,   /**< koc_cancel_trigger was called */
    KOC_EUNSUPPORTED = -18, /**< valid, but this build or this format cannot do it */
    KOC_EPLATFORM = -19,    /**< no image for the platform asked for */
    KOC_EPROCESS = -20,     /**< a child process (go, git, a credential helper) failed */
    KOC_ECONFLICT = -21,    /**< somebody else changed the same thing */
    KOC_EVERIFY = -22,      /**< a check found something */
    KOC_EUSER = -30         /**< a callback failed; its own error is the cause */
};
/** Returned by a callback: behave as if it were not set. */
enum { KOC_PASSTHROUGH = 1 };

/* clang-format off */
typedef struct koc_error koc_error;             typedef struct koc_ctx koc_ctx;
typedef struct koc_cancel koc_cancel;           typedef struct koc_strlist koc_strlist;
typedef struct koc_hasher koc_hasher;           typedef struct koc_reader koc_reader;
typedef struct koc_file koc_file;
typedef struct koc_blob koc_blob;               typedef struct koc_reference koc_reference;
typedef struct koc_image koc_image;             typedef struct koc_image_builder koc_image_builder;
typedef struct koc_index koc_index;             typedef struct koc_index_builder koc_index_builder;
typedef struct koc_layer koc_layer;             typedef struct koc_layer_builder koc_layer_builder;
typedef struct koc_layout koc_layout;           typedef struct koc_client koc_client;
typedef struct koc_auth koc_auth;               typedef struct koc_credential koc_credential;
/* clang-format on */

KOC_END_DECLS
#endif
