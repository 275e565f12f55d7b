/*
 * guard: run one program, and leave nothing of it behind.
 *
 *   guard --directory DIR --memory BYTES --processes N --cpu MS --file BYTES [--allow TEXT]...
 *         [--order TEXT] [--compiler] [--any-language] [--same-user] [--without-landlock]
 *         [--without-filter] -- PROGRAM [ARGUMENT]...
 *
 * The guard makes DIR and runs PROGRAM in it. It kills PROGRAM with all its descendants when
 * PROGRAM ends, passes a limit or is to be stopped, and removes DIR as its last act. It is a
 * process of its own because the grader cannot promise all that: the grader may be killed itself.
 *
 * Nothing gets away because the guard is a "subreaper": a descendant whose parent dies becomes the
 * guard's child, not init's. So where the guard has no child left, no descendant is left either.
 *
 * Descriptor 3 is a socket to the grader. The guard writes lines to it:
 *   started PID   the program runs
 *   idle MS SINCE so long has every thread of it been asleep; 0 if one was awake a moment ago; and
 *                 when one was last seen awake, in milliseconds of CLOCK_MONOTONIC
 *   end HOW       it ended, and nothing but DIR is left of it: exit STATUS, signal NUMBER,
 *                 limit NAME, stopped, failed REASON (it cannot be run), lost REASON (the guard
 *                 cannot do its work)
 * and reads bytes: the number of a signal for the program, or 0 to stop it. When the socket is
 * closed at the other end, the grader is done with DIR, or dead: the guard cleans up and exits.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader/sandbox/confine.h"
#include "grader/sandbox/descendants.h"
#include "grader/sandbox/program.h"
#include "grader/sandbox/remove.h"
#include "grader/sandbox/usage.h"

enum { GRADER = 3 /* the descriptor */ };

enum {
  LOOK_MS = 20,      /* between two looks at the descendants, */
  LOOK_SHARE = 20,   /* and longer where that would take more than 1/20 of a processor */
  FLOOD_MS = 5,      /* between two glances at all threads, where the kernel does not limit ours */
  FLOOD_THREADS = 8, /* so many for each process allowed, and we look */
  ALL_CPU = 3,       /* times the limit of one, for all processes together, dead ones too */
  SWEEP_MS = 5,      /* between two rounds of killing, */
  SWEEP_ROUNDS = 4000, /* of which there are this many at most: 20 s */
};

struct guard {
  char *directory;
  double memory, processes, cpu, file; /* the limits; cpu in milliseconds */
  char *order;                         /* for the probe; NULL for none */
  const char **allowed;                /* NULL ends them */
  bool same_user, compiler, any_language, without_landlock, without_filter;
  pid_t program; /* 0 if there is none, or no more */
  int signals;   /* a descriptor from which SIGCHLD and SIGTERM are read */
  struct descendants descendants;
  unsigned long long activity; /* as descendants_asleep gave it last */
  double asleep_since;
  double next_look;
  double threads; /* how many there were on this machine when there was no flood */
  int nice;       /* as it was in the beginning */
  int idle;       /* milliseconds, as the grader was told last */
  bool made;      /* the directory is there, and is the guard's */
  bool counted;   /* the kernel itself lets the program start only so many threads */
  bool released;  /* the grader is done with the directory, or dead */
  char end[128];  /* what the grader will be told in the end; "" while the program runs */
};

