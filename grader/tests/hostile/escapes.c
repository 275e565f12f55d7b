/*
 * escapes: tries each way out of the sandbox that we know, and prints the names of those that work.
 *
 * None does harm: every signal is number 0, every file belongs to the test. grader/tests/escapes.py
 * compiles this file and defines OUTSIDE (a folder), SECRET (a file in it), PORT (somebody listens
 * there), ROOT (this project), and MARK, a name for things made in places that all users share:
 * where a layer refuses to remove such a thing, the next run meets it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static pid_t guard, check; /* the parent, and its parent */

/* --- helpers ---------------------------------------------------------------------------------- */

static int can_open(const char *path, int flags) {
  int file = open(path, flags | O_NONBLOCK | O_NOCTTY, 0600);
  if (file >= 0)
    close(file);
  return file >= 0;
}

static int can_open_of(pid_t pid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return can_open(path, flags);
}

static pid_t parent_of(pid_t pid) {
  char path[64];
  int parent = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file)
    return 0;
  if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
    parent = 0;
  fclose(file);
  return parent;
}

/* Try it in a child, because the sandbox may kill the process that tries. */
static int in_child(int (*attack)(void)) {
  int status = 1;
  pid_t child = fork();
  if (child == 0)
    _exit(attack() ? 42 : 0);
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 42;
}

static int works(long result) {
  return result >= 0;
}

static int connects(int type, int protocol, int fast) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int file = socket(AF_INET, type | SOCK_CLOEXEC, protocol);
  int result;
  if (fast)
    result = (int)sendto(file, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&address,
                         sizeof address) == 1;
  else
    result = connect(file, (struct sockaddr *)&address, sizeof address) == 0;
  close(file);
  return file >= 0 && result;
}

/* --- processes -------------------------------------------------------------------------------- */

static int seize_guard(void) {
  return works(ptrace(PTRACE_SEIZE, guard, NULL, NULL));
}
static int seize_check(void) {
  return check > 0 && works(ptrace(PTRACE_SEIZE, check, NULL, NULL));
}
static int memory_of_guard(void) {
  return can_open_of(guard, "mem", O_RDWR);
}
static int memory_of_check(void) {
  return can_open_of(check, "mem", O_RDWR);
}
static int read_memory(void) {
  char byte;
  struct iovec local = {&byte, 1};
  struct iovec remote = {(void *)&environ, 1};
  return process_vm_readv(guard, &local, 1, &remote, 1, 0) == 1 || errno == EFAULT;
}
static int signal_guard(void) {
  return works(kill(guard, 0));
}
static int signal_check(void) {
  return check > 0 && works(kill(check, 0));
}
static int signal_everybody(void) {
  return works(kill(-1, 0));
}
static int signal_group(void) {
  return works(kill(-getpgid(guard), 0));
}
static int tgkill_guard(void) {
  return works(syscall(SYS_tgkill, guard, guard, 0));
}
static int tkill_guard(void) {
  return works(syscall(SYS_tkill, guard, 0));
}
static int queue_to_guard(void) {
  union sigval value = {0};
  return works(sigqueue(guard, 0, value));
}
static int signal_by_pidfd(void) {
  int file = (int)syscall(434, guard, 0);
  return file >= 0 && works(syscall(424, file, 0, NULL, 0));
}
static int own_files_by_guard(void) {
  int ends[2];
  return pipe(ends) == 0 && works(fcntl(ends[0], F_SETOWN, guard)) &&
         fcntl(ends[0], F_GETOWN) == guard;
}
static int leave_session(void) {
  return works(setsid());
}
static int leave_group(void) {
  return works(setpgid(0, 0));
}
#ifdef __x86_64__
static int leave_by_32_bits(void) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(66L /* setsid */)
                   : "memory", "r8", "r9", "r10", "r11");
  return result > 0;
}
static int call_by_x32(void) {
  return syscall(0x40000000L | 39 /* getpid */) == getpid();
}
#endif
static int limit_guard(void) {
  struct rlimit limit;
  return works(prlimit(guard, RLIMIT_CPU, NULL, &limit));
}
static int slow_down_user(void) {
  return works(setpriority(PRIO_USER, 0, getpriority(PRIO_USER, 0)));
}
static int move_guard(void) {
  cpu_set_t all;
  return sched_getaffinity(0, sizeof all, &all) == 0 &&
         works(sched_setaffinity(guard, sizeof all, &all));
}
static int environment_of_check(void) {
  return can_open_of(check, "environ", O_RDONLY);
}
static int command_of_check(void) {
  return can_open_of(check, "cmdline", O_RDONLY);
}
static int know_seed(void) {
  return getenv("GRADE_SEED") != NULL || getenv("GRADE_PROGRAMS") != NULL;
}

