/*
 * fuzz: what the targets of this folder share. A target is a function that libFuzzer calls with
 * octets that nobody has thought of, a few thousand times a second; README.md says how to run them.
 *
 * The octets are a tape: whatever a target has to decide, it decides by the next octet of it, so
 * that libFuzzer, which changes octets and looks at which code was reached, decides it in the end.
 */
#ifndef COMMON_FUZZ_FUZZ_H
#define COMMON_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls; each target defines it. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length);

/* --- The tape --------------------------------------------------------------------------------- */

struct tape {
  const uint8_t *octets; /* those that are left */
  size_t length;
};

/* The next octet; 0 when the tape has ended. */
uint8_t tape_octet(struct tape *tape);

/* The next `*length` octets. There may be fewer: then `*length` says how many. */
const uint8_t *tape_octets(struct tape *tape, size_t *length);

/* --- What must hold --------------------------------------------------------------------------- */

/* Say that `what` does not hold, and abort: a finding. */
_Noreturn void fuzz_found(const char *what);

/* Unless it holds, that is a finding. */
void fuzz_must(bool holds, const char *what);

/* A copy of exactly `length` octets, so that AddressSanitizer sees who reads on; to be freed
 * with free(). Never fails. */
uint8_t *fuzz_copy(const uint8_t *octets, size_t length);

/* The same as a text, with a NUL behind them. */
char *fuzz_text(const uint8_t *octets, size_t length);

/* --- Memory ----------------------------------------------------------------------------------- */

/* Let the n-th allocation of those that are made while the program under test runs fail, and
 * `more` after it. n is 0: let none fail. */
void fuzz_fail(size_t n, size_t more);

/* The program under test runs from now on, or it is the target's turn, whose allocations never
 * fail. */
void fuzz_run(bool program);

/* Whether one has failed since fuzz_fail. */
bool fuzz_failed(void);

/* From now on measure how much memory is allocated in addition. */
void fuzz_measure(void);

/* The most that it was since then. */
size_t fuzz_peak(void);

#endif
