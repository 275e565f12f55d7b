/*
 * remove: remove a directory with everything in it.
 *
 * It follows no symbolic link, leaves mounted file systems alone, and unlocks directories that
 * their maker locked. It changes the working directory on the way, and back, so that a tree may be
 * deeper than the longest path.
 */
#ifndef GRADER_REMOVE_H
#define GRADER_REMOVE_H

/* Returns 0, or -1 with errno set if it could not remove something; it removes the rest anyway. */
int remove_directory(char *path);

#endif