/* --- files ------------------------------------------------------------------------------------ */

static int read_secret(void) {
  return can_open(SECRET, O_RDONLY);
}
static int read_solution(void) {
  return can_open(ROOT "/lab01-session/solution/session.c", O_RDONLY);
}
static int read_program_of_solution(void) {
  return can_open(ROOT "/build/solutions/lab01-session/session", O_RDONLY);
}
static int write_secret(void) {
  return can_open(SECRET, O_WRONLY);
}
static int truncate_secret(void) {
  return works(truncate(SECRET, 100));
}
static int create_outside(void) {
  return can_open(OUTSIDE "/created", O_WRONLY | O_CREAT);
}
static int make_folder_outside(void) {
  return works(mkdir(OUTSIDE "/folder", 0700));
}
static int link_outside(void) {
  return works(symlink("x", OUTSIDE "/link"));
}
static int link_secret(void) {
  return works(link(SECRET, "secret"));
}
static int rename_secret(void) {
  return works(rename(SECRET, OUTSIDE "/renamed"));
}
static int remove_secret(void) {
  return works(unlink(SECRET ".2"));
}
static int mode_of_secret(void) {
  return works(chmod(SECRET, 0600));
}
static int time_of_secret(void) {
  return works(utimes(SECRET, NULL));
}
static int write_results(void) {
  return can_open(RESULTS "/results.json", O_WRONLY | O_CREAT);
}
static int write_outcome(void) {
  return can_open(RESULTS "/checks/lab01.ping.json", O_WRONLY | O_CREAT);
}
static int write_tmp(void) {
  return can_open("/tmp/" MARK, O_WRONLY | O_CREAT) && unlink("/tmp/" MARK) <= 0;
}
static int write_shared_memory(void) {
  return can_open("/dev/shm/" MARK, O_WRONLY | O_CREAT) && unlink("/dev/shm/" MARK) <= 0;
}
static int make_fifo(void) {
  return works(mkfifo("fifo", 0600));
}
static int make_link(void) {
  return works(symlink("/etc/passwd", "sanitizer-report.1"));
}
static int make_socket(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  int file = socket(AF_UNIX, SOCK_STREAM, 0);
  return file >= 0 && works(bind(file, (struct sockaddr *)&address, sizeof address));
}
static int make_unnamed_file(void) {
  return can_open(".", O_TMPFILE | O_RDWR);
}
static int remove_own_file(void) {
  return can_open("own", O_WRONLY | O_CREAT) && works(unlink("own"));
}
static int users_of_machine(void) {
  return can_open("/etc/passwd", O_RDONLY);
}
static int shadow(void) {
  return can_open("/etc/shadow", O_RDONLY);
}
static int list_home(void) {
  return can_open(getuid() == 0 ? "/root" : "/home", O_RDONLY | O_DIRECTORY);
}
static int terminals(void) {
  return can_open("/dev/pts/0", O_RDWR) || can_open("/dev/tty", O_RDWR) ||
         can_open("/dev/console", O_RDWR);
}
static int kernel_messages(void) {
  return can_open("/dev/kmsg", O_RDONLY);
}

