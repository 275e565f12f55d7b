/*
 * url: the parts of an http:// or https:// URL, as a client needs them.
 *
 * OpenSSL parses the URL (OSSL_HTTP_parse_url). This module adds what HTTP/2 needs: the :scheme,
 * :authority and :path of a request (RFC 9113, section 8.3.1), and the host and port to connect to.
 */
#ifndef COMMON_URL_H
#define COMMON_URL_H

#include <stdbool.h>

struct url {
  char *scheme; /* "http" or "https" */
  char *host;   /* "localhost", "127.0.0.1", "::1" (without the brackets of the URL) */
  char *port;   /* "8000"; if the URL has none, "80" or "443" */

  /* Host and port as :authority has them: "localhost:8000", "[::1]:8000". It has no port if the
   * URL has none. */
  char *authority;

  char *path; /* path and query, unchanged: "/a?b=c"; "/" if the URL has none */
  bool tls;   /* whether the scheme is https */
};

/*
 * Split `text` into newly allocated parts. Refuse bytes outside printable ASCII, user names, other
 * schemes and invalid ports; drop a fragment (RFC 3986, section 3.5). Returns 0; or -1 and leaves
 * `*url` zeroed, so that url_free is still legal. */
int url_parse(struct url *url, const char *text);

/* Free the parts, and zero them. A zeroed url is allowed. */
void url_free(struct url *url);

#endif
