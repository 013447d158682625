/* An image out of a daemon: GET /images/{name}/get, into a file. */
#include "core/common.h"

#include "daemon/daemon.h"

#include <fcntl.h>

#include "core/buf.h"
#include "core/fs.h"
#include "core/text.h"

enum { COPY = 128 * 1024 };

int koc__engine_export(koc__engine *e, const char *name, const char *path, koc__op *op,
                       koc_error **err)
{
    KOC__AUTO_VAL(koc__buf) target = KOC__BUF_INIT(4096);
    KOC__AUTO_VAL(koc__call) c = KOC__CALL_INIT;
    KOC__AUTO_STR chunk = koc__malloc(COPY);
    KOC__AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (!chunk) {
        return koc__oom(err);
    }
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot write %s", path);
    }
    KOC__TRY(koc__buf_puts(&target, "/images/", err));
    KOC__TRY(koc__percent(&target, koc__str(name), ":/@", err));
    KOC__TRY(koc__buf_puts(&target, "/get", err));
    c.engine = e;
    c.method = "GET";
    c.target = koc__buf_cstr(&target);
    c.patient = true;
    KOC__TRY(koc__call_open(&c, op, err));
    if (c.reply.status != 200) {
        KOC__AUTO_STR what = koc__format("take %s", name);
        return what ? koc__call_failed(&c, what, op, err) : koc__oom(err);
    }
    for (;;) {
        size_t n = 0;
        KOC__TRY(koc__call_read(&c, op, chunk, COPY, &n, err));
        if (n == 0) {
            return KOC_OK;
        }
        KOC__TRY(koc__fs_write_fd(fd, chunk, n, path, err));
    }
}
