/* rfc9113_server: see rfc9113.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/tests/rfc9113.h"

enum { START_MS = 20000, STOP_MS = 20000, OUTPUT_SIZE = 1024 * 1024 };

const char *const rfc9113_programs[RFC9113_SERVERS] = {
    [RFC9113_REFERENCE] = "build/grader/serve",
    [RFC9113_LAB03] = "build/solutions/lab03-server/server",
    [RFC9113_LAB04] = "build/solutions/lab04-router/router",
};

/* In the child: become the server. */
static void become(const char *program, int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent && dup2(output, STDOUT_FILENO) >= 0)
    execl(program, program, "--port", "0", (char *)NULL);
  _exit(127);
}

/* Wait for bytes or the end, and read. Returns the number of bytes, 0 at the end, -1 if it takes
 * too long. */
static ssize_t read_output(int output, char *bytes, size_t size, int timeout) {
  struct pollfd ready = {.fd = output, .events = POLLIN};
  if (poll(&ready, 1, timeout) <= 0)
    return -1;
  return read(output, bytes, size);
}

/* Wait for "listening on http://localhost:PORT". Returns 0 if the line does not come. */
static int read_port(int output) {
  char line[256];
  size_t length = 0;
  while (length < sizeof line - 1) {
    ssize_t count = read_output(output, line + length, sizeof line - 1 - length, START_MS);
    if (count <= 0)
      return 0;
    length += (size_t)count;
    line[length] = '\0';
    const char *port = strstr(line, "localhost:");
    if (port && strchr(line, '\n'))
      return atoi(port + strlen("localhost:"));
  }
  return 0;
}

void rfc9113_server_start(struct rfc9113_server *server, int which) {
  int ends[2];
  pid_t parent = getpid();
  *server = (struct rfc9113_server){.pid = -1, .output = -1};
  if (pipe2(ends, O_CLOEXEC) != 0)
    return;
  fcntl(ends[1], F_SETPIPE_SZ, OUTPUT_SIZE); /* we read its log only at the end */
  server->pid = fork();
  if (server->pid == 0)
    become(rfc9113_programs[which], ends[1], parent);
  close(ends[1]);
  server->output = ends[0];
  if (server->pid > 0)
    server->port = read_port(server->output);
}

int rfc9113_server_stop(struct rfc9113_server *server) {
  char rest[4096];
  ssize_t length;
  int status = -1;
  if (server->pid <= 0)
    return -1;
  kill(server->pid, SIGTERM);
  do /* the output ends when the server does */
    length = read_output(server->output, rest, sizeof rest, STOP_MS);
  while (length > 0);
  if (length < 0)
    kill(server->pid, SIGKILL);
  while (waitpid(server->pid, &status, 0) < 0 && errno == EINTR)
    continue;
  close(server->output);
  server->pid = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
