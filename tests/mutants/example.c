/* What tests/e2e/test_mutants.py rewrites: each kind of fault, at one line each; its output shows which is on. */
#include <stdbool.h>
#include <stdio.h>

#define KOC__TRY(expr)                                                                             \
    do {                                                                                           \
        int koc__rc = (expr);                                                                      \
        if (koc__rc != 0) {                                                                        \
            return koc__rc;                                                                        \
        }                                                                                          \
    } while (0)

typedef struct bits {
    unsigned low : 3;
} bits;

static const int table[2] = {0, 1};

static int check(int n)
{
    return n;
}

static int tried(int n, int other)
{
    KOC__TRY(check(n));
    return other;
}

static bool below(bits b, unsigned n)
{
    return b.low < n;
}

static bool equal(const char *a, const char *b)
{
    return a == b;
}

static bool both(bool a, bool b)
{
    return a && // a line more
           b;
}

static unsigned sum(unsigned n)
{
    return n + n;
}

static int number(int other)
{
    switch (table[0x0]) {
    case 0: return 41;
    default: return other;
    }
}

static const char *chosen(bool b)
{
    return b ? "yes" : "no";
}

static int checked(bool bad)
{
    if (bad) {
        return -5;
    }
    return 5;
}

static void print(const char *text)
{
    printf("%s", text);
}

/* What is all macro stays as it is. */
#define SHOW(...) printf(__VA_ARGS__)

int main(void)
{
    char name[4] = {0};
    print("called");
    SHOW(" %d %d", tried(7, 0), below((bits){5}, 5));
    SHOW(" %d %d%d", equal(name, name), both(true, false), both(true, true));
    SHOW(" %u %d %s", sum(4), number(6), chosen(true));
    SHOW(" %d line %d\n", checked(true), __LINE__);
}
