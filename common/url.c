/* url: see url.h. */
#include "common/url.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the authority begins, or NULL if this is not an http or https URL. OpenSSL would accept
 * text without a scheme, and spaces and control characters; refuse them here, because the parts
 * become header fields. */
static const char *find_authority(const char *text) {
  for (const char *c = text; *c; c++)
    if (*c <= ' ' || *c > '~')
      return NULL;
  if (strncmp(text, "http://", 7) == 0)
    return text + 7;
  if (strncmp(text, "https://", 8) == 0)
    return text + 8;
  return NULL;
}

/* OpenSSL takes port 0 for no port, and uses only the last 32 bits of a port that is too long. */
static bool is_port(const char *origin, const char *port, int number) {
  const char *end = origin + strlen(origin);
  return number > 0 && strtol(port, NULL, 10) == number && strcmp(end - 2, ":0") != 0;
}

/* Fill in host, port and tls from "http://localhost:8000", by OpenSSL. */
static int parse_origin(struct url *url, const char *origin) {
  char *host = NULL;
  char *port = NULL;
  int tls = 0;
  int number = 0;
  int result = -1;
  if (!OSSL_HTTP_parse_url(origin, &tls, NULL, &host, &port, &number, NULL, NULL, NULL)) {
    ERR_clear_error(); /* it says only that the URL is wrong */
    return -1;
  }
  size_t length = strlen(host);
  bool bracketed = length >= 2 && host[0] == '[' && host[length - 1] == ']';
  if (length == (bracketed ? 2 : 0) || !is_port(origin, port, number))
    goto done;
  url->tls = tls != 0;
  url->host = bracketed ? strndup(host + 1, length - 2) : strdup(host);
  url->port = strdup(port);
  if (url->host && url->port)
    result = 0;
done:
  OPENSSL_free(host);
  OPENSSL_free(port);
  return result;
}

/* The path and query from `rest`, the text after the authority. RFC 9113, section 8.3.1: never
 * empty. */
static char *copy_path(const char *rest) {
  size_t length = strcspn(rest, "#");
  char *path = malloc(length + sizeof "/");
  if (path)
    snprintf(path, length + sizeof "/", "%s%.*s", rest[0] == '/' ? "" : "/", (int)length, rest);
  return path;
}

int url_parse(struct url *url, const char *text) {
  memset(url, 0, sizeof *url);
  const char *authority = find_authority(text);
  if (!authority)
    return -1;
  /* OpenSSL 3.0 takes a colon in the path for the one before a port, so cut off the path for it. */
  size_t length = strcspn(authority, "/?#");
  url->scheme = strndup(text, (size_t)(authority - text) - strlen("://"));
  url->authority = strndup(authority, length);
  url->path = copy_path(authority + length);
  char *origin = strndup(text, (size_t)(authority - text) + length);
  int result = -1;
  if (url->scheme && url->authority && url->path && origin && !strchr(url->authority, '@'))
    result = parse_origin(url, origin);
  free(origin);
  if (result != 0)
    url_free(url);
  return result;
}

void url_free(struct url *url) {
  free(url->scheme);
  free(url->host);
  free(url->port);
  free(url->authority);
  free(url->path);
  memset(url, 0, sizeof *url);
}
