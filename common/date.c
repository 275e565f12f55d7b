/* date: see date.h. */
#include "common/date.h"

#include <string.h>

/* RFC 9110, section 5.6.7: names are always English, so do not use strftime, which depends on the
 * locale. */
const char *date_write(char text[static DATE_SIZE], time_t second) {
  static const char days[] = "SunMonTueWedThuFriSat";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  struct tm tm = {0};
  gmtime_r(&second, &tm);
  strftime(text, DATE_SIZE, "ddd, %d mmm %Y %H:%M:%S GMT", &tm);
  memcpy(text, days + 3 * tm.tm_wday, 3);
  memcpy(text + 8, months + 3 * tm.tm_mon, 3);
  return text;
}

const char *date_now(struct date *date) {
  time_t now = time(NULL);
  if (now != date->second || !*date->text) {
    date_write(date->text, now);
    date->second = now;
  }
  return date->text;
}
