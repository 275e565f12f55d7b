/*
 * remove: remove a directory with everything in it, whatever made it.
 *
 * Depth, names and modes do not matter: remove_directory needs no path that is longer than its own,
 * two descriptors, and as much memory for any tree. Its time grows with the number of files, and
 * has a bound. It follows no symbolic link, and leaves mounted file systems alone.
 */
#ifndef GRADER_REMOVE_H
#define GRADER_REMOVE_H

/* As long as a check, or the compiler, waits for it. In 10 s it removes a million files. */
enum { REMOVE_SECONDS = 10 };

/* Returns 0, also if it is not there; or -1 with errno set if it could not remove something, or not
 * in so many seconds (ETIME). It removes the rest anyway. */
int remove_directory(const char *path, double seconds);

#endif
