/* preprocessed: see preprocessed.h. */
#include "grader/sandbox/preprocessed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/sandbox/forbidden.h"

/* Where we are in the text; a NUL ends it. */
struct reader {
  const char *place;
  const char *source;
  int line;       /* of the source: that of the last marker, and the lines since then */
  bool in_source; /* not in a header */
  int depth;      /* of braces: 0 outside of all functions */
  char last;      /* what the last token ends with */
};

static bool is_letter(char octet) {
  return isalnum((unsigned char)octet) || octet == '_' || octet == '$' || (octet & 0x80);
}

static void skip(struct reader *reader, size_t length) {
  for (; length > 0 && *reader->place != '\0'; length--)
    reader->line += *reader->place++ == '\n' && reader->in_source;
}

/* ---- lines that are no C ---- */

/* "# 12 "session.c" 3" is for the next line. */
static void take_marker(struct reader *reader) {
  char *name = NULL;
  long number = strtol(reader->place + 1, &name, 10);
  size_t length = strlen(reader->source);
  if (name == reader->place + 1)
    return;
  name += strspn(name, " \"");
  reader->in_source = strncmp(name, reader->source, length) == 0 && name[length] == '"';
  if (reader->in_source)
    reader->line = (int)number - 1; /* the end of this line is counted */
}

static bool is_pragma(const char *line) {
  static const char *const words[] = {"target", "push_options", "pop_options", "reset_options"};
  size_t place = 1 + strspn(line + 1, " \t");
  if (strncmp(line + place, "pragma", 6) != 0)
    return false;
  place += 6 + strspn(line + place + 6, " \t");
  if (strncmp(line + place, "GCC", 3) != 0)
    return false;
  place += 3 + strspn(line + place + 3, " \t");
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strncmp(line + place, words[i], strlen(words[i])) == 0)
      return true;
  return false;
}

/* What follows blanks and lines that are no C; not at the beginning of the text. */
static const char *behind_blanks(const char *place) {
  for (;;) {
    place += strspn(place, " \t\v\f\r\n");
    if (*place != '#' || place[-1] != '\n')
      return place;
    place += strcspn(place, "\n");
  }
}

/* ---- strings ---- */

/* How long the string or the character at `place` is: to its quotation mark, or its line's end. */
static size_t length_of_literal(const char *place) {
  const char *end = place + 1;
  while (*end != '\0' && *end != *place && *end != '\n')
    end += 1 + (*end == '\\' && end[1] != '\0');
  return (size_t)(end - place) + (*end == *place);
}

/* R"end( ... )end": how long it is from its first quotation mark. */
static size_t length_of_raw(const char *place) {
  char end[32];
  size_t length = strcspn(place + 1, "(");
  snprintf(end, sizeof end, ")%.*s\"", (int)length, place + 1);
  const char *found = strstr(place, end);
  return found != NULL ? (size_t)(found - place) + strlen(end) : strlen(place);
}

/* ---- words ---- */

/* ("" "name"): what __asm__ has in a declaration. */
static bool is_mere_name(const char *place) {
  place = behind_blanks(place);
  if (*place++ != '(')
    return false;
  for (place = behind_blanks(place); *place == '"'; place = behind_blanks(place + 1)) {
    do
      place++;
    while (is_letter(*place));
    if (*place != '"')
      return false;
  }
  return *place == ')';
}

/* These swap bytes, in <asm/swab.h>. */
static bool is_swap(const char *place) {
  static const char *const swaps[] = {"(\"bswapl %0\" : \"=r\" (val) : \"0\" (val));",
                                      "(\"bswapq %0\" : \"=r\" (val) : \"0\" (val));"};
  place = behind_blanks(place);
  for (size_t i = 0; i < sizeof swaps / sizeof swaps[0]; i++)
    if (strncmp(place, swaps[i], strlen(swaps[i])) == 0)
      return true;
  return false;
}

static bool is_forbidden(const struct reader *reader, const char *word, const char *behind) {
  static const char instruction[] = "__builtin_ia32_";
  if (strncmp(word, instruction, strlen(instruction)) == 0)
    return true;
  if (strcmp(word, "__asm__") == 0 || strcmp(word, "__asm") == 0 || strcmp(word, "asm") == 0)
    return !(reader->depth == 0 && reader->last == ')' && is_mere_name(behind)) && !is_swap(behind);
  for (size_t i = 0; forbidden_copying[i] != NULL; i++)
    if (strcmp(word, forbidden_copying[i]) == 0)
      return *behind_blanks(behind) == '(';
  return false;
}

/* Read a name or a number. Returns whether it is a word that may not be there. */
static bool take_word(struct reader *reader, char *word, size_t size) {
  static const char *const raw[] = {"R", "LR", "uR", "UR", "u8R"};
  size_t length = 0;
  while (is_letter(reader->place[length]))
    length++;
  snprintf(word, size, "%.*s", (int)length, reader->place);
  bool forbidden = is_forbidden(reader, word, reader->place + length);
  skip(reader, length);
  for (size_t i = 0; *reader->place == '"' && i < sizeof raw / sizeof raw[0]; i++)
    if (strcmp(word, raw[i]) == 0)
      skip(reader, length_of_raw(reader->place));
  reader->last = 'a';
  return forbidden;
}

/* The other tokens, of which only braces matter, also in their other spelling: <% %> */
static void take_sign(struct reader *reader) {
  const char *place = reader->place;
  bool pair = strncmp(place, "<%", 2) == 0 || strncmp(place, "%>", 2) == 0;
  reader->depth += *place == '{' || (pair && *place == '<');
  reader->depth -= *place == '}' || (pair && *place == '%');
  reader->last = *place;
  skip(reader, *place == '"' || *place == '\'' ? length_of_literal(place) : pair ? 2 : 1);
}

/* A line that is no C: a marker, or a pragma. Returns whether it may not be there. */
static bool take_line(struct reader *reader, char *word, size_t size) {
  bool forbidden = is_pragma(reader->place);
  take_marker(reader);
  if (forbidden)
    snprintf(word, size, "%.*s", (int)strcspn(reader->place, "(\n"), reader->place);
  skip(reader, strcspn(reader->place, "\n"));
  return forbidden;
}

/* A NUL in a string is no end: see it as a blank. Returns NULL if there is no memory. */
static char *copy_without_nul(const struct buffer *text) {
  char *copy = calloc(text->length + 1, 1);
  if (copy == NULL || text->length == 0)
    return copy;
  memcpy(copy, text->bytes, text->length);
  for (size_t i = 0; i < text->length; i++)
    if (copy[i] == '\0')
      copy[i] = ' ';
  return copy;
}

bool preprocessed_find(const struct buffer *text, const char *source, char *word, size_t size,
                       int *line) {
  char *copy = copy_without_nul(text);
  struct reader reader = {.place = copy, .source = source, .line = 1, .last = ';'};
  bool found = copy == NULL; /* who knows what is there */
  snprintf(word, size, "?");
  while (!found && *reader.place != '\0') {
    if (*reader.place == '#' && (reader.place == copy || reader.place[-1] == '\n'))
      found = take_line(&reader, word, size);
    else if (is_letter(*reader.place))
      found = take_word(&reader, word, size);
    else if (isspace((unsigned char)*reader.place))
      skip(&reader, 1);
    else
      take_sign(&reader);
  }
  free(copy);
  *line = reader.line > 0 ? reader.line : 1;
  return found;
}
