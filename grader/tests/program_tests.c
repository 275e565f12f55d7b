/* A program's output and its end, exactly and in time; its environment and its directory. */
#include "grader/sandbox/program.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox/layer.h"
#include "grader/sandbox/protection.h"
#include "grader/sandbox/sanitizer.h"
#include "grader/tests/trial.h"
#include "grader/wire/recording.h"

TestSuite(program, .timeout = 60);

/* --- output and end --------------------------------------------------------------------------- */

static void expect_talk(const char *seen, size_t length, size_t expected) {
  cr_assert_eq(length, expected, "%zu bytes, not %zu", length, expected);
  for (size_t i = 0; i < length; i++)
    cr_assert_eq((unsigned char)seen[i], (unsigned char)(i * 7 / 3), "byte %zu is %d", i, seen[i]);
  cr_assert_eq(seen[length], '\0', "no NUL at the end");
}

static void expect_exact(size_t out, size_t err, int status) {
  struct trial trial;
  char words[64];
  size_t length;
  snprintf(words, sizeof words, "talk %zu %zu %d", out, err, status);
  trial_begin(&trial);
  trial_start(&trial, words);
  cr_assert_eq(program_end(trial.program, NULL), PROGRAM_RUNNING, "the program has ended");
  trial_await_end(&trial);
  const char *seen = program_stdout(trial.program, &length);
  expect_talk(seen, length, out);
  seen = program_stderr(trial.program, &length);
  expect_talk(seen, length, err);
  trial_expect(&trial, PROGRAM_EXITED, status, NULL);
  cr_assert_str_empty(program_sanitizer_report(trial.program), "a report");
  trial_end(&trial);
}

Test(program, output_is_exact) {
  expect_exact(0, 0, 0);
  expect_exact(1, 0, 1);
  expect_exact(0, 700, 255);
  expect_exact(100000, 70000, 3);
  expect_exact(5000000, 1, 0);
}

Test(program, exit_status_in_words) {
  trial_run("talk 0 0 0", NULL, PROGRAM_EXITED, 0, "exited with status 0");
  trial_run("talk 0 0 1", NULL, PROGRAM_EXITED, 1, "exited with status 1");
}

Test(program, signal_in_words) {
  trial_run("signal 11", NULL, PROGRAM_KILLED, SIGSEGV, "was killed by SIGSEGV");
  trial_run("signal 9", NULL, PROGRAM_KILLED, SIGKILL, "was killed by SIGKILL");
  trial_run("signal 40", NULL, PROGRAM_KILLED, 40, "was killed by signal 40");
}

Test(program, not_started) {
  const enum program_end end = PROGRAM_NOT_STARTED;
  trial_run("missing", NULL, end, 0, "could not be started: No such file or directory");
  trial_run("/etc/passwd/x", NULL, end, 0, "could not be started: Not a directory");
  trial_run("/tmp", NULL, end, 0, "could not be started: Permission denied");
  trial_run("/proc/cpuinfo", NULL, end, 0, "could not be started: Permission denied");
}

Test(program, not_started_because_it_is_no_program) {
  char path[] = "/tmp/program-test-XXXXXX";
  int file = mkstemp(path);
  cr_assert_geq(file, 0, "mkstemp");
  fchmod(file, 0700);
  close(file);
  trial_run(path, NULL, PROGRAM_NOT_STARTED, 0, "could not be started: Exec format error");
  unlink(path);
}

/* When program_start fails, it leaves nothing behind. */
static void expect_no_start(const char *guard, int failure) {
  const char *const argv[] = {"/bin/true", NULL};
  uv_loop_t loop;
  cr_assert_eq(uv_loop_init(&loop), 0, "uv_loop_init");
  errno = 0;
  struct program *program = program_start(&loop, guard, argv, NULL, NULL, NULL, NULL);
  int seen = errno;
  cr_assert_null(program, "the program started without %s", guard);
  cr_assert_eq(seen, failure, "%s", strerror(seen));
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&loop), 0, "a handle is left");
}

Test(program, no_guard) {
  expect_no_start("build/grader/missing", ENOENT);
  expect_no_start("/tmp", EACCES);
}

Test(program, no_temporary_directory) {
  setenv("TMPDIR", "/nowhere", 1);
  expect_no_start("build/grader/guard", ENOENT);
}

Test(program, stop_before_and_after_its_end) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "wait");
  program_stop(trial.program);
  program_stop(trial.program);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_STOPPED, 0, "was stopped");
  program_stop(trial.program);
  trial_expect(&trial, PROGRAM_STOPPED, 0, "was stopped");
  cr_assert_eq(program_signal(trial.program, SIGTERM), -1, "program_signal succeeds after the end");
  trial_end(&trial);
}

