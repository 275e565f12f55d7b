/*
 * source: find the TODOs in a student's file.
 *
 * The files have a heading for each TODO: a comment that begins with "--- TODO 3: ...", which
 * nobody has a reason to remove. All lines up to the next heading of any kind belong to it. In a
 * missing file, or one without headings, the functions find nothing.
 *
 * Scripts use build/grader/todos, made from main.c, for the same questions.
 */
#ifndef GRADER_SOURCE_H
#define GRADER_SOURCE_H

#include <stddef.h>

#include "common/buffer.h"

/* The source of `program` of the lab in `folder`, if the graded programs are in `programs`:
 * "lab01-session/session.c", "lab01-session/solution/session.c", or beside the program. Fills in
 * `path` and returns it, or NULL if there is none. */
const char *source_path(const char *programs, const char *folder, const char *program, char *path,
                        size_t size);

/* The line of TODO n: the line of the call todo(n, ...) or todo_later(n, ...), while it exists,
 * otherwise the line of its heading; 0 if there is neither. */
int source_line_of_todo(const char *path, int todo);

/* The lowest n above `after` whose call still exists, and its line; 0 if there is none. */
int source_next_undone(const char *path, int after, int *line);

/* The TODO that this line belongs to; 0 if none. */
int source_todo_of_line(const char *path, int line);

/* The line where this function is defined; 0 if it is not. */
int source_line_of_function(const char *path, const char *function);

/* The TODO to which every line with this text belongs that is in one, outside comments; 0 if there
 * is none, or if they belong to several. */
int source_todo_of_text(const char *path, const char *text);

/* The text of a line, without the blanks around it; "" if there is none. Returns `text`. */
const char *source_text(const char *path, int line, char *text, size_t size);

/* Append `count` lines from `line` on as they are, fewer at the end of the file. Returns 0, or -1
 * when there is no memory. */
int source_lines(const char *path, int line, int count, struct buffer *text);

#endif
