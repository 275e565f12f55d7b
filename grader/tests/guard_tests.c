/* Nothing remains of a program, whatever it does and whatever happens to the grader. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox/ending.h"
#include "grader/sandbox/layer.h"
#include "grader/sandbox/protection.h"
#include "grader/tests/trial.h"

TestSuite(guard, .timeout = 60);

enum { MIB = 1 << 20 };

static const struct program_limits small = {
    .memory = 64 * MIB, .processes = 32, .cpu_seconds = 1, .file_size = MIB, .output = MIB};

/* Run as on a kernel that has neither Landlock nor filters for system calls: the guard must keep
 * programs in without them. */
static void leave_layers_out(void) {
  setenv(LAYER_WITHOUT, "landlock seccomp user", 1);
}

/* --- limits ----------------------------------------------------------------------------------- */

Test(guard, computes_without_end) {
  trial_run("loop", &small, PROGRAM_OVER_LIMIT, 0, "used more than 1 s of processor time");
}

/* On a slow machine, a program that takes memory without end runs out of processor time before it
 * has too much memory. */
Test(guard, computes_and_has_much_memory) {
  struct ending ending = {0};
  ending_read(&ending, "limit cpu, memory 41943040", &small);
  cr_assert_str_eq(ending.text, "used more than 1 s of processor time, and took 40 MiB of memory");
  ending_read(&ending, "limit cpu, memory 4194304", &small);
  cr_assert_str_eq(ending.text, "used more than 1 s of processor time");
}

static void expect_too_much_output(const char *words, bool error) {
  struct trial trial;
  size_t length;
  trial_begin(&trial);
  trial.limits = &small;
  trial_start(&trial, words);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_OVER_LIMIT, 0, "printed more than 1 MiB");
  if (error)
    program_stderr(trial.program, &length);
  else
    program_stdout(trial.program, &length);
  cr_assert_eq(length, MIB, "%zu bytes", length);
  trial_end(&trial);
}

Test(guard, prints_without_end) {
  expect_too_much_output("print", false);
  expect_too_much_output("print stderr", true);
}

Test(guard, prints_one_byte_more_than_allowed) {
  trial_run("talk 1048576 1048576 0", &small, PROGRAM_EXITED, 0, "exited with status 0");
  expect_too_much_output("talk 1048577 0 0", false);
  expect_too_much_output("talk 0 1048577 0", true);
}

Test(guard, allocates_without_end) {
  struct program_limits limits = small;
  trial_run("allocate", &limits, PROGRAM_OVER_LIMIT, 0, "used more than 64 MiB of memory");
  limits.memory = 10000000;
  trial_run("allocate", &limits, PROGRAM_OVER_LIMIT, 0, "used more than 10000000 bytes of memory");
}

/* /proc says of such a process that it has no memory at all. */
Test(guard, allocates_in_a_thread_that_survives_main) {
  struct program_limits limits = small;
  limits.cpu_seconds = 2;
  trial_run("allocate thread", &limits, PROGRAM_OVER_LIMIT, 0, "used more than 64 MiB of memory");
}

Test(guard, allocates_in_all_its_processes_together) {
  trial_run("crowd 5 20", &small, PROGRAM_OVER_LIMIT, 0, "used more than 64 MiB of memory");
}

Test(guard, writes_without_end) {
  trial_run("fill", &small, PROGRAM_OVER_LIMIT, 0, "wrote more than 1 MiB into files");
}

/* Files can take room, and time until they are removed, also where they are hard to count. */
static void expect_limit_of_folders(const char *words) {
  trial_run(words, &small, PROGRAM_OVER_LIMIT, 0,
            "made folders in too many levels, or unreadable ones");
}

Test(guard, makes_files_without_end) {
  struct program_limits limits = small;
  limits.cpu_seconds = 10;
  if (geteuid() == 0) /* root reads what is locked */
    trial_run("pile locked", &limits, PROGRAM_OVER_LIMIT, 0, "wrote more than 1 MiB into files");
  else
    expect_limit_of_folders("pile locked");
  expect_limit_of_folders("pile deep");
}

Test(guard, starts_too_many_processes) {
  trial_run("crowd 32", &small, PROGRAM_OVER_LIMIT, 0, "had more than 32 processes at once");
}

Test(guard, starts_as_many_processes_as_allowed) {
  struct trial trial;
  trial_begin(&trial);
  trial.limits = &small;
  trial_start(&trial, "crowd 31");
  trial_await_idle(&trial, 0.1);
  cr_assert_eq(trial_count_processes(&trial), 33, "%d processes", trial_count_processes(&trial));
  trial_end(&trial);
}