Test(program, stop_after_its_end_changes_nothing) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "talk 5 5 5");
  trial_await_end(&trial);
  program_stop(trial.program);
  trial_run_for(&trial, 0.05);
  trial_expect(&trial, PROGRAM_EXITED, 5, "exited with status 5");
  trial_end(&trial);
}

Test(program, free_before_its_end) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "crowd 5");
  trial_await_output(&trial, "crowd");
  cr_assert_eq(trial_count_processes(&trial), 7, "%d processes", trial_count_processes(&trial));
  trial_end(&trial);
}

Test(program, free_at_once) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "crowd 5");
  trial_end(&trial);
  program_free(NULL);
}

Test(program, signal_is_delivered) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "wait");
  cr_assert_eq(program_signal(trial.program, SIGTERM), 0, "program_signal");
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_KILLED, SIGTERM, "was killed by SIGTERM");
  trial_end(&trial);
}

Test(program, loop_ends_with_the_program) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "talk 10 10 0");
  uv_unref((uv_handle_t *)&trial.tick);
  uv_run(&trial.loop, UV_RUN_DEFAULT);
  cr_assert(program_ended(trial.program), "the loop ended before the program");
  trial_end(&trial);
}

Test(program, many_at_once) {
  enum { COUNT = 20 };
  struct trial trial;
  struct program *programs[COUNT];
  const char *const argv[] = {"build/tests/hostile/talk", "70000", "70000", "4", NULL};
  trial_begin(&trial);
  for (int i = 0; i < COUNT; i++) {
    programs[i] =
        program_start(&trial.loop, trial.guard, argv, trial.environment, NULL, NULL, NULL);
    cr_assert_not_null(programs[i], "program %d", i);
  }
  for (int i = 0; i < COUNT; i++) {
    size_t length;
    trial.program = programs[i];
    trial_await_end(&trial);
    trial_expect(&trial, PROGRAM_EXITED, 4, NULL);
    const char *seen = program_stdout(programs[i], &length);
    expect_talk(seen, length, 70000);
    if (i < COUNT - 1)
      program_free(programs[i]);
  }
  trial_end(&trial);
}

/* --- idleness --------------------------------------------------------------------------------- */

Test(program, idle_when_it_waits) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "wait");
  trial_await_idle(&trial, 0.3);
  cr_assert_gt(trial.changes, 3, "on_change was called %d times", trial.changes);
  program_stop(trial.program);
  trial_await_end(&trial);
  cr_assert_eq(program_idle(trial.program), 0, "the program is idle after its end");
  trial_end(&trial);
}

Test(program, idle_when_it_stopped_itself) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, "signal 19");
  trial_await_idle(&trial, 0.2);
  program_stop(trial.program);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_STOPPED, 0, "was stopped");
  trial_end(&trial);
}

/* The program sleeps for 200 ms at a time. */
Test(program, idle_begins_anew) {
  struct trial trial;
  double longest = 0;
  double began = recording_clock();
  double awake = began;
  trial_begin(&trial);
  trial_start(&trial, "wait 200");
  for (int i = 0; i < 100 || (longest < 0.1 && i < 1000); i++) {
    trial_run_for(&trial, 0.01);
    if (program_idle(trial.program) > longest)
      longest = program_idle(trial.program);
    if (program_idle(trial.program) > 0)
      cr_assert_geq(program_asleep_since(trial.program), awake, "it sleeps since before it woke");
    else
      awake = program_asleep_since(trial.program);
  }
  cr_assert_gt(awake, began, "it was never awake");
  cr_assert(longest > 0.1 && longest < 0.25, "was idle for %g s, not 0.2 s", longest);
  trial_end(&trial);
}

static void expect_never_idle(const char *words) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, words);
  for (int i = 0; i < 50; i++) {
    trial_run_for(&trial, 0.01);
    cr_assert_eq(program_idle(trial.program), 0, "%s was idle", words);
  }
  trial_end(&trial);
}

Test(program, not_idle_when_a_thread_or_a_child_computes) {
  expect_never_idle("toil thread");
  expect_never_idle("toil child");
}

Test(program, not_idle_when_it_wakes_between_two_looks) {
  expect_never_idle("wait nap");
}

Test(program, not_idle_when_the_machine_is_too_busy) {
  enum { COUNT = 6 };
  struct trial others[COUNT];
  for (int i = 0; i < COUNT; i++) {
    trial_begin(&others[i]);
    trial_start(&others[i], "loop");
  }
  expect_never_idle("loop");
  for (int i = 0; i < COUNT; i++)
    trial_end(&others[i]);
}