/* --- other programs --------------------------------------------------------------------------- */

static int run(const char *path, char *const *arguments) {
  close(1);
  close(2);
  execv(path, arguments);
  return 0;
}
static int run_shell(void) {
  char *arguments[] = {"sh", "-c", "exit 42", NULL};
  return run("/bin/sh", arguments);
}
static int run_by_loader(void) {
  char *arguments[] = {"ld.so", "/bin/sh", "-c", "exit 42", NULL};
  return run("/lib64/ld-linux-x86-64.so.2", arguments);
}
static int run_memory(void) {
  char *arguments[] = {"sh", "-c", "exit 42", NULL};
  char chunk[4096];
  ssize_t length;
  int from = open("/bin/sh", O_RDONLY);
  int to = (int)syscall(SYS_memfd_create, "program", 0);
  while ((length = read(from, chunk, sizeof chunk)) > 0)
    write(to, chunk, (size_t)length);
  fexecve(to, arguments, environ);
  return 0;
}
static int make_code(void) {
  void *memory =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory != MAP_FAILED;
}
static int change_into_code(void) {
  void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory != MAP_FAILED && mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0;
}
static int data_is_code(void) {
  return personality(READ_IMPLIES_EXEC) >= 0;
}
static int run_own_file(void) {
  char *arguments[] = {"script", NULL};
  int file = open("script", O_WRONLY | O_CREAT, 0700);
  write(file, "#!/bin/sh\nexit 42\n", 18);
  close(file);
  return run("script", arguments);
}

/* --- memory and messages ---------------------------------------------------------------------- */

static int memory_file(void) {
  return works(syscall(SYS_memfd_create, "memory", 0));
}
static int shared_memory(void) {
  int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  return id >= 0 && shmctl(id, IPC_RMID, NULL) <= 0;
}
static int semaphores(void) {
  int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  return id >= 0 && semctl(id, 0, IPC_RMID) <= 0;
}
static int messages(void) {
  int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  return id >= 0 && msgctl(id, IPC_RMID, NULL) <= 0;
}
static int message_queue(void) {
  return works(syscall(SYS_mq_open, MARK, O_RDWR | O_CREAT, 0600, NULL)) &&
         syscall(SYS_mq_unlink, MARK) <= 0;
}
static int keys(void) {
  return works(syscall(SYS_add_key, "user", "escapes", "x", 1, -4 /* the user's */));
}

/* --- the kernel ------------------------------------------------------------------------------- */

static int new_namespace(void) {
  return works(unshare(CLONE_NEWUSER));
}
static int clone_namespace(void) {
  int status;
  long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
  if (child == 0)
    _exit(0);
  return child > 0 && waitpid((pid_t)child, &status, 0) > 0;
}
static int ring(void) {
  char parameters[256] = {0};
  return works(syscall(425, 4, parameters));
}
static int filter_of_kernel(void) {
  return works(syscall(SYS_bpf, 0, NULL, 0)) || errno == EINVAL || errno == E2BIG ||
         errno == EFAULT;
}
static int performance(void) {
  return works(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)) || errno == EFAULT;
}
static int mount_something(void) {
  (void)syscall(SYS_mount, "none", ".", "no-such-type", 0,
                NULL); /* with permission, the error is that the type is unknown */
  return errno == ENODEV;
}

/* --- the network ------------------------------------------------------------------------------ */

