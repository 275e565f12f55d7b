/*
 * disk: a small disk for each check. What the programs of one check write takes no room from
 * others.
 *
 * Inside bubblewrap (enclosure.h), /tmp has DISKS folders that are file systems of DISK_SIZE bytes
 * each. A check takes one for as long as its process runs.
 */
#ifndef GRADER_DISK_H
#define GRADER_DISK_H

/* The second is twice what one file may have (exchange.c): programs may write no more in all
 * (guard.c), and the rest is for what they write before the guard looks again. */
enum { DISKS = 96, DISK_SIZE = 144 << 20 };

/* The name of the first of DISKS disks, and its folder: "/tmp/disk-00". */
#define DISK_FORMAT "%s/disk-%02d"

/* How the name of each program's folder on it begins. */
#define DISK_PROGRAM "program-"

/* The folder in which this process may let its programs write, as an absolute path without links:
 * always the same one. If there are no disks, it is the folder for temporary files, TMPDIR. Writes
 * PATH_MAX bytes at most into `path`. Returns 0, or -1 with errno set. */
int disk_take(char *path);

#endif
