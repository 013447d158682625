/* A public function returned a code that docs/api/codes.txt does not list: the run fails. */
#ifndef KOC_TESTS_SEEN_CODES_H
#define KOC_TESTS_SEEN_CODES_H

void koc_test_unlisted(const char *function, int code);

#endif
