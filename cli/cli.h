/*
 * What all files of the command share. The command is a thin front: it parses words, draws progress and prints
 * results; everything else is libkoc's public API.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <koc/context.h>
#include <koc/error.h>

/* EXIT_CANCELLED is what a shell reports after ^C; main turns it into 143 for SIGTERM. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CANCELLED = 130 };

/* --- lists of words (args/word_list.c) --- */
typedef struct cli_list { /* NULL-terminated once it is not empty */
    const char **items;
    size_t count, capacity;
    bool incomplete; /* there was no memory for an item; from then on nothing is added */
} cli_list;

int cli_list_add(cli_list *l, const char *item);
/* Adds n items. */
void cli_list_add_all(cli_list *l, const char *const *items, size_t n);
/* Adds a string from malloc, which is freed with the words of the command line. */
int cli_list_keep(cli_list *l, char *item);
void cli_list_free(cli_list *l);
/* The items with a NULL at the end, or NULL if there are none. */
const char *const *cli_list_argv(const cli_list *l);
/* Frees all kept strings; options that borrow them must not be used any more. */
void cli_free_kept(void);

/* --- words to options (args/parse_flags.c) --- */
enum cli_kind {
    CLI_BOOL,    /* bool; a value only as --flag=false */
    CLI_COUNT,   /* int; -v, -vv */
    CLI_INT,     /* int32_t */
    CLI_STRING,  /* const char * */
    CLI_CSV,     /* cli_list; as ko's lists: split at commas, CSV quotes, repeated flags append */
    CLI_LIST,    /* cli_list; one item per occurrence */
    CLI_OPTIONAL /* const char *; a value only as --flag=VALUE, "" without one */
};

/* What a value or an argument completes to: one of these names, or words separated by spaces. */
#define CLI_FILES       "@files"
#define CLI_DIRECTORIES "@directories"
#define CLI_PLATFORMS   "@platforms"
#define CLI_PACKAGES    "@packages" /* main packages of this module */
#define CLI_COMMANDS    "@commands"

typedef struct cli_flag {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* or 0 */
    enum cli_kind kind;
    size_t offset;     /* in the command's option struct */
    const char *value; /* placeholder of the value in help: "REF" */
    const char *group; /* heading in help */
    const char *help;  /* one sentence, lower case, no full stop */
    const char
        *complete; /* or NULL: CLI_FILES for a value FILE, CLI_DIRECTORIES for DIR, else nothing */
} cli_flag;

typedef struct cli_example {
    const char *command, *what;
} cli_example;

struct cli;
typedef struct cli_command {
    const char *name;
    const char *alias; /* or NULL */
    const char *group;
    const char *usage;           /* "koc build [flags] [IMPORTPATH...]" */
    const char *summary;         /* one line of `koc help` */
    const char *description;     /* two sentences of `koc build -h` */
    const char *more;            /* the rest of `koc help build`, or NULL */
    const cli_example *examples; /* ends with a NULL command */
    const cli_flag *flags;       /* or NULL */
    const cli_flag
        *shared_flags;    /* a table that several commands use, into the same struct; or NULL */
    const char *complete; /* its arguments: one of CLI_FILES …, or its subcommands; NULL: nothing */
    bool builds;          /* it builds images: its transfers are pushes or loads */
    const char *transferred; /* verb of a finished transfer; NULL: "Pushed" or "Loaded" */
    bool raw;                /* its words are another program's: only -h is parsed, all are args */
    size_t options_size;     /* of the zeroed struct that flags point into */
    void (*defaults)(void *options); /* or NULL */
    /* The lists that flags filled are freed by the caller. The result is an exit code. */
    int (*run)(struct cli *cli, void *options, const cli_list *args);
} cli_command;

typedef struct cli {
    const cli_command *const *commands; /* all of them; ends with NULL */
    const cli_command *command;         /* the one that runs */
    /* Set by the global flags. */
    int verbose;
    bool quiet, help;
    const char *color, *progress_mode;
    /* Derived from them. */
    bool use_color; /* on stderr */
    koc_cancel *cancel;
    bool has_dashes; /* there was a "--" ... */
    size_t dashes;   /* ... after so many arguments; without one, all of them */
} cli;

