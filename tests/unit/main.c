/*
 * The runner of one module's unit tests: see test.h.
 *
 *     test_core            all tests
 *     test_core gzip tar   those whose name contains one of the words
 *     test_core --list     names only
 */
#define _XOPEN_SOURCE 700

#include "seen_codes.h"
#include "test.h"

#include <koc/error.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct koc_test *first;
static struct koc_test **last = &first;

static char test_dir[PATH_MAX];

/* What each test starts with, and gets back after the one before it: environment and directory. */
extern char **environ;
static char **start_env;
static char start_dir[PATH_MAX];

void koc_test_register(struct koc_test *test)
{
    *last = test;
    last = &test->next;
}

const char *koc_test_dir(void)
{
    const char *parent = getenv("TMPDIR");
    if (test_dir[0] == '\0') {
        if (parent == NULL || parent[0] == '\0') {
            parent = "/tmp";
        }
        snprintf(test_dir, sizeof(test_dir), "%s/koc-test-XXXXXX", parent);
        if (mkdtemp(test_dir) == NULL) {
            test_dir[0] = '\0';
            fail_msg("cannot make a folder in %s", parent);
        }
    }
    return test_dir;
}

const char *koc_test_path(const char *name)
{
    static char paths[8][PATH_MAX + 256];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", koc_test_dir(), name);
    return path;
}

const char *koc_test_write(const char *name, const void *data, size_t len)
{
    const char *path = koc_test_path(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    return path;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int open_directory(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    /* A test may have taken its own directory's permissions away; without them it cannot be emptied. */
    if (type == FTW_D || type == FTW_DNR) {
        (void)chmod(path, 0700);
    }
    return 0;
}

static int keep_start(void)
{
    size_t n = 0;
    while (environ[n] != NULL) {
        n++;
    }
    start_env = calloc(n + 1, sizeof(*start_env));
    for (size_t i = 0; start_env != NULL && i < n; i++) {
        start_env[i] = strdup(environ[i]);
    }
    return start_env != NULL && getcwd(start_dir, sizeof(start_dir)) != NULL ? 0 : -1;
}

static void restore_start(void)
{
    while (environ != NULL && environ[0] != NULL) {
        char *name = strndup(environ[0], strcspn(environ[0], "="));
        int failed = name == NULL ? -1 : unsetenv(name);

        free(name);
        if (failed != 0) {
            break;
        }
    }
    for (size_t i = 0; start_env[i] != NULL; i++) {
        putenv(start_env[i]);
    }
    if (chdir(start_dir) != 0) {
        perror(start_dir);
    }
}

static int end_test(void **state)
{
    (void)state;
    restore_start();
    if (test_dir[0] != '\0') {
        nftw(test_dir, open_directory, 16, FTW_PHYS);
        nftw(test_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        test_dir[0] = '\0';
    }
    return 0;
}

/* KOC_SEEN_CODES names a file for the findings. */
static unsigned unlisted;

void koc_test_unlisted(const char *function, int code)
{
    const char *path = getenv("KOC_SEEN_CODES");
    FILE *f = path == NULL ? NULL : fopen(path, "a");
    fprintf(f == NULL ? stderr : f, "%s: %s\n", function, koc_code_name(code));
    if (f != NULL) {
        fclose(f);
    }
    unlisted++;
}

static unsigned injected;

#ifdef __linux__
/*
 * How many tries ran out of memory: the link lets calls of koc__alloc_fail_x come here (--wrap), since each test
 * arms a failure with one and disarms it with koc__alloc_fail_after(0).
 */
void __real_koc__alloc_fail_after(uint64_t n);
void __real_koc__alloc_fail_only(uint64_t n);
void __wrap_koc__alloc_fail_after(uint64_t n);
void __wrap_koc__alloc_fail_only(uint64_t n);
uint64_t koc__alloc_count(void);

static uint64_t armed_at;

static void count_injected(uint64_t n)
{
    uint64_t now = koc__alloc_count();
    injected += armed_at > 0 && now >= armed_at;
    armed_at = n > 0 ? now + n : 0;
}

void __wrap_koc__alloc_fail_after(uint64_t n)
{
    count_injected(n);
    __real_koc__alloc_fail_after(n);
}

void __wrap_koc__alloc_fail_only(uint64_t n)
{
    count_injected(n);
    __real_koc__alloc_fail_only(n);
}
#endif

/* patterns: the words of the command line, ended by NULL; none: every test is wanted. */
static int is_wanted(const char *name, char *const *patterns)
{
    for (char *const *p = patterns; *p != NULL; p++) {
        if (strstr(name, *p) != NULL) {
            return 1;
        }
    }
    return *patterns == NULL;
}

static size_t select_tests(char *const *patterns, struct CMUnitTest *out, size_t max)
{
    size_t n = 0;
    for (struct koc_test *t = first; t != NULL && n < max; t = t->next) {
        if (is_wanted(t->name, patterns)) {
            out[n++] = (struct CMUnitTest){t->name, t->run, NULL, end_test, NULL};
        }
    }
    return n;
}

static size_t count_tests(void)
{
    size_t n = 0;
    for (struct koc_test *t = first; t != NULL; t = t->next) {
        n++;
    }
    return n;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

int main(int argc, char **argv)
{
    size_t max = count_tests();
    struct CMUnitTest *tests = calloc(max + 1, sizeof(*tests));
    int failed = 0;
    if (tests == NULL || keep_start() != 0) {
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        for (struct koc_test *t = first; t != NULL; t = t->next) {
            puts(t->name);
        }
    } else {
        size_t n = select_tests(argv + 1, tests, max);

        failed = _cmocka_run_group_tests(base_name(argv[0]), tests, n, NULL, NULL);
        printf("injected %u failures\n", injected);
        if (unlisted > 0) {
            printf("%u codes are not in docs/api/codes.txt\n", unlisted);
            failed++;
        }
    }
    free(tests);
    return failed == 0 ? 0 : 1;
}
