/* trace_line: see trace_line.h. */
#include "common/trace_line.h"

#include <string.h>

enum {
  LEFT = 11, /* columns before the rails, the mark's included */
  INNER = TRACE_LINE_INNER,
  SMALLEST_TEXT = 20, /* columns of text, however narrow the terminal is ... */
  LARGEST_TEXT = 400, /* ... and however wide */
};

/* What the ladder is drawn with. */
struct trace_glyphs {
  const char *rail;
  const char *leave_client; /* a rail where an arrow begins */
  const char *leave_server;
  const char *shaft; /* as much of it as the longest arrow needs */
  int shaft_step;    /* octets of one column of it */
  const char *to_client;
  const char *to_server;
  const char *ellipsis;
  size_t ellipsis_columns;
};

static const struct trace_glyphs unicode = {
    .rail = "│",
    .leave_client = "├",
    .leave_server = "┤",
    .shaft = "──────────────",
    .shaft_step = sizeof "─" - 1,
    .to_client = "◄",
    .to_server = "►",
    .ellipsis = "…",
    .ellipsis_columns = 1,
};

static const struct trace_glyphs ascii = {
    .rail = "|",
    .leave_client = "|",
    .leave_server = "|",
    .shaft = "--------------",
    .shaft_step = 1,
    .to_client = "<",
    .to_server = ">",
    .ellipsis = "...",
    .ellipsis_columns = 3,
};

const char trace_line_dim[] = "\033[2m";
const char trace_line_red[] = "\033[1;31m";

/* --- The left half -------------------------------------------------------------------------------- */

struct trace_line trace_line_begin(FILE *out, const struct trace_style *style, double milliseconds,
                                   unsigned connection, char mark) {
  struct trace_line line = {
      .out = out,
      .glyphs = style->unicode ? &unicode : &ascii,
      .color = style->color,
      .mark = mark,
  };
  char number[16] = "";
  char time[32];
  if (connection > 0)
    snprintf(number, sizeof number, "#%u ", connection);
  snprintf(time, sizeof time, milliseconds < 999.95 ? "%.1f" : "%.0f", milliseconds);
  int time_columns = LEFT - 2 - (int)strlen(number);
  int left = 1 + snprintf(line.left, sizeof line.left, "%s%*s ", number,
                          time_columns > 0 ? time_columns : 0, time);
  int room = style->width - left - (1 + INNER + 1) - 2;
  if (room < SMALLEST_TEXT)
    room = SMALLEST_TEXT;
  line.room = room < LARGEST_TEXT ? (size_t)room : LARGEST_TEXT;
  return line;
}

static void print(const struct trace_line *line, const char *color, const char *text) {
  bool colored = line->color && color[0] != '\0';
  fprintf(line->out, "%s%s%s", colored ? color : "", text, colored ? "\033[0m" : "");
}

static void print_left(struct trace_line *line) {
  fputc(line->mark, line->out);
  print(line, trace_line_dim, line->left);
  line->mark = ' ';
  memset(line->left, ' ', strlen(line->left));
}

void trace_line_heading(FILE *out, const struct trace_style *style) {
  struct trace_line line = {.out = out, .color = style->color};
  char text[64];
  snprintf(text, sizeof text, "%*s client%*s\n", LEFT - 1, "ms", INNER - 4, "server");
  print(&line, trace_line_dim, text);
}

void trace_line_rails(struct trace_line *line, const char *text) {
  int length = (int)strlen(text);
  int before = (INNER - length) / 2;
  print_left(line);
  print(line, trace_line_dim, line->glyphs->rail);
  fprintf(line->out, "%*s%s%*s", before, "", text, INNER - length - before, "");
  print(line, trace_line_dim, line->glyphs->rail);
}

/* |-- NAME ---->| or |<---- NAME --| */
void trace_line_arrow(struct trace_line *line, enum frame_sender sender, const char *color,
                      const char *name) {
  const struct trace_glyphs *glyphs = line->glyphs;
  const char *shaft = glyphs->shaft;
  int tail = 2 * glyphs->shaft_step;
  int rest = (INNER - 5 - (int)strlen(name)) * glyphs->shaft_step;
  char arrow[4 * INNER];
  bool to_server = sender == FRAME_FROM_CLIENT;
  if (to_server)
    snprintf(arrow, sizeof arrow, "%.*s %s %.*s%s", tail, shaft, name, rest, shaft,
             glyphs->to_server);
  else
    snprintf(arrow, sizeof arrow, "%s%.*s %s %.*s", glyphs->to_client, rest, shaft, name, tail,
             shaft);
  print_left(line);
  print(line, trace_line_dim, to_server ? glyphs->leave_client : glyphs->rail);
  print(line, color, arrow);
  print(line, trace_line_dim, to_server ? glyphs->rail : glyphs->leave_server);
}

/* --- The text beside it --------------------------------------------------------------------------- */

static void end_line(const struct trace_line *line, const char *color, const char *text) {
  if (text[0] != '\0')
    fputs("  ", line->out);
  print(line, color, text);
  fputc('\n', line->out);
}

void trace_line_text(struct trace_line *line, const char *color, const char *text) {
  while (strlen(text) > line->room) {
    char part[LARGEST_TEXT + 1];
    size_t end = line->room;
    while (end > 0 && text[end] != ' ')
      end--;
    if (end == 0)
      end = line->room; /* one long word */
    snprintf(part, sizeof part, "%.*s", (int)end, text);
    end_line(line, color, part);
    trace_line_rails(line, "");
    text += text[end] == ' ' ? end + 1 : end;
  }
  end_line(line, color, text);
}

/* A text that ends in an ellipsis where there was no room for all of it. */
struct cut_text {
  char bytes[LARGEST_TEXT + 8];
  size_t length;
  size_t uncut; /* the part after which there is room for an ellipsis */
  bool cut;
};

/* What is not printable must not reach the terminal. Returns how long the replacement is. */
static int escape(uint8_t octet, char piece[5]) {
  switch (octet) {
  case '\n': return snprintf(piece, 5, "\\n");
  case '\r': return snprintf(piece, 5, "\\r");
  case '\t': return snprintf(piece, 5, "\\t");
  case '\\': return snprintf(piece, 5, "\\\\");
  default: return snprintf(piece, 5, octet < 0x20 || octet > 0x7e ? "\\x%02x" : "%c", octet);
  }
}

static void add(const struct trace_line *line, struct cut_text *text, const void *octets,
                size_t length) {
  const uint8_t *octet = octets;
  for (size_t i = 0; i < length && !text->cut; i++) {
    char piece[5];
    size_t size = (size_t)escape(octet[i], piece);
    text->cut = text->length + size > line->room;
    if (text->cut)
      return;
    memcpy(text->bytes + text->length, piece, size + 1);
    text->length += size;
    if (text->length + line->glyphs->ellipsis_columns <= line->room)
      text->uncut = text->length;
  }
}

void trace_line_detail(struct trace_line *line, const char *color, const void *first,
                       size_t first_length, const char *between, const void *second,
                       size_t second_length) {
  struct cut_text text = {.bytes = ""};
  add(line, &text, "  ", 2);
  add(line, &text, first, first_length);
  add(line, &text, between, strlen(between));
  add(line, &text, second, second_length);
  if (text.cut)
    snprintf(text.bytes + text.uncut, sizeof text.bytes - text.uncut, "%s", line->glyphs->ellipsis);
  trace_line_rails(line, "");
  end_line(line, color, text.bytes);
}
