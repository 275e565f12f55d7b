/*
 * date: times as HTTP writes them (RFC 9110, section 5.6.7), and the `date` of a response (section
 * 6.6.1).
 */
#ifndef COMMON_DATE_H
#define COMMON_DATE_H

#include <time.h>

enum { DATE_SIZE = sizeof "Sun, 06 Nov 1994 08:49:37 GMT" };

/* The text of one second, for all responses of that second. Begin with a zeroed struct. */
struct date {
  time_t second;
  char text[DATE_SIZE];
};

/* Write `second` in HTTP's form: for last-modified, expires, or any date other than now. `second`
 * must be in the years 0 to 9999. Returns `text`. */
const char *date_write(char text[static DATE_SIZE], time_t second);

/* The current time in HTTP's form. Valid until the next call with the same `date`. */
const char *date_now(struct date *date);

#endif