/* --- its environment and its directory -------------------------------------------------------- */

Test(program, environment) {
  struct trial trial;
  char expected[16384];
  setenv("H2_TRACE", "1", 1);
  setenv("SSLKEYLOGFILE", "/tmp/keys", 1);
  setenv("GRADE_SEED", "4711", 1);
  setenv("LANG", "C.UTF-8", 1);
  setenv("TZ", "UTC", 1);
  trial_begin(&trial);
  trial.environment[1] = "TZ=UTC-1";
  trial.environment[2] = "ADDED=added=twice";
  trial_start(&trial, "show H2_TRACE SSLKEYLOGFILE GRADE_SEED LANG TZ ADDED");
  trial_await_end(&trial);
  snprintf(expected, sizeof expected,
           "H2_TRACE=(none)\nSSLKEYLOGFILE=(none)\nGRADE_SEED=(none)\nLANG=C.UTF-8\n"
           "TZ=UTC-1\nADDED=added=twice\ndirectory %s\n"
           "descriptor 0\ndescriptor 1\ndescriptor 2\ninput 0\n",
           trial.directory);
  trial_expect_output(&trial, expected);
  trial_end(&trial);
}

Test(program, environment_may_set_what_is_not_handed_on) {
  struct trial trial;
  setenv("H2_TRACE", "1", 1);
  trial_begin(&trial);
  trial.environment[1] = "H2_TRACE=frames.json";
  trial_start(&trial, "show H2_TRACE");
  trial_await_output(&trial, "H2_TRACE=frames.json\n");
  trial_end(&trial);
}

Test(program, signals_and_descriptors_of_the_grader_do_not_matter) {
  struct trial trial;
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGTERM);
  sigaddset(&some, SIGUSR1);
  sigprocmask(SIG_BLOCK, &some, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  cr_assert_eq(dup2(2, 77), 77, "dup2");
  trial_begin(&trial);
  trial_start(&trial, "show");
  trial_await_end(&trial);
  const char *seen = strstr(program_stdout(trial.program, NULL), "descriptor 0");
  const char *expected = "descriptor 0\ndescriptor 1\ndescriptor 2\ninput 0\n";
  cr_assert(seen != NULL && strcmp(seen, expected) == 0, "%s", seen);
  trial_end(&trial);
  close(77);
}

Test(program, directory) {
  struct trial trial;
  char parent[] = "/tmp/program test:XXXXXX";
  cr_assert_not_null(mkdtemp(parent), "mkdtemp");
  setenv("TMPDIR", parent, 1);
  trial_begin(&trial);
  trial_start(&trial, "leak");
  cr_assert(strncmp(trial.directory, parent, strlen(parent)) == 0, "%s", trial.directory);
  trial_await_end(&trial);
  struct stat status;
  cr_assert_eq(stat(trial.directory, &status), 0, "the directory is gone too early");
  cr_assert_eq(status.st_mode & 0777, 0700, "mode %o", status.st_mode);
  cr_assert_not_null(strstr(program_sanitizer_report(trial.program), "LeakSanitizer"), "no report");
  trial_end(&trial);
  cr_assert_eq(rmdir(parent), 0, "something is left in %s", parent);
}

Test(program, litter_is_removed) {
  setenv(LAYER_WITHOUT, "landlock seccomp", 1); /* these would not let the program make any of it */
  struct trial trial;
  char outside[] = "/tmp/program-test-XXXXXX";
  char words[128];
  cr_assert_not_null(mkdtemp(outside), "mkdtemp");
  char file[64];
  snprintf(file, sizeof file, "%s/file", outside);
  FILE *stream = fopen(file, "w");
  cr_assert(stream != NULL && fputs("kept: runtime error: x\n", stream) >= 0 &&
            fclose(stream) == 0);
  snprintf(words, sizeof words, "litter %s", file);
  trial_begin(&trial);
  trial_start(&trial, words);
  trial_await_end(&trial); /* the guard ends it if it looks while the tree is too deep */
  const char *report = program_sanitizer_report(trial.program);
  cr_assert(!strstr(report, "kept") && strstr(report, "has emptied the report"), "%s", report);
  trial_end(&trial);
  cr_assert_eq(unlink(file), 0, "a file outside is gone");
  cr_assert_eq(rmdir(outside), 0, "a directory outside is gone");
}

/* --- sanitizers ------------------------------------------------------------------------------- */

