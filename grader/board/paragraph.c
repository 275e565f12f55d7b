/* paragraph: see paragraph.h. */
#include "grader/board/paragraph.h"

#include <string.h>

enum { NARROW_INDENT = 4 };

size_t paragraph_columns(const char *text, size_t length) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++)
    count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

void paragraph_hanging(FILE *out, int width, int column, const char *text) {
  if (column > width / 2) { /* no room beside what stands there: go on below it */
    column = NARROW_INDENT;
    fprintf(out, "\n%*s", column, "");
  }
  int hanging = column;
  size_t room = width > hanging ? (size_t)(width - hanging) : 1;
  while (*text) {
    size_t word = strcspn(text, " \n");
    size_t part = 0; /* bytes of the word that have room on one line */
    while (part < word && paragraph_columns(text, part + 1) <= room)
      part++;
    int columns = (int)paragraph_columns(text, part);
    if (column > hanging && column + 1 + columns > width) {
      fprintf(out, "\n%*s", hanging, "");
      column = hanging;
    } else if (column > hanging) {
      column += fprintf(out, " ");
    }
    fprintf(out, "%.*s", (int)part, text);
    column += columns;
    text += part;
    text += strspn(text, " \n");
  }
  fprintf(out, "\n");
}

void paragraph_print(FILE *out, int width, int indent, const char *label, const char *text) {
  fprintf(out, "%*s%s", indent, "", label);
  paragraph_hanging(out, width, indent + (int)paragraph_columns(label, strlen(label)), text);
}

void paragraph_lines(FILE *out, int width, int indent, const char *text) {
  while (*text) {
    char line[4096];
    size_t length = strcspn(text, "\n");
    int blanks = (int)strspn(text, " ");
    snprintf(line, sizeof line, "%.*s", (int)length - blanks, text + blanks);
    if (blanks > width / 2)
      blanks = 0;
    paragraph_print(out, width, indent + blanks, "", line);
    text += length + (text[length] == '\n');
  }
}

void paragraph_block(FILE *out, int indent, const char *text) {
  while (*text) {
    int length = (int)strcspn(text, "\n");
    fprintf(out, "%*s%.*s\n", indent, "", length, text);
    text += length + (text[length] == '\n');
  }
}
