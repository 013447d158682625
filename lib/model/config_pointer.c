/* Sets members of a config by JSON pointer (RFC 6901). */
#include "core/common.h"

#include "core/str.h"
#include "model/image_builder.h"

/* The names of a pointer's first step and of the rest: "/a~1b/c" is "a/b" and "/c". */
typedef struct step {
    char *whole; /* "/a~1b" */
    char *name;  /* "a/b" */
    const char *rest;
} step;

static void step_dispose(step *s)
{
    koc__free(s->whole);
    koc__free(s->name);
}
KOC__DEFINE_AUTO_VAL(step, step_dispose);

static int cut_step(const char *pointer, step *out, koc_error **err)
{
    size_t len = 1 + strcspn(pointer + 1, "/");
    out->rest = pointer + len;
    out->whole = koc__str_dup(koc__str_n(pointer, len));
    out->name = koc__str_dup(koc__str_n(pointer + 1, len - 1));
    if (!out->whole || !out->name) {
        return koc__oom(err);
    }
    char *to = out->name;
    for (const char *from = out->name; *from; from++) {
        bool escaped = from[0] == '~' && (from[1] == '0' || from[1] == '1');
        *to++ = !escaped ? *from : from[1] == '0' ? '~' : '/';
        from += escaped;
    }
    *to = '\0';
    return KOC_OK;
}

static int refuse(const char *pointer, const char *why, koc_error **err)
{
    return koc__error(err, KOC_EINVAL, "the config's \"%.200s\": %s", pointer, why);
}

/* value NULL: removes the member. Takes value. */
static int put_last(koc__jnode *parent, const step *s, const char *pointer, koc__jnode *value,
                    koc_error **err)
{
    koc__jnode *old = koc__json_at(parent, s->whole);
    if (!value) {
        koc__json_remove(parent, old);
        return KOC_OK;
    }
    if (koc__json_is(parent, KOC__JSON_OBJECT)) {
        return koc__json_put(parent, s->name, value, err);
    }
    if (koc__json_is(parent, KOC__JSON_ARRAY) && (old || koc__streq(s->name, "-"))) {
        return old ? koc__json_replace(parent, old, value, err)
                   : koc__json_push(parent, value, err);
    }
    koc__json_node_free(value);
    return refuse(pointer, "there is no such member to set", err);
}

/* The member that the step names; one that is absent is made, unless it would be removed next. */
static int enter(koc__jnode *parent, const step *s, bool make, koc__jnode **out, koc_error **err)
{
    *out = koc__json_at(parent, s->whole);
    if (*out || !make || !koc__json_is(parent, KOC__JSON_OBJECT)) {
        return KOC_OK;
    }
    return koc__build_need(parent, s->name, KOC__JSON_OBJECT, out, err);
}

static int put_at(koc__jnode *root, const koc__setting *setting, koc_error **err)
{
    koc__jnode *parent = root;
    const char *rest = setting->key;
    KOC__AUTO(koc__json) doc = NULL;
    for (;;) {
        KOC__AUTO_VAL(step) s = {0};
        koc__jnode *value = NULL;
        KOC__TRY(cut_step(rest, &s, err));
        rest = s.rest;
        if (*rest) {
            KOC__TRY(enter(parent, &s, setting->value != NULL, &parent, err));
            if (parent) {
                continue;
            }
            return setting->value ? refuse(setting->key, "there is no such member to set", err)
                                  : KOC_OK;
        }
        if (setting->value) {
            KOC__TRY(koc__json_parse(koc__str(setting->value), KOC__CONFIG_MAX, setting->key, &doc,
                                     err));
            value = koc__json_make_copy(koc__json_root(doc));
            KOC__TRY(value ? KOC_OK : koc__oom(err));
        }
        return put_last(parent, &s, setting->key, value, err);
    }
}

int koc__build_put_members(koc__jnode *root, const koc__settings *members, koc_error **err)
{
    for (size_t i = 0; i < members->n; i++) {
        KOC__TRY(put_at(root, &members->items[i], err));
    }
    return KOC_OK;
}

/* Whether the builder writes it: these members must agree with the layers. */
static bool is_of_builder(const char *pointer)
{
    static const char *const own[] = {"/rootfs", "/history"};
    for (size_t i = 0; i < KOC__COUNT(own); i++) {
        size_t n = strlen(own[i]);
        if (strncmp(pointer, own[i], n) == 0 && (pointer[n] == '\0' || pointer[n] == '/')) {
            return true;
        }
    }
    return false;
}

int koc__build_check_member(const char *pointer, const char *json, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    if (pointer[0] != '/' || !pointer[1]) {
        return refuse(pointer, "not a JSON pointer such as /config/StopSignal", err);
    }
    if (is_of_builder(pointer)) {
        return refuse(pointer, "the builder writes it to fit the layers", err);
    }
    int rc = json ? koc__json_parse(koc__str(json), KOC__CONFIG_MAX, pointer, &doc, err) : KOC_OK;
    return rc == KOC_EFORMAT ? KOC_EINVAL : rc;
}
