/*
 * grade: grade the labs' programs.
 *
 *   grade --programs DIR [--any-language] [--lab NN] [--check ID] [--seed N] [--strict]
 *         [--pcap] [--output DIR] [--known FILE] [--strangers] [--again DIR] [--course FILE]
 *   grade --protection
 *
 * With --again nothing is run: what the checks of an earlier run have left in DIR,
 * its `checks`, is judged again.
 *
 * It runs itself again inside an enclosure (enclosure.h), and waits for that.
 * --strangers refuses to grade where too few layers keep a program in
 * (protection.h); --protection says which there are.
 * Programs in C may use what they are linked with; those in any language all that is installed
 * (allowance.h). Exit status: 0 when grading worked, whatever the score; with --strict 1 if it is
 * not full; 2 for wrong usage; 3 if the grader itself failed.
 */
#include <criterion/criterion.h>
#include <criterion/internal/ordered-set.h>
#include <criterion/logging.h>
#include <criterion/options.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "grader/base/course.h"
#include "grader/board/board.h"
#include "grader/board/score.h"
#include "grader/page/page.h"
#include "grader/result/beside.h"
#include "grader/result/gradescope.h"
#include "grader/result/outcome.h"
#include "grader/result/progress.h"
#include "grader/result/todo.h"
#include "grader/sandbox/disk.h"
#include "grader/sandbox/enclosure.h"
#include "grader/sandbox/protection.h"
#include "grader/wire/pcap.h"
#include "grader/wire/recording.h"

enum { JOBS_PER_PROCESSOR = 6 }; /* checks at once: what takes long in most of them is to wait */

/* Inside, this variable has the text of the course's file, if there is one. */
#define COURSE_TEXT "GRADE_COURSE"
enum { COURSE_SIZE = 16384 };

struct options {
  const char *programs;
  const char *lab;
  const char *check;
  const char *seed;
  const char *output;
  const char *known;      /* the table of known mistakes */
  char mutants[PATH_MAX]; /* the table beside it */
  bool any_language;
  const char *again; /* what an earlier run has left; NULL to run the checks */
  bool strict;
  bool pcap;
  bool strangers;     /* the programs are other people's */
  const char *course; /* the file of the course (course.h); NULL: there is none */
  bool protection;    /* only say how well this machine is protected */
};

/* Criterion tells how the checks ended in a callback without an argument of ours. */
static struct outcome_list outcomes;
static char checks_directory[PATH_MAX];

/* Here, while other checks run, there is time for it. */
static void on_post_test(struct criterion_test_stats *stats) {
  outcome_load(&outcomes, stats, checks_directory);
}

static void on_post_all(struct criterion_global_stats *stats) {
  outcome_collect(&outcomes, stats, checks_directory);
}

/* --- What is asked for ------------------------------------------------------------------------ */

static int usage(void) {
  fprintf(stderr,
          "usage: grade --programs DIR [--any-language] [--lab NN] [--check ID] [--seed N] "
          "[--strict] [--pcap] [--output DIR] [--known FILE] [--again DIR] [--course FILE]\n");
  return -1;
}

static int parse_options(struct options *options, int argc, char **argv) {
  static const struct option names[] = {
      {"programs", required_argument, NULL, 'p'}, {"any-language", no_argument, NULL, 'a'},
      {"lab", required_argument, NULL, 'l'},      {"check", required_argument, NULL, 'c'},
      {"seed", required_argument, NULL, 's'},     {"strict", no_argument, NULL, 'S'},
      {"output", required_argument, NULL, 'o'},   {"known", required_argument, NULL, 'k'},
      {"pcap", no_argument, NULL, 'P'},           {"strangers", no_argument, NULL, 'F'},
      {"again", required_argument, NULL, 'A'},    {"course", required_argument, NULL, 'C'},
      {"protection", no_argument, NULL, 'Q'},     {NULL, 0, NULL, 0}};
  int option;
  while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
    switch (option) {
    case 'p': options->programs = optarg; break;
    case 'a': options->any_language = true; break;
    case 'l': options->lab = optarg; break;
    case 'c': options->check = optarg; break;
    case 's': options->seed = optarg; break;
    case 'o': options->output = optarg; break;
    case 'k': options->known = optarg; break;
    case 'A': options->again = optarg; break;
    case 'C': options->course = optarg; break;
    case 'S': options->strict = true; break;
    case 'P': options->pcap = true; break;
    case 'F': options->strangers = true; break;
    case 'Q': options->protection = true; break;
    default: return usage();
    }
  }
  const char *slash = strrchr(options->known, '/');
  int folder = slash ? (int)(slash - options->known) + 1 : 0;
  snprintf(options->mutants, sizeof options->mutants, "%.*smutants.json", folder, options->known);
  return (options->programs || options->protection) && optind == argc ? 0 : usage();
}