static int unix_socket(void) {
  return works(socket(AF_UNIX, SOCK_STREAM, 0));
}
static int criterion_socket_in(const char *folder) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/criterion_%d.sock", folder,
           parent_of(check));
  int file = socket(AF_UNIX, SOCK_STREAM, 0);
  return file >= 0 && works(connect(file, (struct sockaddr *)&address, sizeof address));
}
static int criterion_socket(void) {
  return criterion_socket_in("..") || criterion_socket_in("../.."); /* our disk is in between */
}
static int raw_socket(void) {
  return works(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)) || works(socket(AF_PACKET, SOCK_DGRAM, 0));
}
static int other_port(void) {
  return connects(SOCK_STREAM, 0, 0);
}
static int other_port_fast(void) {
  return connects(SOCK_STREAM, 0, 1);
}
static int other_port_mptcp(void) {
  return connects(SOCK_STREAM, 262, 0);
}
static int fixed_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(48899)};
  int file = socket(AF_INET, SOCK_STREAM, 0);
  return file >= 0 && works(bind(file, (struct sockaddr *)&address, sizeof address));
}
static int outside_world(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
  inet_pton(AF_INET, "192.0.2.1", &address.sin_addr); /* nobody's (RFC 5737); sends nothing */
  int file = socket(AF_INET, SOCK_DGRAM, 0);
  return file >= 0 && works(connect(file, (struct sockaddr *)&address, sizeof address));
}

/* --- all -------------------------------------------------------------------------------------- */

#define TRY(attack)                                                                                \
  { #attack, attack }

static const struct {
  const char *name;
  int (*attack)(void);
} attacks[] = {
    TRY(seize_guard),
    TRY(seize_check),
    TRY(memory_of_guard),
    TRY(memory_of_check),
    TRY(read_memory),
    TRY(signal_guard),
    TRY(signal_check),
    TRY(signal_everybody),
    TRY(signal_group),
    TRY(tgkill_guard),
    TRY(tkill_guard),
    TRY(queue_to_guard),
    TRY(signal_by_pidfd),
    TRY(own_files_by_guard),
    TRY(leave_session),
    TRY(leave_group),
    TRY(limit_guard),
    TRY(slow_down_user),
    TRY(move_guard),
#ifdef __x86_64__
    TRY(leave_by_32_bits),
    TRY(call_by_x32),
#endif
    TRY(environment_of_check),
    TRY(command_of_check),
    TRY(know_seed),
    TRY(read_secret),
    TRY(read_solution),
    TRY(read_program_of_solution),
    TRY(write_secret),
    TRY(truncate_secret),
    TRY(create_outside),
    TRY(make_folder_outside),
    TRY(link_outside),
    TRY(link_secret),
    TRY(mode_of_secret),
    TRY(time_of_secret),
    TRY(remove_secret),
    TRY(write_results),
    TRY(write_outcome),
    TRY(write_tmp),
    TRY(write_shared_memory),
    TRY(make_fifo),
    TRY(make_link),
    TRY(make_socket),
    TRY(make_unnamed_file),
    TRY(remove_own_file),
    TRY(users_of_machine),
    TRY(shadow),
    TRY(list_home),
    TRY(terminals),
    TRY(kernel_messages),
    TRY(run_shell),
    TRY(run_by_loader),
    TRY(run_memory),
    TRY(make_code),
    TRY(change_into_code),
    TRY(data_is_code),
    TRY(run_own_file),
    TRY(memory_file),
    TRY(shared_memory),
    TRY(semaphores),
    TRY(messages),
    TRY(message_queue),
    TRY(keys),
    TRY(new_namespace),
    TRY(clone_namespace),
    TRY(ring),
    TRY(filter_of_kernel),
    TRY(performance),
    TRY(mount_something),
    TRY(unix_socket),
    TRY(criterion_socket),
    TRY(raw_socket),
    TRY(other_port),
    TRY(other_port_fast),
    TRY(other_port_mptcp),
    TRY(fixed_port),
    TRY(outside_world),
    TRY(rename_secret),
};

int main(void) {
  guard = getppid();
  check = parent_of(guard);
  puts("begin");
  fflush(stdout);
  for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    if (in_child(attacks[i].attack))
      puts(attacks[i].name);
    fflush(stdout);
  }
  puts("end");
  return 0;
}
