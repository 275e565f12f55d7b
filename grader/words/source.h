/*
 * source: where in a student's file a TODO is.
 *
 * The files have a heading for each TODO: a comment that begins with "--- TODO 3: ...", which
 * nobody has a reason to remove. All lines up to the next heading, of whatever kind, belong to it.
 * In a file that is missing, or has no headings, nothing is found.
 *
 * Scripts ask the same with build/grader/todos, which main.c is.
 */
#ifndef GRADER_SOURCE_H
#define GRADER_SOURCE_H

#include <stddef.h>

/* The source of `program` of the lab in `folder`, if the programs graded are in `programs`:
 * "lab01-session/session.c", "lab01-session/solution/session.c", or beside the program. Fills in
 * `path` and returns it, or NULL if there is none. */
const char *source_path(const char *programs, const char *folder, const char *program, char *path,
                        size_t size);

/* The line at which TODO n is to be done: that of the call todo(n, ...), or todo_later(n, ...),
 * while it is there, else that of its heading; 0 if there is neither. */
int source_line_of_todo(const char *path, int todo);

/* The lowest n above `after` whose call is still there, and its line; 0 if there is none. */
int source_next_undone(const char *path, int after, int *line);

/* The TODO that this line belongs to; 0 if to none. */
int source_todo_of_line(const char *path, int line);

/* The text of a line, without the blanks around it; "" if there is none. Returns `text`. */
const char *source_text(const char *path, int line, char *text, size_t size);

#endif