/* "3", "03" or "lab03". */
static bool is_named(const struct lab *lab, const char *name) {
  const char *number = lab->id + strlen("lab");
  return strcmp(name, lab->id) == 0 || strcmp(name, number) == 0 ||
         (number[0] == '0' && strcmp(name, number + 1) == 0);
}

static bool is_here(const struct lab *lab) {
  return access(lab->folder, F_OK) == 0;
}

/* Which labs: the one with this name; or, for NULL, all that were handed out, as their folders
 * show, or all if there are no folders, and of these the ones that count in the course. Returns 0,
 * or -1 when there is no such lab. */
static int select_labs(struct run *run, const char *name) {
  bool found = false;
  bool any_here = false;
  for (size_t i = 0; i < labs_count; i++)
    any_here = any_here || is_here(&labs_all[i]);
  for (size_t i = 0; i < labs_count; i++) {
    const struct lab *lab = &labs_all[i];
    bool counts = !run->course || run->course->worth[i] > 0;
    run->selected[i] = name ? is_named(lab, name) : counts && (!any_here || is_here(lab));
    found = found || run->selected[i];
  }
  if (!found)
    fprintf(stderr, "grade: there is no lab %s\n", name);
  return found ? 0 : -1;
}

/* Whether one of its programs is there: what the others are missing, their checks say. */
static bool has_program(const char *folder, const struct lab *lab) {
  char path[PATH_MAX];
  for (size_t i = 0; lab->programs[i]; i++) {
    snprintf(path, sizeof path, "%s/%s/%s", folder, lab->folder, lab->programs[i]);
    if (access(path, X_OK) == 0)
      return true;
  }
  return false;
}

/* The pattern that chooses the tests, as Criterion takes it: "@(lab01|lab02)/ping".
 * Returns NULL if nothing is to be run. */
static const char *make_pattern(struct run *run) {
  static char pattern[512];
  size_t length = 0;
  for (size_t i = 0; i < labs_count; i++) {
    run->missing[i] = !has_program(run->programs, &labs_all[i]);
    if (run->selected[i] && !run->missing[i])
      length += (size_t)snprintf(pattern + length, sizeof pattern - length, "%s%s",
                                 length ? "|" : "@(", labs_all[i].id);
  }
  if (length == 0)
    return NULL;
  snprintf(pattern + length, sizeof pattern - length, ")/%s",
           run->only_check ? run->only_check : "*");
  return pattern;
}

static const struct outcome *find_check(const struct run *run, const char *id) {
  for (size_t i = 0; i < labs_count; i++) {
    const struct outcome *outcome = outcome_find(&outcomes, labs_all[i].id, id);
    if (run->selected[i] && outcome)
      return outcome;
  }
  return NULL;
}

/* --- The run ---------------------------------------------------------------------------------- */

/* Make a folder with all those above it. Returns 0 or -1. */
static int make_folder(const char *path) {
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(copy, 0777) != 0 && errno != EEXIST)
      return -1;
    *slash = '/';
  }
  return mkdir(copy, 0777) != 0 && errno != EEXIST ? -1 : 0;
}

