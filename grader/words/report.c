/* report: see report.h. */
#include "grader/words/report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/words/source.h"

/* Where there is no memory for a word it is left out. */
static void append(struct buffer *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void append(struct buffer *text, const char *format, ...) {
  char piece[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  buffer_append_text(text, piece);
}

/* --- One sentence ----------------------------------------------------------------------------- */

/* AddressSanitizer calls it the same whether a function calls itself for ever, or has an array too
 * large: only in the first case the stack shows one place again and again. */
static bool is_recursion(const char *report) {
  enum { TIMES = 8 };
  for (const char *function = report; (function = strstr(function, " in ")); function += 4) {
    char name[80];
    int times = 0;
    snprintf(name, sizeof name, "%.*s ", (int)(strcspn(function + 4, " \n") + 4), function);
    for (const char *next = function; (next = strstr(next, name)); next += strlen(name))
      times++;
    if (times >= TIMES)
      return true;
  }
  return false;
}

/* The first sign that a report has decides. */
static const struct {
  const char *sign;
  const char *words;
} errors[] = {
    {"heap-use-after-free",
     "uses-memory-already-freed| Your program uses memory that it has already freed."},
    {"double-free", "frees-same-memory-twice| Your program frees the same memory twice."},
    {"heap-buffer-overflow", "reads-writes-beyond-end-block| Your program reads or writes beyond "
                             "the end of a block of memory."},
    {"stack-buffer-overflow", "reads-writes-beyond-end-local| Your program reads or writes "
                              "beyond the end of a local array."},
    {"global-buffer-overflow", "reads-writes-beyond-end-global| Your program reads or writes "
                               "beyond the end of a global array."},
    {"stack-use-after-scope", "uses-local-variable-after-block| Your program uses a local variable "
                              "after the end of its block: { } around it, or a loop's."},
    {"stack-use-after", "uses-local-variable-after-function| Your program uses a local variable "
                        "after its function has returned."},
    {"param-overlap", "copies-memory-onto-itself-memcpy| Your program copies memory onto itself: "
                      "memcpy needs two places."},
    {"SEGV on unknown address 0x0000000000",
     "follows-null-pointer| Your program follows a NULL pointer."},
    {"SEGV", "follows-wild-pointer-one-never| Your program follows a wild pointer: it was never "
             "set, or points into freed memory."},
    {": BUS on unknown", "follows-wild-pointer-one-never| Your program follows a wild pointer: "
                         "it was never set, or points into freed memory."},
    {": FPE on unknown", "divides-zero| Your program divides by zero."},
    {"unknown-crash",
     "reads-writes-where-no-memory| Your program reads or writes where it has no memory."},
    {"attempting free on",
     "frees-malloc-not-give| Your program frees what malloc did not give it."},
    {"ERROR: the program has switched off the probe",
     "probe-switched-off| Your program has switched off the probe, by which the grader looks into "
     "it (common/inner/probe.h)."},
    {"ERROR: the program has emptied the report", "report-emptied| A sanitizer has found an error "
                                                  "in a process of your program, and your program "
                                                  "has emptied the report of it."},
    {"ERROR: the program ended neither",
     "ends-without-leak-check| Your program ends by another way than exit() or a return from main, "
     "so that LeakSanitizer cannot look for memory that it has not freed."},
    {"LeakSanitizer", "not-free-all-memory-allocates| Your program does not free all the memory "
                      "that it allocates."},
    {"from within a callback of nghttp2",
     "sends-receives-from-within-callback| Your program sends or receives from within a callback "
     "of nghttp2: that is forbidden."},
    {"null pointer of type 'struct list'",
     "takes-from-no-list| Your program takes a member out of a list, but never added it to one."},
    {"0xbebebebe", /* or a sum with it */
     "memory-never-set| Your program uses memory from malloc that it has never "
     "set: AddressSanitizer fills it with 0xbe."},
    {"load of value 190, which is not a valid",
     "memory-never-set| Your program uses memory from malloc that it has never set: "
     "AddressSanitizer fills it with 0xbe."},
    {"null pointer passed", "passes-null-pointer-function-must| Your program passes NULL to a "
                            "function that does not allow it."},
    {"null pointer", "follows-null-pointer| Your program follows a NULL pointer."},
    {"runtime error: ",
     "something-c-leaves-undefined| Your program does something that C leaves undefined."},
};

/* Where the stack ends: a call of a function with a large array, or memcpy from an argument of main
 * on, beyond the end of the text. The report does not tell these apart. */
static const char *stack_sentence(const char *report) {
  if (is_recursion(report))
    return "calls-itself-without-end| Your program calls itself without end.";
  return "stack-full-local-variable-larger| Your program reads or writes where the stack ends: a "
         "copy is too long or begins too far behind, as in an argument of main (argv), or a local "
         "variable is too large.";
}

/* Whether the program has read up to the end of the stack, behind the arguments of main, which
 * AddressSanitizer does not guard. */
static bool is_end_of_stack(const char *report) {
  enum { PAGE = 4096, STACK = 1 << 24 };
  const char *place = strstr(report, "SEGV on unknown address 0x");
  const char *top = place ? strstr(place, " sp 0x") : NULL;
  if (!top || !strstr(report, "READ memory access"))
    return false;
  unsigned long address = strtoul(strstr(place, "0x"), NULL, 16);
  unsigned long stack = strtoul(top + strlen(" sp "), NULL, 16);
  return address % PAGE == 0 && address > stack && address - stack < STACK;
}

const char *report_sentence(const char *report) {
  if (is_end_of_stack(report))
    return "reads-beyond-end-of-memory| Your program reads beyond the end of a text or an array: "
           "the length is too large, or the place where it begins is wrong.";
  if (strstr(report, "heap-use-after-free") && strstr(report, " in handshake_of_student "))
    return "ssl-freed-in-handshake| Your function handshake has freed the SSL of its connection: "
           "never call SSL_free here. Return TLS_FAILED; then it is freed for you.";
  if (strstr(report, "stack-overflow"))
    return stack_sentence(report);
  if (strstr(report, "null pointer of type 'struct list'") && strstr(report, " in list_add "))
    return "takes-from-no-list| Your program calls list_add with NULL, or with its arguments in "
           "the wrong order: the list comes first.";
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
    if (strstr(report, errors[i].sign))
      return errors[i].words;
  return "sanitizer-found-error| A sanitizer has found an error in your program.";
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* "    #1 0x55bb2d9288a2 in read_data build/labs/../lab02-requests/requests.c:107" */
static bool read_frame(const char *line, struct report_place *place) {
  int used = 0;
  *place = (struct report_place){.line = 0};
  if (sscanf(line, " #%*d 0x%*x in %63s %n", place->function, &used) != 1 || used == 0)
    return false;
  size_t length = strcspn(line + used, "\n");
  char location[600];
  snprintf(location, sizeof location, "%.*s", (int)length, line + used);
  char *colon = strstr(location, ".c:");
  if (colon) {
    place->line = atoi(colon + 3);
    snprintf(place->path, sizeof place->path, "%.*s", (int)(colon + 2 - location), location);
  }
  return true;
}

/* The path from the lab's folder on: "lab02-requests/requests.c"; NULL if it is no
 * file of that folder. */
static const char *path_in_lab(const char *path, const struct lab *lab) {
  const char *last = NULL;
  for (const char *next = path; (next = strstr(next, lab->folder)); next++)
    if (next[strlen(lab->folder)] == '/' && (next == path || next[-1] == '/'))
      last = next;
  return last;
}

static const char *next_line(const char *line) {
  line += strcspn(line, "\n");
  return *line ? line + 1 : line;
}

const char *report_find_place(const char *report, const struct lab *lab,
                              struct report_place *place) {
  for (const char *line = report; *line; line = next_line(line))
    if (read_frame(line, place) && path_in_lab(place->path, lab))
      return next_line(line);
  *place = (struct report_place){.line = 0};
  return NULL;
}

/* --- Quoting ---------------------------------------------------------------------------------- */

/* The error in the sanitizer's own words: these can be looked up. */
static void quote_error(struct buffer *text, const char *report) {
  const char *undefined = strstr(report, "runtime error: ");
  const char *error = strstr(report, "ERROR: ");
  if (error) {
    error += strlen("ERROR: ");
    size_t length = strcspn(error, "\n");
    const char *address = strstr(error, " on address");
    const char *bracket = strstr(error, " (pc ");
    if (address && address < error + length)
      length = (size_t)(address - error);
    if (bracket && bracket < error + length)
      length = (size_t)(bracket - error);
    append(text, "%.*s", (int)length, error);
    const char *size = strstr(report, " of size ");
    if (size)
      append(text, ", %s of %d byte%s", strncmp(size - 4, "READ", 4) == 0 ? "reads" : "writes",
             atoi(size + 9), atoi(size + 9) == 1 ? "" : "s");
    append(text, "\n");
  } else if (undefined) {
    append(text, "%.*s\n", (int)strcspn(undefined, "\n"), undefined);
  }
}

/* "the variable iv of ", from a line such as "[32, 40) 'iv' (line 75) <== Memory access at ..." */
static const char *variable_role(const char *report, char *role, size_t size) {
  const char *mark = strstr(report, " <== Memory access");
  const char *line = mark;
  while (line && line > report && line[-1] != '\n')
    line--;
  const char *name = line ? strchr(line, '\'') : NULL;
  if (!name || name > mark)
    return "a variable of ";
  snprintf(role, size, "the variable %.*s of ", (int)strcspn(name + 1, "'\n"), name + 1);
  return role;
}

/* What a line of the report that opens a stack says of it; NULL for any other line. */
static const char *stack_role(const char *line, char *role, size_t size) {
  char copy[160];
  snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\n"), line);
  if (strstr(copy, "freed by thread"))
    return "freed in ";
  if (strstr(copy, "allocated by thread") || strstr(copy, "allocated from:"))
    return "allocated in ";
  if (strstr(copy, "is located in stack of"))
    return variable_role(line, role, size);
  return NULL;
}

static void quote_frame(struct buffer *text, const char *role, const struct report_place *place,
                        const struct lab *lab, bool with_text) {
  char code[128];
  const char *path = path_in_lab(place->path, lab);
  if (path)
    append(text, "%s%s, %s:%d\n", role, place->function, path, place->line);
  else
    append(text, "%s%s\n", role, place->function);
  if (path && with_text && *source_text(place->path, place->line, code, sizeof code))
    append(text, "  %d: %s\n", place->line, code);
}

/* The stacks of a report, one after the other: of the first the caller is told too,
 * and the text of the line. */
struct quoting {
  struct buffer *text;
  const struct lab *lab;
  const char *role;            /* of the stack that is being read */
  int told;                    /* frames of it */
  int stacks;                  /* before it of which something was told */
  struct report_place library; /* its first frame in nghttp2, for want of a student's */
  char function[64];           /* that was told last */
  char variable[96];           /* its name, if the role is that of one */
};

static void end_stack(struct quoting *quoting) {
  if (quoting->told == 0 && *quoting->library.function)
    quote_frame(quoting->text, quoting->role, &quoting->library, quoting->lab, false);
  quoting->stacks += quoting->told > 0;
  quoting->told = 0;
  quoting->library.function[0] = '\0';
  quoting->function[0] = '\0';
}

static void take_frame(struct quoting *quoting, const struct report_place *place) {
  bool first_stack = quoting->stacks == 0;
  if (path_in_lab(place->path, quoting->lab)) {
    if (quoting->told == (first_stack ? 2 : 1) || strcmp(place->function, quoting->function) == 0 ||
        (quoting->told > 0 && strcmp(place->function, "main") == 0))
      return;
    quote_frame(quoting->text, quoting->told ? "called by " : quoting->role, place, quoting->lab,
                first_stack && quoting->told == 0);
    snprintf(quoting->function, sizeof quoting->function, "%s", place->function);
    quoting->told++;
  } else if (strncmp(place->function, "nghttp2_", 8) == 0 && !*quoting->library.function) {
    quoting->library = *place;
  }
}

void report_quote(struct buffer *text, const char *report, const struct lab *lab) {
  enum { STACKS = 3 };
  struct quoting quoting = {.text = text, .lab = lab, .role = "in "};
  quote_error(text, report);
  for (const char *line = report; *line && quoting.stacks < STACKS; line = next_line(line)) {
    struct report_place place;
    const char *role = stack_role(line, quoting.variable, sizeof quoting.variable);
    if (role) {
      end_stack(&quoting);
      quoting.role = role;
    } else if (read_frame(line, &place)) {
      take_frame(&quoting, &place);
    }
  }
  end_stack(&quoting);
}
