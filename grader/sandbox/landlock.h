/*
 * landlock: limit the files and ports of a process and of everything that it starts (a feature of
 * Linux).
 *
 * Landlock needs no privilege. What it can limit depends on the kernel: see its ABI, 1 (Linux 5.13)
 * to 7 (6.15). We ask for everything that this kernel offers. We make the system calls by number,
 * because Debian 12's headers and C library are older than many kernels on which they run.
 *
 * Order of calls: landlock_begin; landlock_allow_... any number of times; landlock_enter.
 */
#ifndef GRADER_LANDLOCK_H
#define GRADER_LANDLOCK_H

/* The first ABI that has each limit. */
enum {
  LANDLOCK_REFERS = 2,     /* no move or link of a file from one directory to another */
  LANDLOCK_TRUNCATES = 3,  /* truncating a file counts as writing */
  LANDLOCK_CONNECTS = 4,   /* TCP: bind and connect */
  LANDLOCK_USES_IOCTL = 5, /* ioctl on devices */
  LANDLOCK_SIGNALS = 6,    /* no signal to a process outside, no abstract UNIX socket of one */
};

/* The kernel's ABI; 0 if the kernel has no Landlock, or has it switched off. */
int landlock_abi(void);

/* Begin: allow nothing. Returns a descriptor for the other calls, or -1 with errno set. */
int landlock_begin(void);

/* Allow the process to read a file, or a directory with everything beneath it; to see only the
 * names there; to read and execute it; to read and write a file or device; to fill a directory with
 * regular files and directories, none of which it can remove or execute. They skip a path that does
 * not exist. Return 0, or -1 with errno set. */
int landlock_allow_reading(int rules, const char *path);
int landlock_allow_listing(int rules, const char *path);
int landlock_allow_executing(int rules, const char *path);
int landlock_allow_writing(int rules, const char *path);
int landlock_allow_filling(int rules, const char *path);

/* The same for a compiler, which removes its own files. */
int landlock_allow_working(int rules, const char *path);

/* Allow a server on this TCP port (0: on any free port), or a connection to it. A kernel that
 * cannot limit ports allows all of them. Returns 0, or -1 with errno set. */
int landlock_allow_binding(int rules, int port);
int landlock_allow_connecting(int rules, int port);

/* Enter these bounds: the calling thread and everything that it starts can never leave them. Closes
 * the descriptor. PR_SET_NO_NEW_PRIVS must be set. Returns 0, or -1 with errno set. */
int landlock_enter(int rules);

#endif