/* Tell the checks, which run in processes of their own, what they need to know. Returns 0 or -1. */
static int set_environment(const struct options *options, const struct run *run) {
  char self[PATH_MAX];
  char guard[PATH_MAX + 16];
  char programs[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0 || !realpath(options->programs, programs)) {
    fprintf(stderr, "grade: %s: %s\n", options->programs, strerror(errno));
    return -1;
  }
  self[length] = '\0';
  snprintf(guard, sizeof guard, "%s/guard", dirname(self));
  snprintf(checks_directory, sizeof checks_directory, "%s/checks", options->output);
  if (make_folder(checks_directory) != 0) {
    fprintf(stderr, "grade: %s: %s\n", checks_directory, strerror(errno));
    return -1;
  }
  if ((options->pcap ? setenv(CHECK_PCAP, "1", 1) : unsetenv(CHECK_PCAP)) ||
      (options->any_language ? setenv(CHECK_ANY_LANGUAGE, "1", 1) : unsetenv(CHECK_ANY_LANGUAGE)) ||
      (run->only_check ? setenv(CHECK_ALONE, "1", 1) : unsetenv(CHECK_ALONE)))
    return -1;
  return setenv(CHECK_PROGRAMS, programs, 1) || setenv(CHECK_GUARD, guard, 1) ||
                 setenv(CHECK_SEED, run->seed, 1) || setenv(CHECK_DIRECTORY, checks_directory, 1)
             ? -1
             : 0;
}

/* The keys and certificates of an earlier run: their names are random. */
static void remove_old_identities(void) {
  char pattern[PATH_MAX + 32];
  glob_t found;
  snprintf(pattern, sizeof pattern, "%s/lab[0-9][0-9].*.pem", checks_directory);
  if (glob(pattern, 0, NULL, &found) != 0)
    return;
  for (size_t i = 0; i < found.gl_pathc; i++)
    unlink(found.gl_pathv[i]);
  globfree(&found);
}

/* Results of an earlier run must not be taken for those of this, which may be broken off. */
static void remove_old_results(const char *output) {
  static const char *const names[] = {"results.json", "results.xml",      "results.tap",
                                      "index.html",   "results.xml.part", "results.tap.part"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", output, names[i]);
    unlink(path);
  }
  for (size_t i = 0; i < outcomes.count; i++) {
    char path[PATH_MAX + 128];
    snprintf(path, sizeof path, "%s/%s.%s.json", checks_directory, outcomes.outcomes[i].check->lab,
             outcomes.outcomes[i].check->id);
    unlink(path);
    memcpy(strrchr(path, '.'), ".pcapng", sizeof ".pcapng");
    unlink(path);
  }
}

/* What Criterion has written appears whole, or not at all. */
static void show(const char *part) {
  char path[PATH_MAX + 64];
  snprintf(path, sizeof path, "%.*s", (int)(strlen(part) - strlen(".part")), part);
  if (rename(part, path) != 0)
    fprintf(stderr, "grade: %s: %s\n", path, strerror(errno));
}

static size_t checks_at_once(void) {
  size_t count = JOBS_PER_PROCESSOR * (size_t)get_nprocs();
  return count < DISKS ? count : DISKS;
}

/* Do not run the checks that the course hides. Returns 0, or -1 if one does not exist. */
static int hide_checks(struct criterion_test_set *set, const struct course *course) {
  size_t found = 0;
  FOREACH_SET(struct criterion_suite_set * suite, set->suites) {
    FOREACH_SET(struct criterion_test * test, suite->tests) {
      const struct check *check = test->data->data;
      if (course_hides(course, check->lab, check->id)) {
        test->data->disabled = true;
        found++;
      }
    }
  }
  if (found == course->hidden_count)
    return 0;
  fprintf(stderr, "grade: the course hides %zu checks, and only %zu of these exist\n",
          course->hidden_count, found);
  return -1;
}

static void run_checks(struct criterion_test_set *set, const char *pattern, const char *output) {
  static struct criterion_logger logger = {.log_post_test = on_post_test,
                                           .log_post_all = on_post_all};
  char xml[PATH_MAX + 32];
  char tap[PATH_MAX + 32];
  snprintf(xml, sizeof xml, "--xml=%s/results.xml.part", output);
  snprintf(tap, sizeof tap, "--tap=%s/results.tap.part", output);
  char *arguments[] = {"grade", xml, tap, NULL};
  optind = 0; /* Criterion parses its own with getopt, from the start */
  criterion_handle_args(3, arguments, false);
  criterion_options.logger = &logger;
  criterion_options.jobs = checks_at_once();
  criterion_options.pattern = pattern;
  criterion_options.always_succeed = true;
  criterion_run_all_tests(set);
  show(xml + strlen("--xml="));
  show(tap + strlen("--tap="));
}

