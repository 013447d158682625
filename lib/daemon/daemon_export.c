/* Exports an image of a daemon to a file: GET /images/{name}/get. */
#include "core/common.h"

#include "daemon/daemon.h"

#include <fcntl.h>

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "core/io/fs_open.h"
#include "core/text.h"

enum { COPY = 128 * 1024 };

int koc__engine_export(koc__engine *e, const char *name, const char *path, koc__call *call,
                       koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) target = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_VAL(koc__engine_call) c = KOC__CALL_INIT;
    KOC__AUTO_STR chunk = koc__malloc(COPY);
    KOC__AUTO_FD fd = koc__fs_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (!chunk) {
        return koc__oom(err);
    }
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot write %s", path);
    }
    KOC__TRY(koc__dynbuf_puts(&target, "/images/", err));
    KOC__TRY(koc__percent(&target, koc__str(name), ":/@", err));
    KOC__TRY(koc__dynbuf_puts(&target, "/get", err));
    c.engine = e;
    c.method = "GET";
    c.target = koc__dynbuf_cstr(&target);
    c.no_timeout = true;
    KOC__TRY(koc__engine_call_open(&c, call, err));
    if (c.reply.status != 200) {
        KOC__AUTO_STR what = koc__format("take %s", name);
        return what ? koc__engine_call_failed(&c, what, call, err) : koc__oom(err);
    }
    for (;;) {
        size_t n = 0;
        KOC__TRY(koc__engine_call_read(&c, call, chunk, COPY, &n, err));
        if (n == 0) {
            return KOC_OK;
        }
        KOC__TRY(koc__fs_write_fd(fd, chunk, n, path, err));
    }
}
