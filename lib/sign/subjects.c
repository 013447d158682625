#include "core/common.h"

#include "sign/sign.h"

#include "core/str.h"

void koc__subjects_dispose(koc__subjects *s)
{
    for (size_t i = 0; i < s->count; i++) {
        koc__descriptor_free(s->list[i].descriptor);
        koc__free(s->list[i].platform);
    }
    koc__free(s->list);
    *s = (koc__subjects){0};
}

static int add(koc__subjects *s, const koc_descriptor *d, koc_error **err)
{
    void *list = s->list;
    if (!koc__grow(&list, &s->capacity, s->count + 1, sizeof(*s->list))) {
        return koc__oom(err);
    }
    s->list = list;
    koc__subject *one = &s->list[s->count++];
    *one = (koc__subject){koc__descriptor_dup(d), NULL, koc__mt_is_index(d->media_type)};
    one->platform = d->platform ? koc__platform_str(d->platform) : NULL;
    return one->descriptor && (one->platform || !d->platform) ? KOC_OK : koc__oom(err);
}

int koc__subjects_read(koc_source *src, koc__subjects *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__subjects) s = {0};
    KOC__AUTO(koc_index) idx = NULL;
    KOC__TRY(add(&s, koc_source_descriptor(src), err));
    if (s.list[0].is_index) {
        KOC__TRY(koc_index_from_bytes(NULL, koc_source_manifest(src), &idx, err));
    }
    for (size_t i = 0; idx && i < koc_index_count(idx); i++) {
        const koc_descriptor *d = koc_index_get(idx, i);
        if (!d->platform || !koc__platform_is_unknown(d->platform)) {
            KOC__TRY(add(&s, d, err));
        }
    }
    *out = s;
    s = (koc__subjects){0};
    return KOC_OK;
}
