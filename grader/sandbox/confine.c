/* confine: see confine.h. */
#include "grader/sandbox/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Memory is not among them, because AddressSanitizer reserves far more than it uses. */
static int set_limits(const struct confinement *bounds) {
  if (set_limit(RLIMIT_CORE, 0) != 0 || set_limit(RLIMIT_NOFILE, 1024) != 0 ||
      set_limit(RLIMIT_CPU, bounds->cpu_seconds) != 0 ||
      set_limit(RLIMIT_FSIZE, bounds->file_size) != 0)
    return -1;
  return set_limit(RLIMIT_NPROC, bounds->threads);
}

/* ---- system calls ---- */

#if defined(__x86_64__)
static const unsigned architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
static const unsigned architecture = AUDIT_ARCH_AARCH64;
#else
static const unsigned architecture = 0; /* equals none: nothing is refused */
#endif

static const unsigned allow = SECCOMP_RET_ALLOW;
static const unsigned refuse = SECCOMP_RET_ERRNO | EPERM;

/* A filter is a small program that the kernel runs at every system call. It loads numbers ... */
static struct sock_filter load(size_t offset) {
  return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset);
}

/* ... takes the next step only if the number is this, or only if it is not ... */
static struct sock_filter if_equal(unsigned value) {
  return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
}

static struct sock_filter unless_equal(unsigned value) {
  return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
}

/* ... and answers. */
static struct sock_filter answer(unsigned action) {
  return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
}

/* Refuse what no program needs here: to leave the session and the process group, in which it can be killed at one
 * stroke with all that it has started; to send the guard a signal; and kill(-1, ...), "every process of this
 * user", which is what kill(fork(), ...) means when fork has failed. Set-user-ID programs run without
 * their powers from here on. Where the kernel has no filters, or does
 * not let us have one, we do without. */
static int refuse_calls(pid_t guard) {
  struct sock_filter steps[] = {
      load(offsetof(struct seccomp_data, arch)),
      unless_equal(architecture),
      answer(allow),
      load(offsetof(struct seccomp_data, nr)),
      if_equal(SYS_setsid),
      answer(refuse),
      if_equal(SYS_setpgid),
      answer(refuse),
      unless_equal(SYS_kill),
      answer(allow),
      load(offsetof(struct seccomp_data, args)), /* the low half of the first argument: a pid_t */
      if_equal((unsigned)-1),
      answer(refuse),
      if_equal((unsigned)guard),
      answer(refuse),
      answer(allow),
  };
  struct sock_fprog filter = {.len = sizeof steps / sizeof *steps, .filter = steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return -1;
  (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
  return 0;
}

/* ---- the start ---- */

/* Turn this new process into the program. Returns only if that fails, with errno set. */
static const char *become_program(const struct confinement *bounds, pid_t parent, char **argv) {
  sigset_t none;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || setsid() < 0 ||
      set_limits(bounds) != 0 || chdir(bounds->directory) != 0 || sigemptyset(&none) != 0 ||
      sigprocmask(SIG_SETMASK, &none, NULL) != 0 || refuse_calls(parent) != 0)
    return "lost it could not be confined";
  execv(argv[0], argv);
  return "failed";
}

pid_t confine_start(const struct confinement *bounds, char **argv, char *reason, size_t size) {
  int failure[2]; /* what fails to become the program writes here; the program has it closed */
  pid_t parent = getpid();
  reason[0] = '\0';
  if (pipe2(failure, O_CLOEXEC) != 0) {
    snprintf(reason, size, "lost pipe: %s", strerror(errno));
    return -1;
  }
  pid_t pid = fork();
  if (pid == 0) {
    const char *how = become_program(bounds, parent, argv);
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
