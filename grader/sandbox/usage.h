/*
 * usage: how much a directory takes on the disk, with all that is in it.
 */
#ifndef GRADER_USAGE_H
#define GRADER_USAGE_H

/* In bytes, 4096 for each entry and what it occupies besides; counting ends at `most`. No symbolic
 * link is followed. The working directory is changed on the way, and changed back. */
double usage_of(char *path, double most);

#endif
