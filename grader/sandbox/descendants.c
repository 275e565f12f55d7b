#include "grader/sandbox/descendants.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* Returns false if the file no longer exists: processes end while we look at them. */
static bool read_file(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  ssize_t length = read(file, text, size - 1);
  close(file);
  text[length > 0 ? length : 0] = '\0';
  return length > 0;
}

/* ---- the list ---- */

/* The pages of a process whose first thread has ended: /proc/PID/stat says 0, but that of another
 * thread has them. */
static long pages_of_threads(pid_t pid) {
  char path[64 + 256];
  char text[1024];
  long pages = 0;
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *directory = opendir(path);
  if (directory == NULL)
    return 0;
  for (struct dirent *entry = readdir(directory); pages == 0 && entry != NULL;
       entry = readdir(directory)) {
    snprintf(path, sizeof path, "/proc/%d/task/%s/statm", (int)pid, entry->d_name);
    if (isdigit((unsigned char)entry->d_name[0]) && read_file(path, text, sizeof text))
      (void)sscanf(text, "%*d %ld", &pages);
  }
  closedir(directory);
  return pages;
}

static bool read_process(pid_t pid, struct descendant *process) {
  char path[64];
  char text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (!read_file(path, text, sizeof text))
    return false;
  const char *rest = strrchr(text, ')'); /* the name before it may contain anything */
  char state;
  unsigned long user;
  unsigned long kernel;
  long user_of_dead;
  long kernel_of_dead;
  long threads;
  long pages;
  /* 3: state, 4: parent, 14 to 17: processor time, and that of children it has reaped, 20: threads,
   * 24: resident pages; see proc(5) */
  const char *format = ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld"
                       " %*d %*d %ld %*d %*u %*u %ld";
  if (rest == NULL || sscanf(rest, format, &state, &process->parent, &user, &kernel, &user_of_dead,
                             &kernel_of_dead, &threads, &pages) != 8)
    return false;
  if (state == 'Z' && threads > 1)
    pages = pages_of_threads(pid);
  process->pid = pid;
  process->memory = (double)pages * (double)sysconf(_SC_PAGESIZE);
  process->cpu = (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
  process->cpu_of_dead = (double)(user_of_dead + kernel_of_dead) / (double)sysconf(_SC_CLK_TCK);
  return true;
}

static int make_room(struct descendants *all) {
  if (all->count < all->capacity)
    return 0;
  size_t capacity = 2 * all->capacity + 256;
  struct descendant *list = realloc(all->list, capacity * sizeof *list);
  if (list == NULL)
    return -1;
  all->list = list;
  all->capacity = capacity;
  return 0;
}

static int compare(const void *left, const void *right) {
  const struct descendant *a = left;
  const struct descendant *b = right;
  return (a->pid > b->pid) - (a->pid < b->pid);
}

/* Whether its parent is the calling process or is known to descend from it; the list is sorted. */
static bool descends(const struct descendants *all, const struct descendant *process) {
  struct descendant key = {.pid = process->parent};
  if (process->parent == getpid())
    return true;
  const struct descendant *parent =
      bsearch(&key, all->list, all->count, sizeof *all->list, compare);
  return parent != NULL && parent->descends;
}

/* Lists all processes there are. They come sorted, so that parents mostly come before their
 * children: a descendant is known at once then, and sent the signal before it has the time to start
 * others. */
static int look_at_all(struct descendants *all, int signal) {
  DIR *directory = opendir("/proc");
  all->count = 0;
  if (directory == NULL)
    return -1;
  int result = 0;
  for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    if (!isdigit((unsigned char)entry->d_name[0]))
      continue;
    result = make_room(all);
    if (result != 0)
      break;
    struct descendant *process = &all->list[all->count];
    if (!read_process((pid_t)strtol(entry->d_name, NULL, 10), process))
      continue;
    process->descends = descends(all, process);
    if (process->descends && signal != 0)
      (void)kill(process->pid, signal);
    all->count++;
  }
  closedir(directory);
  return result;
}

/* ---- by the kernel's lists of children ---- */

/* Add the children that one thread has; `path` is its list. Returns -1 if there is no such list, or
 * no memory. */
