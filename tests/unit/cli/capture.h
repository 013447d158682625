/* What a function writes to stdout or stderr. */
#ifndef KOC_TESTS_UNIT_CLI_CAPTURE_H
#define KOC_TESTS_UNIT_CLI_CAPTURE_H

/* From now on the descriptor (1 or 2) writes to a file; one capture at a time. */
void capture_begin(int fd);
/* Restores the descriptor. Returns what was written, valid until the next capture. */
const char *capture_end(void);

#endif
