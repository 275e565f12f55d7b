/*
 * make_filters: make the filters for system calls, for programs in C, for those in any language and
 * for the compiler, as files.
 *
 *   make_filters DIRECTORY     writes the files into it that filter.h names, and loads
 *
 * A filter is a small program that the kernel runs at every system call. libseccomp makes it of our
 * rules, which takes 10 ms: too long for every start of a program, so that it is done once, when
 * the grader is built. A call of another architecture (32-bit code in a 64-bit program) kills the
 * program; a call that is refused fails with EPERM, or with ENOSYS where the C library then does
 * without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/sandbox/filter.h"

/* By name: leave out a name that this libseccomp does not know, or that this architecture does not
 * have. */
static const char *const refused[] = {
    /* Leave the session, in which one call can kill it; become another user. */
    "setsid",
    "setpgid",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capset",
    /* Reach into other processes. LeakSanitizer needs ptrace, which Landlock and the marks of the
     * grader's processes (PR_SET_DUMPABLE) keep within the program. */
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "process_mrelease",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kcmp",
    "migrate_pages",
    "move_pages",
    "setpriority",
    "ioprio_set",
    "perf_event_open",
    "userfaultfd",
    /* Memory and messages that belong to no process: they would be counted nowhere, and left
     * behind. */
    "memfd_create",
    "memfd_secret",
    "shmget",
    "shmat",
    "shmctl",
    "semget",
    "semctl",
    "semop",
    "semtimedop",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "mq_open",
    "mq_unlink",
    "mq_notify",
    "add_key",
    "request_key",
    "keyctl",
    /* Another view of the system. */
    "unshare",
    "setns",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "fsconfig",
    "fspick",
    "name_to_handle_at",
    "open_by_handle_at",
    /* Properties of files that Landlock ignores: owner, mode, times, attributes; truncating by
     * name. */
    "chmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "utime",
    "utimes",
    "futimesat",
    "utimensat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "removexattrat",
    "truncate",
    "file_setattr",
    /* The machine. */
    "bpf",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "quotactl_fd",
    "syslog",
    "settimeofday",
    "stime",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "fanotify_init",
    "lookup_dcookie",
    "vhangup",
    "nfsservctl",
    "uselib",
    "modify_ldt",
};

/* A filter cannot follow pointers: pretend that the kernel does not have these calls, so that the C
 * library uses others. */
static const char *const unknown[] = {"clone3", "openat2", "io_uring_setup", "io_uring_enter",
                                      "io_uring_register"};

/* Only a compiler needs them, and a linker that makes what it has written executable. */
static const char *const refused_to_programs[] = {
    "fchmod", "unlink", "unlinkat", "rmdir",     "rename", "renameat", "renameat2",
    "link",   "linkat", "symlink",  "symlinkat", "mknod",  "mknodat",  "socketpair"};

static const uint32_t forbid = SCMP_ACT_ERRNO(EPERM);

/* ---- rules ---- */

/* All return 0 or the negative number of an error. */
static int refuse_all(scmp_filter_ctx filter, uint32_t action, const char *const *names,
                      size_t count) {
  int result = 0;
  for (size_t i = 0; result == 0 && i < count; i++) {
    int number = seccomp_syscall_resolve_name(names[i]);
    if (number >= 0)
      result = seccomp_rule_add_array(filter, action, number, 0, NULL);
  }
  return result;
}

static int refuse_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp condition) {
  int number = seccomp_syscall_resolve_name(name);
  return number < 0 ? 0 : seccomp_rule_add_array(filter, forbid, number, 1, &condition);
}

/* Where argument `place`, of which the kernel takes only the low half, is one of these. */
static int refuse_values(scmp_filter_ctx filter, const char *name, unsigned place,
                         const unsigned *values, size_t count) {
  int result = 0;
  for (size_t i = 0; result == 0 && i < count; i++)
    result = refuse_if(filter, name, SCMP_CMP(place, SCMP_CMP_MASKED_EQ, UINT32_MAX, values[i]));
  return result;
}

/* Where argument `place` has all these bits. */
static int refuse_bits(scmp_filter_ctx filter, const char *name, unsigned place, unsigned mask,
                       unsigned bits) {
  return refuse_if(filter, name, SCMP_CMP(place, SCMP_CMP_MASKED_EQ, mask, bits));
}

/* ---- sockets ---- */

/* TCP and UDP, and NETLINK, by which the C library learns of addresses: no other families, types
 * and protocols. A filter knows no "unless", so all the others are listed. UNIX sockets, among them
 * Criterion's, are the first. */
