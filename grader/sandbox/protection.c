/* protection: see protection.h. */
#include "grader/sandbox/protection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

bool protection_is_off(const char *layer) {
  const char *without = getenv(PROTECTION_WITHOUT);
  return without != NULL && strstr(without, layer) != NULL;
}

int protection_hide(void) {
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
