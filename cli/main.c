/* koc: finds the command, parses its words, turns signals into a cancel. */
#include "args/flag_tables.h"
#include "cleanup_macros.h"
#include "commands/commands.h"
#include "help/help.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static koc_cancel *on_signal_cancel;
static volatile sig_atomic_t signals_seen;
static volatile sig_atomic_t first_signal;

/* The first signal cancels the command, a second one ends the process at once. */
static void on_signal(int number)
{
    if (signals_seen++ > 0) {
        _exit(128 + number);
    }
    first_signal = number;
    koc_cancel_trigger(on_signal_cancel);
}

static int catch_signals(cli *c)
{
    CLI_AUTO(koc_error) err = NULL;
    if (koc_cancel_new(&c->cancel, &err) != KOC_OK) {
        return cli_error(c, err);
    }
    on_signal_cancel = c->cancel;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN; /* writing to a closed pipe must fail, not end koc */
    sigaction(SIGPIPE, &action, NULL);
    return EXIT_OK;
}

static bool is_one_of(const char *value, const char *const *list)
{
    for (size_t i = 0; list[i]; i++) {
        if (strcmp(value, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int check_global_flags(const cli *c)
{
    static const char *const colors[] = {"auto", "always", "never", NULL};
    static const char *const modes[] = {"auto", "tty", "plain", "json", "none", NULL};
    if (c->color && !is_one_of(c->color, colors)) {
        return cli_usage(c, "--color: \"%s\" is not auto, always or never", c->color);
    }
    if (c->progress_mode && !is_one_of(c->progress_mode, modes)) {
        return cli_usage(c, "--progress: \"%s\" is not auto, tty, plain, json or none",
                         c->progress_mode);
    }
    return EXIT_OK;
}

/* Frees the lists that flags of a table filled. */
static void free_lists(const cli_flag *table, void *options)
{
    for (; table && table->name; table++) {
        if (table->kind == CLI_CSV || table->kind == CLI_LIST) {
            cli_list_free((cli_list *)(void *)((char *)options + table->offset));
        }
    }
}

static int run(cli *c, int argc, char **argv)
{
    void *options = calloc(1, c->command->options_size + 1);
    cli_list args = {0};
    if (!options) {
        return cli_no_memory(c);
    }
    if (c->command->defaults) {
        c->command->defaults(options);
    }
    int code = cli_parse(c, c->command, options, argc, argv, &args);
    cli_setup_output(c);
    if (code == EXIT_OK && c->help) {
        cli_help_command(c->command, false);
        code = cli_finish_stdout(c, EXIT_OK);
    } else if (code == EXIT_OK) {
        code = check_global_flags(c);
        code = code == EXIT_OK ? c->command->run(c, options, &args) : code;
        code = cli_finish_stdout(c, code);
    }
    cli_list_free(&args);
    free_lists(c->command->flags, options);
    free_lists(c->command->shared_flags, options);
    free(options);
    return code;
}

/* Flags that nearly every program accepts in the place of a command. */
static bool asks_version(const char *word)
{
    return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
}

int main(int argc, char **argv)
{
    cli c = {.commands = cli_command_table};
    if (argc > 1 && strcmp(argv[1], "__complete") == 0) {
        return cli_complete(&c, argc - 2, argv + 2);
    }
    cli_setup_output(&c);
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1] && !asks_version(argv[at])) {
        at++; /* flags before the command */
    }
    if (at >= argc) {
        cli_list none = {0};
        int code = cli_parse(&c, NULL, NULL, argc - 1, argv + 1, &none);
        if (code == EXIT_OK) {
            cli_help_overview(&c);
            code = cli_finish_stdout(&c, EXIT_OK);
        }
        return code;
    }
    c.command = cli_find_command(&c, asks_version(argv[at]) ? "version" : argv[at]);
    if (!c.command) {
        return cli_unknown_command(&c, argv[at]);
    }
    for (int i = at; i > 1; i--) { /* remove the command's word; flags stay in order */
        argv[i] = argv[i - 1];
    }
    int code = catch_signals(&c);
    if (code == EXIT_OK) {
        code = run(&c, argc - 2, argv + 2);
    }
    if (first_signal && code == EXIT_CANCELLED) {
        code = 128 + (int)first_signal;
    }
    cli_free_kept();
    koc_cancel_unref(c.cancel);
    return code;
}
