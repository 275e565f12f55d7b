/*
 * usage: how much disk space a directory takes, with everything in it.
 */
#ifndef GRADER_USAGE_H
#define GRADER_USAGE_H

/* In bytes: 4096 for each entry, plus what it occupies; counting stops at `most`. INFINITY for a
 * tree that cannot be counted: one of more than 64 levels, or with a directory that we may not
 * read. It follows no symbolic link. */
double usage_of(const char *path, double most);

#endif
