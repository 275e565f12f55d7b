/* confine: see confine.h. */
#include "grader/sandbox/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox/filter.h"
#include "grader/sandbox/landlock.h"

/* ---- limits ---- */

static int set_limit(int resource, double value) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0)
    return -1;
  if (value < (double)limit.rlim_max)
    limit.rlim_max = (rlim_t)value;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(resource, &limit);
}

/* These limits leave out memory, because AddressSanitizer reserves far more than it uses. */
static int set_limits(const struct confinement *bounds) {
  if (set_limit(RLIMIT_CORE, 0) != 0 || set_limit(RLIMIT_NOFILE, 256) != 0 ||
      set_limit(RLIMIT_CPU, bounds->cpu_seconds) != 0 ||
      set_limit(RLIMIT_FSIZE, bounds->file_size) != 0)
    return -1;
  return set_limit(RLIMIT_NPROC, bounds->threads + (bounds->alone ? 0 : bounds->others));
}

/* ---- files and ports ---- */

/* What the C library, libuv, OpenSSL and the sanitizers read of the system. */
static const char *const system_files[] = {
    "/etc/ld.so.cache", "/etc/hosts",          "/etc/nsswitch.conf",      "/etc/host.conf",
    "/etc/resolv.conf", "/etc/gai.conf",       "/etc/services",           "/etc/protocols",
    "/etc/localtime",   "/usr/share/zoneinfo", "/usr/lib/locale",         "/proc/self",
    "/proc/cpuinfo",    "/proc/meminfo",       "/sys/devices/system/cpu",
};

/* One of the texts that allowance.h has. */
static int allow(int rules, const char *text) {
  const char *what = strchr(text, ':');
  if (what == NULL) {
    errno = EINVAL;
    return -1;
  }
  what++;
  size_t length = (size_t)(what - text);
  if (strncmp(text, "read:", length) == 0)
    return landlock_allow_reading(rules, what);
  if (strncmp(text, "list:", length) == 0)
    return landlock_allow_listing(rules, what);
  if (strncmp(text, "execute:", length) == 0)
    return landlock_allow_executing(rules, what);
  if (strncmp(text, "bind:", length) == 0)
    return landlock_allow_binding(rules, atoi(what));
  if (strncmp(text, "connect:", length) == 0)
    return landlock_allow_connecting(rules, atoi(what));
  errno = EINVAL;
  return -1;
}

/* Endless files: a compiler that included one would read for ever. */
static const char *const devices[] = {"/dev/zero", "/dev/random", "/dev/urandom"};

static int keep_files_and_ports(const struct confinement *bounds) {
  if (bounds->without_landlock || landlock_abi() == 0)
    return 0;
  int rules = landlock_begin();
  if (rules < 0)
    return -1;
  int result = bounds->compiler ? landlock_allow_working(rules, bounds->directory)
                                : landlock_allow_filling(rules, bounds->directory);
  if (result == 0)
    result = landlock_allow_writing(rules, "/dev/null");
  for (size_t i = 0; result == 0 && i < sizeof system_files / sizeof *system_files; i++)
    result = landlock_allow_reading(rules, system_files[i]);
  for (size_t i = 0; result == 0 && !bounds->compiler && i < sizeof devices / sizeof *devices; i++)
    result = landlock_allow_reading(rules, devices[i]);
  for (size_t i = 0; result == 0 && bounds->allowed[i] != NULL; i++)
    result = allow(rules, bounds->allowed[i]);
  return result == 0 ? landlock_enter(rules) : result;
}

/* ---- privileges ---- */

/* Become that user, who has no other processes, and give up root's privileges: `execve` does not
 * give it back, because of PR_SET_NO_NEW_PRIVS. */
static int drop_privileges(uid_t user) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  if (user != 0 && (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
                    setresuid(user, user, user) != 0))
    return -1;
  return (int)syscall(SYS_capset, &header, none);
}

/* Whether the real user of this process can read this too, if the effective one can. */
static bool both_read(const char *path) {
  return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 ||
         faccessat(AT_FDCWD, path, R_OK, 0) == 0;
}

