/* A flag that poll can wait for: an eventfd, or a pipe on systems without eventfd. */
#ifndef KOC__WAKE_H
#define KOC__WAKE_H

#include <koc/base.h>

typedef struct koc__wake {
    int fd;       /* readable while raised; -1: not open */
    int write_fd; /* the other end of a pipe; fd itself for an eventfd */
} koc__wake;
/* clang-format off */
#define KOC__WAKE_INIT { -1, -1 }
/* clang-format on */

int koc__wake_open(koc__wake *w, koc_error **err);
void koc__wake_close(koc__wake *w); /* also one that is not open */
/* Any thread, and signal handlers; keeps errno. */
void koc__wake_raise(const koc__wake *w);
/* Clears the flag. */
void koc__wake_clear(const koc__wake *w);

#endif
