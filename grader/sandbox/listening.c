/* listening: see listening.h. The kernel's tables are described in proc(5). */
#include "grader/sandbox/listening.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/base/sock_diag.h"

enum { SOCKETS = 8 };

struct inodes {
  unsigned long numbers[SOCKETS];
  size_t count;
};

static void add(const struct inet_diag_msg *found, void *user) {
  struct inodes *inodes = user;
  if (inodes->count < SOCKETS)
    inodes->numbers[inodes->count++] = found->idiag_inode;
}

static bool ask_kernel(unsigned char family, int port, struct inodes *inodes) {
  struct inet_diag_req_v2 request = {.sdiag_family = family,
                                     .idiag_states = 1U << TCP_LISTEN,
                                     .id.idiag_sport = htons((uint16_t)port)};
  return sock_diag_ask(SOCK_DIAG_ALL, request, add, inodes);
}

/* Where the kernel does not answer; a table that is missing has none. */
static void read_table(const char *table, int port, struct inodes *inodes) {
  char line[512];
  FILE *file = fopen(table, "re");
  while (file != NULL && inodes->count < SOCKETS && fgets(line, sizeof line, file) != NULL) {
    unsigned local, state;
    unsigned long inode;
    if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &local,
               &state, &inode) == 3 &&
        state == TCP_LISTEN && (int)local == port)
      inodes->numbers[inodes->count++] = inode;
  }
  if (file != NULL)
    fclose(file);
}

static bool is_one_of(const char *target, const struct inodes *inodes) {
  unsigned long inode;
  if (sscanf(target, "socket:[%lu]", &inode) != 1)
    return false;
  for (size_t i = 0; i < inodes->count; i++)
    if (inodes->numbers[i] == inode)
      return true;
  return false;
}

bool listening_is_not_by(pid_t pid, int port) {
  struct inodes inodes = {.count = 0};
  char path[64];
  if (!ask_kernel(AF_INET, port, &inodes))
    read_table("/proc/net/tcp", port, &inodes);
  if (!ask_kernel(AF_INET6, port, &inodes))
    read_table("/proc/net/tcp6", port, &inodes);
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  DIR *directory = opendir(path);
  bool seen = false, listens = false;
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    char target[64];
    ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    seen = seen || length > 0;
    listens = listens || is_one_of(target, &inodes);
  }
  if (directory != NULL)
    closedir(directory);
  return seen && !listens;
}
