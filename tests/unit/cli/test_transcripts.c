#define _GNU_SOURCE
/*
 * Transcripts of the command, tests/golden/cli/<name>.txt, run again and compared as a whole:
 *
 *     $ koc words            a command; below it are the lines of stdout, and with "! " in front those of stderr
 *     = 1                    the exit code, unless it is 0
 *     $ koc words < text     the same with a line of text on stdin
 *     $ write FILE text      writes a file; \n is a line end
 *     $ env NAME=VALUE       sets a variable; without a value: unsets it
 *     $ go                   writes a module, a go tool, kubectl and podman (command.h)
 *     $ serve [delete]       serves the directory "served" as HOST until the transcript ends
 *     $ cat FILE             prints a file
 *
 * What differs from run to run is replaced: the nth digest by <dn>, durations by T, ports, the directory of the test, the
 * version. KOC_UPDATE=1 writes the files anew; read what changed.
 */
#include "command.h"

#include <koc/ext/serve.h>
#include <koc/version.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef setenv
#undef getenv
#undef sprintf

enum { TEXT_MAX = 1 << 20, DIGESTS = 64 };

static struct {
    char text[TEXT_MAX]; /* the transcript as it is now */
    size_t len;
    char host[64];
    bool serving;
    char digests[DIGESTS][80];
    size_t n_digests;
} now;

static void add(const char *text, size_t len)
{
    assert_true(now.len + len < TEXT_MAX);
    memcpy(now.text + now.len, text, len);
    now.len += len;
    now.text[now.len] = '\0';
}

/* --- what differs from run to run --- */

static size_t number_of(const char *hex)
{
    size_t i = 0;
    while (i < now.n_digests && strncmp(now.digests[i], hex, 64) != 0) {
        i++;
    }
    if (i == now.n_digests) {
        assert_true(i < DIGESTS);
        memcpy(now.digests[now.n_digests++], hex, 64);
    }
    return i + 1;
}

/* "sha256:<hex>", "sha256-<hex>" as in the tags of SBOMs, or the hex alone. */
static size_t digest_replaced(const char *s, const char **by)
{
    static char digest[24];
    size_t prefix = strncmp(s, "sha256:", 7) == 0 || strncmp(s, "sha256-", 7) == 0 ? 7 : 0;
    if (strspn(s + prefix, "0123456789abcdef") != 64) {
        return 0;
    }
    snprintf(digest, sizeof(digest), "<d%zu>", number_of(s + prefix));
    *by = digest;
    return prefix + 64;
}

/* Sizes of compressed layers: they differ from encoder to encoder. */
static size_t size_replaced(const char *s, const char **by)
{
    size_t digits = strncmp(s, "\"size\":", 7) == 0 ? strspn(s + 7, "0123456789") : 0;
    size_t spaces = strspn(s, " "), number = strspn(s + spaces, "0123456789.");
    if (digits) {
        *by = "\"size\":N";
        return 7 + digits;
    }
    if (spaces > 1 && number && strncmp(s + spaces + number, " B  appl", 8) == 0) {
        *by = " N";
        return spaces + number;
    }
    return 0;
}

static bool is_compressed_line(const char *s)
{
    size_t len = strcspn(s, "\n");
    return memmem(s, len, "+gzip", 5) || memmem(s, len, "+zstd", 5);
}

static bool begins(const char *s, const char *with)
{
    return *with && strncmp(s, with, strlen(with)) == 0;
}

/* Clocks and durations, and what the report of a build says about them. */
static size_t time_replaced(const char *s, bool in_word, const char **by)
{
    size_t digits = strspn(s, "0123456789");
    size_t spaces = strspn(s, " "), number = strspn(s + spaces, "0123456789.");
    if (begins(s, "Ms\": ") || begins(s, "Us\": ")) {
        *by = s[0] == 'M' ? "Ms\": T" : "Us\": T";
        return 5 + strspn(s + 5, "0123456789");
    }
    if (begins(s, "\"created\": \"2")) { /* of an SBOM without a commit */
        *by = "\"created\": \"NOW\"";
        return strlen("\"created\": \"2026-12-01T00:00:00Z\"");
    }
    if (digits == 4 && strlen(s) > 24 && s[10] == 'T' && s[19] == '.' && s[23] == 'Z') {
        *by = "TIME";
        return 24;
    }
    if (spaces && number && begins(s + spaces + number, " ms")) {
        *by = " T";
        return spaces + number;
    }
    if (in_word || !digits) {
        return 0;
    }
    *by = "T";
    return s[digits] == '.' && s[digits + 1] && s[digits + 2] == 's' ? digits + 3
           : begins(s + digits, " ms)")                              ? digits
                                                                     : 0;
}

