/* Credential helper programs: docker-credential-<name> (R-48 to R-50). */
#ifndef KOC__AUTH_HELPER_H
#define KOC__AUTH_HELPER_H

#include "auth/auth.h"
#include "core/run/call.h"

/* Asks for server; *out stays NULL when the helper has nothing. source: for hints, with the helper's
 * name in it. KOC_EPROCESS when it fails: its message, never its secret. */
int koc__helper_get(const char *name, const char *server, const char *source, koc__call *call,
                    koc_credential **out, koc_error **err);
/* Whether this process was started by that helper, on behalf of koc: then it is not asked again. */
bool koc__helper_runs(const char *name);
/* Whether PATH has no such program. */
bool koc__helper_is_missing(const char *name);
/* Gives cred to the helper ("store"), or has it forget ("erase", cred NULL). */
int koc__helper_put(const char *name, const char *server, const koc_credential *cred,
                    koc__call *call, koc_error **err);
/* What a helper printed: pure, for tests. */
int koc__helper_reply(const char *name, const char *server, int exit_code, koc_str output,
                      const char *source, koc_credential **out, koc_error **err);

#endif
