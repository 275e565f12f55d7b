/*
 * probe: let the grader look into a program of the labs, and make one call in it fail.
 *
 * From outside, the grader cannot see to the byte what a program keeps in memory, and cannot make
 * memory run out at a given line. Nothing says which callback has failed: nghttp2 only ends the
 * session. So the programs of the labs are linked with probe.c, which does nothing unless
 * PROBE_FILE is in the environment. Then it keeps a struct probe in that file, which others can map
 * or read at any time. With PROBE_FAIL=NAME, the first call of the function NAME (probe.c has the
 * list) fails as its documentation says; of nghttp2_session_mem_send, every later one too.
 */
#ifndef COMMON_PROBE_H
#define COMMON_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_FILE "LAB_PROBE_FILE"
#define PROBE_FAIL "LAB_PROBE_FAIL"

struct probe {
  int64_t blocks; /* allocated and not freed, by malloc and everything built on it ... */
  int64_t bytes;  /* ... and how many bytes they are; both are 0 without AddressSanitizer */
  int64_t failed; /* calls that were made to fail: 0 or 1 */

  /* What the first failed callback returned to nghttp2; 0 if none has failed. `place` is the
   * student's function and where it is: "on_header lab02-requests/requests.c:153". */
  int64_t returned;
  char place[256];
};

/* Whether this call of that function must fail. Inside the programs only. */
bool probe_fails(const char *name);

#endif
