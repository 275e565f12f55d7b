/*
 * compile: compile a student's program, which is a stranger's file, in bounds.
 *
 *   compile --source FILE --output PROGRAM --files LIST [--header FILE]... [--archive FILE]...
 *           -- COMPILER [FLAG]... [LIBRARY]...
 *
 * FILE is taken as submission.h says, and copied into a folder of its own, together with the
 * headers: the compiler sees these, the archives, and what LIST names (it has the lines that
 * grader/tools/compiler_files.sh writes), and nothing else. In this order:
 *
 *   1. forbidden.h: words in its text; submission.h: which files it includes
 *   2. compile, behind forbidden.h's header
 *   3. preprocessed.h: words in its text once all macros are expanded
 *   4. forbidden.h: names in its object; then all but main are made the file's own
 *   5. link
 *
 * The compiler runs under the guard, as the program will: its time, memory, files and output are
 * bounded. What it says is written to
 * PROGRAM.log, and PROGRAM is made only if it succeeds. Status 0 even where it does not: the grader
 * reads the log, and the other labs are graded. 1 if the work itself could not be done, 2 for wrong
 * usage.
 *
 * PROGRAM.key has the digest of everything that it was made of: where that is the same, it is not
 * made anew. Time stamps do not matter: an old file may have come just now.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "grader/base/elf_symbols.h"
#include "grader/base/text.h"
#include "grader/sandbox/forbidden.h"
#include "grader/sandbox/preprocessed.h"
#include "grader/sandbox/program.h"
#include "grader/sandbox/remove.h"
#include "grader/sandbox/submission.h"

static const struct program_limits limits = {
    .memory = (size_t)2 << 30,
    .processes = 32,
    .cpu_seconds = 10,
    .file_size = (size_t)64 << 20,
    .output = (size_t)1 << 20,
    .compiler = true,
};

enum {
  WALL_SECONDS = 120,
  IDLE_SECONDS = 3,
  TICK_MS = 250,
  FILES = 64,
  ALLOWED = 1024,
  LOG_SIZE = 64 << 10
};

#define FORBIDDEN_HEADER "forbidden_names.h" /* in the view */

/* Why a name is an error. */
#define GOES_AROUND "by it, a program could go around what watches it"

/* What the timer looks at. */
struct wait {
  struct program *program;
  uint64_t began;
};

struct work {
  const char *source, *output, *list;
  struct buffer lines;              /* of the list; a NUL ends each */
  const char *allowed[ALLOWED + 1]; /* they */
  const char *headers[FILES + 1];
  const char *archives[FILES + 1];
  char **compiler; /* its command line; NULL ends it */
  char root[PATH_MAX];
  char view[PATH_MAX]; /* the folder that the compiler sees; "" before it is made */
  struct buffer content;
  struct buffer log;
  char digest[2 * EVP_MAX_MD_SIZE + 1];
};

/* ---- what is compiled from what ---- */

static int read_file(const char *path, struct buffer *content) {
  char chunk[65536];
  size_t length;
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return -1;
  int result = 0;
  while (result == 0 && (length = fread(chunk, 1, sizeof chunk, file)) > 0)
    result = buffer_append(content, chunk, length);
  if (ferror(file))
    result = -1;
  fclose(file);
  return result;
}

static int write_file(const char *path, const void *bytes, size_t length, mode_t mode) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
  if (file < 0)
    return -1;
  ssize_t written = write(file, bytes, length);
  return close(file) != 0 || written != (ssize_t)length ? -1 : 0;
}

/* Each piece comes after its length, so that none can pass for the end of another. */
static int digest_bytes(EVP_MD_CTX *digest, const void *bytes, size_t length) {
  return EVP_DigestUpdate(digest, &length, sizeof length) == 1 &&
                 EVP_DigestUpdate(digest, bytes, length) == 1
             ? 0
             : -1;
}

static int digest_files(EVP_MD_CTX *digest, const char *const *paths) {
  int result = 0;
  for (size_t i = 0; result == 0 && paths[i] != NULL; i++) {
    struct buffer content = {0};
    result = read_file(paths[i], &content);
    if (result != 0)
      fprintf(stderr, "compile: %s: %s\n", paths[i], strerror(errno));
    if (result == 0)
      result = digest_bytes(digest, paths[i], strlen(paths[i]));
    if (result == 0)
      result = digest_bytes(digest, content.bytes, content.length);
    buffer_free(&content);
  }
  return result;
}

