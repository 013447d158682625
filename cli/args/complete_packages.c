/* Finds main packages below a directory by reading files: go list would be too slow for a tab key. */
#include "args/flag_tables.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE       4096
#define DEPTH_MAX       12
#define DIRECTORIES_MAX 4000 /* completion must be quick */
#define HEAD_SIZE       16384

typedef struct walk {
    const char *shown; /* printed for the working directory: ".", or the module's path */
    const char *wanted;
    size_t directories;
    int (*fn)(const char *path, void *payload);
    void *payload;
} walk;

/* The text after comments and blank lines; NULL if a build constraint excludes the file. */
static const char *after_comments(const char *s)
{
    for (;;) {
        s += strspn(s, " \t\r\n");
        if (strncmp(s, "//go:build ignore", 17) == 0 || strncmp(s, "// +build ignore", 16) == 0) {
            return NULL;
        }
        if (strncmp(s, "//", 2) == 0) {
            s += strcspn(s, "\n");
        } else if (strncmp(s, "/*", 2) == 0) {
            const char *end = strstr(s + 2, "*/");
            if (!end) {
                return NULL;
            }
            s = end + 2;
        } else {
            return s;
        }
    }
}

static bool is_main_file(const char *path)
{
    char head[HEAD_SIZE];
    FILE *f = fopen(path, "re");
    if (!f) {
        return false;
    }
    size_t n = fread(head, 1, sizeof(head) - 1, f);
    fclose(f);
    head[n] = '\0';
    const char *s = after_comments(strncmp(head, "\xef\xbb\xbf", 3) == 0 ? head + 3 : head);
    if (!s || strncmp(s, "package", 7) != 0 || (s[7] != ' ' && s[7] != '\t')) {
        return false;
    }
    s += 7 + strspn(s + 7, " \t");
    return strncmp(s, "main", 4) == 0 && !isalnum((unsigned char)s[4]) && s[4] != '_';
}

static bool is_go_file(const char *name)
{
    size_t len = strlen(name);
    return len > 3 && strcmp(name + len - 3, ".go") == 0 && name[0] != '_' && name[0] != '.' &&
           !(len > 8 && strcmp(name + len - 8, "_test.go") == 0);
}

static bool is_skipped(const char *name)
{
    return name[0] == '.' || name[0] == '_' || strcmp(name, "vendor") == 0 ||
           strcmp(name, "testdata") == 0 || strcmp(name, "node_modules") == 0;
}

/* Whether the path of a package at or below shown can begin with the wanted prefix. */
static bool may_match(const walk *w, const char *shown)
{
    size_t a = strlen(shown), b = strlen(w->wanted);
    return strncmp(shown, w->wanted, a < b ? a : b) == 0;
}

static int visit_directory(walk *w, const char *dir, const char *shown, int depth);

static int visit_entries(walk *w, const char *dir, const char *shown, struct dirent **names,
                         int count, int depth)
{
    char path[PATH_SIZE], below[PATH_SIZE];
    bool main_package = false;
    struct stat st;
    int rc = 0;
    for (int i = 0; i < count && !main_package; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
        main_package = is_go_file(names[i]->d_name) && is_main_file(path);
    }
    if (main_package) {
        rc = w->fn(strcmp(shown, ".") == 0 ? "./" : shown, w->payload);
    }
    for (int i = 0; rc == 0 && i < count && depth < DEPTH_MAX; i++) {
        int n = snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
        int m = snprintf(below, sizeof(below), "%s/%s", shown, names[i]->d_name);
        bool fits = n < (int)sizeof(path) && m < (int)sizeof(below);
        if (fits && !is_skipped(names[i]->d_name) && may_match(w, below) && lstat(path, &st) == 0 &&
            S_ISDIR(st.st_mode)) {
            rc = visit_directory(w, path, below, depth + 1);
        }
    }
    return rc;
}

static int visit_directory(walk *w, const char *dir, const char *shown, int depth)
{
    struct dirent **names = NULL;
    if (w->directories++ > DIRECTORIES_MAX) {
        return 1;
    }
    int count = scandir(dir, &names, NULL, alphasort);
    if (count < 0) {
        return 0;
    }
    int rc = visit_entries(w, dir, shown, names, count, depth);
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    return rc;
}

/* The path after "module" in the go.mod of the working directory; false: there is none. */
static bool module_path(char *out, size_t size)
{
    char line[1024];
    FILE *f = fopen("go.mod", "re");
    bool found = false;
    while (f && !found && fgets(line, sizeof(line), f)) {
        char name[512];
        found = sscanf(line, " module %511s", name) == 1;
        if (found) {
            size_t quotes = name[0] == '"' && strlen(name) > 1;
            snprintf(out, size, "%.*s", (int)(strlen(name) - 2 * quotes), name + quotes);
        }
    }
    if (f) {
        fclose(f);
    }
    return found;
}

void cli_each_main_package(const char *prefix, int (*fn)(const char *path, void *payload),
                           void *payload)
{
    char shown[512] = ".";
    char dir[PATH_SIZE] = ".";
    walk w = {.shown = shown, .wanted = prefix, .fn = fn, .payload = payload};
    if (strncmp(prefix, "../", 3) == 0) {
        size_t up = strspn(prefix, "./");
        while (up && prefix[up - 1] != '/') {
            up--;
        }
        snprintf(shown, sizeof(shown), "%.*s", (int)(up - 1), prefix);
        snprintf(dir, sizeof(dir), "%s", shown);
    } else if (*prefix && prefix[0] != '.' && !module_path(shown, sizeof(shown))) {
        return;
    }
    visit_directory(&w, dir, shown, 0);
}