Test(guard, forks_without_end) {
  trial_run("bomb", NULL, PROGRAM_OVER_LIMIT, 0, "had more than 32 processes at once");
  trial_run("bomb session", NULL, PROGRAM_OVER_LIMIT, 0, "had more than 32 processes at once");
}

/* --- processes that want to stay -------------------------------------------------------------- */

static void expect_left_behind(const char *how) {
  struct trial trial;
  char words[64];
  snprintf(words, sizeof words, "leave %s", how);
  trial_begin(&trial);
  trial_start(&trial, words);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_EXITED, 5, "exited with status 5");
  trial_expect_output(&trial, "left");
  cr_assert_eq(trial_count_processes(&trial), 1, "more than the guard is left");
  trial_end(&trial);
}

Test(guard, leaves_a_process_behind) {
  const char *const ways[] = {"child", "closed", "session", "daemon"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    expect_left_behind(ways[i]);
  leave_layers_out();
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    expect_left_behind(ways[i]);
}

static void expect_swept(const char *words, enum program_end end) {
  struct trial trial;
  leave_layers_out();
  trial_begin(&trial);
  trial_start(&trial, words);
  trial_await_end(&trial);
  trial_expect(&trial, end, 0, NULL);
  cr_assert_eq(trial_count_processes(&trial), 1, "more than the guard is left");
  trial_end(&trial);
}

Test(guard, sweeps_processes_that_left_the_group) {
  expect_swept("comet", PROGRAM_EXITED);
  expect_swept("comet session", PROGRAM_EXITED);
  expect_swept("crowd 40 0 session", PROGRAM_OVER_LIMIT);
}

static void expect_only_stop_helps(const char *words, const char *output) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, words);
  trial_await_output(&trial, output);
  cr_assert_eq(program_signal(trial.program, SIGTERM), 0, "program_signal");
  trial_await_idle(&trial, 0.1);
  program_stop(trial.program);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_STOPPED, 0, "was stopped");
  cr_assert_eq(trial_count_processes(&trial), 1, "more than the guard is left");
  trial_end(&trial);
}

Test(guard, ignores_signals) {
  expect_only_stop_helps("deaf", "deaf\n");
}

Test(guard, is_traced_where_it_can_be) {
  leave_layers_out();
  expect_only_stop_helps("attack trace", "traced\n");
}

Test(guard, closes_its_descriptors) {
  struct trial trial;
  trial_run("mute exit", NULL, PROGRAM_EXITED, 7, "exited with status 7");
  trial_begin(&trial);
  trial_start(&trial, "mute");
  trial_await_idle(&trial, 0.1);
  cr_assert_not(program_ended(trial.program), "it only closed its descriptors");
  program_stop(trial.program);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_STOPPED, 0, "was stopped");
  trial_end(&trial);
}

/* --- attacks on the guard --------------------------------------------------------------------- */

/* A program can read the files among its arguments (certificates), even below a private folder that
 * the user whom root gives it cannot enter. */
Test(guard, reads_the_files_among_its_arguments) {
  char folder[] = "/tmp/guard-XXXXXX", path[64], words[80];
  cr_assert_not_null(mkdtemp(folder), "cannot make a private folder");
  snprintf(path, sizeof path, "%s/file", folder);
  FILE *file = fopen(path, "w");
  cr_assert(file && fputs("read", file) >= 0 && fclose(file) == 0, "%s", path);
  struct trial trial;
  trial_begin(&trial);
  snprintf(words, sizeof words, "/bin/cat %s", path);
  trial_start(&trial, words);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_EXITED, 0, NULL);
  trial_expect_output(&trial, "read");
  trial_end(&trial);
  unlink(path);
  rmdir(folder);
}

/* Otherwise the kernel could end the grader, or somebody else's program, for a large one. */
Test(guard, lets_the_kernel_end_programs_first) {
  struct trial trial;
  trial_begin(&trial);
  leave_layers_out();
  trial_start(&trial, "/bin/cat /proc/self/oom_score_adj");
  trial_await_end(&trial);
  trial_expect_output(&trial, "1000\n");
  trial_end(&trial);
}

Test(guard, refuses_system_calls) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "attack");
  trial_await_end(&trial);
  trial_expect_output(&trial, "everybody 1\nguard 1\nitself 0\ngroup 1\nsession 1\n");
  trial_end(&trial);
}