static int add_children_of_thread(struct descendants *all, const char *path) {
  char text[16 * 1024]; /* far more processes than anybody may have */
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return -1;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  text[length > 0 ? length : 0] = '\0';
  char *rest = text;
  for (char *next = text;; next = rest) {
    pid_t pid = (pid_t)strtol(next, &rest, 10);
    if (rest == next)
      return 0;
    if (make_room(all) != 0)
      return -1;
    struct descendant *process = &all->list[all->count];
    if (!read_process(pid, process))
      continue;
    process->descends = true;
    all->count++;
  }
}

/* Add the children of a process. Returns -1 if the kernel keeps no lists, or there is no memory. */
static int add_children(struct descendants *all, pid_t pid) {
  char path[64 + 256];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *directory = opendir(path);
  if (directory == NULL)
    return pid == getpid() ? -1 : 0; /* it has ended: its children are ours now */
  int result = 0;
  for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    if (!isdigit((unsigned char)entry->d_name[0]))
      continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, entry->d_name);
    if (add_children_of_thread(all, path) != 0 && pid == getpid())
      result = -1;
  }
  closedir(directory);
  return result;
}

/* Read only the descendants, if the kernel has lists of them (CONFIG_PROC_CHILDREN): a few files,
 * not those of every process of the machine. A process that starts or ends during the reading may
 * be missed until the next time. */
static int look_at_children(struct descendants *all) {
  all->count = 0;
  if (add_children(all, getpid()) != 0)
    return -1;
  for (size_t i = 0; i < all->count; i++)
    (void)add_children(all, all->list[i].pid);
  return 0;
}

/* ---- both ---- */

int descendants_look(struct descendants *descendants, int signal) {
  if (signal == 0 && look_at_children(descendants) == 0)
    return 0;
  if (look_at_all(descendants, signal) != 0) {
    descendants->count = 0;
    return -1;
  }
  size_t all = descendants->count;
  bool found = all > 0;
  qsort(descendants->list, all, sizeof *descendants->list, compare);
  while (found) { /* once more than there are generations, or less, as parents mostly come first */
    found = false;
    for (size_t i = 0; i < all; i++) {
      struct descendant *process = &descendants->list[i];
      if (!process->descends && descends(descendants, process))
        process->descends = found = true;
    }
  }
  descendants->count = 0;
  for (size_t i = 0; i < all; i++) {
    if (descendants->list[i].descends)
      descendants->list[descendants->count++] = descendants->list[i];
  }
  return 0;
}

/* ---- whether they are asleep ---- */

/* A thread that got no processor between two looks, and is asleep in both, has slept all the
 * time. */
static bool thread_asleep(const char *path, unsigned long long *activity) {
  char text[8192];
  if (!read_file(path, text, sizeof text))
    return false;
  const char *state = strstr(text, "\nState:");
  const char *wanted = strstr(text, "\nvoluntary_ctxt_switches:");
  const char *forced = strstr(text, "\nnonvoluntary_ctxt_switches:");
  char letter;
  unsigned long long switches[2];
  if (state == NULL || sscanf(state, " State: %c", &letter) != 1 || wanted == NULL ||
      sscanf(wanted, " voluntary_ctxt_switches: %llu", &switches[0]) != 1 || forced == NULL ||
      sscanf(forced, " nonvoluntary_ctxt_switches: %llu", &switches[1]) != 1)
    return false;
  *activity = (*activity * 31 + switches[0]) * 31 + switches[1];
  return strchr("STtZX", letter) != NULL; /* asleep, stopped, traced, dead */
}

static bool process_asleep(pid_t pid, unsigned long long *activity) {
  char path[64 + 256];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *directory = opendir(path);
  if (directory == NULL)
    return false;
  bool asleep = true;
  for (struct dirent *entry = readdir(directory); asleep && entry != NULL;
       entry = readdir(directory)) {
    if (!isdigit((unsigned char)entry->d_name[0]))
      continue;
    *activity = *activity * 31 + strtoull(entry->d_name, NULL, 10);
    snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, entry->d_name);
    asleep = thread_asleep(path, activity);
  }
  closedir(directory);
  return asleep;
}

bool descendants_asleep(const struct descendants *descendants, unsigned long long *activity) {
  bool asleep = true;
  *activity = 0;
  for (size_t i = 0; asleep && i < descendants->count; i++)
    asleep = process_asleep(descendants->list[i].pid, activity);
  return asleep;
}

/* ---- all threads ---- */

double descendants_count_threads(void) {
  struct sysinfo info;
  if (sysinfo(&info) != 0)
    return INFINITY;
  return info.procs; /* threads, whatever its name */
}
