/* Man pages in mdoc, one for koc and one for each command, made from the command tables. */
#include "help/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RELEASE_DATE "November 24, 2026" /* of the version that version.h names */

/* Prints one character with roff's escapes; returns its length in bytes. */
static size_t put_char(const char *s, size_t left)
{
    unsigned char c = (unsigned char)*s;
    static const struct {
        unsigned char low, high, mask;
        size_t more;
    } leads[] = {{0xc0, 0xdf, 0x1f, 1}, {0xe0, 0xef, 0x0f, 2}, {0xf0, 0xf7, 0x07, 3}};
    for (size_t i = 0; i < 3; i++) {
        if (c >= leads[i].low && c <= leads[i].high && left > leads[i].more) {
            unsigned code = c & leads[i].mask;
            for (size_t k = 1; k <= leads[i].more; k++) {
                code = code << 6 | ((unsigned char)s[k] & 0x3f);
            }
            printf("\\[u%04X]", code);
            return leads[i].more + 1;
        }
    }
    if (c == '\\') {
        fputs("\\e", stdout);
    } else if (c == '-') {
        fputs("\\-", stdout); /* a pasted flag must have a real minus */
    } else {
        putchar(c);
    }
    return 1;
}

static void put_text(const char *s, size_t len)
{
    if (len && (*s == '.' || *s == '\'')) {
        fputs("\\&", stdout); /* otherwise roff would take it for a request */
    }
    for (size_t i = 0; i < len;) {
        i += put_char(s + i, len - i);
    }
}

static bool ends_sentence(const char *word, size_t len)
{
    while (len && strchr(")\"'", word[len - 1])) {
        len--;
    }
    return len > 1 && strchr(".?!", word[len - 1]) && word[len - 2] != '.';
}

/* An upper bound of the bytes that put_char prints for s. */
static size_t max_length(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        n += c >= 0xc0 ? 10 : c >= 0x80 ? 0 : c == '-' || c == '\\' ? 2 : 1;
    }
    return n;
}

/* Fills words into lines and starts each sentence on a new one. */
static void print_filled(const char *s, size_t len)
{
    size_t column = 0;
    for (size_t i = 0; i < len;) {
        size_t blank = strspn(s + i, " \n");
        i += blank;
        if (i >= len) {
            break;
        }
        size_t word = strcspn(s + i, " \n");
        word = word < len - i ? word : len - i;
        size_t width = max_length(s + i, word);
        if (column && column + 1 + width > 78) {
            putchar('\n');
            column = 0;
        }
        if (column) {
            putchar(' ');
            column++;
        }
        if (column) {
            for (size_t k = 0; k < word;) {
                k += put_char(s + i + k, word - k);
            }
        } else {
            put_text(s + i, word);
        }
        column += width;
        if (ends_sentence(s + i, word)) {
            putchar('\n');
            column = 0;
        }
        i += word;
    }
    if (column) {
        putchar('\n');
    }
}

static void print_text(const char *s)
{
    print_filled(s, strlen(s));
}

/* Prints lines as they are, without their common indent. */
static void print_literal(const char *s, size_t len)
{
    puts(".Bd -literal -offset indent");
    for (const char *end = s + len; s < end;) {
        size_t line = strcspn(s, "\n");
        line = line < (size_t)(end - s) ? line : (size_t)(end - s);
        size_t indent = strspn(s, " ") < 2 ? strspn(s, " ") : 2;
        put_text(s + indent, line - indent);
        putchar('\n');
        s += line + 1;
    }
    puts(".Ed");
}

/* Prints an argument of a macro, protected from being taken for a macro itself. */
static void print_argument(const char *s)
{
    fputs(" \\&", stdout);
    for (; *s; s += put_char(s, strlen(s))) {
        if (*s == ' ') {
            putchar('\\'); /* keeps the argument one word */
        }
    }
}

static void print_flag(const cli_flag *f)
{
    fputs(".It", stdout);
    if (f->letter) {
        printf(" Fl %c ,", f->letter);
    }
    printf(" Fl \\-%s", f->name);
    if (f->kind == CLI_OPTIONAL) {
        fputs(" Ns Op = Ns Ar", stdout);
    } else if (f->value) {
        fputs(" Ar", stdout);
    }
    if (f->value) {
        print_argument(f->value);
    }
    putchar('\n');
    print_text(f->help);
}