/* Of the file, the headers, the archives, the command, the place, and this program. */
static int make_digest(struct work *work) {
  const char *const self[] = {"/proc/self/exe", NULL};
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_MD_CTX *digest = EVP_MD_CTX_new();
  int result = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 ? 0 : -1;
  if (result == 0)
    result = digest_bytes(digest, work->content.bytes, work->content.length);
  if (result == 0)
    result = digest_files(digest, work->headers);
  if (result == 0)
    result = digest_files(digest, work->archives);
  if (result == 0)
    result = digest_files(digest, self);
  if (result == 0)
    result = digest_bytes(digest, work->root, strlen(work->root));
  for (char **word = work->compiler; result == 0 && *word != NULL; word++)
    result = digest_bytes(digest, *word, strlen(*word));
  if (result == 0 && EVP_DigestFinal_ex(digest, value, &length) != 1)
    result = -1;
  EVP_MD_CTX_free(digest);
  for (unsigned i = 0; i < length; i++)
    snprintf(work->digest + 2 * (size_t)i, 3, "%02x", value[i]);
  return result;
}

static const char *beside(const struct work *work, const char *suffix, char path[PATH_MAX]) {
  snprintf(path, PATH_MAX, "%s.%s", work->output, suffix);
  return path;
}

/* Whether the program already exists, made from the same input. */
static bool is_made(const struct work *work) {
  char path[PATH_MAX];
  struct buffer key = {0};
  bool same = read_file(beside(work, "key", path), &key) == 0 &&
              key.length == strlen(work->digest) &&
              memcmp(key.bytes, work->digest, key.length) == 0;
  buffer_free(&key);
  return same && access(work->output, X_OK) == 0 && access(beside(work, "log", path), R_OK) == 0;
}

/* ---- the compiler's view ---- */

/* Read the list. */
static int take_list(struct work *work) {
  size_t count = 0;
  if (read_file(work->list, &work->lines) != 0 || buffer_append(&work->lines, "", 1) != 0) {
    fprintf(stderr, "compile: %s: %s\n", work->list, strerror(errno));
    return -1;
  }
  for (char *line = work->lines.bytes; *line != '\0' && count < ALLOWED;) {
    char *end = line + strcspn(line, "\n");
    work->allowed[count++] = line;
    line = *end != '\0' ? end + 1 : end;
    *end = '\0';
  }
  return 0;
}

/* Make the folders above a file. */
static int make_folders(const char *path) {
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(copy, 0755) != 0 && errno != EEXIST)
      return -1;
    *slash = '/';
  }
  return 0;
}

static int put(const struct work *work, const char *name, const struct buffer *content) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", work->view, name) >= (int)sizeof path)
    return -1;
  return make_folders(path) != 0 ? -1 : write_file(path, content->bytes, content->length, 0644);
}

static int make_view(struct work *work) {
  const char *parent = getenv("TMPDIR");
  char view[PATH_MAX];
  snprintf(view, sizeof view, "%s/compile-XXXXXX", parent != NULL && *parent ? parent : "/tmp");
  struct buffer forbidden = {0};
  if (mkdtemp(view) == NULL || realpath(view, work->view) == NULL ||
      put(work, work->source, &work->content) != 0)
    return -1;
  int kept = buffer_append_text(&forbidden, forbidden_header);
  if (kept == 0)
    kept = put(work, FORBIDDEN_HEADER, &forbidden);
  buffer_free(&forbidden);
  if (kept != 0)
    return -1;
  for (size_t i = 0; work->headers[i] != NULL; i++) {
    struct buffer header = {0};
    int result = read_file(work->headers[i], &header);
    if (result == 0)
      result = put(work, work->headers[i], &header);
    buffer_free(&header);
    if (result != 0)
      return -1;
  }
  return 0;
}

/* ---- the compiler ---- */

/* The compiler as the shell would find it. */
static const char *find_command(const char *name, char path[PATH_MAX]) {
  const char *folders = getenv("PATH");
  if (strchr(name, '/') != NULL)
    return realpath(name, path);
  while (folders != NULL && *folders != '\0') {
    size_t length = strcspn(folders, ":");
    snprintf(path, PATH_MAX, "%.*s/%s", (int)length, folders, name);
    if (length > 0 && access(path, X_OK) == 0)
      return path;
    folders += length + (folders[length] == ':');
  }
  return NULL;
}

/* The guard starts the compiler in a folder to which it may write. From there it changes to its
 * view, so that its messages have the file's own name. */
static const char script[] = "out=$PWD; cd \"$1\" && shift && exec \"$@\" -o \"$out/program\"";

