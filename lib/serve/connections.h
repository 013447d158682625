/*
 * Who is connected, and for how long without doing anything. Connections that wait for a request, send one
 * byte by byte, or stopped in the middle of a body are ended after a while; when all places are taken, the one
 * that has been idle for longest makes room. Knows sockets, no HTTP library. Any thread.
 */
#ifndef KOC__CONNECTIONS_H
#define KOC__CONNECTIONS_H

#include <koc/base.h>

#include "core/cleanup.h"

typedef struct koc__connections koc__connections;
typedef struct koc__connection koc__connection;

enum {
    KOC__WAITS,    /* for a request, or the rest of its head */
    KOC__SENDS,    /* the body */
    KOC__WORKED_ON /* we work, or send the answer */
};

koc__connections *koc__connections_new(unsigned max); /* NULL: out of memory */
void koc__connections_free(koc__connections *c);      /* none may be left */
KOC__DEFINE_AUTO(koc__connections, koc__connections_free);

/* A new one, waiting; fd is borrowed until koc__connection_drop. NULL: out of memory. */
koc__connection *koc__connection_add(koc__connections *c, int fd);
void koc__connection_drop(koc__connection *n); /* takes NULL */
/* Whether there was no place for it: it gets an answer that says so. */
bool koc__connection_is_surplus(const koc__connection *n);
/* What it does from now on; takes NULL. */
void koc__connection_state(koc__connection *n, int state);
/* That many bytes of a body came. */
void koc__connection_moved(koc__connection *n, size_t len);
/* Ends those that took too long by now_ms (koc__monotonic_ms). */
void koc__connections_tick(koc__connections *c, int64_t now_ms);

#endif
