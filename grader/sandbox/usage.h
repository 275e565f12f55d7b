/*
 * usage: how much disk space a directory takes, with everything in it.
 */
#ifndef GRADER_USAGE_H
#define GRADER_USAGE_H

/* In bytes: 4096 for each entry, plus what it occupies; counting stops at `most`. It follows no
 * symbolic link. It changes the working directory on the way, and back. */
double usage_of(char *path, double most);

#endif