/* Whether a word of the command is only for the linker. */
static bool is_linkers(const char *word) {
  static const char *const beginnings[] = {"-Wl,", "-l", "-L", "-fuse-ld=", "-static-", "-no-pie"};
  for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
    if (strncmp(word, beginnings[i], strlen(beginnings[i])) == 0)
      return true;
  return false;
}

/* What the compiler does, and makes. */
enum step { PREPROCESS, COMPILE, LINK };

/* Make the command: the shell, the script, and what follows is the script's. Preprocess or compile
 * the source, or link `object`. */
static const char **make_command(const struct work *work, enum step step, const char *compiler,
                                 char *map, const char *object) {
  size_t count = 0;
  while (work->compiler[count] != NULL)
    count++;
  const char **command = calloc(count + FILES + 16, sizeof *command);
  size_t n = 0;
  if (command == NULL)
    return NULL;
  command[n++] = "/bin/sh";
  command[n++] = "-c";
  command[n++] = script;
  command[n++] = "sh";
  command[n++] = work->view;
  command[n++] = compiler;
  command[n++] = step == LINK ? object : map; /* before the archives and the libraries */
  for (size_t i = 0; step == LINK && work->archives[i] != NULL; i++)
    command[n++] = work->archives[i];
  for (size_t i = 1; i < count; i++)
    if (step == LINK || !is_linkers(work->compiler[i]))
      command[n++] = work->compiler[i];
  if (step != LINK) {
    command[n++] = "-include";
    command[n++] = "./" FORBIDDEN_HEADER;
    command[n++] = step == COMPILE ? "-c" : "-E";
    command[n++] = work->source;
  }
  return command;
}

/* The signal that asks this program to end, once its folder is removed; 0 if none has come. */
static volatile sig_atomic_t ends_by;

static void on_signal(int number) {
  ends_by = number;
}

/* Returns 0 or -1. */
static int catch_signals(void) {
  const struct sigaction action = {.sa_handler = on_signal};
  return sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0 ||
                 sigaction(SIGHUP, &action, NULL) != 0
             ? -1
             : 0;
}

/* A compiler computes; one that sleeps waits for something that a file made it open. */
static void on_time(uv_timer_t *timer) {
  const struct wait *wait = timer->data;
  if (ends_by != 0 || program_idle(wait->program) >= IDLE_SECONDS ||
      uv_now(timer->loop) - wait->began >= WALL_SECONDS * 1000)
    program_stop(wait->program);
}

/* Say in one line what is wrong with the file. */
static void log_error(struct work *work, const char *text) {
  buffer_append_text(&work->log, work->source);
  buffer_append_text(&work->log, ":");
  buffer_append_text(&work->log, text);
  buffer_append_text(&work->log, "\n");
}

/* Whether a line is the compiler's own: about the file, or with a piece of it behind a bar. */
static bool is_compilers(const char *line, size_t length, const char *source) {
  static const char *const starts[] = {
      "In file included", "cc1: ", "collect2: ", "/usr/bin/ld: ", "mold: ", "ld.lld: ", ">>> "};
  size_t blank = strspn(line, " 0123456789");
  if (blank > 0 && blank < length && line[blank] == '|')
    return true;
  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
    if (strncmp(line, starts[i], strlen(starts[i])) == 0)
      return true;
  return strncmp(line, source, strlen(source)) == 0;
}

/* Whether the line is an error about a name that forbidden.h refuses in the source. */
static bool is_about_name(const char *line, size_t length) {
  return memmem(line, length, ": error: ", 9) != NULL &&
         (memmem(line, length, "poisoned", 8) != NULL ||
          memmem(line, length, "may be instructions", 19) != NULL);
}

/* What the compiler has said. A file can make it say lines of any words, such as those of a
 * scoreboard: they stand behind a bar. */
static void log_lines(struct work *work, const char *said, size_t length) {
  for (const char *end = said + length; said < end;) {
    const char *newline = memchr(said, '\n', (size_t)(end - said));
    size_t line = newline != NULL ? (size_t)(newline - said) + 1 : (size_t)(end - said);
    if (!is_compilers(said, line, work->source))
      buffer_append_text(&work->log, "| ");
    text_append_clean(&work->log, said, newline != NULL ? line - 1 : line);
    if (is_about_name(said, line))
      buffer_append_text(&work->log, ": it is not for a lab's program: " GOES_AROUND);
    buffer_append_text(&work->log, "\n"); /* also where it was cut: others say more behind it */
    said += line;
  }
}

/* Take what it has made from the guard's folder. */
static int take_file(const struct program *program, struct buffer *made) {
  char from[PATH_MAX + 16];
  snprintf(from, sizeof from, "%s/program", program_directory(program));
  return read_file(from, made);
}

