/* page: see page.h. page_data.c collects the data. */
#include "grader/page/page.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/page/page_data.h"

/* --- The template ----------------------------------------------------------------------------- */

/* The program contains the files of grader/page/, so that it runs anywhere. Each ends in NUL. */
#define INCLUDE_FILE(name, path)                                                                   \
  __asm__(".pushsection .rodata\n"                                                                 \
          ".global page_file_" #name "\n"                                                          \
          "page_file_" #name ":\n"                                                                 \
          ".incbin \"" path "\"\n"                                                                 \
          ".byte 0\n"                                                                              \
          ".popsection\n");                                                                        \
  extern const char page_file_##name[];

INCLUDE_FILE(html, "grader/page/page.html")
INCLUDE_FILE(css, "grader/page/page.css")
INCLUDE_FILE(frame, "grader/page/frame.js")
INCLUDE_FILE(lanes, "grader/page/lanes.js")
INCLUDE_FILE(ladder, "grader/page/ladder.js")
INCLUDE_FILE(page, "grader/page/page.js")

/* The marks in the template where the data goes. */
static const char css_mark[] = "@css@";
static const char digest_mark[] = "@digest@";
static const char data_mark[] = "@data@";
static const char script_mark[] = "@script@";

/* --- Writing ---------------------------------------------------------------------------------- */

/* Escape "<": it begins everything that could end a script element, and JSON has it only in
 * strings. */
static int write_escaped(const char *text, size_t length, void *user) {
  FILE *out = user;
  for (size_t i = 0; i < length;) {
    size_t plain = 0;
    while (i + plain < length && text[i + plain] != '<')
      plain++;
    if (fwrite(text + i, 1, plain, out) != plain)
      return -1;
    i += plain;
    if (i < length && fputs("\\u003c", out) == EOF)
      return -1;
    i += i < length;
  }
  return 0;
}

/* The name of a script in a Content-Security-Policy: "sha256-" and the digest in base64. Returns 0
 * or -1. */
static int write_digest(FILE *out, const char *script) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned char text[2 * EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(script, strlen(script), digest, &length, EVP_sha256(), NULL) != 1)
    return -1;
  EVP_EncodeBlock(text, digest, (int)length);
  return fprintf(out, "sha256-%s", (const char *)text) < 0 ? -1 : 0;
}

/* Write the next piece of the template, up to `mark`, which must exist. Returns the text after the
 * mark, or NULL. */
static const char *write_up_to(FILE *out, const char *template, const char *mark) {
  const char *end = template ? strstr(template, mark) : NULL;
  if (!end)
    return NULL;
  fwrite(template, 1, (size_t)(end - template), out);
  return end + strlen(mark);
}

/* The caller checks for write failures, at the end. */
static int write_page(FILE *out, const char *script, const json_t *data) {
  const char *rest = write_up_to(out, page_file_html, digest_mark);
  if (!rest || write_digest(out, script) != 0)
    return -1;
  rest = write_up_to(out, rest, css_mark);
  fputs(page_file_css, out);
  rest = write_up_to(out, rest, data_mark);
  if (json_dump_callback(data, write_escaped, out, JSON_COMPACT | JSON_REAL_PRECISION(12)) != 0)
    return -1;
  rest = write_up_to(out, rest, script_mark);
  fputs(script, out);
  return rest && fputs(rest, out) >= 0 ? 0 : -1;
}

/* Write a file beside `path` first, so that a browser never finds half a page. */
static int write_file(const char *path, const json_t *data) {
  char beside[PATH_MAX];
  char *script = NULL;
  if (!data || snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside ||
      asprintf(&script, "%s%s%s%s", page_file_frame, page_file_lanes, page_file_ladder,
               page_file_page) < 0) {
    errno = data && script ? ENAMETOOLONG : ENOMEM;
    return -1;
  }
  FILE *out = fopen(beside, "w");
  int result = -1;
  if (out) {
    result = write_page(out, script, data);
    result = ferror(out) ? -1 : result;
    result = fclose(out) == 0 ? result : -1;
    result = result == 0 ? rename(beside, path) : -1;
    if (result != 0)
      unlink(beside);
  }
  free(script);
  return result;
}

int page_write_report(const char *path, const struct run *run, const struct outcome_list *list) {
  json_t *data = page_data_report(run, list);
  int result = write_file(path, data);
  json_decref(data);
  return result;
}

int page_write_trace(const char *path, const char *title, const json_t *frames) {
  json_t *data = page_data_trace(title, frames);
  int result = write_file(path, data);
  json_decref(data);
  return result;
}
