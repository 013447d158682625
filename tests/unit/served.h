/* koc's own registry in a thread of the test, over the layout "served" of the test's directory. One at a time. */
#ifndef KOC_TESTS_UNIT_SERVED_H
#define KOC_TESTS_UNIT_SERVED_H

#include <stdint.h>

/* flags: KOC_SERVE_*. Returns "127.0.0.1:PORT". */
const char *serve_begin(uint32_t flags);
void serve_end(void);

#endif
