/*
 * date: the `date` field of a response (RFC 9110, section 6.6.1).
 */
#ifndef COMMON_DATE_H
#define COMMON_DATE_H

#include <time.h>

enum { DATE_SIZE = sizeof "Sun, 06 Nov 1994 08:49:37 GMT" };

/* The text of one second, kept for all responses of that second. A zeroed struct is fine to begin with. */
struct date {
  time_t second;
  char text[DATE_SIZE];
};

/* The time now, as HTTP writes it. Valid until the next call with the same `date`. */
const char *date_now(struct date *date);

#endif
