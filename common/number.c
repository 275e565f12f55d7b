/* number: see number.h. */
#include "common/number.h"

#include <errno.h>
#include <stdlib.h>

long number_parse(const char *text, long maximum) {
  char *end;
  if (*text < '0' || *text > '9') /* strtol would also take spaces and signs */
    return -1;
  errno = 0;
  long number = strtol(text, &end, 10);
  return errno != 0 || *end != '\0' || number > maximum ? -1 : number;
}
