/* enclosure: see enclosure.h. */
#include "grader/sandbox/enclosure.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader/sandbox/disk.h"
#include "grader/sandbox/layer.h"
#include "grader/sandbox/remove.h"

enum {
  WALL_SECONDS = 1200, /* of the whole grading: sixty times what it takes on a small machine */
  CLEAN_SECONDS = 120, /* to remove what programs have left, where their guards could not */
  WORDS = 1024,
  TMP_SIZE = 64 << 20,
};

static const char not_enclosed[] = "";

/* ---- the command ---- */

struct command {
  char *words[WORDS + 1]; /* NULL ends them */
  size_t count;
};

/* An argument without room or memory makes the command useless. */
static void add(struct command *command, const char *word) {
  char *copy = command->count < WORDS ? strdup(word) : NULL;
  if (copy == NULL) {
    fprintf(stderr, "grade: the command for bwrap is too long\n");
    exit(3);
  }
  command->words[command->count++] = copy;
} /* NOLINT(clang-analyzer-unix.Malloc): free_command frees it */

static void add_all(struct command *command, ...) {
  va_list words;
  va_start(words, command);
  for (const char *word = va_arg(words, const char *); word != NULL;
       word = va_arg(words, const char *))
    add(command, word);
  va_end(words);
}

/* The folders above it may be inside a hidden one: bwrap would make them again, for root alone, and
 * a program of another user could not pass. */
static void add_folders_above(struct command *command, const char *path) {
  char folder[PATH_MAX];
  for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    add_all(command, "--perms", "0755", "--dir", folder, NULL);
  }
}

static void add_bind(struct command *command, const char *how, const char *path) {
  char real[PATH_MAX];
  if (realpath(path, real) == NULL)
    return;
  add_folders_above(command, real);
  add_all(command, how, real, real, NULL);
}

/* Put an empty folder over each that this pattern names. */
static void hide(struct command *command, const char *pattern) {
  glob_t found;
  if (glob(pattern, GLOB_ONLYDIR, NULL, &found) != 0)
    return;
  for (size_t i = 0; i < found.gl_pathc; i++) {
    char real[PATH_MAX];
    struct stat status;
    if (realpath(found.gl_pathv[i], real) != NULL && lstat(found.gl_pathv[i], &status) == 0 &&
        S_ISDIR(status.st_mode))
      add_all(command, "--tmpfs", real, NULL);
  }
  globfree(&found);
}

/* A folder in the one that make builds in. */
static const char *built(const char *folder, char path[PATH_MAX]) {
  const char *build = getenv("BUILD");
  snprintf(path, PATH_MAX, "%s/%s", build != NULL ? build : "build", folder);
  return path;
}

static void hide_built(struct command *command, const char *folder) {
  char path[PATH_MAX];
  hide(command, built(folder, path));
}

static void add_namespaces(struct command *command) {
  add_all(command, "bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-net",
          "--unshare-uts", NULL);
  if (geteuid() != 0) /* root stays root, so that the guard can make each program another user's */
    add_all(command, "--unshare-user", "--cap-drop", "ALL", NULL);
  add_all(command, "--ro-bind", "/", "/", NULL);
}

/* Whether we grade the solutions: then do not hide them. */
static bool are_solutions(const char *programs) {
  char path[PATH_MAX];
  char real[PATH_MAX];
  char solutions[PATH_MAX];
  return realpath(programs, real) != NULL &&
         realpath(built("solutions", path), solutions) != NULL && strcmp(real, solutions) == 0;
}

static void add_disk(struct command *command, size_t size, const char *folder) {
  char bytes[32];
  snprintf(bytes, sizeof bytes, "%zu", size);
  add_all(command, "--size", bytes, "--tmpfs", folder, NULL);
}

/* A disk for each check: disk.h. */
static void add_disks(struct command *command, size_t count) {
  char folder[PATH_MAX];
  for (int i = 0; i < (int)count; i++) {
    snprintf(folder, sizeof folder, DISK_FORMAT, "/tmp", i);
    add_disk(command, DISK_SIZE, folder);
  }
}

/* What is one's own, and other people's. */
static void add_files(struct command *command, const struct enclosure *enclosure,
                      const char *self) {
  static const char *const others[] = {"/home", "/root", "/srv", "/mnt", "/media", "/run"};
  static const char *const secrets[] = {"grader/mistakes", "grader/tests", ".git"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    hide(command, others[i]);
  add_disk(command, TMP_SIZE, "/tmp");
  add_disks(command, enclosure->checks);
  add_all(command, "--dev", "/dev", "--proc", "/proc", NULL);
  add_bind(command, "--ro-bind", ".");
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
    hide(command, secrets[i]);
  hide_built(command, "tests");
  hide_built(command, "mistakes");
  if (!are_solutions(enclosure->programs)) {
    hide(command, "lab[0-9][0-9]-*/solution");
    hide_built(command, "solutions");
  }
  add_bind(command, "--ro-bind", enclosure->programs);
  add_bind(command, "--ro-bind", self);
  add_bind(command, "--ro-bind", enclosure->known);
  add_bind(command, "--ro-bind", enclosure->mutants);
  add_bind(command, "--bind", enclosure->output);
}

static void free_command(struct command *command) {
  for (size_t i = 0; i < command->count; i++)
    free(command->words[i]);
  *command = (struct command){0};
}

/* ---- the process ---- */

static volatile sig_atomic_t interrupted; /* by this signal: what a handler may note */

static void on_signal(int number) {
  interrupted = number;
}

/* In the child. */
static _Noreturn void become(char *const *words, const char *kind, pid_t parent) {
  (void)setenv(ENCLOSURE_KIND, kind, 1);
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent)
    execvp(words[0], words);
  fprintf(stderr, "grade: %s: %s\n", words[0], strerror(errno));
  _exit(127);
}

