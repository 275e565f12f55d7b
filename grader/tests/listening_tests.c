/* Which process listens at a port. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox/listening.h"

TestSuite(listening, .timeout = 60);

/* A socket that listens at some port of loopback, and the port. */
static int listen_somewhere(sa_family_t family, int *port) {
  union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
  } name = {.any.sa_family = family};
  socklen_t size = family == AF_INET ? sizeof name.four : sizeof name.six;
  if (family == AF_INET)
    name.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else
    name.six.sin6_addr = in6addr_loopback;
  int made = socket(family, SOCK_STREAM, 0);
  if (made >= 0 && (bind(made, &name.any, size) != 0 || listen(made, 1) != 0)) {
    close(made);
    made = -1;
  }
  if (made >= 0)
    cr_assert(getsockname(made, &name.any, &size) == 0);
  *port = ntohs(family == AF_INET ? name.four.sin_port : name.six.sin6_port);
  return made;
}

/* A process that has all that we have, but not this socket. */
static pid_t start_other(int without) {
  pid_t child = fork();
  if (child == 0) {
    close(without);
    for (;;)
      pause();
  }
  return child;
}

static void expect_only_ours(sa_family_t family) {
  int port;
  int made = listen_somewhere(family, &port);
  if (made < 0 && family == AF_INET6)
    return; /* a machine without IPv6 */
  cr_assert(made >= 0);
  cr_assert_not(listening_is_not_by(getpid(), port), "our own socket");
  pid_t child = start_other(made);
  cr_assert(child > 0);
  bool is_not = false;
  for (int i = 0; i < 5000 && !is_not; i++) { /* until it has closed the socket */
    is_not = listening_is_not_by(child, port);
    usleep(1000);
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  cr_assert(is_not, "another process does not have it");
  close(made);
  cr_assert(listening_is_not_by(getpid(), port), "nobody listens any more");
}

Test(listening, is_not_by_a_process_without_the_socket) {
  expect_only_ours(AF_INET);
  expect_only_ours(AF_INET6);
}

Test(listening, says_nothing_of_a_process_that_it_cannot_see) {
  int port;
  int made = listen_somewhere(AF_INET, &port);
  cr_assert(made >= 0);
  cr_assert_not(listening_is_not_by(0x3fffffff, port), "there is no such process");
  close(made);
}
