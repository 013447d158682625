/*
 * What the files of the command line share. The command line is a thin front: it parses words, draws
 * progress and prints results; all else is libkoc's public API.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <koc/context.h>
#include <koc/error.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* --- words to options (opt.c) --- */
typedef struct cli_list { /* NULL-terminated once it has something */
    const char **items;
    size_t count, capacity;
} cli_list;

enum cli_kind {
    CLI_BOOL,    /* bool; a value only as --flag=false */
    CLI_COUNT,   /* int; -v, -vv */
    CLI_INT,     /* int32_t */
    CLI_STRING,  /* const char * */
    CLI_CSV,     /* cli_list; ko's lists: split at commas, CSV quotes, repeats append */
    CLI_LIST,    /* cli_list; one item an occurrence */
    CLI_OPTIONAL /* const char *; a value only as --flag=VALUE, "" without one */
};

/* What a value or an argument completes to: one of these names, or words with a space between. */
#define CLI_FILES     "@files"
#define CLI_FOLDERS   "@folders"
#define CLI_PLATFORMS "@platforms"
#define CLI_PACKAGES  "@packages" /* main packages of this module */
#define CLI_COMMANDS  "@commands"

typedef struct cli_flag {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* or 0 */
    enum cli_kind kind;
    size_t offset;     /* in the command's option struct */
    const char *value; /* what stands for the value in help: "REF" */
    const char *group; /* heading in help */
    const char *help;  /* one sentence, lower case, no full stop */
    const char
        *complete; /* or NULL: CLI_FILES for a value FILE, CLI_FOLDERS for DIR, else nothing */
} cli_flag;

typedef struct cli_example {
    const char *command, *what;
} cli_example;

struct cli;
typedef struct cli_command {
    const char *name;
    const char *alias; /* or NULL */
    const char *group;
    const char *usage;            /* "koc build [flags] [IMPORTPATH...]" */
    const char *summary;          /* one line of `koc help` */
    const char *description;      /* two sentences of `koc build -h` */
    const char *more;             /* the rest of `koc help build`, or NULL */
    const cli_example *examples;  /* ends with a NULL command */
    const cli_flag *flags;        /* or NULL */
    const cli_flag *shared_flags; /* of several commands, into the same struct; or NULL */
    const char *complete; /* its arguments: one of CLI_FILES …, or its sub-words; NULL: nothing */
    bool raw;             /* its words are another program's: only -h is looked at, all are args */
    size_t options_size;  /* of the zeroed struct that flags point into */
    void (*defaults)(void *options); /* or NULL */
    int (*run)(struct cli *cli, void *options, const cli_list *args);
} cli_command;

extern const cli_command *const cli_commands[]; /* ends with NULL (commands.c) */
extern const cli_flag cli_global_flags[];
const cli_command *cli_find_command(const char *name);
struct cli;
/* Says so, with the nearest one that there is. EXIT_USAGE. */
int cli_no_such_command(const struct cli *c, const char *word);

typedef struct cli {
    /* What the global flags say. */
    int verbose;
    bool quiet, help;
    const char *color, *progress_mode;
    /* What follows from them. */
    bool use_color; /* on stderr */
    koc_cancel *cancel;
    const cli_command *command;
    bool has_dashes; /* there was a "--" ... */
    size_t dashes;   /* ... and this many arguments before it; without one, all */
} cli;

/* Flags anywhere, "--" ends them: what follows it is appended to args as it is, and c->dashes says where
 * it begins. Result EXIT_OK, or EXIT_USAGE after one line on stderr. */
int cli_parse(cli *c, const cli_command *command, void *options, int argc, char **argv,
              cli_list *args);
int cli_list_add(cli_list *l, const char *item);
/* Adds a string from malloc, which is freed with the words of the command line. */
int cli_list_keep(cli_list *l, char *item);
void cli_list_free(cli_list *l);
/* Releases what cli_parse made; the options are not to be used any more. */
void cli_free_kept(void);
/* The items with a NULL at the end, or NULL when there are none. */
const char *const *cli_list_argv(const cli_list *l);
/* The nearest of names by edit distance; NULL: none is near. names ends with NULL. */
const char *cli_nearest(const char *word, const char *const *names);

/* --- failures of the library in koc's words (errors.c) --- */
/* "koc: <message>", the tool's output before it, a hint after it. Returns the exit code: 1, 2 when the value of a
 * flag was refused, or 130. */
int cli_error(const cli *c, const koc_error *err);
/* The message with flags for the library's options. Returns out. */
const char *cli_error_message(const koc_error *err, char *out, size_t size);
/* The hint as something to type. Returns out, or NULL where there is none. */
const char *cli_error_hint(const koc_error *err, char *out, size_t size);

/* --- words to people (out.c) --- */
void cli_setup_output(cli *c);
/* *err, which may be NULL, becomes an error of the command itself. Returns code. */
int cli_fail(koc_error **err, koc_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* *err becomes "<option>: ..." and the result KOC_EINVAL: a flag's value that the command refuses itself. */
int cli_refuse(koc_error **err, const char *option, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int cli_usage(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_warn(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What people may not have expected, though nothing is wrong. */
void cli_note(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_hint(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Several lines that are handed on whole, in colours only when they are on, with nothing else that moves a terminal:
 * kind "output", what a tool printed, or "timings". */
void cli_output(const cli *c, const char *kind, const char *text);
/* Makes text of others fit for a terminal, in place (koc_printable without colours). */
void cli_printable(char *text);
/* Whether stderr is for a program: then a run that succeeds writes JSON lines there and no others. */
bool cli_wants_json_progress(const cli *c);
/* "    Built api …": a verb in ten columns, then text. Nothing under -q or --progress=json. */
void cli_verb(const cli *c, const char *verb, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A koc_log_fn whose payload is the cli. */
void cli_log(int32_t level, const char *component, const char *message, void *c);
/* Flushes stdout: for a run that ended with code, a full disk or closed pipe there is a failure. main calls it after
 * every command; a command does before it says that it is done. */
int cli_finish_stdout(const cli *c, int code);
/* Now as "2026-11-30T16:40:00.123Z". */
const char *cli_time(char out[40]);
/* Seconds on a clock that only goes forward. */
double cli_now(void);
/* "11.9 MB" */
const char *cli_size(uint64_t bytes, char out[24]);

/* --- help (help.c) --- */
void cli_help_overview(void);
void cli_help_command(const cli_command *command, bool whole);

/* --- progress (progress.c) --- */
typedef struct cli_progress cli_progress;
/* mode: auto, tty, plain, json, none. waits_only: only what has to wait is shown. */
cli_progress *cli_progress_new(const cli *c, bool waits_only);
int cli_progress_event(const koc_progress *event, void *progress);
/* Wipes what is live on the screen; call it before anything else is printed. */
void cli_progress_end(cli_progress *p);
void cli_progress_free(cli_progress *p);

/* --- commands --- */
extern const cli_command cli_push, cli_pull, cli_copy, cli_inspect, cli_manifest, cli_config,
    cli_digest, cli_validate, cli_ls, cli_tag, cli_rm, cli_blob;
extern const cli_command cli_auth, cli_login, cli_logout;
extern const cli_command cli_cache, cli_completion, cli_doctor, cli_explain;
extern const cli_command cli_append, cli_mutate, cli_rebase, cli_export, cli_serve;
extern const cli_command cli_build, cli_resolve, cli_apply, cli_create, cli_delete, cli_run,
    cli_version, cli_help;

#endif
