/* Nothing is left of a directory, whatever somebody has made in it. */
#include "grader/sandbox/remove.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox/disk.h"
#include "grader/sandbox/enclosure.h"

TestSuite(remove, .timeout = 60);

enum { NAME_LENGTH = 249 };

/* A folder of its own, in memory if possible, in which `made` will be removed. */
static void begin(char folder[64], char made[80]) {
  snprintf(folder, 64, "%s/remove-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  cr_assert_not_null(mkdtemp(folder));
  snprintf(made, 80, "%s/made", folder);
  cr_assert_eq(mkdir(made, 0700), 0);
}

static void expect_removed(const char *folder, const char *made) {
  cr_assert_eq(remove_directory(made, REMOVE_SECONDS), 0, "%s", strerror(errno));
  cr_assert_eq(rmdir(folder), 0, "something is left in %s", folder);
}

static void make_file(int directory, const char *name) {
  int file = openat(directory, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0);
  cr_assert_geq(file, 0, "%s", strerror(errno));
  close(file);
}

/* Make directories in each other, with modes that lock us out, and more beside each. */
static void make_deep(const char *made, int depth, const char *name, mode_t mode) {
  int directory = open(made, O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < depth; i++) {
    cr_assert_eq(mkdirat(directory, name, 0700), 0, "%s", strerror(errno));
    make_file(directory, "\033[2J\n\xff");
    cr_assert_eq(symlinkat("/", directory, "-rf"), 0);
    cr_assert_eq(mkdirat(directory, "row-0", 0700), 0); /* as remove.c would call it */
    make_file(directory, "row-1");
    cr_assert_eq(mkdirat(directory, "0", 0), 0);
    int inner = openat(directory, name, O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(fchmod(directory, mode), 0);
    close(directory);
    directory = inner;
  }
  close(directory);
}

/* More than 65,535 bytes of path, and more directories than descriptors. */
static char deep[80];

static void make_deepest(char folder[64], mode_t mode) {
  char name[NAME_LENGTH + 1];
  memset(name, '\n', NAME_LENGTH);
  name[0] = '-';
  name[NAME_LENGTH] = '\0';
  begin(folder, deep);
  make_deep(deep, 1500, name, mode);
}

Test(remove, deep) {
  char folder[64];
  make_deepest(folder, 0300);
  expect_removed(folder, deep);
}

/* Run this as somebody whom modes of directories lock out. */
static void as_ordinary_user(bool (*run)(void)) {
  int status;
  pid_t child = fork();
  cr_assert_geq(child, 0);
  if (child == 0) {
    bool changed = geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
    _exit(changed && run() ? 42 : 1);
  }
  cr_assert_eq(waitpid(child, &status, 0), child);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42, "status %x", status);
}

static bool makes_and_removes(void) {
  static const mode_t modes[] = {0700, 0300, 0};
  char folder[64];
  bool removed = true;
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    make_deepest(folder, modes[i]);
    removed = remove_directory(deep, REMOVE_SECONDS) == 0 && rmdir(folder) == 0 && removed;
  }
  return removed;
}

Test(remove, deep_as_ordinary_user) {
  as_ordinary_user(makes_and_removes);
}

Test(remove, wide) {
  enum { DIRECTORIES = 1000 };
  char folder[64], made[80];
  begin(folder, made);
  int top = open(made, O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < DIRECTORIES; i++) {
    char name[32];
    snprintf(name, sizeof name, "%d", i);
    cr_assert_eq(mkdirat(top, name, 0700), 0);
    int inner = openat(top, name, O_DIRECTORY | O_CLOEXEC);
    make_file(inner, "file");
    cr_assert_eq(mkdirat(inner, "row-0", 0), 0);
    close(inner);
  }
  close(top);
  expect_removed(folder, made);
}

Test(remove, is_not_there) {
  cr_assert_eq(remove_directory("/tmp/remove-is-not-there", 1), 0);
}