/* Where the captures are, and how they are read: plain HTTP/2 is recognized by the client's
 * preface, which a program that is wrong may not send, and only where it comes first. */
static void print_captures(const struct outcome *only) {
  char name[256] = "*";
  if (only)
    snprintf(name, sizeof name, "%s.%s", only->check->lab, only->check->id);
  printf("\nThe capture%s: %s/%s.pcapng: open it in Wireshark, or with\n"
         "  tshark -d tcp.port==%d,http2 -r FILE\n",
         only ? "" : "s", checks_directory, name, PCAP_PORT);
}

/* The page is a way to look at the results: where it cannot be written, they stand all the same. */
static void write_page(const char *output, const struct run *run) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/index.html", output);
  if (page_write_report(path, run, &outcomes) != 0)
    fprintf(stderr, "grade: %s: %s\n", path, strerror(errno));
}

/* Run the checks, or take what they came to last time. Where there is no program, Criterion runs
 * none, and writes its files all the same. */
static void find_outcomes(const struct options *options, struct run *run,
                          struct criterion_test_set *set) {
  const char *pattern = make_pattern(run);
  double started = recording_clock();
  if (options->again)
    outcome_load_again(&outcomes, options->again);
  else
    run_checks(set, pattern ? pattern : "no/check", options->output);
  run->seconds = (recording_clock() - started) / 1e3;
  outcome_diagnose(&outcomes, options->known, options->mutants);
  todo_decide(&outcomes, run);
  run->beside = beside_read(options->output);
}

static void print_board(const struct options *options, const struct run *run,
                        const struct trace_style *style) {
  const struct outcome *only = run->only_check ? find_check(run, run->only_check) : NULL;
  if (only && only->verdict != OUTCOME_NOT_RUN)
    board_print_check(stdout, style, run, &outcomes, only);
  else
    board_print(stdout, style, run, &outcomes);
  if (options->pcap)
    print_captures(only);
  if (isatty(STDOUT_FILENO))
    printf("Page: %s/index.html\n", options->output);
}

/* What the next run and `make hint` ask for: the progress so far, and the next TODO of each lab. */
static void write_for_later(const struct options *options, const struct run *run,
                            const char *progress) {
  char next[PATH_MAX];
  snprintf(next, sizeof next, "%s/next", options->output);
  if (progress_write(progress, run->progress, run->programs, &outcomes) != 0)
    fprintf(stderr, "grade: %s cannot be written\n", progress);
  if (make_folder(next) != 0 || todo_write_next(next, &outcomes, run) != 0)
    fprintf(stderr, "grade: %s cannot be written\n", next);
}

static int grade(const struct options *options, struct run *run, struct criterion_test_set *set) {
  if (select_labs(run, options->lab) != 0 || set_environment(options, run) != 0)
    return 2;
  const struct outcome *only = run->only_check ? find_check(run, run->only_check) : NULL;
  if (run->only_check && !only) {
    fprintf(stderr, "grade: there is no check %s\n", run->only_check);
    return 2;
  }
  if (run->course && only && course_hides(run->course, only->check->lab, only->check->id)) {
    fprintf(stderr, "grade: only your instructor runs the check %s\n", run->only_check);
    return 2;
  }
  if (run->course && hide_checks(set, run->course) != 0)
    return 2;
  struct trace_style style = trace_style_for(stdout);
  remove_old_results(options->output);
  remove_old_identities();
  find_outcomes(options, run, set);
  run->left = enclosure_clean();
  char results[PATH_MAX];
  char progress[PATH_MAX];
  snprintf(results, sizeof results, "%s/results.json", options->output);
  snprintf(progress, sizeof progress, "%s/progress.json", options->output);
  if (gradescope_write(results, run, &outcomes) != 0) {
    fprintf(stderr, "grade: %s cannot be written\n", results);
    return 3;
  }
  write_page(options->output, run);
  json_t *before = options->strangers ? NULL : progress_load(progress); /* a stranger's last time */
  run->progress = before;                                               /* was somebody else's */
  print_board(options, run, &style);
  if (!options->strangers)
    write_for_later(options, run, progress);
  run->progress = NULL;
  json_decref(before);
  return outcome_faults(&outcomes) > 0 ? 3 : 0;
}