/* Flags may be anywhere; "--" ends them: what follows it is appended to args unchanged, and c->dashes says where
 * it begins. Returns EXIT_OK, or EXIT_USAGE after an error line. */
int cli_parse(cli *c, const cli_command *command, void *options, int argc, char **argv,
              cli_list *args);
/* The command with this name or alias; NULL: there is none. */
const cli_command *cli_find_command(const cli *c, const char *name);
/* Reports that word is not a command, with a hint about the nearest one. EXIT_USAGE. */
int cli_unknown_command(const cli *c, const char *word);
/* The nearest of names by edit distance; NULL: none is near. names ends with NULL. */
const char *cli_nearest(const char *word, const char *const *names);

/* --- errors (term/failures.c) --- */
/* Prints "koc: <message>", with a tool's output before it and a hint after it. Returns the exit code: 1, 2 if the
 * value of a flag was rejected, or 130. */
int cli_error(const cli *c, const koc_error *err);
/* EXIT_OK if rc is KOC_OK, else cli_error. */
int cli_exit_code(const cli *c, int rc, const koc_error *err);
/* The message with flags in the place of the library's options. Returns out. */
const char *cli_error_message(const koc_error *err, char *out, size_t size);
/* The hint in words of the command. Returns out, or NULL if there is none. */
const char *cli_error_hint(const koc_error *err, char *out, size_t size);
/* *err (err may be NULL) becomes an error of the command itself. Returns code. */
int cli_fail(koc_error **err, koc_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int cli_fail_memory(koc_error **err);
/* *err becomes "<option>: ...": a flag's value that the command itself rejects. Returns KOC_EINVAL. */
int cli_reject(koc_error **err, const char *option, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- lines on stderr (term/messages.c) --- */
void cli_setup_output(cli *c);
/* Prints an error line and returns EXIT_USAGE. */
int cli_usage(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints an error line and returns EXIT_FAILED. */
int cli_failure(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints "cancelled" and returns EXIT_CANCELLED. */
int cli_cancelled(const cli *c);
/* Prints "out of memory" and returns EXIT_FAILED. */
int cli_no_memory(const cli *c);
/* EXIT_OK, or reports that the list is incomplete: to be called before the words of a command are used. */
int cli_list_check(const cli *c, const cli_list *l);
void cli_warn(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* For what people may not expect although nothing is wrong. */
void cli_note(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_hint(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints several lines as they are, but without escape sequences that move a cursor, and without colours unless
 * they are on. kind is "output" (of a tool) or "timings". */
void cli_output(const cli *c, const char *kind, const char *text);
/* Makes text from elsewhere safe for a terminal, in place (koc_printable without colours). */
void cli_printable(char *text);
/* Whether a program reads stderr: then only JSON lines are written there. */
bool cli_wants_json_progress(const cli *c);
/* "    Built api …": a verb in ten columns, then text. Prints nothing under -q or --progress=json. */
void cli_verb(const cli *c, const char *verb, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A koc_log_fn whose payload is the cli. */
void cli_log(int32_t level, const char *component, const char *message, void *c);
/* Flushes stdout. A full disk or a closed pipe turns code EXIT_OK into EXIT_FAILED. main calls it after every
 * command; a command calls it before it reports success. */
int cli_finish_stdout(const cli *c, int code);
/* The current time as "2026-11-30T16:40:00.123Z". */
const char *cli_time(char out[40]);
/* Seconds on a clock that is never set back. */
double cli_now(void);
/* "11.9 MB" */
const char *cli_size(uint64_t bytes, char out[24]);

/* --- progress (term/progress_mode.c) --- */
typedef struct cli_progress cli_progress;
/* The mode is that of --progress: auto, tty, plain, json or none. waits_only: show only requests that wait. */
cli_progress *cli_progress_new(const cli *c, bool waits_only);
int cli_progress_event(const koc_progress *event, void *progress);
/* Removes the live lines from the screen; to be called before anything else is printed. */
void cli_progress_end(cli_progress *p);
void cli_progress_free(cli_progress *p);

#endif
