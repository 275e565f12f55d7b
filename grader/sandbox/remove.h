/*
 * remove: take a directory away with all that is in it.
 *
 * No symbolic link is followed, other file systems mounted in it are left alone, and directories
 * that their maker locked are unlocked. The working directory is changed on the way, and changed
 * back, so that a tree may be deeper than the longest path.
 */
#ifndef GRADER_REMOVE_H
#define GRADER_REMOVE_H

/* Returns 0, or -1 with errno set if something could not be removed; the rest is
 * removed all the same. */
int remove_directory(char *path);

#endif
