/*
 * koc/base.h: the types that every other header uses, and the rules that hold everywhere.
 *
 * Rules
 *  - A function that returns int returns KOC_OK (0) or a negative koc_code. On failure it sets *err, if err is
 *    not NULL, to an error that you free with koc_error_free, and leaves all other outputs as they were. On
 *    success it does not touch *err. (docs/errors.md; docs/codes.md lists the codes of each function)
 *  - _unref and _free accept NULL, and objects may be released in any order. "Borrowed from x" means: valid while
 *    you hold x; do not free it.
 *  - Initialise a struct whose first member is struct_size with its _INIT macro. A zero member means the default.
 *    Unknown flags and non-zero reserved members are KOC_EMISUSE. Later versions append members. In an array all
 *    elements have the struct_size of the first. (docs/abi.md)
 *  - The other structs never change: koc_str, koc_buf, koc_kv, koc_digest, koc_writer.
 *  - Immutable objects (image, layer, index, blob, reference), contexts, clients, auths and layouts may be shared
 *    between threads. Builders and readers belong to one thread at a time. (docs/threads.md)
 *  - Callbacks run on the thread that made the call.
 *  - Everything exists since 0.1.0 unless its comment says otherwise.
 *
 * The library in your process
 *  - It never prints, exits or aborts, and never changes the locale, the working directory, the umask or the
 *    environment. It starts child processes with posix_spawn and reaps them by pid.
 *  - It initialises libcurl and mbedTLS once (koc_init) and never shuts them down.
 *  - Signals: it installs no handler and changes no disposition, not even of SIGPIPE, which a call blocks on its own
 *    thread while it writes. Threads of the library block all signals, so your handlers never run there.
 *  - fork: a child may use or release what it inherited, or create a context of its own, if no other thread was
 *    inside libkoc at the moment of the fork. Threads and connections stay with the parent; the child starts its
 *    own. Running calls and cancel tokens belong to the parent: create new tokens.
 *  - Do not call cJSON_InitHooks, setlocale or setenv while another thread is inside libkoc.
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
    const char *ptr; /**< may be NULL if len is 0 */
    size_t len;      /**< bytes */
} koc_str;

/** Bytes that the caller owns; ptr[len] is NUL. Starts as KOC_BUF_INIT, ends with koc_buf_dispose. */
typedef struct koc_buf {
    char *ptr;       /**< NULL: empty */
    size_t len;      /**< bytes */
    size_t capacity; /**< bytes allocated */
} koc_buf;
/* clang-format off */
#define KOC_BUF_INIT { NULL, 0, 0 }
/* clang-format on */

/** A pair of NUL-terminated strings: label, annotation, header. */
typedef struct koc_kv {
    const char *key;   /**< the name */
    const char *value; /**< NULL where that means: remove it */
} koc_kv;

/** Result of a call: KOC_OK or a negative code. A code keeps its value for ever. Later versions add codes: treat
 * an unknown negative value as a plain failure. docs/errors.md says what to do about each. */
typedef int32_t koc_code;
enum {
    KOC_OK = 0,
    KOC_EMISUSE = -1,       /**< wrong call: NULL object, bad struct_size; nothing changed */
    KOC_ENOMEM = -2,        /**< out of memory */
    KOC_EINVAL = -3,        /**< a value is not valid */
    KOC_EIO = -4,           /**< the file system or a pipe failed */
    KOC_ENOTFOUND = -5,     /**< it does not exist */
    KOC_EEXISTS = -6,       /**< it exists already */
    KOC_ELIMIT = -7,        /**< a limit was exceeded */
    KOC_EFORMAT = -8,       /**< bytes do not parse */
    KOC_EDIGEST = -9,       /**< content does not match its digest or size */
    KOC_ENET = -10,         /**< connecting, sending or receiving failed */
    KOC_ETLS = -11,         /**< a certificate or TLS failed */
    KOC_EHTTP = -12,        /**< the registry returned an error status */
    KOC_EAUTH = -13,        /**< credentials are missing or not accepted */
    KOC_EDENIED = -14,      /**< credentials do not permit this */
    KOC_ERATE = -15,        /**< the registry limits the rate of requests */
    KOC_ETIMEOUT = -16,     /**< a time limit passed */
    KOC_ECANCELLED = -17,   /**< koc_cancel_trigger was called */
    KOC_EUNSUPPORTED = -18, /**< valid, but this build or this format cannot do it */
    KOC_EPLATFORM = -19,    /**< no image for the requested platform */
    KOC_EPROCESS = -20,     /**< a child process (go, git, credential helper) failed */
    KOC_ECONFLICT = -21,    /**< something else changed the same thing meanwhile */
    KOC_EVERIFY = -22,      /**< a check found problems */
    KOC_EUSER = -30         /**< a callback failed; its error is the cause */
};
/** A callback returns it to mean: behave as if this callback were not set. */
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
