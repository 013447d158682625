/* Accounts of Google's that a file describes. */
#ifndef KOC__CLOUD_GOOGLE_H
#define KOC__CLOUD_GOOGLE_H

#include "auth/auth.h"
#include "cloud/cloud_request.h"

#define KOC__GOOGLE_TOKEN_URL "https://oauth2.googleapis.com/token"
#define KOC__GOOGLE_SCOPE     "https://www.googleapis.com/auth/cloud-platform"
#define KOC__GOOGLE_DEFAULT   "Google's default credentials"

/* A credential of the token that a member of the reply holds. */
int koc__google_credential(const koc__json *doc, const char *member, const char *source,
                           koc_credential **out, koc_error **err);
/* A service account's key: an assertion signed with it (RFC 7523). */
int koc__google_service_account(const koc__jnode *root, koc__call *call, koc_credential **out,
                                koc_error **err);
/* A workload identity: somebody else's token from a file or a URL is exchanged (RFC 8693), and where the
 * file says so a service account is spoken for with the result. */
int koc__google_external_account(const koc__jnode *root, koc__call *call, koc_credential **out,
                                 koc_error **err);

#endif
