/* certificates: see certificates.h. */
#include "common/tests/certificates.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/tls.h"

static char folder[] = "/tmp/certificates-XXXXXX";
static SSL_CTX *contexts[32];
static size_t context_count;

void certificates_begin(void) {
  cr_assert_not_null(mkdtemp(folder), "no folder");
}

void certificates_end(void) {
  DIR *entries = opendir(folder);
  cr_assert_not_null(entries, "no folder");
  for (const struct dirent *entry; (entry = readdir(entries));)
    unlinkat(dirfd(entries), entry->d_name, 0); /* . and .. stay */
  closedir(entries);
  rmdir(folder);
  while (context_count > 0)
    SSL_CTX_free(contexts[--context_count]);
}

const char *certificates_path(const char *name) {
  enum { PATHS = 4, LENGTH = 128 };
  static char paths[PATHS][LENGTH];
  static size_t next;
  char *path = paths[next++ % PATHS];
  snprintf(path, LENGTH, "%s/%s", folder, name);
  return path;
}

static const char *path_of(const char *name, const char *kind) {
  char file[64];
  snprintf(file, sizeof file, "%s.%s", name, kind);
  return certificates_path(file);
}

void certificates_write(const char *name, const struct certificate *wanted) {
  static const struct certificate standard = {.names = "DNS:localhost,IP:127.0.0.1,IP:::1"};
  int result =
      certificate_write(wanted ? wanted : &standard, path_of(name, "key"), path_of(name, "cert"));
  cr_assert_eq(result, 0, "no certificate");
}

static SSL_CTX *keep(SSL_CTX *context, const char *error) {
  cr_assert_not_null(context, "%s", error);
  cr_assert_lt(context_count, sizeof contexts / sizeof contexts[0], "too many contexts");
  contexts[context_count++] = context;
  return context;
}

SSL_CTX *certificates_server(const char *name) {
  char error[256] = "";
  return keep(tls_server_context(path_of(name, "key"), path_of(name, "cert"), error, sizeof error),
              error);
}

SSL_CTX *certificates_client(const char *name, const char *host) {
  char error[256] = "";
  return keep(tls_client_context(path_of(name, "cert"), host, error, sizeof error), error);
}