/* How many bytes of s are replaced by *by; 0: none. */
static size_t replaced(const char *s, bool in_word, const char **by)
{
    const struct {
        const char *text, *by;
        bool anywhere;
    } names[] = {{now.host, "HOST", true},
                 {koc_test_dir(), "DIR", true},
                 {KOC_VERSION_STRING, "VERSION", false}};
    size_t n = in_word ? 0 : digest_replaced(s, by);
    n = n ? n : time_replaced(s, in_word, by);
    if (n) {
        return n;
    }
    if (begins(s, "\"encoder\": ")) {
        *by = "\"encoder\": …,";
        return strcspn(s, "\n");
    }
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        if (begins(s, names[i].text) && (names[i].anywhere || !in_word)) {
            *by = names[i].by;
            return strlen(names[i].text);
        }
    }
    return 0;
}

static void add_clean(const char *text, const char *prefix)
{
    bool start = true, in_word = false, compressed = false;
    for (const char *s = text; *s;) {
        const char *by = NULL;
        if (start) {
            add(prefix, strlen(prefix));
            compressed = is_compressed_line(s);
        }
        size_t skip = compressed ? size_replaced(s, &by) : 0;
        skip = skip ? skip : replaced(s, in_word, &by);
        if (skip) {
            add(by, strlen(by));
            s += skip;
            start = in_word = false;
            continue;
        }
        start = *s == '\n';
        in_word = strchr(" \n(:v\"-@/", *s) == NULL;
        add(s++, 1);
    }
    if (!start) {
        add("\\\n", 2); /* no line end */
    }
}

/* --- the steps --- */

/* word with HOST replaced; static. */
static const char *expand(const char *words)
{
    static char line[8192];
    size_t n = 0;
    for (const char *s = words; *s; s++) {
        if (strncmp(s, "HOST", 4) == 0) {
            n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", now.host);
            s += 3;
        } else if (strncmp(s, "DIR", 3) == 0) {
            n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", koc_test_dir());
            s += 2;
        } else if (strncmp(s, "<d", 2) == 0) {
            size_t i = (size_t)strtoul(s + 2, NULL, 10);
            assert_true(i >= 1 && i <= now.n_digests);
            n += (size_t)snprintf(line + n, sizeof(line) - n, "sha256:%.64s", now.digests[i - 1]);
            s = strchr(s, '>');
        } else {
            line[n++] = *s;
        }
    }
    line[n] = '\0';
    return line;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines of parallel work, in an order of their own. */
static const char *sorted(const char *text)
{
    static char copy[1 << 18], result[1 << 18];
    char *lines[1024], *rest = copy;
    size_t n = 0, len = 0;
    snprintf(copy, sizeof(copy), "%s", text);
    while (n < 1024 && rest && *rest) {
        lines[n++] = strsep(&rest, "\n");
    }
    qsort(lines, n, sizeof(*lines), compare_lines);
    result[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        len += (size_t)snprintf(result + len, sizeof(result) - len, "%s\n", lines[i]);
    }
    return result;
}

/* Without the lines that say what is waited for: on a busy machine anything may take longer than a second. */
static const char *without_waits(const char *text)
{
    static char result[1 << 18];
    size_t n = 0;
    assert_true(strlen(text) < sizeof(result));
    for (const char *line = text, *next; *line; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] == '\n');
        const char *word = line + strspn(line, " ");
        if (strncmp(word, "Waiting ", 8) != 0 && strncmp(word, "still ", 6) != 0) {
            memcpy(result + n, line, (size_t)(next - line));
            n += (size_t)(next - line);
        }
    }
    result[n] = '\0';
    return result;
}

static bool is_parallel(const char *words)
{
    return strncmp(words, "build", 5) == 0 || strncmp(words, "copy", 4) == 0;
}

