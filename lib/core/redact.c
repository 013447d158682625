#include "core/common.h"

#include <strings.h>

#include "core/run/context.h"
#include "core/str.h"

/* A secret that begins `skip` bytes after the position that was checked. */
typedef struct secret {
    size_t skip;
    size_t len;
} secret;

static bool starts_with(const char *s, const char *word)
{
    return strncasecmp(s, word, strlen(word)) == 0;
}

/* "Authorization: …": the rest of the line. */
static bool header(const char *s, secret *out)
{
    static const char *const names[] = {
        "authorization:", "cookie:", "x-registry-auth:", "x-amz-security-token:"};

    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        if (starts_with(s, names[i])) {
            size_t n = strlen(names[i]);

            n += strspn(s + n, " ");
            *out = (secret){n, strlen(s + n)};
            return true;
        }
    }
    return false;
}

/* "Bearer <token68>" of eight characters or more, so that "Bearer realm=" and "Basic auth" stay. */
static bool scheme(const char *s, secret *out)
{
    static const char token68[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~+/=";
    size_t n = starts_with(s, "bearer ") ? 7 : 6;

    if (n == 6 && !starts_with(s, "basic ")) {
        return false;
    }
    *out = (secret){n, strspn(s + n, token68)};
    return out->len >= 8;
}

/* The value after a key: =value, ="value", ": "value". */
static bool value(const char *s, size_t key, secret *out)
{
    size_t n = key;
    bool quoted_key = s[n] == '"';
    n += quoted_key ? 1 : 0;
    if (s[n] != '=' && !(quoted_key && s[n] == ':')) {
        return false;
    }
    n++;
    n += quoted_key ? strspn(s + n, " ") : 0;
    if (s[n] == '"') {
        size_t end = n + 1;

        while (s[end] && s[end] != '"') {
            end += s[end] == '\\' && s[end + 1] ? 2 : 1;
        }
        *out = (secret){n + 1, end - n - 1};
    } else {
        *out = (secret){n, strcspn(s + n, "& \t\"',;)]}>")};
    }
    return true;
}

static bool key_value(const char *s, secret *out)
{
    static const char *const keys[] = {"token",     "password",   "passwd",     "secret",
                                       "signature", "credential", "assertion",  "x-amz-sig",
                                       "_sig",      "&sig",       "?sig",       "identitytoken",
                                       "auth\"",    "api_key",    "client_key", "code_verifier"};

    for (size_t i = 0; i < KOC__COUNT(keys); i++) {
        size_t n = strlen(keys[i]);

        if (starts_with(s, keys[i])) {
            n -= keys[i][n - 1] == '"' ? 1 : 0; /* the quote belongs to value() */
            if (value(s, n, out)) {
                return true;
            }
        }
    }
    return false;
}

/* "://user:password@host". */
static bool user_info(const char *s, secret *out)
{
    if (strncmp(s, "://", 3) != 0) {
        return false;
    }
    size_t end = 3 + strcspn(s + 3, "/?# \t\"'<>");
    while (end > 3 && s[end - 1] != '@') {
        end--;
    }
    *out = (secret){3, end > 3 ? end - 1 - 3 : 0};
    return end > 3;
}

void koc__redact(char *line)
{
    const char *from = line;
    char *to = line;
    secret found;
    while (*from) {
        if (header(from, &found) || scheme(from, &found) || key_value(from, &found) ||
            user_info(from, &found)) {
            memmove(to, from, found.skip);
            to += found.skip;
            from += found.skip + found.len;
            for (size_t i = 0; i < KOC__MIN(found.len, 3); i++) {
                *to++ = '*';
            }
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}
