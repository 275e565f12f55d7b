/* url: we can put together again every URL that url_parse accepts, and it has nothing that a
 * header field cannot have. */
#include "common/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fuzz/fuzz.h"

static bool is_visible(const char *text) {
  for (; *text; text++)
    if (*text <= ' ' || *text > '~')
      return false;
  return true;
}

static bool is_same(const struct url *a, const struct url *b) {
  return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 &&
         strcmp(a->port, b->port) == 0 && strcmp(a->authority, b->authority) == 0 &&
         strcmp(a->path, b->path) == 0 && a->tls == b->tls;
}

/* The promises of url.h for every part. */
static void look_at_parts(const struct url *url) {
  fuzz_must(strcmp(url->scheme, url->tls ? "https" : "http") == 0, "the scheme is http or https");
  fuzz_must(*url->host && is_visible(url->host), "the host is there, and can be printed");
  fuzz_must(*url->authority && is_visible(url->authority), "so is the authority");
  fuzz_must(!strpbrk(url->authority, "/?#@"), "the authority is host and port alone");
  fuzz_must(url->path[0] == '/' && is_visible(url->path), "the path begins with a slash");
  fuzz_must(!strchr(url->path, '#'), "the path has no fragment");
  long port = strtol(url->port, NULL, 10);
  fuzz_must(port >= 1 && port <= 65535, "the port is one");
  fuzz_must(strspn(url->port, "0123456789") == strlen(url->port), "the port is a number");
}

static void parse_again(const struct url *url) {
  struct url again;
  char *text = NULL;
  int length = asprintf(&text, "%s://%s%s", url->scheme, url->authority, url->path);
  if (length <= 0 || url_parse(&again, text) != 0)
    fuzz_found("its parts are a URL");
  fuzz_must(is_same(url, &again), "the same one");
  url_free(&again);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  static const struct url zeroed;
  struct tape tape = {octets, length};
  struct url url;
  size_t fail = tape_octet(&tape);
  char *text = fuzz_text(tape.octets, tape.length);
  fuzz_fail(fail % 16, 0);
  fuzz_run(true);
  int result = url_parse(&url, text);
  fuzz_run(false);
  if (result == 0) {
    look_at_parts(&url);
    parse_again(&url);
    url_free(&url);
  }
  /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): memset zeroes the padding too */
  fuzz_must(memcmp(&url, &zeroed, sizeof url) == 0, "a freed or zeroed URL is zeroed");
  free(text);
  return 0;
}
