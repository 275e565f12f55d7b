/*
 * date: times as HTTP writes them (RFC 9110, section 5.6.7), and the `date` of a response (section
 * 6.6.1).
 */
#ifndef COMMON_DATE_H
#define COMMON_DATE_H

#include <time.h>

enum { DATE_SIZE = sizeof "Sun, 06 Nov 1994 08:49:37 GMT" };

/* The text of one second, kept for all responses of that second. A zeroed struct is fine to begin
 * with. */
struct date {
  time_t second;
  char text[DATE_SIZE];
};

/* Write `second` as HTTP does: for last-modified, expires, or another date than now. It is a time
 * from the year 0 to 9999; returns `text`. */
const char *date_write(char text[static DATE_SIZE], time_t second);

/* The time now, as HTTP writes it. Valid until the next call with the same `date`. */
const char *date_now(struct date *date);

#endif