static int keep_program(const struct work *work, const struct buffer *bytes) {
  char made[PATH_MAX];
  int result = write_file(beside(work, "new", made), bytes->bytes, bytes->length, 0755);
  return result == 0 ? rename(made, work->output) : result;
}

static int take_result(struct work *work, const struct program *program, bool late,
                       struct buffer *made) {
  char text[512];
  int code = 0;
  size_t length = 0;
  const char *said = program_stderr(program, &length);
  log_lines(work, said, length < LOG_SIZE ? length : LOG_SIZE);
  if (program_end(program, &code) == PROGRAM_EXITED && code == 0)
    return take_file(program, made);
  if (program_end(program, &code) != PROGRAM_EXITED) {
    snprintf(text, sizeof text, "1: error: the compiler %s",
             late ? "did not finish" : program_end_text(program));
    log_error(work, text);
  }
  return 1;
}

/* Returns 0 with what it has made, 1 if the file does not compile, -1 if compiling was
 * impossible. */
static int run_compiler(struct work *work, const char *const command[], const char *guard,
                        struct buffer *made) {
  uv_loop_t loop;
  uv_timer_t timer;
  if (uv_loop_init(&loop) != 0 || uv_timer_init(&loop, &timer) != 0)
    return -1;
  static const char *const environment[] = {"LC_ALL=C.UTF-8", NULL};
  struct program_limits bounds = limits;
  bounds.allowed = work->allowed;
  struct program *program = program_start(&loop, guard, command, environment, &bounds, NULL, NULL);
  int result = -1;
  struct wait wait = {program, uv_now(&loop)};
  timer.data = &wait;
  if (program != NULL && uv_timer_start(&timer, on_time, TICK_MS, TICK_MS) == 0) {
    while (!program_ended(program))
      uv_run(&loop, UV_RUN_ONCE);
    result = take_result(work, program, program_end(program, NULL) == PROGRAM_STOPPED, made);
  }
  program_free(program);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  return result;
}

/* One step: the same as run_compiler. */
static int run_step(struct work *work, enum step step, const char *compiler, char *map,
                    const char *object, const char *guard, struct buffer *made) {
  const char **command = make_command(work, step, compiler, map, object);
  int result = command != NULL ? run_compiler(work, command, guard, made) : -1;
  free(command);
  return result;
}

/* Look at what macros make of the file. The preprocessor says nothing that the compiler has not
 * said. Returns 0; 1, and the log says why not; -1 if it was impossible. */
static int check_macros(struct work *work, const char *compiler, char *map, const char *guard) {
  char word[128];
  char text[256];
  int line = 0;
  struct buffer made = {0};
  size_t said = work->log.length;
  int result = run_step(work, PREPROCESS, compiler, map, NULL, guard, &made);
  if (result == 0) {
    work->log.length = said;
    result = preprocessed_find(&made, work->source, word, sizeof word, &line) ? 1 : 0;
    snprintf(text, sizeof text, "%d: error: '%s' is not for a lab's program: " GOES_AROUND, line,
             word);
    if (result == 1)
      log_error(work, text);
  }
  buffer_free(&made);
  return result;
}

/* Returns 0; or 1, and the log says why not. */
static int check_names(struct work *work, const struct buffer *object) {
  char name[128];
  char text[256];
  if (!forbidden_find(object, name, sizeof name))
    return 0;
  snprintf(text, sizeof text, "1: error: the name '%s' is not for a lab's program: " GOES_AROUND,
           name);
  log_error(work, text);
  return 1;
}

/* A program is one file, so nobody else needs its functions. But one that is called prctl or malloc
 * would take the place of the C library's, also for what watches the program. */
static int keep_names(struct work *work, struct buffer *object) {
  int result = elf_symbols_make_own(object, ".own", "main");
  if (result != 0)
    log_error(work, "1: error: the compiler has made no object file");
  return result != 0 ? 1 : 0;
}

static int compile_and_link(struct work *work, const char *compiler, char *map, const char *guard) {
  char name[PATH_MAX];
  struct buffer object = {0};
  struct buffer program = {0};
  const char *slash = strrchr(work->source, '/');
  const char *file = slash != NULL ? slash + 1 : work->source;
  snprintf(name, sizeof name, "%.*s.o", (int)strcspn(file, "."), file);
  int result = run_step(work, COMPILE, compiler, map, NULL, guard, &object);
  if (result == 0)
    result = check_macros(work, compiler, map, guard);
  if (result == 0)
    result = check_names(work, &object);
  if (result == 0)
    result = keep_names(work, &object);
  if (result == 0)
    result = put(work, name, &object);
  if (result == 0)
    result = run_step(work, LINK, compiler, map, name, guard, &program);
  if (result == 0)
    result = keep_program(work, &program);
  buffer_free(&object);
  buffer_free(&program);
  return result;
}

