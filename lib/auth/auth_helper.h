/* Credential helper programs: docker-credential-<name> (R-48 to R-50). */
#ifndef KOC__AUTH_HELPER_H
#define KOC__AUTH_HELPER_H

#include "auth/auth.h"
#include "core/run/call.h"

/* Gets the credential for server; *out stays NULL when the helper has none. source: names the
 * helper, for hints. KOC_EPROCESS when it fails, with its message, never a secret. */
int koc__helper_get(const char *name, const char *server, const char *source, koc__call *call,
                    koc_credential **out, koc_error **err);
/* Whether that helper, run by koc, started this process: then it is not run again. */
bool koc__helper_runs(const char *name);
/* Whether PATH has no such program. */
bool koc__helper_is_missing(const char *name);
/* Gives cred to the helper ("store"), or lets it delete the credential ("erase", cred NULL). */
int koc__helper_put(const char *name, const char *server, const koc_credential *cred,
                    koc__call *call, koc_error **err);
/* Reads the output of a helper. No I/O. */
int koc__helper_reply(const char *name, const char *server, int exit_code, koc_str output,
                      const char *source, koc_credential **out, koc_error **err);

#endif