/* In a directory of somebody else's, nothing can be removed; in the others, everything. */
static char foreign[80];

static bool fails_to_remove_foreign(void) {
  return remove_directory(foreign, REMOVE_SECONDS) == -1 && errno == EACCES;
}

Test(remove, tells_what_it_cannot) {
  char folder[64], inner[128];
  if (geteuid() != 0)
    return;
  begin(folder, foreign);
  cr_assert_eq(chmod(folder, 0777), 0);
  snprintf(inner, sizeof inner, "%s/mine", foreign);
  cr_assert_eq(mkdir(inner, 0700), 0);
  make_deep(inner, 3, "x", 0700);
  make_deep(foreign, 3, "y", 0700);
  cr_assert_eq(chown(foreign, 65534, 65534), 0);
  as_ordinary_user(fails_to_remove_foreign);
  cr_assert_eq(access(inner, F_OK), 0, "that was root's");
  snprintf(inner, sizeof inner, "%s/row-1", foreign);
  cr_assert_neq(access(inner, F_OK), 0, "that was in the user's own directory");
  expect_removed(folder, foreign);
}

Test(remove, ends_in_time) {
  char folder[64], made[80];
  begin(folder, made);
  make_deep(made, 3, "x", 0700);
  cr_assert_eq(remove_directory(made, -1), -1);
  cr_assert_eq(errno, ETIME, "%s", strerror(errno));
  expect_removed(folder, made);
}

/* A disk that has no room for one directory more: the files are far down. */
static void remove_from_full_disk(void) {
  char folder[64], made[80], path[128];
  begin(folder, made);
  cr_assert_eq(mount("none", folder, "tmpfs", 0, "size=256k,nr_inodes=60"), 0);
  cr_assert_eq(mkdir(made, 0700), 0);
  snprintf(path, sizeof path, "%s/a", made);
  for (size_t length = strlen(path); mkdir(path, 0700) == 0 && length < sizeof path - 4;
       length += 2)
    strcat(path, "/a");
  int top = open(made, O_DIRECTORY | O_CLOEXEC);
  for (int directory = openat(top, "a", O_DIRECTORY | O_CLOEXEC), i = 0; directory >= 0; i++) {
    char name[32];
    snprintf(name, sizeof name, "%d", i);
    int file = openat(directory, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) {
      close(directory);
      break;
    }
    close(file);
  }
  cr_assert(mkdirat(top, "more", 0700) != 0 && errno == ENOSPC, "there is room");
  close(top);
  cr_assert_eq(remove_directory(made, REMOVE_SECONDS), 0, "%s", strerror(errno));
  cr_assert_eq(umount(folder), 0);
  cr_assert_eq(rmdir(made), 0); /* below the disk */
  cr_assert_eq(rmdir(folder), 0);
}

Test(remove, full_disk) {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    return; /* only root can make such a disk */
  remove_from_full_disk();
}

/* What the guards have left, the grader removes in the end, or says of how many it cannot. */
Test(remove, left_by_guards) {
  char folder[64], made[80], other[128];
  begin(folder, made);
  setenv("TMPDIR", folder, 1);
  setenv(ENCLOSURE_KIND, "", 1);
  for (int i = 0; i < 3; i++) {
    snprintf(other, sizeof other, "%s/" DISK_PROGRAM "%d", folder, i);
    cr_assert_eq(mkdir(other, 0700), 0);
    make_deep(other, 3, "x", 0300);
  }
  bool mounted = unshare(CLONE_NEWNS) == 0 &&
                 mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                 mount("none", other, "tmpfs", 0, NULL) == 0; /* only root can */
  cr_assert_eq(enclosure_clean(), (size_t)mounted);
  cr_assert_eq(access(other, F_OK) == 0, mounted);
  if (mounted)
    cr_assert_eq(umount(other), 0);
  cr_assert_eq(enclosure_clean(), 0);
  expect_removed(folder, made);
}
