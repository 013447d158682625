/* open() and openat() that are repeated when a signal interrupts them. Files are opened with these. */
#ifndef KOC__FS_OPEN_H
#define KOC__FS_OPEN_H

#include <sys/types.h>

int koc__fs_open(const char *path, int flags, mode_t mode);
int koc__fs_openat(int dir, const char *path, int flags, mode_t mode);

#endif
