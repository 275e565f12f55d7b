/* trace_style: how a ladder can be printed here. See trace_print.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/trace_print.h"

enum { DEFAULT_WIDTH = 80, SMALLEST_WIDTH = 20, LARGEST_WIDTH = 1000 };

static bool is_set(const char *text) {
  return text && text[0] != '\0';
}

static bool locale_is_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *value = getenv(names[i]);
    if (is_set(value))
      return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
  }
  return false;
}

static bool has_color(FILE *out) {
  const char *terminal = getenv("TERM");
  return isatty(fileno(out)) && !is_set(getenv("NO_COLOR")) && is_set(terminal) &&
         strcmp(terminal, "dumb") != 0;
}

static long columns_of(FILE *out) {
  struct winsize size;
  if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char *columns = getenv("COLUMNS");
  long width = is_set(columns) ? strtol(columns, NULL, 10) : 0;
  return width > 0 ? width : DEFAULT_WIDTH;
}

struct trace_style trace_style_for(FILE *out) {
  long width = columns_of(out);
  if (width < SMALLEST_WIDTH)
    width = SMALLEST_WIDTH;
  if (width > LARGEST_WIDTH)
    width = LARGEST_WIDTH;
  return (struct trace_style){
      .color = has_color(out), .unicode = locale_is_utf8(), .width = (int)width};
}
