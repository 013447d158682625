/* The key files of koc key, sign, attest and verify, and their passwords. */
#ifndef CLI_KEY_FILES_H
#define CLI_KEY_FILES_H

#include <koc/ext/sign.h>

#include "args/client_flags.h"

CLI_DEFINE_AUTO(koc_key, koc_key_unref);

/* Reads a key. The password of an encrypted one comes from KOC_KEY_PASSWORD, else COSIGN_PASSWORD, else from the terminal. */
int key_open(const cli_session *s, const char *path, koc_key **out, koc_error **err);
/* A password for a new key, from the same places; at the terminal it is asked twice. The caller wipes out. */
int key_new_password(const cli *c, koc_buf *out, koc_error **err);
/* Writes the two files of a key, of which none may exist. On failure none is left. */
int key_write_files(const koc_key *k, const char *password, const char *prefix, koc_error **err);

#endif
