/* The inside of a build: go_build.c groups the jobs into batches, build_run.c runs one batch. */
#ifndef KOC__GOLANG_BUILD_H
#define KOC__GOLANG_BUILD_H

#include <stdatomic.h>

#include "golang/go_env.h"
#include "golang/golang.h"

/* Exclusive use of a build directory: a lock on one in the cache, or a temporary one. Shared by the
 * binaries that are in it. */
typedef struct koc__go_lock {
    atomic_uint refs;
    int fd;          /* the lock; -1: none */
    char *temporary; /* directory to remove with the last reference, or NULL */
} koc__go_lock;
void koc__go_lock_unref(koc__go_lock *l);
KOC__DEFINE_AUTO(koc__go_lock, koc__go_lock_unref);

/* One job in a build. */
typedef struct koc__go_unit {
    koc__go_target *target;
    const koc_platform *platform;
    char *platform_text;
    koc_strlist *env, *args, *raw; /* as go_command.h makes them */
    size_t index;                  /* of the caller's job */
    char *name;                    /* of the file that go writes into a directory, without .exe */
    koc__go_binary *binary;
    bool delivered; /* the caller has got the binary */
} koc__go_unit;
void koc__go_unit_dispose(koc__go_unit *u);
KOC__DEFINE_AUTO_VAL(koc__go_unit, koc__go_unit_dispose);

/* Units of one `go build`: same platform, directory, arguments, environment, and different names. */
typedef struct koc__go_batch {
    koc_ctx *ctx;
    const koc__go_settings *s;
    const koc_platform *platform;
    const koc__go_options *options;
    koc__go_unit **units;
    size_t n, capacity;
    char *dir; /* the build directory */
    koc__go_lock *lock;
} koc__go_batch;
/* Opens the build directory of b, or shares that of an earlier batch. */
int koc__go_batch_open(koc__go_batch *b, const koc__go_batch *like, koc_error **err);
/* A koc__task_fn: builds the batch and fills in the units' binaries. */
int koc__go_batch_run(void *batch, koc__call *call, koc_error **err);

/* Whether the tool is go itself. A script or shim may run another go, or copy what go made. */
bool koc__go_is_toolchain(const char *tool);

#endif
