/* `koc __complete WORD...`, which a shell's script runs at each press of the tab key. */
#include "args/flag_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Platforms that container images usually have; go builds for each. */
static const char platforms[] =
    "linux/amd64 linux/arm64 linux/arm/v7 linux/arm/v6 linux/386 linux/ppc64le linux/s390x "
    "linux/riscv64 linux/loong64 linux/mips64le windows/amd64 windows/arm64 all";

typedef struct query {
    const cli *c;
    const cli_command *command;
    const char *before; /* the part of the word that stays: "--platform=linux/amd64," */
    size_t before_len;
    const char *word; /* the part to complete */
} query;

/* Prints a candidate after the part that stays; the help text follows a tab. */
static void offer(const query *a, const char *candidate, const char *help)
{
    if (strncmp(candidate, a->word, strlen(a->word)) == 0) {
        printf("%.*s%s%s%s\n", (int)a->before_len, a->before, candidate, help ? "\t" : "",
               help ? help : "");
    }
}

static void offer_words(const query *a, const char *words)
{
    char one[64];
    for (; *words; words += strspn(words, " ")) {
        size_t len = strcspn(words, " ");
        snprintf(one, sizeof(one), "%.*s", (int)len, words);
        offer(a, one, NULL);
        words += len;
    }
}

static int offer_package(const char *path, void *payload)
{
    offer(payload, path, NULL);
    return 0;
}

static void offer_commands(const query *a)
{
    for (size_t i = 0; a->c->commands[i]; i++) {
        offer(a, a->c->commands[i]->name, a->c->commands[i]->summary);
    }
}

/* kind: a name CLI_… or words. The first line says whether koc or the shell completes. */
static void offer_kind(const query *a, const char *kind)
{
    bool files = strcmp(kind, CLI_FILES) == 0;
    bool directories = strcmp(kind, CLI_DIRECTORIES) == 0;
    puts(files ? "files" : directories ? "directories" : "words");
    if (strcmp(kind, CLI_PLATFORMS) == 0) {
        offer_words(a, platforms);
    } else if (strcmp(kind, CLI_PACKAGES) == 0) {
        cli_each_main_package(a->word, offer_package, (void *)(uintptr_t)a);
    } else if (strcmp(kind, CLI_COMMANDS) == 0) {
        offer_commands(a);
    } else if (*kind != '@') {
        offer_words(a, kind);
    }
}

static void offer_flags(const query *a)
{
    puts("words");
    for (size_t t = 0; cli_flag_table_of(a->command, t); t++) {
        for (const cli_flag *f = cli_flag_table_of(a->command, t); f->name; f++) {
            char name[96];
            snprintf(name, sizeof(name), "--%s", f->name);
            offer(a, name, f->help);
            if (f->letter && strlen(a->word) < 3) {
                snprintf(name, sizeof(name), "-%c", f->letter);
                offer(a, name, f->help);
            }
        }
    }
}

static const cli_flag *find_flag(const cli_command *c, const char *word)
{
    size_t len = strcspn(word, "=");
    for (size_t t = 0; cli_flag_table_of(c, t); t++) {
        for (const cli_flag *f = cli_flag_table_of(c, t); f->name; f++) {
            bool is_long = strncmp(word, "--", 2) == 0 && strlen(f->name) == len - 2 &&
                           strncmp(f->name, word + 2, len - 2) == 0;
            if (is_long || (len == 2 && f->letter && word[1] == f->letter)) {
                return f;
            }
        }
    }
    return NULL;
}

/* A list is completed item by item. */
static void offer_value(query *a, const cli_flag *f)
{
    const char *comma = f->kind == CLI_CSV ? strrchr(a->word, ',') : NULL;
    if (comma) {
        a->before_len = (size_t)(comma + 1 - a->before);
        a->word = comma + 1;
    }
    if (f->kind == CLI_BOOL) {
        offer_kind(a, "true false");
    } else {
        offer_kind(a, cli_flag_completes_to(f));
    }
}

/* Counts the arguments before the last word. *dashes: "--" is among them. *value_of: the flag whose value the last
 * word is. */
static size_t count_arguments(const query *a, int argc, char **argv, bool *dashes,
                              const cli_flag **value_of)
{
    size_t n = 0;
    for (int i = 0; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            *dashes = true;
            break;
        }
        const cli_flag *f = argv[i][0] == '-' && argv[i][1] ? find_flag(a->command, argv[i]) : NULL;
        bool next = f && cli_flag_takes_value(f) && !strchr(argv[i], '=');
        if (next && i + 2 == argc) {
            *value_of = f;
        }
        n += argv[i][0] != '-';
        i += next;
    }
    return n;
}

/* argv: the words after the command, or all of them if there is no command. */
static void offer_for_command(query *a, int argc, char **argv)
{
    bool dashes = false;
    const cli_flag *value_of = NULL;
    size_t before = count_arguments(a, argc, argv, &dashes, &value_of);
    const char *equals = strchr(a->word, '=');
    const char *kind = a->command ? a->command->complete : CLI_COMMANDS;
    kind = kind ? kind : "";
    if (dashes) {
        puts("files"); /* arguments of kubectl or of the program to run */
    } else if (value_of) {
        offer_value(a, value_of);
    } else if (a->word[0] == '-' && equals) {
        value_of = find_flag(a->command, a->word);
        a->before_len = (size_t)(equals + 1 - a->word);
        a->word = equals + 1;
        if (value_of) {
            offer_value(a, value_of);
        }
    } else if (a->word[0] == '-') {
        offer_flags(a);
    } else {
        bool subcommand = *kind != '@' || strcmp(kind, CLI_COMMANDS) == 0;
        offer_kind(a, before && subcommand ? "" : kind);
    }
}

int cli_complete(const cli *c, int argc, char **argv)
{
    int at = 0;
    while (at + 1 < argc && argv[at][0] == '-') {
        at++;
    }
    const char *last = argc > 0 ? argv[argc - 1] : "";
    query a = {.c = c, .before = last, .word = last};
    if (at + 1 < argc) {
        a.command = cli_find_command(c, argv[at++]);
        if (!a.command) {
            return EXIT_OK;
        }
    } else {
        at = 0;
    }
    offer_for_command(&a, argc - at, argv + at);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
