/* What the tests of the compose module share. */
#ifndef KOC_TESTS_COMPOSE_TEST_H
#define KOC_TESTS_COMPOSE_TEST_H

#include "store/helper.h"

#include <koc/ext/compose.h>

#include "compose/compose.h"

/* "linux/amd64,linux/arm64": the platforms of the images of e. Static. */
const char *platforms_of(const koc_edit *e);
/* A list of an image, joined by commas. Static. */
const char *list_of(const koc_image *img, int32_t field);
/* The entries of a layer, one a line: "mode uid:gid name[ -> target]". Static. */
const char *entries_of(koc_layer *l);
/* What a file of an image holds. Static. */
const char *file_of(koc_image *img, const char *path);
/* The number of warnings that have this text. */
size_t warned(const koc_strlist *warnings, const char *text);

#endif
