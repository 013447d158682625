/* The durations of a call's parts, as text. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/text.h"

#define TEXT_MAX ((size_t)16 << 20)

int64_t koc__lap(int64_t *since)
{
    int64_t now = koc__monotonic_ns();
    int64_t took = now - *since;
    *since = now;
    return took;
}

static int line(koc__dynbuf *out, const char *what, int64_t ns, koc_error **err)
{
    return koc__dynbuf_printf(out, err, "%-12s %9.1f ms\n", what, (double)ns / 1e6);
}

static int work_lines(koc__dynbuf *out, const koc__work *w, koc_error **err)
{
    bool asked = false, linked = false;
    for (size_t i = 0; i < w->n_units; i++) {
        asked = asked || !w->units[i].binary->go_skipped;
        linked = linked || !w->units[i].unchanged;
    }
    const char *how = linked ? "linked" : asked ? "go had nothing to do" : "no input changed";
    return koc__dynbuf_printf(
        out, err, "  %s: go %lld ms (%s), layers %lld ms, SBOM and push %lld ms\n", w->app,
        (long long)w->build_ms, how, (long long)w->layers_ms, (long long)w->push_ms);
}

int koc__timings_text(const koc__plan *p, const koc__work *works, size_t n, koc_buf *out,
                      koc_error **err)
{
    const koc__timings *t = &p->times;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(TEXT_MAX);
    KOC__TRY(line(&text, "settings", t->settings, err));
    KOC__TRY(line(&text, "packages", t->packages, err));
    KOC__TRY(line(&text, "bases", t->bases, err));
    KOC__TRY(line(&text, "build", t->build, err));
    KOC__TRY(line(&text, "images", t->images, err));
    KOC__TRY(line(&text, "all", t->total, err));
    for (size_t i = 0; i < n; i++) {
        KOC__TRY(work_lines(&text, &works[i], err));
    }
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}