/* Whether bounds->user can read everything that the program may read, and reach the directory: no
 * other user's home is above them. Makes it the real user of this process. */
static bool is_reached(const struct confinement *bounds) {
  char above[PATH_MAX];
  snprintf(above, sizeof above, "%s/..", bounds->directory);
  bool reached = setgroups(0, NULL) == 0 && setresgid(bounds->user, -1, -1) == 0 &&
                 setresuid(bounds->user, -1, -1) == 0 && access(above, X_OK) == 0;
  for (const char *const *allowed = bounds->allowed; reached && *allowed != NULL; allowed++) {
    const char *path = strchr(*allowed, '/'); /* a port has none */
    reached = path == NULL || both_read(path);
  }
  return reached;
}

/* ---- the start ---- */

static const char unreachable[] = "its user cannot reach it";

/* Turn this new process into the program. Returns only if that fails, with errno set. */
static const char *become_program(const struct confinement *bounds, struct filter *filter,
                                  pid_t parent, char **argv) {
  sigset_t none;
  (void)setpriority(PRIO_PROCESS, 0, bounds->nice); /* only root may lower it */
  if (bounds->user != 0 && !is_reached(bounds))
    return unreachable;
  if (setsid() < 0 || set_limits(bounds) != 0 || chdir(bounds->directory) != 0 ||
      sigemptyset(&none) != 0 || sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || drop_privileges(bounds->user) != 0 ||
      prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
      keep_files_and_ports(bounds) != 0 ||
      (!bounds->without_filter && filter_enter(filter, getpid()) != 0))
    return "lost it could not be confined";
  execv(argv[0], argv);
  return "failed";
}

/* Start it once. Returns its number or -1, with the reason as confine_start has it, or
 * `unreachable`. */
static pid_t start(const struct confinement *bounds, struct filter *filter, char **argv,
                   char *reason, size_t size) {
  int failure[2]; /* what fails to become the program writes here; the program has it closed */
  pid_t parent = getpid();
  if (pipe2(failure, O_CLOEXEC) != 0) {
    snprintf(reason, size, "lost pipe: %s", strerror(errno));
    return -1;
  }
  pid_t pid = fork();
  if (pid == 0) {
    const char *how = become_program(bounds, filter, parent, argv);
    _exit(dprintf(failure[1], "%s: %s", how, strerror(errno)) < 0);
  }
  if (pid < 0)
    snprintf(reason, size, "lost fork: %s", strerror(errno));
  close(failure[1]);
  ssize_t length = read(failure[0], reason, size - 1);
  if (length > 0)
    reason[length] = '\0';
  close(failure[0]);
  return pid;
}

/* Start it as bounds->user. Returns as `start` does; or 0 if that user cannot reach the program:
 * then try the next user. */
static pid_t start_as_user(struct confinement *bounds, struct filter *filter, char **argv,
                           char *reason, size_t size) {
  pid_t pid = 0;
  if (chown(bounds->directory, bounds->user, bounds->user) == 0)
    pid = start(bounds, filter, argv, reason, size);
  if (pid != 0 && strncmp(reason, unreachable, strlen(unreachable)) != 0)
    return pid;
  while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  reason[0] = '\0';
  bounds->user = bounds->next_user;
  bounds->next_user = 0;
  bounds->alone = false;
  (void)chown(bounds->directory, 0, 0); /* what failed there may fail again */
  return 0;
}

pid_t confine_start(struct confinement *bounds, char **argv, char *reason, size_t size) {
  struct filter filter = {0};
  pid_t pid = 0;
  reason[0] = '\0';
  const char *of_program = bounds->any_language ? FILTER_OF_ANY_LANGUAGE : FILTER_OF_PROGRAM;
  const char *name = bounds->compiler ? FILTER_OF_COMPILER : of_program;
  if (filter_read(&filter, name) != 0) {
    snprintf(reason, size, "lost %s: %s", name, strerror(errno));
    pid = -1;
  }
  while (pid == 0 && bounds->user != 0)
    pid = start_as_user(bounds, &filter, argv, reason, size);
  if (pid == 0)
    pid = start(bounds, &filter, argv, reason, size);
  filter_free(&filter);
  return pid;
}
