/* One more way to let allocations fail than alloc.h has. For tests only. */
#ifndef KOC__ALLOC_FAULTS_H
#define KOC__ALLOC_FAULTS_H

#include <stdint.h>

/* The n-th allocation from now (1 = the next) fails, and no other. koc__alloc_fail_after(0) ends it. */
void koc__alloc_fail_only(uint64_t n);

#endif
