/* Child processes: posix_spawn with pipes, limits, a time limit and cancellation. Each is reaped by pid, and
 * its group is killed at the end. */
#ifndef KOC__PROC_H
#define KOC__PROC_H

#include <koc/base.h>

#include "core/dynbuf.h"
#include "core/run/call.h"

enum {
    KOC__PROC_MERGE = 1u << 0,  /* stderr also goes into the output */
    KOC__PROC_INHERIT = 1u << 1 /* stdin, stdout and stderr are those of this process */
};
typedef struct koc__proc {
    const char *const *argv; /* argv[0] is looked up in PATH unless it has a slash */
    const char *const *env;  /* NULL: ours */
    const char *dir;         /* NULL: ours */
    koc_str input;           /* for stdin; empty: /dev/null */
    const char *input_file;  /* instead of input: the file that is its stdin */
    uint32_t flags;
    size_t max_output;  /* bytes kept of stdout; more is KOC_ELIMIT and ends the child; 0: 64 MiB */
    size_t max_errors;  /* bytes kept of stderr, the rest is read and dropped; 0: 1 MiB */
    int64_t timeout_ms; /* 0: only that of the call */
} koc__proc;

typedef struct koc__proc_result {
    int exit_code; /* -1 when a signal ended it */
    int signal;    /* 0 when it exited */
    koc__dynbuf output;
    koc__dynbuf errors;
    int64_t cpu_us; /* user and system time of the child */
} koc__proc_result;
/* clang-format off */
#define KOC__PROC_RESULT_INIT { 0, 0, KOC__DYNBUF_INIT(0), KOC__DYNBUF_INIT(0), 0 }
/* clang-format on */
void koc__proc_result_dispose(koc__proc_result *r);
KOC__DEFINE_AUTO_VAL(koc__proc_result, koc__proc_result_dispose);

/* Runs to the end. A non-zero exit is KOC_OK here: look at exit_code. KOC_ENOTFOUND: no such program.
 * On cancel the child's process group gets SIGTERM, after 2 s SIGKILL. */
int koc__proc_run(const koc__proc *p, koc__call *call, koc__proc_result *result, koc_error **err);
/* Finds name in PATH (path; NULL: that of this process); a name with a slash is only checked. KOC_ENOTFOUND.
 * */
int koc__proc_find(const char *name, const char *path, char **out, koc_error **err);

#endif
