/*
 * landlock: bounds on the files and ports that a process may use, which Linux keeps
 * for it and all that it starts.
 *
 * Landlock needs no privilege. What it can keep depends on the kernel: its ABI, 1 (Linux 5.13) to 7
 * (6.15), tells. All that this kernel can keep is asked for. The system calls are made by number,
 * because Debian 12's headers and C library are older than many kernels on which they run.
 *
 * Order of calls: landlock_begin; landlock_allow_... any number of times; landlock_enter.
 */
#ifndef GRADER_LANDLOCK_H
#define GRADER_LANDLOCK_H

/* From which ABI on the kernel keeps what. */
enum {
  LANDLOCK_REFERS = 2,     /* files are not moved or linked from one directory to another */
  LANDLOCK_TRUNCATES = 3,  /* truncating a file is writing */
  LANDLOCK_CONNECTS = 4,   /* TCP: bind and connect */
  LANDLOCK_USES_IOCTL = 5, /* ioctl on devices */
  LANDLOCK_SIGNALS = 6,    /* no signal to a process outside, no abstract UNIX socket of one */
};

/* The kernel's ABI; 0 if it has no Landlock, or it is switched off. */
int landlock_abi(void);

/* Begin with nothing allowed. Returns a descriptor for the other calls, or -1 with errno set. */
int landlock_begin(void);

/* Allow a file, or a directory with all beneath it: to be read; to be read and executed; a file
 * or device to be read and written; a directory to be filled with regular files and
 * directories, none of which can be removed or executed. A path that does not exist is left
 * out. Returns 0, or -1 with errno set. */
int landlock_allow_reading(int rules, const char *path);
int landlock_allow_executing(int rules, const char *path);
int landlock_allow_writing(int rules, const char *path);
int landlock_allow_filling(int rules, const char *path);

/* The same for a compiler, which removes files that it has made. */
int landlock_allow_working(int rules, const char *path);

/* Allow a server on this TCP port (0: on any that is free), or a connection to it. Where the kernel
 * does not keep ports, all are allowed. Returns 0, or -1 with errno set. */
int landlock_allow_binding(int rules, int port);
int landlock_allow_connecting(int rules, int port);

/* Enter these bounds: the calling thread and all that it starts can never leave them. Closes the
 * descriptor. PR_SET_NO_NEW_PRIVS must be set. Returns 0, or -1 with errno set. */
int landlock_enter(int rules);

#endif
