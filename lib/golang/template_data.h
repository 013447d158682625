/* The data of the templates in flags: .Env .GoEnv .Git .Date .Timestamp (docs/ko.md, templates). */
#ifndef KOC__GOLANG_TEMPLATE_DATA_H
#define KOC__GOLANG_TEMPLATE_DATA_H

#include "golang/go_env.h"
#include "template/template.h"

/* All borrowed. koc__go_template_data_begin fills it in; it must not move afterwards. */
typedef struct koc__template_data {
    koc__call *call;
    koc__go_env *go_env;
    const koc_strlist *env; /* NAME=value, no name twice */
    const char *dir;        /* for git; NULL: the working directory */
    koc__tmap root, env_map, go_env_map, git_map;
    char date[32], commit_date[32];
} koc__template_data;

void koc__go_template_data_begin(koc__template_data *d, koc__go_env *go_env, const koc_strlist *env,
                                 const char *dir, koc__call *call);

#endif
