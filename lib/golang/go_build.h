/* Inside of the build: what build.c decides and build_run.c does. */
#ifndef KOC__GOLANG_BUILD_H
#define KOC__GOLANG_BUILD_H

#include <stdatomic.h>

#include "golang/go_env.h"
#include "golang/golang.h"

/* Keeps the folder of one `go build` to ourselves: the lock on it, or a temporary folder. Shared by the
 * binaries that came from it. */
typedef struct koc__go_hold {
    atomic_uint refs;
    int fd;       /* the lock; -1: none */
    char *folder; /* to be removed at the end, or NULL */
} koc__go_hold;
void koc__go_hold_unref(koc__go_hold *h);
KOC__DEFINE_AUTO(koc__go_hold, koc__go_hold_unref);

/* One target in a build. */
typedef struct koc__go_unit {
    koc__go_target *target;
    const koc_platform *platform;
    char *platform_text;
    koc_strlist *env, *args, *raw;
    size_t index; /* of the caller's job */
    char *name;   /* of the file that go makes in a folder, without .exe */
    koc__go_binary *binary;
    bool told; /* the caller has it */
} koc__go_unit;

/* Units of one `go build`: same platform, directory, arguments, environment, and different names. */
typedef struct koc__go_batch {
    koc_ctx *ctx;
    const koc__go_settings *s;
    const koc_platform *platform;
    const koc__go_options *options;
    koc__go_unit **units;
    size_t n, capacity;
    char *folder;
    koc__go_hold *hold;
} koc__go_batch;
/* Opens the folder for b, or takes that of an earlier batch. */
int koc__go_batch_open(koc__go_batch *b, const koc__go_batch *like, koc_error **err);
/* A koc__task_fn: builds the batch, fills the units' binaries. */
int koc__go_batch_run(void *batch, koc__call *call, koc_error **err);

/* That the tool is go itself: a script or shim may choose another go, or copy what go made. */
bool koc__go_is_toolchain(const char *tool);

#endif
