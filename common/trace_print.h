/*
 * trace_print: print frames as a ladder.
 *
 * The ladder has two rails, the client on the left and the server on the right, and one line for
 * each frame, with the important values. Header fields follow on their own lines, or beside the
 * frame if the terminal is wide enough. Every frame of a stream names its request:
 *
 *        ms client         server  stream 0: connection, others: one request each
 *       0.1 |-- preface ------->|  24 bytes
 *       0.1 |-- SETTINGS ------>|  stream 0, 6 bytes
 *           |                   |    ENABLE_PUSH 0
 *       0.4 |-- HEADERS ------->|  stream 1, END_STREAM|END_HEADERS, 38 bytes
 *           |                   |    :method: GET
 *       ...
 *       0.9 |<---------- DATA --|  stream 1, END_STREAM, 4 bytes (GET /ping)
 *           |                   |    pong
 *       1.0 |      closed       |  1 request on 1 connection
 *
 * (line-drawing characters and arrows where the locale is UTF-8.) Each stream has a
 * colour of its own. The first column of the text is the frame as its header has it;
 * what is indented is its payload.
 */
#ifndef COMMON_TRACE_PRINT_H
#define COMMON_TRACE_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "common/frame.h"

enum { TRACE_LADDER_WIDTH = 60 }; /* columns: there is no narrower ladder */

struct trace_style {
  bool color;   /* ANSI colours: one for each stream */
  bool unicode; /* line drawing; else plain ASCII */
  int width; /* columns; lines are cut or wrapped to fit, but to no less than TRACE_LADDER_WIDTH */
};

/* The style for `out`: colour only on a terminal and without NO_COLOR (https://no-color.org); line
 * drawing if LC_ALL, LC_CTYPE or LANG (the first that is set) names UTF-8; the terminal's width,
 * else COLUMNS, else 80; at least 20. */
struct trace_style trace_style_for(FILE *out);

/* The two rails' heading. */
void trace_print_heading(FILE *out, const struct trace_style *style);

/* One frame at `milliseconds` since the connection began. `connection` is 0 if there is only one,
 * otherwise the number to show. `mark` is a column of one character before the line (' ' for none,
 * '>' for the frame that matters). */
void trace_print_frame(FILE *out, const struct trace_style *style, double milliseconds,
                       unsigned connection, char mark, const struct frame *frame);

/* A note between the rails. */
void trace_print_note(FILE *out, const struct trace_style *style, double milliseconds,
                      unsigned connection, const char *text);

/* The last note of a connection that has carried `requests` requests, `at_once` of them at the same
 * time (0: unknown). */
void trace_print_end(FILE *out, const struct trace_style *style, double milliseconds,
                     unsigned connection, const char *text, unsigned requests, unsigned at_once);

#endif