static int refuse_sockets(scmp_filter_ctx filter) {
  static const unsigned families[] = {0, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15};
  static const unsigned protocols[] = {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  static const unsigned types[] = {SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, 6, 10};
  int result = refuse_values(filter, "socket", 0, families, sizeof families / sizeof *families);
  for (size_t i = 0; result == 0 && i < sizeof types / sizeof *types; i++)
    result = refuse_bits(filter, "socket", 1, 0xf, types[i]);
  if (result == 0)
    result = refuse_values(filter, "socket", 2, protocols, sizeof protocols / sizeof *protocols);
  if (result == 0)
    result = refuse_if(filter, "socket", SCMP_CMP(0, SCMP_CMP_GT, AF_NETLINK, 0));
  if (result == 0) /* among them MPTCP, whose ports Landlock does not look at */
    result = refuse_if(filter, "socket", SCMP_CMP(2, SCMP_CMP_GT, IPPROTO_UDP, 0));
  return result;
}

/* A connection made by sending: Landlock ignores its port. */
static int refuse_fast_open(scmp_filter_ctx filter) {
  int result = refuse_bits(filter, "sendto", 3, MSG_FASTOPEN, MSG_FASTOPEN);
  if (result == 0)
    result = refuse_bits(filter, "sendmsg", 2, MSG_FASTOPEN, MSG_FASTOPEN);
  if (result == 0)
    result = refuse_bits(filter, "sendmmsg", 3, MSG_FASTOPEN, MSG_FASTOPEN);
  return result;
}

/* A server that takes a port of its choice, or all of them: Landlock looks only at bind. */
static int refuse_port_range(scmp_filter_ctx filter) {
  enum { IP_LOCAL_PORT_RANGE_ = 51 };
  struct scmp_arg_cmp conditions[] = {
      SCMP_CMP(1, SCMP_CMP_MASKED_EQ, UINT32_MAX, IPPROTO_IP),
      SCMP_CMP(2, SCMP_CMP_MASKED_EQ, UINT32_MAX, IP_LOCAL_PORT_RANGE_)};
  int number = seccomp_syscall_resolve_name("setsockopt");
  return number < 0 ? 0 : seccomp_rule_add_array(filter, forbid, number, 2, conditions);
}

/* Memory that several processes share is resident in none of them. */
static int refuse_shared_memory(scmp_filter_ctx filter) {
  enum { TYPE = 0xf };
  int result = refuse_bits(filter, "mmap", 3, TYPE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS);
  if (result == 0)
    result =
        refuse_bits(filter, "mmap", 3, TYPE | MAP_ANONYMOUS, MAP_SHARED_VALIDATE | MAP_ANONYMOUS);
  return result;
}

static int refuse_uncounted(scmp_filter_ctx filter) {
  int result = refuse_port_range(filter);
  return result == 0 ? refuse_shared_memory(filter) : result;
}

/* ---- code ---- */

/* Memory that is executable although no file is mapped there, or becomes so: a program in C has all
 * its code in its files. Node.js makes code. */
static int refuse_new_code(scmp_filter_ctx filter) {
  int number = seccomp_syscall_resolve_name("mmap");
  struct scmp_arg_cmp conditions[] = {
      SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC),
      SCMP_CMP(3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)};
  int result = number < 0 ? 0 : seccomp_rule_add_array(filter, forbid, number, 2, conditions);
  if (result == 0)
    result = refuse_bits(filter, "mprotect", 2, PROT_EXEC, PROT_EXEC);
  return result == 0 ? refuse_bits(filter, "pkey_mprotect", 2, PROT_EXEC, PROT_EXEC) : result;
}

/* That all memory which can be read can be executed. A value of ones only asks: so refuse this bit
 * where any other is missing. */
static int refuse_personality(scmp_filter_ctx filter) {
  int result = 0;
  for (unsigned bit = 1; result == 0 && bit != 0; bit <<= 1)
    if (bit != READ_IMPLIES_EXEC)
      result = refuse_bits(filter, "personality", 0, bit | READ_IMPLIES_EXEC, READ_IMPLIES_EXEC);
  return result;
}

/* ---- files ---- */

/* A file without a name is counted nowhere; and to truncate a file is to write, though old kernels'
 * Landlock does not know it. */
static int refuse_to_open(scmp_filter_ctx filter) {
  static const struct {
    const char *name;
    unsigned flags; /* which argument */
  } calls[] = {{"open", 1}, {"openat", 2}};
  int result = 0;
  for (size_t i = 0; result == 0 && i < 2; i++) {
    const unsigned unnamed = O_TMPFILE & ~(unsigned)O_DIRECTORY;
    result = refuse_bits(filter, calls[i].name, calls[i].flags, unnamed, unnamed);
    if (result == 0)
      result = refuse_bits(filter, calls[i].name, calls[i].flags, O_TRUNC | O_ACCMODE,
                           O_TRUNC | O_RDONLY);
  }
  return result;
}

