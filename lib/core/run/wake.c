#include "core/common.h"

#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "core/run/wake.h"

#ifdef __linux__

int koc__wake_open(koc__wake *w, koc_error **err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot make an eventfd");
    }
    *w = (koc__wake){fd, fd};
    return KOC_OK;
}

#else

static bool prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int koc__wake_open(koc__wake *w, koc_error **err)
{
    int fds[2];
    if (pipe(fds) != 0) {
        return koc__error_errno(err, errno, "cannot make a pipe");
    }
    if (!prepare(fds[0]) || !prepare(fds[1])) {
        int errnum = errno;

        close(fds[0]);
        close(fds[1]);
        return koc__error_errno(err, errnum, "cannot prepare a pipe");
    }
    *w = (koc__wake){fds[0], fds[1]};
    return KOC_OK;
}

#endif

void koc__wake_close(koc__wake *w)
{
    if (w->fd >= 0) {
        close(w->fd);
    }
    if (w->write_fd >= 0 && w->write_fd != w->fd) {
        close(w->write_fd);
    }
    *w = (koc__wake)KOC__WAKE_INIT;
}

void koc__wake_raise(const koc__wake *w)
{
    static const uint64_t one = 1;
    int saved = errno;
    /* If the pipe is full, the flag is already raised. */
    ssize_t n = write(w->write_fd, &one, sizeof(one));

    (void)n;
    errno = saved;
}

void koc__wake_clear(const koc__wake *w)
{
    char space[256];
    ssize_t n;
    do {
        n = read(w->fd, space, sizeof(space));
    } while (n == (ssize_t)sizeof(space) || (n < 0 && errno == EINTR));
}
