/* Google accounts that a file describes. */
#ifndef KOC__CLOUD_GOOGLE_H
#define KOC__CLOUD_GOOGLE_H

#include "auth/auth.h"
#include "cloud/cloud_request.h"

#define KOC__GOOGLE_TOKEN_URL "https://oauth2.googleapis.com/token"
#define KOC__GOOGLE_SCOPE     "https://www.googleapis.com/auth/cloud-platform"
#define KOC__GOOGLE_DEFAULT   "Google's default credentials"

/* Makes a credential of the token in a member of the reply. */
int koc__google_credential(const koc__json *doc, const char *member, const char *source,
                           koc_credential **out, koc_error **err);
/* A service account's key: an assertion signed with it (RFC 7523). */
int koc__google_service_account(const koc__jnode *root, koc__call *call, koc_credential **out,
                                koc_error **err);
/* A workload identity: exchanges the token of another provider, from a file or a URL (RFC 8693).
 * If the file says so, the result is used to impersonate a service account. */
int koc__google_external_account(const koc__jnode *root, koc__call *call, koc_credential **out,
                                 koc_error **err);

#endif