/* Read the file of the course, which may not be there inside. Returns 0 or -1. */
static int take_course(const char *path) {
  struct course course;
  char text[COURSE_SIZE];
  FILE *file = fopen(path, "re");
  size_t length = file ? fread(text, 1, sizeof text, file) : 0;
  bool failed = !file || ferror(file);
  if (failed)
    fprintf(stderr, "grade: %s: %s\n", path, strerror(errno));
  if (file)
    fclose(file);
  if (failed)
    return -1;
  if (length == sizeof text) {
    fprintf(stderr, "grade: %s is too long\n", path);
    return -1;
  }
  text[length] = '\0';
  return course_parse(&course, text, path) != 0 || setenv(COURSE_TEXT, text, 1) != 0 ? -1 : 0;
}

/* Run it again inside. Returns the exit status. */
static int enclose(const struct options *options, char **argv) {
  struct enclosure enclosure = {
      .programs = options->programs,
      .output = options->output,
      .known = options->known,
      .mutants = options->mutants,
      .checks = checks_at_once(),
  };
  if (options->strangers && protection_check() != 0)
    return 3;
  if (options->course ? take_course(options->course) != 0 : unsetenv(COURSE_TEXT) != 0)
    return 2;
  if (access(options->programs, R_OK | X_OK) != 0 || make_folder(options->output) != 0) {
    fprintf(stderr, "grade: %s: %s\n", options->programs, strerror(errno));
    return 2;
  }
  remove_old_results(options->output);
  return enclosure_run(&enclosure, argv);
}

/* Criterion keeps its tests' arguments in shared memory, and aborts without a word where there is
 * none. */
static bool has_shared_memory(void) {
  char name[64];
  snprintf(name, sizeof name, "/grade-%d", (int)getpid());
  int descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (descriptor < 0) {
    fprintf(stderr,
            "grade: there is no shared memory: /dev/shm: %s; `sudo mount -t tmpfs tmpfs /dev/shm`, "
            "or give your container one\n",
            strerror(errno));
    return false;
  }
  close(descriptor);
  shm_unlink(name);
  return true;
}

/* Criterion sets the user's locale, here and in each check; in some, 2.5 is printed as "2,5", and
 * Sunday is "So". */
static void print_plain_numbers_and_days(void) {
  const char *all = getenv("LC_ALL");
  if (all && *all != '\0') {
    setenv("LANG", all, 1);
    setenv("LC_CTYPE", all, 1);
    unsetenv("LC_ALL");
  }
  setenv("LC_NUMERIC", "C", 1);
  setenv("LC_TIME", "C", 1);
}

int main(int argc, char **argv) {
  struct options options = {.output = "build/grade",
                            .known = "grader/mistakes/known_mistakes.json"};
  if (parse_options(&options, argc, argv) != 0)
    return 2;
  if (options.protection)
    return protection_print(stdout);
  if (!getenv(ENCLOSURE_KIND))
    return enclose(&options, argv);
  if (!has_shared_memory())
    return 3;
  print_plain_numbers_and_days();
  char seed[32];
  uint64_t number = 0; /* too many to try them all: nobody may find out what comes */
  if (getrandom(&number, sizeof number, 0) != sizeof number || protection_hide() != 0)
    return 3;
  snprintf(seed, sizeof seed, "%" PRIu64, number >> 16);
  struct course course;
  const char *text = getenv(COURSE_TEXT);
  if (text && course_parse(&course, text, "course") != 0)
    return 2;
  struct run run = {.programs = options.programs,
                    .seed = options.seed ? options.seed : seed,
                    .only_check = options.check,
                    .course = text ? &course : NULL};
  struct criterion_test_set *set = criterion_initialize();
  int status = outcome_list_init(&outcomes, set) == 0 ? grade(&options, &run, set) : 3;
  if (status == 0 && options.strict && !run.only_check && !score_is_full(&run, &outcomes))
    status = 1;
  outcome_list_free(&outcomes);
  criterion_finalize(set);
  return status;
}
