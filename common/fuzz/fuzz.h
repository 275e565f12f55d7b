/*
 * fuzz: shared by the targets of this folder. A target is a function that libFuzzer calls with
 * bytes that nobody has thought of, a few thousand times a second; README.md says how to run them.
 *
 * The bytes are a tape: the next byte makes each decision of the target. So libFuzzer, which
 * changes bytes and looks at the code that they reach, makes the decisions.
 */
#ifndef COMMON_FUZZ_FUZZ_H
#define COMMON_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer calls this function; each target defines it. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length);

/* --- The tape --------------------------------------------------------------------------------- */

struct tape {
  const uint8_t *octets; /* the bytes that are left */
  size_t length;
};

/* The next byte; 0 when the tape has ended. */
uint8_t tape_octet(struct tape *tape);

/* The next `*length` bytes. There may be fewer: then `*length` says how many. */
const uint8_t *tape_octets(struct tape *tape, size_t *length);

/* --- What must hold --------------------------------------------------------------------------- */

/* Say that `what` does not hold, and abort: a finding. */
_Noreturn void fuzz_found(const char *what);

/* Report a finding unless `holds`. */
void fuzz_must(bool holds, const char *what);

/* A copy of exactly `length` bytes, so that AddressSanitizer sees reads beyond them; free it
 * with free(). Never fails. */
uint8_t *fuzz_copy(const uint8_t *octets, size_t length);

/* The same as a text, with a NUL at its end. */
char *fuzz_text(const uint8_t *octets, size_t length);

/* --- Memory ----------------------------------------------------------------------------------- */

/* Let the n-th allocation of the program under test fail, and `more` after it; if n is 0, none. */
void fuzz_fail(size_t n, size_t more);

/* From now on the program under test runs, or the target, whose allocations never fail. */
void fuzz_run(bool program);

/* Whether an allocation has failed since fuzz_fail. */
bool fuzz_failed(void);

/* From now on measure how much more memory is in use. */
void fuzz_measure(void);

/* The largest measure since then. */
size_t fuzz_peak(void);

#endif
