/*
 * trace: show the frames of a connection as a ladder, or write them as JSON.
 *
 * Any program on common/ prints the ladder to stderr with H2_TRACE=1 in its environment, and writes
 * the frames to a file with H2_TRACE=FILE.json. The transport calls trace_open when a connection
 * begins and trace_bytes at its byte boundary, above TLS, so the ladder shows what went over the wire
 * whatever the program above does with it.
 *
 * The ladder has two rails, client on the left and server on the right, and one line for each frame,
 * with what matters in it; header fields follow on lines of their own, or beside it where the terminal is wide
 * enough. Every frame of a stream names its request:
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
 * (line-drawing characters and arrows where the locale is UTF-8.) Each stream has a colour of its own.
 * The first column of the text is the frame as its header has it; what is indented is its payload.
 */
#ifndef COMMON_TRACE_H
#define COMMON_TRACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/frame.h"

struct trace;

/*
 * Begin to trace one connection as the environment says: a value of H2_TRACE that ends in ".json" is a
 * file, any other asks for the ladder. Returns NULL when H2_TRACE is unset, empty or "0", when its file
 * cannot be written (said once, on stderr) and when there is no memory: every function here takes a
 * NULL trace and does nothing, so a caller need not ask.
 * All connections of a process share one ladder, or one file, and are numbered from 1 in it (in the
 * ladder, once there are two), whatever thread they are on. One trace belongs to one thread.
 */
struct trace *trace_open(void);

/* `length` bytes were sent by `sender`. Prints, or writes, every frame that is complete. The file is
 * valid JSON after every call, even if the process is killed then. */
void trace_bytes(struct trace *trace, enum frame_sender sender, const void *bytes, size_t length);

/* One event that is no frame: "connected", "TLS 1.3, h2", "closed by peer". One line, no newline. It is
 * shown in the ladder; the file has frames only. */
void trace_note(struct trace *trace, const char *text);

/* The last event: the connection has ended, as `text` says. The ladder adds how many requests it has carried. */
void trace_end(struct trace *trace, const char *text);

/* End this trace; NULL is allowed. If it ended in the middle of a frame, the ladder says so. */
void trace_close(struct trace *trace);

/* --- The ladder itself, for everyone who prints frames ------------------------------------------- */

struct trace_style {
  bool color;   /* ANSI colours: one for each stream */
  bool unicode; /* line drawing; else plain ASCII */
  int width;    /* columns; lines are cut or wrapped to fit. At least 60 */
};

/* What suits `out`: colour only on a terminal and without NO_COLOR (https://no-color.org); line
 * drawing where LC_ALL, LC_CTYPE or LANG (the first that is set) names UTF-8; the terminal's width, else COLUMNS,
 * else 80. */
struct trace_style trace_style_for(FILE *out);

/* The two rails' heading. */
void trace_print_heading(FILE *out, const struct trace_style *style);

/* One frame at `milliseconds` since the connection began. `connection` is 0 where there is only one,
 * else its number is shown. `mark` is a column of one character before the line (' ' for none, '>'
 * for the frame that matters). */
void trace_print_frame(FILE *out, const struct trace_style *style, double milliseconds,
                       unsigned connection, char mark, const struct frame *frame);

/* A note between the rails. */
void trace_print_note(FILE *out, const struct trace_style *style, double milliseconds,
                      unsigned connection, const char *text);

/* The last note of a connection that has carried so many requests, `at_once` of them at the same time (0: that is not
 * known). */
void trace_print_end(FILE *out, const struct trace_style *style, double milliseconds,
                     unsigned connection, const char *text, unsigned requests, unsigned at_once);

/*
 * One frame as JSON, the format of H2_TRACE=FILE.json and of the grader:
 *   {"connection": 1, "ms": 0.123, "sender": "client", "type": "HEADERS", "flags": ["END_STREAM"],
 *    "stream": 1, "length": 38, "fields": [[":method", "GET"], ...]}
 * with, by type, "settings": [["SETTINGS_ENABLE_PUSH", 0], ...], "error_code": "NO_ERROR",
 * "last_stream", "promised_stream", "increment", "dependency", "weight", "exclusive", "padding", "data"
 * (text; bytes that are not UTF-8 are escaped as \xNN and a backslash as \\), and "error".
 * "data" is cut to its first 16384 octets. Unknown types, settings and error codes are "0x...".
 * Returns a new reference, or NULL when there is no memory.
 */
json_t *trace_frame_json(const struct frame *frame, double milliseconds, unsigned connection);

#endif