static double now(void) {
  struct timespec time = {0};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* End it, whatever it does: bubblewrap ends everything inside; without bubblewrap, end the process
 * groups. */
static void end(pid_t pid, int number) {
  (void)kill(pid, number);
  (void)kill(-pid, number);
}

/* Wait for the child, the clock, or a signal for us. Returns its exit status, 128 and more for a
 * signal, or -1 with why said. */
static int await_end(pid_t pid, double deadline) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGCHLD);
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    struct timespec tick = {.tv_sec = 1};
    (void)sigtimedwait(&wanted, NULL, &tick); /* also when another signal comes */
    if (interrupted != 0)
      end(pid, interrupted);
    if (now() <= deadline)
      continue;
    fprintf(stderr,
            "grade: the grading did not end within %d s, and was stopped: there are no results\n",
            WALL_SECONDS);
    end(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(char *const *words, const char *kind) {
  pid_t parent = getpid();
  struct sigaction action = {.sa_handler = on_signal};
  sigset_t child;
  sigset_t before;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0 ||
      sigprocmask(SIG_BLOCK, &child, &before) != 0)
    return -1;
  pid_t pid = fork();
  if (pid == 0) {
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    become(words, kind, parent);
  }
  return pid < 0 ? -1 : await_end(pid, now() + WALL_SECONDS);
}

/* Without bubblewrap: use a separate folder below the folder for temporary files, instead of a
 * private /tmp. Nobody can list it, and programs of other users can pass through. */
static int run_in_folder(char *const *words) {
  const char *parent = getenv("TMPDIR");
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%s/grade-XXXXXX", parent && *parent ? parent : "/tmp");
  if (mkdtemp(folder) == NULL || chmod(folder, 0711) != 0 || setenv("TMPDIR", folder, 1) != 0) {
    fprintf(stderr, "grade: %s: %s\n", folder, strerror(errno));
    return 3;
  }
  int status = run(words, not_enclosed);
  if (remove_directory(folder, CLEAN_SECONDS) != 0)
    fprintf(stderr, "grade: %s cannot be removed, with what programs have left in it: %s\n", folder,
            strerror(errno));
  return status;
}

/* Inside bubblewrap, everything goes with the disks. */
size_t enclosure_clean(void) {
  const char *kind = getenv(ENCLOSURE_KIND);
  const char *folder = getenv("TMPDIR");
  char pattern[PATH_MAX];
  glob_t found;
  size_t left = 0;
  snprintf(pattern, sizeof pattern, "%s/" DISK_PROGRAM "*", folder != NULL ? folder : "");
  if (kind == NULL || strcmp(kind, not_enclosed) != 0 || folder == NULL ||
      glob(pattern, 0, NULL, &found) != 0)
    return 0;
  double deadline = now() + CLEAN_SECONDS;
  for (size_t i = 0; i < found.gl_pathc; i++)
    left += remove_directory(found.gl_pathv[i], deadline - now()) != 0;
  globfree(&found);
  return left;
}

/* ---- what is asked for ---- */

bool enclosure_is_there(void) {
  struct command command = {0};
  if (layer_is_off("bubblewrap"))
    return false;
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDERR_FILENO) < 0)
      _exit(1);
    add_namespaces(&command);
    add_all(&command, "--dev", "/dev", "--proc", "/proc", "--", "/bin/true", NULL);
    execvp(command.words[0], command.words);
    _exit(1);
  }
  int status = 1;
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int enclosure_run(const struct enclosure *enclosure, char **argv) {
  char self[PATH_MAX];
  char folder[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0 || getcwd(folder, sizeof folder) == NULL) {
    fprintf(stderr, "grade: %s\n", strerror(errno));
    return 3;
  }
  self[length] = '\0';
  int status;
  if (enclosure_is_there()) {
    struct command command = {0};
    char place[PATH_MAX];
    snprintf(place, sizeof place, "%.*s", (int)(strrchr(self, '/') - self), self);
    add_namespaces(&command);
    add_files(&command, enclosure, place);
    add_all(&command, "--chdir", folder, "--setenv", "TMPDIR", "/tmp", "--", self, NULL);
    for (char **argument = argv + 1; *argument != NULL; argument++)
      add(&command, *argument);
    status = run(command.words, "bubblewrap");
    free_command(&command);
  } else {
    argv[0] = self;
    status = run_in_folder(argv);
  }
  if (status == 0 || status == 1 || status == 2)
    return status;
  if (status > 3 && interrupted == 0)
    fprintf(stderr, "grade: the grading ended too early: there are no results\n");
  return 3;
}
