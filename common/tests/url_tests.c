/* The parts of a URL, and texts that are not URLs. */
#include "common/url.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tests/failing.h"

TestSuite(url, .timeout = 30);

static void expect_parts(const char *text, const struct url *url, const struct url *expected) {
  cr_assert_str_eq(url->scheme, expected->scheme, "%s: scheme '%s'", text, url->scheme);
  cr_assert_str_eq(url->host, expected->host, "%s: host '%s'", text, url->host);
  cr_assert_str_eq(url->port, expected->port, "%s: port '%s'", text, url->port);
  cr_assert_str_eq(url->authority, expected->authority, "%s: authority '%s'", text, url->authority);
  cr_assert_str_eq(url->path, expected->path, "%s: path '%s'", text, url->path);
  cr_assert_eq(url->tls, expected->tls, "%s: TLS %d", text, url->tls);
}

static void expect(const char *text, const struct url *expected) {
  struct url url;
  cr_assert_eq(url_parse(&url, text), 0, "refused: %s", text);
  expect_parts(text, &url, expected);
  url_free(&url);
}

static void expect_zeroed(const struct url *url, const char *text) {
  cr_assert(!url->scheme && !url->host && !url->port && !url->authority && !url->path && !url->tls,
            "not zeroed: %s", text);
}

static void expect_refused(const char *text) {
  struct url url;
  memset(&url, 0xa5, sizeof url);
  cr_assert_eq(url_parse(&url, text), -1, "taken: '%s', port %s", text, url.port);
  expect_zeroed(&url, text);
  url_free(&url);
  cr_assert_eq(ERR_peek_error(), 0, "'%s' leaves an error in OpenSSL's queue", text);
}

/* --- Accepted URLs ---------------------------------------------------------------------------- */

Test(url, whole) {
  expect("http://localhost:8000/a?b=c",
         &(struct url){"http", "localhost", "8000", "localhost:8000", "/a?b=c", false});
  expect("https://example.com:8443/a/b/?c=d&e",
         &(struct url){"https", "example.com", "8443", "example.com:8443", "/a/b/?c=d&e", true});
}

Test(url, default_ports) {
  expect("http://localhost/", &(struct url){"http", "localhost", "80", "localhost", "/", false});
  expect("https://localhost/", &(struct url){"https", "localhost", "443", "localhost", "/", true});
  /* A default port that the URL names stays in :authority. */
  expect("http://localhost:80/",
         &(struct url){"http", "localhost", "80", "localhost:80", "/", false});
  expect("https://localhost:443/",
         &(struct url){"https", "localhost", "443", "localhost:443", "/", true});
  expect("https://localhost:80/",
         &(struct url){"https", "localhost", "80", "localhost:80", "/", true});
}

Test(url, ports) {
  expect("http://h:1", &(struct url){"http", "h", "1", "h:1", "/", false});
  expect("http://h:65535", &(struct url){"http", "h", "65535", "h:65535", "/", false});
}

Test(url, without_path) {
  expect("http://h", &(struct url){"http", "h", "80", "h", "/", false});
  expect("http://h:8000", &(struct url){"http", "h", "8000", "h:8000", "/", false});
  expect("http://h?q", &(struct url){"http", "h", "80", "h", "/?q", false});
  expect("http://h:8000?q=1", &(struct url){"http", "h", "8000", "h:8000", "/?q=1", false});
}

Test(url, fragment_is_dropped) {
  expect("http://h#f", &(struct url){"http", "h", "80", "h", "/", false});
  expect("http://h/#", &(struct url){"http", "h", "80", "h", "/", false});
  expect("http://h:8000#f", &(struct url){"http", "h", "8000", "h:8000", "/", false});
  expect("http://h/a?b#c?d/e#f", &(struct url){"http", "h", "80", "h", "/a?b", false});
  expect("http://h?q#f", &(struct url){"http", "h", "80", "h", "/?q", false});
}

/* The special characters of the authority are ordinary ones after it. */
Test(url, path_as_it_came) {
  expect("http://h/a:b", &(struct url){"http", "h", "80", "h", "/a:b", false});
  expect("http://h/a:99999/", &(struct url){"http", "h", "80", "h", "/a:99999/", false});
  expect("http://h/a@b", &(struct url){"http", "h", "80", "h", "/a@b", false});
  expect("http://h?a@b:c", &(struct url){"http", "h", "80", "h", "/?a@b:c", false});
  expect("http://h/[x]", &(struct url){"http", "h", "80", "h", "/[x]", false});
  expect("http://h/http://i:1/", &(struct url){"http", "h", "80", "h", "/http://i:1/", false});
  expect("http://h//a/../b", &(struct url){"http", "h", "80", "h", "//a/../b", false});
  expect("http://h/%20%e4?%00", &(struct url){"http", "h", "80", "h", "/%20%e4?%00", false});
  expect("http://h/?", &(struct url){"http", "h", "80", "h", "/?", false});
}

Test(url, addresses) {
  expect("http://127.0.0.1:8000/",
         &(struct url){"http", "127.0.0.1", "8000", "127.0.0.1:8000", "/", false});
  expect("http://[::1]:8000/a", &(struct url){"http", "::1", "8000", "[::1]:8000", "/a", false});
  expect("https://[2001:db8::1]",
         &(struct url){"https", "2001:db8::1", "443", "[2001:db8::1]", "/", true});
  expect("http://[::1]?q", &(struct url){"http", "::1", "80", "[::1]", "/?q", false});
}

