/* Tests of date.h. */
#include "common/date.h"

#include <criterion/criterion.h>
#include <string.h>

Test(date, is_the_time_now_as_http_writes_it) {
  struct date date = {0};
  struct tm tm = {0};
  time_t before = time(NULL);
  const char *text = date_now(&date);
  const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
  cr_assert(end && *end == '\0', "%s", text);
  cr_assert(timegm(&tm) >= before && timegm(&tm) <= time(NULL), "%s", text);
  cr_assert_eq(strlen(text), DATE_SIZE - 1, "%s", text);
}

Test(date, is_made_once_a_second) {
  struct date date = {0};
  date_now(&date);
  time_t made = date.second;
  date.text[0] = 'X';
  date_now(&date);
  cr_assert(date.text[0] == 'X' || date.second != made, "a new text in the same second");
  date.second = 784111777; /* the example of RFC 9110, which is in the past */
  cr_assert_neq(date_now(&date)[0], 'X', "the old text in the next second");
}

Test(date, writes_other_times_than_now) {
  static const struct {
    time_t second;
    const char *text;
  } times[] = {
      {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110, section 5.6.7 */
      {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
      {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
      {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
  };
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    char text[DATE_SIZE];
    cr_assert_str_eq(date_write(text, times[i].second), times[i].text, "%s", text);
  }
}
