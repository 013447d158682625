/* The walk from an index to its images, for builds and for the commands on images. */
#ifndef KOC__MODEL_WALK_H
#define KOC__MODEL_WALK_H

#include "core/map.h"
#include "core/run/call.h"
#include "model/model.h"

/*
 * An index may hold indexes, attestations, charts, modules and whatever comes next. Whether an entry is an
 * image is decided by its content, not by the entry: others are skipped. At each level the images come first,
 * then the indexes below, each of them once.
 */
typedef struct koc__walk {
    void *self;
    int (*index)(void *self, const koc_descriptor *d, koc__call *call, koc_index **out,
                 koc_error **err);
    /* KOC_EUNSUPPORTED: it is not an image. */
    int (*image)(void *self, const koc_descriptor *d, koc__call *call, koc_image **out,
                 koc_error **err);
    bool (*wanted)(void *self, const koc_platform *p);
    /* Called for a wanted image; p is the platform of the entry, else that of the image. *over: no more are
     * needed. */
    int (*found)(void *self, const koc_descriptor *d, const koc_platform *p, koc_image *img,
                 bool *over, koc_error **err);
    koc__call *call;

    const koc_platform *want; /* of koc__walk_first */
    koc_image *first;
    unsigned depth;     /* of the current index: 0 for the first */
    unsigned looks;     /* documents that were opened because their entry had no platform */
    koc__map *seen;     /* digests of indexes */
    koc__dynbuf others; /* "linux/arm64, application/vnd.cncf.helm.config.v1+json": for errors */
    bool over;
} koc__walk;
#define KOC__WALK_TEXT_MAX ((size_t)4096)

/* KOC_ELIMIT: nested too deep, or too many documents to open. */
int koc__walk_run(koc__walk *w, const koc_index *top, koc_error **err);
/* The first image for want, in top or below it; *out NULL: there is none. wanted and found are not used. */
int koc__walk_first(koc__walk *w, const koc_index *top, const koc_platform *want, koc_image **out,
                    koc_error **err);
/* The entries that were skipped, for the error that no image was found. */
const char *koc__walk_others(const koc__walk *w);
void koc__walk_dispose(koc__walk *w);
KOC__DEFINE_AUTO_VAL(koc__walk, koc__walk_dispose);

#endif
