#include "commands/key_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "term/prompt.h"

#define PASSWORD_MAX 1024

/* The password that the environment has; NULL: none. An empty one counts. */
static const char *password_of_environment(void)
{
    const char *own = getenv("KOC_KEY_PASSWORD");
    return own ? own : getenv("COSIGN_PASSWORD");
}

/* Asks at the terminal. */
static int ask(const cli *c, const char *question, char *out, koc_error **err)
{
    if (!isatty(STDIN_FILENO)) {
        return cli_fail(err, KOC_EAUTH,
                        "neither KOC_KEY_PASSWORD nor COSIGN_PASSWORD is set, and stdin is not a "
                        "terminal");
    }
    return cli_ask(c, question, true, out, PASSWORD_MAX) == EXIT_OK
               ? KOC_OK
               : cli_fail(err, koc_cancel_is_triggered(c->cancel) ? KOC_ECANCELLED : KOC_EIO,
                          "no password was entered");
}

static int give_password(void *payload, const char *what, koc_buf *out, koc_error **err)
{
    const char *known = password_of_environment();
    char question[PASSWORD_MAX], typed[PASSWORD_MAX] = "";
    if (known) {
        return koc_buf_set(out, (koc_str){known, strlen(known)}, err);
    }
    snprintf(question, sizeof(question), "Password of %.900s: ", what);
    int rc = ask(payload, question, typed, err);
    rc = rc == KOC_OK ? koc_buf_set(out, (koc_str){typed, strlen(typed)}, err) : rc;
    cli_wipe(typed, sizeof(typed));
    return rc;
}

int key_open(const cli_session *s, const char *path, koc_key **out, koc_error **err)
{
    return koc_key_open(s->ctx, path, give_password, (void *)(uintptr_t)s->c, &s->op, out, err);
}

static int ask_twice(const cli *c, char *first, char *second, koc_error **err)
{
    CLI_TRY(ask(c, "Password of the new key (empty: none): ", first, err));
    CLI_TRY(ask(c, "The same again: ", second, err));
    return strcmp(first, second) == 0
               ? KOC_OK
               : cli_fail(err, KOC_EINVAL, "the two passwords are different");
}

int key_new_password(const cli *c, koc_buf *out, koc_error **err)
{
    const char *known = password_of_environment();
    char first[PASSWORD_MAX] = "", second[PASSWORD_MAX] = "";
    if (known) {
        return koc_buf_set(out, (koc_str){known, strlen(known)}, err);
    }
    int rc = ask_twice(c, first, second, err);
    rc = rc == KOC_OK ? koc_buf_set(out, (koc_str){first, strlen(first)}, err) : rc;
    cli_wipe(first, sizeof(first));
    cli_wipe(second, sizeof(second));
    return rc;
}

/* --- writing --- */

static int fail_errno(const char *path, koc_error **err)
{
    int number = errno;
    return number == EEXIST
               ? cli_fail(
                     err, KOC_EEXISTS,
                     "%s exists already; a key is never overwritten: choose another prefix, or "
                     "remove the file",
                     path)
               : cli_fail(err, KOC_EIO, "cannot write %s: %s", path, strerror(number));
}

/* Writes a new file; it is gone again after a failure. */
static int write_new(const char *path, mode_t mode, const koc_buf *text, koc_error **err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    size_t done = 0;
    if (fd < 0) {
        return fail_errno(path, err);
    }
    while (done < text->len) {
        ssize_t n = write(fd, text->ptr + done, text->len - done);
        if (n < 0 && errno != EINTR) {
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    bool good = done == text->len && fsync(fd) == 0;
    int rc = good ? KOC_OK : fail_errno(path, err);
    close(fd);
    if (rc != KOC_OK) {
        unlink(path);
    }
    return rc;
}

int key_write_files(const koc_key *k, const char *password, const char *prefix, koc_error **err)
{
    CLI_AUTO_VAL(koc_buf) secret = KOC_BUF_INIT;
    CLI_AUTO_VAL(koc_buf) public = KOC_BUF_INIT;
    char key_path[4096], public_path[4096];
    if (strlen(prefix) > sizeof(key_path) - 8) {
        return cli_fail(err, KOC_EINVAL, "the prefix is too long");
    }
    snprintf(key_path, sizeof(key_path), "%s.key", prefix);
    snprintf(public_path, sizeof(public_path), "%s.pub", prefix);
    CLI_TRY(koc_key_public_pem(k, &public, err));
    int rc = koc_key_private_pem(k, password, &secret, err);
    rc = rc == KOC_OK ? write_new(key_path, 0600, &secret, err) : rc;
    koc_buf_wipe(&secret);
    CLI_TRY(rc);
    rc = write_new(public_path, 0644, &public, err);
    if (rc != KOC_OK) {
        unlink(key_path);
    }
    return rc;
}
