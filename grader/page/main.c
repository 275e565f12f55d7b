/*
 * trace-page: draw a trace that H2_TRACE=FILE.json recorded as a page.
 *
 *   trace-page FILE.json PAGE.html
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grader/page/page.h"

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: trace-page FILE.json PAGE.html\n");
    return 2;
  }
  json_error_t error;
  FILE *file = fopen(argv[1], "r");
  if (!file) {
    fprintf(stderr, "trace-page: %s: %s\n", argv[1], strerror(errno));
    return 1;
  }
  json_t *frames = json_loadf(file, 0, &error);
  fclose(file);
  if (!json_is_array(frames)) {
    fprintf(stderr, "trace-page: %s: %s\n", argv[1],
            frames ? "not a trace: it is not an array of frames" : error.text);
    json_decref(frames);
    return 1;
  }
  const char *slash = strrchr(argv[1], '/');
  int result = page_write_trace(argv[2], slash ? slash + 1 : argv[1], frames);
  if (result != 0)
    fprintf(stderr, "trace-page: %s: %s\n", argv[2], strerror(errno));
  json_decref(frames);
  return result == 0 ? 0 : 1;
}