static void run_koc(const char *words)
{
    char line[8192], code[16];
    snprintf(line, sizeof(line), "%s", expand(words));
    char *in = strstr(line, " < ");
    if (in) {
        *in = '\0';
    }
    int got = koc_with(in ? in + 3 : NULL, NULL, line);
    const char *stable = without_waits(said);
    add_clean(out, "");
    add_clean(is_parallel(words) ? sorted(stable) : stable, "! ");
    if (got) {
        snprintf(code, sizeof(code), "= %d\n", got);
        add(code, strlen(code));
    }
}

static void write_text(char *words)
{
    char text[8192];
    char *rest = words;
    const char *name = strsep(&rest, " ");
    size_t n = 0;
    for (const char *s = rest ? expand(rest) : ""; *s; s++) {
        bool line_end = s[0] == '\\' && s[1] == 'n';
        text[n++] = line_end ? '\n' : *s;
        s += line_end;
    }
    write_at(name, text, n);
}

static void set_variable(char *words)
{
    char *equals = strchr(words, '=');
    assert_non_null(equals);
    *equals = '\0';
    if (equals[1]) {
        setenv(words, expand(equals + 1), 1);
    } else {
        unsetenv(words);
    }
}

static void step(char *line)
{
    if (strncmp(line, "koc", 3) == 0) {
        run_koc(line[3] ? line + 4 : "");
    } else if (strncmp(line, "write ", 6) == 0) {
        write_text(line + 6);
    } else if (strncmp(line, "env ", 4) == 0) {
        set_variable(line + 4);
    } else if (strncmp(line, "cat ", 4) == 0) {
        add_clean(content(line + 4), "");
    } else if (strcmp(line, "go") == 0) {
        write_module();
    } else if (strncmp(line, "serve", 5) == 0) {
        snprintf(now.host, sizeof(now.host), "%s", serve_begin(line[5] ? KOC_SERVE_DELETE : 0));
        now.serving = true;
    } else {
        fail_msg("no such step: %s", line);
    }
}

/* --- files --- */

static void compare(const char *path, const char *want)
{
    size_t at = 0, line = 1, begin_of_line = 0;
    for (; want[at] && want[at] == now.text[at]; at++) {
        if (want[at] == '\n') {
            line++;
            begin_of_line = at + 1;
        }
    }
    if (want[at] == now.text[at]) {
        return;
    }
    if (getenv("KOC_UPDATE")) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        fwrite(now.text, 1, now.len, f);
        fclose(f);
        return;
    }
    fail_msg("%s:%zu: %.*s\nis now: %.*s", path, line, (int)strcspn(want + begin_of_line, "\n"),
             want + begin_of_line, (int)strcspn(now.text + begin_of_line, "\n"),
             now.text + begin_of_line);
}

static void replay(const char *name)
{
    static char want[TEXT_MAX], copy[TEXT_MAX];
    char path[512];
    memset(&now, 0, sizeof(now));
    snprintf(path, sizeof(path), KOC__TEST_DATA "/cli/%s.txt", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(want, 1, sizeof(want) - 1, f);
    fclose(f);
    want[len] = '\0';
    memcpy(copy, want, len + 1);
    begin();
    write_layout();
    for (char *rest = copy, *line = NULL; (line = strsep(&rest, "\n"));) {
        if (line[0] == '#' || (line[0] == '\0' && rest && rest[0] == '$')) {
            add(line, strlen(line));
            add("\n", 1);
        }
        if (line[0] == '$') {
            add(line, strlen(line));
            add("\n", 1);
            step(line + 2);
        }
    }
    if (now.serving) {
        serve_end();
    }
    compare(path, want);
}

#define TRANSCRIPT(name_)                                                                          \
    KOC_TEST(transcript_of_##name_)                                                                \
    {                                                                                              \
        replay(#name_);                                                                            \
    }

TRANSCRIPT(look)
TRANSCRIPT(copy)
TRANSCRIPT(edit)
TRANSCRIPT(registry)
TRANSCRIPT(other)
TRANSCRIPT(build)
TRANSCRIPT(publish)
TRANSCRIPT(compat)
TRANSCRIPT(resolve)
TRANSCRIPT(kube)

KOC_TEST(transcript_of_run)
{
    static const char *const sockets[] = {"/var/run/docker.sock", "/run/podman/podman.sock"};
    for (size_t i = 0; i < KOC__COUNT(sockets); i++) {
        if (access(sockets[i], F_OK) == 0) {
            print_message("skipped: this machine has a daemon\n");
            skip();
        }
    }
    replay("run");
}
