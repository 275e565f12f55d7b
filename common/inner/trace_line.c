/* trace_line: see trace_line.h. */
#include "common/inner/trace_line.h"

#include <string.h>

#include "common/octets.h"

enum {
  LEFT = 11, /* columns before the rails, the mark's included */
  INNER = TRACE_LINE_INNER,
  SMALLEST_TEXT = 20, /* columns of text, however narrow the terminal is ... */
  LARGEST_TEXT = 400, /* ... and however wide */
  FIRST_TEXT =
      46, /* of these, what the first of two columns has: as much as there is on 80 columns */
  GAP = 2,
  SMALLEST_DETAIL = 48, /* where there is not as much left for the second, there is only one */
  SMALLEST_ASIDE = 8,   /* what of an aside is worth printing */
};

/* What the ladder is drawn with. */
struct trace_glyphs {
  const char *rail;
  const char *leave_client; /* a rail where an arrow begins */
  const char *leave_server;
  const char *shaft; /* as much of it as the longest arrow needs */
  int shaft_step;    /* bytes of one column of it */
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

/* --- The left half ---------------------------------------------------------------------------- */

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
  line.wide = room >= FIRST_TEXT + GAP + SMALLEST_DETAIL;
  return line;
}

static void print(const struct trace_line *line, const char *color, const char *text) {
  bool colored = line->color && color[0] != '\0';
  fprintf(line->out, "%s%s%s", colored ? color : "", text, colored ? "\033[0m" : "");
}

static void print_left(struct trace_line *line) {
  line->used = 0;
  fputc(line->mark, line->out);
  print(line, trace_line_dim, line->left);
  line->mark = ' ';
  memset(line->left, ' ', strlen(line->left));
}

void trace_line_heading(FILE *out, const struct trace_style *style) {
  struct trace_line line = {.out = out, .color = style->color};
  static const char legend[] = "  stream 0: connection, others: one request each";
  char text[128];
  int length = snprintf(text, sizeof text, "%*s client%*s", LEFT - 1, "ms", INNER - 4, "server");
  bool fits = length + (int)strlen(legend) <= style->width;
  snprintf(text + length, sizeof text - (size_t)length, "%s\n", fits ? legend : "");
  print(&line, trace_line_dim, text);
}

void trace_line_rails(struct trace_line *line, const char *text) {
  int length = (int)strlen(text);
  int before = (INNER - length) / 2;
  print_left(line);
  print(line, trace_line_dim, line->glyphs->rail);
  fprintf(line->out, "%*s%s%*s", before, "", text, INNER - length - before, "");
  print(line, trace_line_dim, line->glyphs->rail);
  line->first = line->room;
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
  line->first = line->wide ? FIRST_TEXT : line->room;
}

/* --- The text beside it ----------------------------------------------------------------------- */

/* Print a text of so many columns, at this column of the text's. */
static void print_at(struct trace_line *line, size_t column, const char *color, const char *text,
                     size_t columns) {
  if (columns == 0)
    return;
  int gap = (int)(column - line->used) + (line->used == 0 ? 2 : 0);
  fprintf(line->out, "%*s", gap, "");
  print(line, color, text);
  line->used = column + columns;
}

void trace_line_end(struct trace_line *line) {
  fputc('\n', line->out);
}

/* Go on below, where there is nothing on the left. */
static void next_line(struct trace_line *line) {
  size_t first = line->first;
  trace_line_end(line);
  trace_line_rails(line, "");
  line->first = first;
}

void trace_line_text(struct trace_line *line, const char *color, const char *text) {
  while (strlen(text) > line->first) {
    char part[LARGEST_TEXT + 1];
    size_t end = line->first;
    while (end > 0 && text[end] != ' ')
      end--;
    if (end == 0)
      end = line->first; /* one long word */
    snprintf(part, sizeof part, "%.*s", (int)end, text);
    print_at(line, 0, color, part, end);
    next_line(line);
    text += text[end] == ' ' ? end + 1 : end;
  }
  print_at(line, 0, color, text, strlen(text));
}

/* A text that ends in an ellipsis if it did not fit. */
struct cut_text {
  char bytes[LARGEST_TEXT + 8];
  size_t room;
  size_t length;
  size_t uncut; /* the part after which there is room for an ellipsis */
  bool cut;
};

/* Keep unprintable bytes from the terminal. */
static void add(const struct trace_line *line, struct cut_text *text, const void *octets,
                size_t length) {
  const uint8_t *octet = octets;
  for (size_t i = 0; i < length && !text->cut; i++) {
    char piece[OCTETS_PIECE];
    octets_piece(piece, octet + i, 1, OCTETS_LINE);
    size_t size = strlen(piece);
    text->cut = text->length + size > text->room;
    if (text->cut)
      return;
    memcpy(text->bytes + text->length, piece, size + 1);
    text->length += size;
    if (text->length + line->glyphs->ellipsis_columns <= text->room)
      text->uncut = text->length;
  }
}

/* Add the ellipsis if needed. Returns how many columns the text has. */
static size_t finish(const struct trace_line *line, struct cut_text *text) {
  if (!text->cut)
    return text->length;
  snprintf(text->bytes + text->uncut, sizeof text->bytes - text->uncut, "%s",
           line->glyphs->ellipsis);
  return text->uncut + line->glyphs->ellipsis_columns;
}

void trace_line_aside(struct trace_line *line, const char *color, const char *text) {
  char printed[LARGEST_TEXT + 16];
  size_t brackets = strlen(" ()");
  if (line->used + brackets + SMALLEST_ASIDE > line->first)
    return;
  struct cut_text aside = {.room = line->first - line->used - brackets};
  add(line, &aside, text, strlen(text));
  size_t columns = finish(line, &aside);
  snprintf(printed, sizeof printed, " (%s)", aside.bytes);
  print_at(line, line->used, color, printed, columns + brackets);
}

/* Where a detail of so many columns begins, on this line or on the next one. */
static size_t detail_column(struct trace_line *line, size_t columns) {
  const size_t second = FIRST_TEXT + GAP;
  if (!line->wide) {
    next_line(line);
    return GAP;
  }
  size_t column = line->used <= FIRST_TEXT ? second : line->used + GAP;
  bool taken = line->first > FIRST_TEXT; /* by a text that has all the room */
  if (!taken && column + columns <= line->room)
    return column;
  next_line(line);
  line->first = FIRST_TEXT;
  return second;
}

void trace_line_detail(struct trace_line *line, const char *color, const void *first,
                       size_t first_length, const char *between, const void *second,
                       size_t second_length) {
  struct cut_text text = {.room = line->room - GAP - (line->wide ? FIRST_TEXT : 0)};
  add(line, &text, first, first_length);
  add(line, &text, between, strlen(between));
  add(line, &text, second, second_length);
  size_t columns = finish(line, &text);
  print_at(line, detail_column(line, columns), color, text.bytes, columns);
}
