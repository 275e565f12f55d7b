/* allowance: see allowance.h. */
#include "grader/sandbox/allowance.h"

#include <ctype.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int allowance_add(struct allowance *allowance, const char *what, const char *path) {
  char **texts = realloc(allowance->texts, (allowance->count + 2) * sizeof *texts);
  if (texts == NULL)
    return -1;
  allowance->texts = texts;
  texts[allowance->count] = NULL;
  if (asprintf(&texts[allowance->count], "%s:%s", what, path) < 0) {
    texts[allowance->count] = NULL;
    return -1;
  }
  texts[++allowance->count] = NULL;
  return 0;
}

static int add_port(struct allowance *allowance, const char *what, unsigned long port) {
  char number[32];
  snprintf(number, sizeof number, "%lu", port);
  return port > 65535 ? 0 : allowance_add(allowance, what, number);
}

/* The folder in which a file is. */
static const char *folder_of(const char *path, char folder[PATH_MAX]) {
  const char *slash = strrchr(path, '/');
  snprintf(folder, PATH_MAX, "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
  return *folder != '\0' ? folder : "/";
}

/* ---- a program in C ---- */

/* Libraries that the C library and the compiler load by themselves, and that the grader may not
 * use. */
static int add_unseen_libraries(struct allowance *allowance, const char *libc) {
  static const char *const names[] = {"libm.so.6",        "libgcc_s.so.1",   "libdl.so.2",
                                      "librt.so.1",       "libpthread.so.0", "libresolv.so.2",
                                      "libnss_files.so.2"};
  char folder[PATH_MAX];
  char path[PATH_MAX + 32];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", folder_of(libc, folder), names[i]);
    if (allowance_add(allowance, "read", path) != 0)
      return -1;
  }
  return 0;
}

/* The loader's path stands in our own program. */
static int add_loader(struct allowance *allowance, const struct dl_phdr_info *info) {
  for (int i = 0; i < info->dlpi_phnum; i++) {
    uintptr_t place = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    if (info->dlpi_phdr[i].p_type == PT_INTERP)
      /* NOLINTNEXTLINE(performance-no-int-to-ptr): ELF gives numbers */
      return allowance_add(allowance, "execute", (const char *)place);
  }
  return 0;
}

/* Called for our own program, whose name is empty, and for each library. */
static int add_object(struct dl_phdr_info *info, size_t size, void *user) {
  struct allowance *allowance = user;
  (void)size;
  if (info->dlpi_name[0] == '\0')
    return add_loader(allowance, info);
  if (info->dlpi_name[0] != '/')
    return 0; /* what the kernel provides */
  if (strstr(info->dlpi_name, "/libc.so") != NULL &&
      add_unseen_libraries(allowance, info->dlpi_name) != 0)
    return -1;
  return allowance_add(allowance, "read", info->dlpi_name);
}

/* ---- a program in any language ---- */

/* All in a folder in which things are installed; but not if this project, with its solutions, is in
 * it too. */
static int add_installed(struct allowance *allowance, const char *folder) {
  char here[PATH_MAX];
  char real[PATH_MAX];
  if (realpath(folder, real) == NULL)
    return 0; /* there is none */
  size_t length = strcmp(real, "/") == 0 ? 0 : strlen(real);
  if (realpath(".", here) == NULL || (strncmp(here, real, length) == 0 && here[length] == '/'))
    return 0;
  return allowance_add(allowance, "execute", folder);
}

/* The folders of PATH, and the libraries beside them. */
static int add_search_path(struct allowance *allowance) {
  const char *path = getenv("PATH");
  while (path != NULL && *path != '\0') {
    size_t length = strcspn(path, ":");
    char folder[PATH_MAX];
    char library[PATH_MAX + 8];
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    snprintf(library, sizeof library, "%s/../lib", folder);
    if (folder[0] == '/' &&
        (add_installed(allowance, folder) != 0 || add_installed(allowance, library) != 0))
      return -1;
    path += length + (path[length] == ':');
  }
  return 0;
}

static int add_all_installed(struct allowance *allowance, const char *program) {
  static const char *const folders[] = {"/usr/bin",
                                        "/usr/sbin",
                                        "/usr/lib",
                                        "/usr/lib32",
                                        "/usr/lib64",
                                        "/usr/libexec",
                                        "/usr/include",
                                        "/usr/local/bin",
                                        "/usr/local/lib",
                                        "/usr/local/include",
                                        "/usr/x86_64-linux-gnu",
                                        "/usr/aarch64-linux-gnu",
                                        "/bin",
                                        "/sbin",
                                        "/lib",
                                        "/lib64",
                                        "/nix/store",
                                        "/etc/alternatives",
                                        "/usr/share",
                                        "/opt"};
  static const char *const files[] = {"/etc/ssl", "/proc", "/sys/fs/cgroup"};
  char folder[PATH_MAX];
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (add_installed(allowance, folders[i]) != 0)
      return -1;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (allowance_add(allowance, "read", files[i]) != 0)
      return -1;
  return allowance_add(allowance, "execute", folder_of(program, folder)) != 0
             ? -1
             : add_search_path(allowance);
}

/* ---- the arguments ---- */

/* "http://localhost:8000/path": the port, or the one that the scheme stands for. */
static unsigned long port_of_url(const char *url) {
  const char *host = strstr(url, "://") + 3;
  const char *end = host + strcspn(host, "/?#");
  const char *colon = memrchr(host, ':', (size_t)(end - host));
  if (colon != NULL && isdigit((unsigned char)colon[1]))
    return strtoul(colon + 1, NULL, 10);
  return strncmp(url, "https", 5) == 0 ? 443 : 80;
}

static int add_argument(struct allowance *allowance, const char *before, const char *argument) {
  if (strstr(argument, "://") != NULL)
    return add_port(allowance, "connect", port_of_url(argument));
  if (strcmp(before, "--port") == 0 && isdigit((unsigned char)*argument))
    return add_port(allowance, "bind", strtoul(argument, NULL, 10));
  return argument[0] == '/' ? allowance_add(allowance, "read", argument) : 0;
}

int allowance_make(struct allowance *allowance, const char *const argv[], enum allowance_of of) {
  if (add_port(allowance, "bind", 0) != 0 || allowance_add(allowance, "execute", argv[0]) != 0 ||
      dl_iterate_phdr(add_object, allowance) != 0 ||
      (of == ALLOWANCE_OF_ANY_LANGUAGE && add_all_installed(allowance, argv[0]) != 0))
    return -1;
  for (size_t i = 1; argv[i] != NULL; i++)
    if (add_argument(allowance, argv[i - 1], argv[i]) != 0)
      return -1;
  return 0;
}

void allowance_free(struct allowance *allowance) {
  for (size_t i = 0; i < allowance->count; i++)
    free(allowance->texts[i]);
  free(allowance->texts);
  *allowance = (struct allowance){0};
}
