/* The inside of koc_cancel. */
#ifndef KOC__CANCEL_H
#define KOC__CANCEL_H

#include <koc/context.h>

/* A descriptor that is readable after the token was triggered; -1 for NULL. */
int koc__cancel_fd(const koc_cancel *c);
/* Resets a token. Only for tokens that no other thread uses. */
void koc__cancel_rearm(koc_cancel *c);

#endif
