/* Lists of words, and the strings that live as long as the command line. */
#include "cli.h"

#include <stdlib.h>

int cli_list_add(cli_list *l, const char *item)
{
    if (l->incomplete) {
        return -1;
    }
    if (l->count + 2 > l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 8;
        const char **items = realloc(l->items, capacity * sizeof(*items));
        if (!items) {
            l->incomplete = true;
            return -1;
        }
        l->items = items;
        l->capacity = capacity;
    }
    l->items[l->count++] = item;
    l->items[l->count] = NULL;
    return 0;
}

int cli_list_check(const cli *c, const cli_list *l)
{
    return l->incomplete ? cli_no_memory(c) : EXIT_OK;
}

void cli_list_free(cli_list *l)
{
    free(l->items);
    *l = (cli_list){0};
}

const char *const *cli_list_argv(const cli_list *l)
{
    return l->count ? l->items : NULL;
}

void cli_list_add_all(cli_list *l, const char *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cli_list_add(l, items[i]);
    }
}

static cli_list kept; /* strings from malloc; options borrow them until the program ends */

int cli_list_keep(cli_list *l, char *item)
{
    if (!item || cli_list_add(&kept, item) != 0) {
        free(item);
        kept.incomplete = false; /* it is not a list of words: what it has is freed */
        l->incomplete = true;
        return -1;
    }
    return cli_list_add(l, item);
}

void cli_free_kept(void)
{
    for (size_t i = 0; i < kept.count; i++) {
        free((char *)(uintptr_t)kept.items[i]);
    }
    cli_list_free(&kept);
}
