/*
 * The 64 rounds of a block for kernels whose vectors hold four words. The kernel defines ROUNDS(t, words), rounds
 * t to t + 3 with four words of the schedule, and SCHEDULE(w0, w1, w2, w3), which replaces w0 by the four words
 * after w3.
 */
#ifndef KOC__SHA256_ROUNDS_H
#define KOC__SHA256_ROUNDS_H

#define KOC__SHA256_ROUNDS(w0, w1, w2, w3)                                                         \
    do {                                                                                           \
        ROUNDS(0, w0);                                                                             \
        ROUNDS(4, w1);                                                                             \
        ROUNDS(8, w2);                                                                             \
        ROUNDS(12, w3);                                                                            \
        for (unsigned t = 16; t < 64; t += 16) {                                                   \
            SCHEDULE(w0, w1, w2, w3);                                                              \
            ROUNDS(t, w0);                                                                         \
            SCHEDULE(w1, w2, w3, w0);                                                              \
            ROUNDS(t + 4, w1);                                                                     \
            SCHEDULE(w2, w3, w0, w1);                                                              \
            ROUNDS(t + 8, w2);                                                                     \
            SCHEDULE(w3, w0, w1, w2);                                                              \
            ROUNDS(t + 12, w3);                                                                    \
        }                                                                                          \
    } while (0)

#endif