static double seconds(clockid_t clock) {
  struct timespec time = {0};
  (void)clock_gettime(clock, &time); /* does not fail for the clocks that Linux has always had */
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double now(void) {
  return seconds(CLOCK_MONOTONIC);
}

/* ---- what the grader is told ---- */

/* Decide how it ended. The first reason counts. */
__attribute__((format(printf, 2, 3))) static void end(struct guard *guard, const char *format,
                                                      ...) {
  if (guard->end[0] != '\0')
    return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(guard->end, sizeof guard->end, format, arguments);
  va_end(arguments);
}

static void fail(struct guard *guard, const char *what) {
  end(guard, "lost %s: %s", what, strerror(errno));
}

static bool ended(const struct guard *guard) {
  return guard->end[0] != '\0';
}

/* Returns false if the line was not sent: the grader is dead or, with MSG_DONTWAIT, does not
 * read. */
__attribute__((format(printf, 2, 3))) static bool tell(int flags, const char *format, ...) {
  char line[160];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return length > 0 && send(GRADER, line, (size_t)length, flags | MSG_NOSIGNAL) == length;
}

/* ---- the start ---- */

/* Where the machine has no memory left, the kernel shall end strangers' programs, the largest
 * first. They get this from the guard, which itself is small. */
static void offer_memory(void) {
  static const char most[] = "1000";
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return;
  (void)!write(file, most, sizeof most - 1);
  (void)close(file);
}

/* Undo what the grader left open, blocked or ignored. Start a new session, so that nothing from the
 * terminal reaches the guard. Ask for SIGTERM when the grader dies. */
static int prepare(struct guard *guard) {
  sigset_t all;
  sigset_t wanted;
  for (int number = 1; number < NSIG; number++)
    (void)signal(number, SIG_DFL); /* fails for those that are always so */
  if (sigfillset(&all) != 0 || sigprocmask(SIG_SETMASK, &all, NULL) != 0 ||
      sigemptyset(&wanted) != 0 || sigaddset(&wanted, SIGCHLD) != 0 ||
      sigaddset(&wanted, SIGTERM) != 0)
    return -1;
  if (close_range(GRADER + 1, ~0U, 0) != 0 || fcntl(GRADER, F_SETFD, FD_CLOEXEC) != 0)
    return -1;
  guard->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (guard->signals < 0 || setsid() < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return -1;
  offer_memory();
  if (prctl(PR_SET_DUMPABLE, 0) != 0) /* nobody but root looks into the guard, or traces it */
    return -1;
  return prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* Keep many processes from starving the guard. Only root may do this, and only root needs it: the
 * kernel's limit for processes does not apply to root. */
static void go_early(void) {
  struct sched_param parameters = {.sched_priority = 0};
  (void)sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &parameters);
  (void)setpriority(PRIO_PROCESS, 0, -20);
}

/* Run before all others at the start, and in a flood. Not longer: a process that reaps a child may
 * have to wait, awake in the kernel, for one that reads about it in /proc, and that one would never
 * get its turn. */
static void go_first(void) {
  struct sched_param parameters = {.sched_priority = 1};
  (void)sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters);
}

/* For root, another user for each program, from those that systemd gives to services for a while,
 * whom nobody else is. In somebody's home that they keep to themselves only its owner can read,
 * since a program of root's does not keep what root may do. */
static void choose_users(const struct guard *guard, struct confinement *bounds) {
  enum { FIRST = 61184, COUNT = 4336 };
  struct stat here;
  if (guard->same_user || geteuid() != 0)
    return;
  unsigned number = (unsigned)getpid(); /* of a namespace, in which others may have the same */
  (void)getrandom(&number, sizeof number, GRND_NONBLOCK);
  bounds->user = FIRST + number % COUNT;
  bounds->alone = true;
  if (stat(".", &here) == 0)
    bounds->next_user = here.st_uid;
}

static void start(struct guard *guard, char **argv) {
  guard->threads = descendants_count_threads();
  struct confinement bounds = {.directory = guard->directory,
                               .cpu_seconds = guard->cpu / 1e3 + 2, /* we look more exactly */
                               .file_size = guard->file,
                               .threads = FLOOD_THREADS * guard->processes,
                               .others = guard->threads,
                               .nice = guard->nice,
                               .allowed = guard->allowed,
                               .compiler = guard->compiler,
                               .any_language = guard->any_language,
                               .without_landlock = guard->without_landlock,
                               .without_filter = guard->without_filter};
  char reason[96];
  choose_users(guard, &bounds);
  pid_t pid = confine_start(&bounds, argv, reason, sizeof reason);
  guard->program = pid > 0 ? pid : 0;
  guard->counted = geteuid() != 0 || bounds.user != 0;
  if (reason[0] != '\0')
    end(guard, "%s", reason);
  else if (!tell(0, "started %d\n", (int)pid))
    end(guard, "stopped");
  for (int output = 1; output <= 2; output++) { /* the program alone shall keep them open */
    if (dup2(0, output) < 0)
      fail(guard, "dup2");
  }
}

/* ---- while it runs ---- */

static void note_end(struct guard *guard, const siginfo_t *child) {
  if (child->si_code == CLD_EXITED)
    end(guard, "exit %d", child->si_status);
  else if (child->si_status == SIGXFSZ)
    end(guard, "limit file");
  else
    end(guard, "signal %d", child->si_status);
  (void)kill(-guard->program, SIGKILL); /* now, while its number cannot mean another group */
  guard->program = 0;
}

/* Reap the children that have died. Returns whether there are any others. */
static bool reap(struct guard *guard) {
  siginfo_t child = {0};
  int found = waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT);
  while (found == 0 && child.si_pid != 0) {
    bool dead = child.si_code != CLD_TRAPPED; /* it had itself traced; that is not our business */
    if (dead && child.si_pid == guard->program)
      note_end(guard, &child);
    (void)waitid(P_PID, (id_t)child.si_pid, &child, WEXITED | WNOHANG);
    memset(&child, 0, sizeof child);
    found = waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT);
  }
  return found == 0;
}

/* Whether there are so many more threads on this machine that the program may be forking without
 * end. */
static bool is_flood(const struct guard *guard) {
  return descendants_count_threads() > guard->threads + FLOOD_THREADS * guard->processes;
}