/* Make the kernel signal another process when a file is ready; or type into another terminal. */
static int refuse_to_control(scmp_filter_ctx filter) {
  static const unsigned fcntls[] = {F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY, F_SETLEASE};
  static const unsigned ioctls[] = {FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX};
  int result = refuse_values(filter, "fcntl", 1, fcntls, sizeof fcntls / sizeof *fcntls);
  if (result == 0)
    result = refuse_values(filter, "ioctl", 1, ioctls, sizeof ioctls / sizeof *ioctls);
  return result;
}

/* ---- processes ---- */

/* Namespaces, one bit each. */
static int refuse_namespaces(scmp_filter_ctx filter) {
  static const unsigned bits[] = {0x00020000, 0x02000000, 0x04000000, 0x08000000,
                                  0x10000000, 0x20000000, 0x40000000};
  int result = 0;
  for (size_t i = 0; result == 0 && i < sizeof bits / sizeof *bits; i++)
    result = refuse_bits(filter, "clone", 0, bits[i], bits[i]);
  return result;
}

/* Calls that take a process number: allow only the program's own, or 0, which means itself. */
static int refuse_others(scmp_filter_ctx filter) {
  static const char *const signals[] = {"kill", "tgkill", "tkill", "rt_sigqueueinfo",
                                        "rt_tgsigqueueinfo"};
  static const char *const settings[] = {"prlimit64", "sched_setaffinity", "sched_setscheduler",
                                         "sched_setparam", "sched_setattr"};
  int result = 0;
  for (size_t i = 0; result == 0 && i < sizeof signals / sizeof *signals; i++)
    result = refuse_if(filter, signals[i], SCMP_CMP(0, SCMP_CMP_NE, FILTER_SELF, 0));
  for (size_t i = 0; result == 0 && i < sizeof settings / sizeof *settings; i++)
    result = refuse_if(filter, settings[i], SCMP_CMP(0, SCMP_CMP_NE, 0, 0));
  return result;
}

/* ---- the filters ---- */

static int add_rules(scmp_filter_ctx filter) {
  int result = refuse_all(filter, forbid, refused, sizeof refused / sizeof *refused);
  if (result == 0)
    result = refuse_all(filter, SCMP_ACT_ERRNO(ENOSYS), unknown, sizeof unknown / sizeof *unknown);
  if (result == 0)
    result = refuse_sockets(filter);
  if (result == 0)
    result = refuse_to_control(filter);
  return result == 0 ? refuse_namespaces(filter) : result;
}

/* A compiler starts other programs, signals them, and removes its files: a student's program does
 * not. */
static int add_rules_for_program(scmp_filter_ctx filter) {
  int result = refuse_all(filter, forbid, refused_to_programs,
                          sizeof refused_to_programs / sizeof *refused_to_programs);
  if (result == 0)
    result = refuse_fast_open(filter);
  if (result == 0)
    result = refuse_to_open(filter);
  if (result == 0)
    result = refuse_uncounted(filter);
  return result == 0 ? refuse_others(filter) : result;
}

static int write_filter(scmp_filter_ctx filter, const char *directory, const char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int result = file < 0 ? -errno : seccomp_export_bpf(filter, file);
  if (file >= 0 && close(file) != 0 && result == 0)
    result = -errno;
  return result;
}

static int make(const char *directory, const char *name, bool program, bool in_c) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == NULL)
    return -ENOMEM;
  int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (result == 0) /* a tree, not a list of some three hundred comparisons */
    result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (result == 0)
    result = add_rules(filter);
  if (result == 0 && program)
    result = add_rules_for_program(filter);
  if (result == 0 && in_c)
    result = refuse_new_code(filter);
  if (result == 0 && in_c)
    result = refuse_personality(filter);
  if (result == 0)
    result = write_filter(filter, directory, name);
  seccomp_release(filter);
  return result;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: make_filters DIRECTORY\n");
    return 2;
  }
  int result = make(argv[1], FILTER_OF_PROGRAM, true, true);
  if (result == 0)
    result = make(argv[1], FILTER_OF_ANY_LANGUAGE, true, false);
  if (result == 0)
    result = make(argv[1], FILTER_OF_COMPILER, false, false);
  if (result != 0)
    fprintf(stderr, "make_filters: %s: %s\n", argv[1], strerror(-result));
  return result == 0 ? 0 : 1;
}
