/* YAML in, YAML out: what the tests of the resolver share. */
#ifndef KOC_TESTS_UNIT_RESOLVE_HELPER_H
#define KOC_TESTS_UNIT_RESOLVE_HELPER_H

#include <koc/resolve.h>

#define HEX    "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
#define DIGEST "sha256:" HEX
/* The replacement of ko://x: "reg.example:5000/t/x@sha256:…"; the last element of the path is the name. */
#define IMAGE(name) "reg.example:5000/t/" name "@" DIGEST

/* Resolves one input, or several up to a NULL. Fails the test on an error. Free the result. */
char *resolve(const char *yaml);
char *resolve_selected(const char *yaml, const char *selector);
char *resolve_labelled(const char *label, const char *yaml, const char *selector,
                       const char *suffix);
char *resolve_all(const char *const *inputs, const char *selector);
/* The error message for an input that must fail. Free it. */
char *refused(const char *yaml, const char *selector, koc_code code);

/* Compares and frees got. */
void check_text(char *got, const char *want);
#define CHECK(yaml, want)      check_text(resolve(yaml), want)
#define UNCHANGED(yaml)        check_text(resolve(yaml), yaml)
#define REFUSED(yaml, message) check_text(refused(yaml, NULL, KOC_EINVAL), "in.yaml:" message)

#endif
