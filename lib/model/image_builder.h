/* The inside of the image builder: image_build.c collects, image_patch.c applies, image_compat.c writes. */
#ifndef KOC__BUILD_H
#define KOC__BUILD_H

#include "core/str.h"
#include "model/image.h"

/* One change to a set of names. */
typedef struct koc__setting {
    char *key;
    char *value; /* NULL: remove */
    bool append; /* Env: appends an item even if the name exists */
} koc__setting;

typedef struct koc__settings {
    koc__setting *items;
    size_t n;
    size_t capacity;
} koc__settings;

/* A layer to add and its history. */
typedef struct koc__addition {
    koc_layer *layer;
    koc_descriptor *descriptor; /* the layer's, with the annotations that were given */
    char *created_by;
    char *comment;
    char *author;
    bool has_created;
    int64_t created;
} koc__addition;

struct koc_image_builder {
    koc_ctx *ctx;    /* or NULL */
    koc_image *base; /* NULL: scratch */
    bool finished;
    bool compat;
    int32_t format; /* KOC_FORMAT_* */
    koc__addition *additions;
    size_t n_additions;
    size_t capacity;
    koc__settings env; /* in the order of the calls */
    koc__settings
        labels; /* the next four are sorted by key, so that the order of calls does not matter */
    koc__settings annotations;
    koc__settings ports;
    koc__settings volumes;
    koc__settings members; /* of the config by JSON pointer, in the order of the calls */
    bool has_text[KOC_CFG_AUTHOR + 1];
    char *text[KOC_CFG_AUTHOR + 1]; /* NULL: remove */
    bool has_entrypoint;
    bool has_cmd;
    koc_strlist *entrypoint; /* NULL: remove */
    koc_strlist *cmd;
    bool has_created;
    int64_t created;
    koc_platform *platform;  /* or NULL */
    koc_descriptor *subject; /* or NULL */
};

/* --- image_patch.c: the base's documents with the changes applied --- */
bool koc__build_is_docker(const koc_image_builder *b);
/* diff_ids: one for each addition. */
int koc__build_config(const koc_image_builder *b, const koc_digest *diff_ids, koc__json **out,
                      koc_error **err);
/* layers: all of the image; config: its bytes. */
int koc__build_manifest(const koc_image_builder *b, koc_layer *const *layers, size_t n_layers,
                        koc_str config, koc__json **out, koc_error **err);
/* The member of that name, created if it is absent or null. KOC_EFORMAT: it is of another type. */
int koc__build_need(koc__jnode *object, const char *name, int type, koc__jnode **out,
                    koc_error **err);
int koc__build_annotate(koc__jnode *root, const koc__settings *annotations, koc_error **err);

/* --- config_pointer.c: members of the config by JSON pointer --- */
/* KOC_EINVAL: pointer is not one, names a member that the builder writes, or json is not JSON. */
int koc__build_check_member(const char *pointer, const char *json, koc_error **err);
int koc__build_put_members(koc__jnode *root, const koc__settings *members, koc_error **err);

/* --- image_compat.c: ko's byte form --- */
/* Each writes a whole document in the member order of Go's structs, without members that the structs do not
 * have. */
void koc__compat_write_config(koc__jw *w, const koc__jnode *root);
void koc__compat_write_manifest(koc__jw *w, const koc__jnode *root);
void koc__compat_write_index(koc__jw *w, const koc__jnode *root);

/* --- both builders (image_build.c) --- */
/* KOC_EMISUSE if an argument (its name in missing) is NULL, or the builder is finished. */
int koc__builder_check(const char *missing, bool finished, const char *function, koc_error **err);

/* --- settings (image_build.c) --- */
/* Inserts key in sorted order, or replaces its value. */
int koc__settings_put(koc__settings *s, const char *key, const char *value, koc_error **err);
void koc__settings_dispose(koc__settings *s);

#endif