Test(url, very_long) {
  enum { LENGTH = 1000000 };
  char *text = malloc(LENGTH + 1);
  cr_assert_not_null(text, "no memory");
  memset(text, 'x', LENGTH);
  text[LENGTH] = '\0';
  memcpy(text, "http://h/", strlen("http://h/"));
  expect(text, &(struct url){"http", "h", "80", "h", text + strlen("http://h"), false});

  memset(text, 'x', LENGTH);
  memcpy(text, "http://", strlen("http://"));
  const char *host = text + strlen("http://");
  expect(text, &(struct url){"http", (char *)host, "80", (char *)host, "/", false});
  free(text);
}

/* --- Refused texts ---------------------------------------------------------------------------- */

Test(url, schemes_refused) {
  static const char *const texts[] = {
      "",        "/",        "h",       "h:80",  "//h/", "http",      "http:",      "http:/",
      "http:/h", "ftp://h/", "ws://h/", "://h/", "://",  "httpx://h", "xhttp://h/", " http://h/"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    expect_refused(texts[i]);
}

Test(url, users_refused) {
  expect_refused("http://user@h/");
  expect_refused("http://user:password@h:80/");
  expect_refused("http://@h/");
  expect_refused("https://h@/");
}

Test(url, hosts_refused) {
  static const char *const texts[] = {
      "http://",     "http:///",      "http:///path", "http://?q",     "http://#f",
      "http://:80",  "https://:80/",  "http://[]/",   "http://[]:1",   "http://[",
      "http://[::1", "http://[::1/]", "http://::1/",  "http://[::1]x/"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    expect_refused(texts[i]);
}

Test(url, ports_refused) {
  static const char *const ports[] = {"0",
                                      "00",
                                      "65536",
                                      "99999",
                                      "4294967376",           /* 2^32 + 80 */
                                      "18446744073709551696", /* 2^64 + 80 */
                                      "",
                                      "x",
                                      "80x",
                                      "x80",
                                      "-1",
                                      "+80",
                                      "-0",
                                      "0x50",
                                      "8 0",
                                      "80:80",
                                      ":80",
                                      "8.0",
                                      "http",
                                      "-4294967216" /* 80 - 2^32 */};
  for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
    char text[64];
    snprintf(text, sizeof text, "http://h:%s", ports[i]);
    expect_refused(text);
    snprintf(text, sizeof text, "https://[::1]:%s/path", ports[i]);
    expect_refused(text);
  }
}

/* Refuse them in any place: they would become part of header fields. */
Test(url, other_octets_refused) {
  for (int octet = 1; octet < 256; octet++) {
    if (octet > ' ' && octet <= '~')
      continue;
    static const char *const places[] = {"http%c://h/",   "http://%ch/", "http://h%c/",
                                         "http://h:8%c/", "http://h/%c", "http://h/a%cb?c",
                                         "http://h/?%c",  "http://h/#%c"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
      char text[32];
      snprintf(text, sizeof text, places[i], octet);
      expect_refused(text);
    }
  }
}

/* --- The rest --------------------------------------------------------------------------------- */

Test(url, free) {
  struct url url = {0};
  url_free(&url);
  cr_assert_eq(url_parse(&url, "https://h:1/p"), 0, "refused");
  url_free(&url);
  expect_zeroed(&url, "after url_free");
  url_free(&url);
}

/* The parts outlive the text. */
Test(url, parts_are_copies) {
  char text[] = "http://host:8000/path";
  struct url url;
  cr_assert_eq(url_parse(&url, text), 0, "refused");
  memset(text, 'x', sizeof text - 1);
  expect_parts("after the text", &url,
               &(struct url){"http", "host", "8000", "host:8000", "/path", false});
  url_free(&url);
}

/* Each allocation fails in turn. Not all are necessary: then the result is whole. */
static void expect_without_memory(const char *text, const struct url *whole) {
  expect(text, whole); /* OpenSSL gets ready */
  size_t refused = 0;
  for (size_t n = 1;; n++) {
    struct url url;
    memset(&url, 0xa5, sizeof url);
    failing_start(n);
    int result = url_parse(&url, text);
    bool failed = failing_stop();
    if (result == 0) {
      expect_parts(text, &url, whole);
    } else {
      expect_zeroed(&url, "without memory");
      refused++;
    }
    url_free(&url);
    if (!failed)
      break;
  }
  cr_assert_geq(refused, 6, "it refused only %zu times", refused); /* 5 parts and a copy */
}

Test(url, no_memory) {
  static const struct url whole = {"https", "::1", "8443", "[::1]:8443", "/path?query", true};
  expect_without_memory("https://[::1]:8443/path?query#fragment", &whole);
}

/* asprintf of glibc 2.36 begins with 100 bytes. If it cannot get one more, for
 * the NUL, it writes the NUL all the same. */
Test(url, no_memory_for_the_last_octet) {
  char path[101];
  char text[120];
  memset(path, 'x', sizeof path);
  path[0] = '/';
  path[100] = '\0';
  snprintf(text, sizeof text, "http://h%s", path);
  const struct url whole = {"http", "h", "80", "h", path, false};
  expect_without_memory(text, &whole);
}