Test(guard, cannot_be_killed) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "attack 9");
  trial_await_idle(&trial, 0.1);
  cr_assert_not(program_ended(trial.program), "it %s", program_end_text(trial.program));
  trial_end(&trial);
}

Test(guard, is_killed_where_it_can_be) {
  struct trial trial;
  leave_layers_out();
  trial_begin(&trial);
  trial_start(&trial, "attack 9");
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_LOST, 0, "was lost: its guard was killed");
  program_free(trial.program);
  trial.program = NULL;
  trial_expect_nothing_left(&trial);
  trial_end(&trial);
}

Test(guard, is_suspended_where_it_can_be) {
  struct trial trial;
  leave_layers_out();
  trial_begin(&trial);
  trial_start(&trial, "attack 19");
  trial_run_for(&trial, 0.1);
  program_stop(trial.program);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_STOPPED, 0, "was stopped");
  trial_end(&trial);
}

/* --- the end of the grader -------------------------------------------------------------------- */

/* A grader in a process and a process group of its own. It starts a program, waits for a moment or
 * until the program ends, says where the program runs, and stays. */
enum when { AT_ONCE, LATER, AFTER_ITS_END };

static _Noreturn void be_grader(const char *mark, const char *words, enum when when, int answer) {
  struct trial trial;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* in case the test fails */
  setpgid(0, 0);
  trial_begin(&trial);
  snprintf(trial.mark, sizeof trial.mark, "%s", mark);
  trial_start(&trial, words);
  if (when == LATER)
    trial_run_for(&trial, 0.1);
  if (when == AFTER_ITS_END)
    trial_await_end(&trial);
  if (write(answer, trial.directory, sizeof trial.directory) < 0)
    _exit(1);
  for (;;)
    uv_run(&trial.loop, UV_RUN_ONCE);
}

static pid_t start_grader(struct trial *trial, const char *words, enum when when) {
  int answer[2];
  cr_assert_eq(pipe(answer), 0, "pipe");
  pid_t pid = fork();
  cr_assert_geq(pid, 0, "fork");
  if (pid == 0)
    be_grader(trial->mark, words, when, answer[1]);
  close(answer[1]);
  cr_assert_eq(read(answer[0], trial->directory, sizeof trial->directory),
               (ssize_t)sizeof trial->directory, "the grader's program did not start");
  close(answer[0]);
  return pid;
}

/* Send the signal to the grader's process group, as a terminal does. */
static void expect_clean_up(const char *words, enum when when, int number) {
  struct trial trial;
  trial_begin(&trial);
  pid_t grader = start_grader(&trial, words, when);
  cr_assert_eq(kill(-grader, number), 0, "kill");
  cr_assert_eq(waitpid(grader, NULL, 0), grader, "waitpid");
  trial_expect_nothing_left(&trial);
  trial_end(&trial);
}

Test(guard, grader_is_killed) {
  expect_clean_up("crowd 5", LATER, SIGKILL);
  expect_clean_up("loop", LATER, SIGKILL);
  expect_clean_up("leave daemon", LATER, SIGKILL);
}

Test(guard, grader_is_killed_at_once) {
  for (int i = 0; i < 5; i++)
    expect_clean_up("deaf", AT_ONCE, SIGKILL);
}

Test(guard, grader_is_killed_after_the_end_of_the_program) {
  expect_clean_up("talk 5 5 0", AFTER_ITS_END, SIGKILL);
}

Test(guard, grader_is_interrupted_from_the_terminal) {
  expect_clean_up("crowd 5", LATER, SIGINT);
}

/* A process that the grader started and that outlives the grader may keep its descriptors open. */
Test(guard, grader_is_killed_and_its_socket_stays_open) {
  struct trial trial;
  int stay[2];
  cr_assert_eq(pipe(stay), 0, "pipe");
  trial_begin(&trial);
  pid_t pid = fork();
  cr_assert_geq(pid, 0, "fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct trial own;
    trial_begin(&own);
    snprintf(own.mark, sizeof own.mark, "%s", trial.mark);
    trial_start(&own, "deaf");
    trial_await_output(&own, "deaf");
    if (fork() > 0)
      raise(SIGKILL);
    close(stay[1]);
    _exit(read(stay[0], own.mark, 1) != 0);
  }
  cr_assert_eq(waitpid(pid, NULL, 0), pid, "waitpid");
  trial_expect_nothing_left(&trial);
  close(stay[1]);
  close(stay[0]);
  trial_end(&trial);
}
