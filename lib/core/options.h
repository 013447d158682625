/* Copies public structs whose first member is their size, so that programs and libraries of different
 * versions work together. */
#ifndef KOC__OPTIONS_H
#define KOC__OPTIONS_H

#include <koc/base.h>

/* Copies a sized struct of the caller into a zeroed local of `known` bytes and sets its struct_size to known.
 * from NULL: all defaults. KOC_EMISUSE: struct_size is smaller than itself, or a member that this version does
 * not know is not zero. what names the struct in errors. */
int koc__options_copy(void *local, size_t known, const void *from, const char *what,
                      koc_error **err);
/* The same for an array of n elements of the size that the first one gives: *out is an array of `known` bytes
 * each, to be freed with koc__free. */
int koc__options_list(const void *list, size_t n, size_t known, const char *what, void **out,
                      koc_error **err);
/* Copies local into the caller's struct, as much as its struct_size, which koc__options_copy has checked,
 * allows. */
void koc__options_give(void *to, size_t known, const void *local);

#endif