/* Of all descendants that have died. */
static double dead_cpu(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
    return 0;
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void check_limits(struct guard *guard) {
  double memory = 0, cpu = 0; /* of all; of the one that has used most */
  double all_cpu = dead_cpu();
  double usage = usage_of(guard->directory, 2 * guard->file);
  if (descendants_look(&guard->descendants, 0) != 0)
    fail(guard, "/proc");
  if ((double)guard->descendants.count > guard->processes)
    end(guard, "limit processes");
  for (size_t i = 0; i < guard->descendants.count; i++) {
    memory += guard->descendants.list[i].memory;
    all_cpu += guard->descendants.list[i].cpu + guard->descendants.list[i].cpu_of_dead;
    if (cpu < guard->descendants.list[i].cpu)
      cpu = guard->descendants.list[i].cpu;
  }
  if (memory > guard->memory)
    end(guard, "limit memory");
  else if (isinf(usage))
    end(guard, "limit folders");
  else if (usage > 2 * guard->file) /* in many files */
    end(guard, "limit file");
  else if (cpu * 1e3 > guard->cpu || all_cpu * 1e3 > ALL_CPU * guard->cpu)
    /* and its memory: who takes that without end may need time for it */
    end(guard, "limit cpu, memory %.0f", memory);
}

static void check_idleness(struct guard *guard) {
  double started = now();
  unsigned long long activity;
  if (!descendants_asleep(&guard->descendants, &activity) || activity != guard->activity)
    guard->asleep_since = now();
  guard->activity = activity;
  int idle = started > guard->asleep_since ? (int)((started - guard->asleep_since) * 1000) : 0;
  if (idle != guard->idle && tell(MSG_DONTWAIT, "idle %d %.3f\n", idle, guard->asleep_since * 1e3))
    guard->idle = idle;
}

/* Look at the descendants. In a flood, stop them meanwhile: otherwise they leave no time to count
 * them. */
static void look(struct guard *guard) {
  double cost = seconds(CLOCK_PROCESS_CPUTIME_ID);
  bool flood = is_flood(guard);
  if (flood) {
    go_first();
    (void)kill(-guard->program, SIGSTOP);
  }
  check_limits(guard);
  if (ended(guard))
    return;
  if (flood) {
    (void)kill(-guard->program, SIGCONT);
    guard->threads = descendants_count_threads();
    go_early();
  }
  check_idleness(guard);
  cost = seconds(CLOCK_PROCESS_CPUTIME_ID) - cost;
  guard->next_look = now() + LOOK_MS / 1e3 + cost * LOOK_SHARE;
}

static void take_command(struct guard *guard) {
  unsigned char command = 0;
  ssize_t length = recv(GRADER, &command, 1, MSG_DONTWAIT);
  if (length == 0 || (length < 0 && errno != EAGAIN))
    guard->released = true;
  if (length == 1 && command != 0 && guard->program > 0)
    (void)kill(guard->program, command);
  if (guard->released || (length == 1 && command == 0))
    end(guard, "stopped");
}

/* Handle signals first, then reap children that have died, so that none is missed that dies
 * meanwhile. Returns whether there are any others. */
static bool take_notice(struct guard *guard) {
  struct signalfd_siginfo received;
  bool terminated = false;
  while (read(guard->signals, &received, sizeof received) == sizeof received)
    terminated = terminated || received.ssi_signo == SIGTERM;
  bool others = reap(guard);
  if (terminated) {
    guard->released = true;
    end(guard, "stopped");
  }
  return others;
}

/* Wait for something to happen, at most for that many seconds. */
static void wait_for(struct guard *guard, double seconds) {
  struct pollfd events[] = {{.fd = guard->signals, .events = POLLIN},
                            {.fd = GRADER, .events = POLLIN}};
  int timeout = seconds > 0 ? (int)(seconds * 1000) + 1 : 0;
  if (poll(events, 2, timeout) < 0 && errno != EINTR)
    fail(guard, "poll");
  (void)take_notice(guard);
  if (events[1].revents != 0)
    take_command(guard);
}

static void supervise(struct guard *guard) {
  guard->next_look = now() + LOOK_MS / 1e3;
  while (!ended(guard)) {
    wait_for(guard, guard->counted ? guard->next_look - now() : FLOOD_MS / 1e3);
    if (!ended(guard) && (now() >= guard->next_look || (!guard->counted && is_flood(guard))))
      look(guard);
  }
}

/* ---- the end ---- */

/* Kill until no child is left. Mostly the first blow, at the process group, is all; the rounds are
 * for descendants that have left the group. */
static void sweep(struct guard *guard) {
  if (take_notice(guard) && guard->program > 0) {
    (void)kill(guard->program, SIGKILL);
    (void)kill(-guard->program, SIGKILL);
  }
  for (int round = 0; take_notice(guard); round++) {
    if (round == SWEEP_ROUNDS) {
      guard->end[0] = '\0';
      end(guard, "lost a process cannot be killed");
      return;
    }
    if (round > 0)
      (void)descendants_look(&guard->descendants, SIGKILL);
    struct pollfd event = {.fd = guard->signals, .events = POLLIN};
    (void)poll(&event, 1, SWEEP_MS);
  }
}

/* Put what the probe is to do into its file (common/inner/probe.h), and forget it: the program must
 * not find it here. */
static int give_order(const struct guard *guard) {
  char path[PATH_MAX + sizeof PROGRAM_PROBE];
  size_t length = guard->order != NULL ? strlen(guard->order) : 0;
  if (guard->order == NULL)
    return 0;
  snprintf(path, sizeof path, "%s/" PROGRAM_PROBE, guard->directory);
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool given = file >= 0 && fchmod(file, 0666) == 0 && /* for the program's user, too */
               write(file, guard->order, length) == (ssize_t)length;
  explicit_bzero(guard->order, length);
  return file >= 0 && close(file) == 0 && given ? 0 : -1;
}

static void run(struct guard *guard, char **argv) {
  if (prepare(guard) != 0)
    fail(guard, "the guard");
  else if (mkdir(guard->directory, S_IRWXU) != 0)
    fail(guard, guard->directory);
  else
    guard->made = true;
  if (guard->made && give_order(guard) != 0)
    fail(guard, PROGRAM_PROBE);
  guard->nice = getpriority(PRIO_PROCESS, 0);
  go_first(); /* the grader shall know of the program before that can do anything */
  if (!ended(guard))
    start(guard, argv);
  go_early();
  supervise(guard);
  sweep(guard);
  if (!tell(0, "end %s\n", guard->end))
    guard->released = true;
  while (!guard->released)
    wait_for(guard, 3600);
  free(guard->descendants.list);
}

/* ---- main ---- */

static int usage(void) {
  fprintf(stderr, "usage: guard --directory DIR --memory BYTES --processes N --cpu MS --file BYTES "
                  "[--allow TEXT]... -- PROGRAM [ARGUMENT]...\n");
  return 2;
}

static bool read_limit(const char *text, double *limit) {
  char *rest = NULL;
  *limit = strtod(text, &rest);
  return rest != text && *rest == '\0' && *limit > 0;
}

/* Returns whether there is a program to run, with all of its limits. */
static bool read_options(struct guard *guard, int argc, char **argv) {
  static const struct option options[] = {{"directory", required_argument, NULL, 'd'},
                                          {"memory", required_argument, NULL, 'm'},
                                          {"processes", required_argument, NULL, 'p'},
                                          {"cpu", required_argument, NULL, 'c'},
                                          {"file", required_argument, NULL, 'f'},
                                          {"allow", required_argument, NULL, 'a'},
                                          {"order", required_argument, NULL, 'o'},
                                          {"compiler", no_argument, NULL, 'C'},
                                          {"any-language", no_argument, NULL, 'A'},
                                          {"same-user", no_argument, NULL, 'U'},
                                          {"without-landlock", no_argument, NULL, 'L'},
                                          {"without-filter", no_argument, NULL, 'F'},
                                          {NULL, 0, NULL, 0}};
  size_t allowed = 0;
  bool valid = true;
  for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
    switch (option) {
    case 'd': guard->directory = optarg; break;
    case 'm': valid &= read_limit(optarg, &guard->memory); break;
    case 'p': valid &= read_limit(optarg, &guard->processes); break;
    case 'c': valid &= read_limit(optarg, &guard->cpu); break;
    case 'f': valid &= read_limit(optarg, &guard->file); break;
    case 'a': guard->allowed[allowed++] = optarg; break;
    case 'o': guard->order = optarg; break;
    case 'C': guard->compiler = true; break;
    case 'A': guard->any_language = true; break;
    case 'U': guard->same_user = true; break;
    case 'L': guard->without_landlock = true; break;
    case 'F': guard->without_filter = true; break;
    default: valid = false;
    }
  }
  return valid && optind < argc && guard->directory != NULL && guard->memory > 0 &&
         guard->processes > 0 && guard->cpu > 0 && guard->file > 0;
}

int main(int argc, char **argv) {
  const char **allowed = calloc((size_t)argc + 1, sizeof *allowed);
  if (allowed == NULL)
    return 1;
  struct guard guard = {.allowed = allowed};
  if (!read_options(&guard, argc, argv)) {
    free(guard.allowed);
    return usage();
  }
  run(&guard, argv + optind);
  free(guard.allowed);
  return !guard.made || remove_directory(guard.directory, REMOVE_SECONDS) == 0 ? 0 : 1;
}
