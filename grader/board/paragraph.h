/*
 * paragraph: text that fits the terminal.
 *
 * It breaks a word that is longer than a line; it never cuts anything off.
 */
#ifndef GRADER_PARAGRAPH_H
#define GRADER_PARAGRAPH_H

#include <stddef.h>
#include <stdio.h>

/* How many columns a text takes: UTF-8 continuation bytes take none. */
size_t paragraph_columns(const char *text, size_t length);

/* Print one paragraph from `column` on, where the cursor is, broken between words to fit `width`;
 * further lines begin at the same column. If that is in the right half, print everything below,
 * indented by 4. */
void paragraph_hanging(FILE *out, int width, int column, const char *text);

/* The same on a new line, with an indentation and a label before it. */
void paragraph_print(FILE *out, int width, int indent, const char *label, const char *text);

/* Print each line as a paragraph; keep the blanks at its beginning, and indent its further lines by
 * them too. */
void paragraph_lines(FILE *out, int width, int indent, const char *text);

/* Print lines that already fit: a ladder. */
void paragraph_block(FILE *out, int indent, const char *text);

#endif
