/*
 * trace_line: draw the lines of a ladder. trace_print.c decides what they say.
 *
 *     >#2   12.3 |-- HEADERS -------->|  stream 1, END_STREAM|END_HEADERS, 38 bytes
 *                |                    |    :method: GET
 *
 * A line has a left half: the mark, the number of the connection, the time, and the rails with what
 * moves between them. On the right it has a text, wrapped or cut to fit. First call
 * trace_line_arrow or trace_line_rails for the left half, then trace_line_text for the text. Later
 * texts go on their own lines, without mark, number and time. Last comes trace_line_end.
 *
 * If there is room for two columns of text, details go into the second one, beside the text that
 * they belong to, as many on a line as fit:
 *
 *            0.1 |-- SETTINGS ------->|  stream 0, 6 bytes                 ENABLE_PUSH 0
 */
#ifndef COMMON_TRACE_LINE_H
#define COMMON_TRACE_LINE_H

#include "common/trace_print.h"

/* Where one frame, or one note, is being printed. */
struct trace_line {
  FILE *out;
  const struct trace_glyphs *glyphs;
  bool color;
  char mark;
  char left[32]; /* number and time; blank from the second line on */
  size_t room;   /* columns for text, both columns of it where there are two */
  size_t first;  /* columns for what stands on the left of details */
  size_t used;   /* columns of the line that is being printed */
  bool wide;     /* there are two */
};

/* ANSI colours, for the `color` arguments below; "" is none. */
extern const char trace_line_dim[];
extern const char trace_line_red[];

struct trace_line trace_line_begin(FILE *out, const struct trace_style *style, double milliseconds,
                                   unsigned connection, char mark);

/* The heading of the rails. */
void trace_line_heading(FILE *out, const struct trace_style *style);

/* A left half with `text`, of at most TRACE_LINE_INNER columns, between the rails. */
void trace_line_rails(struct trace_line *line, const char *text);

/* A left half with an arrow named `name` from one rail to the other. */
void trace_line_arrow(struct trace_line *line, enum frame_sender sender, const char *color,
                      const char *name);

/* Text beside an arrow, in the first column, or beside rails, in all the room. What does not fit
 * continues below, broken between words. */
void trace_line_text(struct trace_line *line, const char *color, const char *text);

/* A text in brackets after the previous one, cut to fit; nothing if there is no room. */
void trace_line_aside(struct trace_line *line, const char *color, const char *text);

/* A detail: two texts, of any bytes, and a text between them, cut to fit. */
void trace_line_detail(struct trace_line *line, const char *color, const void *first,
                       size_t first_length, const char *between, const void *second,
                       size_t second_length);

/* The end of the last line. */
void trace_line_end(struct trace_line *line);

enum { TRACE_LINE_INNER = 19 };

#endif