static void expect_report(const char *words, const char *report, int status) {
  struct trial trial;
  trial_begin(&trial);
  trial_start(&trial, words);
  trial_await_end(&trial);
  trial_expect(&trial, PROGRAM_EXITED, status, NULL);
  const char *seen = program_sanitizer_report(trial.program);
  if (report == NULL)
    cr_assert_str_empty(seen, "%s: %s", words, seen);
  else
    cr_assert_not_null(strstr(seen, report), "no \"%s\" in \"%s\"", report, seen);
  cr_assert_null(strstr(seen, "false positive"), "a false positive is in \"%s\"", seen);
  const char *error = program_stderr(trial.program, NULL);
  cr_assert_str_eq(error, "on stderr\n", "stderr is \"%s\"", error);
  trial_end(&trial);
}

Test(program, sanitizer_reports) {
  expect_report("leak", "Direct leak of 77 byte(s)", PROGRAM_SANITIZER_STATUS);
  expect_report("overflow", "heap-buffer-overflow", PROGRAM_SANITIZER_STATUS);
  expect_report("array", "'array' (line 6)", PROGRAM_SANITIZER_STATUS);
  expect_report("array", "SUMMARY: AddressSanitizer: stack-buffer-overflow",
                PROGRAM_SANITIZER_STATUS);
  expect_report("undefined", "undefined.c:9:7: runtime error: signed integer overflow",
                PROGRAM_SANITIZER_STATUS);
}

Test(program, sanitizer_options_of_the_grader_do_not_matter) {
  setenv("ASAN_OPTIONS", "detect_leaks=0:log_path=/tmp/elsewhere", 1);
  expect_report("leak", "Direct leak of 77 byte(s)", PROGRAM_SANITIZER_STATUS);
  expect_report("leak not", NULL, 3);
}

Test(program, failure_of_the_leak_sanitizer_is_no_report) {
  setenv(LAYER_WITHOUT, "landlock", 1); /* Landlock would not allow tracing */
  expect_report("traced", NULL, PROGRAM_SANITIZER_STATUS);
}

/* Read the reports, when process 77 has written `text` into its own. */
static void read_report_of_77(const char *text, pid_t pid, bool ended, struct buffer *report) {
  char directory[] = "/tmp/program-tests-XXXXXX";
  char path[64];
  cr_assert_not_null(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/sanitizer-report.77", directory);
  FILE *file = fopen(path, "w");
  cr_assert_not_null(file);
  fputs(text, file);
  fclose(file);
  cr_assert_eq(sanitizer_read_reports(directory, pid, ended, report), 0);
  unlink(path);
  rmdir(directory);
}

/* gcc 16's LeakSanitizer tries to fork first, and says so if it may not. */
Test(program, warning_of_the_leak_sanitizer_is_no_report) {
  static const char text[] = "==77==WARNING: TestPTrace() failed to fork (errno 1)\n";
  struct buffer own = {0};
  struct buffer of_other = {0};
  read_report_of_77(text, 77, false, &own);
  read_report_of_77(text, 78, false, &of_other);
  cr_assert_eq(own.length, 0, "%s", own.bytes);
  cr_assert_neq(of_other.length, 0, "another process has said it");
  buffer_free(&of_other);
}

/* A program that goes on after a report can overwrite it. */
Test(program, complaint_of_the_leak_sanitizer_ends_the_program) {
  static const char text[] = "==77==LeakSanitizer has encountered a fatal error.\n";
  struct buffer of_ended = {0};
  struct buffer of_going_on = {0};
  read_report_of_77(text, 77, true, &of_ended);
  read_report_of_77(text, 77, false, &of_going_on);
  cr_assert_eq(of_ended.length, 0, "%s", of_ended.bytes);
  cr_assert_neq(of_going_on.length, 0, "the program has written it itself");
  buffer_free(&of_going_on);
}

/* Forbid tracing, as some containers do. */
static void forbid_tracing(void) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = sizeof steps / sizeof *steps, .filter = steps};
  cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0, "PR_SET_NO_NEW_PRIVS");
  cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0, "PR_SET_SECCOMP");
}

Test(program, tracing_forbidden) {
  int status;
  pid_t child = fork(); /* LeakSanitizer has to look at this process too */
  cr_assert_geq(child, 0, "fork");
  if (child == 0) {
    forbid_tracing();
    expect_report("leak not", NULL, 3);
    expect_report("overflow", "heap-buffer-overflow", PROGRAM_SANITIZER_STATUS);
    _exit(42);
  }
  cr_assert_eq(waitpid(child, &status, 0), child, "waitpid");
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42, "status %x", status);
}