static int compile_in_view(struct work *work) {
  char compiler[PATH_MAX];
  char self[PATH_MAX];
  char guard[PATH_MAX + 8];
  char map[2 * PATH_MAX + 32];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0 || find_command(work->compiler[0], compiler) == NULL) {
    fprintf(stderr, "compile: %s: %s\n", work->compiler[0], strerror(ENOENT));
    return -1;
  }
  self[length] = '\0';
  snprintf(guard, sizeof guard, "%s/guard", dirname(self));
  snprintf(map, sizeof map, "-ffile-prefix-map=%s=%s", work->view, work->root);
  return compile_and_link(work, compiler, map, guard);
}

/* ---- the work ---- */

/* Read the file. Returns 0; or 1, and the log says why not. */
static int take_source(struct work *work) {
  char why[512];
  char text[600];
  if (submission_read(work->source, &work->content, why, sizeof why) != 0) {
    snprintf(text, sizeof text, "1: error: %s", why);
    log_error(work, text);
    return 1;
  }
  const char *word = "";
  int line = forbidden_assembly(&work->content, &word);
  if (submission_check_includes(&work->content, why, sizeof why) == 0 && line == 0)
    return 0;
  snprintf(text, sizeof text, "%d: error: '%s' is not for a lab's program: " GOES_AROUND, line,
           word);
  log_error(work, line != 0 ? text : why);
  return 1;
}

static int do_work(struct work *work) {
  char path[PATH_MAX];
  int result = take_source(work);
  if (result == 0 && make_digest(work) != 0)
    return -1;
  if (result == 0 && is_made(work))
    return 0;
  printf("  CC   %s\n", work->source);
  fflush(stdout);
  (void)unlink(work->output); /* which may not be there */
  (void)unlink(beside(work, "key", path));
  if (result == 0)
    result = make_folders(work->output) != 0 || make_view(work) != 0 ? -1 : compile_in_view(work);
  if (result < 0 || ends_by != 0 || make_folders(work->output) != 0 ||
      write_file(beside(work, "log", path), work->log.bytes, work->log.length, 0644) != 0)
    return -1;
  fwrite(work->log.bytes != NULL ? work->log.bytes : "", 1, work->log.length, stdout);
  if (result == 0)
    result = write_file(beside(work, "key", path), work->digest, strlen(work->digest), 0644);
  return result < 0 ? -1 : 0;
}

static int usage(void) {
  fprintf(stderr, "usage: compile --source FILE --output PROGRAM --files LIST [--header FILE]... "
                  "[--archive FILE]... -- COMPILER [FLAG]... [LIBRARY]...\n");
  return 2;
}

static bool add_file(const char **files, const char *path) {
  size_t count = 0;
  while (files[count] != NULL)
    count++;
  if (count == FILES)
    return false;
  files[count] = path;
  return true;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"source", required_argument, NULL, 's'},  {"output", required_argument, NULL, 'o'},
      {"files", required_argument, NULL, 'f'},   {"header", required_argument, NULL, 'h'},
      {"archive", required_argument, NULL, 'a'}, {NULL, 0, NULL, 0}};
  static struct work work;
  bool valid = true;
  for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
    switch (option) {
    case 's': work.source = optarg; break;
    case 'o': work.output = optarg; break;
    case 'f': work.list = optarg; break;
    case 'h': valid = add_file(work.headers, optarg) && valid; break;
    case 'a': valid = add_file(work.archives, optarg) && valid; break;
    default: return usage();
    }
  }
  if (!valid || optind == argc || work.source == NULL || work.output == NULL || work.list == NULL)
    return usage();
  work.compiler = argv + optind;
  bool ready =
      getcwd(work.root, sizeof work.root) != NULL && catch_signals() == 0 && take_list(&work) == 0;
  int result = ready ? do_work(&work) : -1;
  if (result != 0 && ends_by == 0)
    fprintf(stderr, "compile: %s: %s\n", work.source, strerror(errno));
  if (work.view[0] != '\0' && remove_directory(work.view, REMOVE_SECONDS) != 0)
    fprintf(stderr, "compile: %s: %s\n", work.view, strerror(errno));
  buffer_free(&work.lines);
  buffer_free(&work.content);
  buffer_free(&work.log);
  if (ends_by != 0 && signal(ends_by, SIG_DFL) != SIG_ERR)
    (void)raise(ends_by);
  return result == 0 ? 0 : 1;
}
