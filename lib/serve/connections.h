/*
 * The open connections and how long each has been idle. A connection that waits for a request, sends one byte
 * by byte or stops in the middle of a body is ended after a timeout; if all places are taken, the one that
 * has been idle longest is ended. Uses sockets, no HTTP library. Any thread.
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
    KOC__WORKED_ON /* the server works, or sends the reply */
};

koc__connections *koc__connections_new(unsigned max); /* NULL: out of memory */
void koc__connections_free(koc__connections *c);      /* none may be left */
KOC__DEFINE_AUTO(koc__connections, koc__connections_free);

/* A new one, waiting; fd is borrowed until koc__connection_drop. NULL: out of memory. */
koc__connection *koc__connection_add(koc__connections *c, int fd);
void koc__connection_drop(koc__connection *n); /* takes NULL */
/* Whether there was no place for it: it gets a reply that says so. */
bool koc__connection_is_surplus(const koc__connection *n);
/* Sets the state; takes NULL. */
void koc__connection_state(koc__connection *n, int state);
/* Notes that len bytes of a body arrived. */
void koc__connection_moved(koc__connection *n, size_t len);
/* Ends the connections that have timed out by now_ms (koc__monotonic_ms). */
void koc__connections_tick(koc__connections *c, int64_t now_ms);

#endif
