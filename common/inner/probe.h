/*
 * probe: how the grader looks into a program of the labs, and has one call in it fail.
 *
 * What a program keeps in memory cannot be seen from outside to the byte, and memory that runs out
 * cannot be made to run out at a given line. Which callback has failed nobody says: nghttp2 only
 * ends the session. So the programs of the labs are linked with probe.c, which does nothing unless
 * PROBE_FILE is in the environment. Then it keeps a struct probe in that file: whoever maps or
 * reads the file sees it at any time. With PROBE_FAIL=NAME, the first call of the function NAME
 * (probe.c has the list) fails as its documentation says.
 */
#ifndef COMMON_PROBE_H
#define COMMON_PROBE_H

#include <stddef.h>
#include <stdint.h>

#define PROBE_FILE "LAB_PROBE_FILE"
#define PROBE_FAIL "LAB_PROBE_FAIL"

struct probe {
  int64_t blocks; /* allocated and not freed, by malloc and all that is built on it ... */
  int64_t bytes;  /* ... and how many bytes they are; both are 0 without AddressSanitizer */
  int64_t failed; /* calls that were made to fail: 0 or 1 */

  /* The first callback that told nghttp2 that it has failed, and by what value; 0 if
   * none did. `place` is the student's function and where it is: "on_header
   * lab02-requests/requests.c:153". */
  int64_t returned;
  char place[256];
};

#endif