static void print_options(const cli_command *c)
{
    const char *group = NULL;
    puts(".Sh OPTIONS");
    for (size_t t = 0; cli_flag_table_of(c, t); t++) {
        for (const cli_flag *f = cli_flag_table_of(c, t); f->name; f++) {
            if (!group || strcmp(group, f->group) != 0) {
                if (group) {
                    puts(".El");
                }
                printf(".Ss %s\n.Bl -tag -width Ds\n", f->group);
                group = f->group;
            }
            print_flag(f);
        }
    }
    if (group) {
        puts(".El");
    }
}

static void print_more(const char *s)
{
    enum cli_block kind;
    const char *block;
    size_t len;
    bool after_text = false;
    while (cli_next_block(&s, &kind, &block, &len)) {
        if (kind == CLI_HEADING) {
            fputs(".Ss ", stdout);
            put_text(block, len);
            putchar('\n');
        } else if (kind == CLI_LITERAL) {
            print_literal(block, len);
        } else {
            if (after_text) {
                puts(".Pp");
            }
            print_filled(block, len);
        }
        after_text = kind != CLI_HEADING;
    }
}

static void print_examples(const cli_command *c)
{
    if (!c->examples) {
        return;
    }
    puts(".Sh EXAMPLES");
    for (const cli_example *e = c->examples; e->command; e++) {
        if (e != c->examples) {
            puts(".Pp");
        }
        char line[256];
        snprintf(line, sizeof(line), "%c%s:", toupper((unsigned char)e->what[0]), e->what + 1);
        print_text(line);
        print_literal(e->command, strlen(e->command));
    }
}

static void begin_page(const char *name, const char *what)
{
    printf(".\\\" %s.1\n.Dd %s\n.Dt ", name, RELEASE_DATE);
    for (const char *s = name; *s; s++) {
        putchar(toupper((unsigned char)*s));
    }
    printf(" 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", name);
    print_text(what);
}

static void print_see_also(const cli *c)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; c->commands[i] && n < 64; i++) { /* insertion sort */
        size_t at = n++;
        for (; at > 0 && strcmp(names[at - 1], c->commands[i]->name) > 0; at--) {
            names[at] = names[at - 1];
        }
        names[at] = c->commands[i]->name;
    }
    puts(".Sh SEE ALSO");
    for (size_t i = 0; i < n; i++) {
        printf(".Xr koc-%s 1%s\n", names[i], i + 1 < n ? " ," : "");
    }
}

static void print_item(const cli_command *command)
{
    printf(".It Cm \\&%s\n", command->name);
    print_text(command->summary);
}

static void print_overview(const cli *c)
{
    begin_page("koc", "container images from Go packages");
    puts(".Sh SYNOPSIS\n.Nm koc\n.Ar COMMAND\n.Op flags\n.Op arguments");
    puts(".Sh DESCRIPTION");
    print_text(
        "Builds container images from Go packages (and other files) without Docker, pushes them to any "
        "registry and writes their digests into Kubernetes YAML.");
    puts(".Pp");
    print_text("Results go to stdout, everything else to stderr. Each command has its own page.");
    for (size_t g = 0; cli_groups[g]; g++) {
        printf(".Ss %s\n.Bl -tag -width completion\n", cli_groups[g]);
        cli_each_in_group(c, cli_groups[g], print_item);
        puts(".El");
    }
    print_options(NULL);
    puts(".Sh EXIT STATUS");
    print_text("0 success, 1 failure, 2 wrong usage, 130 and 143 if a signal stopped koc.");
    print_see_also(c);
}

void cli_help_man(const cli *all, const cli_command *c)
{
    char name[64];
    if (!c) {
        print_overview(all);
        return;
    }
    snprintf(name, sizeof(name), "koc-%s", c->name);
    begin_page(name, c->summary);
    fputs(".Sh SYNOPSIS\n.Nm koc\n", stdout);
    print_text(strncmp(c->usage, "koc ", 4) == 0 ? c->usage + 4 : c->usage);
    puts(".Sh DESCRIPTION");
    print_text(c->description);
    if (c->alias) {
        char line[128];
        snprintf(line, sizeof(line), "koc %s is another name of this command.", c->alias);
        puts(".Pp");
        print_text(line);
    }
    if (c->more) {
        print_more(c->more);
    }
    print_options(c);
    print_examples(c);
    puts(".Sh SEE ALSO\n.Xr koc 1");
}
