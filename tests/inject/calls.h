/*
 * The calls that can fail, by class. Of each: the class, the result, the name, its parameters, the arguments, and
 * what it returns when it fails. Included by shim.c several times.
 */

/* clang-format off */
#define INJECT_CLASSES(X) \
    X(alloc) X(open) X(read) X(write) X(sync) X(rename) X(close) X(mmap) X(mkdir) X(truncate) X(link) X(unlink) \
    X(lock) X(dup) X(list) X(poll) X(socket) X(connect) X(accept) X(send) X(receive) X(pipe) X(thread) X(spawn) \
    X(stat) X(mode) X(resolve)

/* Failure is -1 (or NULL) with errno. */
#define INJECT_CALLS(X) \
    X(alloc, void *, malloc, (size_t n), (n), NULL) \
    X(alloc, void *, calloc, (size_t n, size_t size), (n, size), NULL) \
    X(alloc, void *, realloc, (void *p, size_t n), (p, n), NULL) \
    X(alloc, char *, strdup, (const char *s), (s), NULL) \
    X(alloc, char *, strndup, (const char *s, size_t n), (s, n), NULL) \
    X(open, int, mkostemp, (char *path, int flags), (path, flags), -1) \
    X(open, int, mkostemp64, (char *path, int flags), (path, flags), -1) \
    X(open, FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL) \
    X(open, FILE *, fopen64, (const char *path, const char *mode), (path, mode), NULL) \
    X(sync, int, fsync, (int fd), (fd), -1) \
    X(sync, int, fdatasync, (int fd), (fd), -1) \
    X(rename, int, rename, (const char *from, const char *to), (from, to), -1) \
    X(rename, int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), -1) \
    X(mmap, void *, mmap, (void *at, size_t n, int prot, int flags, int fd, off_t from), (at, n, prot, flags, fd, from), MAP_FAILED) \
    X(mmap, void *, mmap64, (void *at, size_t n, int prot, int flags, int fd, off_t from), (at, n, prot, flags, fd, from), MAP_FAILED) \
    X(mkdir, int, mkdir, (const char *path, mode_t mode), (path, mode), -1) \
    X(mkdir, int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), -1) \
    X(mkdir, char *, mkdtemp, (char *path), (path), NULL) \
    X(truncate, int, ftruncate, (int fd, off_t n), (fd, n), -1) \
    X(truncate, int, ftruncate64, (int fd, off_t n), (fd, n), -1) \
    X(truncate, off_t, lseek, (int fd, off_t n, int whence), (fd, n, whence), -1) \
    X(truncate, off_t, lseek64, (int fd, off_t n, int whence), (fd, n, whence), -1) \
    X(link, int, link, (const char *from, const char *to), (from, to), -1) \
    X(link, int, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), -1) \
    X(link, int, symlink, (const char *to, const char *path), (to, path), -1) \
    X(unlink, int, unlink, (const char *path), (path), -1) \
    X(unlink, int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), -1) \
    X(unlink, int, rmdir, (const char *path), (path), -1) \
    X(lock, int, flock, (int fd, int what), (fd, what), -1) \
    X(list, DIR *, opendir, (const char *path), (path), NULL) \
    X(list, DIR *, fdopendir, (int fd), (fd), NULL) \
    X(list, struct dirent *, readdir, (DIR *dir), (dir), NULL) \
    X(list, struct dirent64 *, readdir64, (DIR *dir), (dir), NULL) \
    X(poll, int, poll, (struct pollfd *set, nfds_t n, int ms), (set, n, ms), -1) \
    X(socket, int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1) \
    X(socket, int, socketpair, (int domain, int type, int protocol, int fds[2]), (domain, type, protocol, fds), -1) \
    X(socket, int, bind, (int fd, const struct sockaddr *to, socklen_t n), (fd, to, n), -1) \
    X(socket, int, listen, (int fd, int n), (fd, n), -1) \
    X(connect, int, connect, (int fd, const struct sockaddr *to, socklen_t n), (fd, to, n), -1) \
    X(accept, int, accept4, (int fd, struct sockaddr *from, socklen_t *n, int flags), (fd, from, n, flags), -1) \
    X(pipe, int, pipe, (int fds[2]), (fds), -1) \
    X(pipe, int, pipe2, (int fds[2], int flags), (fds, flags), -1) \
    X(pipe, int, eventfd, (unsigned n, int flags), (n, flags), -1) \
    X(stat, int, stat, (const char *path, struct stat *st), (path, st), -1) \
    X(stat, int, stat64, (const char *path, struct stat64 *st), (path, st), -1) \
    X(stat, int, lstat, (const char *path, struct stat *st), (path, st), -1) \
    X(stat, int, lstat64, (const char *path, struct stat64 *st), (path, st), -1) \
    X(stat, int, fstat, (int fd, struct stat *st), (fd, st), -1) \
    X(stat, int, fstat64, (int fd, struct stat64 *st), (fd, st), -1) \
    X(stat, int, fstatat, (int dir, const char *path, struct stat *st, int flags), (dir, path, st, flags), -1) \
    X(stat, int, fstatat64, (int dir, const char *path, struct stat64 *st, int flags), (dir, path, st, flags), -1) \
    X(stat, int, access, (const char *path, int what), (path, what), -1) \
    X(stat, int, faccessat, (int dir, const char *path, int what, int flags), (dir, path, what, flags), -1) \
    X(mode, int, fchmod, (int fd, mode_t mode), (fd, mode), -1) \
    X(mode, int, utimensat, (int dir, const char *path, const struct timespec t[2], int flags), (dir, path, t, flags), -1) \
    X(resolve, char *, realpath, (const char *path, char *out), (path, out), NULL) \
    X(resolve, char *, getcwd, (char *out, size_t n), (out, n), NULL) \
    X(resolve, ssize_t, readlink, (const char *path, char *out, size_t n), (path, out, n), -1)

/* The same, where the call can also be short: the third argument is how much is moved. */
#define INJECT_MOVES(X) \
    X(read, read, (int fd, void *p, size_t n), (fd, p, n)) \
    X(read, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at)) \
    X(read, pread64, (int fd, void *p, size_t n, off_t at), (fd, p, n, at)) \
    X(write, write, (int fd, const void *p, size_t n), (fd, p, n)) \
    X(write, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at)) \
    X(write, pwrite64, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at)) \
    X(send, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags)) \
    X(send, sendto, (int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len), (fd, p, n, flags, to, len)) \
    X(receive, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags)) \
    X(receive, recvfrom, (int fd, void *p, size_t n, int flags, struct sockaddr *from, socklen_t *len), (fd, p, n, flags, from, len))

/* Open with a mode that is there only if a file is created. */
#define INJECT_OPENS(X) \
    X(open, (const char *path, int flags, ...), (path, flags, mode)) \
    X(open64, (const char *path, int flags, ...), (path, flags, mode)) \
    X(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode)) \
    X(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))

/* What returns the error number. */
#define INJECT_STARTS(X) \
    X(thread, pthread_create, (pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg), (t, attr, fn, arg)) \
    X(spawn, posix_spawn, (pid_t *pid, const char *path, const posix_spawn_file_actions_t *a, const posix_spawnattr_t *attr, char *const argv[], char *const env[]), (pid, path, a, attr, argv, env)) \
    X(spawn, posix_spawnp, (pid_t *pid, const char *path, const posix_spawn_file_actions_t *a, const posix_spawnattr_t *attr, char *const argv[], char *const env[]), (pid, path, a, attr, argv, env))
/* clang-format on */
