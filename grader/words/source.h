/*
 * source: where in a student's file a TODO is.
 *
 * The files have a heading for each TODO, a comment that begins with "--- TODO 3: the first frame ---", which nobody has a
 * reason to remove. What belongs to it stands between this heading and the next one, of whatever kind. A file that is not
 * there, or has no headings, is taken for one in which nothing is found.
 */
#ifndef GRADER_SOURCE_H
#define GRADER_SOURCE_H

#include <stddef.h>

/* The source of `program` of the lab in `folder`, if the programs graded are in `programs`: "lab01-session/session.c",
 * "lab01-session/solution/session.c", or beside the program. Fills in `path` and returns it, or NULL if there is none. */
const char *source_path(const char *programs, const char *folder, const char *program, char *path,
                        size_t size);

/* The line at which TODO n is to be done: of todo(n, ...), as long as it stands there, else of its heading. 0 if there is
 * none. */
int source_line_of_todo(const char *path, int todo);

/* The lowest n above `after` of which a call todo(n, ...) still stands there, and its line; 0 if there is none. */
int source_next_undone(const char *path, int after, int *line);

/* The TODO that this line belongs to; 0 if to none. */
int source_todo_of_line(const char *path, int line);

/* The text of a line, without the blanks around it; "" if there is none. Returns `text`. */
const char *source_text(const char *path, int line, char *text, size_t size);

#endif
