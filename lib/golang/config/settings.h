/* Shared by settings.c (the file) and settings_env.c (KO_* variables): sets values of koc__go_settings. */
#ifndef KOC__GOLANG_SETTINGS_H
#define KOC__GOLANG_SETTINGS_H

#include "golang/golang.h"

#define KOC__GO_DEFAULT_BASE "cgr.dev/chainguard/static:latest"
#define KOC__GO_SETTINGS_MAX ((size_t)1 << 20)

/* where: the source for messages, ".ko.yaml:3:7: defaultBaseImage" or "KO_DEFAULTBASEIMAGE"; NULL: the
 * built-in default. */
int koc__go_set_base(koc__go_settings *s, const char *where, const char *text, koc_error **err);
int koc__go_add_override(koc__go_settings *s, const char *where, const char *import_path,
                         const char *text, koc_error **err);
void koc__go_clear_bases(koc__go_settings *s); /* the overrides */
void koc__go_free_bases(koc__go_settings *s);
/* Adds the words of text. */
int koc__go_add_words(koc_strlist *l, const char *text, koc_error **err);
/* KOC_EINVAL: an item has no "=". */
int koc__go_check_env(const koc_strlist *l, const char *where, koc_error **err);

/* Reads the file s->path into s. */
int koc__go_settings_read(koc__go_settings *s, koc_error **err);
/* Replaces values of the file by those of KO_DEFAULT* and KO_BASEIMAGEOVERRIDES. */
int koc__go_settings_env(koc__go_settings *s, koc_error **err);

/* The name in dir that is most similar to name, or NULL. Owned by the caller. */
char *koc__go_near_name(const char *dir, const char *name);

#endif
